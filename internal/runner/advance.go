package runner

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/freeze"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/runbooks"
)

// advance starts every step of a run that can start now, and ends the run when nothing is left.
//
// Before Run nobody would do a step's work: then nothing is started, and Run takes it up.
func (d *decision) advance(rn *run.Run) error {
	if !d.r.live.Load() {
		return nil
	}
	rb, err := d.runbook(rn)
	if err != nil {
		return err
	}
	for again := true; again; {
		again = false
		for _, s := range rb.Steps {
			if rn.State != run.RunRunning {
				return nil
			}
			if !d.ready(rn, s) {
				continue
			}
			may, err := d.guard(rn, s)
			if err != nil {
				return err
			}
			if !may {
				continue
			}
			if err := d.startStep(rn, s); err != nil {
				return err
			}
			again = again || rn.Steps[s.ID].State.Settled()
		}
	}
	if rn.State == run.RunRunning && allSettled(rn) {
		return d.end(rn, run.RunDone, "")
	}
	return nil
}

func (d *decision) ready(rn *run.Run, s *runbooks.Step) bool {
	if rn.Steps[s.ID].State != run.Waiting {
		return false
	}
	return !slices.ContainsFunc(s.Needs, func(n string) bool { return !rn.Steps[n].State.Settled() })
}

func allSettled(rn *run.Run) bool {
	for _, s := range rn.Steps {
		if !s.State.Settled() {
			return false
		}
	}
	return true
}

// guard asks the gate and the freeze. What it opens, holds or ends on the way is part of the decision.
func (d *decision) guard(rn *run.Run, s *runbooks.Step) (bool, error) {
	p, err := d.r.planOf(rn)
	if err != nil {
		return false, err
	}
	if s.AfterGate != "" {
		if may, err := d.gateAllows(p, rn, s); !may || err != nil {
			return false, err
		}
	}
	if s.Change == "" || d.simulated(rn, s) || !rn.Started.Production {
		return true, nil
	}
	a := d.r.cfg.Calendar.Freeze(p, &d.Facts.Register, freeze.Question{
		Class: plan.Class(s.Change), At: d.Now, ListedTransition: s.Change == string(plan.Transition),
	})
	if a.Allowed {
		return true, nil
	}
	return false, d.hold(rn, fmt.Sprintf("%s is a change of class %s, which a frozen zone in force does not allow: %s", s.ID, s.Change, zonesOf(a)), s.ID, "")
}

