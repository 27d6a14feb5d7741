package run

import (
	"fmt"
	"slices"

	"skift/internal/journal"
)

// Added is the body of step.added: a step that no plan has, put into a run while it is under way. The plan and its hash stay.
type Added struct {
	Step   StepDef  `json:"step"`
	Name   string   `json:"name,omitempty"`
	Needs  []string `json:"needs,omitempty"`
	Before []string `json:"before,omitempty"` // steps that need it besides what they needed
	Text   string   `json:"text"`             // its YAML: what would stand under steps.ID
	Reason string   `json:"reason"`
}

// Needs are the needs of a step: those its plan gives it, and the steps that were added before it.
func (r *Run) Needs(id string, planned []string) []string {
	out := slices.Clip(planned)
	for _, a := range r.Added {
		if a.Step.ID == id {
			out = a.Needs
		}
	}
	for _, a := range r.Added {
		if slices.Contains(a.Before, id) && !slices.Contains(out, a.Step.ID) {
			out = append(slices.Clip(out), a.Step.ID)
		}
	}
	return out
}

func (r *Run) applyAdded(e journal.Event) error {
	var b Added
	if err := decode(e, &b); err != nil {
		return err
	}
	switch {
	case b.Step.ID == "" || b.Step.ID != e.Subject:
		return fmt.Errorf("the step is called %q", b.Step.ID)
	case r.Steps[b.Step.ID] != nil:
		return fmt.Errorf("there is a step %q", b.Step.ID)
	case b.Step.NoReturn || b.Step.AfterGate != "" || len(b.Step.Switches)+len(b.Step.Closes)+len(b.Step.Reverts) > 0:
		return fmt.Errorf("a step that is added opens no gate, moves no service and is no point of no return")
	}
	for _, id := range b.Needs {
		if r.Steps[id] == nil {
			return fmt.Errorf("it needs %q, which is no step", id)
		}
	}
	for _, id := range b.Before {
		switch s := r.Steps[id]; {
		case s == nil:
			return fmt.Errorf("%q would need it, which is no step", id)
		case s.Attempt > 0 || s.State != Waiting && s.State != Held:
			return fmt.Errorf("%q would need it and has begun", id)
		}
	}
	r.Added = append(r.Added, b)
	r.Steps[b.Step.ID] = &Step{StepDef: b.Step, State: Waiting}
	r.Order = append(r.Order, b.Step.ID)
	return nil
}
