package register

import (
	"fmt"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/plan"
)

// The kinds of event of waivers. Event.Subject names the zone.
const (
	WaiverAsked     = "waiver.asked"     // by a seat that answers for the zone
	WaiverConfirmed = "waiver.confirmed" // by a seat of another party: it counts from then on
)

// Waiver is the body of waiver.asked: changes of a class may be made although a zone does not allow them. What is left empty limits nothing.
type Waiver struct {
	Class   plan.Class  `json:"class"`             // it covers the classes inside it
	Side    checks.Side `json:"side,omitempty"`    // on one platform
	Service string      `json:"service,omitempty"` // to one service
	Party   string      `json:"party,omitempty"`   // made by one party
	Change  string      `json:"change,omitempty"`  // the one change with this reference
	Reason  string      `json:"reason"`
	Until   time.Time   `json:"until"` // it lapses
}

// WaiverFacts is a waiver that was asked for.
type WaiverFacts struct {
	Waiver
	Zone        string        `json:"zone"`
	Seq         int64         `json:"event"`
	At          time.Time     `json:"at"`
	Actor       journal.Actor `json:"actor"`
	ConfirmedAt time.Time     `json:"confirmed_at,omitzero"` // zero = not (yet) confirmed
	ConfirmedBy journal.Actor `json:"confirmed_by,omitzero"`
}

// InForce reports whether the waiver counts at an instant: confirmed before it, and not lapsed.
func (w *WaiverFacts) InForce(at time.Time) bool {
	return !w.ConfirmedAt.IsZero() && !at.Before(w.ConfirmedAt) && at.Before(w.Until)
}

// Waits reports whether it can still be confirmed.
func (w *WaiverFacts) Waits(now time.Time) bool { return w.ConfirmedAt.IsZero() && now.Before(w.Until) }

// Waiver returns the waiver with that event number; nil = there is none.
func (f *Facts) Waiver(seq int64) *WaiverFacts {
	i := slices.IndexFunc(f.Waivers, func(w *WaiverFacts) bool { return w.Seq == seq })
	if i < 0 {
		return nil
	}
	return f.Waivers[i]
}

func (f *Facts) applyWaiverAsked(e journal.Event, b Waiver) error {
	f.Waivers = append(f.Waivers, &WaiverFacts{Waiver: b, Zone: e.Subject, Seq: e.Seq, At: e.At, Actor: e.Actor})
	return nil
}

func (f *Facts) applyWaiverConfirmed(e journal.Event, b Confirmed) error {
	w := f.Waiver(b.Event)
	switch {
	case w == nil || w.Zone != e.Subject:
		return fmt.Errorf("event %d asks for no waiver in %s", b.Event, e.Subject)
	case w.Wish().Second(e.Actor, e.At) != "":
		return fmt.Errorf("no second word for the waiver of event %d: %s", b.Event, w.Wish().Second(e.Actor, e.At))
	}
	w.ConfirmedAt, w.ConfirmedBy = e.At, e.Actor
	return nil
}
