package app

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"skift/internal/bug"
	"skift/internal/ledger"
	"skift/internal/outbox"
	"skift/internal/secret"
	"skift/internal/store"
	"skift/internal/sweeper"
)

// Logger is the log of the loops.
func (a *App) Logger() *slog.Logger { return a.log }

// NewBugLog is a log that hands bugs on.
func NewBugLog(to *slog.Logger, masker *secret.Masker) (log *slog.Logger, met <-chan string) {
	h := newBugLog(to, masker)
	return slog.New(h), h.met
}

// Age makes what was last heard of a loop so much older: "scheduler", "outbox" or "sweep".
func (a *App) Age(loop string, by time.Duration) {
	p := &a.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	switch loop {
	case "scheduler":
		p.scheduler = p.scheduler.Add(-by)
	case "outbox":
		p.outbox = time.Now().Add(-by)
	case "sweep":
		for s := range p.sweeps {
			s.at = s.at.Add(-by)
		}
	}
}

// Hang keeps every decision waiting until release is closed.
func (a *App) Hang(release <-chan struct{}) {
	_, _ = a.ledger.Decide(context.Background(), func(*ledger.Tx) error {
		<-release
		return nil
	})
}

// Simulated says how a data directory is opened in a simulation: with what answers for the platforms and takes the mails, and what is
// called around each write.
type Simulated struct {
	Options
	Copied        bool // the data directory is what a crash left
	Before, After func(n int64)
	Prober        sweeper.Prober
	Sender        outbox.Sender
}

// OpenSimulated is Open with the world taken away: checks and mails go to ports of the test, everything else is what runs.
func OpenSimulated(ctx context.Context, s Simulated) (*App, error) {
	s.copied, s.before, s.after = s.Copied, s.Before, s.After
	a, err := Open(ctx, s.Options)
	if err != nil {
		return nil, err
	}
	b := a.settings.Budget
	a.sweeper = sweeper.New(s.Prober, sweeper.Budget{Parallel: b.Parallel, Total: b.Total, Rate: b.Rate, SSHGap: b.SSHGap, Patience: Patience}, a.recordSweep)
	a.outbox = outbox.New(mails{a}, s.Sender, outbox.Settings{Poll: time.Hour}, a.log)
	return a, nil
}

// Simulate is Run without the socket: nothing in it waits for anything but the clock.
func (a *App) Simulate(ctx context.Context, force <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	jobs, err := a.carry(Mode{}) // in this process: what polls a database would keep a bubble awake
	if err != nil {
		return err
	}
	defer a.store.Carry(nil)
	a.work(ctx, true, jobs, force, func(run func() error) {
		g.Go(func() error {
			defer cancel()
			return bug.Caught(run)
		})
	})
	err = g.Wait()
	a.lastBugs()
	return err
}

// Ledger is where decisions are made.
func (a *App) Ledger() *ledger.Ledger { return a.ledger }

// Store is the data directory.
func (a *App) Store() *store.Store { return a.store }
