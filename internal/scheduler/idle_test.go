package scheduler_test

import (
	"testing"
	"time"

	"skift/internal/plan"
)

// TestIdle: between two instants at which something is due the loop wakes to see whether the clock was set, and resolves no dates: most
// months of a transition are so. What comes by time alone comes to the second all the same.
func TestIdle(t *testing.T) {
	t.Parallel()
	rest := "suites:\n  s: {checks: [cert], every: 6h}\n" + milestones
	bubble(t, rest, func(t *testing.T, p *plan.Plan, h *hand) {
		looks := 0
		h.look = func() { looks++ }
		h.sized = true
		proc := h.run(t, p)
		time.Sleep(4*24*time.Hour + time.Minute)
		proc.stop()
		if looks > 4*24+30 { // hourly, and a few times around each slot and milestone
			t.Errorf("looked %d times in four days", looks)
		}
		if len(h.d.rows("suite/s")) != 16 {
			t.Errorf("suite: %v", h.d.rows("suite/s"))
		}
		same(t, "milestones", []string{"01-01 06:00:00 enter early", "01-01 07:00:00 enter point", "01-01 12:00:00 enter after"}, entered(h.did))
	})
}

func entered(did []string) (out []string) {
	for _, d := range did {
		if d[15:20] == "enter" {
			out = append(out, d)
		}
	}
	return out
}
