package runner_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/ledger"
	"skift/internal/run"
	"skift/internal/runner"
)

var there = map[string]string{
	"there": `runbook: there
back_out: back
steps:
  stop: {owner: sse/operator, manual: Stop}
  turn: {needs: [stop], owner: ibm/operator, command: [./turn], switches: [gateway, sftp]}
  prove: {needs: [turn], check: cert, on_failure: back-out}
  beside: {needs: [turn], owner: ibm/operator, command: [./slow]}
  open: {needs: [prove], owner: ibm/operator, manual: Open, point_of_no_return: true}
  shut: {needs: [open], owner: ibm/operator, manual: Shut, closes: ["*"], on_failure: back-out}
`,
	"back": `
  unopen: {owner: ibm/operator, manual: Close again, undoes: open}
  unturn: {needs: [unopen], owner: ibm/operator, command: [./unturn], undoes: turn}
  start: {needs: [unturn], owner: sse/operator, manual: Start again, undoes: stop}
`}

func TestPhases(t *testing.T) {
	t.Parallel()
	story(t, there, func(w *world) {
		phases := func(want string) {
			t.Helper()
			if w.phase("prod", "gateway") != want || w.phase("prod", "sftp") != want || w.phase("exttest", "gateway") != "before" {
				t.Errorf("gateway is %s, want %s", w.phase("prod", "gateway"), want)
			}
		}
		id := w.begin("there")
		phases("before")
		w.actions.will(failing("turn"))
		w.say(id, "stop", "done", sse)
		phases("switching") // begun and failed: nobody knows where it stands
		w.actions.will(nil)
		w.say(id, "turn", "retry", ibm)
		phases("fallback")
		w.say(id, "open", "done", ibm)
		phases("fallback")
		w.say(id, "shut", "done", ibm)
		w.wantRun(id, run.RunDone)
		phases("closed")
	})
}

func TestBackOut(t *testing.T) {
	t.Parallel()
	story(t, there, func(w *world) {
		w.refused(runner.Conflict, runner.Command{Do: runner.DoStart, Runbook: "back"}) // nothing to back out
		id := w.begin("there")
		w.sweeper.will(red)
		w.actions.will(blocking("beside"))
		w.say(id, "stop", "done", sse)
		w.wantSteps(id, "turn", "done", "prove", "failed", "beside", "running")
		w.wantRun(id, run.RunHeld)
		if w.runState("back-1") != "" {
			t.Fatal("it is backed out while something of it is in flight")
		}
		w.refused(runner.Conflict, runner.Command{Do: runner.DoStart, Runbook: "back"})
		if err := w.kill(); err != nil { // what is in flight becomes uncertain
			t.Fatal(err)
		}
		w.actions.will(nil)
		w.start()
		w.wantSteps(id, "beside", "uncertain")
		w.wantSteps("back-1", "unturn", "done", "unopen", "skipped", "start", "waiting-for-person")
		if w.phase("prod", "gateway") != "before" || w.phase("prod", "sftp") != "before" {
			t.Errorf("gateway is %s", w.phase("prod", "gateway"))
		}
		// Nothing else happens in the run meanwhile.
		w.refused(runner.Conflict, w.step(id, "prove", "retry", "kombit/chair", "again"))
		w.refused(runner.Conflict, w.step(id, "beside", "done", ibm, "it did"))
		w.begin("there")
		w.wantRun(id, run.RunHeld)
		w.say("back-1", "start", "done", sse)
		w.wantRun("back-1", run.RunDone)
		w.wantRun(id, run.RunBacked)
		w.refused(runner.Conflict, runner.Command{Do: runner.DoStart, Runbook: "back"})
		if next := w.begin("there"); next == id {
			t.Error("a run that was backed out is taken up again")
		}
	})
}

// TestBackOutByHand: of a run that was not held, aborted half-way, and gone on with by a person's word alone.
func TestBackOutByHand(t *testing.T) {
	t.Parallel()
	books := map[string]string{"there": strings.Replace(there["there"], "  stop:", "  doze: {wait: 1h}\n  long: {wait: 90m}\n  nap: {needs: [doze], wait: 1h}\n  stop:", 1), "back": there["back"]}
	story(t, books, func(w *world) {
		id := w.begin("there")
		w.begin("back", chaired)
		w.wantRun(id, run.RunHeld)
		w.wantSteps("back-1", "unturn", "skipped", "unopen", "skipped", "start", "waiting-for-person")
		if n := len(w.actions.made()); n != 0 {
			t.Errorf("%d effects to undo nothing", n)
		}
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		w.wantSteps(id, "doze", "done", "nap", "waiting")
		w.do(runner.Command{Do: runner.DoAbort, Run: "back-1", As: "kombit/chair", Reason: "a mistake"})
		time.Sleep(time.Hour)
		synctest.Wait()
		w.wantSteps(id, "long", "done")
		w.wantRun(id, run.RunHeld) // not by itself, whatever ends in it
		if again := w.begin("there"); again != id {
			t.Fatalf("began %s", again)
		}
		w.wantRun(id, run.RunRunning)
		w.wantSteps(id, "nap", "running", "stop", "waiting-for-person")
	})
}

