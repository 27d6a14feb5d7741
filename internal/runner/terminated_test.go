package runner_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"skift/internal/run"
	"skift/internal/runner"
)

// terminated is a run that is told to stop in one of its states, and the state in which it must be found.
type terminated struct {
	name  string
	book  string
	to    func(w *world, id string) // brings it there
	state run.StepState             // of the step "it", when it is told to stop
	left  run.StepState             // and afterwards; "" = the same
	first bool                      // before the run begins
	force bool                      // it is told twice
	times int                       // how often the effect of "it" has begun in the end
}

func terminations() []terminated {
	const command = "  it: {owner: ibm/operator, command: [./it]}\n"
	nothing := func(*world, string) {}
	endless := func(w *world, _ string) { w.actions.will(blocking("it")) }
	silent := func(w *world) {
		w.sweeper.will(func(ctx context.Context, _ runner.Sweep) (runner.Swept, error) {
			<-ctx.Done()
			return runner.Swept{}, context.Cause(ctx)
		})
	}
	return []terminated{
		{name: "waiting for its needs", book: "  first: {owner: ibm/operator, manual: First}\n  it: {needs: [first], owner: ibm/operator, command: [./it]}\n", to: nothing, state: run.Waiting, times: 1},
		{name: "waiting for its time", book: "  it: {owner: ibm/operator, command: [./it], not_before: \"2000-01-01 01:00\"}\n", to: nothing, state: run.Waiting, times: 1},
		{name: "waiting for its gate", book: "  it: {owner: ibm/operator, command: [./it], after_gate: go}\n", to: nothing, state: run.Waiting, times: 1},
		{name: "startable, and paused", book: "  first: {owner: ibm/operator, manual: First}\n  it: {needs: [first], owner: ibm/operator, command: [./it]}\n",
			to: func(w *world, id string) {
				w.do(pause(runner.DoPause, id, "", ""))
				w.say(id, "first", "done", ibm)
			}, state: run.Waiting, times: 1},
		{name: "waiting to be tried again", book: "  it: {owner: ibm/operator, command: [./it], repeatable: true, on_failure: retry, retries: 3, backoff: 1h}\n",
			to: func(w *world, _ string) { w.actions.will(failing("it")) }, state: run.Waiting, first: true, times: 2},
		{name: "held", book: "  first: {owner: ibm/operator, manual: First}\n  it: {needs: [first], owner: ibm/operator, command: [./it]}\n",
			to: func(w *world, id string) { w.say(id, "it", "hold", ibm) }, state: run.Held, times: 1},
		{name: "waiting for a person", book: "  it: {owner: ibm/operator, manual: It}\n", to: nothing, state: run.WaitingForPerson},
		{name: "waiting for a while", book: "  it: {wait: 1h}\n", to: nothing, state: run.Running, first: true},
		{name: "waiting for a check", book: "  it: {wait: {check: cert, every: 1m, timeout: 24h}}\n", to: func(w *world, _ string) { silent(w) }, state: run.Running, first: true},
		{name: "asking checks", book: "  it: {check: cert}\n", to: func(w *world, _ string) { silent(w) }, state: run.Running, first: true},
		{name: "verifying", book: "  it: {owner: ibm/operator, manual: It, verify: [cert]}\n",
			to: func(w *world, id string) { silent(w); w.say(id, "it", "done", ibm) }, state: run.Verifying},
		{name: "a run inside it", book: "  it: {runbook: inner}\n", to: nothing, state: run.Running, first: true},
		{name: "a command that ends in time", book: command, to: func(w *world, _ string) {
			w.actions.will(func(ctx context.Context, _ runner.Effect) (runner.Outcome, error) {
				select {
				case <-time.After(time.Minute):
					return runner.Outcome{OK: true}, nil
				case <-ctx.Done():
					return runner.Outcome{Uncertain: true}, context.Cause(ctx)
				}
			})
		}, state: run.Running, first: true, left: run.Done, times: 1},
		{name: "a command that does not end", book: command, to: endless, state: run.Running, first: true, left: run.Uncertain, force: true, times: 1},
		{name: "a request", book: "  it: {owner: ibm/operator, http: {method: POST, url: \"https://api.example/it\"}}\n", to: endless, state: run.Running, first: true, left: run.Uncertain, force: true, times: 1},
		{name: "failed", book: command, to: func(w *world, _ string) { w.actions.will(failing("it")) }, state: run.Failed, first: true, times: 2},
		{name: "uncertain", book: command, to: func(w *world, _ string) {
			w.actions.will(func(context.Context, runner.Effect) (runner.Outcome, error) {
				return runner.Outcome{Uncertain: true}, nil
			})
		}, state: run.Uncertain, first: true, times: 1},
		{name: "asked whether it happened", book: "  it: {owner: ibm/operator, command: [./it], idempotent_check: [cert]}\n", to: func(w *world, _ string) {
			silent(w)
			w.actions.will(func(context.Context, runner.Effect) (runner.Outcome, error) {
				return runner.Outcome{Uncertain: true}, nil
			})
		}, state: run.Uncertain, first: true, times: 1},
	}
}

// TestTerminatedInEachState: told to stop, a process ends in time whatever a step of it is at; everything is in a state with a name, and
// the same command goes on with it. Nothing is done twice but what a person, or the step itself, wants tried again.
func TestTerminatedInEachState(t *testing.T) {
	t.Parallel()
	seen := map[run.StepState]bool{}
	for _, c := range terminations() {
		seen[c.state], seen[c.left] = true, true
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inner := "  one: {owner: ibm/operator, manual: One}\n  two: {needs: [one], owner: ibm/operator, command: [./two]}\n"
			story(t, map[string]string{"small": c.book + "  last: {needs: [it], owner: ibm/operator, command: [./last]}\n", "inner": inner}, func(w *world) { c.tell(w) })
		})
	}
	for _, state := range []run.StepState{run.Waiting, run.Held, run.WaitingForPerson, run.Running, run.Verifying, run.Failed, run.Uncertain, run.Done} {
		if !seen[state] {
			t.Errorf("none of them is %s", state)
		}
	}
}

func (c terminated) tell(w *world) {
	t := w.t
	id := "small-1"
	if c.first { // what it meets must be so before it begins
		c.to(w, id)
	}
	if got := w.begin("small"); got != id {
		t.Fatalf("%s began", got)
	}
	if !c.first {
		c.to(w, id)
	}
	w.wantSteps(id, "it", string(c.state), "last", "waiting")
	began := time.Now()
	end := w.stop
	if c.force {
		end = w.kill
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v to end", took)
	}
	left := c.left
	if left == "" {
		left = c.state
	}
	w.wantSteps(id, "it", string(left))
	w.actions.will(nil)
	w.sweeper.will(nil)
	w.start()
	if !w.runState(id).Final() { // it may have been through with it by itself
		if reply := w.do(runner.Command{Do: runner.DoStart, Runbook: "small"}); !reply.Resumed || reply.Run != id {
			t.Errorf("the same command began %s (resumed: %v)", reply.Run, reply.Resumed)
		}
	}
	synctest.Wait()
	for _, let := range []runner.Command{pause(runner.DoResume, id, "", ""), w.step(id, "it", "release", ibm, "go on")} {
		_, _ = w.try(let) // where it was paused or held
	}
	people(w)
	w.wantRun(id, run.RunDone)
	times := 0
	for _, call := range w.actions.made() {
		if effectOf(call) == id+"/it" {
			times++
		}
	}
	if times != c.times || !slices.Contains(w.actions.made(), id+"/last#1") {
		t.Errorf("done %v, want it %d times", w.actions.made(), c.times)
	}
}
