package runner_test

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/gate"
	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/report"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/internal/snapshot"
	"skift/internal/words"
)

// split is a plan whose cut-over has two weekends, on the third and the sixth, with one runbook and one gate.
var split = strings.NewReplacer("2000-01-10", "2000-01-03", "2000-01-11", "2000-01-04",
	"  trial: {kind: phase", "  cutover-2: {kind: window, from: \"2000-01-06 00:00\", until: \"2000-01-07 00:00\", runbook: weekend}\n  trial: {kind: phase",
	"  go: {asks: Go?, ", "  go: {asks: Go?, opens: cutover.start - 1d, decide_by: cutover.start - 4h, criteria: [{attested: staffed, by: ibm/operator}], ",
).Replace(base)

var splitBooks = map[string]string{
	"weekend": `runbook: weekend
window: cutover
back_out: back
steps:
  stop: {after_gate: go, not_before: cutover.start + 1h, not_after: cutover.end, owner: sse/operator, manual: Stop}
  turn: {needs: [stop], owner: ibm/operator, command: [./turn], switches: ["*"]}
  prove: {needs: [turn], owner: ibm/operator, manual: Prove}
  open: {needs: [prove], owner: ibm/operator, manual: Open, point_of_no_return: true}
`,
	"back": "  unturn: {owner: ibm/operator, command: [./unturn], undoes: turn}\n  start: {needs: [unturn], owner: sse/operator, manual: Start, undoes: stop}\n",
}

// until lets time pass to a day and hour of January 2000.
func until(day, hour int) {
	time.Sleep(time.Until(time.Date(2000, 1, day, hour, 0, 0, 0, time.UTC)))
	synctest.Wait()
}

// goFor votes the gate to a go for some services; none = all of its scope.
func (w *world) goFor(services ...string) {
	w.t.Helper()
	w.do(runner.Command{Do: runner.DoAttest, Gate: "go", Criterion: "staffed", As: ibm})
	w.do(vote("go", "ready", ibm))
	w.do(vote("go", "ready", sse))
	c := vote("go", "go", chair)
	c.Services = services
	w.do(c)
}

func (w *world) judge(id string) gate.Judgement {
	w.t.Helper()
	j, err := w.r.Judge(w.t.Context(), id, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return j
}

// wantPhases compares the phases in production.
func (w *world) wantPhases(gateway, sftp string) {
	w.t.Helper()
	if d := cmp.Diff([]string{gateway, sftp}, []string{w.phase("prod", "gateway"), w.phase("prod", "sftp")}); d != "" {
		w.t.Errorf("phases of gateway and sftp (-want +got):\n%s", d)
	}
}

// firstWeekend moves the gateway alone, with a deadline that had to be extended.
func (w *world) firstWeekend() (id string) {
	w.t.Helper()
	until(2, 0)
	w.do(extend("go", time.Date(2000, 1, 2, 23, 0, 0, 0, time.UTC), "not everybody is here"))
	w.goFor("gateway")
	until(3, 0)
	id = w.begin("weekend")
	w.wantSteps(id, "stop", "waiting")
	until(3, 1)
	w.say(id, "stop", "done", sse)
	w.say(id, "prove", "done", ibm)
	w.say(id, "open", "done", ibm)
	w.wantRun(id, run.RunDone)
	w.wantPhases("fallback", "before")
	return id
}

// wantReport looks at what is told of the last cut-over: what it switched is in its subject, what it did not is not.
func (w *world) wantReport(runID, has, lacks string) {
	w.t.Helper()
	w.facts(func(f *ledger.Facts) {
		s := snapshot.Build(snapshot.In{Plan: w.plan, Runs: &f.Runs, Register: &f.Register, Now: time.Now()})
		out, err := report.Render("cutover-done", s, report.Options{Lang: words.En})
		if err != nil {
			w.t.Fatal(err)
		}
		if !strings.Contains(out.Subject, has) || strings.Contains(out.Subject, lacks) {
			w.t.Errorf("the report after %s is called %q", runID, out.Subject)
		}
	})
}

// moved lists which services a run moved, as the journal says.
func (w *world) moved(runID string) (out []string) {
	for _, e := range w.events() {
		var b register.Moved
		if e.Run == runID && e.Kind == register.PhaseMoved && json.Unmarshal(e.Body, &b) == nil {
			out = append(out, strings.Join(b.Services, "+")+" "+string(b.Phase))
		}
	}
	return out
}

// TestTwoWeekends: a partial go for the first, the rest in the second. The gate is asked for each at its own time, and what was vouched for
// or extended before the first counts for nothing before the second; dates of the runbook are those of the weekend it runs in; what was
// moved is not moved again.
func TestTwoWeekends(t *testing.T) {
	t.Parallel()
	tell(t, split, splitBooks, func(w *world) {
		var services []string
		w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
			services = append(services, e.Env["SKIFT_SERVICES"])
			return runner.Outcome{OK: true}, nil
		})
		first := w.firstWeekend()
		if j := w.judge("go"); j.State != gate.Went || j.Round != 1 {
			t.Errorf("between the weekends the gate is %s in round %d", j.State, j.Round)
		}
		w.refused(runner.Conflict, vote("go", "ready", ibm))
		w.wantReport(first, "gateway", "sftp")
		until(5, 0)
		j := w.judge("go")
		if j.State != gate.Open || j.Round != 2 || j.MayGo() || !j.DecideBy.Equal(time.Date(2000, 1, 5, 20, 0, 0, 0, time.UTC)) || j.Extension != "" {
			t.Errorf("before the second weekend: %+v", j)
		}
		if c := j.Criteria[0]; c.State != gate.Unmet {
			t.Errorf("the word given before the first weekend counts for the second: %+v", c)
		}
		w.goFor()
		until(6, 0)
		second := w.begin("weekend")
		w.wantSteps(second, "stop", "waiting") // its own weekend's first hour
		until(6, 1)
		w.say(second, "stop", "done", sse)
		w.wantPhases("fallback", "fallback")
		w.say(second, "prove", "done", ibm)
		w.say(second, "open", "done", ibm)
		w.wantRun(second, run.RunDone)
		w.wantReport(second, "sftp", "gateway")
		w.facts(func(f *ledger.Facts) {
			for id, want := range map[string]string{first: "cutover", second: "cutover-2"} {
				if got := f.Runs.Runs[id].Started.Milestone; got != want || f.Register.Milestone(want).Run != id {
					t.Errorf("%s is for %s; %s was passed by %s", id, got, want, f.Register.Milestone(want).Run)
				}
			}
		})
		if d := cmp.Diff([]string{"gateway", "sftp"}, services); d != "" {
			t.Errorf("what the command was told to move (-want +got):\n%s", d)
		}
		if d := cmp.Diff([]string{"sftp switching", "sftp fallback"}, w.moved(second)); d != "" {
			t.Errorf("moved in the second weekend (-want +got):\n%s", d)
		}
	})
}

