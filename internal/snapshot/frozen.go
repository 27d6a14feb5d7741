package snapshot

import (
	"cmp"

	"skift/internal/freeze"
	"skift/internal/journal"
	"skift/internal/register"
)

// Difference is what changed in a frozen zone, by a name that needs no other package.
type Difference = freeze.Drift

// drifts lists what changed in frozen zones.
func (b *builder) drifts() []freeze.Drift {
	return append([]freeze.Drift{}, freeze.Drifts(b.Plan, b.Register, b.Latest, b.Now)...)
}

// neededOfOwners are the differences in frozen zones that wait for a word of their owner; of one without a seat, of the customer.
func (b *builder) neededOfOwners(s Snapshot) (out []Needed) {
	for _, d := range s.Drifts {
		if d.Open() {
			seat := cmp.Or(d.Seat, b.contact(""))
			out = append(out, Needed{Kind: NeedDrift, Subject: d.ID, Seat: seat, Person: b.person(seat), By: d.By, Event: d.Event})
		}
	}
	return out
}

// whyDrift: what an owner should have answered by now is a risk, and so is what a person called a breach while its zone is in force.
func (b *builder) whyDrift(s Snapshot) (out []Reason) {
	at := map[[2]string]int{}
	for _, d := range s.Drifts {
		code := ""
		switch {
		case d.Overdue(b.Now):
			code = WhyDrift
		case d.Answer != nil && d.Answer.Word == register.Breach:
			code = WhyBreach
		default:
			continue
		}
		key := [2]string{code, d.Owner}
		i, known := at[key]
		if !known {
			i = len(out)
			at[key] = i
			out = append(out, Reason{Code: code, Light: register.Yellow, Subject: d.Zone, Owner: d.Owner})
		}
		out[i].Count++
	}
	return out
}

// reduceDrifts leaves a viewer what it is asked itself.
func (b *builder) reduceDrifts(s *Snapshot) {
	s.Drifts = keep(s.Drifts, func(d freeze.Drift) bool { return b.owns(d.Owner) })
	for i, d := range s.Drifts {
		if d.Answer == nil || b.ownSeat(d.Answer.Actor.Seat) {
			continue
		}
		answer := *d.Answer
		answer.Reason, answer.Actor = "", journal.Actor{Seat: answer.Actor.Seat}
		s.Drifts[i].Answer = &answer
	}
}
