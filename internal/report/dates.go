package report

import (
	"strings"
	"time"

	"skift/internal/snapshot"
	"skift/internal/term"
)

// week is how far "since last time" reaches back.
const week = 7 * 24 * time.Hour

// milestoneStates are the states a milestone is shown in.
var milestoneStates = map[string]term.State{"unset": term.Unknown, "upcoming": term.Plain, "active": term.Running, "passed": term.OK,
	"late": term.Fail, "missed": term.Unknown}

// milestones is the table of dates: as first planned, as it stood last week, as it stands now.
func milestones(p *page) []block {
	if len(p.Milestones) == 0 {
		return nil
	}
	t := table{Cols: []string{p.c.T("milestone"), p.c.T("report.col.original"), p.c.T("report.col.last-week"), p.c.T("report.col.current"),
		p.c.T("report.col.slip"), p.c.T("report.col.state")}}
	for _, m := range p.Milestones {
		span := m.Kind != "release" && m.Kind != "point" // shown by its end, which for a point is that of its day
		current := p.date(m.End, true)
		switch {
		case !m.PassedAt.IsZero():
			current = p.c.Date(p.local(m.PassedAt))
		case span && m.State == "upcoming" && !m.Start.At.IsZero():
			current = p.date(m.Start, false) + " – " + current
		}
		lastWeek := ""
		if m.LastWeek != (snapshot.Date{}) {
			lastWeek = p.date(m.LastWeek, true)
		}
		t.Rows = append(t.Rows, []cell{text(p.name("milestone", m.ID)), text(p.date(m.WasEnd, true)), text(lastWeek),
			text(current), text(p.slip(m)), p.state(milestoneStates[string(m.State)], p.c.T(m.StateKey()))})
	}
	return append([]block{heading(p.c.T("report.milestones")), p.cut(t)}, p.moves()...)
}

// moves says why milestones have other dates than at first: of each the last time it was moved, as far as it is still ahead.
func (p *page) moves() (out []block) {
	for _, m := range p.Milestones {
		if len(m.Moves) == 0 || !m.PassedAt.IsZero() {
			continue
		}
		last := m.Moves[len(m.Moves)-1]
		out = append(out, para{Own: true, Text: p.c.T("report.moved", "milestone", p.name("milestone", m.ID), "date", p.c.Date(p.local(last.At)), "reason", line(last.Reason))})
	}
	return out
}

// slip says how far a milestone has moved, and whether that became more or less since last week.
func (p *page) slip(m snapshot.Milestone) string {
	if m.WasEnd.Certainty == "unset" || m.End.Certainty == "unset" {
		return ""
	}
	slip := p.c.Slip(m.SlipDays)
	switch {
	case m.SlipDays > m.SlipLastWeek:
		slip += " (" + p.c.T("trend.worse") + ")"
	case m.SlipDays < m.SlipLastWeek:
		slip += " (" + p.c.T("trend.better") + ")"
	}
	return slip
}

// date writes a date as sure as it is. An end that is a whole day is stored as the first instant after it.
func (p *page) date(d snapshot.Date, end bool) string {
	text := p.certain(d, end)
	if d.Assumed {
		text += " (" + p.c.T("date.assumed") + ")"
	}
	return line(text)
}

func (p *page) certain(d snapshot.Date, end bool) string {
	at := p.local(d.At)
	last := at
	if end {
		last = at.Add(-time.Second)
	}
	switch {
	case d.Certainty == "event":
		text := p.event(d.Text)
		if !d.At.IsZero() {
			text += " (" + p.c.T("date.about", "date", p.c.Date(last)) + ")"
		}
		return text
	case d.At.IsZero():
		return p.c.T("date.unset")
	case d.Certainty == "day":
		return p.c.Date(last)
	case d.Certainty == "month" && !d.Earliest.IsZero() && !d.Latest.IsZero():
		return p.c.Months(p.local(d.Earliest), p.local(d.Latest).Add(-time.Second))
	case d.Certainty == "about" && !d.Earliest.IsZero() && !d.Latest.IsZero():
		return p.c.About(p.local(d.Earliest), p.local(d.Latest).Add(-time.Second))
	}
	return p.c.Date(at) + " " + p.c.Clock(at)
}

