package matrix_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/matrix"
	"skift/internal/register"
)

// What was asked before a pause is not known to hold while it lasts, however fresh; what a party brought keeps its age; and a unit that
// was left out during a pause that is over is to be asked again.
func TestAnswersFromBeforeAPause(t *testing.T) {
	t.Parallel()
	s := scope(testPlan(), "cert")
	s.Plan.Platforms["old"].Party = "olde"
	stored := answers(s, nil)
	const passes = "cert  before ready  | old pass/ok | new pass/ok | new pass/ok\n"
	if got := lines(s.Compare(stored)); got != passes {
		t.Fatal(got)
	}
	at := now.Add(-time.Minute)
	s.Facts = &register.Facts{Paused: map[string]register.Pause{"olde": {At: at}}}
	m := s.Compare(stored)
	if d := cmp.Diff("cert  before not-observed old | old unverified/skipped paused | new pass/ok | new pass/ok\n", lines(m)); d != "" {
		t.Error(d)
	}
	w := m.Why(m.Pairs[0]).Sides[0]
	if w.Sentence() != "paused" || w.PausedFor != "olde" || !w.PausedAt.Equal(at) || w.LastCode != checks.OK {
		t.Errorf("%+v", w)
	}
	brought := answers(s, nil)
	for i := range brought {
		brought[i].Brought = checks.Brought{By: checks.ByProbe, Party: "k101"}
	}
	if got := lines(s.Compare(brought)); got != passes {
		t.Error("brought: ", got)
	}
	for i := range brought {
		brought[i].Until = now.Add(-24 * time.Hour)
	}
	if w := s.Compare(brought); w.Pairs[0].Old.Answers[0].Reason != matrix.TooOld {
		t.Errorf("brought long ago: %+v", w.Pairs[0].Old.Answers[0].Reason)
	}

	left := answers(s, func(u matrix.Unit, r *checks.Result) bool {
		if u.Side == checks.Old {
			*r = matrix.Paused(u.Ask(), "olde")
			r.StartedAt = at
		}
		return true
	})
	s.Facts = &register.Facts{}
	if got := lines(s.Compare(stored)); got != passes {
		t.Error("over: ", got)
	}
	m = s.Compare(left)
	if w := m.Why(m.Pairs[0]).Sides[0]; w.Sentence() != "was-paused" || w.Verdict != checks.Unverified {
		t.Errorf("left out, and over: %s %+v", w.Sentence(), w)
	}
}
