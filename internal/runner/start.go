package runner

import (
	"context"
	"fmt"
	"slices"

	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/runbooks"
)

// start begins a run, or finds the unfinished one of that runbook and environment.
func (r *Runner) start(ctx context.Context, c Command) (Reply, error) {
	rb := r.book(c.Runbook)
	switch {
	case rb == nil && c.Runbook == plan.MasterID:
		return Reply{}, refuse(NotFound, "skift runs master shows how far it has come; start the runbook of one of its milestones to begin that one's work",
			"%s is the overall plan: its steps begin at their dates, when skift serve runs", c.Runbook)
	case rb == nil:
		return Reply{}, refuse(NotFound, suggest("runbook", c.Runbook, r.plan.RunbookIDs), "the plan has no runbook %q", c.Runbook)
	}
	env, err := r.environment(c.Environment)
	if err != nil {
		return Reply{}, err
	}
	if c.Speed > 1 && !c.Rehearsal {
		return Reply{}, refuse(Usage, "add --rehearsal", "only a rehearsal can run at another speed than 1")
	}
	var reply Reply
	head, err := r.decide(ctx, func(d *decision) error {
		who, err := r.actor(c, d.Now)
		if err != nil {
			return err
		}
		if c.Slot != nil {
			d.Batch().Slots = append(d.Batch().Slots, *c.Slot)
			who.Via = journal.ViaScheduler
			if _, err := d.Emit(register.MilestoneStarted, "", c.Milestone, who, register.Body(register.Passed{})); err != nil {
				return err
			}
			if done := fulfilled(&d.Facts.Runs, c.Milestone); done != nil {
				reply = Reply{Run: done.ID, Message: fmt.Sprintf("%s was begun early: %s is done", c.Milestone, done.ID)}
				return nil
			}
		} else { // only the scheduler says which milestone it is about
			c.Milestone = d.milestoneOf(rb, env, c.Rehearsal)
		}
		old := unfinished(&d.Facts.Runs, rb.ID, env.ID, c.Rehearsal)
		if old != nil && c.Slot != nil && old.Started.Milestone != "" && old.Started.Milestone != c.Milestone {
			old = nil // two milestones with one runbook, such as two frozen zones: each gets its own run
		}
		if old != nil {
			if err := d.goOn(old, who, c); err != nil {
				return err
			}
			reply = Reply{Run: old.ID, Resumed: true, Message: fmt.Sprintf("%s goes on; it is %s", old.ID, old.State)}
			return nil
		}
		rn, seq, err := d.begin(rb, env, c, who)
		if err != nil {
			return err
		}
		reply = Reply{Run: rn.ID, Event: seq, Message: fmt.Sprintf("%s started in %s", rn.ID, env.ID)}
		return nil
	})
	reply.Head = head.String()
	return reply, err
}

// book is a runbook of the plan, or the back-out of an unfinished run in whose revision of the plan it was; nil = there is none.
func (r *Runner) book(id string) (rb *runbooks.Runbook) {
	if rb = r.plan.Runbooks[id]; rb != nil {
		return rb
	}
	r.cfg.Ledger.Read(func(f *ledger.Facts) {
		for _, o := range slices.Backward(f.Runs.Order) {
			if rn := f.Runs.Runs[o]; !rn.State.Final() && rn.Started.BackOut == id {
				if p, err := r.planOf(rn); err == nil {
					rb = p.Runbooks[id]
				}
				return
			}
		}
	})
	return rb
}

// begin starts a new run. A back-out is bound to what it undoes, and to the revision of the plan by which that was done.
func (d *decision) begin(rb *runbooks.Runbook, env *plan.Environment, c Command, who journal.Actor) (*run.Run, int64, error) {
	if undoes(rb) {
		undone, err := d.twin(rb, env.ID, c.Rehearsal)
		if err != nil {
			return nil, 0, err
		}
		if err := d.r.mayStartBackOut(undone, c, who); err != nil {
			return nil, 0, err
		}
		return d.startBackOut(undone, c, who)
	}
	values, err := d.r.plan.Parameters(rb, c.Set)
	if err != nil {
		return nil, 0, refuse(Usage, "give it with --set NAME=VALUE", "%v", err)
	}
	body := d.r.started(rb, env, c)
	body.Parameters = values
	return d.startRun(rb, body, who)
}

// Enter records that a milestone without a runbook began; slot is committed with it.
func (r *Runner) Enter(ctx context.Context, milestone string, slot register.Slot) error {
	_, err := r.decide(ctx, func(d *decision) error {
		d.Batch().Slots = append(d.Batch().Slots, slot)
		_, err := d.Emit(register.MilestoneStarted, "", milestone, journal.Actor{Via: journal.ViaScheduler}, register.Body(register.Passed{}))
		return err
	})
	return err
}