// TestSecondWeekendBackedOut: what the first weekend moved stays where it is, and the first is past its point of no return all the same.
func TestSecondWeekendBackedOut(t *testing.T) {
	t.Parallel()
	tell(t, split, splitBooks, func(w *world) {
		w.firstWeekend()
		until(5, 0)
		w.goFor()
		until(6, 1)
		second := w.begin("weekend")
		w.say(second, "stop", "done", sse)
		w.wantPhases("fallback", "fallback")
		back := w.begin("back", chaired)
		w.say(back, "start", "done", sse)
		w.wantRun(back, run.RunDone)
		w.wantRun(second, run.RunBacked)
		w.wantPhases("fallback", "before")
		if d := cmp.Diff([]string{"sftp before"}, w.moved(back)); d != "" {
			t.Errorf("moved by the back-out (-want +got):\n%s", d)
		}
	})
}

// TestSecondWeekendWithoutADecision: the deadline of the second weekend is its own, and a no-go there takes nothing back.
func TestSecondWeekendWithoutADecision(t *testing.T) {
	t.Parallel()
	tell(t, split, splitBooks, func(w *world) {
		w.firstWeekend()
		until(5, 19)
		if j := w.judge("go"); j.State != gate.Open {
			t.Errorf("an hour before its deadline the gate is %s", j.State)
		}
		until(5, 20)
		if j := w.judge("go"); j.State != gate.NoGo || j.Round != 2 {
			t.Errorf("at its deadline the gate is %s in round %d", j.State, j.Round)
		}
		until(6, 1)
		second := w.begin("weekend")
		w.wantRun(second, run.RunNoGo)
		w.wantPhases("fallback", "before")
	})
}

