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

	"skift/internal/alarm"
	"skift/internal/bug"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/run"
	"skift/internal/secret"
	"skift/internal/term"
)

// Config is what a runner needs. Every field but InFlight must be set.
type Config struct {
	Plan      *plan.Plan // the revision in use until another is adopted: new runs are bound to it
	Ledger    Ledger
	Actions   Actions
	Sweeper   Sweeper
	Calendar  Calendar
	Reports   Reports
	Mails     Mails
	Files     Files
	Launches  Launches
	Revisions Revisions
	Log       *slog.Logger
	InFlight  int // commands, requests and copies at once, in all runs; 0 = no bound
	// Person returns the opaque id of who sits in a seat at an instant; "" = nobody known.
	Person func(p *plan.Plan, seat string, at time.Time) string
}

// Runner drives runs. Make it with New, then call Run. A Runner acts by one revision of the plan; what it is asked for, each look at what is
// due and each decision go by the one in use then.
type Runner struct {
	*shared
	plan   *plan.Plan
	strict bool // a person asked, having seen this revision: nothing is decided by another
}

// shared is what is there once, whatever revision is in use.
type shared struct {
	cfg     Config
	current atomic.Pointer[plan.Plan]

	readied   map[*run.Run]*readiness        // of runs in the present facts; only decisions, which come one at a time, touch it
	overlays  map[*run.Run]overlay           // the same of runs to which steps were added
	survivors map[survivor]bool              // processes whose end somebody waits for; only decisions touch it
	scheduled map[*plan.Plan]map[string]bool // runbooks that a plan schedules; only decisions touch it
	queued    bool                           // something could start and there is no room; only decisions touch it

	progress progress
	clock    clock
	wake     chan struct{}
	live     atomic.Bool // steps may be started, for somebody will do their work: from recovery until the process is told to stop

	// turn is held for reading from a decision until what it launched has begun, and for writing to begin and end that: so
	// no step is started that nobody does.
	turn    sync.RWMutex
	ctx     context.Context // of the effects in flight; nil before Run and once Run is told to stop
	soft    context.Context // of what can be begun again: ends as soon as the process is told to stop
	flights sync.WaitGroup

	flyingMu sync.Mutex
	flying   map[*flight]bool // effects that can be stopped one by one
}

// New makes a runner. Nothing happens before Run.
func New(cfg Config) *Runner {
	r := &Runner{shared: &shared{cfg: cfg, wake: make(chan struct{}, 1), clock: newClock()}, plan: cfg.Plan}
	r.current.Store(cfg.Plan)
	return r
}

// Plan is the revision in use.
func (r *Runner) Plan() *plan.Plan { return r.current.Load() }

// present is the runner by the revision in use.
func (r *Runner) present() *Runner {
	if p := r.current.Load(); p != r.plan || r.strict {
		return &Runner{shared: r.shared, plan: p}
	}
	return r
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
	r.turn.Lock()
	r.ctx, r.soft = effects, soft
	r.turn.Unlock()
	err := r.recover(ctx)
	if err == nil {
		err = r.loop(ctx)
	}
	r.turn.Lock()
	r.ctx = nil
	r.live.Store(false)
	r.turn.Unlock()
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

// loop wakes when an instant comes at which something is due, or when something changed.
func (r *Runner) loop(ctx context.Context) error {
	for ctx.Err() == nil {
		size, now := r.cfg.Ledger.Head().Size, time.Now()
		next, err := r.runOnce(ctx, now)
		if err != nil {
			return err
		}
		sooner(&next, now.Add(alarm.Look))
		alarm.Rest(ctx, next, r.wake, func() bool { return r.cfg.Ledger.Head().Size == size && !r.clock.set() })
	}
	return nil
}

// begin starts a launch on its own goroutine. r.turn is held.
func (r *Runner) begin(l launch) {
	if r.ctx == nil {
		return // its intent is durable: recovery takes it up
	}
	ctx := r.ctx
	if l.soft {
		ctx = r.soft
	}
	r.flights.Go(func() {
		r.fail("work", bug.Caught(func() error { l.do(ctx); return nil }))
	})
}

// isBug reports whether work ended by a bug of ours; it must not end the runs of others.
func isBug(err error) bool {
	var b *bug.Error
	return errors.As(err, &b)
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
