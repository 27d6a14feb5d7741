package runner_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/forecast"
	"skift/internal/gate"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/internal/snapshot"
)

// nestedBooks is the split cut-over with its dates and its gate in a runbook inside, and a second gate late in the weekend.
var nestedBooks = map[string]string{
	"weekend": `runbook: weekend
window: cutover
back_out: back
steps:
  in: {runbook: inner}
  turn: {needs: [in], owner: ibm/operator, command: [./turn], switches: ["*"]}
  prove: {needs: [turn], owner: ibm/operator, manual: Prove}
  open: {needs: [prove], owner: ibm/operator, manual: Open, point_of_no_return: true}
`,
	"inner": "  stop: {after_gate: go, not_before: cutover.start + 1h, not_after: cutover.end - 20h, owner: sse/operator, manual: Stop}\n",
	"back":  "  unturn: {owner: ibm/operator, command: [./unturn], undoes: turn}\n  start: {needs: [unturn], not_before: cutover.start + 3h, owner: sse/operator, manual: Start}\n",
}

// TestTwoWeekendsInside: dates and gates of a runbook inside are those of the weekend that the whole is for, and so are those of its back-out.
func TestTwoWeekendsInside(t *testing.T) {
	t.Parallel()
	tell(t, split, nestedBooks, func(w *world) {
		until(2, 0)
		if j := w.judge("go"); j.State != gate.Open {
			t.Errorf("a day before the first weekend the gate is %s", j.State)
		}
		w.goFor("gateway")
		until(3, 0)
		first := w.begin("weekend")
		w.wantSteps("inner-1", "stop", "waiting")
		until(3, 1)
		w.say("inner-1", "stop", "done", sse)
		w.say(first, "prove", "done", ibm)
		w.say(first, "open", "done", ibm)
		w.wantRun(first, run.RunDone)
		w.wantPhases("fallback", "before")
		until(5, 0)
		if j := w.judge("go"); j.State != gate.Open || j.Round != 2 || !j.DecideBy.Equal(time.Date(2000, 1, 5, 20, 0, 0, 0, time.UTC)) {
			t.Errorf("before the second weekend: %s in round %d, to be decided by %s", j.State, j.Round, j.DecideBy)
		}
		w.goFor()
		until(6, 0)
		second := w.begin("weekend")
		w.wantSteps("inner-2", "stop", "waiting") // the first weekend's hour is long over
		until(6, 1)
		w.wantSteps("inner-2", "stop", "waiting-for-person") // and so is the end before which it had to begin
		w.say("inner-2", "stop", "done", sse)
		w.wantPhases("fallback", "fallback")
		back := w.begin("back", chaired)
		w.wantSteps(back, "unturn", "done", "start", "waiting") // its own weekend's third hour
		until(6, 3)
		w.say(back, "start", "done", sse)
		w.wantRun(second, run.RunBacked)
		w.wantPhases("fallback", "before")
	})
}

// TestNotAfterInTheSecondWeekend: begun too late for its own weekend, a step is held, and says until when it might have begun.
func TestNotAfterInTheSecondWeekend(t *testing.T) {
	t.Parallel()
	tell(t, split, nestedBooks, func(w *world) {
		until(5, 1)
		w.goFor()
		until(6, 6)
		id := w.begin("weekend")
		w.wantSteps("inner-1", "stop", "held")
		if why := w.stepFacts("inner-1", "stop").Reason; why != "stop may not begin after 2000-01-06 04:00 UTC (not_after: cutover.end - 20h)" {
			t.Errorf("held because %q", why)
		}
		w.wantRun(id, run.RunRunning)
		w.say("inner-1", "stop", "release", sse) // a person may say otherwise
		w.wantSteps("inner-1", "stop", "waiting-for-person")
	})
}

