package runner

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/runbooks"
)

// work is what a running step does after its intent is durable.
func (r *Runner) work(runID string, s *runbooks.Step, attempt int) launch {
	switch s.Kind {
	case runbooks.Check:
		return launch{soft: true, do: func(ctx context.Context) { r.check(ctx, runID, s, attempt) }}
	case runbooks.Wait:
		return launch{soft: true, do: func(context.Context) {}} // runOnce sees when it is due
	case runbooks.Message:
		return launch{do: func(ctx context.Context) { r.message(ctx, runID, s, attempt) }}
	}
	return launch{do: func(ctx context.Context) { r.effect(ctx, runID, s, attempt) }}
}

// bound reads what a step's work needs of its run.
func (r *Runner) bound(runID string) (p *plan.Plan, env string, rn run.Run, err error) {
	r.cfg.Ledger.Read(func(f *ledger.Facts) {
		rn = *f.Runs.Runs[runID]
		env = rn.Started.Environment
		p, err = r.planOf(&rn)
	})
	return p, env, rn, err
}

// effect does a command, request or copy, and settles it. It runs exactly once per intent.
func (r *Runner) effect(ctx context.Context, runID string, s *runbooks.Step, attempt int) {
	p, env, rn, err := r.bound(runID)
	if err != nil {
		r.settle(ctx, runID, s.ID, run.Finished{State: run.Failed, Attempt: attempt, Reason: err.Error()})
		return
	}
	e := Effect{Run: runID, Attempt: attempt, Step: s, Plan: p, Where: env, Env: r.environ(rn, p, s, attempt)}
	e.Launched = func(pid int, startedAt string) error {
		_, err := r.cfg.Ledger.Decide(ctx, func(tx *ledger.Tx) error {
			_, err := tx.Emit(run.StepLaunched, runID, s.ID, engine(), run.Body(run.Launched{Attempt: attempt, PID: pid, StartedAt: startedAt}))
			return err
		})
		return err
	}
	out, err := r.cfg.Actions.Do(ctx, e)
	b := run.Finished{State: run.Done, Attempt: attempt, Reason: r.clean(out.Summary), Facts: out.Facts}
	switch {
	case err != nil && ctx.Err() != nil, out.Uncertain:
		b.State = run.Uncertain
		if b.Reason == "" {
			b.Reason = "interrupted: " + context.Cause(ctx).Error()
		}
	case err != nil:
		b.State, b.Reason = run.Failed, err.Error()
	case !out.OK:
		b.State = run.Failed
	}
	if len(out.Output) > 0 {
		b.Output, b.SHA256, err = r.cfg.Files.Save("output", fmt.Sprintf("%s.%s.%d.txt", runID, s.ID, attempt), out.Output)
		r.fail("keep output of "+s.ID, err)
	}
	r.settle(ctx, runID, s.ID, b)
}

// environ is the whole environment of an effect besides PATH and LANG.
func (r *Runner) environ(rn run.Run, p *plan.Plan, s *runbooks.Step, attempt int) map[string]string {
	env := map[string]string{
		"SKIFT_PLAN": p.ID, "SKIFT_RUN": rn.ID, "SKIFT_STEP": s.ID, "SKIFT_ATTEMPT": strconv.Itoa(attempt),
		"SKIFT_ENVIRONMENT": rn.Started.Environment, "SKIFT_REHEARSAL": strconv.FormatBool(rn.Started.Rehearsal),
	}
	if st := rn.Steps[s.ID]; st != nil && len(st.Services) > 0 {
		env["SKIFT_SERVICES"] = strings.Join(st.Services, ",")
	}
	return env
}

// check asks what a check step names and settles it.
func (r *Runner) check(ctx context.Context, runID string, s *runbooks.Step, attempt int) {
	b := s.CheckBody
	sw := Sweep{Suite: b.Suite, Checks: b.Checks, Side: b.Side, Pairs: b.Pairs}
	r.sweepFor(ctx, runID, s, attempt, sw)
}

// verify asks the checks that must agree before a step is done.
func (r *Runner) verify(ctx context.Context, runID string, s *runbooks.Step, attempt int) {
	r.sweepFor(ctx, runID, s, attempt, Sweep{Checks: s.Verify})
}

