package demo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"skift/internal/app"
	"skift/internal/diag"
	"skift/internal/lint"
	"skift/internal/timeline"
)

// What the stager writes is a plan like any other: it reads without problems, nothing in it is worth an error, and nothing of the
// shipped addresses is left.
func TestStagedPlan(t *testing.T) {
	t.Parallel()
	dir, theatre := staged(t)
	p, settings, err := app.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	var problems diag.List
	lint.Check(p, lint.Known{Now: now}, &problems)
	for _, pr := range problems.Sorted() {
		t.Errorf("lint: %s %s", pr.Pos, pr.Message)
	}
	if settings.SMTP == nil || settings.Budget.SSHGap != 0 {
		t.Errorf("settings: %+v", settings)
	}
	if p.Zone != time.UTC {
		t.Errorf("zone %v", p.Zone)
	}
	tl := timeline.At(p, nil, now)
	for _, id := range []string{"frozen-zone-1", "acceptance-test", "cutover"} {
		if left := tl.Milestone(id).Start.At.Sub(now); left < 0 || left > 30*time.Second {
			t.Errorf("%s begins in %v", id, left)
		}
	}
	for _, rb := range p.Runbooks {
		for _, s := range rb.Steps {
			if s.Takes > 2*time.Minute {
				t.Errorf("%s/%s takes %v", rb.ID, s.ID, s.Takes)
			}
		}
	}
	for _, name := range []string{"plan.yaml", "flows.csv", "skift.yaml"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, net := range []string{"192.0.2.", "198.51.100.", "203.0.113."} {
			if strings.Contains(string(data), net) {
				t.Errorf("%s still names %s", name, net)
			}
		}
	}
	for name, mode := range map[string]os.FileMode{"keys/id_ed25519": 0o600, "keys/smtp-password": 0o600, toolSwitch: 0o755, toolCompare: 0o755} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v (%v)", name, st.Mode(), err)
		}
	}
	if theatre.missing.Source.String() != "192.0.2.101" {
		t.Errorf("the flow left out sends from %s", theatre.missing.Source)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	_, p, err := shippedPlan()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	c, err := newClock(p, begin, 1, anchors())
	if err != nil {
		t.Fatal(err)
	}
	day := func(s string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", s, p.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for was, second := range map[string]float64{
		"2019-05-31 00:00": 2 - 24*3600, "2019-06-01 00:00": 2, "2019-06-16 00:00": 3, "2019-07-01 00:00": 4, "2019-09-01 00:00": 6,
		"2019-11-08 00:00": 20, "2019-11-09 00:00": 28, "2019-11-10 18:00": 300, "2019-12-06 00:00": 1200, "2019-12-07 00:00": 1200 + 24*3600,
	} {
		if got := c.at(day(was)).Sub(begin).Seconds(); got != second {
			t.Errorf("%s comes after %g seconds, want %g", was, got, second)
		}
	}
	last := time.Time{}
	for at := day("2019-05-01 00:00"); at.Before(day("2020-03-01 00:00")); at = at.Add(7 * time.Hour) {
		is := c.at(at)
		if is.Before(last) || is.Nanosecond() != 0 {
			t.Fatalf("%s comes at %s, after %s", at, is, last)
		}
		last = is
	}
	if _, err := newClock(p, begin, 1, []anchor{{milestone: "first-release", edge: timeline.Begin, second: 1}}); err == nil {
		t.Error("a milestone without a date anchors the clock")
	}
	turned := []anchor{{milestone: "cutover", edge: timeline.Begin, second: 1}, {milestone: "acceptance-test", edge: timeline.Begin, second: 2}}
	if _, err := newClock(p, begin, 1, turned); err == nil {
		t.Error("the clock runs backwards")
	}
	if got := c.takes(12 * time.Hour); got != 8*time.Second {
		t.Errorf("half a day takes %v", got)
	}
	for prepared, want := range map[time.Duration]float64{0: 1, 650 * time.Millisecond: 1, 975 * time.Millisecond: 1.5, 1950 * time.Millisecond: 3, time.Minute: 3} {
		if got := pace(prepared); got != want {
			t.Errorf("prepared in %v: pace %g, want %g", prepared, got, want)
		}
	}
}
