package runner

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"skift/internal/freeze"
	"skift/internal/plan"
	"skift/internal/run"
	"skift/runbooks"
)

// frozen asks the zones in force whether a step may change what it changes. It is asked before each attempt: what has begun is finished.
// Rehearsals in production and other environments change nothing that a zone protects.
//
// What the step is, its own revision of the plan says: its class, whether it is the transition's. Which zones are in force is no part of a run:
// that goes by the revision in use, for every change alike.
func (d *decision) frozen(own *plan.Plan, rn *run.Run, s *runbooks.Step) freeze.Answer {
	if !s.Changes() || d.simulated(rn, s) || !rn.Started.Production {
		return freeze.Answer{Allowed: true}
	}
	now := d.r.plan
	q := freeze.Question{Class: plan.Class(s.Change), Change: rn.ID + "/" + s.ID, At: d.Now,
		ListedTransition: s.Change == string(plan.Transition) && d.listed(own, rn.Started.Runbook) && !wasAdded(rn, s.ID)}
	if !wasAdded(rn, s.ID) {
		q.Step = rn.Started.Runbook + "/" + s.ID
	}
	if party := plan.SeatParty(s.Owner); now.Parties[party] != nil { // one that the revision in use does not know could be any
		q.Party = party
	}
	if len(s.Switches) == 1 && now.Services[s.Switches[0]] != nil { // more of them, or none, and every zone has a say
		q.Service = s.Switches[0]
	}
	a := d.r.cfg.Calendar.Freeze(now, &d.Facts.Register, q)
	if a.Allowed {
		return a
	}
	if q.Since = d.changingSince(rn); q.Since.IsZero() {
		return a
	}
	return d.r.cfg.Calendar.Freeze(now, &d.Facts.Register, q)
}

// frozenStep asks the zones about the step that a run was held for, if it has not begun. What cannot be worked out holds nothing: it is met
// again where the step would begin.
func (d *decision) frozenStep(rn *run.Run) (freeze.Answer, *runbooks.Step) {
	st := rn.Steps[rn.HeldStep]
	if rn.State != run.RunHeld || st == nil || st.State != run.Waiting {
		return freeze.Answer{Allowed: true}, nil
	}
	rb, p, err := d.bound(rn)
	if err != nil {
		return freeze.Answer{Allowed: true}, nil
	}
	s := rb.Step(st.ID)
	return d.frozen(p, rn, s), s
}

// frozenNow reports whether a zone stands against another attempt of a step.
func (d *decision) frozenNow(rn *run.Run, s *runbooks.Step) bool {
	p, err := d.r.planOf(rn)
	return err == nil && !d.frozen(p, rn, s).Allowed
}

// wasAdded reports whether a step is none of the plan's: it was put into the run while that was under way.
func wasAdded(rn *run.Run, step string) bool {
	return slices.ContainsFunc(rn.Added, func(a run.Added) bool { return a.Step.ID == step })
}

// changingSince is when the outermost run around a run, or a run inside that, began to change something; zero = it has not.
func (d *decision) changingSince(rn *run.Run) (since time.Time) {
	for o := rn; o != nil; o = d.Facts.Runs.Runs[o.Started.Parent] {
		rn = o
	}
	for _, id := range d.family(rn) {
		for _, st := range d.Facts.Runs.Runs[id].Steps {
			at := st.AskedAt
			if len(st.Attempts) > 0 {
				at = st.Attempts[0].StartedAt
			}
			if st.Changes && st.Attempt > 0 && !st.Simulated && (since.IsZero() || at.Before(since)) {
				since = at
			}
		}
	}
	return since
}

// listed reports whether a runbook is work the plan itself schedules. A plan never changes, so it is worked out once.
func (d *decision) listed(p *plan.Plan, runbook string) bool {
	if seen := d.r.scheduled[p]; seen != nil {
		return seen[runbook]
	}
	seen := p.Scheduled()
	if d.r.scheduled == nil {
		d.r.scheduled = map[*plan.Plan]map[string]bool{}
	}
	d.r.scheduled[p] = seen
	return seen[runbook]
}

// frozenText says which zones do not let a step begin, until when, and who may make an exception.
func (d *decision) frozenText(s *runbooks.Step, a freeze.Answer) string {
	what := "is a change of class " + s.Change
	if s.Change == "" {
		what = "changes something and does not say what class of change it is"
	}
	var zones []string
	for _, r := range a.Refusals {
		switch {
		case r.Zone == nil:
			zones = append(zones, string(r.Why))
		case r.Zone.Hard:
			zones = append(zones, fmt.Sprintf("%s (%s, until %s; nobody makes an exception)", r.Zone.ID, r.Why, r.Ends(d.r.plan.Zone)))
		default:
			zones = append(zones, fmt.Sprintf("%s (%s, until %s; exceptions: %s)", r.Zone.ID, r.Why, r.Ends(d.r.plan.Zone), strings.Join(r.Waives, ", ")))
		}
	}
	return fmt.Sprintf("%s %s, which a frozen zone in force does not allow: %s", s.ID, what, strings.Join(zones, ", "))
}
