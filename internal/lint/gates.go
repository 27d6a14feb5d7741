package lint

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"skift/checks"
	"skift/internal/diag"
	"skift/internal/plan"
	"skift/internal/timeline"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// gates looks for decisions that nobody can make, or nobody asks for.
func (l *linter) gates() {
	asked := l.askedGates()
	for _, id := range l.p.GateIDs {
		g := l.p.Gates[id]
		if !l.broken.sound("gates", id) {
			continue
		}
		if g.Opens.IsZero() && !asked[id] {
			l.problems.Warnf(g.Pos, CodeNeverAsked, "nobody asks for this decision").At("gates."+id).Wide(len(id)).
				Hintf("give it an opening (opens: cutover.start - 1d), let a step wait for it (after_gate: %s) or a milestone end with it (exit: %s)", id, id)
		}
		by, dated := l.t.DecideBy(g.DecideBy)
		if opens, ok := l.t.OpensAt(g.Opens); ok && dated && !by.After(opens) {
			l.problems.Addf(g.DecideBy.Pos, CodeGateClosed, "the deadline (%s) is not after the opening (%s)", l.local(by), l.local(opens)).
				At("gates."+id+".decide_by").Wide(utf8.RuneCountInString(g.DecideBy.Text)).See(g.Opens.Pos, "it opens here").Hintf("a gate without a decision by its deadline is a no-go")
		}
		l.gateBeside(g)
		for _, c := range g.Criteria {
			switch c.Kind {
			case plan.SuiteCriterion:
				l.freshSuite(g, c, by, dated)
			case plan.MilestoneCriterion:
				l.milestoneInTime(g, c, by, dated)
			case plan.RehearsalCriterion:
				l.realRehearsal(g, c)
			}
		}
	}
}

// gateBeside looks for windows in whose run a gate is asked that decides about none of the services the window is for: a go there is refused.
func (l *linter) gateBeside(g *plan.Gate) {
	if len(g.Scope) == 0 || !l.broken.whole("milestones") || !l.broken.whole("runbooks") {
		return
	}
	for _, id := range l.p.MilestoneIDs {
		m := l.p.Milestones[id]
		shared := slices.ContainsFunc(m.Services, func(s string) bool { return slices.Contains(g.Scope, s) })
		if m.Kind == plan.Window && !m.Rehearsal && len(m.Services) > 0 && !shared && l.p.Asks(m.Runbook, g.ID) {
			l.problems.Warnf(m.Pos, CodeBesideGate, "%s is asked in its run and decides about none of its services: a go is refused", g.ID).At("milestones."+id).Wide(len(id)).
				See(g.Pos, "it decides about %s", strings.Join(g.Scope, ", ")).Hintf("name a service of the window in the gate's scope, or give the window a runbook without that gate")
		}
	}
}

// askedGates are the gates that a step waits for or a milestone ends with.
func (l *linter) askedGates() map[string]bool {
	asked := map[string]bool{}
	for _, r := range l.p.Runbooks {
		for _, s := range r.Steps {
			asked[s.AfterGate] = true
		}
	}
	for _, m := range l.p.Milestones {
		asked[m.Exit] = true
	}
	return asked
}

// criterionProblem begins an error of one criterion.
func (l *linter) criterionProblem(g *plan.Gate, c plan.Criterion, code diag.Code, format string, args ...any) *diag.Problem {
	return l.problems.Addf(c.Pos, code, format, args...).At(criterionPath(g, c))
}

// criterionPath names a criterion as the reader of the plan does: by its place in the list, counted from 1.
func criterionPath(g *plan.Gate, c plan.Criterion) string {
	i := slices.IndexFunc(g.Criteria, func(other plan.Criterion) bool { return other.Pos == c.Pos })
	return fmt.Sprintf("gates.%s.criteria[%d]", g.ID, i+1)
}