func (r *Runner) sweepFor(ctx context.Context, runID string, s *runbooks.Step, attempt int, sw Sweep) {
	p, env, _, err := r.bound(runID)
	sw.Plan, sw.Environment, sw.Cause = p, env, "step "+s.ID+" of "+runID
	var said Swept
	if err == nil {
		said, err = r.cfg.Sweeper.Sweep(ctx, sw)
	}
	if ctx.Err() != nil && (err != nil || !said.OK) {
		return // asked again after the restart
	}
	b := run.Finished{State: run.Done, Attempt: attempt, Reason: said.Summary}
	switch {
	case err != nil:
		b.State, b.Reason = run.Failed, err.Error()
	case !said.OK:
		b.State = run.Failed
		b.Facts = map[string]string{"observed": strconv.FormatBool(said.Observed)}
		for i, f := range said.Findings {
			if i == maxFindings {
				break
			}
			b.Facts[fmt.Sprintf("finding.%02d", i+1)] = finding(f)
		}
	}
	r.settle(ctx, runID, s.ID, b)
}

// maxFindings bounds what of a failed sweep goes into the journal; the rest is in the observations.
const maxFindings = 20

func finding(f register.Finding) string {
	parts := []string{f.Check, string(f.Side), string(f.Code), f.Word, f.Service, f.Party, f.Flow, f.Addr, f.Owner}
	return strings.Join(parts, "|")
}

// message composes the mails of a report and queues them in the decision that ends the step: no run waits for a mail server.
func (r *Runner) message(ctx context.Context, runID string, s *runbooks.Step, attempt int) {
	p, _, _, err := r.bound(runID)
	var mails Composed
	if err == nil {
		mails, err = r.cfg.Reports.Compose(ctx, Compose{Plan: p, Audience: s.MessageBody.Audience, Report: s.MessageBody.Report,
			Period: fmt.Sprintf("%s.%s.%d", runID, s.ID, attempt)})
	}
	if err != nil {
		r.settle(ctx, runID, s.ID, run.Finished{State: run.Failed, Attempt: attempt, Reason: err.Error()})
		return
	}
	_, err = r.decide(ctx, func(d *decision) error {
		rn := d.Facts.Runs.Runs[runID]
		if rn == nil || rn.State.Final() || rn.Steps[s.ID].State != run.Running || rn.Steps[s.ID].Attempt != attempt {
			return nil
		}
		if err := d.Queue(mails, s.MessageBody.Audience, s.MessageBody.Report, engine()); err != nil {
			return err
		}
		return d.succeed(rn, s.ID, engine(), run.Finished{Attempt: attempt, Reason: fmt.Sprintf("%d mails queued", len(mails.Mails))})
	})
	r.fail("settle "+s.ID, err)
}

// Queue puts mails beside an event that says so.
func (d *decision) Queue(mails Composed, audience, report string, who journal.Actor) error {
	b := register.Queued{Audience: audience, Report: report, Missing: mails.Missing}
	for _, m := range mails.Mails {
		m.QueuedAt, m.NextAt, m.State = d.Now, d.Now, register.MessageQueued
		d.Batch().Messages = append(d.Batch().Messages, m)
		b.Messages = append(b.Messages, m.ID)
	}
	_, err := d.Emit(register.ReportQueued, "", audience, who, register.Body(b))
	return err
}

// Tell composes and queues a report outside any run: at its slot, or because somebody asked. slot may be nil.
func (r *Runner) Tell(ctx context.Context, c Compose, slot *register.Slot, who journal.Actor) (queued []string, err error) {
	if c.Plan == nil {
		c.Plan = r.plan
	}
	mails, err := r.cfg.Reports.Compose(ctx, c)
	if err != nil {
		return nil, err
	}
	_, err = r.decide(ctx, func(d *decision) error {
		if slot != nil {
			s := *slot
			s.State, s.FinishedAt = register.SlotDone, d.Now
			d.Batch().Slots = append(d.Batch().Slots, s)
		}
		return d.Queue(mails, c.Audience, c.Report, who)
	})
	for _, m := range mails.Mails {
		queued = append(queued, m.ID)
	}
	return queued, err
}