// TestTheNextWeekendsTurn: a weekend that nobody begins ends by time alone, and from then on the gate is asked for the next: at that instant,
// not when the loop would look anyway.
func TestTheNextWeekendsTurn(t *testing.T) {
	t.Parallel()
	yaml := strings.NewReplacer("until: \"2000-01-04 00:00\"", "until: \"2000-01-04 00:10\"", "opens: cutover.start - 1d", "opens: cutover.start - 3d").Replace(split)
	tell(t, yaml, splitBooks, func(w *world) {
		until(4, 0)
		time.Sleep(10*time.Minute - time.Second)
		synctest.Wait()
		if j := w.judge("go"); j.State != gate.NoGo || j.Round != 1 {
			t.Errorf("in the first weekend the gate is %s in round %d", j.State, j.Round)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if j := w.judge("go"); j.State != gate.Open || j.Round != 2 {
			t.Errorf("once it is over the gate is %s in round %d", j.State, j.Round)
		}
	})
}

// TestWindowsNameServices: a go that names none is for what the window names; a go that names more moves no more.
func TestWindowsNameServices(t *testing.T) {
	t.Parallel()
	named := strings.NewReplacer(`window, from: "2000-01-03`, `window, services: [gateway], from: "2000-01-03`, `window, from: "2000-01-06`, `window, services: [sftp], from: "2000-01-06`).Replace(split)
	for _, more := range [][]string{nil, {"gateway", "sftp"}} {
		tell(t, named, splitBooks, func(w *world) {
			until(2, 1)
			w.goFor(more...)
			until(3, 1)
			id := w.begin("weekend")
			w.say(id, "stop", "done", sse)
			w.wantPhases("fallback", "before")
			w.say(id, "prove", "done", ibm)
			w.say(id, "open", "done", ibm)
			until(5, 1)
			w.goFor(more...)
			until(6, 1)
			second := w.begin("weekend")
			w.say(second, "stop", "done", sse)
			w.wantPhases("fallback", "fallback")
			if d := cmp.Diff([]string{"sftp switching", "sftp fallback"}, w.moved(second)); d != "" {
				t.Errorf("moved in the second (-want +got):\n%s", d)
			}
		})
	}
}

// TestSplitBesideARun: what a revision splits off while the weekend's run waits is not switched by it; what the run has moved stays its own.
func TestSplitBesideARun(t *testing.T) {
	t.Parallel()
	named := strings.NewReplacer(`window, from: "2000-01-03`, `window, services: [gateway], from: "2000-01-03`, `window, from: "2000-01-06`, `window, services: [sftp], from: "2000-01-06`).Replace(split)
	books := maps.Clone(splitBooks)
	books["weekend"] = strings.Replace(books["weekend"], "manual: Open,", `manual: Open, closes: ["*"],`, 1)
	for _, c := range []struct {
		before       bool // the split comes into use before the switch
		sftp, closed string
	}{{true, "before", "before"}, {false, "fallback", "closed"}} {
		tell(t, split, books, func(w *world) {
			until(2, 1)
			w.goFor()
			until(3, 1)
			id := w.begin("weekend")
			if c.before {
				w.adopt(load(t, named, books))
			}
			w.say(id, "stop", "done", sse)
			w.wantPhases("fallback", c.sftp)
			if !c.before {
				w.adopt(load(t, named, books))
			}
			w.say(id, "prove", "done", ibm)
			w.say(id, "open", "done", ibm)
			w.wantPhases("closed", c.closed)
		})
	}
}

// TestAGoForNothing: a gate that decides about none of the services its window is for can have no go, for one that names no service is read as
// one for all; a gate that decides about all is asked for those of its window. It is the same before there is a run, with the gate inside.
func TestAGoForNothing(t *testing.T) {
	t.Parallel()
	named := strings.NewReplacer(`window, from: "2000-01-03`, `window, services: [gateway], from: "2000-01-03`, `window, from: "2000-01-06`, `window, services: [sftp], from: "2000-01-06`).Replace(split)
	scoped := strings.Replace(named, "{asks: Go?, ", "{asks: Go?, scope: {services: [sftp]}, ", 1)
	for name, books := range map[string]map[string]string{"its own": splitBooks, "inside": nestedBooks} {
		for scope, yaml := range map[string]string{"all": named, "sftp": scoped} {
			tell(t, yaml, books, func(w *world) {
				decided := func() []string {
					var out []string
					w.facts(func(f *ledger.Facts) { out = f.Register.Gate(register.GateKey{Gate: "go"}).Decision.Services })
					return out
				}
				until(2, 1)
				if scope == "all" {
					w.goFor()
					if d := cmp.Diff([]string{"gateway"}, decided()); d != "" {
						t.Errorf("%s: the go is for (-want +got):\n%s", name, d)
					}
					return
				}
				w.do(runner.Command{Do: runner.DoAttest, Gate: "go", Criterion: "staffed", As: ibm})
				w.do(vote("go", "ready", ibm))
				w.do(vote("go", "ready", sse))
				if r := w.refused(runner.Refused, vote("go", "go", chair)); r.Message != "go decides about sftp, and cutover is for gateway: a go would be for nothing" {
					t.Errorf("%s: %s", name, r.Message)
				}
				if j := w.judge("go"); j.State != gate.Open {
					t.Errorf("%s: after a go that was refused it is %s", name, j.State)
				}
				until(5, 1) // the first window is over, nothing ran in it
				w.goFor()
				if d := cmp.Diff([]string{"sftp"}, decided()); d != "" {
					t.Errorf("%s: the go of the second is for (-want +got):\n%s", name, d)
				}
			})
		}
	}
}
