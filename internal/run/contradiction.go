package run

import (
	"fmt"
	"time"

	"skift/internal/journal"
)

// The events of contradictions. None of them changes the state of a step: done stays done.
const (
	StepContradicted          = "step.contradicted"           // it is done, and its checks say otherwise now
	StepAgrees                = "step.agrees"                 // they agree again
	StepContradictionAccepted = "step.contradiction-accepted" // somebody answers for it
)

// Contradicted is the body of the events of contradictions.
type Contradicted struct {
	Attempt int               `json:"attempt"`
	Side    string            `json:"side,omitempty"` // on which its checks are asked; "" = both
	Reason  string            `json:"reason,omitempty"`
	Facts   map[string]string `json:"facts,omitempty"` // findings of the checks
}

// Contradiction is what speaks against a step that is done.
type Contradiction struct {
	Event          int64             `json:"event"` // that says so
	Since          time.Time         `json:"since"`
	Side           string            `json:"side,omitempty"` // on which its checks are asked; missing = both
	Reason         string            `json:"reason"`
	Facts          map[string]string `json:"facts,omitempty"`
	AcceptedAt     time.Time         `json:"accepted_at,omitzero"`
	AcceptedBy     journal.Actor     `json:"accepted_by,omitzero"`
	AcceptedReason string            `json:"accepted_reason,omitempty"`
}

// Open reports whether there is a contradiction that nobody answers for.
func (c *Contradiction) Open() bool { return c != nil && c.AcceptedAt.IsZero() }

func (r *Run) applyContradiction(e journal.Event) error {
	var b Contradicted
	if err := decode(e, &b); err != nil {
		return err
	}
	s := r.Steps[e.Subject]
	if s == nil || s.State != Done || s.Attempt != b.Attempt {
		return fmt.Errorf("no attempt %d that is done", b.Attempt)
	}
	switch {
	case e.Kind == StepContradicted && s.Contradiction == nil:
		s.Contradiction = &Contradiction{Event: e.Seq, Since: e.At, Side: b.Side, Reason: b.Reason, Facts: b.Facts}
	case e.Kind == StepAgrees && s.Contradiction != nil:
		s.Contradiction = nil
	case e.Kind == StepContradictionAccepted && s.Contradiction.Open():
		c := *s.Contradiction
		c.AcceptedAt, c.AcceptedBy, c.AcceptedReason = e.At, e.Actor, b.Reason
		s.Contradiction = &c
	default:
		return fmt.Errorf("nothing new is said of what speaks against it")
	}
	return nil
}
