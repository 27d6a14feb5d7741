package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"skift/internal/alarm"
	"skift/internal/bug"
	"skift/internal/gate"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/runbooks"
)

// lookAgain is after what time what could not be looked at is looked at again.
const lookAgain = time.Second

// runOnce does what is due now and returns the next instant at which something will be; zero = nothing known.
// It returns an error only when nothing can be written any more.
func (r *Runner) runOnce(ctx context.Context, now time.Time) (next time.Time, err error) {
	r = r.present()
	set := r.clock.news()
	if set != 0 {
		r.cfg.Log.Warn("the clock was set; lengths of time go on as they were, dates of the plan come by the new time", "by", set)
	}
	var evidence map[string]gate.SuiteEvidence
	err = bug.Caught(func() (err error) {
		evidence, err = r.evidenceDue(ctx, now)
		return err
	})
	if err != nil {
		r.cfg.Log.Error("read evidence", "err", err)
	}
	_, err = r.decide(ctx, func(d *decision) error {
		next = time.Time{}
		if err := d.clockSet(set); err != nil {
			return err
		}
		if err := d.timeDue(&next); err != nil {
			return err
		}
		if err := d.thawed(&next); err != nil {
			return err
		}
		if err := d.gatesDue(evidence, &next); err != nil {
			return err
		}
		if err := d.makeRoom(); err != nil {
			return err
		}
		return d.outlived(&next)
	})
	if errors.Is(err, ledger.ErrBroken) {
		return next, err
	}
	if err != nil {
		r.cfg.Log.Error("look at what is due", "err", err)
		next = now.Add(lookAgain)
		if isBug(err) { // it will hardly be gone in a second; what wakes the loop is looked at all the same
			next = now.Add(alarm.Nap)
		}
	}
	return next, nil
}

// thawed lets runs go on that a frozen zone held and holds no more, by its end, an exception, or another revision of the plan. One that other
// zones hold now says so.
func (d *decision) thawed(next *time.Time) error {
	for _, id := range slices.Clone(d.Facts.Runs.Order) {
		rn := d.Facts.Runs.Runs[id]
		st := rn.Steps[rn.HeldStep]
		if rn.State != run.RunHeld || st == nil || st.State != run.Waiting {
			continue
		}
		if a, s := d.frozenStep(rn); !a.Allowed {
			if err := d.heldOtherwise(rn, d.frozenText(s, a)); err != nil {
				return err
			}
			if at, ok := a.FreeAt(); ok {
				sooner(next, at)
			}
			continue
		}
		if err := d.react(rn, "the frozen zone is over for it"); err != nil {
			return err
		}
	}
	return nil
}

// heldOtherwise tells of a run that zones hold what they are now: the ones before it was held for may be gone.
func (d *decision) heldOtherwise(rn *run.Run, text string) error {
	if rn.HeldBy.Seat != "" || rn.Reason == text {
		return nil
	}
	step := rn.HeldStep
	if _, err := d.Emit(run.RunReleased, rn.ID, "", engine(), run.Body(run.Ended{Reason: "other zones hold it now"})); err != nil {
		return err
	}
	return d.hold(rn, text, step, "")
}

// evidenceDue reads the evidence of gates whose deadline has just passed: the no-go that follows shows what it rests on.
func (r *Runner) evidenceDue(ctx context.Context, now time.Time) (map[string]gate.SuiteEvidence, error) {
	var due []string
	r.cfg.Ledger.Read(func(f *ledger.Facts) {
		for _, id := range r.plan.GateIDs {
			g := r.plan.Gates[id]
			if facts := f.Register.Gate(register.GateKey{Gate: id}); facts.Round > 0 && facts.Decision == nil {
				if r.judge(f, g, asked{now: now}).State == gate.Due {
					due = append(due, suites(g)...)
				}
			}
		}
	})
	if len(due) == 0 {
		return nil, nil
	}
	return r.cfg.Sweeper.Evidence(ctx, r.plan, due, now)
}

