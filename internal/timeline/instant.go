package timeline

import (
	"time"

	"skift/internal/plan"
	"skift/internal/register"
)

// Certainty says how sure an instant is.
type Certainty string

// The certainties.
const (
	Exact   Certainty = "exact" // to the minute
	Day     Certainty = "day"   // a whole local day
	Month   Certainty = "month"
	About   Certainty = "about"
	Unknown Certainty = "unset" // no date
	Event   Certainty = "event" // comes when it comes; At is an estimate or zero
)

// Instant is a date of the plan, resolved. Instants are UTC.
type Instant struct {
	At       time.Time // the best single answer: the earliest of a beginning, the latest of an end; zero = unknown
	Earliest time.Time // not before this; zero = unknown
	Latest   time.Time // not after this; zero = open
	Certainty
	Assumed bool   // not in the published plan
	Text    string // as written

	dayEnd bool // the end of a named day: At is the first instant after it
}

// Known reports whether there is a date at all, sure or estimated.
func (i Instant) Known() bool { return !i.At.IsZero() }

// Fuzzy reports whether the date must be shown as not certain.
func (i Instant) Fuzzy() bool { return i.Certainty != Exact && i.Certainty != Day }

// resolver turns written dates into instants. With empty facts and a zero now it gives the plan as written.
type resolver struct {
	plan  *plan.Plan
	cal   Calendar
	facts *register.Facts
	now   time.Time
	first bool // by the dates that milestones had first
	spans map[string][2]Instant
	busy  map[string]bool
}

func newResolver(p *plan.Plan, cal Calendar, facts *register.Facts, now time.Time) *resolver {
	r := &resolver{plan: p, cal: cal, facts: facts, now: now}
	return r.resolved()
}

// firstDates resolves the dates that milestones had first, and what hangs on them, before any fact.
func firstDates(p *plan.Plan, cal Calendar) *resolver {
	r := &resolver{plan: p, cal: cal, facts: &register.Facts{}, first: true}
	return r.resolved()
}

func (r *resolver) resolved() *resolver {
	r.spans, r.busy = map[string][2]Instant{}, map[string]bool{}
	for _, id := range r.plan.MilestoneIDs {
		r.span(id) // everything is resolved here: afterwards the resolver is only read
	}
	return r
}

var unknown = Instant{Certainty: Unknown}

// span is a milestone's beginning and end. Dates that hang on each other in a circle, which no valid plan has, are unknown.
func (r *resolver) span(id string) (start, end Instant) {
	if s, ok := r.spans[id]; ok {
		return s[0], s[1]
	}
	m := r.plan.Milestones[id]
	if m == nil {
		return unknown, unknown
	}
	start, end = r.edge(m, Begin), r.edge(m, Finish)
	r.spans[id] = [2]Instant{start, end}
	return start, end
}

// edge is one end of a milestone. Each is guarded by itself: an end may hang on the beginning of its own milestone.
func (r *resolver) edge(m *plan.Milestone, e Edge) Instant {
	if s, ok := r.spans[m.ID]; ok {
		if e == Begin {
			return s[0]
		}
		return s[1]
	}
	key := m.ID + "." + string(e)
	if r.busy[key] {
		return unknown
	}
	r.busy[key] = true
	defer delete(r.busy, key)
	from, until := m.From, m.Until
	if r.first {
		from, until = m.First()
	}
	if e == Begin {
		return r.when(from, Begin)
	}
	if until.IsZero() && (m.Kind == plan.Release || m.Kind == plan.Point) {
		return r.when(from, Finish)
	}
	return r.when(until, Finish)
}

// when resolves a date as the beginning or the end of something.
func (r *resolver) when(w plan.When, e Edge) Instant {
	i := Instant{Certainty: Unknown}
	switch w.Kind {
	case plan.Exact:
		i = Instant{At: w.At, Earliest: w.At, Latest: w.At, Certainty: Exact}
	case plan.Day:
		at := w.At
		if e == Finish {
			at = w.Until
		}
		i = Instant{At: at, Earliest: at, Latest: at, Certainty: Day, dayEnd: e == Finish}
	case plan.Month, plan.About:
		i = Instant{At: w.From, Earliest: w.From, Latest: w.Until, Certainty: Month, dayEnd: e == Finish}
		if w.Kind == plan.About {
			i.Certainty = About
		}
		if e == Finish {
			i.At = w.Until
		}
	case plan.Relative, plan.Event:
		i = r.shift(r.ref(w.Ref), w.Offset, e)
	}
	i.Assumed = i.Assumed || w.Assumed
	i.Text = w.Text
	return i
}

