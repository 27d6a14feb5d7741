package runner_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"skift/internal/run"
	"skift/internal/runner"
)

const streams = `
  a: {owner: ibm/operator, stream: net, command: [./a]}
  b: {owner: ibm/operator, stream: files, needs: [a], command: [./b]}
  c: {owner: ibm/operator, stream: net, needs: [a], command: [./c]}
  d: {owner: ibm/operator, needs: [b, c], command: [./d]}
`

func pause(do, runID, stream, step string) runner.Command {
	return runner.Command{Do: do, Run: runID, Stream: stream, Step: step, As: "kombit/manager", Reason: "their phone is ringing"}
}

// lasting lets the named step last until it is told to end.
func lasting(step string) (do func(context.Context, runner.Effect) (runner.Outcome, error), end func()) {
	ended := make(chan struct{})
	return func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
		if e.Step.ID == step {
			<-ended
		}
		return runner.Outcome{OK: true}, nil
	}, func() { close(ended) }
}

// TestPauseRun: a pause stops what has not begun and nothing else, lasts over a restart, and ends by a word.
func TestPauseRun(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"streams": streams}, func(w *world) {
		do, end := lasting("a")
		w.actions.will(do)
		id := w.begin("streams")
		w.do(pause(runner.DoPause, id, "", ""))
		w.wantSteps(id, "a", "running")
		end()
		synctest.Wait()
		w.wantSteps(id, "a", "done", "b", "waiting", "c", "waiting")
		w.wantRun(id, run.RunRunning)
		before := w.ledger.Head()
		if r := w.do(pause(runner.DoPause, id, "", "")); !strings.Contains(r.Message, "is paused since") || w.ledger.Head() != before {
			t.Errorf("paused twice: %s", r.Message)
		}
		w.restart()
		w.wantSteps(id, "b", "waiting", "c", "waiting")
		w.do(pause(runner.DoResume, id, "", ""))
		w.wantRun(id, run.RunDone)
		w.refused(runner.Conflict, pause(runner.DoPause, id, "", ""))
	})
}

// TestPauseStream: one stream stands, the others go on.
func TestPauseStream(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"streams": streams}, func(w *world) {
		do, end := lasting("a")
		w.actions.will(do)
		id := w.begin("streams")
		w.do(pause(runner.DoPause, id, "net", ""))
		end()
		synctest.Wait()
		w.wantSteps(id, "a", "done", "b", "done", "c", "waiting", "d", "waiting")
		w.do(pause(runner.DoPause, id, "", ""))
		w.do(pause(runner.DoResume, id, "net", ""))
		w.wantSteps(id, "c", "waiting") // the run is paused still
		w.do(pause(runner.DoResume, id, "", ""))
		w.wantRun(id, run.RunDone)
	})
}

// TestPauseInside: a pause of a run, or of the stream of the step it is, holds for the run inside it.
func TestPauseInside(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{"", "net"} {
		story(t, map[string]string{"outer": "  in: {stream: net, runbook: inner}\n", "inner": `
  one: {owner: ibm/operator, manual: First}
  two: {owner: ibm/operator, needs: [one], command: [./two]}
`}, func(w *world) {
			id := w.begin("outer")
			w.do(pause(runner.DoPause, id, stream, ""))
			w.say("inner-1", "one", "done", "ibm/operator")
			w.wantSteps("inner-1", "one", "done", "two", "waiting")
			w.do(pause(runner.DoResume, id, stream, ""))
			w.wantRun(id, run.RunDone)
		})
	}
}

