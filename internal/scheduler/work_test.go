package scheduler_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"skift/internal/plan"
	"skift/internal/register"
)

// TestAJobThatComesAgain: twice at once, and again when it is over. The suite is asked once, the milestone begins once.
func TestAJobThatComesAgain(t *testing.T) {
	t.Parallel()
	bubble(t, every30+"milestones:\n  m: {kind: point, date: \"2000-01-01 00:10\"}\n", func(t *testing.T, p *plan.Plan, h *hand) {
		h.takes = time.Minute
		h.comes = func(jobs []register.Job) []register.Job { return append(jobs, jobs...) }
		proc := h.run(t, p)
		time.Sleep(32 * time.Minute)
		h.d.carry([]register.Job{{Schedule: "suite/s", At: epoch.Add(30 * time.Minute)}, {Schedule: "milestone/m", At: epoch.Add(10 * time.Minute)}})
		time.Sleep(time.Minute)
		proc.stop()
		same(t, "did", []string{"01-01 00:10:00 enter m", "01-01 00:30:00 sweep s 00:30"}, h.did)
		same(t, "suite", []string{"01-01 00:30:00 done"}, h.d.rows("suite/s"))
	})
}

// TestALostJob: what nobody has begun after a minute is handed over again, with the claim it has.
func TestALostJob(t *testing.T) {
	t.Parallel()
	bubble(t, every30+"milestones:\n  m: {kind: point, date: \"2000-01-01 00:10\"}\n", func(t *testing.T, p *plan.Plan, h *hand) {
		lost := map[string]bool{}
		h.comes = func(jobs []register.Job) []register.Job {
			return slices.DeleteFunc(slices.Clone(jobs), func(j register.Job) bool {
				first := !lost[j.Schedule]
				lost[j.Schedule] = true
				return first
			})
		}
		proc := h.run(t, p)
		time.Sleep(40 * time.Minute)
		proc.stop()
		same(t, "suite", []string{"01-01 00:30:00 done"}, h.d.rows("suite/s"))
		same(t, "milestone", []string{"01-01 00:10:00 done"}, h.d.rows("milestone/m"))
		if len(h.did) != 2 || !strings.HasPrefix(h.did[0], "01-01 00:11:") || !strings.HasPrefix(h.did[1], "01-01 00:31:") {
			t.Errorf("did %v", h.did)
		}
	})
}

// TestAJobOfAnotherProcess: a slot that is claimed and not by us ends as failed; it is not asked, for nobody knows how far the other one came.
func TestAJobOfAnotherProcess(t *testing.T) {
	t.Parallel()
	bubble(t, every30, func(t *testing.T, p *plan.Plan, h *hand) {
		proc := h.run(t, p)
		time.Sleep(time.Minute)
		at := epoch.Add(-30 * time.Minute)
		if err := h.d.Commit(t.Context(), register.Batch{Slots: []register.Slot{{Schedule: "suite/s", At: at, State: register.SlotClaimed}}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		proc.stop()
		same(t, "suite", []string{"12-31 23:30:00 failed"}, h.d.rows("suite/s"))
		same(t, "did", []string(nil), h.did)
	})
}

// TestAMilestoneThatCannotBegin is tried again, and nothing else waits for it for ever.
func TestAMilestoneThatCannotBegin(t *testing.T) {
	t.Parallel()
	bubble(t, every30+"milestones:\n  m: {kind: point, date: \"2000-01-01 00:30\"}\n", func(t *testing.T, p *plan.Plan, h *hand) {
		tries := 0
		var once sync.Once
		h.stall = func(what string) {
			if what == "enter m" {
				once.Do(func() { time.Sleep(25 * time.Second) }) // longer than the loop waits
			}
		}
		h.fail = func(what string) error {
			if what != "enter m" {
				return nil
			}
			if tries++; tries < 3 {
				return errors.New("held")
			}
			return nil
		}
		proc := h.run(t, p)
		time.Sleep(35 * time.Minute)
		proc.stop()
		same(t, "milestone", []string{"01-01 00:30:00 done"}, h.d.rows("milestone/m"))
		same(t, "suite", []string{"01-01 00:30:00 done"}, h.d.rows("suite/s"))
		if tries != 3 {
			t.Errorf("tried %d times", tries)
		}
	})
}
