package runner_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
)

func TestManualChain(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"chain": `
  one: {owner: ibm/operator, manual: First}
  two: {needs: [one], owner: sse/operator, manual: Second}
  three: {needs: [one], owner: ibm/operator, manual: Third}
  four: {needs: [two, three], owner: ibm/operator, manual: Fourth}
`}, func(w *world) {
		id := w.begin("chain")
		w.wantSteps(id, "one", "waiting-for-person", "two", "waiting", "three", "waiting", "four", "waiting")
		w.say(id, "one", "done", "ibm/operator")
		w.wantSteps(id, "one", "done", "two", "waiting-for-person", "three", "waiting-for-person", "four", "waiting")
		w.say(id, "two", "done", "sse/operator")
		w.wantSteps(id, "four", "waiting")
		w.say(id, "three", "done", "ibm/operator")
		w.say(id, "four", "done", "ibm/operator")
		w.wantRun(id, run.RunDone)
		by := w.stepFacts(id, "two").By
		if d := cmp.Diff(journal.Actor{Seat: "sse/operator", Person: "p-sse", EnteredBy: "uid-1000", Via: "console"}, by); d != "" {
			t.Errorf("who did it (-want +got):\n%s", d)
		}
	})
}

// TestParallel: independent steps are in flight together.
func TestParallel(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"fan": `
  a: {owner: ibm/operator, command: [./a]}
  b: {owner: ibm/operator, command: [./b]}
  c: {needs: [a, b], owner: ibm/operator, command: [./c]}
`}, func(w *world) {
		together := make(chan struct{})
		w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
			if e.Step.ID == "a" {
				together <- struct{}{}
			} else if e.Step.ID == "b" {
				<-together
			}
			return runner.Outcome{OK: true}, nil
		})
		id := w.begin("fan")
		w.wantRun(id, run.RunDone)
		if n := len(w.actions.made()); n != 3 {
			t.Errorf("%d effects", n)
		}
	})
}

