package scheduler_test

import (
	"strings"
	"testing"
	"time"

	"skift/internal/plan"
)

// TestABugInWhatIsDue: a bug of ours spoils the slot in which it is met. The loop, the other schedules and the next slots go on.
func TestABugInWhatIsDue(t *testing.T) {
	t.Parallel()
	rest := every30 + "audiences:\n  a: {to: [kombit/chair], report: weekly, cron: \"0 * * * *\"}\nmilestones:\n  m: {kind: point, date: \"2000-01-01 00:10\"}\n"
	bubble(t, rest, func(t *testing.T, p *plan.Plan, h *hand) {
		h.fail = func(what string) error {
			if now := time.Now(); now.Before(epoch.Add(45*time.Minute)) || strings.HasPrefix(what, "report") && now.Before(epoch.Add(time.Hour+time.Second)) {
				panic("index out of range")
			}
			return nil
		}
		proc := h.run(t, p)
		time.Sleep(65 * time.Minute)
		proc.stop()
		same(t, "suite", []string{"01-01 00:30:00 failed", "01-01 01:00:00 done"}, h.d.rows("suite/s"))
		same(t, "report", []string{"01-01 01:00:00 done"}, h.d.rows("report/a")) // tried again a few seconds later
		same(t, "milestone", []string{"01-01 00:10:00 done"}, h.d.rows("milestone/m"))
		if note := h.d.slots[key("suite/s", epoch.Add(30*time.Minute))].Note; !strings.HasPrefix(note, "a bug in skift: index out of range (") {
			t.Errorf("note %q", note)
		}
	})
}

// TestABugInTheTimeline: while nobody can say what is due nothing is, and afterwards everything is found.
func TestABugInTheTimeline(t *testing.T) {
	t.Parallel()
	bubble(t, every30, func(t *testing.T, p *plan.Plan, h *hand) {
		h.look = func() {
			if now := time.Now(); now.After(epoch.Add(20*time.Minute)) && now.Before(epoch.Add(40*time.Minute)) {
				panic("index out of range")
			}
		}
		proc := h.run(t, p)
		time.Sleep(61 * time.Minute)
		proc.stop()
		same(t, "suite", []string{"01-01 00:30:00 done", "01-01 01:00:00 done"}, h.d.rows("suite/s"))
		if len(h.did) != 2 || !strings.HasPrefix(h.did[0], "01-01 00:40:0") {
			t.Errorf("asked %v", h.did)
		}
	})
}
