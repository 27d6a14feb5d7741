package app

import (
	"context"

	"skift/internal/queue"
	"skift/internal/register"
)

// carry makes what carries sweeps, mails and milestones that begin; it must run beside the loops. A service keeps its jobs in the database, a
// run in the foreground and a simulation in this process: their rows are found all the same by whoever comes next.
func (a *App) carry(m Mode) (queue.Queue, error) {
	if !m.Scheduler {
		q := queue.NewInline(a.doJob, a.log)
		a.store.Carry(q)
		return q, nil
	}
	q, err := queue.NewRiver(a.store, a.doJob, a.log)
	if err != nil {
		return nil, err
	}
	a.store.Carry(q)
	return q, nil
}

// doJob gives a job to whom it concerns. Nobody may be there: then its row waits.
func (a *App) doJob(ctx context.Context, job register.Job) {
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