// TestEffect: what an effect gets to know, and what is kept of it.
func TestEffect(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": `
  go: {owner: ibm/operator, command: [./x], switches: [gateway]}
`}, func(w *world) {
		var got runner.Effect
		w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
			got = e
			return runner.Outcome{OK: true, Summary: "went \x1b[31mwell\x1b[0m for 010190-1234", Facts: map[string]string{"exit_code": "0"}, Output: []byte("said")}, e.Launched(42, "boot")
		})
		id := w.begin("one")
		w.wantRun(id, run.RunDone)
		want := map[string]string{"SKIFT_PLAN": "test", "SKIFT_RUN": "one-1", "SKIFT_STEP": "go", "SKIFT_ATTEMPT": "1",
			"SKIFT_ENVIRONMENT": "prod", "SKIFT_REHEARSAL": "false", "SKIFT_SERVICES": "gateway"}
		if d := cmp.Diff(want, got.Env); d != "" {
			t.Errorf("environment (-want +got):\n%s", d)
		}
		s := w.stepFacts(id, "go")
		if strings.ContainsAny(s.Reason, "\x1b") || strings.Contains(s.Reason, "010190") || !strings.Contains(s.Reason, "well") {
			t.Errorf("kept as %q", s.Reason)
		}
		if s.PID != 42 || s.Facts["exit_code"] != "0" || s.Output != "output/one-1.go.1.txt" || s.SHA256 != "hash of said" {
			t.Errorf("kept: %+v", s)
		}
		if w.phase("prod", "gateway") != "fallback" || w.phase("prod", "sftp") != "before" || w.phase("exttest", "gateway") != "before" {
			t.Error("phases")
		}
	})
}

// TestOutputThatCannotBeKept: what came of the step is known all the same, and whoever looks for its output learns where it is not.
func TestOutputThatCannotBeKept(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  go: {owner: ibm/operator, command: [./x]}\n"}, func(w *world) {
		w.drawer.full = true
		w.actions.will(func(context.Context, runner.Effect) (runner.Outcome, error) {
			return runner.Outcome{OK: true, Summary: "./x ended with exit code 0", Output: []byte("said")}, nil
		})
		id := w.begin("one")
		w.wantRun(id, run.RunDone)
		if s := w.stepFacts(id, "go"); s.Reason != "./x ended with exit code 0; its output was not kept: no space left on device" || s.Output != "" || s.SHA256 != "" {
			t.Errorf("kept: %q %q %q", s.Reason, s.Output, s.SHA256)
		}
	})
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	book := map[string]string{"one": "  go: {owner: ibm/operator, command: [./x]}\n"}
	for _, c := range []struct {
		name string
		do   func(context.Context, runner.Effect) (runner.Outcome, error)
		want run.StepState
	}{
		{"fine", nil, run.Done},
		{"failed", failing("go"), run.Failed},
		{"could not be tried", func(context.Context, runner.Effect) (runner.Outcome, error) {
			return runner.Outcome{}, errors.New("our bug")
		}, run.Failed},
		{"perhaps happened", func(context.Context, runner.Effect) (runner.Outcome, error) {
			return runner.Outcome{Uncertain: true}, nil
		}, run.Uncertain},
		{"perhaps happened, with an error", func(context.Context, runner.Effect) (runner.Outcome, error) {
			return runner.Outcome{Uncertain: true}, errors.New("lost")
		}, run.Uncertain},
		{"a bug of ours", func(context.Context, runner.Effect) (runner.Outcome, error) { panic("bug") }, run.Uncertain},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			story(t, book, func(w *world) {
				w.actions.will(c.do)
				id := w.begin("one")
				w.wantSteps(id, "go", string(c.want))
				if c.want == run.Done {
					w.wantRun(id, run.RunDone)
				} else {
					w.wantRun(id, run.RunHeld)
				}
			})
		})
	}
}

// TestVerbs: which word of a person is taken in which state, with which reason, from whom.
func TestVerbs(t *testing.T) {
	t.Parallel()
	books := map[string]string{"many": `
  ask: {owner: ibm/operator, manual: Do}
  boom: {owner: ibm/operator, command: [./boom]}
  lost: {owner: ibm/operator, command: [./lost]}
  busy: {owner: ibm/operator, command: [./busy]}
  later: {needs: [ask], owner: ibm/operator, manual: Then}
  turn: {needs: [ask], owner: ibm/operator, manual: Turn, switches: [gateway]}
  gated: {after_gate: go, owner: ibm/operator, manual: Gated}
  edge: {needs: [ask], owner: ibm/operator, manual: Edge, point_of_no_return: true}
  doze: {wait: 48h}
`}
	story(t, books, func(w *world) {
		w.actions.will(func(ctx context.Context, e runner.Effect) (runner.Outcome, error) {
			switch e.Step.ID {
			case "boom":
				return runner.Outcome{Summary: "exit 1"}, nil
			case "lost":
				return runner.Outcome{Uncertain: true}, nil
			}
			<-ctx.Done()
			return runner.Outcome{Uncertain: true}, context.Cause(ctx)
		})
		id := w.begin("many")
		w.wantSteps(id, "ask", "waiting-for-person", "boom", "failed", "lost", "uncertain", "busy", "running", "later", "waiting", "doze", "running")
		w.wantRun(id, run.RunHeld)
		const us = "ibm/operator"
		for _, c := range []struct{ kind, step, answer, seat, reason string }{
			{runner.Usage, "ask", "perhaps", us, "x"},
			{runner.Usage, "ask", "fail", us, ""},
			{runner.Usage, "ask", "skip", us, " "},
			{runner.Usage, "boom", "retry", us, ""},
			{runner.Usage, "ask", "done", "", "x"},
			{runner.Usage, "ask", "done", "ibm/nobody", "x"},
			{runner.Forbidden, "ask", "done", "sse/operator", "x"},
			{runner.NotFound, "asc", "done", us, "x"},
			{runner.Usage, "lost", "done", us, ""},
			{runner.Usage, "boom", "done", us, ""},
			{runner.Usage, "doze", "done", "kombit/chair", ""},
			{runner.Conflict, "busy", "done", us, "x"},
			{runner.Conflict, "busy", "fail", us, "x"},
			{runner.Conflict, "busy", "skip", us, "x"},
			{runner.Conflict, "busy", "retry", us, "x"},
			{runner.Conflict, "later", "done", us, "x"},
			{runner.Conflict, "later", "retry", us, "x"},
			{runner.Conflict, "ask", "retry", us, "x"},
			{runner.Conflict, "boom", "fail", us, "x"},
			{runner.Refused, "turn", "skip", us, "x"},
			{runner.Refused, "gated", "skip", us, "x"},
			{runner.Refused, "edge", "skip", us, "x"},
		} {
			w.refused(c.kind, w.step(id, c.step, c.answer, c.seat, c.reason))
		}
		w.refused(runner.NotFound, w.step("nothing", "ask", "done", us, ""))
		w.do(w.step("many", "ask", "done", "ibm/deputy", "")) // the owner's deputy, the only open run of the runbook
		w.wantSteps(id, "ask", "done", "later", "waiting")    // the run is held
		w.do(w.step(id, "boom", "done", "kombit/chair", "I saw it happen"))
		w.wantRun(id, run.RunHeld) // something else holds it still
		w.do(w.step(id, "lost", "skip", us, "not needed"))
		w.wantRun(id, run.RunRunning)
		w.wantSteps(id, "later", "waiting-for-person", "turn", "waiting-for-person")
		w.do(w.step(id, "doze", "done", "kombit/manager", "long enough"))
		w.wantSteps(id, "doze", "done")
	})
}

func TestFailAndRetry(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  go: {owner: ibm/operator, command: [./x]}\n"}, func(w *world) {
		w.actions.will(failing("go"))
		id := w.begin("one")
		w.actions.alive.Store(true)
		w.facts(func(f *ledger.Facts) {})
		w.wantRun(id, run.RunHeld)
		w.actions.will(nil)
		w.say(id, "go", "retry", "ibm/operator")
		w.wantRun(id, run.RunDone)
		if d := cmp.Diff([]string{"one-1/go#1", "one-1/go#2"}, w.actions.made()); d != "" {
			t.Errorf("effects (-want +got):\n%s", d)
		}
		w.refused(runner.Conflict, w.step(id, "go", "retry", "ibm/operator", "again"))
	})
}

// TestRetryWaitsForTheProcess: a second one is not started beside one that lives.
func TestRetryWaitsForTheProcess(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  go: {owner: ibm/operator, command: [./x]}\n"}, func(w *world) {
		w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
			return runner.Outcome{Uncertain: true}, e.Launched(42, "boot")
		})
		id := w.begin("one")
		w.actions.alive.Store(true)
		w.refused(runner.Conflict, w.step(id, "go", "retry", "ibm/operator", "again"))
		w.actions.alive.Store(false)
		w.actions.will(nil)
		w.say(id, "go", "retry", "ibm/operator")
		w.wantRun(id, run.RunDone)
	})
}

func TestOnFailure(t *testing.T) {
	t.Parallel()
	books := map[string]string{
		"hold":     "  go: {owner: ibm/operator, command: [./x], on_failure: hold}\n  next: {needs: [go], owner: ibm/operator, manual: Next}\n",
		"again":    "  go: {owner: ibm/operator, command: [./x], on_failure: retry, retries: 2, repeatable: true}\n",
		"continue": "  go: {owner: ibm/operator, command: [./x], on_failure: continue-with-reason}\n  next: {needs: [go], owner: ibm/operator, manual: Next}\n  beside: {owner: ibm/operator, manual: Beside}\n",
	}
	t.Run("hold", func(t *testing.T) {
		t.Parallel()
		story(t, books, func(w *world) {
			w.actions.will(failing("go"))
			id := w.begin("hold")
			w.wantRun(id, run.RunHeld)
			w.say(id, "go", "skip", "ibm/operator")
			w.wantRun(id, run.RunRunning)
			w.wantSteps(id, "next", "waiting-for-person")
		})
	})
	t.Run("retry", func(t *testing.T) {
		t.Parallel()
		story(t, books, func(w *world) {
			w.actions.will(failing("go"))
			id := w.begin("again")
			w.wantRun(id, run.RunHeld)
			if n := len(w.actions.made()); n != 3 {
				t.Errorf("tried %d times, want once and two retries", n)
			}
			w.say(id, "go", "retry", "ibm/operator") // a person may go on trying, it does not by itself
			if n := len(w.actions.made()); n != 4 {
				t.Errorf("tried %d times", n)
			}
		})
	})
	t.Run("continue", func(t *testing.T) {
		t.Parallel()
		story(t, books, func(w *world) {
			w.actions.will(failing("go"))
			id := w.begin("continue")
			w.wantRun(id, run.RunRunning)
			w.wantSteps(id, "go", "failed", "next", "waiting", "beside", "waiting-for-person")
			w.say(id, "beside", "done", "ibm/operator")
			w.wantRun(id, run.RunRunning) // it does not end with a failure nobody gave a reason for
			w.say(id, "go", "skip", "ibm/operator")
			w.say(id, "next", "done", "ibm/operator")
			w.wantRun(id, run.RunDone)
		})
	})
}

func TestVerify(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  stop: {owner: sse/operator, manual: Stop, verify: [cert]}\n"}, func(w *world) {
		w.sweeper.will(red)
		id := w.begin("one")
		w.say(id, "stop", "done", "sse/operator")
		w.wantSteps(id, "stop", "failed")
		w.wantRun(id, run.RunHeld)
		s := w.stepFacts(id, "stop")
		if !strings.Contains(s.Facts["finding.01"], "srv_expired") || s.Facts["observed"] != "true" {
			t.Errorf("why it failed is not kept: %v", s.Facts)
		}
		w.sweeper.will(nil)
		w.do(w.step(id, "stop", "done", "sse/operator", "fixed now"))
		w.wantRun(id, run.RunDone)
		if s = w.stepFacts(id, "stop"); s.By.Seat != "sse/operator" || s.Reason != "fixed now" {
			t.Errorf("who said done is forgotten: %+v %q", s.By, s.Reason)
		}
		if d := cmp.Diff([]string{"step stop of one-1", "step stop of one-1"}, w.sweeper.causes()); d != "" {
			t.Errorf("asked for (-want +got):\n%s", d)
		}
	})
}

// A program whose work is verified keeps what it wrote: the event of its end tells it too.
func TestVerifiedOutput(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  copy: {owner: sse/operator, command: [./copy], verify: [cert]}\n"}, func(w *world) {
		w.actions.will(func(context.Context, runner.Effect) (runner.Outcome, error) {
			return runner.Outcome{OK: true, Output: []byte("24 files\n")}, nil
		})
		id := w.begin("one")
		w.wantRun(id, run.RunDone)
		for _, e := range w.events() {
			var b run.Finished
			if e.Kind == run.StepFinished && (json.Unmarshal(e.Body, &b) != nil || b.Output == "" || b.SHA256 == "") {
				t.Errorf("step.finished says %s", e.Body)
			}
		}
	})
}

// Where one side has to agree, what the other answers counts for nothing.
func TestVerifyOfOneSide(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  stop: {owner: sse/operator, manual: Stop, verify: {checks: [cert], side: old}}\n"}, func(w *world) {
		w.sweeper.will(func(ctx context.Context, s runner.Sweep) (runner.Swept, error) {
			if s.Side == "old" {
				return runner.Swept{OK: true, Observed: true}, nil
			}
			return red(ctx, s)
		})
		id := w.begin("one")
		w.say(id, "stop", "done", "sse/operator")
		w.wantRun(id, run.RunDone)
	})
}

func TestCheckStep(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  look: {check: {suite: readiness, side: new, pairs: ok}}\n  tell: {needs: [look], owner: ibm/operator, manual: Tell}\n"}, func(w *world) {
		w.sweeper.will(red)
		id := w.begin("one")
		w.wantSteps(id, "look", "failed", "tell", "waiting")
		w.sweeper.will(func(context.Context, runner.Sweep) (runner.Swept, error) { panic("bug") })
		w.say(id, "look", "retry", "kombit/chair")
		w.wantSteps(id, "look", "failed")
		w.sweeper.will(nil)
		w.say(id, "look", "retry", "kombit/chair")
		w.wantSteps(id, "look", "done", "tell", "waiting-for-person")
		asked := w.sweeper.asked[0]
		if asked.Suite != "readiness" || asked.Side != "new" || !asked.Pairs || asked.Environment != "prod" {
			t.Errorf("asked %+v", asked)
		}
	})
}

func TestWaits(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"long": `
  hour: {wait: 1h}
  more: {needs: [hour], wait: 30m}
  day: {wait: {until: "2000-01-02 06:00"}}
  past: {wait: {until: "1999-12-31 06:00"}}
  event: {wait: {until: "settled.passed + 2h"}}
`}, func(w *world) {
		id := w.begin("long")
		w.wantSteps(id, "hour", "running", "more", "waiting", "day", "running", "past", "done", "event", "running")
		time.Sleep(time.Hour)
		synctest.Wait()
		w.wantSteps(id, "hour", "done", "more", "running")
		time.Sleep(30*time.Minute + time.Second)
		synctest.Wait()
		w.wantSteps(id, "more", "done", "day", "running")
		w.restart()
		time.Sleep(29 * time.Hour)
		synctest.Wait()
		w.wantSteps(id, "day", "done", "event", "running")
		w.do(runner.Command{Do: runner.DoMilestone, Milestone: "settled", Answer: "pass", As: "ibm/operator"})
		time.Sleep(2*time.Hour - time.Second)
		synctest.Wait()
		w.wantSteps(id, "event", "running")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		w.wantRun(id, run.RunDone)
	})
}

// TestIdleLoopSleeps: a run that waits for people costs nothing.
func TestIdleLoopSleeps(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  ask: {owner: ibm/operator, manual: Do}\n"}, func(w *world) {
		w.begin("one")
		before := w.ledger.Head()
		time.Sleep(6 * time.Hour) // a loop that spins would never let this bubble's clock go on
		synctest.Wait()
		if w.ledger.Head() != before {
			t.Error("something was decided while nothing happened")
		}
	})
}

func TestMessage(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  tell: {message: {audience: steering, report: weekly}}\n  next: {needs: [tell], owner: ibm/operator, manual: Next}\n"}, func(w *world) {
		w.reports.fail = errors.New("no template")
		id := w.begin("one")
		w.wantSteps(id, "tell", "failed")
		w.reports.fail = nil
		w.say(id, "tell", "retry", "kombit/chair")
		w.wantSteps(id, "tell", "done", "next", "waiting-for-person")
		mails, err := w.store.Messages(context.Background(), register.MessageFilter{})
		if err != nil || len(mails) != 1 || mails[0].State != register.MessageQueued || mails[0].ID != "steering.weekly.one-1.tell.2" {
			t.Fatalf("outbox: %+v, %v", mails, err)
		}
		events := w.events()
		for i, e := range events {
			if e.Kind == register.ReportQueued {
				if next := events[i+1]; next.Kind != run.StepFinished || next.At != e.At {
					t.Errorf("the mail and the step's end are two decisions: %+v", next)
				}
				if !strings.Contains(string(e.Body), "p-gone") {
					t.Error("who was not told is not said")
				}
			}
		}
	})
}

func TestNested(t *testing.T) {
	t.Parallel()
	books := map[string]string{
		"outer": "  in: {runbook: inner}\n  after: {needs: [in], owner: ibm/operator, manual: After}\n",
		"inner": "  do: {owner: ibm/operator, command: [./x], change: transition}\n  ask: {needs: [do], owner: ibm/operator, manual: Ask}\n",
	}
	t.Run("done", func(t *testing.T) {
		t.Parallel()
		story(t, books, func(w *world) {
			id := w.begin("outer")
			w.wantSteps("inner-1", "do", "done", "ask", "waiting-for-person")
			w.wantSteps(id, "in", "running", "after", "waiting")
			w.restart()
			w.say("inner-1", "ask", "done", "ibm/operator")
			w.wantRun("inner-1", run.RunDone)
			w.wantSteps(id, "in", "done", "after", "waiting-for-person")
			w.facts(func(f *ledger.Facts) {
				if !f.Runs.Runs[id].Changed {
					t.Error("what a nested run changed is forgotten around it")
				}
			})
		})
	})
	t.Run("aborted around it", func(t *testing.T) {
		t.Parallel()
		story(t, books, func(w *world) {
			id := w.begin("outer")
			w.do(runner.Command{Do: runner.DoAbort, Run: id, As: "kombit/chair", Reason: "not today"})
			w.wantRun(id, run.RunAborted)
			w.wantRun("inner-1", run.RunAborted)
			w.wantSteps("inner-1", "ask", "cancelled")
		})
	})
	t.Run("aborted inside", func(t *testing.T) {
		t.Parallel()
		story(t, books, func(w *world) {
			id := w.begin("outer")
			w.do(runner.Command{Do: runner.DoAbort, Run: "inner-1", As: "kombit/chair", Reason: "not today"})
			w.wantSteps(id, "in", "failed")
			w.wantRun(id, run.RunHeld)
			w.say(id, "in", "retry", "kombit/chair")
			w.wantSteps(id, "in", "running")
			w.say("inner-2", "ask", "done", "ibm/operator")
			w.wantSteps(id, "after", "waiting-for-person")
		})
	})
	t.Run("stands still with the run around it", func(t *testing.T) {
		t.Parallel()
		more := map[string]string{"inner": books["inner"], "outer": books["outer"] + "  beside: {owner: ibm/operator, manual: Beside}\n"}
		story(t, more, func(w *world) {
			id := w.begin("outer")
			w.say(id, "beside", "fail", "ibm/operator")
			w.wantRun(id, run.RunHeld)
			w.say("inner-1", "ask", "fail", "ibm/operator")
			w.say("inner-1", "ask", "retry", "ibm/operator")
			w.wantSteps("inner-1", "ask", "waiting")
			w.say(id, "beside", "retry", "ibm/operator")
			w.wantSteps("inner-1", "ask", "waiting-for-person")
		})
	})
}

func TestAbort(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  go: {owner: ibm/operator, command: [./x]}\n  ask: {owner: ibm/operator, manual: Ask}\n"}, func(w *world) {
		w.actions.will(blocking("go"))
		id := w.begin("one")
		abort := runner.Command{Do: runner.DoAbort, Run: id, As: "kombit/chair", Reason: "enough"}
		w.refused(runner.Conflict, abort) // an effect is in flight
		w.refused(runner.Forbidden, runner.Command{Do: runner.DoAbort, Run: id, As: "ibm/operator", Reason: "enough"})
		w.refused(runner.Usage, runner.Command{Do: runner.DoAbort, Run: id, As: "kombit/chair"})
		w.restart()
		w.do(abort)
		w.wantRun(id, run.RunAborted)
		w.wantSteps(id, "go", "cancelled", "ask", "cancelled")
		w.refused(runner.Conflict, abort)
		last := w.events()[len(w.events())-1]
		if last.Kind != run.RunEnded || last.Actor.Seat != "kombit/chair" || !strings.Contains(string(last.Body), "enough") {
			t.Errorf("who ended it and why: %+v %s", last.Actor, last.Body)
		}
	})
}

// TestFreeText: free text is made safe wherever it enters.
func TestFreeText(t *testing.T) {
	t.Parallel()
	story(t, nil, func(w *world) {
		w.do(runner.Command{Do: runner.DoLog, Reason: "call \x1b]8;;http://x\x07about 010190-1234\x1b[2J\u202e"})
		w.do(runner.Command{Do: runner.DoStatus, As: "kombit/manager", File: []byte("first 0101901234\nsecond \x1b[31mred")})
		w.facts(func(f *ledger.Facts) {
			for _, text := range []string{f.Register.Log[0].Text, f.Register.Note.Note} {
				if strings.ContainsAny(text, "\x1b\x07\u202e") || strings.Contains(text, "0101901234") || strings.Contains(text, "010190-1234") {
					t.Errorf("kept as %q", text)
				}
			}
			if !strings.Contains(f.Register.Note.Note, "\n") {
				t.Errorf("a note keeps its lines: %q", f.Register.Note.Note)
			}
		})
		r := w.refused(runner.Usage, runner.Command{Do: runner.DoStatus, As: "kombit/manager", File: []byte(strings.Repeat("æ", 3001))})
		if !strings.Contains(r.Message, "3001 characters; a report has room for 3000") {
			t.Error(r.Message)
		}
	})
}
