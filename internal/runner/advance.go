package runner

import (
	"fmt"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/runbooks"
)

// advance starts every step of a run that can start now, and ends the run when nothing is left.
//
// Outside Run nobody would do a step's work: then nothing is started, and Run takes it up.
func (d *decision) advance(rn *run.Run) error {
	if !d.r.live.Load() {
		return nil
	}
	rb, err := d.runbook(rn)
	if err != nil {
		return err
	}
	done := d.readinessOf(rn, rb)
	for again := true; again; {
		again = false
		full := d.crowded()
		for _, s := range done.ready.Steps() {
			if full && isEffect(s.Kind) {
				d.r.queued = true
				continue
			}
			if !done.ready.Startable(s.ID) { // what came before it in the list changed that
				continue
			}
			if d.stands(rn) {
				return nil
			}
			if d.paused(rn, s.Stream, s.ID) {
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
			full = d.crowded()
		}
	}
	if rn.State == run.RunRunning && done.open == 0 {
		return d.end(rn, run.RunDone, "")
	}
	for _, id := range done.nested { // a run inside it stood still with it
		child := d.Facts.Runs.Runs[rn.Steps[id].Child]
		if rn.State != run.RunRunning || child == nil || child.State.Final() {
			continue
		}
		if err := d.advance(child); err != nil {
			return err
		}
	}
	return nil
}

// stands reports whether nothing new is started in a run: it, or a run around it, is held, has ended or is being backed out.
func (d *decision) stands(rn *run.Run) bool {
	for o := rn; o != nil; o = d.Facts.Runs.Runs[o.Started.Parent] {
		if o.State != run.RunRunning || d.backedOutBy(o) != nil {
			return true
		}
	}
	return false
}

func (d *decision) ready(rn *run.Run, s *runbooks.Step) bool {
	if rn.Steps[s.ID].State != run.Waiting {
		return false
	}
	return !slices.ContainsFunc(s.Needs, func(n string) bool { return !rn.Steps[n].State.Settled() })
}

// guard asks the clock, the gate and the freeze. What it opens, holds or ends on the way is part of the decision.
func (d *decision) guard(rn *run.Run, s *runbooks.Step) (bool, error) {
	p, err := d.r.planOf(rn)
	if err != nil {
		return false, err
	}
	if d.early(p, rn, s) {
		return false, nil
	}
	if late := d.tooLate(p, rn, s); late != "" {
		_, err := d.Emit(run.StepWasHeld, rn.ID, s.ID, engine(), run.Body(run.Finished{Attempt: rn.Steps[s.ID].Attempt, Reason: late}))
		return false, err
	}
	if s.AfterGate != "" {
		if may, err := d.gateAllows(p, rn, s); !may || err != nil {
			return false, err
		}
	}
	if a := d.frozen(p, rn, s); !a.Allowed {
		return false, d.hold(rn, d.frozenText(s, a), s.ID, "")
	}
	return true, nil
}

// simulated reports whether the step is asked and timed but not executed: a rehearsal in production.
func (d *decision) simulated(rn *run.Run, s *runbooks.Step) bool {
	return rn.Started.Rehearsal && rn.Started.Production && !s.RehearseRun && s.Changes() ||
		rn.Started.Rehearsal && rn.Started.Production && !s.RehearseRun && s.Kind == runbooks.Message
}

// startStep emits the intent and keeps the work for after the commit.
func (d *decision) startStep(rn *run.Run, s *runbooks.Step) error {
	st := rn.Steps[s.ID]
	b := run.Begun{State: run.Running, Attempt: st.Attempt + 1, Simulated: d.simulated(rn, s), Services: d.moves(rn, s)}
	if st.Owner != s.Owner {
		b.Owner = st.Owner
	}
	if s.Kind == runbooks.Manual || b.Simulated && st.Owner != "" {
		b.State = run.WaitingForPerson
	}
	if s.Kind == runbooks.Wait {
		due, err := d.dueAt(rn, s)
		if err != nil {
			return err
		}
		b.DueAt = due
	}
	if s.Kind == runbooks.Nested && !b.Simulated {
		b.Child = d.runID(s.Runbook)
	}
	d.r.clock.begin(rn.ID, s.ID)
	if _, err := d.Emit(run.StepStarted, rn.ID, s.ID, engine(), run.Body(b)); err != nil {
		return err
	}
	if !b.Simulated {
		if err := d.movePhase(rn, s.ID, both(s.Switches, b.Services), checks.Switching); err != nil {
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

// dueAt is when a wait step is over; nil while nobody can say. The date of an expression is asked for again and again: plans
// slip, and events come.
func (d *decision) dueAt(rn *run.Run, s *runbooks.Step) (*time.Time, error) {
	if s.WaitBody.Looks() {
		by := d.Now.Add(s.WaitBody.Timeout)
		return &by, nil
	}
	if s.WaitBody.Until == "" {
		if st := rn.Steps[s.ID]; st.State == run.Running {
			due := d.r.clock.moved(rn.ID, s.ID, st.DueAt)
			return &due, nil
		}
		wait := s.WaitBody.For
		if rn.Started.Speed > 1 {
			wait = time.Duration(float64(wait) / rn.Started.Speed)
		}
		at := d.Now.Add(wait)
		return &at, nil
	}
	p, err := d.r.planOf(rn)
	if err != nil {
		return nil, err
	}
	at, ok := d.moment(p, rn, s.WaitBody.Until)
	if !ok {
		return nil, nil
	}
	return &at, nil
}

func (d *decision) startChild(rn *run.Run, s *runbooks.Step) error {
	p, err := d.r.planOf(rn)
	if err != nil {
		return err
	}
	rb, env := p.Runbooks[s.Runbook], p.Environments[rn.Started.Environment]
	body := d.r.started(rb, env, Command{Rehearsal: rn.Started.Rehearsal, Speed: rn.Started.Speed})
	body.PlanHash, body.Parent, body.ParentStep = p.Hash, rn.ID, s.ID
	d.undoInside(rn, s, rb, &body)
	if body.Parameters, err = nestedParameters(p, rn, s, rb); err != nil {
		return err
	}
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
	if err := d.movePhase(rn, step, both(st.Switches, st.Services), checks.Fallback); err != nil {
		return err
	}
	if err := d.movePhase(rn, step, both(st.Closes, st.Services), checks.Closed); err != nil {
		return err
	}
	return d.movePhase(rn, step, both(st.Reverts, st.Services), checks.Before)
}

// movePhase moves services that are not there yet, as they are when a step is begun again. A rehearsal in production moves nothing, whatever
// it was told to run.
func (d *decision) movePhase(rn *run.Run, step string, services []string, to checks.Phase) error {
	services = slices.DeleteFunc(slices.Clone(services), func(s string) bool {
		return d.Facts.Register.Phases[register.PhaseKey{Environment: rn.Started.Environment, Service: s}] == to
	})
	if len(services) == 0 || rn.Started.Rehearsal && rn.Started.Production {
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
	return d.endBy(rn, state, reason, engine())
}

// endBy is end by somebody's word.
func (d *decision) endBy(rn *run.Run, state run.State, reason string, who journal.Actor) error {
	if state != run.RunDone {
		if err := d.cancelRest(rn, state); err != nil {
			return err
		}
	}
	if _, err := d.Emit(run.RunEnded, rn.ID, "", who, run.Body(run.Ended{State: state, Reason: reason})); err != nil {
		return err
	}
	if parent := d.Facts.Runs.Runs[rn.Started.Parent]; parent != nil {
		return d.childEnded(parent, rn)
	}
	if undone := d.Facts.Runs.Runs[rn.Started.Undoes]; undone != nil && state == run.RunDone && !undone.State.Final() {
		return d.endBy(undone, run.RunBacked, "backed out by "+rn.ID, who)
	}
	return d.passMilestone(rn, state)
}

// cancelRest cancels the steps of a run that ends early, and the runs inside it.
func (d *decision) cancelRest(rn *run.Run, state run.State) error {
	for _, id := range rn.Order {
		st := rn.Steps[id]
		if st.State.Settled() || st.State == run.Cancelled {
			continue
		}
		if err := d.finish(rn, id, run.Cancelled, engine(), d.lastWord(rn, st, state)); err != nil {
			return err
		}
		if child := d.Facts.Runs.Runs[st.Child]; child != nil && !child.State.Final() {
			how := run.RunAborted
			if d.isUndone(child) {
				how = run.RunBacked
			}
			if err := d.end(child, how, fmt.Sprintf("%s ended %s", rn.ID, state)); err != nil {
				return err
			}
		}
	}
	return nil
}

// passMilestone: a phase or window without an exit gate is passed when the run it began is done.
func (d *decision) passMilestone(rn *run.Run, state run.State) error {
	m := d.r.plan.Milestones[rn.Started.Milestone]
	if m == nil || state != run.RunDone || m.Exit != "" || m.Kind == plan.Zone || !d.Facts.Register.Milestone(m.ID).PassedAt.IsZero() {
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
	if child.State == run.RunNoGo && !parent.Changed {
		return d.end(parent, run.RunNoGo, child.Reason)
	}
	if child.State == run.RunDone {
		return d.succeed(parent, st.ID, engine(), run.Finished{Attempt: st.Attempt, Reason: child.ID + " is done"})
	}
	return d.failed(parent, st.ID, engine(), run.Finished{Attempt: st.Attempt, Reason: fmt.Sprintf("%s ended %s: %s", child.ID, child.State, child.Reason)})
}
