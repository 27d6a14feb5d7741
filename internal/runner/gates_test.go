package runner_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/gate"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
)

const (
	chair, manager, ibm, sse = "kombit/chair", "kombit/manager", "ibm/operator", "sse/operator"
)

// gated stands behind the gate go at once; late does after it changed something.
var gated = map[string]string{
	"gated": "  turn: {after_gate: go, owner: ibm/operator, command: [./x], switches: [gateway, sftp]}\n",
	"late":  "  first: {owner: ibm/operator, command: [./x], change: transition}\n  second: {needs: [first], after_gate: go, owner: ibm/operator, command: [./y]}\n",
	"once":  "  ask: {after_gate: strict, owner: ibm/operator, command: [./x], switches: [gateway, sftp]}\n",
	"hour":  "  ask: {after_gate: timed, owner: ibm/operator, command: [./x]}\n",
	"parts": "  turn: {after_gate: strict, owner: ibm/operator, command: [./x], switches: [gateway, sftp]}\n  shut: {needs: [turn], after_gate: go, owner: ibm/operator, manual: Shut, closes: [gateway, sftp]}\n",
}

func attest(c runner.Command) runner.Command {
	c.Do, c.Gate, c.Criterion, c.As = runner.DoAttest, "strict", "staffed", ibm
	return c
}

func (w *world) gateFacts(id, runID string) (g register.GateFacts) {
	w.facts(func(f *ledger.Facts) { g = *f.Register.Gate(register.GateKey{Gate: id, Run: runID}) })
	return g
}

// extend votes hold with a new deadline.
func extend(gateID string, until time.Time, reason string) runner.Command {
	c := vote(gateID, "hold", chair)
	c.Until, c.Reason = &until, reason
	return c
}

func TestGoIsRefusedWhileSomethingIsInTheWay(t *testing.T) {
	t.Parallel()
	story(t, gated, func(w *world) {
		id := w.begin("once")
		w.wantSteps(id, "ask", "waiting")
		r := w.refused(runner.Refused, vote("strict", "go", chair))
		want := []register.Reason{{Code: "criterion-unmet", Subject: "staffed", Remark: "not-attested"}, {Code: "not-answered", Subject: ibm}}
		if d := cmp.Diff(want, r.Gate.Reasons); d != "" {
			t.Errorf("reasons (-want +got):\n%s", d)
		}
		w.do(attest(runner.Command{FileName: "rota 010190-1234.pdf", File: []byte("rota")}))
		w.do(vote("strict", "not-ready", ibm))
		w.refused(runner.Refused, vote("strict", "go", chair))
		w.do(vote("strict", "ready", ibm))
		w.sweeper.evidence = map[string]gate.SuiteEvidence{"readiness": {Critical: register.Count{Total: 1}, AsOf: time.Now()}}
		w.refused(runner.Refused, vote("strict", "go", chair))
		w.sweeper.evidence = nil
		reply := w.do(vote("strict", "go", chair))
		w.wantRun(id, run.RunDone)
		if reply.Decision != "go" || len(reply.Judgement.Criteria) != 2 {
			t.Errorf("reply %+v", reply)
		}
		d := w.gateFacts("strict", "").Decision
		if d.Actor.Person != "p-chair" || d.Actor.EnteredBy != "uid-1000" || d.EnteredBy["uid-1000"] != 1 || d.PlanHash != w.plan.Hash ||
			d.Reasons[0].Code != "voted" || d.Poll[0].Answer != register.Ready || d.Criteria[1].State != gate.Met {
			t.Errorf("the decision does not carry what it rests on: %+v", d)
		}
		if d := cmp.Diff([]string{"gateway", "sftp"}, d.Services); d != "" {
			t.Errorf("services (-want +got):\n%s", d)
		}
		for name := range w.drawer.files {
			if strings.Contains(name, "010190") {
				t.Errorf("a civil registration number is in the file name %q", name)
			}
		}
		w.refused(runner.Conflict, vote("strict", "go", chair))
		w.refused(runner.Conflict, attest(runner.Command{}))
	})
}

