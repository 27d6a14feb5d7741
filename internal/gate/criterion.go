package gate

import (
	"cmp"
	"time"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
)

// judgeCriterion says whether one criterion is met, and on what that rests.
func judgeCriterion(in Input, g *register.GateFacts, c plan.Criterion, now time.Time) register.CriterionSeen {
	seen := register.CriterionSeen{ID: c.ID, Kind: string(c.Kind), State: Unknown}
	switch c.Kind {
	case plan.SuiteCriterion:
		judgeSuite(&seen, in, c, now)
	case plan.MilestoneCriterion:
		judgeMilestone(&seen, in, c)
	case plan.RehearsalCriterion:
		judgeRehearsal(&seen, in.Runs, c, now)
	case plan.IncidentsCriterion:
		judgeIncidents(&seen, in.Facts, c, now)
	case plan.GreenDaysCriterion:
		judgeDays(&seen, in.Suites[c.Suite].Days, c)
	case plan.AttestedCriterion:
		seen.State, seen.Reason = Unmet, "not-attested"
		if a, ok := g.Attested[c.Attested]; ok {
			seen.State, seen.Reason, seen.AsOf, seen.Event = Met, "", a.At, a.Seq
		}
	}
	return seen
}

func judgeSuite(seen *register.CriterionSeen, in Input, c plan.Criterion, now time.Time) {
	e, ok := in.Suites[c.Suite]
	if !ok {
		seen.Reason = "stale"
		return
	}
	critical, others := e.Critical, e.Others
	critical.Need, others.Need = c.Critical, c.Others
	seen.Critical, seen.Others, seen.Findings, seen.AsOf = &critical, &others, e.Findings, e.AsOf
	switch {
	case e.AsOf.IsZero(), c.MaxAge > 0 && now.Sub(e.AsOf) > c.MaxAge:
		seen.Reason = "stale"
	case critical.Total+others.Total == 0:
		seen.Reason = "nothing-asked"
	case !Enough(critical, c.Critical) && critical.Total > 0:
		seen.State, seen.Reason = Unmet, "critical"
	case !Enough(others, c.Others) && others.Total > 0:
		seen.State, seen.Reason = Unmet, "others"
	default:
		seen.State = Met
		if critical.Accepted+others.Accepted > 0 {
			seen.Reason = "with-deviations"
		}
	}
}

func judgeMilestone(seen *register.CriterionSeen, in Input, c plan.Criterion) {
	is := in.Milestone(c.Milestone)
	m := in.Facts.Milestone(c.Milestone)
	seen.AsOf = m.PassedAt
	seen.State, seen.Reason = Unmet, "milestone-"+is
	if is == c.State {
		seen.State, seen.Reason = Met, ""
		if is == "passed" && m.PassedAt.IsZero() {
			seen.Reason = "by-the-calendar"
		}
	}
}

// judgeRehearsal asks for a run that proves the runbook, recent enough.
func judgeRehearsal(seen *register.CriterionSeen, runs *run.Facts, c plan.Criterion, now time.Time) {
	seen.State, seen.Reason = Unmet, "not-rehearsed"
	r := Proof(runs, c)
	if r == nil {
		return
	}
	seen.AsOf = r.EndedAt
	if c.Within > 0 && now.Sub(r.EndedAt) > c.Within {
		seen.Reason = "rehearsed-too-long-ago"
		return
	}
	seen.State, seen.Reason = Met, ""
}

// Proof is the latest run that proves the runbook of a criterion in its environment, or in any where none is named; nil = none does. It is
// complete, nothing simulated, at speed 1. In the production environment only a rehearsal is one; elsewhere every run is.
func Proof(runs *run.Facts, c plan.Criterion) *run.Run {
	for i := len(runs.Order) - 1; i >= 0; i-- {
		r := runs.Runs[runs.Order[i]]
		elsewhere := c.Environment != "" && r.Started.Environment != c.Environment
		if r.Started.Runbook != c.Rehearsal || elsewhere || !r.Proves() {
			continue
		}
		if r.Started.Production && !r.Started.Rehearsal {
			continue
		}
		return r
	}
	return nil
}

// judgeIncidents counts the incidents that are open, or were within the time asked about. What is known is one thing, that it is all there is
// to know another: somebody must have said so of each platform, and lately.
func judgeIncidents(seen *register.CriterionSeen, f *register.Facts, c plan.Criterion, now time.Time) {
	asks := func(side checks.Side) bool { return c.Platform == "" || c.Platform == side }
	over := false
	for _, class := range register.IncidentClasses() {
		most, limited := c.Most[class]
		if !limited {
			continue
		}
		within := func(i *register.IncidentFacts) bool { return asks(i.Platform) && i.OpenSince(now.Add(-c.For), now) }
		open := f.IncidentsBy(func(i *register.IncidentFacts) bool { return i.Class == class && within(i) })
		for _, i := range f.IncidentsBy(func(i *register.IncidentFacts) bool {
			return i.Lowered != nil && i.Lowered.From == class && within(i)
		}) {
			seen.Lowered = append(seen.Lowered, *i.Lowered)
		}
		seen.Incidents = append(seen.Incidents, register.ClassCount{Class: class, Count: len(open), Most: most})
		over = over || len(open) > most
		for _, i := range open {
			seen.Open = append(seen.Open, i.ID)
		}
	}
	seen.State = Met
	for _, side := range checks.Sides() {
		l, listed := f.IncidentLists[side]
		switch {
		case !asks(side):
			continue
		case !listed:
			seen.State, seen.Reason = Unknown, "no-list"
			continue
		case now.Sub(l.AsOf) > c.MaxAge:
			seen.State, seen.Reason = Unknown, cmp.Or(seen.Reason, "old-list")
		}
		if seen.AsOf.IsZero() || l.AsOf.Before(seen.AsOf) {
			seen.AsOf, seen.Event = l.AsOf, l.Seq
		}
	}
	if over { // sure, however old the list is
		seen.State, seen.Reason = Unmet, "incidents"
	}
}

// judgeDays asks that the last days were green, each of them. A day of which nothing is known is not, nor is one of a suite without critical checks.
func judgeDays(seen *register.CriterionSeen, days []register.Day, c plan.Criterion) {
	red := false
	for _, d := range days[:min(len(days), c.GreenDays)] {
		seen.Days = append(seen.Days, register.DaySeen{Day: d.Day, Units: d.Units, Red: len(d.Red), Blind: len(d.Blind)})
		seen.Findings = append(append(seen.Findings, d.Red...), d.Blind...)
		red = red || len(d.Red) > 0
	}
	seen.Findings = seen.Findings[:min(len(seen.Findings), mostFindings)]
	switch {
	case red:
		seen.State, seen.Reason = Unmet, "red-day"
	case seen.GreenDays() < c.GreenDays:
		seen.State, seen.Reason = Unknown, "blind-day"
	default:
		seen.State = Met
	}
}

// mostFindings bounds what a criterion names of several days: the rest stands in the history.
const mostFindings = 20
