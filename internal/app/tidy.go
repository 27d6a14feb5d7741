package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"skift/internal/bug"
)

// tidyEvery is how often a process that stays removes what is no longer kept.
const tidyEvery = 24 * time.Hour

// tidy removes old observations, now and then daily, until ctx ends. That it cannot stops nothing: what is kept too long harms nobody.
func (a *App) tidy(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		if err := bug.Caught(func() error { return a.prune(ctx, time.Now()) }); err != nil && ctx.Err() == nil {
			a.log.Warn("what is no longer kept was not removed", slog.Any("error", err))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// prune removes what units answered longer ago than observations are kept, and the jobs that are over.
func (a *App) prune(ctx context.Context, now time.Time) error {
	if err := a.baselines(ctx); err != nil {
		return err // what a zone found is not removed before it is kept
	}
	_, err := a.store.Prune(ctx, now.Add(-a.settings.Keep))
	return errors.Join(err, a.store.PruneJobs(ctx))
}
