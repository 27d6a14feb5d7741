package snapshot

import (
	"math"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
)

// zoneHorizon is how far ahead zones are announced.
const zoneHorizon = 14 * 24 * time.Hour

// week is the distance to "last week".
const week = 7 * 24 * time.Hour

// manyNext is how many beginnings and ends to come are listed.
const manyNext = 20

// Shifted is a date that two revisions of a plan have differently.
type Shifted struct {
	Kind string `json:"kind"` // milestone or gate
	ID   string `json:"id"`
	Edge string `json:"edge"` // start, end, opens or decide_by
	Was  Date   `json:"was"`
	Is   Date   `json:"is"`
}

// Shifts lists the dates that are others in the second of two revisions.
func Shifts(before, after *timeline.Timeline) []Shifted {
	out := []Shifted{}
	for _, d := range after.Shifts(before) {
		out = append(out, Shifted{Kind: d.Kind, ID: d.ID, Edge: string(d.Edge), Was: date(d.Was), Is: date(d.At)})
	}
	return out
}

// DateOf is a date as it is shown.
func DateOf(i timeline.Instant) Date { return date(i) }

func date(i timeline.Instant) Date {
	return Date{At: i.At, Earliest: i.Earliest, Latest: i.Latest, Certainty: i.Certainty, Assumed: i.Assumed, Text: i.Text}
}

// slipDays is the slip in whole days, nearest to what it is.
func slipDays(m *timeline.Milestone, now time.Time) int {
	slip, _ := m.Slip(now)
	return int(math.Round(slip.Hours() / 24))
}

func (b *builder) milestones() []Milestone {
	ago := b.Now.Add(-week)
	before := b.then(ago)
	out := []Milestone{}
	for _, m := range b.tl.Milestones {
		line := Milestone{
			ID: m.ID, Title: m.Title, Kind: string(m.Kind), Owner: m.Owner, State: m.State,
			Start: date(m.Start), End: date(m.End), WasStart: date(m.OriginalStart), WasEnd: date(m.OriginalEnd),
			SlipDays: slipDays(m, b.Now), StartedAt: m.StartedAt, PassedAt: m.PassedAt, Kept: m.Kept(b.tl.Calendar()), Exit: m.Exit, Runbook: m.Runbook,
			Allow: classes(m.Allow), Wave: m.Wave, Moves: moves(m.Milestone),
		}
		line.SlipLastWeek = line.SlipDays
		if was := before.Milestone(m.ID); was != nil {
			line.LastWeek, line.SlipLastWeek = date(was.End), slipDays(was, ago)
		}
		out = append(out, line)
	}
	return out
}

// StateKey is the word of the catalogue for where the milestone stands: one that was passed says whether that was early or late.
func (m Milestone) StateKey() string {
	if m.State == timeline.Passed && m.Kept != "" {
		return "milestone.passed." + string(m.Kept)
	}
	return "milestone." + string(m.State)
}

func moves(m *plan.Milestone) (out []Move) {
	for _, w := range m.Was {
		out = append(out, Move{At: w.Moved.At, By: w.By, Reason: w.Reason, From: w.From.Text, Until: w.Until.Text})
	}
	return out
}

// then is the plan at an earlier instant: by the revision that was in use, where the journal says which and it is kept; else by the
// dates that the plan says it had then.
func (b *builder) then(at time.Time) *timeline.Timeline {
	p, hash := b.Plan.AsOf(at), b.Register.RevisionAt(at)
	switch {
	case hash == b.Plan.Hash:
		p = b.Plan
	case hash != "" && b.Bound != nil:
		if used := b.Bound(hash); used != nil {
			p = used
		}
	}
	return timeline.At(p, b.before(at), at)
}

// before is what dates depended on at an earlier instant. Facts keep when each thing happened; what was reopened since is
// not known to have been passed then, and is taken as not passed.
func (b *builder) before(at time.Time) *register.Facts {
	f := b.Register.Dates()
	for _, m := range f.Milestones {
		for _, t := range []*time.Time{&m.StartedAt, &m.PassedAt, &m.ReopenedAt, &m.DatedAt} {
			if t.After(at) {
				*t = time.Time{}
			}
		}
	}
	return f
}

func classes(allow []plan.Class) []string {
	var out []string
	for _, c := range allow {
		out = append(out, string(c))
	}
	return out
}

// zones lists those in force, then those that begin soon.
// Zones lists every zone of the plan, in its order, also those that are over or begin later.
func Zones(in In) []Zone {
	b := newBuilder(in)
	out := []Zone{}
	inForce := b.tl.Zones(b.Now)
	for _, m := range b.tl.Milestones {
		if m.Kind == plan.Zone {
			now := slices.ContainsFunc(inForce, func(z timeline.InForce) bool { return z.ID == m.ID })
			out = append(out, b.zone(timeline.InForce{Milestone: m.Milestone, Until: m.End, MayLift: b.tl.MayLift(m.ID)}, now))
		}
	}
	return out
}

func (b *builder) zones() []Zone {
	out := []Zone{}
	inForce := b.tl.Zones(b.Now)
	for _, z := range inForce {
		out = append(out, b.zone(z, true))
	}
	for _, m := range b.tl.Milestones {
		known := slices.ContainsFunc(inForce, func(z timeline.InForce) bool { return z.ID == m.ID })
		if m.Kind != plan.Zone || known || !m.Start.At.After(b.Now) || m.Start.At.Sub(b.Now) > zoneHorizon {
			continue
		}
		for _, z := range b.tl.Zones(m.Start.At) {
			if z.ID == m.ID {
				out = append(out, b.zone(z, false))
			}
		}
	}
	return out
}

func (b *builder) zone(z timeline.InForce, inForce bool) Zone {
	out := Zone{ID: z.ID, Title: z.Title, InForce: inForce, Until: date(z.Until), Allow: classes(z.Allow), MayLift: z.MayLift,
		Services: z.Services, Parties: z.Parties, Hard: z.Hard, InFlight: string(z.InFlight)}
	if m := b.tl.Milestone(z.ID); m != nil {
		out.From = date(m.Start)
	}
	for _, side := range checks.Sides() {
		if z.Binds(side) {
			out.Sides = append(out.Sides, string(side))
		}
	}
	return out
}

func (b *builder) next() []Happening {
	out := []Happening{}
	for _, h := range b.tl.Next(manyNext) {
		out = append(out, Happening{h.Milestone.ID, h.Milestone.Title, h.Edge, date(h.When)})
	}
	return out
}
