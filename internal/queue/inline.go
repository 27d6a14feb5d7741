// Package queue carries work to whoever is free to do it. Our own rows (slots, outbox) are the truth; a job here is the hint
// that one of them wants doing, and may be lost, be late or come twice without harm.
//
// A queue is a [store.Carrier]: the store puts the jobs of a batch in the transaction of the batch, and says when it is stored.
// Inline does them in this process, and knows them only as long as it lives: it is the queue of a run in the foreground and of
// simulations. River keeps them in the database. Both behave alike; the contract suite holds them to it.
package queue

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"skift/internal/bug"
	"skift/internal/register"
	"skift/internal/store"
)

// Handler does a job. Whether it was done is written by the handler itself, in the row the job points at. It returns soon when ctx ends.
type Handler func(ctx context.Context, job register.Job)

// do does a job; a bug of ours in it spoils that job alone.
func (h Handler) do(ctx context.Context, job register.Job, log *slog.Logger) {
	err := bug.Caught(func() error {
		h(ctx, job)
		return nil
	})
	if err != nil {
		log.Error("do the job of "+job.Schedule+job.Message, "err", err)
	}
}

// Queue carries jobs while Run runs.
type Queue interface {
	store.Carrier
	// Run does jobs until ctx ends, and returns when those under way have ended.
	Run(ctx context.Context) error
}

// Inline does jobs in this process. Make it with NewInline. It is safe for concurrent use.
type Inline struct {
	handle Handler
	log    *slog.Logger
	mu     sync.Mutex
	ctx    context.Context // nil until Run
	closed bool            // Run has ended or is ending
	wait   []register.Job  // stored before Run
	work   sync.WaitGroup
}

// NewInline makes a queue whose jobs are done by handle.
func NewInline(handle Handler, log *slog.Logger) *Inline { return &Inline{handle: handle, log: log} }

// Put implements store.Carrier. There is nothing to keep: should the process end before the job, its row is found again.
func (q *Inline) Put(store.Tx, []register.Job) error { return nil }

// Stored implements store.Carrier. What comes when nothing runs any more is dropped, its row shows that it was not done.
func (q *Inline) Stored(jobs []register.Job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch ctx := q.ctx; {
	case ctx == nil:
		q.wait = append(q.wait, jobs...)
	case !q.closed:
		for _, job := range jobs {
			q.work.Go(func() { q.do(ctx, job) })
		}
	}
}

// do waits until the job is due and does it.
func (q *Inline) do(ctx context.Context, job register.Job) {
	if wait := time.Until(job.DueAt()); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
	q.handle.do(ctx, job, q.log)
}

// Run implements Queue.
func (q *Inline) Run(ctx context.Context) error {
	q.mu.Lock()
	q.ctx = ctx
	waiting := q.wait
	q.wait = nil
	q.mu.Unlock()
	q.Stored(waiting)
	<-ctx.Done()
	q.mu.Lock() // nothing is added from here on
	q.closed = true
	q.mu.Unlock()
	q.work.Wait()
	return nil
}
