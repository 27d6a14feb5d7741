package register

import (
	"fmt"
	"time"

	"skift/internal/journal"
)

// The kinds of event of overrides. Event.Subject names the run.
const (
	OverrideAsked     = "override.asked"
	OverrideConfirmed = "override.confirmed" // by a seat of another party: what was asked for begins with it
)

// Override is the body of override.asked: a run is to be backed out although it has passed a point of no return.
type Override struct {
	Past   string    `json:"past"` // the step that is its point of no return: it is named, so that nobody passes it by mistake
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"` // it lapses
}

// OverrideFacts is an override that was asked for.
type OverrideFacts struct {
	Override
	Run         string
	Seq         int64
	At          time.Time
	Actor       journal.Actor
	ConfirmedAt time.Time // zero = not (yet) confirmed
	ConfirmedBy journal.Actor
}

// Waits reports whether it can still be confirmed.
func (o *OverrideFacts) Waits(now time.Time) bool {
	return o.ConfirmedAt.IsZero() && now.Before(o.Until)
}

// Override returns the override with that event number; nil = there is none.
func (f *Facts) Override(seq int64) *OverrideFacts {
	for _, o := range f.Overrides {
		if o.Seq == seq {
			return o
		}
	}
	return nil
}

func (f *Facts) applyOverrideAsked(e journal.Event, b Override) error {
	f.Overrides = append(f.Overrides, &OverrideFacts{Override: b, Run: e.Subject, Seq: e.Seq, At: e.At, Actor: e.Actor})
	return nil
}

func (f *Facts) applyOverrideConfirmed(e journal.Event, b Confirmed) error {
	o := f.Override(b.Event)
	switch {
	case o == nil || o.Run != e.Subject:
		return fmt.Errorf("event %d asks for no override of %s", b.Event, e.Subject)
	case o.Wish().Second(e.Actor, e.At) != "":
		return fmt.Errorf("no second word for the override of event %d: %s", b.Event, o.Wish().Second(e.Actor, e.At))
	}
	o.ConfirmedAt, o.ConfirmedBy = e.At, e.Actor
	return nil
}