// TestPauseIsRefused: who may not, what is not there, and what makes no sense.
func TestPauseIsRefused(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"streams": streams}, func(w *world) {
		w.actions.will(blocking("a"))
		id := w.begin("streams")
		w.refused(runner.NotFound, pause(runner.DoPause, "nothing", "", ""))
		w.refused(runner.NotFound, pause(runner.DoPause, id, "nets", ""))
		w.refused(runner.NotFound, pause(runner.DoPause, id, "", "e"))
		w.refused(runner.Usage, pause(runner.DoPause, id, "net", "b"))
		w.refused(runner.Usage, runner.Command{Do: runner.DoPause, Run: id, Party: "ibm", Reason: "x"})
		w.refused(runner.Usage, runner.Command{Do: runner.DoPause, Party: "ibm", Stream: "net", Reason: "x"})
		w.refused(runner.Usage, runner.Command{Do: runner.DoPause, Run: id, As: "kombit/manager"})
		w.refused(runner.Usage, runner.Command{Do: runner.DoPause, Run: id, Reason: "x"})
		w.refused(runner.Forbidden, runner.Command{Do: runner.DoPause, Run: id, As: "ibm/operator", Reason: "x"})
		w.refused(runner.Usage, runner.Command{Do: runner.DoPause, Run: id, Step: "a", As: "ibm/operator"})
		w.refused(runner.Usage, runner.Command{Do: runner.DoPause, Run: id, Step: "a", Reason: "x"})
		w.refused(runner.Forbidden, runner.Command{Do: runner.DoPause, Run: id, Step: "a", As: "sse/operator", Reason: "x"})
		w.say(id, "b", "hold", "ibm/operator")
		w.say(id, "b", "skip", "ibm/operator")
		w.refused(runner.Conflict, pause(runner.DoPause, id, "", "b")) // nothing of it begins any more
	})
}

// TestHeldStep: nothing starts a held step but its release; it can be skipped. A repeat, and a release of what nobody holds, is told.
func TestHeldStep(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"streams": streams}, func(w *world) {
		do, end := lasting("a")
		w.actions.will(do)
		id := w.begin("streams")
		w.say(id, "b", "hold", "ibm/operator")
		w.say(id, "c", "hold", "ibm/operator")
		before := w.ledger.Head()
		for _, again := range []runner.Command{w.step(id, "b", "hold", "ibm/operator", "x"), pause(runner.DoPause, id, "", "b")} {
			if r := w.refused(runner.Conflict, again); !strings.Contains(r.Message, "b is held by ibm/operator already: ") {
				t.Errorf("held twice: %s", r.Message)
			}
		}
		if r := w.refused(runner.Conflict, w.step(id, "d", "release", "ibm/operator", "x")); !strings.Contains(r.Message, "nobody holds d: it is waiting") {
			t.Errorf("released although nobody holds it: %s", r.Message)
		}
		if w.ledger.Head() != before {
			t.Error("what was refused is in the journal")
		}
		end()
		synctest.Wait()
		w.restart()
		w.wantSteps(id, "a", "done", "b", "held", "c", "held")
		w.refused(runner.Forbidden, w.step(id, "b", "release", "sse/operator", "x"))
		w.refused(runner.Usage, w.step(id, "b", "release", "ibm/operator", ""))
		w.refused(runner.Conflict, w.step(id, "b", "retry", "ibm/operator", "x"))
		w.refused(runner.Conflict, w.step(id, "b", "done", "ibm/operator", "x"))
		w.refused(runner.Conflict, w.step(id, "a", "release", "ibm/operator", "x"))
		w.say(id, "b", "release", "ibm/operator")
		w.wantSteps(id, "b", "done", "c", "held", "d", "waiting")
		w.do(pause(runner.DoResume, id, "", "c")) // the same by another name
		w.wantRun(id, run.RunDone)
	})
	story(t, map[string]string{"streams": streams}, func(w *world) {
		w.actions.will(blocking("a"))
		id := w.begin("streams")
		w.say(id, "c", "hold", "ibm/operator")
		w.say(id, "c", "skip", "ibm/operator")
		w.wantSteps(id, "c", "skipped")
	})
}

