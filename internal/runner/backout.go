package runner

import (
	"errors"
	"slices"
	"strings"
	"time"

	"skift/internal/journal"
	"skift/internal/run"
	"skift/runbooks"
)

// twin finds the run that a back-out undoes, and refuses it where there is none or no way back.
func (d *decision) twin(rb *runbooks.Runbook, env string, rehearsal bool) (*run.Run, error) {
	for _, id := range slices.Backward(d.Facts.Runs.Order) {
		o := d.Facts.Runs.Runs[id]
		if o.Started.BackOut != rb.ID || o.Started.Environment != env || o.Started.Rehearsal != rehearsal {
			continue
		}
		if err := d.mayBackOut(o); err != nil {
			return nil, err
		}
		if past := d.noReturn(o); past != nil && !rehearsal {
			return nil, refuse(Refused, noReturnHint(past), "%s has passed its point of no return and cannot be backed out", past.ID)
		}
		return o, nil
	}
	return nil, refuse(Conflict, "", "there is nothing to back out: no run of a runbook that names %q as its back-out was started in %s", rb.ID, env)
}

// mayStartBackOut asks of a start what is asked of a back-out: to begin the runbook that undoes a live run is the same decision.
func (r *Runner) mayStartBackOut(undone *run.Run, c Command, who journal.Actor) error {
	if undone.Started.Rehearsal {
		return nil
	}
	hint := "skift back-out " + undone.ID + " --as SEAT --reason …, with a seat of the customer"
	if strings.TrimSpace(c.Reason) == "" {
		return refuse(Usage, hint, "%s backs out %s: backing out needs a reason", c.Runbook, undone.ID)
	}
	var refused *Refusal
	if err := r.commands(who, "backs out"); errors.As(err, &refused) {
		return refuse(refused.Kind, hint, "%s backs out %s: %v", c.Runbook, undone.ID, err)
	}
	return nil
}

