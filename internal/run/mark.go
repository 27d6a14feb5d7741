package run

import (
	"fmt"
	"slices"
	"time"

	"skift/internal/journal"
)

// Changed is the body of step.changed: what of a step is planned otherwise from now on. The plan itself stays as it is.
type Changed struct {
	Takes  time.Duration `json:"takes,omitempty"` // 0 = as before
	Owner  string        `json:"owner,omitempty"` // "" = as before
	Reason string        `json:"reason"`
}

// Noted is the body of step.noted.
type Noted struct {
	Text   string `json:"text"`
	File   string `json:"file,omitempty"` // name of the attachment in the data directory
	SHA256 string `json:"sha256,omitempty"`
}

// Flagged is the body of step.flagged and step.cleared.
type Flagged struct {
	Reason string        `json:"reason"`
	Fix    time.Duration `json:"fix,omitempty"` // how long it takes to fix; 0 = nobody knows
}

// Note is what somebody wrote down about a step.
type Note struct {
	Noted
	Seq   int64
	At    time.Time
	Actor journal.Actor
}

// Issue is what is wrong with a step, as somebody flagged it.
type Issue struct {
	Text  string
	Fix   time.Duration // estimated time to fix, counted from At; 0 = not estimated
	Seq   int64
	At    time.Time
	Actor journal.Actor
}

// unended are the states in which a step can still be planned otherwise.
var unended = []StepState{Waiting, Held, Running, WaitingForPerson, Verifying, Failed, Uncertain}

// marks lists the events that leave a step in the state it is in, and the states in which they are legal.
var marks = map[string][]StepState{
	StepChanged: unended,
	StepFlagged: unended,
	StepCleared: append(slices.Clone(unended), Done, Skipped),
	StepNoted:   append(slices.Clone(unended), Done, Skipped, Cancelled),
}

// Marks gives the states in which an event of that kind, which moves no step, may be about one. docs/state-machine.md lists them.
func Marks(kind string) []StepState { return slices.Clone(marks[kind]) }

// Marked lists the kinds of event that move no step.
func Marked() []string { return []string{StepChanged, StepFlagged, StepCleared, StepNoted} }

// mark finds the step of e and asks whether it may be marked so.
func (r *Run) mark(e journal.Event, body any) (*Step, error) {
	if err := decode(e, body); err != nil {
		return nil, err
	}
	s := r.Steps[e.Subject]
	switch {
	case s == nil:
		return nil, fmt.Errorf("no step %q", e.Subject)
	case !slices.Contains(marks[e.Kind], s.State):
		return nil, fmt.Errorf("a step that is %s does not take it", s.State)
	}
	return s, nil
}

func (r *Run) applyChanged(e journal.Event) error {
	var b Changed
	s, err := r.mark(e, &b)
	switch {
	case err != nil:
		return err
	case b.Takes < 0:
		return fmt.Errorf("a step cannot take %s", b.Takes)
	}
	if b.Takes > 0 {
		s.Takes = b.Takes
	}
	if b.Owner != "" {
		s.Owner = b.Owner
	}
	return nil
}

func (r *Run) applyNoted(e journal.Event) error {
	var b Noted
	s, err := r.mark(e, &b)
	if err != nil {
		return err
	}
	s.Notes = append(s.Notes, Note{b, e.Seq, e.At, e.Actor})
	return nil
}

func (r *Run) applyFlagged(e journal.Event) error {
	var b Flagged
	s, err := r.mark(e, &b)
	switch {
	case err != nil:
		return err
	case b.Fix < 0:
		return fmt.Errorf("a fix cannot take %s", b.Fix)
	case e.Kind == StepFlagged:
		s.Issue = &Issue{b.Reason, b.Fix, e.Seq, e.At, e.Actor}
	case s.Issue == nil:
		return fmt.Errorf("no issue is flagged")
	default:
		s.Issue = nil
	}
	return nil
}