// gatesDue opens the plan's own gates at their time and ends those whose deadline passed without a decision.
func (d *decision) gatesDue(evidence map[string]gate.SuiteEvidence, next *time.Time) error {
	if turns := d.r.cfg.Calendar.Turns(d.r.plan, &d.Facts.Register, d.Now); !turns.IsZero() {
		sooner(next, turns) // of several weekends another may be the present one then
	}
	for _, id := range d.r.plan.GateIDs {
		g, key := d.r.plan.Gates[id], register.GateKey{Gate: id}
		facts := d.Facts.Register.Gate(key)
		j := d.r.judge(d.Facts, g, asked{now: d.Now})
		switch {
		case facts.Decision != nil:
			if err := d.nextTime(key, facts, j, next); err != nil {
				return err
			}
			continue
		case j.State == gate.Closed:
			sooner(next, j.OpensAt)
			continue
		case facts.Round > 0 && facts.OpenedAt.Before(j.OpensAt):
			if err := d.openAs(key, register.Opened{Round: facts.Round + 1, Reason: "its time was moved and has come", Anew: true}); err != nil {
				return err
			}
		case j.State == gate.Due:
			if facts.Round == 0 && !d.reachedBy(g) {
				continue // never asked: what lay in the past when the plan was adopted decides nothing
			}
			if err := d.overdue(g, key, evidence); err != nil {
				return err
			}
			continue
		case facts.Round == 0 && !j.OpensAt.IsZero():
			if err := d.openGate(key, 1, "its time has come"); err != nil {
				return err
			}
		}
		if !j.DecideBy.IsZero() && d.Facts.Register.Gate(key).Round > 0 {
			sooner(next, j.DecideBy)
		}
	}
	return nil
}

// nextTime opens a gate again whose answer was about an earlier window, or an earlier date of the same one, once it opens for the next.
// A go that no run has gone through yet stands, unless it was given on another revision of the plan: then it is asked again while there is time,
// for a run that reaches it finds no go, and mostly a deadline that has passed.
func (d *decision) nextTime(key register.GateKey, f *register.GateFacts, j gate.Judgement, next *time.Time) error {
	waits := f.Decision.Decision == register.Go && f.UsedBy == ""
	void := outdated(f, d.r.plan.Hash)
	if j.OpensAt.After(d.Now) {
		sooner(next, j.OpensAt)
		return nil
	}
	switch {
	case waits && (void == "" || d.Facts.Register.Spent(key.Gate)):
		return nil
	case j.OpensAt.After(f.Decision.At):
		return d.openAs(key, register.Opened{Round: f.Round + 1, Reason: "its time has come again", Anew: true})
	case waits && !j.OpensAt.IsZero() && (j.DecideBy.IsZero() || d.Now.Before(j.DecideBy)):
		return d.openGate(key, f.Round+1, void)
	}
	return nil
}

// reachedBy reports whether a live run stands at the gate.
func (d *decision) reachedBy(g *plan.Gate) bool {
	for _, rn := range d.Facts.Runs.Runs {
		if rn.State != run.RunRunning || rn.Practises() {
			continue
		}
		rb, err := d.runbook(rn)
		p, perr := d.r.planOf(rn)
		if err != nil || perr != nil {
			continue
		}
		for _, s := range d.readinessOf(rn, rb).ready.Steps() {
			if s.AfterGate == g.ID && !d.early(p, rn, s) {
				return true
			}
		}
	}
	return false
}

// overdue records the no-go of a deadline that passed.
func (d *decision) overdue(g *plan.Gate, key register.GateKey, evidence map[string]gate.SuiteEvidence) error {
	if d.Facts.Register.Gate(key).Round == 0 {
		if err := d.openGate(key, 1, "reached by a run after its deadline"); err != nil {
			return err
		}
	}
	v := register.Voted{Round: d.Facts.Register.Gate(key).Round, Answer: register.NoGo}
	return d.settleGate(ballot{g, key, engine(), v, evidence}, &Reply{})
}

