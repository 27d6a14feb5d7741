package lint

import (
	"time"
	"unicode/utf8"

	"skift/internal/diag"
	"skift/internal/plan"
)

// dates looks for stretches that are over before they begin. The reader has refused those whose own dates say so; here are those
// whose dates hang on others.
func (l *linter) dates() {
	for _, m := range l.t.Milestones {
		lasts := m.Kind == plan.Zone || m.Kind == plan.Phase || m.Kind == plan.Window
		if lasts && l.broken.sound("milestones", m.ID) {
			l.stretch("milestones."+m.ID+".until", m.From, m.Until, m.PlannedStart.Earliest, m.PlannedEnd.Latest)
		}
	}
	for _, id := range l.p.SuiteIDs {
		for _, d := range l.p.Suites[id].During {
			from, begins := l.t.OpensAt(d.From)
			until, ends := l.t.DecideBy(d.Until)
			if begins && ends && l.broken.sound("suites", id) {
				l.stretch("suites."+id+".during", d.From, d.Until, from, until)
			}
		}
	}
}

// stretch judges one beginning and its end; zero instants are not known.
func (l *linter) stretch(path string, from, until plan.When, begin, end time.Time) {
	if begin.IsZero() || end.IsZero() || begin.Before(end) || until.Pos == (diag.Pos{}) {
		return
	}
	l.problems.Addf(until.Pos, plan.CodeBackwards, "this end (%s) is not after the beginning (%s)", l.local(end), l.local(begin)).
		At(path).Wide(utf8.RuneCountInString(until.Text)).See(from.Pos, "it begins here").Hintf("correct one of them, or what they hang on")
}