// TestGoDuringABackOut: a vote does not set a run going that is being undone.
func TestGoDuringABackOut(t *testing.T) {
	t.Parallel()
	books := map[string]string{"back": "  undo: {owner: ibm/operator, manual: Undo, undoes: first}\n",
		"late": "runbook: late\nback_out: back\nsteps:\n" + gated["late"]}
	story(t, books, func(w *world) {
		id := w.begin("late")
		w.do(vote("go", "no-go", chair))
		w.wantRun(id, run.RunHeld)
		w.begin("back", chaired)
		w.allGo("go", ibm, sse)
		w.wantRun(id, run.RunHeld)
		w.say("back-1", "undo", "done", ibm)
		w.wantRun(id, run.RunBacked)
	})
}

// TestSecondBackOut: an aborted back-out does not start again by itself for the same failure, but for a new one.
func TestSecondBackOut(t *testing.T) {
	t.Parallel()
	story(t, there, func(w *world) {
		w.sweeper.will(red)
		id := w.begin("there")
		w.say(id, "stop", "done", sse)
		w.wantRun("back-1", run.RunRunning)
		w.do(runner.Command{Do: runner.DoAbort, Run: "back-1", As: "kombit/chair", Reason: "we try again"})
		w.restart()
		if w.runState("back-2") != "" {
			t.Fatal("it is backed out again for the same failure")
		}
		time.Sleep(time.Second)
		w.say(id, "prove", "retry", "kombit/chair")
		w.wantSteps(id, "prove", "failed")
		w.wantRun("back-2", run.RunRunning)
	})
}

// TestBackOutByStart: to begin the runbook that undoes a live run is to back it out, whoever says it in whatever words.
func TestBackOutByStart(t *testing.T) {
	t.Parallel()
	story(t, there, func(w *world) {
		id := w.begin("there")
		start := runner.Command{Do: runner.DoStart, Runbook: "back"}
		for _, c := range []struct{ kind, as, reason, says string }{
			{runner.Usage, "", "", "needs a reason"},
			{runner.Usage, "kombit/chair", " ", "needs a reason"},
			{runner.Usage, "", "it smokes", "say which seat acts"},
			{runner.Forbidden, ibm, "it smokes", "only a seat of the customer backs out a run"},
		} {
			start.As, start.Reason = c.as, c.reason
			r := w.refused(c.kind, start)
			if !strings.Contains(r.Message, c.says) || len(r.Hints) != 1 || !strings.HasPrefix(r.Hints[0], "skift back-out "+id) {
				t.Errorf("as %q because %q: %s, %q", c.as, c.reason, r.Message, r.Hints)
			}
		}
		w.wantRun(id, run.RunRunning)
		w.begin("back", chaired)
		w.facts(func(f *ledger.Facts) {
			if got := f.Runs.Runs["back-1"].Started.Reason; got != "it smokes" {
				t.Errorf("it was begun because %q", got)
			}
		})
		if again := w.do(runner.Command{Do: runner.DoStart, Runbook: "back"}); !again.Resumed { // decided already
			t.Errorf("%+v", again)
		}
		w.begin("there", rehearsal, exttest)
		w.begin("back", rehearsal, exttest) // practised by whoever practises
	})
}

func TestPointOfNoReturn(t *testing.T) {
	t.Parallel()
	story(t, there, func(w *world) {
		id := w.begin("there")
		w.say(id, "stop", "done", sse)
		w.wantSteps(id, "open", "waiting-for-person")
		w.refused(runner.Refused, runner.Command{Do: runner.DoStart, Runbook: "back"})
		w.say(id, "open", "done", ibm)
		w.refused(runner.Refused, runner.Command{Do: runner.DoStart, Runbook: "back"})
		w.say(id, "shut", "fail", ibm)
		w.wantRun(id, run.RunHeld)
		if w.runState("back-1") != "" {
			t.Error("it was backed out after the point of no return")
		}
	})
}

