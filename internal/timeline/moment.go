package timeline

import (
	"time"

	"skift/internal/plan"
)

// Resolve reads a date of the plan as the beginning or the end of something. NoWhen gives an unknown instant.
func (t *Timeline) Resolve(w plan.When, e Edge) Instant { return t.now.when(w, e) }

// OpensAt is when something that opens with w opens: the earliest it can mean. ok is false when it has no date, or waits for
// an event that has not come.
func (t *Timeline) OpensAt(w plan.When) (time.Time, bool) {
	i := t.now.when(w, Begin)
	if i.Certainty == Event {
		return time.Time{}, false
	}
	return i.Earliest, i.Known()
}

// DecideBy is the deadline w means: a bare date lasts to its end. ok is false when it has no date, or waits for an event that has
// not come: then there is no deadline yet.
func (t *Timeline) DecideBy(w plan.When) (time.Time, bool) {
	i := t.now.when(w, Finish)
	if i.Certainty == Event {
		return time.Time{}, false
	}
	return i.Latest, i.Known()
}

// Moment resolves an expression such as "cutover.end" to the instant a certificate must outlive: the latest it can mean. Where an event
// has not come, or a phase is late, that is the latest estimate, and never the past: then it is the end of today, which keeps the
// answer the same for a day. ok is false when there is no date to go by, or the expression cannot be read.
func (t *Timeline) Moment(expr string) (at time.Time, ok bool) {
	w, err := plan.ParseWhen(expr, t.plan.Zone)
	if err != nil {
		return time.Time{}, false
	}
	edge := Finish
	if w.Ref.Point == "start" && w.Offset == (plan.Offset{}) {
		edge = Begin
	}
	i := t.now.when(w, edge)
	if !i.Known() {
		return time.Time{}, false
	}
	at = i.Latest
	if at.IsZero() || i.Certainty == Event {
		// the estimate without "not before now", which would be another instant at every asking
		at = t.planned(w)
	}
	if t.awaited(w, i) && !at.After(t.Now) {
		at = t.cal.AddDays(t.cal.Day(t.Now), 1)
	}
	return at, true
}

// planned is the date the original plan gives for w, zero when it gives none.
func (t *Timeline) planned(w plan.When) time.Time {
	r := newResolver(t.plan, t.cal, t.facts, time.Time{})
	i := r.when(w, Finish)
	if !i.Latest.IsZero() {
		return i.Latest
	}
	return i.At
}

// awaited reports whether w speaks of something that is still to come although its date may be over.
func (t *Timeline) awaited(w plan.When, i Instant) bool {
	if i.Certainty == Event {
		return true
	}
	m := t.byID[w.Ref.Milestone]
	return m != nil && w.Ref.Point != "start" && m.State == Late
}

// WaitUntil resolves an expression for something that waits for it. ok is false while nobody can say when the wait ends: the date is
// not set, or an event has not come. A fuzzy date is waited out.
func (t *Timeline) WaitUntil(expr string) (time.Time, bool) {
	w, err := plan.ParseWhen(expr, t.plan.Zone)
	if err != nil {
		return time.Time{}, false
	}
	i := t.now.when(w, Begin)
	if i.Certainty == Event || !i.Known() {
		return time.Time{}, false
	}
	return i.Latest, true
}

// Within reports whether the timeline's instant lies between two dates as the plan writes them: from the earliest the first can
// mean until the latest the second can mean. An absent first date is always over, an absent second one never comes, nor
// does one that waits for an event; one without a date yet has not come.
func (t *Timeline) Within(from, until plan.When) bool {
	return t.between(from, until).contains(t.Now)
}

func (t *Timeline) between(from, until plan.When) stretch {
	s := stretch{from: beginningOfTime}
	if !from.IsZero() {
		s.from, _ = t.OpensAt(from)
	}
	if until.IsZero() {
		return s
	}
	i := t.now.when(until, Finish)
	if t.awaited(until, i) && until.Offset == (plan.Offset{}) || i.Certainty == Event {
		return s
	}
	s.until = i.Latest
	return s
}

// beginningOfTime is before anything a plan can mean, and not the zero time, which means unknown.
var beginningOfTime = time.Unix(0, 0).UTC()
