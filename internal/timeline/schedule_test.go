package timeline_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"

	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
)

func TestParseCronRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ expr, want string }{
		{"", "empty"},
		{"TZ=0", "time zone"},
		{"CRON_TZ=Europe/Copenhagen", "time zone"}, // the library panics on this
		{"TZ=UTC 0 8 * * *", "time zone"},
		{"  tz=UTC 0 8 * * *", "time zone"},
		{"0 8 * *", "4 fields"},
		{"0 0 8 * * *", "6 fields"},
		{"60 * * * *", "60"},
		{"0 24 * * *", "24"},
		{"0 8 * * 7", "7"},
		{"0 8 * * MONDAY", "MONDAY"},
		{"*-5 * * * *", "minute"}, // the library reads it as *
		{",5 * * * *", "minute"},  // and this as 5
		{"0 8 , * *", "day of the month"},
		{"*/90 * * * *", "step"}, // and this as once an hour
		{"*/0 * * * *", "step"},
		{"0 */-1 * * *", "step"},
		{"0 0 30 2 *", "never comes"},
		{"0 0 31 4,6 *", "never comes"},
		{"0 0 13 * FRI", "either"},
		{"0 0 */2 * MON", "either"},
		{"@every 0s", "too often"},
		{"@every -5m", "too often"},
		{"@every 9s", "too often"},
		{"@every 10500ms", "whole number"},
		{"@every soon", "no length"},
		{"@every", "unrecognized"},
		{"@reboot", "unrecognized"},
		{"99999999999999999999 * * * *", "99999"},
		{"0\x00 8 * * *", "0\\x00"},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			t.Parallel()
			s, err := timeline.ParseCron(tt.expr, copenhagen(t))
			var problem *timeline.ScheduleError
			if !errors.As(err, &problem) {
				t.Fatalf("read as %v, error %v", s, err)
			}
			if !strings.Contains(problem.Problem, tt.want) || problem.Hint == "" {
				t.Errorf("problem %q, hint %q; want one with %q", problem.Problem, problem.Hint, tt.want)
			}
		})
	}
}

func FuzzParseCron(f *testing.F) {
	for _, s := range []string{"0 8 * * MON", "*/15 8-16 1,15 * *", "@daily", "@every 30m", "CRON_TZ=x", "TZ=0", "0 0 30 2 *", "? ? ? ? ?"} {
		f.Add(s)
	}
	now := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, expr string) {
		s, err := timeline.ParseCron(expr, time.UTC)
		if err != nil {
			return
		}
		next := s.Next(now)
		if !next.IsZero() && !next.After(now) {
			t.Errorf("%q: after %v comes %v", expr, now, next)
		}
		if again := s.Next(next); !next.IsZero() && !again.IsZero() && again.Sub(next) < timeline.MinInterval {
			t.Errorf("%q: %v and %v are too close", expr, next, again)
		}
	})
}