// zonesOf names the zones that refuse and who may make an exception.
func zonesOf(a freeze.Answer) string {
	var out []string
	for _, r := range a.Refusals {
		text := string(r.Why)
		if r.Zone != nil {
			text = r.Zone.ID + " (" + text + "; exceptions: " + strings.Join(r.Waives, ", ") + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// simulated reports whether the step is asked and timed but not executed: a rehearsal in production.
func (d *decision) simulated(rn *run.Run, s *runbooks.Step) bool {
	return rn.Started.Rehearsal && rn.Started.Production && !s.RehearseRun && changes(s) ||
		rn.Started.Rehearsal && rn.Started.Production && !s.RehearseRun && s.Kind == runbooks.Message
}

// startStep emits the intent and keeps the work for after the commit.
func (d *decision) startStep(rn *run.Run, s *runbooks.Step) error {
	st := rn.Steps[s.ID]
	b := run.Begun{State: run.Running, Attempt: st.Attempt + 1, Simulated: d.simulated(rn, s)}
	if s.Kind == runbooks.Manual || b.Simulated && s.Owner != "" {
		b.State = run.WaitingForPerson
	}
	services := s.Switches
	if len(s.Closes) > 0 {
		services = s.Closes
	}
	b.Services = d.inScope(rn, services)
	if s.Kind == runbooks.Wait {
		due, err := d.dueAt(rn, s)
		if err != nil {
			return err
		}
		b.DueAt = &due
	}
	if s.Kind == runbooks.Nested && !b.Simulated {
		b.Child = d.runID(s.Runbook)
	}
	if _, err := d.Emit(run.StepStarted, rn.ID, s.ID, engine(), run.Body(b)); err != nil {
		return err
	}
	if !b.Simulated && len(s.Switches) > 0 {
		if err := d.movePhase(rn, s.ID, b.Services, checks.Switching); err != nil {
			return err
		}
	}
	if b.Simulated && b.State == run.Running { // nobody to ask: a message, or a step without an owner
		return d.finish(rn, s.ID, run.Done, engine(), "simulated")
	}
	if b.Child != "" {
		return d.startChild(rn, s)
	}
	if b.State == run.Running {
		d.launches = append(d.launches, d.r.work(rn.ID, s, b.Attempt))
	}
	return nil
}

// inScope keeps the services that the go covered.
func (d *decision) inScope(rn *run.Run, services []string) []string {
	var scope []string
	for _, gid := range d.Facts.Register.GatesUsed(rn.ID) {
		if g := d.Facts.Register.Gate(register.GateKey{Gate: gid}); g.Decision != nil && len(g.Decision.Services) > 0 {
			scope = append(scope, g.Decision.Services...)
		}
	}
	if len(scope) == 0 {
		return services
	}
	return slices.DeleteFunc(slices.Clone(services), func(s string) bool { return !slices.Contains(scope, s) })
}

func (d *decision) dueAt(rn *run.Run, s *runbooks.Step) (time.Time, error) {
	if s.WaitBody.Until == "" {
		wait := s.WaitBody.For
		if rn.Started.Speed > 1 {
			wait = time.Duration(float64(wait) / rn.Started.Speed)
		}
		return d.Now.Add(wait), nil
	}
	p, err := d.r.planOf(rn)
	if err != nil {
		return time.Time{}, err
	}
	at, ok := d.r.cfg.Calendar.Moment(p, &d.Facts.Register, s.WaitBody.Until, d.Now)
	if !ok {
		return time.Time{}, refuse(Conflict, "set a date in the plan, or skip the step", "%s waits until %s, which has no date", s.ID, s.WaitBody.Until)
	}
	return at, nil
}

func (d *decision) startChild(rn *run.Run, s *runbooks.Step) error {
	p, err := d.r.planOf(rn)
	if err != nil {
		return err
	}
	rb, env := p.Runbooks[s.Runbook], p.Environments[rn.Started.Environment]
	body := d.r.started(rb, env, Command{Rehearsal: rn.Started.Rehearsal, Speed: rn.Started.Speed})
	body.PlanHash, body.Parent, body.ParentStep = p.Hash, rn.ID, s.ID
	_, _, err = d.startRun(rb, body, engine())
	return err
}

// finish ends a step, moves phases, and lets the run react.
func (d *decision) finish(rn *run.Run, step string, to run.StepState, who journal.Actor, reason string) error {
	return d.finishWith(rn, step, who, run.Finished{State: to, Attempt: rn.Steps[step].Attempt, Reason: reason})
}

func (d *decision) finishWith(rn *run.Run, step string, who journal.Actor, b run.Finished) error {
	if _, err := d.Emit(run.StepFinished, rn.ID, step, who, run.Body(b)); err != nil {
		return err
	}
	st := rn.Steps[step]
	if b.State != run.Done || st.Simulated {
		return nil
	}
	switch {
	case len(st.Switches) > 0:
		return d.movePhase(rn, step, st.Services, checks.Fallback)
	case len(st.Closes) > 0:
		return d.movePhase(rn, step, st.Services, checks.Closed)
	case len(st.Reverts) > 0:
		return d.movePhase(rn, step, st.Reverts, checks.Before)
	}
	return nil
}

func (d *decision) movePhase(rn *run.Run, step string, services []string, to checks.Phase) error {
	if len(services) == 0 {
		return nil
	}
	_, err := d.Emit(register.PhaseMoved, rn.ID, step, engine(), register.Body(register.Moved{
		Environment: rn.Started.Environment, Services: services, Phase: to, Step: step}))
	return err
}

func (d *decision) hold(rn *run.Run, reason, step, gateID string) error {
	_, err := d.Emit(run.RunWasHeld, rn.ID, "", engine(), run.Body(run.Ended{Reason: reason, Step: step, Gate: gateID}))
	return err
}

// end ends a run, cancels what it had not begun, and tells its parent and its milestone.
func (d *decision) end(rn *run.Run, state run.State, reason string) error {
	if state != run.RunDone {
		for _, id := range rn.Order {
			if st := rn.Steps[id].State; !st.Settled() && st != run.Cancelled {
				if err := d.finish(rn, id, run.Cancelled, engine(), string(state)); err != nil {
					return err
				}
			}
		}
	}
	if _, err := d.Emit(run.RunEnded, rn.ID, "", engine(), run.Body(run.Ended{State: state, Reason: reason})); err != nil {
		return err
	}
	if parent := d.Facts.Runs.Runs[rn.Started.Parent]; parent != nil {
		return d.childEnded(parent, rn)
	}
	if undone := d.Facts.Runs.Runs[rn.Started.Undoes]; undone != nil && state == run.RunDone && !undone.State.Final() {
		return d.end(undone, run.RunBacked, "backed out by "+rn.ID)
	}
	return d.passMilestone(rn, state)
}

// passMilestone: a phase or window without an exit gate is passed when the run it began is done.
func (d *decision) passMilestone(rn *run.Run, state run.State) error {
	m := d.r.plan.Milestones[rn.Started.Milestone]
	if m == nil || state != run.RunDone || m.Exit != "" || m.Kind == plan.Zone {
		return nil
	}
	_, err := d.Emit(register.MilestonePassed, "", m.ID, engine(), register.Body(register.Passed{Run: rn.ID}))
	return err
}

func (d *decision) childEnded(parent, child *run.Run) error {
	st := parent.Steps[child.Started.ParentStep]
	if st == nil || st.State != run.Running || st.Child != child.ID {
		return nil
	}
	if child.State == run.RunDone {
		return d.succeed(parent, st.ID, engine(), run.Finished{Attempt: st.Attempt, Reason: child.ID + " is done"})
	}
	return d.failed(parent, st.ID, engine(), run.Finished{Attempt: st.Attempt, Reason: fmt.Sprintf("%s ended %s: %s", child.ID, child.State, child.Reason)})
}
