// Package runner owns the runs of a plan: it starts what is ready, guards every start by gate, freeze and point of no
// return, settles results, carries out what people command, and is the only writer of run state.
//
// Every change is one decision in the ledger, made on the facts before it; effects begin only after the decision that
// intends them is durable, and a result is a decision again. After a restart the facts say what was in flight: repeatable
// steps are begun again, everything else is uncertain and waits for a person.
// A Runner is safe for concurrent use. It imports no adapter; what touches the world comes in through its ports.
package runner

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/secret"
	"skift/internal/term"
)

// Config is what a runner needs. Every field must be set.
type Config struct {
	Plan      *plan.Plan // the revision in use: new runs are bound to it
	Ledger    Ledger
	Actions   Actions
	Sweeper   Sweeper
	Calendar  Calendar
	Reports   Reports
	Files     Files
	Revisions Revisions
	Log       *slog.Logger
	// Person returns the opaque id of who sits in a seat at an instant; "" = nobody known.
	Person func(p *plan.Plan, seat string, at time.Time) string
}

// Runner drives runs. Make it with New, then call Run.
type Runner struct {
	cfg  Config
	plan *plan.Plan

	wake chan struct{}
	live atomic.Bool // Run was called: steps may be started, for somebody will do their work

	mu      sync.Mutex
	ctx     context.Context // of the effects in flight; nil before Run
	soft    context.Context // of what can be begun again: ends as soon as the process is told to stop
	queued  []launch        // decided before Run
	flights sync.WaitGroup
	stopped bool
	asked   map[string]bool // gates whose suites are being asked now
}

// New makes a runner. Nothing happens before Run.
func New(cfg Config) *Runner {
	return &Runner{cfg: cfg, plan: cfg.Plan, wake: make(chan struct{}, 1), asked: map[string]bool{}}
}

// ErrStopped is the cause given to effects in flight when the process stops.
var ErrStopped = errors.New("skift is stopping")

// Run recovers what an earlier process left, then acts on time until ctx ends. It returns when nothing is in flight
// any more. Effects get grace to finish; force ends them at once (they become uncertain).
func (r *Runner) Run(ctx context.Context, force <-chan struct{}) error {
	effects, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	soft, cutShort := context.WithCancelCause(effects)
	defer cutShort(nil)
	if err := r.open(ctx, effects, soft); err != nil {
		return err
	}
	err := r.loop(ctx)
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	done := make(chan struct{})
	go func() { r.flights.Wait(); close(done) }()
	cutShort(ErrStopped) // waiting for time or checks; an effect is left to finish unless forced
	select {
	case <-done:
	case <-force:
		cancel(ErrStopped)
		<-done
	}
	return err
}

// open makes effects possible and takes up what was left.
func (r *Runner) open(ctx, effects, soft context.Context) error {
	r.mu.Lock()
	r.ctx, r.soft = effects, soft
	r.live.Store(true)
	queued := r.queued
	r.queued = nil
	r.mu.Unlock()
	if err := r.recover(ctx); err != nil {
		return err
	}
	for _, l := range queued {
		r.begin(l)
	}
	return nil
}

// loop wakes when an instant comes at which something is due, or when something changed.
func (r *Runner) loop(ctx context.Context) error {
	for {
		next, err := r.runOnce(ctx, time.Now())
		if err != nil {
			return err
		}
		var due <-chan time.Time
		var timer *time.Timer
		if !next.IsZero() {
			timer = time.NewTimer(max(0, time.Until(next)))
			due = timer.C
		}
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-due:
		}
		if timer != nil {
			timer.Stop()
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// begin starts a launch on its own goroutine, or keeps it until Run.
func (r *Runner) begin(l launch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx == nil {
		r.queued = append(r.queued, l)
		return
	}
	if r.stopped {
		return // its intent is durable: recovery takes it up
	}
	ctx := r.ctx
	if l.soft {
		ctx = r.soft
	}
	r.flights.Go(func() { l.do(ctx) })
}

func (r *Runner) wakeUp() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// fail logs an error nobody waits for. Storage errors surface through runOnce.
func (r *Runner) fail(what string, err error) {
	if err != nil {
		r.cfg.Log.Error(what, "err", err)
		r.wakeUp()
	}
}

// clean makes free text safe to keep for ever: terminal controls stripped, civil registration numbers masked.
func (r *Runner) clean(text string) string { return secret.MaskCivil(term.Strip(text)) }

var _ Ledger = (*ledger.Ledger)(nil)
