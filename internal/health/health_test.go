package health_test

import (
	"testing"
	"time"

	"skift/internal/health"
)

// TestJudge: each trouble by itself, at its bound and just beyond it.
func TestJudge(t *testing.T) {
	t.Parallel()
	now := time.Date(2019, 11, 9, 2, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	well := health.Seen{SchedulerAt: ago(30 * time.Second), OutboxAt: ago(time.Minute), DiskFree: 1 << 30, LastEventAt: ago(time.Hour)}
	for _, tt := range []struct {
		name    string
		change  func(s *health.Seen)
		want    health.Cause // "" = well
		restart bool
	}{
		{"well", func(*health.Seen) {}, "", false},
		{"no loops", func(s *health.Seen) { *s = health.Seen{DiskFree: -1} }, "", false},
		{"cannot be written", func(s *health.Seen) { s.Broken = "disk full" }, health.Journal, false},
		{"not answered", func(s *health.Seen) { s.Silent, s.DiskFree = true, 0 }, health.Stuck, true},
		{"scheduler at its bound", func(s *health.Seen) { s.SchedulerAt = ago(health.SchedulerBound) }, "", false},
		{"scheduler beyond it", func(s *health.Seen) { s.SchedulerAt = ago(health.SchedulerBound + 1) }, health.Scheduler, true},
		{"a slot at its bound", func(s *health.Seen) { s.Overdue = health.Overdue{"suite/s", ago(health.SlotBound)} }, "", false},
		{"a slot beyond it", func(s *health.Seen) { s.Overdue = health.Overdue{"suite/s", ago(health.SlotBound + 1)} }, health.Slots, false},
		{"outbox at its bound", func(s *health.Seen) { s.OutboxAt = ago(health.OutboxBound) }, "", false},
		{"outbox at rest", func(s *health.Seen) { s.OutboxAt = now.Add(30 * time.Minute) }, "", false},
		{"outbox beyond it", func(s *health.Seen) { s.OutboxAt = ago(health.OutboxBound + 1) }, health.Outbox, true},
		{"a sweep with gaps", func(s *health.Seen) { s.Sweep = health.Advance{"s", ago(health.SweepBound + time.Minute), time.Minute} }, "", false},
		{"a sweep that is stuck", func(s *health.Seen) { s.Sweep = health.Advance{"s", ago(health.SweepBound + time.Minute), time.Second} }, health.Sweep, true},
		{"room enough", func(s *health.Seen) { s.DiskFree = health.DiskBound }, "", false},
		{"hardly room", func(s *health.Seen) { s.DiskFree = health.DiskBound - 1 }, health.Disk, false},
		{"room not known", func(s *health.Seen) { s.DiskFree = -1 }, "", false},
		{"a clock slightly behind", func(s *health.Seen) { s.LastEventAt = now.Add(health.ClockBound) }, "", false},
		{"a clock set back", func(s *health.Seen) { s.LastEventAt = now.Add(health.ClockBound + 1) }, health.Clock, false},
	} {
		s := well
		tt.change(&s)
		got := health.Judge(s, now)
		if tt.want == "" {
			if len(got) != 0 {
				t.Errorf("%s: %v", tt.name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Code != tt.want || got[0].Restart != tt.restart || got[0].Text == "" || health.RestartHelps(got) != tt.restart {
			t.Errorf("%s: %v, want %s (restart %v)", tt.name, got, tt.want, tt.restart)
		}
	}
	all := health.Judge(health.Seen{Broken: "x", SchedulerAt: ago(time.Hour), OutboxAt: ago(time.Hour), Overdue: health.Overdue{"s", ago(time.Hour)},
		Sweep: health.Advance{"s", ago(time.Hour), 0}, LastEventAt: now.Add(time.Hour)}, now)
	if len(all) != len(health.Causes())-1 { // all but stuck, with which nothing else is known
		t.Errorf("all at once: %v", all)
	}
}
