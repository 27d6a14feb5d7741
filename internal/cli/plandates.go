package cli

import (
	"time"

	"skift/internal/plan"
	"skift/internal/timeline"
)

// stretch is when a milestone is: "from … until …", or the one date it has.
func (v planView) stretch(m *timeline.Milestone) string {
	if m.Kind == plan.Release || m.Kind == plan.Point || m.From == m.Until {
		return v.when(m.From, m.Start, timeline.Begin)
	}
	if m.Start.Certainty == timeline.Day && m.End.Certainty == timeline.Day && !m.Start.Assumed && !m.End.Assumed {
		return v.c.Days(v.local(m.Start.At), v.local(m.End.At.Add(-1)))
	}
	return v.c.T("from") + " " + v.when(m.From, m.Start, timeline.Begin) + " " + v.until(m.Until, m.End)
}

// until is the end of something: "until 5 December 2019", "until Hypercare has passed (about …)".
func (v planView) until(w plan.When, i timeline.Instant) string {
	return v.c.T("until") + " " + v.date(w, i, timeline.Finish, false)
}

// when is a date with how sure it is.
func (v planView) when(w plan.When, i timeline.Instant, e timeline.Edge) string {
	return v.date(w, i, e, true)
}

// date writes a date; alone tells that no word such as "until" stands before it.
func (v planView) date(w plan.When, i timeline.Instant, e timeline.Edge, alone bool) string {
	text := v.sure(w, i, e, alone)
	if i.Assumed {
		text += " (" + v.c.T("date.assumed") + ")"
	}
	return text
}

func (v planView) sure(w plan.When, i timeline.Instant, e timeline.Edge, alone bool) string {
	switch {
	case i.Certainty == timeline.Event:
		return v.event(w, i, alone)
	case !i.Known():
		return v.c.T("date.unset")
	case i.Certainty == timeline.Exact:
		return v.c.DateTime(v.local(i.At))
	case i.Certainty == timeline.Month:
		return v.c.Months(v.local(i.Earliest), v.local(i.Latest.Add(-1)))
	case i.Certainty == timeline.About:
		return v.c.About(v.local(i.Earliest), v.local(i.Latest.Add(-1)))
	case e == timeline.Finish:
		return v.c.Day(v.local(i.At.Add(-1))) // the end of a day is the first instant after it
	}
	return v.c.Day(v.local(i.At))
}

// event is a date that comes when something has happened, with the estimate there is.
func (v planView) event(w plan.When, i timeline.Instant, alone bool) string {
	text := w.Text
	if m := v.p.Milestones[w.Ref.Milestone]; m != nil {
		text = v.c.T("event."+w.Ref.Point, "milestone", titleOf(v.c, m))
		if !w.Offset.IsZero() {
			text += " " + w.Offset.String()
		}
	}
	if alone {
		text = v.c.T("date.event", "event", text)
	}
	if i.Known() {
		text += " (" + v.c.T("date.about", "date", v.c.Date(v.local(i.At.Add(-1)))) + ")"
	}
	return text
}

func (v planView) local(t time.Time) time.Time { return t.In(v.p.Zone) }
