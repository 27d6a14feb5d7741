package timeline_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/timeline"
)

// TestSlots: what lies ahead is merged by time, each schedule's own slots and no others, also where the clocks change.
func TestSlots(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	var entries []timeline.Entry
	for _, expr := range []string{"30 2 * * *", "@every 30m", "0 8 * * MON"} {
		s, err := timeline.ParseCron(expr, zone)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, timeline.Entry{Key: expr, ID: expr, Schedule: s})
	}
	after := time.Date(2019, 10, 27, 1, 45, 0, 0, zone) // the night in which 02.30 comes twice
	list := timeline.Slots(entries, after, after.Add(3*time.Hour), 100)
	var got []string
	for _, c := range list {
		got = append(got, c.At.In(zone).Format("15:04 MST ")+c.ID)
	}
	want := []string{"02:00 CEST @every 30m", "02:30 CEST 30 2 * * *", "02:30 CEST @every 30m", "02:00 CET @every 30m", "02:30 CET @every 30m", "03:00 CET @every 30m", "03:30 CET @every 30m"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if list := timeline.Slots(entries, after, time.Time{}, 5); len(list) != 5 {
		t.Errorf("%d of 5", len(list))
	}
	week := timeline.Slots(entries, after, after.AddDate(0, 0, 7), 10_000)
	for i, c := range week {
		if i > 0 && c.At.Before(week[i-1].At) || !c.At.After(after) || c.Schedule.Next(c.At.Add(-time.Nanosecond)) != c.At {
			t.Errorf("slot %d, %s of %s", i, c.At, c.ID)
		}
	}
	if want := 7*48 + 2 + 7 + 1; len(week) != want { // the week has an hour more
		t.Errorf("%d slots in a week, want %d", len(week), want)
	}
}
