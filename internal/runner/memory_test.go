package runner

import (
	"context"
	"time"

	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/run"
)

// Memory is a store that forgets everything with the process.
type Memory struct{ Kept []journal.Event }

// Commit implements ledger.Store.
func (m *Memory) Commit(_ context.Context, b register.Batch) (journal.Head, int64, error) {
	first := int64(len(m.Kept) + 1)
	m.Kept = append(m.Kept, b.Events...)
	return journal.Head{Plan: "p", Size: int64(len(m.Kept))}, first, nil
}

// Events implements ledger.Store.
func (m *Memory) Events(_ context.Context, after int64, fn func(journal.Event) error) error {
	for _, e := range m.Kept[after:] {
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// Recover does what a process does first: it takes up what an earlier one left. From here on steps are started, but without Run
// nobody does their work: a test settles it.
func (r *Runner) Recover(ctx context.Context) error { return r.recover(ctx) }

// Settle records what became of a step's work.
func (r *Runner) Settle(ctx context.Context, runID, step string, b run.Finished) error {
	return r.settleOnce(ctx, ending{runID, step, nil, b})
}

// Look does what is due.
func (r *Runner) Look(ctx context.Context, now time.Time) error {
	_, err := r.runOnce(ctx, now)
	return err
}

// Drive lets steps be started from now on, without looking at what an earlier process left.
func (r *Runner) Drive() { r.live.Store(true) }
