package plan

import (
	"skift/checks"
	"skift/internal/diag"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

var milestoneKinds = []string{string(Zone), string(Phase), string(Window), string(Release), string(Point)}

func (l *loader) milestones(m *yamldoc.Map) {
	ids(m.OptMap("milestones"), &l.Milestones, &l.MilestoneIDs, l.milestone)
}

func (l *loader) milestone(id string, n yamldoc.Node) *Milestone {
	s := &Milestone{ID: id, Pos: n.KeyPos()}
	m := n.Map()
	if !m.OK() {
		return s
	}
	s.Kind = MilestoneKind(m.OneOf("kind", milestoneKinds...))
	s.Title = m.OptText("title")
	s.Owner = l.seatRef(m.OptWord("owner"))
	s.Area = l.ref(runbooks.AreaRef, m.OptWord("area"))
	s.Exit = l.ref(runbooks.GateRef, m.OptWord("exit"))
	l.started(s, m)
	switch s.Kind {
	case Zone:
		l.stretch(s, m)
		s.Allow = l.classes(m.Words("allow"))
		for _, n := range m.OptItems("applies_to") {
			if side, ok := n.OneOf(string(checks.Old), string(checks.New)); ok {
				s.AppliesTo = append(s.AppliesTo, checks.Side(side))
			}
		}
		s.Services = l.services(m.OptWords("services"))
		s.Parties = l.refList(partyRef, m.OptWords("parties"))
		s.Hard = m.OptBool("hard", false)
		s.InFlight = InFlight(m.OptOneOf("in_flight", string(InFlightHolds), string(InFlightHolds), string(InFlightFinishes)))
	case Phase, Window:
		l.stretch(s, m)
		if s.Kind == Window {
			s.Services = l.services(m.OptWords("services"))
		}
	case Release, Point:
		s.From = l.needWhen(m, "date")
		s.Until = s.From
	default:
		m.Ignore() // which keys belong here depends on the kind
	}
	for _, n := range m.OptItems("was") {
		s.Was = append(s.Was, l.was(s.Kind, n))
	}
	if s.Kind != Zone {
		s.Change = l.class(m.OptWord("change"))
	}
	l.done(m, "milestones.ID")
	return s
}

// was reads dates that the milestone had before it was moved.
func (l *loader) was(kind MilestoneKind, n yamldoc.Node) Was {
	m := n.Map()
	w := Was{Pos: n.Pos()}
	if !m.OK() {
		return w
	}
	dates := &Milestone{}
	switch kind {
	case Zone, Phase, Window:
		l.stretch(dates, m)
	case Release, Point:
		dates.From = l.needWhen(m, "date")
		dates.Until = dates.From
	default:
		m.Ignore()
		return w
	}
	w.From, w.Until = dates.From, dates.Until
	w.Moved = l.needWhen(m, "moved")
	if day, ok := m.OptNode("moved"); ok && w.Moved.Kind != NoWhen && w.Moved.Kind != Day {
		day.Problemf(CodeBadDate, "%q is not a day", w.Moved.Text).Hintf("write the day on which it was moved: 2019-10-01")
	}
	w.Reason = m.Str("reason")
	w.By = l.seatRef(m.OptWord("by"))
	l.done(m, "milestones.ID.was[]")
	return w
}

// started reads which runbook the milestone starts, and how.
func (l *loader) started(s *Milestone, m *yamldoc.Map) {
	s.Runbook = l.ref(runbooks.RunbookRef, m.OptWord("runbook"))
	s.Environment = l.ref(environmentRef, m.OptWord("environment"))
	s.Rehearsal = m.OptBool("rehearsal", false)
	if m.Has("runbook") {
		return
	}
	for _, key := range []string{"environment", "rehearsal"} {
		if n, ok := m.OptNode(key); ok {
			n.KeyProblemf(CodeUselessKey, "%s says something about a runbook, and there is none", key).
				Hintf("add runbook: NAME or remove %s", key)
		}
	}
}

// stretch reads from when until when: `in`, or `from` and `until`.
func (l *loader) stretch(s *Milestone, m *yamldoc.Map) {
	if n, ok := m.OptNode("in"); ok {
		for _, key := range []string{"from", "until"} {
			if m.Has(key) {
				m.ExactlyOne("in", key)
				return
			}
		}
		w := l.when(n)
		if w.Kind != NoWhen && w.Kind != Month {
			n.Problemf(CodeBadDate, "%q is not a month", w.Text).Hintf("write 2019-07 or 2019-09..2019-10; days go into from and until")
			return
		}
		s.From, s.Until = w, w
		return
	}
	s.From, s.Until = l.needWhen(m, "from"), l.needWhen(m, "until")
	if n, ok := m.OptNode("until"); ok {
		l.backwards(n, s.From, s.Until)
	}
}

func (l *loader) needWhen(m *yamldoc.Map, key string) When {
	n := m.Need(key)
	if n.Kind() == yamldoc.KindNone {
		return When{}
	}
	w := l.when(n)
	return w
}

var classNames = func() []string {
	var names []string
	for _, c := range Classes() {
		names = append(names, string(c))
	}
	return names
}()

func (l *loader) classes(words []diag.Word) []Class {
	l.twice(words)
	var out []Class
	for _, w := range words {
		out = append(out, l.class(w))
	}
	return out
}

func (l *loader) class(w diag.Word) Class {
	return Class(l.ref(runbooks.ClassRef, w))
}

// seatRef notes a seat.
func (l *loader) seatRef(w diag.Word) string { return l.ref(runbooks.SeatRef, w) }