func TestEvery(t *testing.T) {
	t.Parallel()
	s, err := timeline.Every(30 * time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	from := at(t, "2026-10-24 23:50")
	got := timeline.Due(s, from, from.Add(6*time.Hour))
	if len(got) != 12 || !got[0].Equal(from.Add(10*time.Minute)) {
		t.Errorf("%d slots, first %v", len(got), got)
	}
	if again := timeline.Due(s, got[0], got[0]); len(again) != 0 {
		t.Errorf("(t, t] has slots: %v", again)
	}
	if again := timeline.Due(s, got[0].Add(-time.Nanosecond), got[0]); len(again) != 1 {
		t.Errorf("(t-1ns, t] has %d slots", len(again))
	}
}

// pattern is a schedule with its meaning written out by hand, so that the test does not ask the code under test.
type pattern struct {
	expr     string
	interval bool // names every hour, or a step of all
	matches  func(l time.Time) bool
}

var patterns = []pattern{
	{"30 2 * * *", false, func(l time.Time) bool { return l.Hour() == 2 && l.Minute() == 30 }},
	{"0 2 * * *", false, func(l time.Time) bool { return l.Hour() == 2 && l.Minute() == 0 }},
	{"15 6 * * *", false, func(l time.Time) bool { return l.Hour() == 6 && l.Minute() == 15 }},
	{"@daily", false, func(l time.Time) bool { return l.Hour() == 0 && l.Minute() == 0 }},
	{"59 1 * * *", false, func(l time.Time) bool { return l.Hour() == 1 && l.Minute() == 59 }},
	{"0 3 * * SUN", false, func(l time.Time) bool { return l.Weekday() == time.Sunday && l.Hour() == 3 && l.Minute() == 0 }},
	{"*/20 1-3 * * *", false, func(l time.Time) bool { return l.Hour() >= 1 && l.Hour() <= 3 && l.Minute()%20 == 0 }},
	{"0 */2 * * *", true, func(l time.Time) bool { return l.UTC().Hour()%2 == 0 && l.Minute() == 0 }},
	{"30 */2 * * *", true, func(l time.Time) bool { return l.UTC().Hour()%2 == 0 && l.Minute() == 30 }},
	{"30 */6 * * SUN", true, func(l time.Time) bool { return l.Weekday() == time.Sunday && l.UTC().Hour()%6 == 0 && l.Minute() == 30 }},
	{"*/15 * * * *", true, func(l time.Time) bool { return l.Minute()%15 == 0 }},
	{"5 * * * *", true, func(l time.Time) bool { return l.Minute() == 5 }},
	{"@hourly", true, func(l time.Time) bool { return l.Minute() == 0 }},
	{"10 0-23 * * *", true, func(l time.Time) bool { return l.Minute() == 10 }},
}

// changes lists every clock change in Copenhagen from 2025 to 2035.
func changes(t *testing.T) []time.Time {
	t.Helper()
	var out []time.Time
	zone := copenhagen(t)
	for now := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC); ; {
		_, end := now.In(zone).ZoneBounds()
		if end.Year() > 2035 {
			break
		}
		out = append(out, end.UTC())
		now = end
	}
	if len(out) != 22 {
		t.Fatalf("%d clock changes in eleven years", len(out))
	}
	return out
}

// Around every clock change, every slot of every schedule comes exactly once.
func TestNoSlotTwiceOrNeverAtClockChanges(t *testing.T) {
	t.Parallel()
	zone := copenhagen(t)
	for _, p := range patterns {
		t.Run(p.expr, func(t *testing.T) {
			t.Parallel()
			s, err := timeline.ParseCron(p.expr, zone)
			if err != nil {
				t.Fatal(err)
			}
			for _, change := range changes(t) {
				from, until := change.Add(-30*time.Hour), change.Add(30*time.Hour)
				want := wanted(p, change, from, until)
				if d := cmp.Diff(want, timeline.Due(s, from, until)); d != "" {
					t.Errorf("around %v: %s", change.In(zone), d)
				}
				if d := cmp.Diff(want, piecewise(s, from, until)); d != "" {
					t.Errorf("around %v, asked every 37 minutes: %s", change.In(zone), d)
				}
			}
		})
	}
}

// piecewise asks as a scheduler does: again and again, each time from where it left off.
func piecewise(s cron.Schedule, from, until time.Time) []time.Time {
	var out []time.Time
	for at := from; at.Before(until); {
		next := at.Add(37 * time.Minute)
		if next.After(until) {
			next = until
		}
		out = append(out, timeline.Due(s, at, next)...)
		at = next
	}
	return out
}

// wanted finds the slots minute by minute. A fixed slot that the clocks show twice counts the first time; one they skip counts at the
// change, together with the other skipped ones.
func wanted(p pattern, change, from, until time.Time) []time.Time {
	zone, _ := time.LoadLocation("Europe/Copenhagen")
	seen := map[[3]int]bool{}
	var out []time.Time
	for at := from.Add(time.Minute); !at.After(until); at = at.Add(time.Minute) {
		l := at.In(zone)
		hit := p.matches(l)
		if !p.interval {
			key := [3]int{l.YearDay(), l.Hour(), l.Minute()}
			hit = hit && !seen[key]
			seen[key] = true
			if at.Equal(change) {
				hit = hit || skippedHit(p, change, zone)
			}
		}
		if hit {
			out = append(out, at)
		}
	}
	return out
}

