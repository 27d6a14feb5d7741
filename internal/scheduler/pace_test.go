package scheduler_test

import (
	"strings"
	"testing"
	"time"

	"skift/internal/plan"
)

// TestJitterEachSlotOnce: with jitter every slot of the plan has its one row and is worked once, a while after its time, however often the
// process is ended and started again in between.
func TestJitterEachSlotOnce(t *testing.T) {
	t.Parallel()
	rest := "suites:\n  s: {checks: [cert], every: 10m, jitter: 9m}\n"
	bubble(t, rest, func(t *testing.T, p *plan.Plan, h *hand) {
		for range 400 { // every 37 seconds, so that slots wait for their moment over a restart
			proc := h.run(t, p)
			time.Sleep(37 * time.Second)
			proc.stop()
		}
		rows := h.d.rows("suite/s")
		if len(rows) != len(h.did) || len(rows) < 23 {
			t.Fatalf("%d rows, %d sweeps", len(rows), len(h.did))
		}
		late := 0
		for i, row := range rows {
			slot := epoch.Add(time.Duration(i+1) * 10 * time.Minute)
			if want := slot.Format("01-02 15:04:05 done"); row != want {
				t.Errorf("row %d is %q, want %q", i, row, want)
			}
			at, err := time.Parse("2006-01-02 15:04:05", "2000-"+h.did[i][:14])
			if err != nil || at.Before(slot) || !at.Before(slot.Add(9*time.Minute)) {
				t.Errorf("the slot of %v was worked at %v (%v)", slot, at, err)
			}
			if at.After(slot.Add(time.Minute)) {
				late++
			}
		}
		if late < 10 {
			t.Errorf("%d of %d slots were spread", late, len(rows))
		}
	})
}

// TestSkipMissed: what is not to be caught up waits for its next slot after a time away, and is worked after a short one all the same.
func TestSkipMissed(t *testing.T) {
	t.Parallel()
	rest := "suites:\n  s: {checks: [cert], every: 30m, on_missed: skip}\n" +
		"audiences:\n  a: {to: [kombit/chair], report: weekly, cron: \"0 * * * *\", on_missed: skip}\n"
	bubble(t, rest, func(t *testing.T, p *plan.Plan, h *hand) {
		proc := h.run(t, p)
		time.Sleep(61 * time.Minute)
		proc.stop()
		h.did = nil
		time.Sleep(6*time.Hour + 15*time.Minute) // 07:16
		proc = h.run(t, p)
		time.Sleep(13*time.Minute + 30*time.Second) // 07:29:30
		proc.stop()
		if len(h.did) != 0 {
			t.Errorf("caught up: %v", h.did)
		}
		time.Sleep(time.Minute) // 07:30:30
		proc = h.run(t, p)
		time.Sleep(30 * time.Minute)
		proc.stop()
		same(t, "done", []string{"01-01 07:30:30 sweep s 07:30", "01-01 08:00:00 report a", "01-01 08:00:00 sweep s 08:00"}, sorted(h.did))
		if rows := strings.Join(h.d.rows("report/a"), ","); strings.Count(rows, "missed") != 6 || !strings.Contains(rows, "07:00:00 missed,") {
			t.Errorf("reports: %s", rows)
		}
	})
}

// What a later revision added missed nothing before it came into use: nothing is made up for, and its next slot is its first.
func TestAddedLater(t *testing.T) {
	t.Parallel()
	bubble(t, every30+"audiences:\n  a: {to: [kombit/chair], report: weekly, cron: \"0 8 * * *\"}\n", func(t *testing.T, p *plan.Plan, h *hand) {
		time.Sleep(50 * time.Hour)
		h.added = map[string]time.Time{"suite/s": time.Now(), "report/a": time.Now()}
		proc := h.run(t, p)
		time.Sleep(31 * time.Minute)
		proc.stop()
		for _, row := range append(h.d.rows("suite/s"), h.d.rows("report/a")...) {
			if strings.Contains(row, "missed") {
				t.Errorf("missed: %s", row)
			}
		}
		if len(h.did) != 1 || !strings.Contains(h.did[0], "sweep s") {
			t.Errorf("done: %v", h.did)
		}
	})
}
