package run

import (
	"encoding/json"
	"time"
)

// The kinds of event this package folds. Event.Run names the run, Event.Subject the step.
const (
	RunStarted    = "run.started"
	RunWasHeld    = "run.held"
	RunReleased   = "run.released"
	RunPaused     = "run.paused"
	RunResumed    = "run.resumed"
	RunEnded      = "run.ended"
	StepStarted   = "step.started"   // the intent: durable before its effect
	StepLaunched  = "step.launched"  // the process behind a running command
	StepVerifying = "step.verifying" // said to be done; its checks are asked
	StepFinished  = "step.finished"
	StepUncertain = "step.uncertain"
	StepRetried   = "step.retried"
	StepWasHeld   = "step.held" // by a person: it may not start before it is released
	StepReleased  = "step.released"
	StepChanged   = "step.changed" // planned otherwise: its duration, its owner
	StepFlagged   = "step.flagged" // something is wrong with it
	StepCleared   = "step.cleared" // no more
	StepNoted     = "step.noted"
	StepAdded     = "step.added" // put into a run that is under way
)

// Kinds lists every kind of event this package folds.
func Kinds() []string {
	return []string{RunStarted, RunWasHeld, RunReleased, RunPaused, RunResumed, RunEnded,
		StepStarted, StepLaunched, StepVerifying, StepFinished, StepUncertain, StepRetried, StepWasHeld, StepReleased,
		StepChanged, StepFlagged, StepCleared, StepNoted, StepAdded,
		StepContradicted, StepAgrees, StepContradictionAccepted}
}

// Started is the body of run.started. It carries what the fold needs of the runbook, so that a journal is read without its plan.
type Started struct {
	Runbook     string    `json:"runbook"`
	BackOut     string    `json:"back_out,omitempty"` // the runbook that undoes it
	Undoes      string    `json:"undoes,omitempty"`   // the run this one backs out
	Reason      string    `json:"reason,omitempty"`   // why somebody backs out
	Environment string    `json:"environment"`
	Production  bool      `json:"production,omitempty"`
	Rehearsal   bool      `json:"rehearsal,omitempty"`
	Speed       float64   `json:"speed,omitempty"` // 0 = 1: waits are not shortened
	PlanHash    string    `json:"plan_hash"`
	Milestone   string    `json:"milestone,omitempty"` // whose beginning started it
	Parent      string    `json:"parent,omitempty"`    // the run one of whose steps it is
	ParentStep  string    `json:"parent_step,omitempty"`
	Steps       []StepDef `json:"steps"`

	Parameters map[string]string `json:"parameters,omitempty"` // every one that the runbook has
}

// StepDef is what a step is, as far as facts depend on it.
type StepDef struct {
	ID          string        `json:"id"`
	Kind        string        `json:"kind"`
	Owner       string        `json:"owner,omitempty"`
	Stream      string        `json:"stream,omitempty"`
	Area        string        `json:"area,omitempty"`
	Takes       time.Duration `json:"takes,omitempty"`
	Changes     bool          `json:"changes,omitempty"` // doing it changes something outside skift
	Repeatable  bool          `json:"repeatable,omitempty"`
	MayContinue bool          `json:"may_continue,omitempty"` // its failure does not hold the run
	NoReturn    bool          `json:"point_of_no_return,omitempty"`
	Switches    []string      `json:"switches,omitempty"`
	Closes      []string      `json:"closes,omitempty"`
	Reverts     []string      `json:"reverts,omitempty"` // services whose phase its done moves back to before
	AfterGate   string        `json:"after_gate,omitempty"`
}

// Ended is the body of run.held, run.released and run.ended. State is the end of a run.ended; held in a run.released says that
// only the hold of a person is gone, and something else holds the run still.
type Ended struct {
	State  State  `json:"state,omitempty"`
	Reason string `json:"reason,omitempty"`
	Step   string `json:"step,omitempty"`
	Gate   string `json:"gate,omitempty"`
}

// Begun is the body of step.started.
type Begun struct {
	State     StepState  `json:"state"` // running or waiting-for-person
	Attempt   int        `json:"attempt"`
	Simulated bool       `json:"simulated,omitempty"` // asked and timed, nothing executed
	DueAt     *time.Time `json:"due_at,omitempty"`    // wait steps
	Services  []string   `json:"services,omitempty"`  // those of its services the go covers
	Child     string     `json:"child,omitempty"`     // run of a nested runbook
	Owner     string     `json:"owner,omitempty"`     // who it was given to, when that is not the plan's
}

// Launched is the body of step.launched.
type Launched struct {
	Attempt   int    `json:"attempt"`
	PID       int    `json:"pid"`
	StartedAt string `json:"started_at"`
}

// Finished is the body of step.verifying, step.finished, step.uncertain, step.retried, step.held and step.released.
type Finished struct {
	State   StepState         `json:"state,omitempty"`
	Attempt int               `json:"attempt"`
	Reason  string            `json:"reason,omitempty"`
	Facts   map[string]string `json:"facts,omitempty"`
	Output  string            `json:"output,omitempty"`   // name of the captured output in the data directory
	SHA256  string            `json:"sha256,omitempty"`   // of that output
	AgainAt *time.Time        `json:"again_at,omitempty"` // step.retried: before then it is not begun again
}

// Body encodes an event's body. It panics on values that have no JSON form, which none of the bodies here are.
func Body(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("run: body without a JSON form: " + err.Error())
	}
	return b
}
