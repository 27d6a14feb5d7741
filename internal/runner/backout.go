package runner

import (
	"slices"
	"time"

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
		if o.State == run.RunBacked || d.backedOutBy(o) != nil {
			return refuse(Conflict, "", "%s is backed out already", o.ID)
		}
		if o.NoReturn && !body.Rehearsal {
			return refuse(Refused, "from here the way is forward: fix and retry the failed step", "%s has passed its point of no return and cannot be backed out", o.ID)
		}
		if o.State.Final() && !o.Changed && !body.Rehearsal {
			return refuse(Conflict, "", "%s has ended (%s) and changed nothing: there is nothing to back out", o.ID, o.State)
		}
		if step := d.inFlight(o); step != "" {
			return refuse(Conflict, "wait for it to finish: what is undone must stand still", "%s is in flight", step)
		}
		body.Undoes = o.ID
		return nil
	}
	return refuse(Conflict, "", "there is nothing to back out: no run of a runbook that names %q as its back-out was started in %s", rb.ID, body.Environment)
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
		begun := func(step string) (was, known bool) {
			st := undone.Steps[step]
			return st != nil && st.Attempt > 0, st != nil
		}
		if !s.NothingToUndo(begun) {
			continue
		}
		if err := d.finish(rn, s.ID, run.Skipped, engine(), "nothing to undo: "+s.Undoes+" was never begun"); err != nil {
			return err
		}
	}
	return nil
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
	p, err := d.r.planOf(rn)
	if err != nil {
		return err
	}
	twin, env := p.Runbooks[rn.Started.BackOut], p.Environments[rn.Started.Environment]
	body := d.r.started(twin, env, Command{Rehearsal: rn.Started.Rehearsal, Speed: rn.Started.Speed})
	body.PlanHash, body.Undoes = p.Hash, rn.ID
	if body.Parameters, err = p.Parameters(twin, d.inherit(twin, rn.ID, nil)); err != nil {
		return err
	}
	_, _, err = d.startRun(twin, body, engine())
	return err
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
