package runner

import (
	"slices"
	"time"

	"skift/internal/journal"
	"skift/internal/run"
	"skift/runbooks"
)

// twin binds a back-out to the run it undoes, and refuses it after the point of no return.
func (d *decision) twin(rb *runbooks.Runbook, body *run.Started) error {
	undoes := slices.ContainsFunc(rb.Steps, func(s *runbooks.Step) bool { return s.Undoes != "" })
	if !undoes {
		return nil
	}
	for _, id := range slices.Backward(d.Facts.Runs.Order) {
		o := d.Facts.Runs.Runs[id]
		if o.Started.BackOut != rb.ID || o.Started.Environment != body.Environment || o.Started.Rehearsal != body.Rehearsal {
			continue
		}
		if err := d.mayBackOut(o); err != nil {
			return err
		}
		if o.NoReturn && !body.Rehearsal {
			return refuse(Refused, noReturnHint(o), "%s has passed its point of no return and cannot be backed out", o.ID)
		}
		body.Undoes = o.ID
		return nil
	}
	return refuse(Conflict, "", "there is nothing to back out: no run of a runbook that names %q as its back-out was started in %s", rb.ID, body.Environment)
}

// mayBackOut refuses to undo what stands already as it did, or does not stand still. The point of no return is not asked about here.
func (d *decision) mayBackOut(o *run.Run) error {
	if o.State == run.RunBacked || d.undoneBy(o) != nil {
		return refuse(Conflict, "skift runs shows the run that did", "%s is backed out already", o.ID)
	}
	if o.State.Final() && !o.Changed && !o.Started.Rehearsal {
		return refuse(Conflict, "", "%s has ended (%s) and changed nothing: there is nothing to back out", o.ID, o.State)
	}
	if step := d.inFlight(o); step != "" {
		return refuse(Conflict, "wait for it to finish: what is undone must stand still", "%s is in flight", step)
	}
	return nil
}

// undoneBy is the run that backs a run out, or has done so; nil = none. What is undone once is not undone again; a rehearsal that changed
// nothing can be practised on as often as one likes.
func (d *decision) undoneBy(rn *run.Run) *run.Run {
	for _, id := range d.Facts.Runs.Order {
		o := d.Facts.Runs.Runs[id]
		again := rn.Started.Rehearsal && rn.Started.Production
		if o.Started.Undoes == rn.ID && (!o.State.Final() || o.State == run.RunDone && !again) {
			return o
		}
	}
	return nil
}

// holdTwin stops the run that is being backed out, and passes over what there is nothing to undo of.
func (d *decision) holdTwin(rn *run.Run) error {
	undone := d.Facts.Runs.Runs[rn.Started.Undoes]
	if undone == nil {
		return nil
	}
	if undone.State == run.RunRunning {
		if err := d.hold(undone, "backed out by "+rn.ID, "", ""); err != nil {
			return err
		}
	}
	rb, err := d.runbook(rn)
	if err != nil {
		return err
	}
	for _, s := range rb.Steps {
		why := s.Undoes + " was never begun"
		begun := func(step string) (was, known bool) {
			st := undone.Steps[step]
			if st == nil || st.Attempt == 0 {
				return false, st != nil
			}
			by := d.undoneIn(undone, st)
			if by != "" {
				why = step + " was undone by " + by
			}
			return by == "", true
		}
		if !s.NothingToUndo(begun) {
			continue
		}
		if err := d.finish(rn, s.ID, run.Skipped, engine(), "nothing to undo: "+why); err != nil {
			return err
		}
	}
	return nil
}

// undoneIn is the earlier back-out that undid a step and was then ended, if the step was not begun again since; "" = none.
func (d *decision) undoneIn(undone *run.Run, st *run.Step) string {
	for _, id := range slices.Backward(d.Facts.Runs.Order) {
		o := d.Facts.Runs.Runs[id]
		if o.Started.Undoes != undone.ID || !o.State.Final() {
			continue
		}
		rb, err := d.runbook(o)
		if err != nil {
			continue // its revision is gone: nothing is known of it
		}
		for _, s := range rb.Steps {
			did := o.Steps[s.ID]
			if s.Undoes == st.ID && did.State == run.Done && !did.Simulated && !st.AskedAt.After(did.FinishedAt) {
				return o.ID
			}
		}
	}
	return ""
}

// backedOutBy is the unfinished run that backs a run out; nil = none. Nothing else happens in the run meanwhile.
func (d *decision) backedOutBy(rn *run.Run) *run.Run {
	for _, id := range slices.Backward(d.Facts.Runs.Order) {
		if o := d.Facts.Runs.Runs[id]; o.Started.Undoes == rn.ID && !o.State.Final() {
			return o
		}
	}
	return nil
}

// backOutDue starts the back-out that a failed step asks for, unless the point of no return is passed, and once nothing of the
// run is in flight any more: what is undone must stand still. A failure from before an earlier back-out asks no more.
func (d *decision) backOutDue(rn *run.Run) error {
	if rn.State != run.RunHeld || rn.Started.BackOut == "" || rn.NoReturn || d.inFlight(rn) != "" {
		return nil
	}
	rb, err := d.runbook(rn)
	if err != nil {
		return err
	}
	since := d.lastBackOut(rn)
	due := slices.ContainsFunc(rb.Steps, func(s *runbooks.Step) bool {
		st := rn.Steps[s.ID]
		return s.OnFailure == runbooks.BackOut && st.State == run.Failed && st.FinishedAt.After(since)
	})
	if !due || d.backedOutBy(rn) != nil {
		return nil
	}
	_, _, err = d.startBackOut(rn, Command{}, engine())
	return err
}

// startBackOut begins the twin of a run, as the run's own revision of the plan has it.
func (d *decision) startBackOut(rn *run.Run, c Command, who journal.Actor) (*run.Run, int64, error) {
	p, err := d.r.planOf(rn)
	if err != nil {
		return nil, 0, err
	}
	twin, env := p.Runbooks[rn.Started.BackOut], p.Environments[rn.Started.Environment]
	body := d.r.started(twin, env, Command{Rehearsal: rn.Started.Rehearsal, Speed: rn.Started.Speed})
	body.PlanHash, body.Undoes, body.Reason = p.Hash, rn.ID, c.Reason
	if body.Parameters, err = p.Parameters(twin, d.inherit(twin, rn.ID, c.Set)); err != nil {
		return nil, 0, refuse(Usage, "give it with --set NAME=VALUE", "%v", err)
	}
	return d.startRun(twin, body, who)
}

// lastBackOut is when a back-out of the run was last started; zero = never.
func (d *decision) lastBackOut(rn *run.Run) (at time.Time) {
	for _, o := range d.Facts.Runs.Runs {
		if o.Started.Undoes == rn.ID && o.StartedAt.After(at) {
			at = o.StartedAt
		}
	}
	return at
}