// TestSecondWeekendIsMeasured: the gauge and the gates of the second weekend are measured against its own window, before it begins and while
// it runs; a deadline is extended as far as that leaves time.
func TestSecondWeekendIsMeasured(t *testing.T) {
	t.Parallel()
	books := map[string]string{"weekend": strings.Replace(splitBooks["weekend"], "manual: Open,", "manual: Open, takes: 4h,", 1), "back": splitBooks["back"]}
	tell(t, split, books, func(w *world) {
		w.firstWeekend()
		w.facts(func(f *ledger.Facts) { // between them the second lies ahead, and what is printed is of it
			s := snapshot.Build(snapshot.In{Plan: w.plan, Runs: &f.Runs, Register: &f.Register, Now: time.Now()})
			if a := s.Ahead["weekend"]; a == nil || !a.Gauge.Window.From.Equal(time.Date(2000, 1, 6, 0, 0, 0, 0, time.UTC)) {
				t.Errorf("ahead lies %+v", a)
			}
		})
		until(5, 1)
		late := time.Date(2000, 1, 6, 20, 30, 0, 0, time.UTC)
		if r := w.refused(runner.Refused, extend("go", late, "a late night")); !strings.Contains(r.Message, "2000-01-06 20:00 UTC") || !strings.Contains(r.Message, "ends 2000-01-07 00:00 UTC") {
			t.Error(r.Message)
		}
		w.do(extend("go", late.Add(-time.Hour), "a late night"))
		w.goFor()
		until(6, 2)
		second := w.begin("weekend")
		w.facts(func(f *ledger.Facts) {
			got := forecast.Of(calendar{}.World(w.plan, f, time.Now(), nil), f.Runs.Runs[second], time.Now())
			want := forecast.Window{From: time.Date(2000, 1, 6, 0, 0, 0, 0, time.UTC), Until: time.Date(2000, 1, 7, 0, 0, 0, 0, time.UTC)}
			if d := cmp.Diff(want, got.Gauge.Window); d != "" {
				t.Errorf("measured against (-want +got):\n%s", d)
			}
			if !got.Gauge.Holds() || got.Gauge.End.Margin != 18*time.Hour {
				t.Errorf("gauge: %+v", got.Gauge)
			}
		})
	})
}

// TestALateWeekend: a weekend that lasts beyond its window is asked by its own deadline still; the next one's is not taken for it.
func TestALateWeekend(t *testing.T) {
	t.Parallel()
	yaml := strings.Replace(split, "  strict:\n", "  late: {asks: Open?, decide_by: cutover.end - 2h, decides: kombit/chair}\n  strict:\n", 1)
	books := map[string]string{"back": splitBooks["back"], "weekend": strings.Replace(splitBooks["weekend"], "open: {", "open: {after_gate: late, ", 1)}
	tell(t, yaml, books, func(w *world) {
		until(2, 1)
		w.goFor()
		until(3, 1)
		id := w.begin("weekend")
		w.say(id, "stop", "done", sse)
		w.say(id, "prove", "done", ibm)
		until(3, 22)
		if j := w.judge("late"); j.State != gate.NoGo {
			t.Fatalf("at its deadline the gate is %s", j.State)
		}
		w.wantRun(id, run.RunHeld)
		until(4, 5)
		if j := w.judge("late"); j.State != gate.NoGo || !j.DecideBy.Equal(time.Date(2000, 1, 3, 22, 0, 0, 0, time.UTC)) {
			t.Errorf("after the window the gate is %s, to be decided by %s", j.State, j.DecideBy)
		}
		w.refused(runner.Refused, vote("late", "go", chair))
		w.wantRun(w.begin("back", chaired), run.RunRunning)
		w.say("back-1", "start", "done", sse)
		w.wantRun(id, run.RunBacked)
		until(6, 1)
		if j := w.judge("late"); !j.DecideBy.Equal(time.Date(2000, 1, 6, 22, 0, 0, 0, time.UTC)) {
			t.Errorf("in the second weekend it is to be decided by %s", j.DecideBy)
		}
	})
}

// TestBegunByHandForTheRightWeekend: a first weekend that was backed out and is over is not begun again by who starts the second.
func TestBegunByHandForTheRightWeekend(t *testing.T) {
	t.Parallel()
	tell(t, split, splitBooks, func(w *world) {
		until(2, 1)
		w.goFor()
		until(3, 1)
		first := w.begin("weekend")
		w.say(first, "stop", "done", sse)
		w.say(w.begin("back", chaired), "start", "done", sse)
		w.wantRun(first, run.RunBacked)
		until(3, 5)
		again := w.begin("weekend") // in the same weekend once more, and its deadline is over
		w.wantRun(again, run.RunNoGo)
		until(5, 1)
		w.goFor()
		until(6, 1)
		second := w.begin("weekend")
		w.facts(func(f *ledger.Facts) {
			for id, want := range map[string]string{first: "cutover", again: "cutover", second: "cutover-2"} {
				if got := f.Runs.Runs[id].Started.Milestone; got != want {
					t.Errorf("%s is for %s, want %s", id, got, want)
				}
			}
		})
	})
}

