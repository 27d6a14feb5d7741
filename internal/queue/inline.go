// Package queue carries work to whoever is free to do it. Our own rows (slots, outbox) are the truth; a job here is the hint
// that one of them wants doing, and may be lost or come twice without harm.
//
// Inline is the queue of one process and of simulations: it does the work at once, beside whoever asked.
package queue

import (
	"context"
	"sync"

	"skift/internal/register"
)

// Handler does a job. Whether it was done is written by the handler itself, in the row the job points at.
type Handler func(ctx context.Context, job register.Job)

// Inline does jobs in this process. Make it with NewInline. It is safe for concurrent use.
type Inline struct {
	handle Handler
	mu     sync.Mutex
	ctx    context.Context // nil until Run
	closed bool            // Run has ended or is ending
	wait   []register.Job  // put before Run
	work   sync.WaitGroup
}

// NewInline makes a queue whose jobs are done by handle.
func NewInline(handle Handler) *Inline { return &Inline{handle: handle} }

// Put hands over a job. It never blocks and never fails: a job put when nothing runs any more is dropped, its row shows that
// it was not done.
func (q *Inline) Put(job register.Job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ctx == nil {
		q.wait = append(q.wait, job)
		return
	}
	if ctx := q.ctx; !q.closed {
		q.work.Go(func() { q.handle(ctx, job) })
	}
}

// Run does jobs until ctx ends, and returns when those under way have ended.
func (q *Inline) Run(ctx context.Context) error {
	q.mu.Lock()
	q.ctx = ctx
	waiting := q.wait
	q.wait = nil
	q.mu.Unlock()
	for _, job := range waiting {
		q.Put(job)
	}
	<-ctx.Done()
	q.mu.Lock() // nothing is added from here on
	q.closed = true
	q.mu.Unlock()
	q.work.Wait()
	return nil
}
