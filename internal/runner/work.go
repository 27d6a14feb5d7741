package runner

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"skift/internal/bug"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// work is what a running step does after its intent is durable.
func (r *Runner) work(runID string, s *runbooks.Step, attempt int) launch {
	do, soft := r.effect, false
	switch s.Kind {
	case runbooks.Check:
		do, soft = r.check, true
	case runbooks.Wait:
		if !s.WaitBody.Looks() {
			return launch{soft: true, do: func(context.Context) {}} // runOnce sees when it is due
		}
		do, soft = r.look, true
	case runbooks.Message:
		do = r.message
	}
	return launch{soft: soft, do: r.owing(do, runID, s, attempt)}
}

// owing is work that a step waits for. When a bug of ours ends the work before it has told what came of it, that is told here: nobody
// would wait for it in vain.
func (r *Runner) owing(do func(ctx context.Context, runID string, s *runbooks.Step, attempt int), runID string, s *runbooks.Step, attempt int) func(context.Context) {
	return func(ctx context.Context) {
		err := bug.Caught(func() error { do(ctx, runID, s, attempt); return nil })
		if err == nil {
			return
		}
		r.fail("work of "+s.ID+" of "+runID, err)
		b := run.Finished{State: run.Failed, Attempt: attempt, Reason: r.clean(err.Error())}
		if s.Changes() {
			b.State = run.Uncertain
		}
		r.settle(ctx, runID, s.ID, b)
	}
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
	own, stop, landed := r.takeOff(ctx, runID)
	defer landed()
	p, env, rn, err := r.bound(runID)
	if err != nil {
		r.settle(ctx, runID, s.ID, run.Finished{State: run.Failed, Attempt: attempt, Reason: err.Error()})
		return
	}
	var process *launched
	e := Effect{Run: runID, Attempt: attempt, Step: s.Bound(rn.Started.Parameters), Plan: p, Where: env, Env: r.environ(rn, p, s, attempt)}
	e.Launched = func(pid int, startedAt string) (err error) {
		process, err = r.note(ctx, Launch{runID, s.ID, attempt, pid, startedAt}, stop)
		return err
	}
	var arrived func()
	e.Progress, arrived = r.progress.of(runID, s.ID)
	defer arrived()
	var out Outcome
	err = bug.Caught(func() (err error) {
		out, err = r.cfg.Actions.Do(own, e)
		return err
	})
	if isBug(err) {
		r.fail("work of "+s.ID+" of "+runID, err)
	}
	b := run.Finished{State: run.Done, Attempt: attempt, Reason: r.clean(out.Summary), Facts: out.Facts}
	switch {
	case out.Uncertain, isBug(err), err != nil && own.Err() != nil:
		b.State = run.Uncertain
	case err != nil, !out.OK:
		b.State = run.Failed
	}
	if err != nil && (b.Reason == "" || b.State == run.Failed) {
		b.Reason = r.clean(err.Error())
	}
	if len(out.Output) > 0 {
		b.Output, b.SHA256, err = r.cfg.Files.Save("output", fmt.Sprintf("%s.%s.%d.txt", runID, s.ID, attempt), out.Output)
		if err != nil { // the disk may be full, and yet what came of it is known
			b.Reason = strings.TrimPrefix(b.Reason+"; its output was not kept: "+r.clean(err.Error()), "; ")
		}
	}
	r.land(ctx, ending{runID, s.ID, process.rest(), b})
	if process != nil {
		r.cfg.Launches.Forget()
	}
}

