package snapshot

import (
	"cmp"
	"slices"
	"time"

	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/run"
)

// Needed is a decision or answer somebody owes.
type Needed struct {
	Kind    string    `json:"kind"`    // one of the Need constants
	Subject string    `json:"subject"` // gate, step, criterion, check or the id of a difference
	Gate    string    `json:"gate,omitempty"`
	Run     string    `json:"run,omitempty"`
	Seat    string    `json:"seat"`
	Person  string    `json:"person,omitempty"`
	By      time.Time `json:"by,omitzero"`
	Event   int64     `json:"event,omitempty"` // confirm: what is to be confirmed; difference: by which it was asked
}

// What can be owed.
const (
	NeedDecision = "gate"    // the deciding seat's go or no-go
	NeedVote     = "vote"    // an answer to a gate's poll
	NeedStep     = "step"    // a step waits for a person
	NeedConfirm  = "confirm" // a second seat for an accepted deviation, or for a back-out past the point of no return
	NeedAttest   = "attest"  // a person's word for a criterion

	NeedDrift = "difference" // a word about what changed in a frozen zone

	NeedContradiction = "contradiction" // a step that is done, and whose checks say otherwise now
)

// needed lists what people owe, what is due first ahead.
func (b *builder) needed(s Snapshot) []Needed {
	out := []Needed{}
	for _, g := range s.Gates {
		if votable(g) {
			out = append(out, b.neededAt(g)...)
		}
	}
	for _, r := range s.Runs {
		backedOut := slices.ContainsFunc(s.Runs, func(o Run) bool { return o.Undoes == r.ID && !o.State.Final() })
		if !backedOut { // else its back-out is what goes on
			out = append(out, b.neededIn(r)...)
		}
	}
	for _, d := range s.Deviations {
		if d.Critical && d.ConfirmedAt.IsZero() {
			seat := b.second(d.Actor)
			out = append(out, Needed{Kind: NeedConfirm, Subject: d.Check, Seat: seat, Person: b.person(seat), By: d.Until, Event: d.Seq})
		}
	}
	out = append(out, b.neededToWaive()...)
	out = append(out, b.neededToGoBack()...)
	out = append(out, b.neededOfOwners(s)...)
	slices.SortStableFunc(out, func(x, y Needed) int {
		if x.By.IsZero() != y.By.IsZero() {
			if x.By.IsZero() {
				return 1
			}
			return -1
		}
		return x.By.Compare(y.By)
	})
	return out
}

// neededToWaive are the exceptions from frozen zones that wait for a second seat.
func (b *builder) neededToWaive() (out []Needed) {
	for _, w := range b.Register.Waivers {
		if w.Waits(b.Now) {
			seat := b.second(w.Actor)
			out = append(out, Needed{Kind: NeedConfirm, Subject: w.Zone, Seat: seat, Person: b.person(seat), By: w.Until, Event: w.Seq})
		}
	}
	return out
}

// neededAt is what a gate that is open waits for.
func (b *builder) neededAt(g Gate) []Needed {
	n := Needed{Kind: NeedDecision, Subject: g.Gate, Gate: g.Gate, Run: g.Run, Seat: g.Decides, Person: b.person(g.Decides), By: g.DecideBy}
	out := []Needed{n}
	if g.State == gate.Due {
		return out // nobody else can answer any more: the deciding seat extends, or it is a no-go
	}
	for _, a := range g.Poll {
		if !answered(a) {
			out = append(out, Needed{Kind: NeedVote, Subject: g.Gate, Gate: g.Gate, Run: g.Run, Seat: a.Seat, Person: b.person(a.Seat), By: g.DecideBy})
		}
	}
	for i, c := range g.Criteria {
		if c.Kind != string(plan.AttestedCriterion) || c.State == gate.Met || !c.Binding {
			continue
		}
		by := b.Plan.Gates[g.Gate].Criteria[i].By
		out = append(out, Needed{Kind: NeedAttest, Subject: c.ID, Gate: g.Gate, Seat: by, Person: b.person(by), By: g.DecideBy})
	}
	return out
}

// neededIn is what a run waits for: steps that a person does, or must say something about.
func (b *builder) neededIn(r Run) []Needed {
	var out []Needed
	if r.State.Final() {
		return nil
	}
	for _, s := range r.Steps {
		seat := cmp.Or(s.Owner, b.contact(""))
		if s.Contradiction.Open() {
			out = append(out, Needed{Kind: NeedContradiction, Subject: s.ID, Run: r.ID, Seat: seat, Person: b.person(seat)})
		}
		late := s.State == run.Held && s.By.Via == journal.ViaEngine
		frozen := r.State == run.RunHeld && r.HeldStep == s.ID && s.State == run.Waiting
		waits := s.State == run.WaitingForPerson || s.State == run.Uncertain || s.State == run.Failed || late || frozen // a failed one keeps a run open that goes on
		if !waits {
			continue
		}
		n := Needed{Kind: NeedStep, Subject: s.ID, Run: r.ID, Seat: seat, Person: b.person(seat)}
		if st := b.Plan.Seats[seat]; st != nil && st.AnswerWithin > 0 && !s.AskedAt.IsZero() {
			n.By = s.AskedAt.Add(st.AnswerWithin)
		}
		if takes := s.Takes; n.By.IsZero() && takes > 0 && !s.AskedAt.IsZero() && s.State == run.WaitingForPerson {
			n.By = s.AskedAt.Add(takes)
		}
		out = append(out, n)
	}
	return out
}

// neededToGoBack is who may be the second to want a run backed out past its point of no return.
func (b *builder) neededToGoBack() (out []Needed) {
	for _, o := range b.Register.Overrides {
		r := b.Runs.Runs[o.Run]
		if !o.Waits(b.Now) || r == nil || r.State == run.RunBacked {
			continue
		}
		seat := b.second(o.Actor)
		out = append(out, Needed{Kind: NeedConfirm, Subject: o.Past, Run: o.Run, Seat: seat, Person: b.person(seat), By: o.Until, Event: o.Seq})
	}
	return out
}

// second is a seat that may confirm what somebody did: one of another party, the customer's if there is one, else of the first party
// that has a seat.
func (b *builder) second(first journal.Actor) string {
	mine := plan.SeatParty(first.Seat)
	if seat := b.contact(mine); seat != "" {
		return seat
	}
	for _, id := range b.Plan.SeatIDs {
		if plan.SeatParty(id) != mine {
			return id
		}
	}
	return ""
}