// settle records what became of a step's work and lets the run react. A run that has ended meanwhile keeps its end.
func (r *Runner) settle(ctx context.Context, runID, step string, b run.Finished) {
	_, err := r.decide(ctx, func(d *decision) error {
		rn := d.Facts.Runs.Runs[runID]
		if rn == nil || rn.State.Final() {
			return nil
		}
		st := rn.Steps[step]
		if st.Attempt != b.Attempt || st.State != run.Running && st.State != run.Verifying {
			return nil
		}
		switch b.State {
		case run.Done:
			return d.succeed(rn, step, engine(), b)
		case run.Uncertain:
			b.State = ""
			if _, err := d.Emit(run.StepUncertain, runID, step, engine(), run.Body(b)); err != nil {
				return err
			}
			return d.holdFor(rn, step, step+" was interrupted: whether it happened is unknown")
		}
		return d.failed(rn, step, engine(), b)
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		r.fail("settle "+step+" of "+runID, err)
	}
}

// succeed ends a step as done, once its checks agree.
func (d *decision) succeed(rn *run.Run, step string, who journal.Actor, b run.Finished) error {
	rb, err := d.runbook(rn)
	if err != nil {
		return err
	}
	st, s := rn.Steps[step], rb.Step(step)
	if len(s.Verify) > 0 && st.State != run.Verifying {
		b.State = ""
		if _, err := d.Emit(run.StepVerifying, rn.ID, step, who, run.Body(b)); err != nil {
			return err
		}
		attempt := st.Attempt
		d.launches = append(d.launches, launch{soft: true, do: func(ctx context.Context) { d.r.verify(ctx, rn.ID, s, attempt) }})
		return nil
	}
	if st.State == run.Verifying { // who said done stays who did it
		if b.Reason = strings.TrimSpace(st.Reason); b.Reason == "" {
			b.Reason = "verified"
		}
		who = st.By
	}
	b.State = run.Done
	if err := d.finishWith(rn, step, who, b); err != nil {
		return err
	}
	if err := d.release(rn); err != nil {
		return err
	}
	return d.advance(rn)
}

// failed ends an attempt as failed and does what the step's on_failure says.
func (d *decision) failed(rn *run.Run, step string, who journal.Actor, b run.Finished) error {
	rb, err := d.runbook(rn)
	if err != nil {
		return err
	}
	b.State = run.Failed
	if err := d.finishWith(rn, step, who, b); err != nil {
		return err
	}
	s := rb.Step(step)
	why := step + " failed: " + b.Reason
	switch s.OnFailure {
	case runbooks.Continue:
		return nil // what needs it waits until a person skips it with a reason
	case runbooks.Retry:
		if s.Repeatable && rn.Steps[step].Attempt <= max(s.Retries, 1) {
			if _, err := d.Emit(run.StepRetried, rn.ID, step, engine(), run.Body(run.Finished{Attempt: b.Attempt, Reason: "tried again by itself"})); err != nil {
				return err
			}
			return d.advance(rn)
		}
	case runbooks.BackOut:
		if err := d.holdFor(rn, step, why); err != nil {
			return err
		}
		return d.backOut(rn)
	}
	return d.holdFor(rn, step, why)
}

// backOut starts the twin runbook, unless the point of no return is passed.
func (d *decision) backOut(rn *run.Run) error {
	p, err := d.r.planOf(rn)
	if err != nil || rn.Started.BackOut == "" || rn.NoReturn {
		return err
	}
	rb, env := p.Runbooks[rn.Started.BackOut], p.Environments[rn.Started.Environment]
	body := d.r.started(rb, env, Command{Rehearsal: rn.Started.Rehearsal, Speed: rn.Started.Speed})
	body.PlanHash, body.Undoes = p.Hash, rn.ID
	_, _, err = d.startRun(rb, body, engine())
	return err
}

func (d *decision) holdFor(rn *run.Run, step, why string) error {
	if rn.State == run.RunHeld {
		return nil // the first reason stands; the step shows its own
	}
	return d.hold(rn, why, step, "")
}

// release lets a held run go on once nothing that held it is left.
func (d *decision) release(rn *run.Run) error {
	if rn.State != run.RunHeld || rn.HeldGate != "" {
		return nil
	}
	for _, st := range rn.Steps {
		if st.State == run.Failed && !st.MayContinue || st.State == run.Uncertain {
			return nil
		}
	}
	_, err := d.Emit(run.RunReleased, rn.ID, "", engine(), run.Body(run.Ended{Reason: "what held it is settled"}))
	return err
}

// waitOver ends wait steps whose instant has come, and returns the next instant to look again.
func (d *decision) waitOver(next *time.Time) error {
	for _, id := range d.Facts.Runs.Order {
		rn := d.Facts.Runs.Runs[id]
		if rn.State.Final() {
			continue
		}
		for _, sid := range rn.Order {
			st := rn.Steps[sid]
			if st.State != run.Running || st.DueAt.IsZero() {
				continue
			}
			if d.Now.Before(st.DueAt) {
				sooner(next, st.DueAt)
				continue
			}
			if err := d.succeed(rn, sid, engine(), run.Finished{Attempt: st.Attempt, Reason: "waited"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// sooner keeps the earlier of two instants; zero means none.
func sooner(next *time.Time, at time.Time) {
	if next.IsZero() || at.Before(*next) {
		*next = at
	}
}