// mayBackOut refuses to undo what stands already as it did, or does not stand still. The point of no return is not asked about here.
func (d *decision) mayBackOut(o *run.Run) error {
	if o.State == run.RunBacked || d.undoneBy(o) != nil {
		return refuse(Conflict, "skift runs shows the run that did", "%s is backed out already", o.ID)
	}
	if o.State.Final() && !o.Changed && !o.Started.Rehearsal {
		return refuse(Conflict, "", "%s has ended (%s) and changed nothing: there is nothing to back out", o.ID, o.State)
	}
	if by := d.takenBackBy(o); by != nil {
		return refuse(Conflict, "", "%s is part of what %s backs out", o.ID, by.ID)
	}
	if step := d.inFlight(o); step != "" {
		return refuse(Conflict, "wait for it to finish: what is undone must stand still", "%s is in flight", step)
	}
	if left := d.leftRunning(o); left != nil {
		return refuse(Conflict, "stop it or wait for it to end: what is undone must stand still", "the process of %s of %s still runs (pid %d)", left.step, left.run, left.pid)
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

func undoes(rb *runbooks.Runbook) bool {
	return slices.ContainsFunc(rb.Steps, func(s *runbooks.Step) bool { return s.Undoes != "" })
}

// noReturn is the run, it or one around it, that has passed a point of no return; nil = none. Past that of the whole no part goes back.
func (d *decision) noReturn(rn *run.Run) *run.Run {
	for o := rn; o != nil; o = d.Facts.Runs.Runs[o.Started.Parent] {
		if o.NoReturn {
			return o
		}
	}
	return nil
}

// takenBackBy is the unfinished run that backs a run out, or one around it; nil = none. Nothing else happens in the run meanwhile.
func (d *decision) takenBackBy(rn *run.Run) *run.Run { return takingBack(&d.Facts.Runs, rn) }

func takingBack(runs *run.Facts, rn *run.Run) *run.Run {
	for o := rn; o != nil; o = runs.Runs[o.Started.Parent] {
		if by := backingOut(runs, o); by != nil {
			return by
		}
	}
	return nil
}

// undo binds a back-out to the run it undoes: the phases that its steps move back are those that their twins moved.
func (d *decision) undo(body *run.Started, rb *runbooks.Runbook, undone *run.Run) {
	body.Undoes = undone.ID
	for i, s := range rb.Steps {
		if s.Undoes != "" {
			body.Steps[i].Reverts = d.switched(undone, s.Undoes)
		}
	}
}

// undoInside binds a back-out that is a step of another to the run that it undoes: one inside what is undone as a whole, and of the very step
// that is undone where that is said.
func (d *decision) undoInside(around *run.Run, s *runbooks.Step, rb *runbooks.Runbook, body *run.Started) {
	whole := d.wholeUndone(around)
	if whole == nil || !undoes(rb) {
		return
	}
	for _, o := range slices.Backward(d.Facts.Runs.Inside(whole)) {
		if o.Started.BackOut == rb.ID && (s.Undoes == "" || o.Started.ParentStep == s.Undoes) {
			d.undo(body, rb, o)
			return
		}
	}
}

// wholeUndone is the run that a back-out, or the one that a run is part of, undoes; nil = it is no back-out.
func (d *decision) wholeUndone(rn *run.Run) *run.Run {
	return d.Facts.Runs.Runs[d.Facts.Runs.Top(rn).Started.Undoes]
}

// isUndone reports whether a back-out of the run is done.
func (d *decision) isUndone(rn *run.Run) bool {
	for _, o := range d.Facts.Runs.Runs {
		if o.Started.Undoes == rn.ID && o.State == run.RunDone {
			return true
		}
	}
	return false
}

// switched lists the services that a step has begun to move, by itself or by the runs inside it.
func (d *decision) switched(rn *run.Run, step string) []string {
	st := rn.Steps[step]
	if st == nil {
		return nil
	}
	out := both(st.Switches, st.Services)
	for _, o := range d.Facts.Runs.Inside(rn) {
		if o.Started.Parent != rn.ID || o.Started.ParentStep != step {
			continue
		}
		for _, id := range o.Order {
			for _, service := range d.switched(o, id) {
				if !slices.Contains(out, service) {
					out = append(out, service)
				}
			}
		}
	}
	return out
}

// holdTwin stops the run that is being backed out, and passes over what there is nothing to undo of.
func (d *decision) holdTwin(rn *run.Run) error {
	undone := d.Facts.Runs.Runs[rn.Started.Undoes]
	if undone == nil && d.wholeUndone(rn) == nil {
		return nil
	}
	if undone != nil && undone.State == run.RunRunning {
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
			if undone == nil { // the run that it would undo was never begun
				return false, true
			}
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

// backedOutBy is the unfinished run that backs a run out; nil = none.
func (d *decision) backedOutBy(rn *run.Run) *run.Run { return backingOut(&d.Facts.Runs, rn) }

func backingOut(runs *run.Facts, rn *run.Run) *run.Run {
	for _, id := range slices.Backward(runs.Order) {
		if o := runs.Runs[id]; o.Started.Undoes == rn.ID && !o.State.Final() {
			return o
		}
	}
	return nil
}

// backOutDue starts the back-out that a failed step asks for, unless the point of no return is passed, and once nothing of the
// run is in flight any more, nor a process of it left: what is undone must stand still. A failure from before an earlier back-out asks no more.
func (d *decision) backOutDue(rn *run.Run) error {
	if rn.State != run.RunHeld || rn.Started.BackOut == "" || d.noReturn(rn) != nil || d.inFlight(rn) != "" {
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
	if !due || d.takenBackBy(rn) != nil {
		return nil
	}
	if left := d.leftRunning(rn); left != nil {
		d.r.watch(left.survivor)
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
	body := d.r.started(twin, env, Command{Rehearsal: rn.Started.Rehearsal, Speed: max(c.Speed, rn.Started.Speed)})
	body.PlanHash, body.Reason = p.Hash, c.Reason
	d.undo(&body, twin, rn)
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
