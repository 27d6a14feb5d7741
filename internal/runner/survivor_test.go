package runner_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skift/internal/run"
	"skift/internal/runner"
)

// surviving leaves the process of one step behind, with nobody knowing what became of it; what else is done goes well.
func surviving(step string) func(context.Context, runner.Effect) (runner.Outcome, error) {
	return func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
		if e.Step.ID != step {
			return runner.Outcome{OK: true}, nil
		}
		return runner.Outcome{Uncertain: true}, e.Launched(42, "boot")
	}
}

// TestBackOutWaitsForTheProcess: what is undone must stand still, and a process that outlived its attempt does not.
func TestBackOutWaitsForTheProcess(t *testing.T) {
	t.Parallel()
	story(t, there, func(w *world) {
		w.actions.will(surviving("turn"))
		w.actions.alive.Store(true)
		id := w.begin("there")
		w.say(id, "stop", "done", sse)
		w.wantSteps(id, "turn", "uncertain")
		for _, c := range []runner.Command{
			{Do: runner.DoBackOut, Run: id, As: "kombit/chair", Reason: "it smokes"},
			{Do: runner.DoStart, Runbook: "back", As: "kombit/chair", Reason: "it smokes"},
		} {
			r := w.refused(runner.Conflict, c)
			if want := "the process of turn of " + id + " still runs (pid 42)"; r.Message != want || !strings.Contains(strings.Join(r.Hints, ""), "stop it") {
				t.Errorf("%s: %s %q, want %s", c.Do, r.Message, r.Hints, want)
			}
		}
		w.say(id, "turn", "fail", ibm) // whoever says so does not end it
		w.refused(runner.Conflict, runner.Command{Do: runner.DoBackOut, Run: id, As: "kombit/chair", Reason: "it smokes"})
		w.actions.alive.Store(false)
		w.do(runner.Command{Do: runner.DoBackOut, Run: id, As: "kombit/chair", Reason: "it smokes"})
		w.wantRun("back-1", run.RunRunning)
	})
}

// TestBackOutBeginsOnceTheProcessEnded: the one that a failed step asks for waits likewise, and nobody has to wake it.
func TestBackOutBeginsOnceTheProcessEnded(t *testing.T) {
	t.Parallel()
	story(t, there, func(w *world) {
		w.actions.will(surviving("beside"))
		w.actions.alive.Store(true)
		w.sweeper.will(red)
		id := w.begin("there")
		w.say(id, "stop", "done", sse)
		w.wantSteps(id, "prove", "failed", "beside", "uncertain")
		time.Sleep(time.Minute)
		synctest.Wait()
		if w.runState("back-1") != "" {
			t.Fatal("it is backed out beside a process that still changes it")
		}
		w.actions.alive.Store(false)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		w.wantRun("back-1", run.RunRunning)
	})
}

// TestHappenedAskedOnceTheProcessEnded: nothing but the end of the process wakes it, and it asks once.
func TestHappenedAskedOnceTheProcessEnded(t *testing.T) {
	t.Parallel()
	books := map[string]string{"one": "  go: {owner: ibm/operator, command: [./x], idempotent_check: [cert]}\n"}
	for name, restarted := range map[string]bool{"in one process": false, "after a restart": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, books, func(w *world) {
				w.actions.will(surviving("go"))
				w.actions.alive.Store(true)
				id := w.begin("one")
				if restarted {
					w.restart()
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				w.wantSteps(id, "go", "uncertain")
				if n := len(w.sweeper.causes()); n != 0 {
					t.Errorf("asked %d times while its process runs", n)
				}
				w.actions.alive.Store(false)
				time.Sleep(5 * time.Second)
				synctest.Wait()
				w.wantSteps(id, "go", "done")
				time.Sleep(time.Minute)
				synctest.Wait()
				if n := len(w.sweeper.causes()); n != 1 {
					t.Errorf("asked %d times once it had ended, want once", n)
				}
			})
		})
	}
}
