package snapshot

import (
	"slices"
	"time"

	"skift/internal/plan"
	"skift/internal/yamldoc"
)

// Meeting is one date of a series of meetings.
type Meeting struct {
	ID        string       `json:"id"`
	Title     yamldoc.Text `json:"title"`
	Place     string       `json:"place,omitempty"`
	From      time.Time    `json:"from"`
	Until     time.Time    `json:"until"`
	Cancelled bool         `json:"cancelled,omitempty"`
	Note      string       `json:"note,omitempty"`
}

// Meetings lists those of a plan that are not over and begin before an instant, soonest first; those that a party takes part in, of
// the customer ("") all.
func Meetings(p *plan.Plan, party string, now, before time.Time) (out []Meeting) {
	for _, m := range p.Meetings {
		if m.Until.After(now) && m.From.Before(before) && (party == "" || p.Belongs(party, m.Parties)) {
			out = append(out, Meeting{m.ID, m.Title, m.Place, m.From, m.Until, m.Cancelled, m.Note})
		}
	}
	slices.SortStableFunc(out, func(a, b Meeting) int { return a.From.Compare(b.From) })
	return out
}

// reduceWaves drops what is of a wave that the viewer is not in.
func (b *builder) reduceWaves(s *Snapshot) {
	other := func(wave string) bool { return !b.Plan.SeesWave(b.Viewer, wave) }
	milestone := func(id string) bool { m := b.Plan.Milestones[id]; return m != nil && other(m.Wave) }
	gate := func(id string) bool { g := b.Plan.Gates[id]; return g != nil && other(g.Wave) }
	s.Milestones = keep(s.Milestones, func(m Milestone) bool { return !milestone(m.ID) })
	s.Zones = keep(s.Zones, func(z Zone) bool { return !milestone(z.ID) })
	s.Next = keep(s.Next, func(h Happening) bool { return !milestone(h.Milestone) })
	s.Gates = keep(s.Gates, func(g Gate) bool { return !gate(g.Judgement.Gate) })
	s.Decisions = keep(s.Decisions, func(d Decision) bool { return !gate(d.Gate) })
	s.Status.Reasons = keep(s.Status.Reasons, func(r Reason) bool { return !milestone(r.Subject) && !gate(r.Subject) })
	s.Runs = keep(s.Runs, func(r Run) bool {
		rn := b.Runs.Runs[r.ID]
		return rn == nil || !milestone(rn.Started.Milestone)
	})
	for id := range b.Plan.Milestones {
		if milestone(id) {
			delete(s.Titles, "milestone/"+id)
		}
	}
	for id := range b.Plan.Gates {
		if gate(id) {
			delete(s.Titles, "gate/"+id)
		}
	}
}
