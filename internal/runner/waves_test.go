package runner_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/internal/snapshot"
)

// TestWaves: each wave has a run of its own of the runbook they share, also while the one before is not done; its end passes the
// milestone of that wave and of no other, and whoever has to do something is told for which wave.
func TestWaves(t *testing.T) {
	t.Parallel()
	yaml := strings.Replace(base, "ibm: {role: new-supplier}}", "ibm: {role: new-supplier}, towns: {role: user, members: towns.csv}}", 1) +
		"waves: {party: towns, table: waves.csv, milestones: {course: {kind: phase, title: Course, from: {column: from}, until: {column: until}, runbook: teach}}}\n"
	p, problems := plan.Load(fstest.MapFS{"plan.yaml": {Data: []byte(yaml)}, "shifts.csv": {Data: []byte(shifts)}, "contacts.csv": {Data: []byte(contacts)},
		"runbooks/weekend.yaml": {Data: []byte(defaultWeekend)},
		"runbooks/teach.yaml":   {Data: []byte("runbook: teach\ntitle: Teach\nsteps:\n  hold: {owner: ibm/operator, manual: Hold it}\n")},
		"towns.csv":             {Data: []byte("id,name,wave\nt-1,One,w-1\nt-2,Two,w-2\n")},
		"waves.csv":             {Data: []byte("wave,name,from,until\nw-1,First wave,2000-01-02,2000-01-20\nw-2,Second wave,2000-01-03,2000-01-20\n")}})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p)
		w.start()
		begin := func(wave string, day int) string {
			at := time.Date(2000, 1, day, 0, 0, 0, 0, time.UTC)
			slot := register.Slot{Schedule: "milestone/" + wave + "-course", At: at, State: register.SlotDone, ClaimedAt: at, FinishedAt: at}
			return w.do(runner.Command{Do: runner.DoStart, Runbook: "teach", Milestone: wave + "-course", Slot: &slot}).Run
		}
		until(2, 0)
		first := begin("w-1", 2)
		until(3, 0)
		second := begin("w-2", 3)
		if first == second {
			t.Fatalf("both waves have the run %s", first)
		}
		var titles []string
		w.facts(func(f *ledger.Facts) {
			for _, r := range snapshot.Build(snapshot.In{Plan: p, Runs: &f.Runs, Register: &f.Register, Now: time.Now()}).Runs {
				titles = append(titles, r.Wave+" "+r.Title.In("en"))
			}
		})
		if got := strings.Join(titles, ", "); got != "w-2 Second wave: Teach, w-1 First wave: Teach" {
			t.Errorf("the runs are shown as %s", got)
		}
		w.say(second, "hold", "done", "ibm/operator")
		w.wantRun(second, run.RunDone)
		w.wantRun(first, run.RunRunning)
		w.facts(func(f *ledger.Facts) {
			if !f.Register.Milestone("w-1-course").PassedAt.IsZero() || f.Register.Milestone("w-2-course").PassedAt.IsZero() {
				t.Error("the end of one wave's run passed the course of the other")
			}
		})
		w.end()
	})
}
