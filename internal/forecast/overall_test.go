package forecast_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"skift/internal/forecast"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
)

const overallPlan = `plan: p
title: T
timezone: UTC
parties: {c: {role: customer}}
seats: {c/chair: {}}
environments: {prod: {production: true}}
gates:
  test-ok: {asks: Tested?, decides: c/chair}
  trial-ok: {asks: Tried?, decides: c/chair, criteria: [{milestone: watch}]}
milestones:
  zone: {kind: zone, from: 2026-01-01, until: trial.passed, allow: [fix]}
  test: {kind: phase, from: 2026-01-01, until: 2026-01-31, exit: test-ok}
  move: {kind: phase, from: test.passed + 1d, until: 2026-03-10}
  watch: {kind: phase, from: 2026-03-11, until: 2026-03-20, exit: trial-ok}
  trial: {kind: phase, from: 2026-03-01, until: 2026-03-31, exit: trial-ok}
  release: {kind: release, date: unset, change: fix}
`

// The end of the overall plan hangs on what pushes it, and what has time may take it.
func TestOverallForecast(t *testing.T) {
	t.Parallel()
	p, problems := plan.Load(fstest.MapFS{plan.File: {Data: []byte(overallPlan)}})
	if problems.Errors() > 0 {
		t.Fatal(problems.Sorted())
	}
	day := func(text string) time.Time {
		at, err := time.Parse("2006-01-02", text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	facts := func(set map[string]register.MilestoneFacts) *register.Facts {
		f := &register.Facts{AdoptedAt: day("2025-12-01"), Milestones: map[string]*register.MilestoneFacts{}}
		for id, m := range set {
			f.Milestones[id] = &m
		}
		return f
	}
	for _, c := range []struct {
		name, now string
		facts     map[string]register.MilestoneFacts
		path, end string
		slack     map[string]int // days
	}{
		{"as planned", "2025-12-15", nil, "trial", "2026-04-01", map[string]int{"watch": 11, "test": 21, "trial": 0}},
		{"watch takes longer than the trial it is asked for", "2026-05-01",
			map[string]register.MilestoneFacts{"test": {StartedAt: day("2026-01-01"), PassedAt: day("2026-01-31")}, "move": {StartedAt: day("2026-02-01")},
				"watch": {StartedAt: day("2026-03-11")}, "trial": {StartedAt: day("2026-03-01")}},
			"watch trial", "2026-05-01", map[string]int{"watch": 0, "trial": 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := forecast.Overall(timeline.At(p, facts(c.facts), day(c.now)))
			if got := strings.Join(f.Path, " "); got != c.path {
				t.Errorf("path %s, want %s", got, c.path)
			}
			if got := f.End.Format("2006-01-02"); got != c.end {
				t.Errorf("end %s, want %s", got, c.end)
			}
			for id, days := range c.slack {
				if st, ok := f.Step(id); !ok || int(st.Slack/(24*time.Hour)) != days {
					t.Errorf("%s has %s slack, want %d days", id, st.Slack, days)
				}
			}
			if _, zone := f.Step("zone"); zone {
				t.Error("a zone takes time")
			}
			if len(f.Unestimated) != 1 || f.Unestimated[0] != "release" {
				t.Errorf("without a date: %v", f.Unestimated)
			}
		})
	}
}

// A milestone that waits for one that is late begins and ends later by as much, and the path says so.
func TestOverallIsPushed(t *testing.T) {
	t.Parallel()
	src := strings.Replace(overallPlan, "until: 2026-03-10}", "until: test.end + 80d}", 1)
	p, problems := plan.Load(fstest.MapFS{plan.File: {Data: []byte(src)}})
	if problems.Errors() > 0 {
		t.Fatal(problems.Sorted())
	}
	started := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	facts := &register.Facts{AdoptedAt: started, Milestones: map[string]*register.MilestoneFacts{"test": {StartedAt: started}}}
	before := forecast.Overall(timeline.At(p, facts, started))
	after := forecast.Overall(timeline.At(p, facts, started.AddDate(0, 2, 0)))
	if got := strings.Join(after.Path, " "); got != "test move" {
		t.Errorf("path %s, want test move", got)
	}
	if !after.End.After(before.End) {
		t.Errorf("it ends %s, before it was late %s", after.End, before.End)
	}
	for _, id := range []string{"test", "move"} {
		if st, _ := after.Step(id); !st.Critical {
			t.Errorf("%s is not critical: %+v", id, st)
		}
	}
}