func (r *Runner) environment(id string) (*plan.Environment, error) {
	if id == "" {
		id = r.plan.Production()
	}
	env := r.plan.Environments[id]
	if env == nil {
		return nil, refuse(NotFound, suggest("environment", id, r.plan.EnvIDs), "the plan has no environment %q", id)
	}
	return env, nil
}

// unfinished is the run that a new start of the same thing would double.
func unfinished(runs *run.Facts, runbook, env string, rehearsal bool) *run.Run {
	for _, id := range slices.Backward(runs.Order) {
		o := runs.Runs[id]
		if o.Started.Runbook == runbook && o.Started.Environment == env && o.Started.Rehearsal == rehearsal && !o.State.Final() && o.Started.Parent == "" {
			return o
		}
	}
	return nil
}

// goOn lets a held run go on, by a person's word, when nothing holds it any more. A schedule's word changes nothing in a run that
// is there.
func (d *decision) goOn(rn *run.Run, who journal.Actor, c Command) error {
	if err := sameParameters(rn, c.Set); err != nil || c.Slot != nil {
		return err
	}
	if err := d.releaseBy(rn, who, "started again"); err != nil {
		return err
	}
	return d.advance(rn)
}

// fulfilled is the run that did a milestone's work before its time came; nil = none.
func fulfilled(runs *run.Facts, milestone string) *run.Run {
	for _, id := range slices.Backward(runs.Order) {
		if o := runs.Runs[id]; o.Started.Milestone == milestone && o.State == run.RunDone {
			return o
		}
	}
	return nil
}

// started is the body of run.started: what facts need to know of the runbook.
func (r *Runner) started(rb *runbooks.Runbook, env *plan.Environment, c Command) run.Started {
	body := run.Started{
		Runbook: rb.ID, BackOut: rb.BackOut, Environment: env.ID, Production: env.Production,
		Rehearsal: c.Rehearsal, Speed: c.Speed, PlanHash: r.plan.Hash, Milestone: c.Milestone,
	}
	for _, s := range rb.Steps {
		body.Steps = append(body.Steps, r.stepDef(s))
	}
	return body
}

// stepDef is what facts need to know of a step, but for what it reverts: that depends on what was done.
func (r *Runner) stepDef(s *runbooks.Step) run.StepDef {
	return run.StepDef{
		ID: s.ID, Kind: string(s.Kind), Owner: s.Owner, Stream: s.Stream, Area: s.Area, Takes: s.Takes,
		Changes: s.Changes(), Repeatable: s.Repeatable, NoReturn: s.PointOfNoReturn, MayContinue: s.OnFailure == runbooks.Continue,
		Switches: s.Switches, Closes: s.Closes, AfterGate: s.AfterGate,
	}
}

// startRun emits run.started and whatever can start at once.
func (d *decision) startRun(rb *runbooks.Runbook, body run.Started, who journal.Actor) (*run.Run, int64, error) {
	id := d.runID(rb.ID)
	seq, err := d.Emit(run.RunStarted, id, "", who, run.Body(body))
	if err != nil {
		return nil, 0, err
	}
	rn := d.Facts.Runs.Runs[id]
	if err := d.holdTwin(rn); err != nil {
		return nil, 0, err
	}
	return rn, seq, d.advance(rn)
}

// runID numbers the runs of a runbook: cutover-weekend-1, cutover-weekend-2 …
func (d *decision) runID(runbook string) string {
	for n := 1; ; n++ {
		id := fmt.Sprintf("%s-%d", runbook, n)
		if d.Facts.Runs.Runs[id] == nil {
			return id
		}
	}
}

// runbook is the revision of the runbook that the run is bound to, with what was added to the run.
func (d *decision) runbook(rn *run.Run) (*runbooks.Runbook, error) {
	p, err := d.r.planOf(rn)
	if err != nil {
		return nil, err
	}
	if rb := p.Runbooks[rn.Started.Runbook]; rb != nil {
		return d.overlaid(rn, p, rb)
	}
	return nil, fmt.Errorf("find runbook %s of %s in revision %.12s of the plan: it is not there", rn.Started.Runbook, rn.ID, p.Hash)
}

// revision is a plan by its hash; nil = it is not to be had.
func (r *Runner) revision(hash string) *plan.Plan {
	p, err := r.cfg.Revisions.Plan(hash)
	if err != nil {
		return nil
	}
	return p
}

// planOf is the revision of the plan that the run is bound to.
func (r *Runner) planOf(rn *run.Run) (*plan.Plan, error) {
	if rn.Started.PlanHash == r.plan.Hash {
		return r.plan, nil
	}
	return r.cfg.Revisions.Plan(rn.Started.PlanHash)
}
