package runner_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"skift/internal/journal"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/internal/store"
)

// TestLaunched: the process of a command is noted before it is waited for. The journal has it while a command goes on, and of a short
// one together with its end.
func TestLaunched(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"two": "  short: {owner: ibm/operator, command: [./x]}\n  long: {needs: [short], owner: ibm/operator, command: [./y]}\n"}, func(w *world) {
		end := make(chan struct{})
		w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
			if err := e.Launched(42, "boot"); err != nil {
				return runner.Outcome{}, err
			}
			if e.Step.ID == "long" {
				<-end
			}
			return runner.Outcome{OK: true}, nil
		})
		id := w.begin("two")
		if noted := w.launches.all(); len(noted) != 2 || noted[1] != (runner.Launch{Run: id, Step: "long", Attempt: 1, PID: 42, StartedAt: "boot"}) {
			t.Errorf("noted: %v", noted)
		}
		if s, l := w.stepFacts(id, "short"), w.stepFacts(id, "long"); s.PID != 42 || l.PID != 0 {
			t.Errorf("short has process %d and long %d, want 42 and not yet", s.PID, l.PID)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if l := w.stepFacts(id, "long"); l.PID != 42 || l.State != run.Running {
			t.Errorf("long is %s with process %d", l.State, l.PID)
		}
		close(end)
		synctest.Wait()
		w.wantRun(id, run.RunDone)
		var kinds []string
		if err := w.store.Events(context.Background(), 0, func(e journal.Event) error {
			if e.Subject == "short" {
				kinds = append(kinds, e.Kind)
			}
			return nil
		}); err != nil || len(kinds) != 3 || kinds[1] != run.StepLaunched {
			t.Errorf("of the short one the journal has %v, %v", kinds, err)
		}
	})
}

// TestNotNoted: a command whose process cannot be noted is stopped, for nobody would know of it after a crash.
func TestNotNoted(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  go: {owner: ibm/operator, command: [./x]}\n"}, func(w *world) {
		w.launches.fail = errors.New("no room")
		w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
			return runner.Outcome{Uncertain: true}, e.Launched(42, "boot")
		})
		id := w.begin("one")
		w.wantSteps(id, "go", "uncertain")
		if why := w.stepFacts(id, "go").Reason; why != "note process 42: no room" {
			t.Error(why)
		}
	})
}

// TestOneCommitPerStep: the end of a command and what begins because of it are one commit, and so is the process of a short one.
func TestOneCommitPerStep(t *testing.T) {
	t.Parallel()
	const steps = 40
	p := chainOf(t, steps)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p)
		var commits atomic.Int64
		w.options = store.Options{AfterCommit: func(int64) { commits.Add(1) }}
		w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
			return runner.Outcome{OK: true}, e.Launched(42, "boot")
		})
		w.start()
		before := commits.Load()
		w.wantRun(w.begin("chain"), run.RunDone)
		if n := commits.Load() - before; n != steps+1 { // that of the start, too
			t.Errorf("%d commits for %d commands one after the other", n, steps)
		}
		w.end()
	})
}
