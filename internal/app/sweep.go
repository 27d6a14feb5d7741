package app

import (
	"context"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/ledger"
	"skift/internal/matrix"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/sweeper"
)

// Patience is how long a unit that does not answer keeps others waiting.
const Patience = 250 * time.Millisecond

// sweep asks and records the units of some checks; progress, when not nil, is told how far it is.
func (a *App) sweep(ctx context.Context, w runner.Sweep, ids []string, progress func(done, total int)) error {
	now := time.Now()
	var last []register.Interval
	if w.Scheduled {
		var err error
		if last, err = a.refusals(ctx); err != nil {
			return err
		}
	}
	job := sweeper.Job{Suite: w.Suite, Environment: w.Environment, Cause: w.Cause}
	var stops map[checks.Unit][]string
	a.ledger.Read(func(f *ledger.Facts) {
		s := a.scope(f, w.Plan, w.Environment, ids, now)
		job.Asks, job.Skipped = s.Asks()
		if w.Scheduled {
			job.Asks, job.Spared = s.Spare(job.Asks, last, a.settings.Budget.AuthWait)
		}
		stops = s.Stops()
	})
	if w.Side != "" {
		job.Asks = slices.DeleteFunc(job.Asks, func(a checks.Ask) bool { return string(a.Unit.Side) != w.Side })
		job.Skipped = slices.DeleteFunc(job.Skipped, func(r checks.Result) bool { return string(r.Unit.Side) != w.Side })
	}
	job.Held = func(ask checks.Ask) (checks.Result, bool) { return a.held(ask, stops[ask.Unit]) }
	pulse := a.pulse.sweep(w.Suite, len(job.Asks))
	job.Progress = pulse.progress(progress)
	_, err := a.sweeper.Sweep(ctx, job)
	pulse.ended(ctx, err)
	return err
}

// refusals is what every unit answers now when some of it is that a login was refused; nil when nothing is, as nearly always.
func (a *App) refusals(ctx context.Context) ([]register.Interval, error) {
	if some, err := a.store.Answers(ctx, matrix.RefusedLogins()); err != nil || !some {
		return nil, err
	}
	return a.store.Latest(ctx)
}

// held is the result of a question that may not be put any more because one of the parties it is about was paused meanwhile.
func (a *App) held(ask checks.Ask, parties []string) (checks.Result, bool) {
	party := ""
	a.ledger.Read(func(f *ledger.Facts) { party = f.Register.PausedAmong(parties) })
	if party == "" {
		return checks.Result{}, false
	}
	return matrix.Paused(ask, party), true
}

// recordSweep keeps a sweep's answers, its event, and what differs in frozen zones in one commit.
func (a *App) recordSweep(ctx context.Context, results []checks.Result, swept register.Swept) error {
	zones, err := a.unbased(ctx)
	if err != nil {
		return err
	}
	_, err = a.ledger.Decide(ctx, func(tx *ledger.Tx) error {
		tx.Batch().Observations = results
		if _, err := tx.Emit(register.SweepDone, "", swept.Suite, systemActor(), register.Body(swept)); err != nil {
			return err
		}
		return a.keepBaselines(tx, zones, swept.Environment, results)
	})
	if err != nil {
		return err
	}
	a.read(zones)
	a.tellDrift(ctx)
	if err := a.runner.Doubt(ctx, swept.Environment); err != nil && ctx.Err() == nil {
		a.log.Error("compare what is done with what is seen", "err", err) // the answers themselves are kept
	}
	return nil
}
