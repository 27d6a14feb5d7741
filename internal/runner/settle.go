package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/run"
	"skift/runbooks"
)

// settleTries is how often settling is tried before what follows from it is left to a person.
const settleTries = 3

// ending is what became of a step's work.
type ending struct {
	run, step string
	process   *run.Launched // of its command, which the journal does not know of yet; nil = it does, or there is none
	run.Finished
}

// settle records what became of a step's work.
func (r *Runner) settle(ctx context.Context, runID, step string, b run.Finished) {
	r.land(ctx, ending{runID, step, nil, b})
}

// land records what became of a step's work and lets the run react. It does not give up while anything can be written:
// what has happened must be known, even where what follows from it cannot be worked out.
func (r *Runner) land(ctx context.Context, e ending) {
	for try := 1; ; try++ {
		err := r.settleOnce(ctx, e)
		if err == nil {
			return
		}
		r.fail("settle "+e.step+" of "+e.run, err)
		if try >= settleTries {
			err = r.leave(ctx, e, err)
		}
		if err == nil || errors.Is(err, ledger.ErrBroken) {
			return
		}
		select {
		case <-ctx.Done(): // recovery finds it in flight
			return
		case <-time.After(time.Second):
		}
	}
}

// leave records that a step's work has ended and leaves the rest to a person.
func (r *Runner) leave(ctx context.Context, e ending, cause error) error {
	_, err := r.decide(ctx, func(d *decision) error {
		step, b := e.step, e.Finished
		rn := d.Facts.Runs.Runs[e.run]
		if rn == nil || rn.State.Final() || !inFlightAs(rn.Steps[step], b.Attempt) {
			return nil
		}
		if err := d.tell(rn, step, e.process); err != nil {
			return err
		}
		why := fmt.Sprintf("it ended %s (%s), but what follows cannot be worked out: %v", b.State, b.Reason, cause)
		kind := run.StepUncertain
		if rn.Steps[step].State == run.Verifying {
			kind, b.State = run.StepFinished, run.Failed // the table knows no way from verifying to uncertain
		} else {
			b.State = ""
		}
		b.Reason = why
		if _, err := d.Emit(kind, rn.ID, step, engine(), run.Body(b)); err != nil {
			return err
		}
		return d.holdFor(rn, step, step+": "+why)
	})
	return err
}

func inFlightAs(st *run.Step, attempt int) bool {
	return st.Attempt == attempt && (st.State == run.Running || st.State == run.Verifying)
}

// settleOnce tries once. A run that has ended meanwhile keeps its end.
func (r *Runner) settleOnce(ctx context.Context, e ending) error {
	_, err := r.decide(ctx, func(d *decision) error {
		step, b := e.step, e.Finished
		rn := d.Facts.Runs.Runs[e.run]
		if rn == nil || rn.State.Final() || !inFlightAs(rn.Steps[step], b.Attempt) {
			return nil
		}
		if err := d.tell(rn, step, e.process); err != nil {
			return err
		}
		switch b.State {
		case run.Done:
			return d.succeed(rn, step, engine(), b)
		case run.Uncertain:
			b.State = ""
			if _, err := d.Emit(run.StepUncertain, rn.ID, step, engine(), run.Body(b)); err != nil {
				return err
			}
			if err := d.holdFor(rn, step, step+" was interrupted: whether it happened is unknown"); err != nil {
				return err
			}
			rb, err := d.runbook(rn)
			if err != nil {
				return err
			}
			d.askHappened(rn, rb.Step(step))
			return d.backOutDue(rn)
		}
		return d.failed(rn, step, engine(), b)
	})
	return err
}

// succeed ends a step as done, once its checks agree.
func (d *decision) succeed(rn *run.Run, step string, who journal.Actor, b run.Finished) error {
	rb, err := d.runbook(rn)
	if err != nil {
		return err
	}
	st, s := rn.Steps[step], rb.Step(step)
	if len(s.Verify) > 0 && st.State != run.Verifying && !st.Simulated { // nothing was done that checks could see
		b.State = ""
		if _, err := d.Emit(run.StepVerifying, rn.ID, step, who, run.Body(b)); err != nil {
			return err
		}
		attempt := st.Attempt
		d.launches = append(d.launches, launch{soft: true, do: d.r.owing(d.r.verify, rn.ID, s, attempt)})
		return nil
	}
	if st.State == run.Verifying { // who said done stays who did it
		if b.Reason = strings.TrimSpace(st.Reason); b.Reason == "" {
			if b.Reason = "verified"; s.VerifyOn != "" {
				b.Reason += " on the " + s.VerifyOn + " side"
			}
		}
		who = st.By
		b.Output, b.SHA256 = st.Output, st.SHA256
	}
	b.State = run.Done
	if err := d.finishWith(rn, step, who, b); err != nil {
		return err
	}
	return d.react(rn, "what held it is settled")
}

// react lets a run go on after something in it has changed.
func (d *decision) react(rn *run.Run, why string) error {
	if err := d.release(rn, why); err != nil {
		return err
	}
	if err := d.advance(rn); err != nil {
		return err
	}
	return d.backOutDue(rn)
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
		return d.react(rn, "what held it is settled") // what needs it waits until a person skips it with a reason
	case runbooks.Retry:
		if s.Repeatable && rn.Steps[step].Attempt <= max(s.Retries, 1) {
			if _, err := d.Emit(run.StepRetried, rn.ID, step, engine(), run.Body(run.Finished{Attempt: b.Attempt, Reason: "tried again by itself", AgainAt: d.againAt(rn, s)})); err != nil {
				return err
			}
			return d.react(rn, "what held it is settled")
		}
	}
	if err := d.holdFor(rn, step, why); err != nil {
		return err
	}
	return d.backOutDue(rn)
}

func (d *decision) holdFor(rn *run.Run, step, why string) error {
	if rn.State == run.RunHeld {
		return nil // the first reason stands; the step shows its own
	}
	return d.hold(rn, why, step, "")
}

// release lets a held run go on once nothing that held it is left. One that a person holds, or that was held to be backed out,
// goes on only by a person's word.
func (d *decision) release(rn *run.Run, why string) error {
	if rn.HeldBy.Seat != "" || rn.HeldStep == "" && rn.HeldGate == "" {
		return nil
	}
	return d.releaseBy(rn, engine(), why)
}

func (d *decision) releaseBy(rn *run.Run, who journal.Actor, why string) error {
	if rn.State != run.RunHeld || rn.HeldBy.Seat != "" || d.stillHolds(rn) != "" {
		return nil
	}
	_, err := d.Emit(run.RunReleased, rn.ID, "", who, run.Body(run.Ended{Reason: why, Gate: rn.HeldGate}))
	return err
}

// stillHolds says what keeps a run held without anybody's word: a gate that said no-go, a step that failed or is uncertain, a
// frozen zone, a back-out under way; "" = nothing.
func (d *decision) stillHolds(rn *run.Run) string {
	if rn.HeldGate != "" {
		f := d.Facts.Register.Gate(register.GateKey{Gate: rn.HeldGate, Run: gateRun(rn)})
		if f.Decision == nil || f.Decision.Decision != register.Go {
			return rn.HeldGate + " has not said go"
		}
	}
	for _, id := range rn.Order {
		if st := rn.Steps[id]; st.State == run.Failed && !st.MayContinue || st.State == run.Uncertain {
			return id + " is " + string(st.State)
		}
	}
	if a, s := d.frozenStep(rn); !a.Allowed {
		return d.frozenText(s, a)
	}
	if by := d.takenBackBy(rn); by != nil {
		return "it is being backed out by " + by.ID
	}
	return ""
}
