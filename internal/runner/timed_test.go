package runner_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
)

// later lets an hour, a day … go by.
func later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestNotBefore: a step waits for its date, whatever else is ready, and over a restart. Who practises does not wait.
func TestNotBefore(t *testing.T) {
	t.Parallel()
	books := map[string]string{"one": `
  date: {owner: ibm/operator, command: [./date], not_before: "2000-01-01 06:00"}
  event: {owner: ibm/operator, command: [./event], not_before: settled.passed + 2h}
  beside: {owner: ibm/operator, manual: Beside}
`}
	story(t, books, func(w *world) {
		id := w.begin("one")
		w.wantSteps(id, "date", "waiting", "event", "waiting", "beside", "waiting-for-person")
		later(6*time.Hour - time.Second)
		w.wantSteps(id, "date", "waiting")
		w.restart()
		w.wantSteps(id, "date", "waiting")
		later(2 * time.Second)
		w.wantSteps(id, "date", "done", "event", "waiting")
		w.do(runner.Command{Do: runner.DoMilestone, Milestone: "settled", Answer: "pass", As: ibm})
		later(2*time.Hour - time.Second)
		w.wantSteps(id, "event", "waiting")
		later(2 * time.Second)
		w.wantSteps(id, "event", "done")
		w.wantRun(id, run.RunRunning)
	})
	story(t, books, func(w *world) {
		w.wantSteps(w.begin("one", exttest), "date", "done", "event", "done")
		w.wantSteps(w.begin("one", rehearsal), "date", "waiting-for-person")
	})
}

// TestNotBeforeStandsBeforeTheGate: before its time a step asks nobody.
func TestNotBeforeStandsBeforeTheGate(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": `  a: {owner: ibm/operator, command: [./a], after_gate: go, not_before: "2000-01-02 00:00"}`}, func(w *world) {
		id := w.begin("one")
		asked := func() (n int) {
			w.facts(func(f *ledger.Facts) { n = f.Register.Gate(register.GateKey{Gate: "go"}).Round })
			return n
		}
		if n := asked(); n != 0 {
			t.Errorf("the gate was asked %d times before the step's time", n)
		}
		later(24*time.Hour + time.Second)
		if n := asked(); n != 1 {
			t.Errorf("the gate was asked %d times at the step's time", n)
		}
		w.allGo("go", ibm, sse)
		w.wantSteps(id, "a", "done")
	})
}

// TestNotAfter: a step whose time is over is held, with the reason, until a person decides; the rest of the run goes on.
func TestNotAfter(t *testing.T) {
	t.Parallel()
	books := map[string]string{"one": `
  ask: {owner: ibm/operator, manual: Ask}
  late: {needs: [ask], owner: ibm/operator, command: [./late], not_after: "2000-01-01 06:00"}
  next: {needs: [late], owner: ibm/operator, manual: Next}
  beside: {needs: [ask], owner: ibm/operator, manual: Beside}
`}
	for answer, state := range map[string]string{"skip": "skipped", "release": "done"} {
		story(t, books, func(w *world) {
			id := w.begin("one")
			later(7 * time.Hour)
			w.say(id, "ask", "done", ibm)
			w.wantRun(id, run.RunRunning)
			w.wantSteps(id, "late", "held", "next", "waiting", "beside", "waiting-for-person")
			if why := w.stepFacts(id, "late").Reason; why != "late may not begin after 2000-01-01 06:00 UTC (not_after: 2000-01-01 06:00)" {
				t.Errorf("held because %q", why)
			}
			later(6 * time.Hour)
			w.restart()
			if n := w.count(run.StepWasHeld); n != 1 {
				t.Errorf("it was held %d times while nothing happened", n)
			}
			w.say(id, "late", answer, ibm)
			w.wantSteps(id, "late", state, "next", "waiting-for-person")
		})
	}
	story(t, books, func(w *world) {
		id := w.begin("one")
		later(5 * time.Hour)
		w.say(id, "ask", "done", ibm)
		w.wantSteps(id, "late", "done")
	})
	story(t, books, func(w *world) { // released before its time is over, it is as late as any other
		id := w.begin("one")
		w.say(id, "late", "hold", ibm)
		w.say(id, "late", "release", ibm)
		later(7 * time.Hour)
		w.say(id, "ask", "done", ibm)
		w.wantSteps(id, "late", "held")
	})
}

// TestBackoff: the pauses grow up to the longest, and a restart neither shortens nor lengthens them.
func TestBackoff(t *testing.T) {
	t.Parallel()
	books := map[string]string{"one": "  go: {owner: ibm/operator, command: [./x], repeatable: true, on_failure: retry, retries: 4, backoff: 10s..30s}\n"}
	story(t, books, func(w *world) {
		w.actions.will(failing("go"))
		id := w.begin("one")
		began := time.Now()
		for try, at := range []time.Duration{10, 30, 60, 90} {
			w.wantSteps(id, "go", "waiting")
			w.wantRun(id, run.RunRunning)
			later(time.Until(began.Add(at*time.Second - time.Second)))
			if try == 2 {
				w.restart()
			}
			if n := len(w.actions.made()); n != try+1 {
				t.Errorf("after %v tried %d times, want %d", time.Since(began), n, try+1)
			}
			later(time.Second)
			if n := len(w.actions.made()); n != try+2 {
				t.Errorf("after %v tried %d times, want %d", time.Since(began), n, try+2)
			}
		}
		w.wantSteps(id, "go", "failed")
		w.wantRun(id, run.RunHeld)
		w.say(id, "go", "retry", ibm) // a person does not wait
		if n := len(w.actions.made()); n != 6 {
			t.Errorf("tried %d times, want 6", n)
		}
	})
}

