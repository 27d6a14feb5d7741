package lint

import (
	"slices"
	"time"

	"skift/internal/diag"
	"skift/internal/people"
	"skift/internal/plan"
	"skift/internal/timeline"
	"skift/runbooks"
)

// need is a stretch of time in which somebody will look for whoever sits in a seat.
type need struct {
	seat        string
	from, until time.Time
	always      bool     // at every moment: a runbook asks when it comes to the step
	what        string   // "gate cutover-go is decided"
	pos         diag.Pos // of what needs the seat
}

// seats looks for seats that nobody sits in when they are needed. What is over by now is not looked at.
func (l *linter) seats() {
	needs := append(l.gateNeeds(), l.windowNeeds()...)
	shifts := l.p.Roster.Shifts()
	switch {
	case l.broken == nil && !l.p.Roster.Named():
		l.noRoster(needs)
		return
	case l.broken != nil && (len(shifts) == 0 || !l.broken.whole("roster", shifts[0].Pos.File)):
		return // a shift that could not be read may be the one that is missing
	}
	for _, id := range l.p.SeatIDs {
		if l.broken.sound("seats", id) {
			l.staffed(l.p.Seats[id], needs)
		}
	}
	l.oneVoice()
}

func (l *linter) noRoster(needs []need) {
	if len(needs) == 0 {
		return
	}
	pos := l.p.Seats[needs[0].seat].Pos
	for _, n := range needs {
		if p := l.p.Seats[n.seat].Pos; p.Compare(pos) < 0 {
			pos = p
		}
	}
	l.problems.Warnf(pos, CodeNoRoster, "no roster says who sits in which seat when").At("seats").
		Hintf("nobody can be named when a gate or a step asks; add roster: shifts.csv (seat,from,until,person) and contacts: contacts.csv")
}

// gateNeeds are the seats that the plan's own gates ask, from the opening until the deadline.
func (l *linter) gateNeeds() []need {
	var out []need
	for _, id := range l.p.GateIDs {
		g := l.p.Gates[id]
		from, opens := l.t.OpensAt(g.Opens)
		until, dated := l.t.DecideBy(g.DecideBy)
		if !opens || !dated || !from.Before(until) || !l.broken.sound("gates", id) {
			continue
		}
		for _, seat := range gateSeats(g) {
			out = append(out, need{seat, from, until, false, "gate " + id + " is decided", g.Pos})
		}
	}
	return l.ahead(out)
}

// gateSeats are everybody a gate asks, each once.
func gateSeats(g *plan.Gate) []string {
	var out []string
	add := func(seat string) {
		if seat != "" && !slices.Contains(out, seat) {
			out = append(out, seat)
		}
	}
	add(g.Decides)
	for _, seat := range g.Poll {
		add(seat)
	}
	for _, c := range g.Criteria {
		add(c.By)
	}
	return out
}

// windowNeeds are the seats that the runbooks of windows ask: the owners of steps, and whoever is asked at a gate on the way.
func (l *linter) windowNeeds() []need {
	var out []need
	for _, m := range l.t.Milestones {
		from, until, ok := l.span(m)
		if !l.broken.sound("milestones", m.ID) || m.Kind != plan.Window || m.Runbook == "" || !ok || m.State == timeline.Passed || m.State == timeline.Missed {
			continue
		}
		seen := map[string]bool{}
		add := func(seat string) {
			if seat != "" && !seen[seat] {
				seen[seat] = true
				out = append(out, need{seat, from, until, true, m.ID + " runs " + m.Runbook, m.Pos})
			}
		}
		l.steps(m.Runbook, func(_ *runbooks.Runbook, s *runbooks.Step) {
			add(s.Owner)
			if g := l.p.Gates[s.AfterGate]; g != nil && l.broken.sound("gates", g.ID) && g.Opens.IsZero() {
				for _, seat := range gateSeats(g) {
					add(seat)
				}
			}
		})
	}
	return l.ahead(out)
}

// ahead leaves out what is over.
func (l *linter) ahead(needs []need) []need {
	return slices.DeleteFunc(needs, func(n need) bool { return !n.until.After(l.known.Now) })
}

// staffed judges one seat against everything it is needed for. A seat that is empty throughout is told once.
func (l *linter) staffed(s *plan.Seat, needs []need) {
	var empty *diag.Problem
	for _, n := range needs {
		if n.seat != s.ID {
			continue
		}
		gaps := l.gaps(s, n.from, n.until)
		switch {
		case len(gaps) == 0:
		case len(gaps) == 1 && gaps[0].From.Equal(n.from) && gaps[0].Until.Equal(n.until):
			if empty == nil {
				empty = l.problems.Addf(s.Pos, CodeUnstaffed, "nobody sits in %s from %s to %s, when %s", s.ID, l.local(n.from), l.local(n.until), n.what).
					At("seats." + s.ID).Wide(len(s.ID)).Hintf("add a shift to the roster, or name a deputy who has one")
			}
			empty.See(n.pos, "%s is needed here", s.ID)
		case n.always:
			l.problems.Warnf(s.Pos, CodeSeatGap, "nobody sits in %s from %s to %s, while %s", s.ID, l.local(gaps[0].From), l.local(gaps[0].Until), n.what).
				At("seats."+s.ID).Wide(len(s.ID)).See(n.pos, "%s is needed here", s.ID).Hintf("add a shift to the roster, or name a deputy who has one")
		}
	}
}

// gaps are when neither the seat nor a deputy of it has anybody on shift.
func (l *linter) gaps(s *plan.Seat, from, until time.Time) []people.Gap {
	gaps := l.p.Roster.Gaps(s.ID, from, until)
	for _, deputy := range s.Deputies {
		gaps = shared(gaps, l.p.Roster.Gaps(deputy, from, until))
	}
	return gaps
}

// shared is the time that lies in a gap of both.
func shared(a, b []people.Gap) []people.Gap {
	var out []people.Gap
	for _, x := range a {
		for _, y := range b {
			from, until := later(x.From, y.From), earlier(x.Until, y.Until)
			if from.Before(until) {
				out = append(out, people.Gap{Seat: x.Seat, From: from, Until: until})
			}
		}
	}
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// oneVoice tells where one person sits in two seats of the same poll: one person is one voice, so one answer will not count.
func (l *linter) oneVoice() {
	doubled := l.p.Roster.Doubled()
	for _, id := range l.p.GateIDs {
		g := l.p.Gates[id]
		from, opens := l.t.OpensAt(g.Opens)
		until, dated := l.t.DecideBy(g.DecideBy)
		if !opens || !dated || !until.After(l.known.Now) {
			continue
		}
		for _, o := range doubled {
			a, b := o.First.Seat, o.Second.Seat
			if !slices.Contains(g.Poll, a) || !slices.Contains(g.Poll, b) || !o.From.Before(until) || !from.Before(o.Until) {
				continue
			}
			l.problems.Warnf(g.Pos, CodeTwoSeats, "%s and %s are the same person while the gate is open: one person is one voice", a, b).
				At("gates."+id).Wide(len(id)).See(o.First.Pos, "in %s here", a).See(o.Second.Pos, "in %s here", b).
				Hintf("give one of the seats to somebody else for that time")
		}
	}
}
