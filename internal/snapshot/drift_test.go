package snapshot

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/run"
)

// took is a step that was done in so many minutes.
func took(id string, minutes int, change func(*Step)) Step {
	at := time.Date(2019, 11, 9, 2, 0, 0, 0, time.UTC)
	s := Step{ID: id, State: run.Done, Attempt: 1, Takes: 20 * time.Minute, AskedAt: at, FinishedAt: at.Add(time.Duration(minutes) * time.Minute)}
	if change != nil {
		change(&s)
	}
	return s
}

// TestDrift: what is measured twice is compared with itself, what is measured once with the plan, what was simulated with nothing.
func TestDrift(t *testing.T) {
	t.Parallel()
	m := func(n int) *time.Duration { return length(time.Duration(n) * time.Minute) }
	simulated := func(s *Step) { s.Simulated = true }
	first := Run{ID: "w-1", Rehearsal: true, State: run.RunDone, StartedAt: time.Unix(0, 0), EndedAt: time.Unix(600, 0), Steps: []Step{
		took("both", 10, nil), took("simulated", 1, simulated), took("gone", 25, nil), took("unplanned", 5, func(s *Step) { s.Takes = 0 })}}
	second := Run{ID: "w-2", State: run.RunDone, StartedAt: time.Unix(0, 0), EndedAt: time.Unix(900, 0), Steps: []Step{
		took("both", 30, func(s *Step) { s.Attempt = 2 }), took("simulated", 15, nil), took("failed", 30, func(s *Step) { s.State = run.Failed }),
		took("unplanned", 0, func(s *Step) { s.State, s.Takes = run.Skipped, 0 }), took("new", 20, nil)}}
	want := map[string]*time.Duration{"both": m(20), "simulated": m(-5), "gone": m(5), "failed": nil, "unplanned": nil, "new": m(0)}
	d := DriftOf(first, second)
	got := map[string]*time.Duration{}
	for _, x := range d.Steps {
		got[x.ID] = x.Drift
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if *d.Drift != 5*time.Minute || d.First.Proves || !d.Second.Proves || d.Steps[0].Second.Attempts != 2 || !d.Steps[len(d.Steps)-1].Second.Missing {
		t.Errorf("%+v", d)
	}
	second.Speed = 60
	for _, x := range DriftOf(first, second).Steps {
		if x.ID == "new" && x.Drift != nil {
			t.Error("a speeded run taught something")
		}
	}
}