func TestWhoMayVote(t *testing.T) {
	t.Parallel()
	story(t, gated, func(w *world) {
		w.begin("gated")
		soon := time.Now().Add(time.Hour)
		for _, c := range []struct {
			kind string
			cmd  runner.Command
		}{
			{runner.NotFound, vote("gogo", "go", chair)},
			{runner.Usage, vote("go", "perhaps", chair)},
			{runner.Usage, vote("go", "go", "")},
			{runner.Forbidden, vote("go", "ready", manager)},
			{runner.Forbidden, vote("go", "go", ibm)},
			{runner.Forbidden, vote("go", "ready", chair)},
			{runner.NotFound, runner.Command{Do: runner.DoVote, Gate: "go", Answer: "go", As: chair, Services: []string{"gatway"}}},
			{runner.Usage, runner.Command{Do: runner.DoVote, Gate: "go", Answer: "no-go", As: chair, Services: []string{"gateway"}}},
			{runner.Usage, runner.Command{Do: runner.DoVote, Gate: "go", Answer: "ready", As: ibm, Until: &soon}},
			{runner.Usage, runner.Command{Do: runner.DoVote, Gate: "go", Answer: "ready", As: ibm, Via: "engine"}},
			{runner.NotFound, runner.Command{Do: runner.DoVote, Gate: "go", Answer: "ready", As: ibm, Run: "gated-7"}},
			{runner.Usage, extend("go", soon, "")},
			{runner.Usage, extend("go", time.Now().Add(-time.Hour), "late")},
			{runner.NotFound, runner.Command{Do: runner.DoAttest, Gate: "strict", Criterion: "staff", As: ibm}},
			{runner.Forbidden, runner.Command{Do: runner.DoAttest, Gate: "strict", Criterion: "staffed", As: sse}},
		} {
			w.refused(c.kind, c.cmd)
		}
		w.do(runner.Command{Do: runner.DoAttest, Gate: "strict", Criterion: "staffed", As: "ibm/deputy"})
		c := vote("go", "ready", ibm)
		c.Via = "phone"
		w.do(c)
		if a := w.gateFacts("go", "").Votes[ibm].Actor; a.Via != "phone" || a.Person != "p-ibm" || a.EnteredBy != "uid-1000" {
			t.Errorf("the vote's actor: %+v", a)
		}
	})
}