// skippedHit reports whether any reading that the clocks skip at the change is a slot.
func skippedHit(p pattern, change time.Time, zone *time.Location) bool {
	_, before := change.Add(-time.Second).In(zone).Zone()
	_, after := change.In(zone).Zone()
	standing := time.FixedZone("before", before) // what clocks would have shown
	for gap := time.Duration(0); gap < time.Duration(after-before)*time.Second; gap += time.Minute {
		if p.matches(change.Add(gap).In(standing)) {
			return true
		}
	}
	return false
}

// Year ends and leap days are ordinary days.
func TestDueOverYearEndAndLeapDay(t *testing.T) {
	t.Parallel()
	tests := []struct{ expr, from, until, want string }{
		{"15 6 * * *", "2027-12-30 12:00", "2028-01-02 12:00", "2027-12-31 06:15,2028-01-01 06:15,2028-01-02 06:15"},
		{"0 8 29 2 *", "2026-01-01", "2029-01-01", "2028-02-29 08:00"},
		{"0 8 * * MON", "2026-12-20", "2027-01-05", "2026-12-21 08:00,2026-12-28 08:00,2027-01-04 08:00"},
		{"0 0 1 * *", "2026-12-15", "2027-02-15", "2027-01-01 00:00,2027-02-01 00:00"},
	}
	for _, tt := range tests {
		s, err := timeline.ParseCron(tt.expr, copenhagen(t))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for after, until := at(t, tt.from), at(t, tt.until); after.Before(until); after = after.AddDate(0, 1, 0) {
			end := after.AddDate(0, 1, 0)
			if end.After(until) {
				end = until
			}
			for _, slot := range timeline.Due(s, after, end) {
				got = append(got, local(t, slot))
			}
		}
		if strings.Join(got, ",") != tt.want {
			t.Errorf("%s: %v", tt.expr, got)
		}
	}
}

