// Package timeline says when: it resolves every date of a plan against the facts and an instant, says which milestones are
// active, late or missed, which zones are in force, which slots a schedule has, and what comes next.
//
// It is pure: the same plan, facts and instant give the same timeline in every process. It knows no clock, starts nothing and
// stores nothing; what was started or passed are facts of package register. A [Timeline] is immutable and safe for
// concurrent use; it is cheap and made anew whenever facts change or time goes on.
package timeline

import (
	"slices"
	"time"

	"skift/internal/plan"
	"skift/internal/register"
)

// State is where a milestone stands.
type State string

// The states of a milestone.
const (
	Unset    State = "unset"    // it has no date yet
	Upcoming State = "upcoming" // its beginning has not come
	Active   State = "active"
	Passed   State = "passed"
	Late     State = "late"   // its end has come, but not what must pass it: its exit gate, its run or a person
	Missed   State = "missed" // it lay wholly in the past when the plan was first adopted: it starts nothing
)

// Timeline is a plan at an instant.
type Timeline struct {
	Now        time.Time
	Milestones []*Milestone // in the plan's order

	plan  *plan.Plan
	facts *register.Facts
	cal   Calendar
	byID  map[string]*Milestone
	now   *resolver // dates with the facts
}

// Milestone is one milestone of the plan, resolved.
//
// Start and End are the dates that hold now; they follow events, not clocks: a phase that is late keeps the end it was planned
// with, and what hangs on that end moves only when a person moves it. A bare date is a local day: End is its last moment, written
// as the first instant after it.
type Milestone struct {
	*plan.Milestone
	Start, End    Instant
	PlannedStart  Instant // as the plan says, before any fact
	PlannedEnd    Instant
	OriginalStart Instant // as the plan said first: before it was moved, and what it hangs on was
	OriginalEnd   Instant
	State         State
	StartedAt     time.Time // when it was entered; zero = not yet
	PassedAt      time.Time // when it was passed; zero = not yet, or by the clock alone

	span stretch // in effect: from its beginning until what ends it
}

// At resolves p at an instant. facts may be nil: then nothing has happened yet, and nothing is missed.
func At(p *plan.Plan, facts *register.Facts, now time.Time) *Timeline {
	if facts == nil {
		facts = &register.Facts{}
	}
	facts = facts.Dates() // a copy: the timeline answers later, when the facts may have gone on
	t := &Timeline{Now: now, plan: p, facts: facts, cal: NewCalendar(p.Zone, p.Holidays), byID: map[string]*Milestone{}}
	t.now = newResolver(p, t.cal, facts, now)
	planned, original := newResolver(p, t.cal, &register.Facts{}, time.Time{}), firstDates(p, t.cal)
	for _, id := range p.MilestoneIDs {
		pm := p.Milestones[id]
		f := facts.Milestone(id)
		m := &Milestone{Milestone: pm, StartedAt: f.StartedAt, PassedAt: f.PassedAt}
		m.Start, m.End = t.now.span(id)
		m.PlannedStart, m.PlannedEnd = planned.span(id)
		m.OriginalStart, m.OriginalEnd = original.span(id)
		m.span = t.now.stretch(pm)
		m.State = t.state(m)
		if m.State == Missed {
			m.span.until = m.End.Latest // it never took effect: nothing is left open by what did not pass it
		}
		t.Milestones = append(t.Milestones, m)
		t.byID[id] = m
	}
	return t
}

func (t *Timeline) state(m *Milestone) State {
	switch {
	case !m.PassedAt.IsZero():
		return Passed
	case t.missed(m):
		return Missed
	case m.span.from.IsZero() && m.Start.Certainty == Unknown:
		return Unset
	case m.span.from.IsZero() || t.Now.Before(m.span.from):
		return Upcoming
	case !m.span.until.IsZero() && !t.Now.Before(m.span.until):
		return Passed
	case m.span.until.IsZero() && m.End.Certainty != Event && !m.End.Latest.IsZero() && !t.Now.Before(m.End.Latest):
		return Late
	}
	return Active
}

// missed reports whether the milestone lay wholly in the past when the plan was adopted, or the revision that gave it its dates. One that ends with an event, whose latest
// end is open, does not: nobody can know from the plan that the event has come.
func (t *Timeline) missed(m *Milestone) bool {
	adopted := t.facts.AdoptedAt
	if dated := t.facts.Milestone(m.ID).DatedAt; dated.After(adopted) {
		adopted = dated // what is written into the past is not begun
	}
	return !adopted.IsZero() && m.StartedAt.IsZero() && m.Start.Known() &&
		!m.End.Latest.IsZero() && !m.End.Latest.After(adopted)
}

// Milestone returns the milestone with that id, nil if there is none.
func (t *Timeline) Milestone(id string) *Milestone { return t.byID[id] }

