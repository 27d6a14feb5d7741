// Package run holds the facts of runs: what was started, by whom, how often, how it ended. Facts are a fold of
// journal events and nothing else; one table says which transition of a step is legal, and an event that breaks it is refused.
//
// The package is pure. It knows no clock, decides nothing and starts nothing: what may be started is runner's question,
// which steps are ready is runbooks'. [Facts] is not safe for concurrent use; its owner guards it.
package run

import (
	"fmt"
	"slices"
)

// StepState is where one step of one run stands. The strings are the same in journal, JSON and screens.
type StepState string

// The states of a step. Startable is never stored: it is a waiting step whose needs are met.
const (
	Waiting          StepState = "waiting"
	Startable        StepState = "startable"
	Running          StepState = "running"
	WaitingForPerson StepState = "waiting-for-person"
	Verifying        StepState = "verifying"
	Done             StepState = "done"
	Failed           StepState = "failed"
	Skipped          StepState = "skipped"
	Held             StepState = "held"      // somebody holds it: it does not start before it is released
	Uncertain        StepState = "uncertain" // begun, outcome unknown: waits for a person, is never repeated by itself
	Cancelled        StepState = "cancelled"
)

// Settled reports whether steps that need this one may go on.
func (s StepState) Settled() bool { return s == Done || s == Skipped }

// Open reports whether the step has begun and not ended.
func (s StepState) Open() bool {
	return s == Running || s == WaitingForPerson || s == Verifying || s == Uncertain
}

// State is where a run stands.
type State string

// The states of a run. Held waits for a person; the last five are final.
const (
	RunRunning State = "running"
	RunHeld    State = "held"
	RunDone    State = "done"
	RunFailed  State = "failed" // a person gave it up because of a step
	RunNoGo    State = "no-go"
	RunAborted State = "aborted"
	RunBacked  State = "backed-out"
)

// Final reports whether nothing can happen in the run any more.
func (s State) Final() bool { return s != RunRunning && s != RunHeld }

// Transition is one legal move of a step: in state From, an event of kind Event may lead to To.
type Transition struct {
	From  StepState
	Event string
	To    StepState
}

// Transitions is the one table of legal moves. docs/state-machine.md draws it.
func Transitions() []Transition { return slices.Clone(transitions) }

var transitions = []Transition{
	{Waiting, StepStarted, Running},
	{Waiting, StepStarted, WaitingForPerson},
	{Waiting, StepFinished, Skipped},
	{Waiting, StepFinished, Cancelled},
	{Waiting, StepWasHeld, Held},
	{Held, StepReleased, Waiting},
	{Held, StepFinished, Skipped},
	{Held, StepFinished, Cancelled},
	{Running, StepStarted, Running}, // a repeatable step whose process was lost is begun again
	{Running, StepVerifying, Verifying},
	{Running, StepFinished, Done},
	{Running, StepFinished, Failed},
	{Running, StepFinished, Cancelled},
	{Running, StepUncertain, Uncertain},
	{WaitingForPerson, StepVerifying, Verifying},
	{WaitingForPerson, StepFinished, Done},
	{WaitingForPerson, StepFinished, Failed},
	{WaitingForPerson, StepFinished, Skipped},
	{WaitingForPerson, StepFinished, Cancelled},
	{Verifying, StepVerifying, Verifying}, // verification is asked again after a restart
	{Verifying, StepFinished, Done},
	{Verifying, StepFinished, Failed},
	{Verifying, StepFinished, Cancelled},
	{Uncertain, StepUncertain, Uncertain}, // its checks were asked whether it happened, and cannot tell
	{Uncertain, StepVerifying, Verifying},
	{Uncertain, StepFinished, Done},
	{Uncertain, StepFinished, Failed},
	{Uncertain, StepFinished, Skipped},
	{Uncertain, StepFinished, Cancelled},
	{Uncertain, StepRetried, Waiting},
	{Failed, StepRetried, Waiting},
	{Failed, StepVerifying, Verifying}, // a person says that it is done after all
	{Failed, StepFinished, Done},
	{Failed, StepFinished, Skipped},
	{Failed, StepFinished, Cancelled},
}

// RunTransition is one legal move of a run.
type RunTransition struct {
	From  State
	Event string
	To    State
}

// RunTransitions is the same for runs. Before its first event a run is in no state.
func RunTransitions() []RunTransition { return slices.Clone(runTransitions) }

var runTransitions = []RunTransition{
	{"", RunStarted, RunRunning},
	{RunRunning, RunPaused, RunRunning},
	{RunRunning, RunResumed, RunRunning},
	{RunRunning, RunWasHeld, RunHeld},
	{RunRunning, RunEnded, RunDone},
	{RunRunning, RunEnded, RunFailed},
	{RunRunning, RunEnded, RunNoGo},
	{RunRunning, RunEnded, RunAborted},
	{RunRunning, RunEnded, RunBacked},
	{RunHeld, RunPaused, RunHeld},
	{RunHeld, RunResumed, RunHeld},
	{RunHeld, RunWasHeld, RunHeld},  // a person holds what is held by itself already
	{RunHeld, RunReleased, RunHeld}, // a person lets it go, and something else holds it still
	{RunHeld, RunReleased, RunRunning},
	{RunHeld, RunEnded, RunFailed},
	{RunHeld, RunEnded, RunNoGo},
	{RunHeld, RunEnded, RunAborted},
	{RunHeld, RunEnded, RunBacked},
}

// moves asks the table whether an event may lead a run from one state to another.
func moves(from State, event string, to State) error {
	if !slices.Contains(runTransitions, RunTransition{from, event, to}) {
		return fmt.Errorf("a run that is %s cannot become %q", from, to)
	}
	return nil
}

// Legal reports whether the table has the move.
func Legal(from StepState, event string, to StepState) bool {
	return slices.Contains(transitions, Transition{from, event, to})
}