// ref resolves a point of a milestone.
func (r *resolver) ref(ref plan.Ref) Instant {
	m := r.plan.Milestones[ref.Milestone]
	switch {
	case m == nil:
		return unknown
	case ref.Point == "start":
		return r.edge(m, Begin)
	case ref.Point == "end":
		return r.edge(m, Finish)
	case ref.Point == "passed":
		return r.passed(m)
	}
	return unknown
}

// passed is when the milestone is passed: a fact, its end when nothing but the clock passes it, else an event that has not come.
// Such an event cannot lie in the past, so its estimate is the planned end or now, whichever is later.
func (r *resolver) passed(m *plan.Milestone) Instant {
	end := r.edge(m, Finish)
	if at := r.facts.Milestone(m.ID).PassedAt; !at.IsZero() {
		return Instant{At: at, Earliest: at, Latest: at, Certainty: Exact}
	}
	if r.byClock(m, end) {
		end.Earliest = end.Latest // a month is over when all of it is
		return end
	}
	end.Certainty, end.Latest = Event, time.Time{}
	if end.At.IsZero() {
		return end
	}
	if end.At.Before(r.now) {
		end.At, end.dayEnd = r.now, false
	}
	if end.Earliest.Before(r.now) {
		end.Earliest = r.now
	}
	return end
}

// byClock reports whether the milestone is over when its end comes, without anybody saying so. That asks for a sure end, no exit
// gate, no reopening, and no runbook bound to it as to a window: a window is over when its run is.
func (r *resolver) byClock(m *plan.Milestone, end Instant) bool {
	sure := end.Certainty == Exact || end.Certainty == Day || end.Certainty == Month
	bound := m.Kind == plan.Window && m.Runbook != ""
	return sure && m.Exit == "" && !bound && r.facts.Milestone(m.ID).ReopenedAt.IsZero()
}

// stretch is the time in which the milestone is in effect: from its earliest beginning, or when it was entered if that was
// earlier, until it is passed; open while what passes it has not come. A beginning that waits for an event has not come either.
func (r *resolver) stretch(m *plan.Milestone) stretch {
	start, end := r.span(m.ID)
	f := r.facts.Milestone(m.ID)
	s := stretch{from: start.Earliest}
	if start.Certainty == Event {
		s.from = time.Time{}
	}
	if !f.StartedAt.IsZero() && (s.from.IsZero() || f.StartedAt.Before(s.from)) {
		s.from = f.StartedAt
	}
	switch {
	case !f.PassedAt.IsZero():
		s.until = f.PassedAt
	case r.byClock(m, end):
		s.until = end.Latest
	}
	return s
}

// shift adds an offset to an instant and reads the outcome as a beginning or an end.
//
// An offset in days from a whole day, or from a local midnight, is a whole day again: "cutover.start + 26d" as an end lasts to the
// end of that day. From any other time of day it keeps the time of day.
func (r *resolver) shift(base Instant, o plan.Offset, e Edge) Instant {
	if base.At.IsZero() || o == (plan.Offset{}) {
		return base
	}
	whole := o.Clock == 0 && r.cal.atMidnight(base.At)
	out := base
	move := func(t time.Time, fromEnd, toEnd bool) time.Time {
		if t.IsZero() {
			return t
		}
		if whole && fromEnd {
			t = r.cal.AddDays(t, -1)
		}
		t = r.cal.AddDays(t, o.Days)
		if o.WorkingDays != 0 {
			t = r.cal.AddWorkdays(t, o.WorkingDays)
		}
		if whole && toEnd {
			t = r.cal.AddDays(t, 1)
		}
		return t.Add(o.Clock)
	}
	toEnd := whole && e == Finish
	out.At = move(base.At, base.dayEnd, toEnd)
	out.Latest = move(base.Latest, base.dayEnd, toEnd)
	sure := base.Certainty == Exact || base.Certainty == Day
	out.Earliest = move(base.Earliest, base.dayEnd && sure, toEnd && sure)
	out.dayEnd = toEnd
	switch {
	case sure && whole:
		out.Certainty = Day
	case sure:
		out.Certainty = Exact
	}
	return out
}