// StateOf is the state word of a milestone, "" if there is none.
func (t *Timeline) StateOf(id string) string {
	if m := t.byID[id]; m != nil {
		return string(m.State)
	}
	return ""
}

// Plan is the revision that is resolved.
func (t *Timeline) Plan() *plan.Plan { return t.plan }

// Calendar is the plan's local time and holidays.
func (t *Timeline) Calendar() Calendar { return t.cal }

// Active lists the milestones that have begun and are not over, late ones too, in the plan's order.
func (t *Timeline) Active() []*Milestone {
	var out []*Milestone
	for _, m := range t.Milestones {
		if m.State == Active || m.State == Late {
			out = append(out, m)
		}
	}
	return out
}

// Entering lists the milestones whose steps of the overall plan can be started now, earliest first: their beginning has come and they
// were not entered yet. A stretch that is over is not begun any more; a release or point is entered once however late, and so is a
// window, whose runbook somebody waits for.
func (t *Timeline) Entering() []*Milestone {
	var out []*Milestone
	for _, s := range t.Overall().Startable() {
		out = append(out, t.byID[s.ID])
	}
	slices.SortStableFunc(out, func(a, b *Milestone) int { return a.span.from.Compare(b.span.from) })
	return out
}

// entry is when the milestone is to be entered; zero when that was done, will not happen, or has no date.
func (m *Milestone) entry() time.Time {
	over := m.State == Passed && m.Kind != plan.Release && m.Kind != plan.Point
	if over || !m.StartedAt.IsZero() || !m.PassedAt.IsZero() || m.State == Missed {
		return time.Time{}
	}
	return m.span.from
}

// Next makes a milestone a cron.Schedule with one slot: the instant at which it is entered. Zero = never (again).
func (m *Milestone) Next(after time.Time) time.Time {
	if at := m.entry(); at.After(after) {
		return at
	}
	return time.Time{}
}

// Slip is how far the milestone's end lies after the one the plan first had: for one that was passed, when it was; for one that is
// late, so far. Negative = earlier. ok is false when either is unknown.
func (m *Milestone) Slip(now time.Time) (slip time.Duration, ok bool) {
	was := m.OriginalEnd.Latest
	if was.IsZero() {
		was = m.OriginalEnd.At
	}
	is := m.End.Latest
	if is.IsZero() {
		is = m.End.At
	}
	switch {
	case !m.PassedAt.IsZero():
		is = m.PassedAt
	case m.State == Late:
		is = now
	}
	if was.IsZero() || is.IsZero() {
		return 0, false
	}
	return is.Sub(was), true
}

// Turns is the next instant at which the timeline is another by time alone; zero = none is known.
func (t *Timeline) Turns() (next time.Time) {
	for _, m := range t.Milestones {
		for _, at := range []time.Time{m.Start.Earliest, m.Start.At, m.Start.Latest, m.End.Earliest, m.End.At, m.End.Latest, m.span.from, m.span.until} {
			if at.After(t.Now) && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	}
	return next
}

// Punctuality is how a milestone that was passed kept to its last day.
type Punctuality string

// The punctualities.
const (
	KeptEarly Punctuality = "early"   // passed before its last day had begun
	KeptTo    Punctuality = "on-time" // passed on its last day
	KeptLate  Punctuality = "late"    // passed after it
)

// Kept says how a milestone that was passed kept to the end it then had; "" = it was not passed by anybody, or has no end to go by.
func (m *Milestone) Kept(c Calendar) Punctuality {
	end := m.End.Latest
	switch {
	case m.PassedAt.IsZero() || end.IsZero():
		return ""
	case !m.PassedAt.Before(end):
		return KeptLate
	case m.PassedAt.Before(c.Day(end.Add(-time.Nanosecond))):
		return KeptEarly
	}
	return KeptTo
}

// Edge is one end of a milestone.
type Edge string

// The edges.
const (
	Begin  Edge = "start"
	Finish Edge = "end"
)

// Happening is a beginning or an end still to come.
type Happening struct {
	Milestone *Milestone
	Edge      Edge
	When      Instant
}

// Next lists the n nearest beginnings and ends after now whose date is known at least roughly, nearest first; those that end with
// an event stand at the best estimate. n < 0 lists all.
func (t *Timeline) Next(n int) []Happening {
	var out []Happening
	for _, m := range t.Milestones {
		if m.State == Passed || m.State == Missed {
			continue
		}
		if m.State == Upcoming && m.Start.At.After(t.Now) {
			out = append(out, Happening{m, Begin, m.Start})
		}
		if m.End.At.After(t.Now) && !m.End.At.Equal(m.Start.At) {
			out = append(out, Happening{m, Finish, m.End})
		}
	}
	slices.SortStableFunc(out, func(a, b Happening) int { return a.When.At.Compare(b.When.At) })
	if n >= 0 && len(out) > n {
		out = out[:n]
	}
	return out
}
