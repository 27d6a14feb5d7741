package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"skift/internal/bug"
	"skift/internal/health"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/queue"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/scheduler"
	"skift/internal/store"
	"skift/internal/systemd"
	"skift/internal/timeline"
)

// Mode says which loops run.
type Mode struct {
	Scheduler bool             // start what is due: `skift serve`
	Force     <-chan struct{}  // closed when effects in flight are to be ended, too
	Ready     func()           // called once commands are answered
	Manager   *systemd.Manager // whom to tell how we are; nil = nobody
}

// Run starts the loops and blocks until ctx ends or nothing can be written any more. It leaves nothing behind.
func (a *App) Run(ctx context.Context, m Mode) error {
	jobs, err := a.carry(m)
	if err != nil {
		return err
	}
	defer a.store.Carry(nil)
	asked, server, err := a.answer(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.pulse.serves(m.Scheduler, a.outbox != nil)
	watched := a.watched(asked, m.Manager, cancel)
	var g errgroup.Group
	loop := func(run func() error) {
		g.Go(func() error {
			defer cancel() // one loop that ends takes the others with it
			err := bug.Caught(run)
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return nil // told to stop before it had well begun
			}
			return err
		})
	}
	ended := make(chan struct{})
	force := a.force(ctx, m.Force, ended)
	loop(server.Serve)
	a.work(ctx, m.Scheduler, jobs, force, loop)
	a.tell(m.Manager.Ready())
	if m.Ready != nil {
		m.Ready()
	}
	<-ctx.Done()
	a.pulse.enters(health.Stopping)
	a.tell(m.Manager.Stopping())
	err = server.Close()
	if werr := g.Wait(); werr != nil {
		err = werr
	}
	a.lastBugs()
	close(ended)
	<-force
	if werr := watched(); err == nil {
		err = werr
	}
	return err
}

// work begins the loops that nobody asks over a wire: all that a simulation has.
func (a *App) work(ctx context.Context, scheduled bool, jobs queue.Queue, force <-chan struct{}, loop func(run func() error)) {
	loop(func() error { return a.runner.Run(ctx, force) })
	loop(func() error { return a.keepPaper(ctx) })
	loop(func() error { return a.keepBugs(ctx) })
	if a.outbox != nil {
		// Mails that the last steps queue still leave: the outbox stops after the runner has.
		loop(func() error { return a.outbox.Run(ctx) })
	}
	loop(func() error { return jobs.Run(ctx) })
	if scheduled {
		loop(func() error { return a.schedule(ctx) })
		loop(func() error { return a.tidy(ctx) })
	}
}

// force is closed when effects in flight are to be ended: when somebody says so, or when they were given the settings' grace after
// ctx ended. It is closed in any case once everything has ended.
func (a *App) force(ctx context.Context, said, ended <-chan struct{}) <-chan struct{} {
	out := make(chan struct{})
	go func() {
		defer close(out)
		<-ctx.Done()
		grace := time.NewTimer(a.settings.Grace)
		defer grace.Stop()
		select {
		case <-said:
		case <-grace.C:
		case <-ended:
		}
	}()
	return out
}

// schedule runs the scheduler; facts that change the timeline wake it.
func (a *App) schedule(ctx context.Context) error {
	changed := make(chan struct{}, 1)
	sub := a.ledger.Subscribe()
	defer sub.Close()
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	defer func() { cancel(); <-done }()
	go func() {
		defer close(done)
		for {
			events, err := sub.Next(ctx)
			if err != nil {
				return
			}
			for _, e := range events {
				switch e.Kind {
				case register.MilestoneStarted, register.MilestonePassed, register.MilestoneReopened, register.PlanAdopted, register.GateDecided:
					select {
					case changed <- struct{}{}:
					default:
					}
				}
			}
		}
	}()
	s := scheduler.New(scheduler.Config{Store: slots{a}, Worker: worker{a}, Present: a.presentAt, Changed: changed, Size: a.looked, Log: a.log})
	a.scheduler.Store(s)
	return s.Run(ctx)
}

// looked is how many facts there are. The scheduler asks whenever it wakes: that is its pulse.
func (a *App) looked() int64 {
	a.pulse.looked(&a.pulse.scheduler)
	return a.ledger.Head().Size
}

// presentAt is the plan resolved at an instant.
func (a *App) presentAt(now time.Time) scheduler.Present {
	var p scheduler.Present
	a.ledger.Read(func(f *ledger.Facts) {
		p = scheduler.Present{Timeline: timeline.At(a.Plan(), f.Register.Dates(), now), AdoptedAt: f.Register.AdoptedAt, Added: map[string]time.Time{}}
		for key, at := range f.Register.Added {
			section, id, _ := strings.Cut(key, "/")
			p.Added[map[string]string{"suites": timeline.SuiteKey, "audiences": timeline.ReportKey}[section]+id] = at
		}
	})
	return p
}

// slots is the store as the scheduler sees it.
type slots struct{ a *App }

// LastSlot implements scheduler.Store.
func (s slots) LastSlot(ctx context.Context, schedule string) (time.Time, error) {
	slot, ok, err := s.a.store.LastSlot(ctx, schedule)
	if err != nil || !ok {
		return time.Time{}, err
	}
	return slot.At, nil
}

// Commit implements scheduler.Store.
func (s slots) Commit(ctx context.Context, b register.Batch) error { return s.a.commit(ctx, b) }

// Taken implements scheduler.Store.
func (slots) Taken(err error) bool { return errors.Is(err, store.ErrSlotTaken) }

// Claimed implements scheduler.Store.
func (s slots) Claimed(ctx context.Context) ([]register.Slot, error) { return s.a.store.Claimed(ctx) }

// worker does what is due.
type worker struct{ a *App }

// errGone says that what a slot was for is not in the plan any more: another revision came into use since it was claimed.
func errGone(what, id string) error {
	return fmt.Errorf("the plan has no %s %s any more", what, id)
}

// Sweep implements scheduler.Worker.
func (w worker) Sweep(ctx context.Context, suite string, slot time.Time) error {
	p := w.a.Plan()
	s := p.Suites[suite]
	if s == nil {
		return errGone("suite", suite)
	}
	return w.a.sweep(ctx, runner.Sweep{Plan: p, Environment: p.SuiteEnvironment(s), Suite: suite, Scheduled: true,
		Cause: "schedule " + slot.UTC().Format(time.RFC3339)}, s.Checks, nil)
}

// Report implements scheduler.Worker.
func (w worker) Report(ctx context.Context, audience string, slot register.Slot) error {
	p := w.a.Plan()
	if p.Audiences[audience] == nil {
		return errGone("audience", audience)
	}
	_, err := w.a.runner.Tell(ctx, runner.Compose{Plan: p, Audience: audience, Report: p.Audiences[audience].Report,
		Period: slot.At.UTC().Format(time.RFC3339)}, &slot, journal.Actor{Via: journal.ViaScheduler})
	return err
}

// Enter implements scheduler.Worker.
func (w worker) Enter(ctx context.Context, milestone string, slot register.Slot) error {
	m := w.a.Plan().Milestones[milestone]
	if m == nil {
		return errGone("milestone", milestone)
	}
	if m.Kind == plan.Zone {
		if err := w.a.baselines(ctx); err != nil {
			return err
		}
	}
	if m.Runbook == "" {
		return w.a.runner.Enter(ctx, milestone, slot)
	}
	_, err := w.a.runner.Do(ctx, runner.Command{Do: runner.DoStart, Runbook: m.Runbook, Environment: m.Environment, Rehearsal: m.Rehearsal,
		Milestone: milestone, Slot: &slot})
	return err
}