// TestBackOutMovesOnlyWhatMoved: a partial go left the rest where an earlier weekend had put it.
func TestBackOutMovesOnlyWhatMoved(t *testing.T) {
	t.Parallel()
	books := map[string]string{"back": "  unturn: {owner: ibm/operator, command: [./unturn], undoes: turn}\n",
		"first": "  turn: {owner: ibm/operator, command: [./turn], switches: [gateway]}\n",
		"there": "runbook: there\nback_out: back\nsteps:\n  turn: {after_gate: strict, owner: ibm/operator, command: [./turn], switches: [gateway, sftp]}\n  more: {needs: [turn], owner: ibm/operator, manual: More}\n"}
	story(t, books, func(w *world) {
		w.begin("first")
		w.do(attest(runner.Command{}))
		w.do(vote("strict", "ready", ibm))
		w.do(runner.Command{Do: runner.DoVote, Gate: "strict", Answer: "go", As: chair, Services: []string{"sftp"}})
		w.begin("there")
		if w.phase("prod", "gateway") != "fallback" || w.phase("prod", "sftp") != "fallback" {
			t.Fatal("not switched")
		}
		w.wantRun(w.begin("back", chaired), run.RunDone)
		if w.phase("prod", "gateway") != "fallback" || w.phase("prod", "sftp") != "before" {
			t.Errorf("gateway %s, sftp %s", w.phase("prod", "gateway"), w.phase("prod", "sftp"))
		}
	})
}

// TestRehearsalInProduction: everything is asked and timed, nothing is executed, no phase moves, nothing is proven.
func TestRehearsalInProduction(t *testing.T) {
	t.Parallel()
	books := map[string]string{"all": `
  ask: {owner: sse/operator, manual: Ask}
  stop: {needs: [ask], owner: sse/operator, manual: Stop, change: transition, verify: [cert]}
  turn: {needs: [stop], after_gate: strict, owner: ibm/operator, command: [./turn], switches: [gateway]}
  post: {needs: [turn], owner: ibm/operator, http: {method: POST, url: "https://api.example/flip"}}
  get: {needs: [turn], http: {url: "https://api.example/state"}}
  copy: {needs: [turn], owner: sse/operator, sftp_copy: {from: {service: sftp, side: old, user: u, key: env:K, host_key: ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}, to: {service: sftp, side: new, user: u, key: env:K, host_key: ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}}}
  look: {needs: [post, get, copy], check: cert}
  tell: {needs: [look], message: {audience: steering, report: weekly}}
  in: {needs: [look], runbook: inner}
  doze: {needs: [look], wait: 1h}
  dry: {needs: [look], owner: ibm/operator, command: [./dry], rehearse: run, switches: [sftp]}
`, "inner": "  deep: {owner: ibm/operator, command: [./deep], closes: [sftp]}\n"}
	story(t, books, func(w *world) {
		id := w.begin("all", rehearsal, func(c *runner.Command) { c.Speed = 60 })
		w.say(id, "ask", "done", sse)
		w.say(id, "stop", "done", sse) // simulated: its checks would see that nothing was stopped
		if n := len(w.sweeper.causes()); n != 0 {
			t.Errorf("the checks of a simulated step were asked: %v", w.sweeper.causes())
		}
		w.wantSteps(id, "turn", "waiting")
		practise := func(answer, seat string) runner.Command {
			c := vote("strict", answer, seat)
			c.Run = id
			return c
		}
		w.refused(runner.Refused, practise("go", chair)) // the poll is asked in a rehearsal, too
		w.do(practise("ready", ibm))
		reply := w.do(practise("go", chair)) // nothing is attested: shown, not binding
		if c := reply.Judgement.Criteria[1]; c.State != "unmet" || c.Binding {
			t.Errorf("criterion in a rehearsal: %+v", c)
		}
		if g := w.gateFacts("strict", ""); g.Round != 0 {
			t.Errorf("the live gate was touched: %+v", g)
		}
		w.wantSteps(id, "turn", "waiting-for-person")
		for _, s := range []string{"turn", "post"} {
			w.say(id, s, "done", ibm)
		}
		w.say(id, "copy", "done", sse)
		w.wantSteps(id, "get", "done", "look", "done", "tell", "done", "doze", "running", "dry", "done")
		w.wantSteps("inner-1", "deep", "waiting-for-person")
		w.say("inner-1", "deep", "done", ibm)
		time.Sleep(time.Minute + time.Second) // an hour at speed 60
		synctest.Wait()
		w.wantRun(id, run.RunDone)
		want := []string{"all-1/get#1", "all-1/dry#1"} // a GET changes nothing, and one step asks to be run
		if d := cmp.Diff(want, w.actions.made()); d != "" {
			t.Errorf("effects (-want +got):\n%s", d)
		}
		if w.phase("prod", "gateway") != "before" || w.phase("prod", "sftp") != "before" {
			t.Error("a phase moved")
		}
		if n := w.count("report.queued"); n != 0 {
			t.Error("a mail was queued")
		}
		w.facts(func(f *ledger.Facts) {
			r := f.Runs.Runs[id]
			if r.Proves() || r.NoReturn {
				t.Errorf("it proves: %v, no return: %v", r.Proves(), r.NoReturn)
			}
		})
		w.refused(runner.Conflict, practise("ready", ibm))
	})
}

