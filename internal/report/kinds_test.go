package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/words"
)

// A plan can name exactly the reports there are: one more or less would be refused, or fail when it is due.
func TestPlanKnowsEveryKind(t *testing.T) {
	t.Parallel()
	got, want := slices.Sorted(slices.Values(plan.Reports())), slices.Sorted(slices.Values(Kinds()))
	if !slices.Equal(got, want) {
		t.Errorf("plans know the reports %v; there are %v", got, want)
	}
}

// A mail out of a rehearsal says so in its subject; the same report out of the live run does not.
func TestRehearsalIsNamedInTheSubject(t *testing.T) {
	t.Parallel()
	s := snapshot.Snapshot{Plan: snapshot.Plan{ID: "p", Zone: time.UTC}, At: time.Date(2019, 11, 9, 2, 14, 0, 0, time.UTC), Runs: []snapshot.Run{
		{ID: "weekend-1", Environment: "exttest", Rehearsal: true},
		{ID: "weekend-2", Environment: "prod", Production: true},
	}}
	for run, want := range map[string]bool{"weekend-1": true, "weekend-2": false, "": false} {
		r, err := Render("cutover-done", s, Options{Lang: words.En, Run: run})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.HasPrefix(r.Subject, "[REHEARSAL] "); got != want {
			t.Errorf("run %q: subject %q", run, r.Subject)
		}
	}
}