// TestExitWithTheLastWeekend: what ends with a gate that each weekend asks has ended when the last of them went through it.
func TestExitWithTheLastWeekend(t *testing.T) {
	t.Parallel()
	yaml := strings.Replace(split, "  strict:\n", "  late: {asks: Open?, decides: kombit/chair}\n  strict:\n", 1)
	yaml = strings.Replace(yaml, "  trial: {kind: phase", "  moved: {kind: point, date: 2000-01-08, exit: late}\n  trial: {kind: phase", 1)
	books := map[string]string{"back": splitBooks["back"], "weekend": strings.Replace(splitBooks["weekend"], "open: {", "open: {after_gate: late, ", 1)}
	tell(t, yaml, books, func(w *world) {
		passed := func() (at time.Time) {
			w.facts(func(f *ledger.Facts) { at = f.Register.Milestone("moved").PassedAt })
			return at
		}
		for _, day := range []int{3, 6} {
			until(day-1, 1)
			w.goFor()
			until(day, 1)
			id := w.begin("weekend")
			w.say(id, "stop", "done", sse)
			w.say(id, "prove", "done", ibm)
			if !passed().IsZero() {
				t.Fatalf("passed before the gate of the weekend on day %d", day)
			}
			w.do(vote("late", "go", chair))
			w.say(id, "open", "done", ibm)
			w.wantRun(id, run.RunDone)
		}
		if passed().IsZero() {
			t.Error("not passed after the last weekend")
		}
	})
}

// TestBackOutOfAnotherRevision: what was done is undone as it was planned when it was done, also where the plan says otherwise by now, or
// knows the back-out no more; and a run is shown with its own steps.
func TestBackOutOfAnotherRevision(t *testing.T) {
	t.Parallel()
	written := map[string]string{"there": strings.Replace(there["there"], "check: cert, on_failure: back-out", "owner: ibm/operator, manual: Prove", 1), "back": there["back"]}
	for name, edited := range map[string]map[string]string{
		"edited": {"there": strings.Replace(written["there"], "turn:", "swing:", 1), "back": "  unswing: {owner: ibm/operator, command: [./unswing], undoes: swing}\n"},
		"gone":   {"there": "runbook: there\nsteps:\n  look: {owner: ibm/operator, manual: Look}\n"},
	} {
		edited["there"] = strings.ReplaceAll(edited["there"], "needs: [turn]", "needs: [swing]")
		before, after := load(t, base, written), load(t, base, edited)
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, before)
			w.start()
			id := w.begin("there")
			w.say(id, "stop", "done", sse)
			if err := w.kill(); err != nil {
				t.Fatal(err)
			}
			w.plan = after
			w.start()
			w.wantShown(id, "stop", "turn", "prove", "beside", "open", "shut")
			back := w.begin("back", chaired)
			w.wantSteps(back, "unturn", "done", "unopen", "skipped", "start", "waiting-for-person")
			w.wantPhases("before", "before")
			w.say(back, "start", "done", sse)
			w.wantRun(id, run.RunBacked)
			if made := w.actions.made(); made[len(made)-1] != back+"/unturn#1" {
				t.Errorf("%s: effects %v", name, made)
			}
			w.end()
		})
	}
}

// wantShown looks at how a run is shown: its own steps by their own names and needs.
func (w *world) wantShown(id string, steps ...string) {
	w.t.Helper()
	w.facts(func(f *ledger.Facts) {
		s := snapshot.Build(snapshot.In{Plan: w.plan, Bound: func(hash string) *plan.Plan { return w.shelf[hash] }, Runs: &f.Runs, Register: &f.Register, Now: time.Now()})
		for _, r := range s.Runs {
			if r.ID != id {
				continue
			}
			var got []string
			for _, st := range r.Steps {
				got = append(got, st.ID)
				own := w.shelf[r.PlanHash].Runbooks[r.Runbook].Step(st.ID)
				if d := cmp.Diff(own.Needs, st.Needs); d != "" || st.Name.En != own.Name("en") {
					w.t.Errorf("%s is called %q; it needs (-its own +shown):\n%s", st.ID, st.Name.En, d)
				}
			}
			if d := cmp.Diff(steps, got); d != "" {
				w.t.Errorf("steps (-want +got):\n%s", d)
			}
			if r.Forecast == nil || len(r.Forecast.Steps) != len(steps) {
				w.t.Errorf("forecast: %+v", r.Forecast)
			}
		}
	})
}
