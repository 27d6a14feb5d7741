// Package lint says what an author should know before a plan is used: what reads well and still cannot work, or will not
// work as meant.
//
// It asks the rules that will decide later (timeline, freeze, the roster) instead of having its own, so that what it accepts is
// what they accept. It changes nothing, is pure. In a plan that was read with errors it looks at what they do not touch, so that
// an author sees both kinds at once; nothing is concluded from what could not be read.
package lint

import (
	"time"

	"skift/internal/diag"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/timeline"
	"skift/runbooks"
)

// Known is what is known beside the plan. Only Now is needed.
type Known struct {
	Now    time.Time
	Facts  *register.Facts     // nil = nothing has happened
	Latest []register.Interval // the newest observation of each unit
	Runs   *run.Facts          // nil = there were none
}

// linter looks at one plan.
type linter struct {
	p        *plan.Plan
	known    Known
	t        *timeline.Timeline
	problems *diag.List
	broken   broken
}

// Check adds everything worth knowing about a plan to problems. Errors mean that it cannot work as written; warnings leave it usable.
// Where problems holds the errors of reading the plan, only errors that do not follow from them are added.
func Check(p *plan.Plan, known Known, problems *diag.List) {
	found := &diag.List{}
	l := &linter{p: p, known: known, t: timeline.At(p, known.Facts, known.Now), problems: found, broken: brokenIn(p, problems)}
	if !l.broken.whole("timezone", "holidays") {
		return // no date can be trusted
	}
	l.dates()
	l.begins()
	l.gates()
	l.seats()
	l.changes()
	l.certificates()
	if l.broken == nil { // these only warn
		l.consents()
		l.audiences()
		l.sharedCertificates()
	}
	l.broken.keep(found, problems)
}

// local writes an instant as the plan would.
func (l *linter) local(t time.Time) string { return t.In(l.p.Zone).Format("2006-01-02 15:04") }

// span is when a milestone is, from the earliest it can begin until the latest it is planned to end. ok is false when that
// is not known.
func (l *linter) span(m *timeline.Milestone) (from, until time.Time, ok bool) {
	from, until = m.Start.Earliest, m.End.Latest
	if until.IsZero() {
		until = m.End.At
	}
	if from.IsZero() {
		from = m.Start.At
	}
	return from, until, !from.IsZero() && !until.IsZero()
}

// zones are the zones in force at an instant, as far as can be planned: one that ends with an event is over at its estimate.
func (l *linter) zones(at time.Time) []timeline.InForce {
	var out []timeline.InForce
	for _, z := range l.t.Zones(at) {
		if z.Until.Known() && !at.Before(z.Until.At) {
			continue
		}
		if !l.broken.sound("milestones", z.ID) || l.broken != nil && !z.Until.Known() {
			continue // what it allows, or until when, could not be read
		}
		out = append(out, z)
	}
	return out
}

// steps walks the steps of a runbook and of those nested in it.
func (l *linter) steps(id string, visit func(r *runbooks.Runbook, s *runbooks.Step)) {
	seen := map[string]bool{}
	var walk func(id string)
	walk = func(id string) {
		r := l.p.Runbooks[id]
		if r == nil || seen[id] || !l.broken.sound("runbooks", id) {
			return
		}
		seen[id] = true
		for _, s := range r.Steps {
			visit(r, s)
			if s.Kind == runbooks.Nested {
				walk(s.Runbook)
			}
		}
	}
	walk(id)
}
