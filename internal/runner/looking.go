package runner

import (
	"context"
	"fmt"
	"time"

	"skift/internal/bug"
	"skift/internal/ledger"
	"skift/internal/run"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// look looks again and again for what a step waits for, until it is found or the step's time is over.
func (r *Runner) look(ctx context.Context, runID string, s *runbooks.Step, attempt int) {
	by, waits := r.looksUntil(runID, s.ID, attempt)
	timed, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	last, why := "", "the first look took longer" // what the file looked like, and what the last whole look said
	for waits {
		found, seen, said := r.lookOnce(timed, runID, s, attempt)
		if timed.Err() == nil { // else it was cut short and says no more than that
			why = said
		}
		if found && (s.WaitBody.File == "" || seen == last) {
			r.settle(ctx, runID, s.ID, run.Finished{State: run.Done, Attempt: attempt, Reason: said})
			return
		}
		last = seen
		if !pause(timed, s.WaitBody.Every) {
			if ctx.Err() == nil {
				r.settle(ctx, runID, s.ID, run.Finished{State: run.Failed, Attempt: attempt,
					Reason: fmt.Sprintf("not found within %s; at last: %s", yamldoc.FormatDuration(s.WaitBody.Timeout), why)})
			}
			return // else it is looked for again after the restart
		}
		_, waits = r.looksUntil(runID, s.ID, attempt) // a person may have said that nobody waits any longer
	}
}

// looksUntil is until when a step looks, and whether it still does.
func (r *Runner) looksUntil(runID, step string, attempt int) (by time.Time, waits bool) {
	r.cfg.Ledger.Read(func(f *ledger.Facts) {
		if rn := f.Runs.Runs[runID]; rn != nil && !rn.State.Final() {
			by, waits = rn.Steps[step].DueAt, rn.Steps[step].State == run.Running && rn.Steps[step].Attempt == attempt
		}
	})
	return by, waits
}

// lookOnce asks the checks, or looks at the file. seen is what the file looked like: it counts once it looks so twice.
func (r *Runner) lookOnce(ctx context.Context, runID string, s *runbooks.Step, attempt int) (found bool, seen, why string) {
	if s.WaitBody.File == "" {
		// Scheduled: nobody stands behind the single question, so a login that was refused is not tried every minute.
		said, err := r.sweep(ctx, runID, s, Sweep{Checks: s.WaitBody.Check, Side: s.WaitBody.Side, Scheduled: true})
		if err != nil {
			return false, "", r.clean(err.Error())
		}
		return said.OK, "", r.clean(said.Summary)
	}
	p, env, rn, err := r.bound(runID)
	var out Outcome
	if err == nil {
		err = bug.Caught(func() (err error) {
			out, err = r.cfg.Actions.Do(ctx, Effect{Run: runID, Attempt: attempt, Step: s, Plan: p, Where: env, Env: r.environ(rn, p, s, attempt)})
			return err
		})
	}
	if err != nil {
		return false, "", r.clean(err.Error())
	}
	return out.OK, out.Facts["size"] + " " + out.Facts["modified"], r.clean(out.Summary)
}

// pause waits; false means that ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