func TestDueIsBounded(t *testing.T) {
	t.Parallel()
	s, err := timeline.Every(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	now := at(t, "2026-06-01")
	got := timeline.Due(s, time.Time{}, now)
	if len(got) != 10_000 || !got[len(got)-1].Equal(now) {
		t.Errorf("%d slots, the last %v", len(got), got[len(got)-1])
	}
}

func TestCatchUp(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-06-01 12:00")
	s, err := timeline.Every(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	due := timeline.Due(s, now.Add(-6*time.Hour), now)
	later := now.Add(2 * time.Hour)
	until := func(end time.Time) func(time.Time) bool { return func(at time.Time) bool { return at.Before(end) } }
	for _, tt := range []struct {
		name   string
		policy plan.OnMissed
		at     time.Time
		valid  func(time.Time) bool
		worked bool
	}{
		{"on time", plan.RunOnce, now, nil, true},
		{"on time, others are skipped", plan.SkipMissed, now, nil, true},
		{"a minute is on time", plan.SkipMissed, now.Add(timeline.OnTime), nil, true},
		{"more is not", plan.SkipMissed, now.Add(timeline.OnTime + 1), nil, false},
		{"late, once", plan.RunOnce, later, nil, true},
		{"late, skipped", plan.SkipMissed, later, nil, false},
		{"late and its period over", plan.RunOnce, later, until(later), false},
		{"late within its period", plan.RunOnce, later, until(later.Add(1)), true},
		{"in time, its period over since", plan.RunOnce, now.Add(time.Second), until(now.Add(time.Millisecond)), true},
	} {
		e := timeline.Entry{Key: "suite/s", Schedule: s, Pace: plan.Pace{OnMissed: tt.policy}}
		work, missed, ok := e.CatchUp(due, tt.at, tt.valid)
		if want := map[bool]int{true: 359, false: 360}[tt.worked]; ok != tt.worked || ok && !work.Equal(now) || len(missed) != want {
			t.Errorf("%s: works %v %v, misses %d", tt.name, work, ok, len(missed))
		}
	}
	if _, _, ok := (timeline.Entry{Schedule: s}).CatchUp(nil, now, nil); ok {
		t.Error("nothing due is worked")
	}
}

func TestSuiteDuring(t *testing.T) {
	t.Parallel()
	p := sample(t)
	p.Suites["readiness"] = &plan.Suite{ID: "readiness", Every: 12 * time.Hour, During: []plan.Period{
		{Milestone: "take-over-day"}, {From: written(t, "cutover.start - 24h"), Until: written(t, "cutover.end")}}}
	p.Suites["hypercare"] = &plan.Suite{ID: "hypercare", Every: 24 * time.Hour, During: []plan.Period{{Milestone: "hypercare"}}}
	p.Suites["sharp"] = &plan.Suite{ID: "sharp", Every: 24 * time.Hour, During: []plan.Period{{From: written(t, "2019-08-01 02:00"), Until: written(t, "2019-08-02 02:00")}}}
	p.Suites["undated"] = &plan.Suite{ID: "undated", Every: time.Hour, During: []plan.Period{{Milestone: "first-release"}}}
	p.Suites["always"] = &plan.Suite{ID: "always", Cron: "0 8 * * MON", Pace: plan.Pace{OnMissed: plan.SkipMissed}}
	p.Suites["by-hand"] = &plan.Suite{ID: "by-hand"}
	p.SuiteIDs = []string{"readiness", "hypercare", "undated", "always", "by-hand"}
	p.Audiences["steering"] = &plan.Audience{ID: "steering", Cron: "0 8 * * MON"}
	p.Audiences["silent"] = &plan.Audience{ID: "silent"}
	p.AudienceIDs = []string{"steering", "silent"}

	slots := func(id string, f map[string]register.MilestoneFacts, from, until string) []string {
		tl := timeline.At(p, facts(at(t, "2019-05-01"), f), at(t, until))
		s, err := tl.Suite(p.Suites[id])
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, slot := range timeline.Due(s, at(t, from), at(t, until)) {
			if !tl.InPeriod(p.Suites[id], slot) {
				t.Errorf("%s: %v is not in a period", id, slot)
			}
			out = append(out, local(t, slot))
		}
		return out
	}
	want := []string{"2019-10-25 02:00", "2019-10-25 14:00", "2019-11-08 01:00", "2019-11-08 13:00", "2019-11-09 01:00", "2019-11-09 13:00", "2019-11-10 01:00", "2019-11-10 13:00"}
	if d := cmp.Diff(want, slots("readiness", map[string]register.MilestoneFacts{"cutover": {StartedAt: at(t, "2019-11-09"), PassedAt: at(t, "2019-11-10 16:00")}}, "2019-06-01", "2019-12-01")); d != "" {
		t.Error(d)
	}
	// A period holds its first instant and not its last.
	if d := cmp.Diff([]string{"2019-08-01 02:00"}, slots("sharp", nil, "2019-06-01", "2019-12-01")); d != "" {
		t.Error(d)
	}
	// The weekend runs late: it is looked at until it is over.
	if got := slots("readiness", nil, "2019-11-10 17:00", "2019-11-11 14:00"); len(got) != 2 {
		t.Errorf("after the planned end of a late weekend: %v", got)
	}
	if got := slots("hypercare", nil, "2019-12-08", "2019-12-10 12:00"); len(got) != 3 {
		t.Errorf("hypercare is late, slots %v", got)
	}
	if got := slots("hypercare", map[string]register.MilestoneFacts{"hypercare": {PassedAt: at(t, "2019-12-08 12:00")}}, "2019-12-08", "2019-12-10 12:00"); len(got) != 1 {
		t.Errorf("hypercare was passed, slots %v", got)
	}
	if got := slots("undated", nil, "2019-06-01", "2020-06-01"); got != nil {
		t.Errorf("without a date: %v", got)
	}

	entries, err := timeline.At(p, nil, at(t, "2019-06-01")).Schedules()
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, e := range entries[:6] {
		keys = append(keys, fmt.Sprint(e.Key, " ", e.OnMissed))
	}
	if d := cmp.Diff([]string{"suite/readiness ", "suite/hypercare ", "suite/undated ", "suite/always skip", "report/steering ", "milestone/clarification run_once"}, keys); d != "" {
		t.Error(d)
	}
	p.Suites["always"].Cron = "TZ=0"
	rest, err := timeline.At(p, nil, at(t, "2019-06-01")).Schedules()
	if err == nil || !strings.Contains(err.Error(), "suite/always") || len(rest) != len(entries)-1 {
		t.Errorf("with a schedule that cannot be read: %d of %d others, error %v", len(rest), len(entries)-1, err)
	}
}