// event says "hypercare.passed" in words.
func (p *page) event(expr string) string {
	ref, rest, _ := strings.Cut(expr, " ")
	if i := strings.LastIndexByte(ref, '.'); i > 0 {
		for _, m := range p.Milestones {
			if m.ID == ref[:i] && p.c.Has("event."+ref[i+1:]) {
				return strings.TrimSpace(p.c.T("date.event", "event", p.c.T("event."+ref[i+1:], "milestone", p.name("milestone", m.ID))) + " " + rest)
			}
		}
	}
	return line(expr)
}

// happened lists what was done in the last week, and what should have been.
func happened(p *page) []block {
	since := p.At.Add(-week)
	recent := func(t time.Time) bool { return t.After(since) && !t.After(p.At) }
	done := table{Cols: []string{p.c.T("report.col.what"), p.c.T("report.col.result"), p.c.T("report.col.when")}}
	undone := table{Cols: []string{p.c.T("report.col.what"), p.c.T("report.col.result"), p.c.T("report.col.planned")}}
	for _, m := range p.Milestones {
		st := p.state(milestoneStates[string(m.State)], p.c.T(m.StateKey()))
		switch {
		case recent(m.PassedAt):
			done.Rows = append(done.Rows, []cell{text(p.name("milestone", m.ID)), st, text(p.at(m.PassedAt))})
		case m.State == "late":
			undone.Rows = append(undone.Rows, []cell{text(p.name("milestone", m.ID)), st, text(p.date(m.End, true))})
		}
	}
	for _, d := range p.Decisions {
		if d.Run == "" && recent(d.At) {
			done.Rows = append(done.Rows, []cell{text(p.name("gate", d.Gate)), p.decision(string(d.Decision.Decision)), text(p.at(d.At))})
		}
	}
	for _, g := range p.Gates {
		if g.State == "due" {
			undone.Rows = append(undone.Rows, []cell{text(p.name("gate", g.Gate)), p.state(term.Fail, p.c.T("gate.due")), text(p.at(g.DecideBy))})
		}
	}
	for _, r := range p.Runs {
		if recent(r.EndedAt) {
			done.Rows = append(done.Rows, []cell{text(p.runTitle(r)), p.runState(r), text(p.at(r.EndedAt))})
		}
	}
	out := p.orNothing("report.week-done", p.cutTo(done, 12))
	return append(out, p.orNothing("report.not-done", p.cutTo(undone, 12))...)
}

// orNothing puts a heading over a table, and says so when there is nothing in it.
func (p *page) orNothing(key string, t table) []block {
	out := []block{heading(p.c.T(key))}
	if len(t.Rows) == 0 {
		return append(out, para{Text: p.c.T("report.nothing")})
	}
	return append(out, t)
}

// coming lists what begins and ends in the next week.
func coming(p *page) []block {
	t := p.happenings(func(h snapshot.Happening) bool { return h.When.At.Sub(p.At) <= week })
	return p.orNothing("report.next-week", p.cutTo(t, 10))
}

// meetings lists those of the next two weeks, where the plan has any.
func meetings(p *page) []block {
	if len(p.Meetings) == 0 {
		return nil
	}
	t := table{Cols: []string{p.c.T("report.col.what"), p.c.T("report.col.when"), p.c.T("report.col.where")}}
	for _, m := range p.Meetings {
		name := text(m.Title.In(string(p.c.Lang())))
		if m.Cancelled {
			name = p.state(term.Unknown, p.c.T("meeting.cancelled", "meeting", name.Text))
		}
		t.Rows = append(t.Rows, []cell{name, text(p.c.Day(p.local(m.From)) + " " + p.c.Clock(p.local(m.From)) + "–" + p.c.ClockZone(p.local(m.Until))), text(m.Place)})
	}
	return []block{heading(p.c.T("report.meetings")), p.cutTo(t, 10)}
}

// nextDates lists the next beginnings and ends, however far away.
func nextDates(p *page) []block {
	return p.orNothing("report.coming", p.cutTo(p.happenings(func(snapshot.Happening) bool { return true }), 6))
}

func (p *page) happenings(want func(snapshot.Happening) bool) table {
	t := table{Cols: []string{p.c.T("report.col.what"), "", p.c.T("report.col.when")}}
	for _, h := range p.Next {
		if want(h) {
			t.Rows = append(t.Rows, []cell{text(p.name("milestone", h.Milestone)), text(p.c.T("edge." + string(h.Edge))), text(p.date(h.When, h.Edge == "end"))})
		}
	}
	return t
}
