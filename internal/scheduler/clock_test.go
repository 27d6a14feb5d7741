package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	"skift/internal/plan"
	"skift/internal/register"
)

// A bubble's clock cannot be set. A process that finds slots of a time to come stands where one stands whose clock was set back.
func (h *hand) took(schedule string, every time.Duration, until time.Time) {
	for at := epoch.Add(every); !at.After(until); at = at.Add(every) {
		h.d.put(register.Slot{Schedule: schedule, At: at, State: register.SlotDone, ClaimedAt: at, FinishedAt: at})
	}
}

// TestClockSetBack: nothing that has its slot is done twice, and yet no suite is left unasked until the clock has caught up.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	rest := every30 + "audiences:\n  a: {to: [kombit/chair], report: weekly, cron: \"0 * * * *\"}\n"
	bubble(t, rest, func(t *testing.T, p *plan.Plan, h *hand) {
		h.took("suite/s", 30*time.Minute, epoch.Add(5*time.Hour))
		h.took("report/a", time.Hour, epoch.Add(5*time.Hour))
		proc := h.run(t, p)
		time.Sleep(3*time.Hour + time.Minute)
		proc.stop()
		if len(h.did) != 6 {
			t.Errorf("in three hours it was asked %d times, want 6: %v", len(h.did), h.did)
		}
		for i, did := range h.did {
			at := epoch.Add(time.Duration(i+1) * 30 * time.Minute)
			if want := fmt.Sprintf("%s sweep s %s", at.Format("01-02 15:04:05"), at.Format("15:04")); did != want {
				t.Errorf("did %q, want %q", did, want)
			}
		}
		h.did = nil
		proc = h.run(t, p) // and over a restart, until it has caught up and beyond
		time.Sleep(4 * time.Hour)
		proc.stop()
		sweeps, reports := 0, 0
		for _, did := range h.did {
			if len(did) > 15 && did[15:] == "report a" {
				reports++
			} else {
				sweeps++
			}
		}
		if sweeps != 7 || reports != 2 { // at 05:00 the clock has caught up with the last slot that was taken; the reports are those of 06:00 and 07:00
			t.Errorf("%d sweeps and %d reports in four hours, want 7 and 2: %v", sweeps, reports, h.did)
		}
		if rows := h.d.rows("report/a"); len(rows) != 7 {
			t.Errorf("reports %v", rows)
		}
	})
}

// TestClockSetAhead: what became due in the time that never was is worked as after a long time away: once.
func TestClockSetAhead(t *testing.T) {
	t.Parallel()
	rest := every30 + "audiences:\n  a: {to: [kombit/chair], report: weekly, cron: \"0 * * * *\"}\n"
	bubble(t, rest, func(t *testing.T, p *plan.Plan, h *hand) {
		h.took("suite/s", 30*time.Minute, epoch.Add(30*time.Minute))
		time.Sleep(5*time.Hour + 10*time.Minute)
		proc := h.run(t, p)
		time.Sleep(time.Minute)
		proc.stop()
		same(t, "done", []string{"01-01 05:10:00 report a", "01-01 05:10:00 sweep s 05:00"}, sorted(h.did))
	})
}