func TestNoGo(t *testing.T) {
	t.Parallel()
	t.Run("before any effect ends the run", func(t *testing.T) {
		t.Parallel()
		story(t, gated, func(w *world) {
			id := w.begin("gated")
			w.do(vote("go", "no-go", chair))
			w.wantRun(id, run.RunNoGo)
			w.wantSteps(id, "turn", "cancelled")
			if n := len(w.actions.made()); n != 0 {
				t.Errorf("%d effects", n)
			}
			next := w.begin("gated") // a new run meets the standing no-go
			w.wantRun(next, run.RunNoGo)
			w.allGo("go", ibm, sse) // answers open a new round
			third := w.begin("gated")
			w.wantRun(third, run.RunDone)
		})
	})
	t.Run("after effects holds, and a new vote lets it go on", func(t *testing.T) {
		t.Parallel()
		story(t, gated, func(w *world) {
			id := w.begin("late")
			w.wantSteps(id, "first", "done", "second", "waiting")
			w.do(vote("go", "no-go", chair))
			w.wantRun(id, run.RunHeld)
			w.refused(runner.Refused, vote("go", "go", chair)) // a new round asks everybody
			w.restart()
			w.wantRun(id, run.RunHeld)
			w.begin("late") // goes on with it, which the gate still forbids
			w.wantRun(id, run.RunHeld)
			w.allGo("go", ibm, sse)
			w.wantRun(id, run.RunDone)
			if g := w.gateFacts("go", ""); g.Round != 2 || len(g.Earlier) != 1 {
				t.Errorf("rounds: %+v", g)
			}
		})
	})
	t.Run("with another reason to hold", func(t *testing.T) {
		t.Parallel()
		books := map[string]string{"late": gated["late"] + "  beside: {owner: ibm/operator, manual: Beside}\n"}
		story(t, books, func(w *world) {
			id := w.begin("late")
			w.do(vote("go", "no-go", chair))
			w.say(id, "beside", "fail", ibm)
			w.allGo("go", ibm, sse)
			w.wantRun(id, run.RunHeld)
			w.say(id, "beside", "retry", ibm)
			w.wantSteps(id, "second", "done", "beside", "waiting-for-person")
		})
	})
	t.Run("inside a nested run", func(t *testing.T) {
		t.Parallel()
		story(t, map[string]string{"outer": "  in: {runbook: gated}\n", "gated": gated["gated"]}, func(w *world) {
			id := w.begin("outer")
			w.do(vote("go", "no-go", chair))
			w.wantRun("gated-1", run.RunNoGo)
			w.wantRun(id, run.RunNoGo)
		})
	})
	t.Run("inside a nested run, after effects around it", func(t *testing.T) {
		t.Parallel()
		story(t, map[string]string{"outer": "  first: {owner: ibm/operator, command: [./x]}\n  in: {needs: [first], runbook: gated}\n", "gated": gated["gated"]}, func(w *world) {
			id := w.begin("outer")
			w.do(vote("go", "no-go", chair))
			w.wantRun("gated-1", run.RunNoGo)
			w.wantSteps(id, "in", "failed")
			w.wantRun(id, run.RunHeld)
		})
	})
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	story(t, gated, func(w *world) {
		id := w.begin("hour")
		w.wantSteps(id, "ask", "waiting")
		if g := w.gateFacts("timed", ""); g.Round != 0 {
			t.Fatal("the gate opened before its time")
		}
		w.refused(runner.Conflict, vote("timed", "go", chair))
		time.Sleep(10 * time.Hour)
		synctest.Wait()
		if g := w.gateFacts("timed", ""); g.Round != 1 || !g.OpenedAt.Equal(time.Date(2000, 1, 1, 10, 0, 0, 0, time.UTC)) {
			t.Fatalf("it did not open at its time: %+v", g)
		}
		w.do(extend("timed", time.Now().Add(3*time.Hour), "one answer is late")) // 12:00 → 13:00
		time.Sleep(2*time.Hour + time.Second)
		synctest.Wait()
		w.wantRun(id, run.RunRunning)
		time.Sleep(time.Hour)
		synctest.Wait()
		w.wantRun(id, run.RunNoGo)
		d := w.gateFacts("timed", "").Decision
		if d.Decision != register.NoGo || d.Actor.Seat != "" || d.Actor.Via != "engine" || d.Reasons[0].Code != "deadline" {
			t.Errorf("decided: %+v", d)
		}
		w.refused(runner.Refused, vote("timed", "go", chair))
		w.do(extend("timed", time.Now().Add(time.Hour), "once more"))
		w.do(vote("timed", "go", chair))
		w.wantRun(w.begin("hour"), run.RunDone)
	})
}

// TestDeadlineWhileDown: a deadline that passed while nothing ran is a no-go at the next start.
func TestDeadlineWhileDown(t *testing.T) {
	t.Parallel()
	story(t, gated, func(w *world) {
		time.Sleep(10 * time.Hour)
		id := w.begin("hour")
		if err := w.kill(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour)
		w.start()
		w.wantRun(id, run.RunNoGo)
	})
}

// TestDeadlineOfAGateNobodyAsked: what lay in the past when the plan came into use decides nothing.
func TestDeadlineOfAGateNobodyAsked(t *testing.T) {
	t.Parallel()
	p := load(t, base, gated)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(24 * time.Hour)
		w := newWorld(t, p)
		w.start()
		if g := w.gateFacts("timed", ""); g.Round != 0 {
			t.Errorf("decided: %+v", g)
		}
		w.wantRun(w.begin("hour"), run.RunNoGo) // but a run that needs it meets its deadline
		w.end()
	})
}

