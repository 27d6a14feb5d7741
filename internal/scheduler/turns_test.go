package scheduler_test

import (
	"testing"
	"time"

	"skift/internal/plan"
)

// TestATurnByTimeAlone: a phase that nobody has passed is late once its end comes, and a suite asked until that end is asked on. No fact tells
// of it and no slot lay ahead: the loop wakes because the dates turn, and the next slots are on time instead of missed until it would look anyway.
func TestATurnByTimeAlone(t *testing.T) {
	t.Parallel()
	rest := `
suites:
  s: {checks: [cert], every: 10m, during: [{from: 2000-01-01, until: trial.end}]}
milestones:
  trial: {kind: phase, from: 1999-12-01, until: "2000-01-01 00:25", exit: over}
gates:
  over: {asks: Over?, decides: kombit/chair}
`
	bubble(t, rest, func(t *testing.T, p *plan.Plan, h *hand) {
		h.sized = true
		proc := h.run(t, p)
		time.Sleep(51 * time.Minute)
		proc.stop()
		same(t, "did", []string{"01-01 00:00:00 enter trial", "01-01 00:10:00 sweep s 00:10", "01-01 00:20:00 sweep s 00:20", "01-01 00:30:00 sweep s 00:30",
			"01-01 00:40:00 sweep s 00:40", "01-01 00:50:00 sweep s 00:50"}, h.did)
	})
}
