package runner_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skift/internal/run"
	"skift/internal/runner"
)

const flaky = "  go: {owner: ibm/operator, command: [./go], repeatable: true, on_failure: retry, retries: 5, backoff: 10m}\n" +
	"  end: {needs: [go], owner: ibm/operator, command: [./end]}\n"

// TestPauseStepInFlight: what is in flight goes on, and no further attempt begins: not by itself, not by a person's word, not over a
// restart. Resumed, the next one begins when it would have.
func TestPauseStepInFlight(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": flaky}, func(w *world) {
		ended := make(chan bool)
		w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
			if e.Step.ID == "go" && e.Attempt == 1 {
				<-ended
			}
			return runner.Outcome{OK: e.Step.ID != "go" || e.Attempt > 2, Summary: "exit code 1"}, nil
		})
		id := w.begin("one")
		if r := w.do(pause(runner.DoPause, id, "", "go")); !strings.HasPrefix(r.Message, "go of one-1 is paused: what is in flight goes on, and no other attempt begins until") {
			t.Error(r.Message)
		}
		before := w.ledger.Head()
		if r := w.do(pause(runner.DoPause, id, "", "go")); !strings.Contains(r.Message, "is paused since") || w.ledger.Head() != before {
			t.Errorf("paused twice: %s", r.Message)
		}
		w.wantSteps(id, "go", "running")
		close(ended)
		synctest.Wait()
		w.wantSteps(id, "go", "waiting") // it failed, and is granted another attempt
		later(time.Hour)
		w.restart()
		later(time.Hour)
		w.wantSteps(id, "go", "waiting")
		w.wantRun(id, run.RunRunning)
		if made := w.actions.made(); len(made) != 1 {
			t.Errorf("a paused step began again: %v", made)
		}
		if r := w.do(pause(runner.DoResume, id, "", "go")); r.Message != "go of one-1 goes on; it is running" {
			t.Error(r.Message)
		}
		later(time.Hour) // the second fails, too, and the third succeeds by itself
		w.wantRun(id, run.RunDone)
		if r, err := w.try(pause(runner.DoResume, id, "", "go")); err == nil {
			t.Error(r.Message)
		}
	})
}

// TestPauseStepAndAPersonsRetry: a person's word grants the attempt; the pause keeps it from beginning, and the answer says so.
func TestPauseStepAndAPersonsRetry(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  go: {owner: ibm/operator, command: [./go]}\n"}, func(w *world) {
		w.actions.will(failing("go"))
		id := w.begin("one")
		w.wantSteps(id, "go", "failed")
		w.do(pause(runner.DoPause, id, "", "go"))
		w.actions.will(nil)
		r := w.do(w.step(id, "go", "retry", ibm, "the disk is there"))
		if !strings.Contains(r.Message, "go of one-1: waiting; it is paused and begins once that is over") {
			t.Error(r.Message)
		}
		w.wantSteps(id, "go", "waiting")
		w.do(pause(runner.DoResume, id, "", "go"))
		w.wantRun(id, run.RunDone)
	})
}

// TestPauseStepLosesItsProcess: a step that may be repeated, and is paused, is not begun again after its process was lost.
func TestPauseStepLosesItsProcess(t *testing.T) {
	t.Parallel()
	for _, paused := range []bool{false, true} {
		story(t, map[string]string{"one": "  go: {owner: ibm/operator, command: [./go], repeatable: true}\n"}, func(w *world) {
			w.actions.will(blocking("go"))
			id := w.begin("one")
			if paused {
				w.do(pause(runner.DoPause, id, "", "go"))
			}
			w.crash()
			w.actions.will(nil)
			w.start()
			if !paused {
				w.wantRun(id, run.RunDone)
				return
			}
			w.wantSteps(id, "go", "uncertain")
			if why := w.stepFacts(id, "go").Reason; !strings.HasSuffix(why, "; it is paused, so it was not begun again") {
				t.Error(why)
			}
			w.do(pause(runner.DoResume, id, "", "go"))
			w.wantSteps(id, "go", "uncertain")
			w.say(id, "go", "retry", ibm)
			w.wantRun(id, run.RunDone)
		})
	}
}

// TestPauseStepInside: a pause of the step that a run is holds for what begins in the run inside it.
func TestPauseStepInside(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"outer": "  in: {runbook: inner}\n", "inner": "  one: {owner: ibm/operator, manual: First}\n  two: {owner: ibm/operator, needs: [one], command: [./two]}\n"}, func(w *world) {
		id := w.begin("outer")
		w.do(pause(runner.DoPause, id, "", "in"))
		w.say("inner-1", "one", "done", ibm)
		w.wantSteps("inner-1", "two", "waiting")
		w.do(pause(runner.DoResume, id, "", "in"))
		w.wantRun(id, run.RunDone)
		if made := w.actions.made(); !slices.Equal(made, []string{"inner-1/two#1"}) {
			t.Errorf("done %v", made)
		}
	})
}
