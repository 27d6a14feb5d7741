package app

import (
	"context"

	"skift/internal/queue"
	"skift/internal/register"
)

// carry makes what carries sweeps, mails and milestones that begin. A service keeps its jobs in the database, a run in the foreground in this
// process: its rows are found all the same by whoever comes next.
func (a *App) carry(m Mode) (queue.Queue, error) {
	if !m.Scheduler {
		q := queue.NewInline(a.work, a.log)
		a.store.Carry(q)
		return q, nil
	}
	q, err := queue.NewRiver(a.store, a.work, a.log)
	if err != nil {
		return nil, err
	}
	a.store.Carry(q)
	return q, nil
}

// work gives a job to whom it concerns. Nobody may be there: then its row waits.
func (a *App) work(ctx context.Context, job register.Job) {
	if job.Message != "" {
		if a.outbox != nil {
			a.outbox.Work(ctx, job)
		}
		return
	}
	if s := a.scheduler.Load(); s != nil {
		s.Work(ctx, job)
	}
}