// freshSuite asks that a suite which the gate may not run itself has answers young enough at the deadline.
func (l *linter) freshSuite(g *plan.Gate, c plan.Criterion, by time.Time, dated bool) {
	s := l.p.Suites[c.Suite]
	if c.Rerun || s == nil || !l.broken.sound("suites", s.ID) || !l.broken.sound("checks", s.Checks...) {
		return
	}
	if len(s.During) > 0 && !l.broken.whole("milestones") {
		return // when it runs is not known
	}
	const hint = "let the gate ask again when the answers are too old (rerun: true), or let the suite run more often before the deadline"
	schedule, err := l.t.Suite(s)
	if err != nil {
		return // the loader has said so
	}
	if schedule == nil {
		l.criterionProblem(g, c, CodeSuiteStale, "the suite %s never runs by itself, and the gate may not run it", c.Suite).Hintf(hint)
		return
	}
	if !dated {
		return
	}
	age := l.maxAge(c, s)
	slot := schedule.Next(by.Add(-age - time.Nanosecond))
	if !slot.IsZero() && !slot.After(by) {
		return
	}
	l.criterionProblem(g, c, CodeSuiteStale, "the suite %s does not run within %s before the deadline (%s), and the gate may not run it", c.Suite,
		yamldoc.FormatDuration(age), l.local(by)).See(s.Pos, "its schedule is here").Hintf(hint)
}

// maxAge is how old answers may be for a criterion: as it says, else as its most demanding check says.
func (l *linter) maxAge(c plan.Criterion, s *plan.Suite) time.Duration {
	if c.MaxAge > 0 {
		return c.MaxAge
	}
	age := checks.DefaultMaxAge
	for _, id := range s.Checks {
		if spec := l.p.Checks[id]; spec != nil && spec.MaxAge > 0 {
			age = min(age, spec.MaxAge)
		}
	}
	return age
}

// milestoneInTime asks that a milestone can be where the gate wants it by the deadline.
func (l *linter) milestoneInTime(g *plan.Gate, c plan.Criterion, by time.Time, dated bool) {
	m := l.t.Milestone(c.Milestone)
	if m == nil || c.State == string(timeline.Missed) || !l.broken.sound("milestones", m.ID) {
		return
	}
	passed := c.State == string(timeline.Passed)
	if passed && m.Exit == g.ID {
		l.criterionProblem(g, c, CodeOwnExit, "%s passes when this gate says go, and the gate waits for that", m.ID).See(m.Pos, "its exit is this gate").
			Hintf("remove the criterion, or let another gate end %s", m.ID)
		return
	}
	if m.State == timeline.Unset {
		l.problems.Warnf(c.Pos, CodeUndated, "%s has no date yet", m.ID).At(criterionPath(g, c)).See(m.Pos, "it is here").
			Hintf("the gate cannot say go before %s has come", m.ID)
		return
	}
	if !dated || !m.PassedAt.IsZero() {
		return
	}
	if m.Start.Known() && !m.Start.Earliest.Before(by) {
		l.criterionProblem(g, c, CodeTooLate, "%s begins %s, and the gate must be decided by %s", m.ID, l.local(m.Start.Earliest), l.local(by)).
			See(m.Pos, "it is here").Hintf("move the deadline behind it, or remove the criterion")
		return
	}
	if passed && m.End.Known() && m.End.Earliest.After(by) {
		l.problems.Warnf(c.Pos, CodeEndsLate, "%s is planned to end %s, and the gate must be decided by %s", m.ID, l.local(m.End.Earliest), l.local(by)).
			At(criterionPath(g, c)).See(m.Pos, "it is here").Hintf("it has to pass ahead of its plan")
	}
}

// realRehearsal asks that a rehearsal can prove something: in production nothing is changed, so what changes something is simulated.
func (l *linter) realRehearsal(g *plan.Gate, c plan.Criterion) {
	if !l.broken.whole("environments") {
		return
	}
	env := c.Environment
	if env == "" && len(l.p.EnvIDs) == 1 {
		env = l.p.EnvIDs[0]
	}
	if e := l.p.Environments[env]; e == nil || !e.Production {
		return
	}
	var first *runbooks.Step
	l.steps(c.Rehearsal, func(_ *runbooks.Runbook, s *runbooks.Step) {
		if first == nil && simulated(s) {
			first = s
		}
	})
	if first == nil {
		return
	}
	others := slices.DeleteFunc(slices.Clone(l.p.EnvIDs), func(id string) bool { return id == env })
	p := l.criterionProblem(g, c, CodeOnlySimulated, "a rehearsal in %s only simulates step %s, so it proves nothing to a gate", env, first.ID).
		See(first.Pos, "%s changes something", first.ID)
	if len(others) > 0 {
		p.Hintf("ask for a rehearsal elsewhere: environment: %s", others[0])
	} else {
		p.Hintf("rehearse in another environment, or say rehearse: run on steps that harm nobody")
	}
}

// simulated reports whether a rehearsal in production does not execute the step.
func simulated(s *runbooks.Step) bool {
	return !s.RehearseRun && (s.Effect() || s.Change != "" || len(s.Switches)+len(s.Closes) > 0)
}