// TestGateBeforeTheRun: the plan's own gate may open and decide before the run starts, also while no process runs.
func TestGateBeforeTheRun(t *testing.T) {
	t.Parallel()
	story(t, gated, func(w *world) {
		if err := w.kill(); err != nil {
			t.Fatal(err)
		}
		w.open()
		w.allGo("go", ibm, sse)
		id := w.begin("gated")
		w.wantSteps(id, "turn", "waiting") // nobody is there to do it
		if err := w.stop(); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.wantRun(id, run.RunDone)
	})
}

// TestGoIsForOneRun: the second live run that reaches the gate is asked about anew; a step of the first behind the same gate is not.
func TestGoIsForOneRun(t *testing.T) {
	t.Parallel()
	books := map[string]string{"gated": gated["gated"] + "  more: {needs: [turn], owner: ibm/operator, manual: More}\n  again: {needs: [more], after_gate: go, owner: ibm/operator, manual: Again}\n",
		"second": gated["gated"]}
	story(t, books, func(w *world) {
		w.allGo("go", ibm, sse)
		first := w.begin("gated")
		w.wantSteps(first, "turn", "done", "more", "waiting-for-person")
		second := w.begin("second")
		w.wantSteps(second, "turn", "waiting")
		if g := w.gateFacts("go", ""); g.Round != 2 || g.Decision != nil {
			t.Errorf("not asked anew: %+v", g)
		}
		w.say(first, "more", "done", ibm)
		w.wantSteps(first, "again", "waiting-for-person")
		w.do(vote("go", "no-go", chair))
		w.wantRun(second, run.RunNoGo)
		w.wantRun(first, run.RunRunning)
	})
}

func TestPartialScope(t *testing.T) {
	t.Parallel()
	story(t, gated, func(w *world) {
		id := w.begin("parts")
		w.do(attest(runner.Command{}))
		w.do(vote("strict", "ready", ibm))
		w.do(runner.Command{Do: runner.DoVote, Gate: "strict", Answer: "go", As: chair, Services: []string{"sftp"}})
		if w.phase("prod", "gateway") != "before" || w.phase("prod", "sftp") != "fallback" {
			t.Errorf("gateway %s, sftp %s", w.phase("prod", "gateway"), w.phase("prod", "sftp"))
		}
		w.allGo("go", ibm, sse) // of everything, but this run was let through for one service only
		w.say(id, "shut", "done", ibm)
		w.wantRun(id, run.RunDone)
		if w.phase("prod", "gateway") != "before" || w.phase("prod", "sftp") != "closed" {
			t.Errorf("gateway %s, sftp %s", w.phase("prod", "gateway"), w.phase("prod", "sftp"))
		}
	})
}

// TestPlanChanged: answers and decisions given on another revision do not count for a run that has not used them.
func TestPlanChanged(t *testing.T) {
	t.Parallel()
	before := load(t, base, gated)
	after := load(t, strings.Replace(base, "asks: Go?", "asks: Really go?", 1), gated)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, before)
		w.start()
		swap := func(p *plan.Plan) {
			if err := w.kill(); err != nil {
				t.Fatal(err)
			}
			w.plan = p
			w.start()
		}
		w.do(vote("go", "ready", ibm))
		w.do(vote("go", "ready", sse))
		swap(after)
		r := w.refused(runner.Refused, vote("go", "go", chair))
		if r.Gate.Poll[0].Void != "plan-changed" {
			t.Errorf("the poll: %+v", r.Gate.Poll)
		}
		w.allGo("go", ibm, sse)
		swap(before)
		id := w.begin("gated")
		w.wantSteps(id, "turn", "waiting")
		w.allGo("go", ibm, sse)
		w.wantRun(id, run.RunDone)
		w.end()
	})
}

