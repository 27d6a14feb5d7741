package register

import (
	"time"

	"skift/internal/journal"
	"skift/internal/plan"
)

// Wish is what one seat asked for and what counts only once a second seat confirms it: a waiver, an override, an accepted deviation.
type Wish struct {
	Seq         int64
	By          journal.Actor
	Until       time.Time // it lapses
	ConfirmedAt time.Time // zero = not (yet) confirmed
}

// NotSecond says why somebody's word is no second one; "" = it is.
type NotSecond string

// The reasons, in the order in which they are looked for.
const (
	NoSeat     NotSecond = "no-seat"     // nobody says which seat it is
	Twice      NotSecond = "confirmed"   // it was confirmed before
	Lapsed     NotSecond = "lapsed"      // what was asked for is over
	SameParty  NotSecond = "same-party"  // both seats are of one party
	SamePerson NotSecond = "same-person" // one person is one voice, whatever seats they sit in
)

// Second is the one rule of second words: by whom, and until when.
func (w Wish) Second(who journal.Actor, at time.Time) NotSecond {
	switch {
	case who.Seat == "":
		return NoSeat
	case !w.ConfirmedAt.IsZero():
		return Twice
	case !at.Before(w.Until):
		return Lapsed
	case plan.SeatParty(who.Seat) == plan.SeatParty(w.By.Seat):
		return SameParty
	case who.Voice() == w.By.Voice():
		return SamePerson
	}
	return ""
}

// Wish is what the waiver asks of a second seat.
func (w *WaiverFacts) Wish() Wish { return Wish{w.Seq, w.Actor, w.Until, w.ConfirmedAt} }

// Wish is what the override asks of a second seat.
func (o *OverrideFacts) Wish() Wish { return Wish{o.Seq, o.Actor, o.Until, o.ConfirmedAt} }

// Wish is what the deviation asks of a second seat.
func (d *Deviation) Wish() Wish { return Wish{d.Seq, d.Actor, d.Until, d.ConfirmedAt} }
