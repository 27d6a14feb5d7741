package lint

import (
	"slices"
	"strings"
	"time"

	"skift/internal/diag"
	"skift/internal/freeze"
	"skift/internal/plan"
	"skift/internal/timeline"
	"skift/runbooks"
)

// changes looks for work that a frozen zone will refuse when its time comes, and for windows that do nothing.
func (l *linter) changes() {
	for _, m := range l.t.Milestones {
		if !l.broken.sound("milestones", m.ID) {
			continue
		}
		if m.Kind == plan.Window && m.Runbook == "" {
			l.problems.Warnf(m.Pos, CodeEmptyWindow, "nothing runs in this window").At("milestones." + m.ID).Wide(len(m.ID)).
				Hintf("name what is to be run: runbook: NAME")
		}
		from, until, ok := l.span(m)
		if !ok || m.State == timeline.Passed || m.State == timeline.Missed {
			continue
		}
		if m.Kind == plan.Release && m.Change == "" {
			l.unclassed(m, from)
		}
		if m.Change != "" {
			v := l.judge(m.Change, from, until)
			l.tell(v, m.Pos, "milestones."+m.ID, m.ID)
		}
		if l.p.InEarnest(m.Milestone) { // zones protect nothing but production
			l.stepChanges(m, from, until)
		}
	}
}

// stepChanges asks for every class of change that the milestone's runbook makes, at its first step of that class.
func (l *linter) stepChanges(m *timeline.Milestone, from, until time.Time) {
	seen := map[string]bool{}
	l.steps(m.Runbook, func(r *runbooks.Runbook, s *runbooks.Step) {
		if !s.Changes() || seen[s.Change] {
			return
		}
		seen[s.Change] = s.Change != "" // each that nobody classed is one to be classed
		v := l.judge(plan.Class(s.Change), from, until)
		if v.problem() && strings.HasPrefix(s.Pos.File, "standard:") { // a file the author cannot change
			l.tell(v, m.Pos, "milestones."+m.ID, "step "+s.ID+" of the standard runbook "+r.ID)
			return
		}
		l.tell(v, s.Pos, "steps."+s.ID, "step "+s.ID+" ("+m.ID+")")
	})
}

// unclassed tells of a release that a zone cannot judge.
func (l *linter) unclassed(m *timeline.Milestone, at time.Time) {
	zones := l.zones(at)
	if len(zones) == 0 {
		return
	}
	l.problems.Warnf(m.Pos, CodeNoClass, "the release falls into %s and does not say what class of change it is", zones[0].ID).
		At("milestones."+m.ID).Wide(len(m.ID)).See(zones[0].Pos, "the zone is here").Hintf("write change: and one of its classes")
}

// verdict is what zones say about a class of change over a stretch of time.
type verdict struct {
	class     plan.Class
	always    bool // refused at every instant asked about
	refusal   *freeze.Refusal
	refusedAt time.Time
}

// judge asks the zones at the beginning of a stretch, wherever a zone begins in it, and at its end. The plan's own milestones are
// what the class transition is made for.
func (l *linter) judge(class plan.Class, from, until time.Time) verdict {
	at := []time.Time{from}
	for _, m := range l.t.Milestones {
		if begin := m.Start.Earliest; m.Kind == plan.Zone && begin.After(from) && begin.Before(until) {
			at = append(at, begin)
		}
	}
	if end := until.Add(-time.Nanosecond); end.After(from) {
		at = append(at, end)
	}
	slices.SortFunc(at, time.Time.Compare)
	v := verdict{class: class, always: true}
	for _, t := range at {
		a := freeze.Judge(l.zones(t), nil, freeze.Question{Class: class, At: t, ListedTransition: class == plan.Transition})
		if a.Allowed {
			v.always = false
			continue
		}
		if v.refusal == nil && a.Refusals[0].Zone != nil {
			v.refusal, v.refusedAt = &a.Refusals[0], t
		}
	}
	return v
}

func (v verdict) problem() bool { return v.refusal != nil }

// tell reports a refusal: an error when the change is never allowed, a warning when it is for part of the time.
func (l *linter) tell(v verdict, pos diag.Pos, path, what string) {
	if !v.problem() {
		return
	}
	zone := v.refusal.Zone
	code, message, args := CodeNotAllowed, "%s is a change of class %s, which %s does not allow on %s", []any{what, v.class, zone.ID, l.local(v.refusedAt)}
	if v.class == "" {
		code, message, args = CodeStepNoClass, "%s changes something and does not say what class of change it is: %s would hold it on %s", []any{what, zone.ID, l.local(v.refusedAt)}
	}
	var p *diag.Problem
	if v.always {
		p = l.problems.Addf(pos, code, message, args...)
	} else {
		p = l.problems.Warnf(pos, code, message, args...)
	}
	p.At(path).See(zone.Pos, "the zone allows %s", allowed(zone.Allow))
	if v.class == "" {
		p.Hintf("write change: and one of the classes")
		return
	}
	if len(v.refusal.Waives) > 0 {
		p.Hintf("move it out of the zone, or let the zone allow %s; %s answers for the zone", v.class, strings.Join(v.refusal.Waives, ", "))
	} else {
		p.Hintf("move it out of the zone, or let the zone allow %s", v.class)
	}
}

func allowed(classes []plan.Class) string {
	if len(classes) == 0 {
		return "nothing"
	}
	var out []string
	for _, c := range classes {
		out = append(out, string(c))
	}
	return strings.Join(out, ", ")
}