// TestHeldRun: what a person holds goes on by a person's word only, whatever else was settled meanwhile.
func TestHeldRun(t *testing.T) {
	t.Parallel()
	hold := func(do, id, reason string) runner.Command {
		return runner.Command{Do: do, Run: id, As: "kombit/chair", Reason: reason}
	}
	story(t, map[string]string{"two": "  one: {owner: ibm/operator, command: [./one]}\n  two: {owner: ibm/operator, needs: [one], command: [./two]}\n"}, func(w *world) {
		w.actions.will(failing("one"))
		id := w.begin("two")
		w.wantRun(id, run.RunHeld)
		w.refused(runner.Refused, hold(runner.DoRelease, id, "go on"))
		w.do(hold(runner.DoHold, id, "we talk first"))
		if r := w.do(hold(runner.DoHold, id, "twice")); !strings.Contains(r.Message, "held by kombit/chair already: we talk first") {
			t.Error(r.Message)
		}
		w.actions.will(nil)
		w.say(id, "one", "retry", "ibm/operator")
		w.wantSteps(id, "one", "waiting", "two", "waiting") // the retry is granted, and waits with the run
		w.do(runner.Command{Do: runner.DoStart, Runbook: "two"})
		w.wantRun(id, run.RunHeld) // nor does a start release it
		w.restart()
		w.wantRun(id, run.RunHeld)
		w.refused(runner.Forbidden, runner.Command{Do: runner.DoRelease, Run: id, As: "ibm/operator", Reason: "x"})
		w.do(hold(runner.DoRelease, id, "all agree"))
		w.wantRun(id, run.RunDone)
	})
	story(t, map[string]string{"two": "  one: {owner: ibm/operator, command: [./one]}\n  two: {owner: ibm/operator, needs: [one], command: [./two]}\n"}, func(w *world) {
		w.actions.will(failing("one"))
		id := w.begin("two")
		w.do(hold(runner.DoHold, id, "we talk first"))
		if r := w.do(hold(runner.DoRelease, id, "all agree")); !strings.Contains(r.Message, "held still: one is failed") {
			t.Error(r.Message)
		}
		w.wantRun(id, run.RunHeld)
		w.actions.will(nil)
		w.say(id, "one", "retry", "ibm/operator") // and now by itself
		w.wantRun(id, run.RunDone)
	})
}

// TestAbortStops: what is in flight is stopped before the run ends, also inside it, and a process that survives is named.
func TestAbortStops(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"outer": "  in: {runbook: inner}\n  ask: {owner: ibm/operator, manual: Ask}\n", "inner": "  go: {owner: ibm/operator, command: [./go]}\n  end: {needs: [go], owner: ibm/operator, command: [./end]}\n"}, func(w *world) {
		w.actions.will(func(ctx context.Context, e runner.Effect) (runner.Outcome, error) {
			if err := e.Launched(42, "boot"); err != nil {
				return runner.Outcome{}, err
			}
			<-ctx.Done()
			return runner.Outcome{Uncertain: true, Summary: "stopped"}, context.Cause(ctx)
		})
		w.actions.alive.Store(true)
		id := w.begin("outer")
		abort := runner.Command{Do: runner.DoAbort, Run: id, As: "kombit/chair", Reason: "enough", Stop: true}
		w.refused(runner.Forbidden, runner.Command{Do: runner.DoAbort, Run: id, As: "ibm/operator", Reason: "enough", Stop: true})
		w.wantSteps("inner-1", "go", "running")
		if r := w.do(abort); r.Message != "outer-1 is aborted; the process of go (pid 42) still runs" {
			t.Error(r.Message)
		}
		w.wantRun(id, run.RunAborted)
		w.wantRun("inner-1", run.RunAborted)
		w.wantSteps(id, "in", "cancelled", "ask", "cancelled")
		w.wantSteps("inner-1", "go", "cancelled", "end", "cancelled")
		if why := w.stepFacts("inner-1", "go").Reason; why != "aborted; it was uncertain: stopped; its process (pid 42) still runs" {
			t.Error(why)
		}
		if made := w.actions.made(); len(made) != 1 {
			t.Errorf("effects %v", made)
		}
		w.refused(runner.Conflict, abort)
	})
}

// TestGivenUp: a run ends failed only by a person's word, and only when a step of it failed.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"two": "  one: {owner: ibm/operator, command: [./one]}\n  two: {owner: ibm/operator, needs: [one], manual: Two}\n"}, func(w *world) {
		id := w.begin("two")
		giveUp := runner.Command{Do: runner.DoAbort, Answer: "failed", Run: id, As: "kombit/chair", Reason: "not today"}
		w.refused(runner.Conflict, giveUp)
		w.say(id, "two", "fail", "ibm/operator")
		w.do(giveUp)
		w.wantRun(id, run.RunFailed)
	})
}
