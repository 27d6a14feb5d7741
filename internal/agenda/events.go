package agenda

import (
	"strings"
	"time"

	"skift/internal/ics"
	"skift/internal/plan"
	"skift/internal/timeline"
)

// milestone is one milestone as an event; ok is false when it has no date.
func (b *builder) milestone(m *timeline.Milestone) (e ics.Event, ok bool) {
	start, end := m.Start, m.End
	// Estimates are those of the plan: the others move with every day on which the event has not come.
	if start.Certainty == timeline.Event {
		start = m.OriginalStart
	}
	if end.Certainty == timeline.Event {
		end = m.OriginalEnd
	}
	if !start.Known() {
		return e, false
	}
	e = ics.Event{UID: b.uid("milestone", m.ID), Summary: b.title(m.Milestone), Start: start.Earliest, End: end.Latest, Busy: m.Kind == plan.Window}
	if e.Start.IsZero() {
		e.Start = start.At
	}
	if e.End.IsZero() {
		e.End = end.At
	}
	if m.Kind == plan.Point || m.Kind == plan.Release {
		e.End = start.Latest
	}
	fuzzy := m.Start.Fuzzy() || m.End.Fuzzy()
	switch e.Tentative = fuzzy; {
	case m.Start.Fuzzy():
		e.Summary = b.c.T("calendar.fuzzy", "title", e.Summary)
	case fuzzy:
		e.Summary = b.c.T("calendar.fuzzy-end", "title", e.Summary)
	}
	e.AllDay = start.Fuzzy() || b.midnight(e.Start) && (!e.End.After(e.Start) || b.midnight(e.End))
	note := ""
	switch {
	case m.End.Certainty == timeline.Event:
		note = b.c.T("until") + " " + b.event(m.Until)
	case m.Start.Certainty == timeline.Event:
		note = b.c.T("date.event", "event", b.event(m.From))
	case fuzzy:
		note = b.rough(m)
	}
	assumed := ""
	if start.Assumed || end.Assumed {
		assumed = b.c.T("calendar.assumed")
	}
	e.Description = lines(note, assumed, b.allows(m.Milestone), b.owner(m.Owner), b.named(b.c.T("milestone"), m.ID))
	return e, true
}

// midnight reports whether an instant begins a local day.
func (b *builder) midnight(t time.Time) bool { return b.tl.Calendar().Day(t).Equal(t) }

// rough is a date that is not certain, in words.
func (b *builder) rough(m *timeline.Milestone) string {
	one := func(i timeline.Instant) string {
		from, last := i.Earliest.In(b.zone()), i.Latest.Add(-1).In(b.zone())
		switch i.Certainty {
		case timeline.Month:
			return b.c.Months(from, last)
		case timeline.About:
			return b.c.About(from, last)
		case timeline.Unknown, timeline.Event:
			return b.c.T("date.unset")
		}
		return b.c.Date(i.At.In(b.zone()))
	}
	start, end := m.Start, m.End
	if m.From == m.Until || m.Kind == plan.Point || m.Kind == plan.Release {
		return one(start)
	}
	if end.Certainty == timeline.Day {
		end.At = end.At.Add(-1) // the last day, not the first after it
	}
	return one(start) + " – " + one(end)
}

// event is what a date waits for, in words.
func (b *builder) event(w plan.When) string {
	m := b.Plan.Milestones[w.Ref.Milestone]
	if m == nil {
		return w.Text
	}
	return strings.TrimSpace(b.c.T("event."+w.Ref.Point, "milestone", b.title(m)) + " " + w.Offset.String())
}

// allows says what a zone lets through.
func (b *builder) allows(m *plan.Milestone) string {
	if m.Kind != plan.Zone {
		return ""
	}
	var classes []string
	for _, c := range m.Allow {
		classes = append(classes, b.c.T("class."+string(c)))
	}
	allowed := b.c.T("report.nothing")
	if len(classes) > 0 {
		allowed = b.c.List(classes)
	}
	return b.c.T("report.zone.allows", "classes", allowed)
}

// owner names a seat to those who may know of it: those who see everything, and its own party.
func (b *builder) owner(seat string) string {
	if seat == "" || !b.all(func(party string) bool { return b.ownSeat(party, seat) }) {
		return ""
	}
	return b.c.T("owner") + ": " + seat
}

// named is what commands call it.
func (b *builder) named(what, id string) string { return what + ": " + id }

// gate is when a gate opens and by when it is decided, where these are instants.
func (b *builder) gate(g *plan.Gate) (out []ics.Event) {
	title := g.Title.In(string(b.c.Lang()))
	add := func(kind, key string, at time.Time) {
		out = append(out, ics.Event{UID: b.uid(kind, g.ID), Summary: b.c.T(key, "gate", title), Start: at,
			Description: lines(b.decides(g), b.named(b.c.T("gate"), g.ID))})
	}
	if at, ok := b.tl.OpensAt(g.Opens); ok {
		add("gate-opens", "calendar.gate-opens", at)
	}
	if at, ok := b.tl.DecideBy(g.DecideBy); ok {
		add("gate-decided", "calendar.gate-decided", at)
	}
	return out
}

func (b *builder) decides(g *plan.Gate) string {
	if !b.all(func(party string) bool { return b.ownSeat(party, g.Decides) }) {
		return ""
	}
	return b.c.T("calendar.decides", "seat", g.Decides)
}

// meeting is one date of a series.
func (b *builder) meeting(m *plan.Meeting) ics.Event {
	return ics.Event{UID: b.uid("meeting", m.ID), Summary: m.Title.In(string(b.c.Lang())), Start: m.From, End: m.Until, Busy: true,
		Cancelled: m.Cancelled, Location: m.Place, Description: lines(m.Note, b.named(b.c.T("calendar.meeting"), m.ID))}
}
