package runner_test

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/runbooks"
)

// checkJournal reads the journal as somebody who trusts nothing: it shares no code with the engine but the shapes of bodies.
func (w *world) checkJournal() {
	w.t.Helper()
	events := w.events()
	for _, problem := range invariants(events, w.shelf) {
		w.t.Errorf("invariant: %s", problem)
	}
	for _, reply := range w.acked {
		if reply.Event > int64(len(events)) {
			w.t.Errorf("event %d was acknowledged (%s) and is not in the journal of %d", reply.Event, reply.Message, len(events))
		}
	}
	again := &ledger.Facts{}
	for _, e := range events {
		if err := errorsOf(again.Runs.Apply(e), again.Register.Apply(e)); err != nil {
			w.t.Errorf("fold: %v", err)
		}
	}
	w.facts(func(f *ledger.Facts) {
		if d := cmp.Diff(dump(w.t, again.Runs), dump(w.t, f.Runs)); d != "" {
			w.t.Errorf("the process knew other facts than the journal tells (-journal +process):\n%s", d)
		}
	})
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func dump(t interface{ Fatal(...any) }, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// seen is what the checker knows of one run.
type seen struct {
	started run.Started
	state   map[string]string // last thing said of each step: started, done, skipped, failed …
	starts  map[string]int
	retried map[string]bool // a retry stands since the last start
	def     map[string]run.StepDef
	held    bool
	ended   bool
	used    map[string]bool     // gates gone through
	paused  map[string]bool     // streams, "" = all
	before  map[string][]string // needs that came with steps that were added
	moving  map[string]string
}

// invariants lists what must never be in a journal and is.
func invariants(events []journal.Event, plans shelf) (problems []string) {
	runs := map[string]*seen{}
	goes := map[string]string{} // gate/run → last decision
	bad := func(e journal.Event, format string, a ...any) {
		problems = append(problems, fmt.Sprintf("event %d %s %s/%s: ", e.Seq, e.Kind, e.Run, e.Subject)+fmt.Sprintf(format, a...))
	}
	for i, e := range events {
		if e.Seq != int64(i+1) {
			bad(e, "number %d at place %d", e.Seq, i+1)
		}
		switch e.Kind {
		case register.GateDecided:
			var b register.Decided
			mustRead(e, &b)
			goes[e.Subject+"/"+e.Run] = string(b.Decision)
			continue
		case register.GateOpened:
			goes[e.Subject+"/"+e.Run] = ""
			continue
		case run.RunStarted:
			s := &seen{state: map[string]string{}, starts: map[string]int{}, retried: map[string]bool{}, def: map[string]run.StepDef{}, used: map[string]bool{}, paused: map[string]bool{}, before: map[string][]string{}, moving: map[string]string{}}
			mustRead(e, &s.started)
			for _, d := range s.started.Steps {
				s.def[d.ID] = d
			}
			runs[e.Run] = s
			continue
		}
		s := runs[e.Run]
		if s == nil {
			continue
		}
		if s.ended && e.Kind != register.PhaseMoved {
			bad(e, "after the end of the run")
		}
		switch e.Kind {
		case register.GateUsed:
			if goes[e.Subject+"/"] != "go" {
				bad(e, "a run went through a gate that said %q", goes[e.Subject+"/"])
			}
			s.used[e.Subject] = true
		case register.PhaseMoved:
			s.checkPhase(e, bad)
		case run.RunWasHeld:
			s.held = true
		case run.RunReleased:
			var b run.Ended
			mustRead(e, &b)
			s.held = b.State == "held" // a person lets it go, something else holds it still
		case run.RunPaused, run.RunResumed:
			var b run.Pausing
			mustRead(e, &b)
			s.paused[b.Stream] = e.Kind == run.RunPaused
		case run.StepAdded:
			var b run.Added
			mustRead(e, &b)
			s.def[e.Subject], s.before[e.Subject] = b.Step, b.Needs
			for _, id := range b.Before {
				s.before[id] = append(s.before[id], e.Subject)
			}
		case run.StepWasHeld:
			s.state[e.Subject] = "held"
		case run.StepReleased:
			s.state[e.Subject] = "waiting"
		case run.RunEnded:
			s.ended = true
		case run.StepStarted:
			s.checkStart(e, plans[s.started.PlanHash], goes, bad)
		case run.StepRetried:
			s.retried[e.Subject] = true
			s.state[e.Subject] = "waiting"
		case run.StepFinished:
			var b run.Finished
			mustRead(e, &b)
			s.state[e.Subject] = string(b.State)
		case run.StepUncertain:
			s.state[e.Subject] = "uncertain"
		}
	}
	return problems
}

// checkStart: a step starts when its needs are done or skipped, its gate said go, its run is not held, and, when it may not
// be done twice, only once unless somebody asked for it.
func (s *seen) checkStart(e journal.Event, p *plan.Plan, goes map[string]string, bad func(journal.Event, string, ...any)) {
	var b run.Begun
	mustRead(e, &b)
	again := s.state[e.Subject] == "started"
	step, def := p.Runbooks[s.started.Runbook].Step(e.Subject), s.def[e.Subject]
	needs := s.before[e.Subject] // what was added before it
	if step == nil {
		step = &runbooks.Step{ID: e.Subject} // added
	}
	for _, need := range append(slices.Clone(needs), step.Needs...) {
		if s.state[need] != "done" && s.state[need] != "skipped" {
			bad(e, "it needs %s, which is %q", need, s.state[need])
		}
	}
	if s.starts[e.Subject] > 0 && !s.retried[e.Subject] && !def.Repeatable {
		bad(e, "a second start of a step that may not be done twice, and nobody asked for it")
	}
	if s.held && !again {
		bad(e, "the run is held")
	}
	if (s.paused[""] || s.paused[step.Stream]) && !again {
		bad(e, "the run, or its stream, is paused")
	}
	if s.state[e.Subject] == "held" {
		bad(e, "somebody holds it")
	}
	if step.AfterGate != "" {
		if s.started.Rehearsal && goes[step.AfterGate+"/"+e.Run] != "go" || !s.started.Rehearsal && !s.used[step.AfterGate] {
			bad(e, "its gate %s did not say go", step.AfterGate)
		}
	}
	if s.started.Rehearsal && s.started.Production && def.Changes && !step.RehearseRun && !b.Simulated {
		bad(e, "a rehearsal in production executes it")
	}
	s.starts[e.Subject]++
	s.retried[e.Subject] = false
	s.state[e.Subject] = "started"
	s.moving[e.Subject] = "switching"
}

// checkPhase: only the start of a switching step, the end of one, the end of a closing step and the end of a back-out step
// move a phase, and never in a rehearsal in production.
func (s *seen) checkPhase(e journal.Event, bad func(journal.Event, string, ...any)) {
	var b register.Moved
	mustRead(e, &b)
	def := s.def[e.Subject]
	if s.started.Rehearsal && s.started.Production {
		bad(e, "a phase moved in a rehearsal in production")
	}
	within := func(services []string) bool {
		for _, x := range b.Services {
			found := false
			for _, y := range services {
				found = found || x == y
			}
			if !found {
				return false
			}
		}
		return true
	}
	ok := false
	switch b.Phase {
	case "switching":
		ok = s.state[e.Subject] == "started" && within(def.Switches)
	case "fallback":
		ok = s.state[e.Subject] == "done" && within(def.Switches)
	case "closed":
		ok = s.state[e.Subject] == "done" && within(def.Closes)
	case "before":
		ok = s.state[e.Subject] == "done" && within(def.Reverts)
	}
	if !ok {
		bad(e, "%v moved to %s while the step is %q", b.Services, b.Phase, s.state[e.Subject])
	}
}

func mustRead(e journal.Event, into any) {
	if err := json.Unmarshal(e.Body, into); err != nil {
		panic(fmt.Sprintf("event %d: %v", e.Seq, err))
	}
}