// recover takes up what an earlier process left: repeatable work is begun again, the rest is uncertain.
func (r *Runner) recover(ctx context.Context) error {
	noted, err := r.cfg.Launches.Noted()
	if err != nil {
		return fmt.Errorf("find processes that were left behind: %w", err)
	}
	_, err = r.decide(ctx, func(d *decision) error {
		if err := d.adopt(d.r.plan); err != nil {
			return err
		}
		if err := d.tellNoted(noted); err != nil {
			return err
		}
		// From here on steps are started, not before: a command that came earlier would have started one that this takes for
		// one left in flight. Decisions come one at a time.
		r.live.Store(true)
		d.refreshOpen()
		for _, id := range slices.Clone(d.Facts.Runs.Order) {
			rn := d.Facts.Runs.Runs[id]
			if rn.State.Final() {
				continue
			}
			rb, err := d.runbook(rn)
			if err != nil {
				return err
			}
			for _, s := range rb.Steps {
				if err := d.takeUp(rn, s); err != nil {
					return err
				}
			}
			if err := d.advance(rn); err != nil {
				return err
			}
			if err := d.backOutDue(rn); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// refreshOpen asks the checks of gates that are open: who asked for it before may have been stopped.
func (d *decision) refreshOpen() {
	for _, id := range d.r.plan.GateIDs {
		g := d.r.plan.Gates[id]
		if f := d.Facts.Register.Gate(register.GateKey{Gate: id}); f.Round > 0 && f.Decision == nil {
			d.launches = append(d.launches, launch{soft: true, do: func(ctx context.Context) { d.r.refresh(ctx, g) }})
		}
	}
}

// takeUp looks at one step that was in flight when the last process ended.
func (d *decision) takeUp(rn *run.Run, s *runbooks.Step) error {
	st := rn.Steps[s.ID]
	attempt := st.Attempt
	_, halted := rn.Paused[run.Part{Step: s.ID}] // no other attempt begins by itself
	switch {
	case st.State == run.Verifying:
		d.launches = append(d.launches, launch{soft: true, do: d.r.owing(d.r.verify, rn.ID, s, attempt)})
		return nil
	case st.State == run.Uncertain:
		d.askHappened(rn, s)
		return nil
	case st.State == run.Running && s.Kind == runbooks.Wait && s.WaitBody.Looks():
		d.launches = append(d.launches, d.r.work(rn.ID, s, attempt))
		return nil
	case st.State != run.Running, s.Kind == runbooks.Wait, s.Kind == runbooks.Nested:
		return nil
	case s.Kind == runbooks.Message: // its mails are committed with its end: before that, nothing was queued
		d.launches = append(d.launches, d.r.work(rn.ID, s, attempt))
		return nil
	case s.Repeatable && len(s.Happened) == 0 && !halted && !d.frozenNow(rn, s) && (st.PID == 0 || !d.r.cfg.Actions.Alive(st.PID, st.PIDStarted)):
		b := run.Begun{State: run.Running, Attempt: attempt + 1, Services: st.Services}
		if _, err := d.Emit(run.StepStarted, rn.ID, s.ID, engine(), run.Body(b)); err != nil {
			return err
		}
		d.launches = append(d.launches, d.r.work(rn.ID, s, attempt+1))
		return nil
	}
	why := "skift stopped while it was in flight: whether it happened is unknown"
	switch {
	case halted && s.Repeatable:
		why += "; it is paused, so it was not begun again"
	case s.Repeatable && d.frozenNow(rn, s):
		why += "; a frozen zone does not allow it now, so it was not begun again"
	}
	if _, err := d.Emit(run.StepUncertain, rn.ID, s.ID, engine(), run.Body(run.Finished{Attempt: attempt, Reason: why})); err != nil {
		return err
	}
	if err := d.holdFor(rn, s.ID, s.ID+": "+why); err != nil {
		return err
	}
	d.askHappened(rn, s)
	return nil
}
