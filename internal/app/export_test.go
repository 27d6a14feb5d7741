package app

import (
	"context"
	"log/slog"
	"time"

	"skift/internal/ledger"
	"skift/internal/secret"
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
