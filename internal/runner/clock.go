package runner

import (
	"fmt"
	"sync"
	"time"

	"skift/internal/register"
	"skift/internal/yamldoc"
)

// clock notices when the wall clock is set. Lengths of time are kept as instants, which survive a restart; while the process lives
// they are moved with the clock, so that what was to take ten minutes takes ten minutes. Dates of the plan are not moved.
type clock struct {
	jump func() time.Duration // how far the wall clock was set since the process began; for tests

	mu    sync.Mutex
	began map[string]time.Duration // run/step → the jump when its length of time began
	told  time.Duration
}

func newClock() clock {
	base := time.Now()
	return clock{jump: func() time.Duration { return jumped(base, time.Now()) }, began: map[string]time.Duration{}}
}

// jumped is how far the wall clock went beyond the time that really passed. Both instants carry a monotonic reading.
func jumped(base, now time.Time) time.Duration {
	return now.Round(0).Sub(base.Round(0)) - now.Sub(base)
}

// begin notes that a length of time begins for a step.
func (c *clock) begin(runID, step string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began[runID+"/"+step] = c.jump()
}

// moved is an instant that was a length of time away, by the clock as it is now. One from before this process stays.
func (c *clock) moved(runID, step string, at time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.IsZero() {
		return at
	}
	return at.Add(c.jump() - c.began[runID+"/"+step])
}

// clockSet keeps in the journal that the clock was set: the times of the events around it do not tell what passed between them.
func (d *decision) clockSet(by time.Duration) error {
	if by == 0 {
		return nil
	}
	which := "ahead"
	if by < 0 {
		which = "back"
	}
	_, err := d.Emit(register.Logged, "", "", engine(), register.Body(register.LogBody{Text: fmt.Sprintf(
		"the clock was set %s by %s: lengths of time go on as they were, dates of the plan come by the new time", which, yamldoc.FormatDuration(by.Abs().Round(time.Second)))}))
	return err
}

// set reports whether news has something to tell.
func (c *clock) set() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return (c.jump() - c.told).Abs() >= time.Second
}

// news is by how much the clock was set since the last time it was asked for; less than a second is adjusting, not setting.
func (c *clock) news() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	set := c.jump() - c.told
	if set.Abs() < time.Second {
		return 0
	}
	c.told += set
	return set
}
