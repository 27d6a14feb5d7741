package timeline

import (
	"slices"
	"time"

	"skift/internal/plan"
)

// Dated is one date of a plan by what it belongs to: the start or end of a milestone, or when a gate opens and is to be decided by.
type Dated struct {
	Kind string // milestone or gate
	ID   string
	Edge Edge
	When plan.When // as written; zero = not at all
	At   Instant
}

// The kinds of what a date belongs to, and the edges of a gate.
const (
	OfMilestone      = "milestone"
	OfGate           = "gate"
	Opens       Edge = "opens"
	DecideBy    Edge = "decide_by"
)

// key tells dates of two revisions apart by what they belong to.
func (d Dated) key() [3]string { return [3]string{d.Kind, d.ID, string(d.Edge)} }

// Dates lists every date of milestones and gates, in the plan's order. What is one day has one date.
func (t *Timeline) Dates() []Dated {
	var out []Dated
	for _, m := range t.Milestones {
		out = append(out, Dated{OfMilestone, m.ID, Begin, m.From, m.Start})
		if m.Kind != plan.Release && m.Kind != plan.Point && m.From != m.Until {
			out = append(out, Dated{OfMilestone, m.ID, Finish, m.Until, m.End})
		}
	}
	for _, id := range t.plan.GateIDs {
		g := t.plan.Gates[id]
		if !g.Opens.IsZero() {
			out = append(out, Dated{OfGate, id, Opens, g.Opens, t.now.when(g.Opens, Begin)})
		}
		if !g.DecideBy.IsZero() {
			out = append(out, Dated{OfGate, id, DecideBy, g.DecideBy, t.now.when(g.DecideBy, Finish)})
		}
	}
	return out
}

// Shift is a date that two revisions of a plan have differently.
type Shift struct {
	Dated         // as it is now
	Was   Instant // as it was
}

// Shifts lists the dates that are others in t than in before, in the plan's order. What one of them does not have is left out.
func (t *Timeline) Shifts(before *Timeline) []Shift {
	was := map[[3]string]Dated{}
	for _, d := range before.Dates() {
		was[d.key()] = d
	}
	var out []Shift
	for _, d := range t.Dates() {
		if o, ok := was[d.key()]; ok && !same(o.At, d.At) {
			out = append(out, Shift{d, o.At})
		}
	}
	return out
}

func same(a, b Instant) bool {
	return a.At.Equal(b.At) && a.Latest.Equal(b.Latest) && (a.Certainty == b.Certainty || a.At.IsZero())
}

// Overtaken is a date that stayed where it was while a milestone was moved past it.
type Overtaken struct {
	Dated
	Before bool // it lies before the milestone now, and lay after it
}

// Overtaken lists the dates that do not hang on the milestone and stand on its other side now: beginnings by its beginning, ends by its
// end. One is told of each; what has passed is past.
func (t *Timeline) Overtaken(before *Timeline, id string) []Overtaken {
	return t.overtaken(before, before.Milestone(id), t.Milestone(id))
}

// Between is the same where a window was split: the dates of their own, which hang on nothing, that lay behind the first and lie before the
// second now.
func (t *Timeline) Between(before *Timeline, first, second string) []Overtaken {
	return slices.DeleteFunc(t.overtaken(before, before.Milestone(first), t.Milestone(second)), func(o Overtaken) bool {
		return o.ID == first || o.When.Ref.Milestone != ""
	})
}

func (t *Timeline) overtaken(before *Timeline, was, is *Milestone) []Overtaken {
	if was == nil || is == nil {
		return nil
	}
	shifted := map[[3]string]bool{}
	for _, s := range t.Shifts(before) {
		shifted[s.key()] = true
	}
	var out []Overtaken
	for _, d := range t.Dates() {
		if d.ID == is.ID || shifted[d.key()] || d.At.At.IsZero() || t.over(d) {
			continue
		}
		from, to := was.Start.At, is.Start.At
		if d.Edge == Finish || d.Edge == DecideBy {
			from, to = was.End.At, is.End.At
		}
		after, still := !d.At.At.Before(from), !d.At.At.Before(to)
		told := slices.ContainsFunc(out, func(o Overtaken) bool { return o.Kind == d.Kind && o.ID == d.ID })
		if after != still && !told {
			out = append(out, Overtaken{d, after})
		}
	}
	return out
}

// over reports whether a date speaks of what has passed, or of a gate that was decided and gone through.
func (t *Timeline) over(d Dated) bool {
	if m := t.byID[d.ID]; d.Kind == OfMilestone && m != nil {
		return m.State == Passed || m.State == Missed || d.Edge == Begin && !m.StartedAt.IsZero()
	}
	return false
}

// Objections lists what speaks against holding a milestone on its dates: holidays, half days and clock changes in it.
func (t *Timeline) Objections(id string) []Problem {
	m := t.byID[id]
	if m == nil || !m.Start.Known() || !m.End.At.After(m.Start.At) {
		return nil
	}
	days := 1
	for day := t.cal.AddDays(t.cal.Day(m.Start.At), 1); day.Before(m.End.At) && days < mostDays; day = t.cal.AddDays(day, 1) {
		days++
	}
	return t.cal.objections(t.cal.Day(m.Start.At), days)
}

// mostDays bounds what is looked at day by day: a window is a few days.
const mostDays = 31

// AskedFrom is the earliest that what a gate passes can pass by it: when it opens, or else when the window of the runbook that asks it begins; of
// several windows the last, for what each of them asks has passed with the last. Zero = nobody can say.
func (t *Timeline) AskedFrom(g *plan.Gate) time.Time {
	last, dated := t.OpensAt(g.Opens)
	if dated = dated && !g.Opens.IsZero(); !dated {
		last = time.Time{}
	}
	for _, m := range t.Milestones {
		if !t.plan.InEarnest(m.Milestone) || !t.plan.Asks(m.Runbook, g.ID) {
			continue
		}
		from, opens := m.Start.At, g.Opens
		if dated && opens.Ref.Milestone != t.plan.Runbooks[m.Runbook].Window {
			continue // it opens on a date that is no window's own
		}
		if dated {
			opens.Ref.Milestone = m.ID
			from, _ = t.OpensAt(opens)
		}
		if from.After(last) {
			last = from
		}
	}
	return last
}