// environ is the whole environment of an effect besides PATH and LANG.
func (r *Runner) environ(rn run.Run, p *plan.Plan, s *runbooks.Step, attempt int) map[string]string {
	env := map[string]string{
		"SKIFT_PLAN": p.ID, "SKIFT_RUN": rn.ID, "SKIFT_STEP": s.ID, "SKIFT_ATTEMPT": strconv.Itoa(attempt),
		"SKIFT_ENVIRONMENT": rn.Started.Environment, "SKIFT_REHEARSAL": strconv.FormatBool(rn.Started.Rehearsal),
	}
	for name, value := range rn.Started.Parameters {
		env[runbooks.Variable(name)] = value
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
	r.sweepFor(ctx, runID, s, attempt, Sweep{Checks: s.Verify, Side: s.VerifyOn})
}

func (r *Runner) sweepFor(ctx context.Context, runID string, s *runbooks.Step, attempt int, sw Sweep) {
	said, err := r.sweep(ctx, runID, s, sw)
	if ctx.Err() != nil && (err != nil || !said.OK) {
		return // asked again after the restart
	}
	b := run.Finished{State: run.Done, Attempt: attempt, Reason: r.clean(said.Summary)}
	switch {
	case err != nil:
		b.State, b.Reason = run.Failed, r.clean(err.Error())
	case !said.OK:
		b.State = run.Failed
		b.Facts = findings(said.Findings)
		b.Facts["observed"] = strconv.FormatBool(said.Observed)
	}
	r.settle(ctx, runID, s.ID, b)
}

// checkTimeout is how long the checks of a step are waited for when it gives no timeout.
const checkTimeout = time.Hour

// sweep asks checks for a step. Checks that do not come to an end in time were not observed.
func (r *Runner) sweep(ctx context.Context, runID string, s *runbooks.Step, sw Sweep) (said Swept, err error) {
	limit := checkTimeout
	if s.Kind == runbooks.Check && s.Timeout > 0 {
		limit = s.Timeout
	}
	timed, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the checks did not come to an end within %s", yamldoc.FormatDuration(limit)))
	defer cancel()
	p, env, _, err := r.bound(runID)
	if err != nil {
		return said, err
	}
	sw.Plan, sw.Environment, sw.Cause = p, env, "step "+s.ID+" of "+runID
	err = bug.Caught(func() (err error) {
		said, err = r.cfg.Sweeper.Sweep(timed, sw)
		return err
	})
	if timed.Err() != nil && ctx.Err() == nil && (err != nil || !said.OK) {
		return Swept{}, context.Cause(timed)
	}
	return said, err
}

// maxFindings bounds what of a failed sweep goes into the journal; the rest is in the observations.
const maxFindings = 20

// findings keeps the first of them as facts.
func findings(all []register.Finding) map[string]string {
	out := map[string]string{}
	for i, f := range all[:min(len(all), maxFindings)] {
		out[fmt.Sprintf("finding.%02d", i+1)] = f.String()
	}
	return out
}

// message composes the mails of a report and queues them in the decision that ends the step: no run waits for a mail server.
func (r *Runner) message(ctx context.Context, runID string, s *runbooks.Step, attempt int) {
	p, _, _, err := r.bound(runID)
	var mails Composed
	if err == nil {
		err = bug.Caught(func() (err error) {
			mails, err = r.cfg.Reports.Compose(ctx, Compose{Plan: p, Audience: s.MessageBody.Audience, Report: s.MessageBody.Report, Run: runID,
				Period: fmt.Sprintf("%s.%s.%d", runID, s.ID, attempt)})
			return err
		})
	}
	if ctx.Err() != nil && err != nil {
		return // composed again after the restart
	}
	if err == nil {
		err = r.queueFor(ctx, runID, s, attempt, mails)
	}
	if err != nil {
		r.settle(ctx, runID, s.ID, run.Finished{State: run.Failed, Attempt: attempt, Reason: r.clean(err.Error())})
	}
}

// queueFor queues a message step's mails in the decision that ends the step.
func (r *Runner) queueFor(ctx context.Context, runID string, s *runbooks.Step, attempt int, mails Composed) error {
	_, err := r.decide(ctx, func(d *decision) error {
		rn := d.Facts.Runs.Runs[runID]
		if rn == nil || rn.State.Final() || !inFlightAs(rn.Steps[s.ID], attempt) {
			return nil
		}
		if err := d.Queue(mails, s.MessageBody.Audience, s.MessageBody.Report, engine()); err != nil {
			return err
		}
		return d.succeed(rn, s.ID, engine(), run.Finished{Attempt: attempt, Reason: fmt.Sprintf("%d mails queued", len(mails.Mails))})
	})
	return err
}

// Queue puts mails beside an event that says so.
func (d *decision) Queue(mails Composed, audience, report string, who journal.Actor) error {
	return d.queue(mails, register.Queued{Audience: audience, Report: report}, who)
}

// queueAbout puts mails that tell of one event beside an event that says so.
func (d *decision) queueAbout(mails Composed, audience, report string, event int64) error {
	return d.queue(mails, register.Queued{Audience: audience, Report: report, About: event}, engine())
}

func (d *decision) queue(mails Composed, b register.Queued, who journal.Actor) error {
	b.Missing, b.Light = mails.Missing, mails.Light
	for _, m := range mails.Mails {
		m.QueuedAt, m.NextAt, m.State = d.Now, d.Now, register.MessageQueued
		d.Batch().Messages = append(d.Batch().Messages, m)
		b.Messages = append(b.Messages, m.ID)
	}
	_, err := d.Emit(register.ReportQueued, "", b.Audience, who, register.Body(b))
	return err
}

// Tell composes and queues a report outside any run: at its slot, or because somebody asked. slot may be nil.
func (r *Runner) Tell(ctx context.Context, c Compose, slot *register.Slot, who journal.Actor) (queued []string, err error) {
	r = r.present()
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