// TestTimeouts: of a person, and of checks.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": `
  ask: {owner: ibm/operator, manual: Ask, timeout: 30m}
  look: {check: cert, timeout: 5m}
  proof: {owner: ibm/operator, command: [./x], verify: [cert]}
`}, func(w *world) {
		w.sweeper.will(func(ctx context.Context, _ runner.Sweep) (runner.Swept, error) {
			<-ctx.Done()
			return runner.Swept{}, context.Cause(ctx)
		})
		id := w.begin("one")
		later(5*time.Minute - time.Second)
		w.wantSteps(id, "ask", "waiting-for-person", "look", "running", "proof", "verifying")
		w.restart() // a person's time goes on, checks are asked anew
		later(5*time.Minute + time.Second)
		w.wantSteps(id, "ask", "waiting-for-person", "look", "failed")
		if why := w.stepFacts(id, "look").Reason; why != "the checks did not come to an end within 5m" {
			t.Errorf("failed because %q", why)
		}
		later(20*time.Minute + time.Second)
		w.wantSteps(id, "ask", "failed", "proof", "verifying")
		if why := w.stepFacts(id, "ask").Reason; why != "nobody said within 30m that it is done" {
			t.Errorf("failed because %q", why)
		}
		w.do(w.step(id, "ask", "done", ibm, "it was done in time"))
		later(time.Hour)
		w.wantSteps(id, "ask", "done", "proof", "failed")
	})
}

// TestHappened: what an interrupted effect becomes by the word of its idempotent_check, and by that of a person who was first.
func TestHappened(t *testing.T) {
	t.Parallel()
	blind := func(context.Context, runner.Sweep) (runner.Swept, error) {
		return runner.Swept{Summary: "no answer"}, nil
	}
	for _, c := range []struct {
		name, keys string
		sweep      func(context.Context, runner.Sweep) (runner.Swept, error)
		state      string
		run        run.State
		calls      int
		why        string
	}{
		{"it happened", "", nil, "done", run.RunDone, 1, "its checks say that it happened: all well"},
		{"it happened and is verified", ", verify: [other]", nil, "done", run.RunDone, 1, ""},
		{"it did not", "", red, "failed", run.RunHeld, 1, "its checks say that it did not happen; it can be tried again: 1 of 2"},
		{"it did not and may be repeated", ", repeatable: true", red, "done", run.RunDone, 2, "fine"},
		{"it did and may be repeated", ", repeatable: true", nil, "done", run.RunDone, 1, "its checks say that it happened"},
		{"nobody knows", "", blind, "uncertain", run.RunHeld, 1, "its checks cannot tell whether it happened: no answer"},
		{"nobody knows and it may be repeated", ", repeatable: true", blind, "uncertain", run.RunHeld, 1, "cannot tell"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			story(t, map[string]string{"one": "  go: {owner: ibm/operator, command: [./x], idempotent_check: [cert]" + c.keys + "}\n"}, func(w *world) {
				w.actions.will(blocking("go"))
				id := w.begin("one")
				w.sweeper.will(c.sweep)
				w.crash()
				w.actions.will(nil)
				w.start()
				w.wantSteps(id, "go", c.state)
				w.wantRun(id, c.run)
				if n := len(w.actions.made()); n != c.calls {
					t.Errorf("done %d times, want %d", n, c.calls)
				}
				if why := w.stepFacts(id, "go").Reason; !strings.Contains(why, c.why) {
					t.Errorf("%q does not say %q", why, c.why)
				}
				if asked := w.sweeper.asked[0]; !slices.Equal(asked.Checks, []string{"cert"}) {
					t.Errorf("asked %+v", asked)
				}
			})
		})
	}
}

// TestHappenedAsksLater: of an effect that was interrupted while the process lives on, of one whose process survives only once
// that is gone, and again after a restart; a person who answers first is right.
func TestHappenedAsksLater(t *testing.T) {
	t.Parallel()
	books := map[string]string{"one": "  go: {owner: ibm/operator, http: {method: POST, url: \"https://api.example/flip\"}, idempotent_check: [cert]}\n",
		"two": "  go: {owner: ibm/operator, command: [./x], idempotent_check: [cert]}\n"}
	story(t, books, func(w *world) {
		w.actions.will(func(context.Context, runner.Effect) (runner.Outcome, error) {
			return runner.Outcome{Uncertain: true, Summary: "no answer came"}, nil
		})
		id := w.begin("one")
		w.wantSteps(id, "go", "done")
		w.wantRun(id, run.RunDone)

		w.actions.will(func(ctx context.Context, e runner.Effect) (runner.Outcome, error) {
			if err := e.Launched(42, "boot"); err != nil {
				return runner.Outcome{}, err
			}
			<-ctx.Done()
			return runner.Outcome{Uncertain: true}, context.Cause(ctx)
		})
		id = w.begin("two")
		w.crash()
		w.actions.alive.Store(true)
		w.start()
		w.wantSteps(id, "go", "uncertain")
		if n := len(w.sweeper.causes()); n != 1 {
			t.Errorf("asked %d times while its process runs", n-1)
		}
		w.sweeper.will(func(ctx context.Context, _ runner.Sweep) (runner.Swept, error) {
			<-ctx.Done()
			return runner.Swept{}, context.Cause(ctx)
		})
		w.actions.alive.Store(false)
		w.restart()
		if n := len(w.sweeper.causes()); n != 2 {
			t.Errorf("asked %d times once it is gone, want once", n-1)
		}
		w.say(id, "go", "fail", ibm)
		w.sweeper.will(nil)
		w.restart()
		w.wantSteps(id, "go", "failed")
	})
}