// TestRehearsalElsewhere really runs, and proves.
func TestRehearsalElsewhere(t *testing.T) {
	t.Parallel()
	story(t, there, func(w *world) {
		id := w.begin("there", rehearsal, exttest)
		if w.begin("there") == id {
			t.Error("a live run is not its rehearsal")
		}
		w.say(id, "stop", "done", sse)
		w.say(id, "open", "done", ibm)
		w.say(id, "shut", "done", ibm)
		w.wantRun(id, run.RunDone)
		if w.phase("exttest", "gateway") != "closed" || w.phase("prod", "gateway") != "before" {
			t.Error("phases are kept per environment")
		}
		w.facts(func(f *ledger.Facts) {
			if !f.Runs.Runs[id].Proves() {
				t.Error("it proves nothing")
			}
		})
		w.refused(runner.Usage, runner.Command{Do: runner.DoStart, Runbook: "there", Speed: 2})
	})
}

// TestFreeze: a change that a zone does not allow holds the run until the zone is over; the transition's own is allowed.
func TestFreeze(t *testing.T) {
	t.Parallel()
	yaml := strings.Replace(base, "milestones:\n", `milestones:
  zone: {kind: zone, from: 2000-01-01, until: "2000-01-02 12:00", allow: [transition]}
  nothing: {kind: zone, from: 2000-01-03, until: settled.passed, allow: []}
`, 1)
	books := map[string]string{"weekend": "  own: {owner: ibm/operator, command: [./x], change: transition}\n  wide: {needs: [own], owner: ibm/operator, command: [./y], change: scope}\n  slow: {owner: ibm/operator, manual: Slow}\n  last: {needs: [slow, wide], owner: ibm/operator, command: [./z], change: transition}\n"}
	tell(t, yaml, books, func(w *world) {
		other := w.begin("weekend", exttest)
		w.wantSteps(other, "wide", "done") // zones protect production
		id := w.begin("weekend")
		w.wantSteps(id, "own", "done", "wide", "waiting")
		w.wantRun(id, run.RunHeld)
		w.facts(func(f *ledger.Facts) {
			if r := f.Runs.Runs[id]; r.HeldStep != "wide" || !strings.Contains(r.Reason, "zone") {
				t.Errorf("held: %+v", r.Reason)
			}
		})
		time.Sleep(35 * time.Hour)
		synctest.Wait()
		w.wantRun(id, run.RunHeld)
		time.Sleep(time.Hour + time.Second)
		synctest.Wait()
		w.wantSteps(id, "wide", "done")
		w.wantRun(id, run.RunRunning)
		time.Sleep(24 * time.Hour)
		w.say(id, "slow", "done", ibm)
		w.wantRun(id, run.RunHeld) // this zone ends with an event
		w.restart()
		w.wantRun(id, run.RunHeld)
		before := w.ledger.Head()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if w.ledger.Head() != before {
			t.Error("it is written again and again that the zone is in force")
		}
		w.do(runner.Command{Do: runner.DoMilestone, Milestone: "settled", Answer: "pass", As: ibm})
		w.wantRun(id, run.RunDone)
	})
}

// TestFreezeAroundPractice: a rehearsal in production changes nothing that a zone protects.
func TestFreezeAroundPractice(t *testing.T) {
	t.Parallel()
	yaml := strings.Replace(base, "milestones:\n", "milestones:\n  zone: {kind: zone, from: 2000-01-01, until: 2000-01-05, allow: []}\n", 1)
	tell(t, yaml, map[string]string{"one": "  wide: {owner: ibm/operator, command: [./y], change: scope}\n"}, func(w *world) {
		id := w.begin("one", rehearsal)
		w.wantSteps(id, "wide", "waiting-for-person")
	})
}

func TestStopLeavesTheNextStepAlone(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"two": "  a: {owner: ibm/operator, command: [./a]}\n  b: {needs: [a], owner: ibm/operator, command: [./b]}\n"}, func(w *world) {
		finish := make(chan struct{})
		w.actions.will(func(context.Context, runner.Effect) (runner.Outcome, error) {
			<-finish
			return runner.Outcome{OK: true}, nil
		})
		id := w.begin("two")
		stopped := make(chan error)
		go func() { stopped <- w.stop() }()
		synctest.Wait() // told to stop, and a goes on to its end
		close(finish)
		if err := <-stopped; err != nil {
			t.Fatal(err)
		}
		w.actions.will(nil)
		w.start()
		w.wantRun(id, run.RunDone) // b was not begun by a process that would not do it
		if d := cmp.Diff([]string{"two-1/a#1", "two-1/b#1"}, w.actions.made()); d != "" {
			t.Errorf("effects (-want +got):\n%s", d)
		}
	})
}
