package timeline_test

import (
	"testing"
	"time"

	"skift/internal/plan"
	"skift/internal/timeline"
)

// TestKept: a phase that passes before its last local day is early, on it on time, after it late; one that only the clock passes is neither.
func TestKept(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour int) time.Time { return time.Date(2019, 12, day, hour, 0, 0, 0, zone) }
	for _, c := range []struct {
		passed, end time.Time
		want        timeline.Punctuality
	}{
		{at(4, 23), at(6, 0), timeline.KeptEarly}, // until the end of the fifth
		{at(5, 0), at(6, 0), timeline.KeptTo},
		{at(5, 23), at(6, 0), timeline.KeptTo},
		{at(6, 0), at(6, 0), timeline.KeptLate},
		{at(5, 23), at(6, 18), timeline.KeptEarly}, // until six in the evening
		{at(6, 17), at(6, 18), timeline.KeptTo},
		{time.Time{}, at(6, 0), ""},
		{at(6, 0), time.Time{}, ""},
	} {
		m := timeline.Milestone{Milestone: &plan.Milestone{}, PassedAt: c.passed, End: timeline.Instant{At: c.end, Latest: c.end}}
		if got := m.Kept(timeline.NewCalendar(zone, "")); got != c.want {
			t.Errorf("passed %s, to end by %s: %q, want %q", c.passed, c.end, got, c.want)
		}
	}
}
