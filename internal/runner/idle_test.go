package runner_test

import (
	"testing"
	"testing/synctest"
	"time"

	"skift/internal/plan"
	"skift/internal/register"
)

// looks counts how often the runner looks at what is due.
type looks struct {
	calendar
	n *int
}

func (l looks) Turns(p *plan.Plan, f *register.Facts, now time.Time) time.Time {
	*l.n++
	return l.calendar.Turns(p, f, now)
}

// TestIdle: while nothing happens and nothing is due the loop wakes to see whether the clock was set, and judges nothing: most months of a
// transition are so. What comes by time alone comes to the second all the same.
func TestIdle(t *testing.T) {
	t.Parallel()
	p := load(t, base, map[string]string{"long": "  one: {wait: 26h}\n  two: {needs: [one], wait: 1h}\n"})
	synctest.Test(t, func(t *testing.T) {
		w, n := newWorld(t, p), 0
		w.dates = looks{n: &n}
		w.start()
		id := w.begin("long")
		later(26*time.Hour - time.Second)
		w.wantSteps(id, "one", "running")
		later(time.Second)
		w.wantSteps(id, "one", "done", "two", "running")
		later(4*24*time.Hour - 26*time.Hour)
		w.wantSteps(id, "two", "done")
		if n > 4*24+40 { // hourly, and a few times around what happens
			t.Errorf("looked %d times in four days", n)
		}
		w.end()
	})
}