// TestRunKeepsItsPlan: a run that has begun goes on as it was written then.
func TestRunKeepsItsPlan(t *testing.T) {
	t.Parallel()
	before := load(t, base, map[string]string{"one": "  a: {owner: ibm/operator, manual: A}\n  b: {needs: [a], owner: ibm/operator, command: [./old]}\n"})
	after := load(t, base, map[string]string{"one": "  a: {owner: ibm/operator, manual: A}\n  b: {needs: [a], owner: ibm/operator, command: [./new]}\n"})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, before)
		w.start()
		id := w.begin("one")
		if err := w.kill(); err != nil {
			t.Fatal(err)
		}
		w.plan = after
		w.start()
		var argv []string
		w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
			argv = e.Step.Argv
			return runner.Outcome{OK: true}, nil
		})
		w.say(id, "a", "done", ibm)
		w.wantRun(id, run.RunDone)
		if d := cmp.Diff([]string{"./old"}, argv); d != "" {
			t.Errorf("ran (-want +got):\n%s", d)
		}
		w.end()
	})
}

// TestStaleEvidence: what is too old is asked again when the gate opens, and before a go.
func TestStaleEvidence(t *testing.T) {
	t.Parallel()
	story(t, gated, func(w *world) {
		w.sweeper.evidence = map[string]gate.SuiteEvidence{"readiness": {Critical: register.Count{Passed: 1, Total: 1}}}
		w.begin("once")
		if d := cmp.Diff([]string{"gate strict"}, w.sweeper.causes()); d != "" {
			t.Fatalf("when it opened (-want +got):\n%s", d)
		}
		w.do(attest(runner.Command{}))
		w.do(vote("strict", "ready", ibm))
		w.sweeper.will(func(context.Context, runner.Sweep) (runner.Swept, error) {
			w.sweeper.evidence = map[string]gate.SuiteEvidence{"readiness": {Critical: register.Count{Passed: 1, Total: 1}, AsOf: time.Now()}}
			return runner.Swept{OK: true}, nil
		})
		w.do(vote("strict", "go", chair))
		if n := len(w.sweeper.causes()); n != 2 {
			t.Errorf("asked %d times", n)
		}
	})
}

// TestOnePersonIsOneVoice: the decider's answer to the poll does not count.
func TestOnePersonIsOneVoice(t *testing.T) {
	t.Parallel()
	twice := strings.Replace(base, "go: {asks: Go?, poll: [ibm/operator, sse/operator], decides: kombit/chair}", "go: {asks: Go?, poll: [ibm/operator, kombit/chair], decides: kombit/chair}", 1)
	tell(t, twice, gated, func(w *world) {
		w.do(vote("go", "ready", ibm))
		w.do(vote("go", "ready", chair))
		r := w.refused(runner.Refused, vote("go", "go", chair))
		if d := cmp.Diff([]register.Reason{{Code: "same-person", Subject: chair, Remark: "p-chair"}}, r.Gate.Reasons); d != "" {
			t.Errorf("reasons (-want +got):\n%s", d)
		}
	})
}

func TestExitGate(t *testing.T) {
	t.Parallel()
	story(t, gated, func(w *world) {
		w.refused(runner.Refused, runner.Command{Do: runner.DoMilestone, Milestone: "trial", Answer: "pass", As: ibm})
		w.allGo("trial-ok")
		passed := func() bool {
			var at time.Time
			w.facts(func(f *ledger.Facts) { at = f.Register.Milestone("trial").PassedAt })
			return !at.IsZero()
		}
		if !passed() {
			t.Fatal("a go at its exit gate passes a milestone")
		}
		w.do(runner.Command{Do: runner.DoMilestone, Milestone: "trial", Answer: "reopen", As: ibm, Reason: "a case was missed"})
		if passed() {
			t.Fatal("reopened and still passed")
		}
		w.allGo("trial-ok") // the gate is asked again: else nobody could pass it
		if !passed() {
			t.Error("the second go does not pass it")
		}
	})
}
