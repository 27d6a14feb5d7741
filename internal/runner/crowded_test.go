package runner_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"skift/internal/run"
	"skift/internal/runner"
)

// TestInFlight: no more effects than are allowed are in flight at once, in all runs together; what waits starts as soon as there is room, also
// in a run in which nothing else happens. What is no effect does not wait for it.
func TestInFlight(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 9 {
		fmt.Fprintf(&many, "  s%d: {owner: ibm/operator, command: [./x]}\n", i)
	}
	many.WriteString("  ask: {owner: ibm/operator, manual: Ask}\n")
	books := map[string]string{"many": many.String(), "other": "  go: {owner: ibm/operator, command: [./y]}\n"}
	p := load(t, base, books)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p)
		w.inFlight = 3
		let := make(chan struct{})
		w.actions.will(func(ctx context.Context, _ runner.Effect) (runner.Outcome, error) {
			select {
			case <-let:
				return runner.Outcome{OK: true}, nil
			case <-ctx.Done(): // the test gave up
				return runner.Outcome{Uncertain: true}, context.Cause(ctx)
			}
		})
		w.start()
		id := w.begin("many")
		w.wantSteps(id, "s0", "running", "s2", "running", "s3", "waiting", "ask", "waiting-for-person")
		other := w.begin("other")
		w.wantSteps(other, "go", "waiting")
		for landed := 1; landed <= 10; landed++ {
			let <- struct{}{}
			synctest.Wait()
			if n, want := len(w.actions.made()), min(3+landed, 10); n != want {
				t.Fatalf("after %d have landed %d were begun, want %d", landed, n, want)
			}
		}
		w.wantRun(other, run.RunDone)
		w.say(id, "ask", "done", ibm)
		w.wantRun(id, run.RunDone)
		w.end()
	})
}

// TestRoomForAnotherRun: of two runs the one that waits is started by the end of the other one's last effect.
func TestRoomForAnotherRun(t *testing.T) {
	t.Parallel()
	p := load(t, base, map[string]string{"one": "  go: {owner: ibm/operator, command: [./x]}\n", "other": "  go: {owner: ibm/operator, command: [./y]}\n"})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p)
		w.inFlight = 1
		let := make(chan struct{})
		w.actions.will(func(context.Context, runner.Effect) (runner.Outcome, error) {
			<-let
			return runner.Outcome{OK: true}, nil
		})
		w.start()
		one, other := w.begin("one"), w.begin("other")
		w.wantSteps(other, "go", "waiting")
		close(let)
		synctest.Wait()
		w.wantRun(one, run.RunDone)
		w.wantRun(other, run.RunDone)
		w.end()
	})
}
