package demo

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"time"

	"skift/internal/app"
	"skift/internal/plan"
	"skift/internal/runner"
)

// pace is how much further apart the dates lie on a machine that took this long to prepare the demo: one that is busy with other work
// needs more time for the same story. Clocks run as ever.
func pace(prepared time.Duration) float64 {
	const idle, most = 650 * time.Millisecond, 3
	return min(most, max(1, float64(prepared)/float64(idle)))
}

// tryOut opens the plan once for a moment and decides a few things, in a directory that is gone afterwards: how long that takes says how
// busy the machine is.
func tryOut(ctx context.Context, o Options, shipped fs.FS, p *plan.Plan, t *theatre) error {
	dir, err := os.MkdirTemp(o.Dir, "try-*")
	if err != nil {
		return fmt.Errorf("try the demo's plan: %w", err)
	}
	defer os.RemoveAll(dir)
	c, err := newClock(p, time.Now(), 1, o.dates)
	if err != nil {
		return err
	}
	if err := newStager(dir, shipped, p, t, c).write(); err != nil {
		return err
	}
	a, err := app.Open(ctx, app.Options{PlanDir: dir, Log: o.Log})
	if err != nil {
		return fmt.Errorf("try the demo's plan: %w", err)
	}
	defer a.Close()
	for range 8 {
		if _, err := a.Do(ctx, runner.Command{Do: runner.DoLog, Reason: "how busy is this machine?"}); err != nil {
			return fmt.Errorf("try the demo's plan: %w", err)
		}
	}
	return nil
}
