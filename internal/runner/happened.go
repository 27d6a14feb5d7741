package runner

import (
	"context"

	"skift/internal/run"
	"skift/runbooks"
)

// askHappened has the checks of a step asked that tell whether its interrupted effect happened. It asks nothing while a process the
// effect left behind still runs: what has not happened yet still may.
func (d *decision) askHappened(rn *run.Run, s *runbooks.Step) {
	st := rn.Steps[s.ID]
	if len(s.Happened) == 0 || st.State != run.Uncertain {
		return
	}
	if d.lives(st) {
		d.r.watch(survivor{rn.ID, s.ID, st.Attempt})
		return
	}
	attempt := st.Attempt
	d.launches = append(d.launches, launch{soft: true, do: func(ctx context.Context) { d.r.happened(ctx, rn.ID, s, attempt) }})
}

// happened asks whether an interrupted effect happened, and settles the step by the answer.
func (r *Runner) happened(ctx context.Context, runID string, s *runbooks.Step, attempt int) {
	said, err := r.sweep(ctx, runID, s, Sweep{Checks: s.Happened})
	if ctx.Err() != nil && (err != nil || !said.OK) {
		return // asked again after the restart
	}
	if err != nil {
		said = Swept{Summary: err.Error()}
	}
	_, err = r.decide(ctx, func(d *decision) error {
		rn := d.Facts.Runs.Runs[runID]
		if rn == nil || rn.State.Final() || d.takenBackBy(rn) != nil {
			return nil
		}
		if st := rn.Steps[s.ID]; st.State != run.Uncertain || st.Attempt != attempt {
			return nil // a person knew it first
		}
		return d.answered(rn, s, said)
	})
	r.fail("settle whether "+s.ID+" of "+runID+" happened", err)
}

// answered settles an uncertain step by what its checks say. What may not be done twice is never begun again by that alone.
func (d *decision) answered(rn *run.Run, s *runbooks.Step, said Swept) error {
	b := run.Finished{Attempt: rn.Steps[s.ID].Attempt}
	summary := d.r.clean(said.Summary)
	switch {
	case said.OK:
		b.Reason = "it was interrupted, and its checks say that it happened: " + summary
		return d.succeed(rn, s.ID, engine(), b)
	case !said.Observed:
		b.Reason = "it was interrupted, and its checks cannot tell whether it happened: " + summary
		_, err := d.Emit(run.StepUncertain, rn.ID, s.ID, engine(), run.Body(b))
		return err
	case !s.Repeatable:
		b.Reason = "it was interrupted, and its checks say that it did not happen; it can be tried again: " + summary
		return d.failed(rn, s.ID, engine(), b)
	}
	b.Reason = "it was interrupted, and its checks say that it did not happen: " + summary
	if _, err := d.Emit(run.StepRetried, rn.ID, s.ID, engine(), run.Body(b)); err != nil {
		return err
	}
	return d.react(rn, "what held it is settled")
}
