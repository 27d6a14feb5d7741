package runner_test

import (
	"context"
	"strings"
	"testing"

	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
)

// TestContradiction: what speaks against a step that is done is told once, never changes its state, and ends when its checks agree
// again or somebody answers for it.
func TestContradiction(t *testing.T) {
	t.Parallel()
	blind := func(context.Context, runner.Sweep) (runner.Swept, error) {
		return runner.Swept{Findings: []register.Finding{{Check: "cert", Side: "new", Code: "path_filtered_drop"}}}, nil
	}
	story(t, map[string]string{"one": `
  turn: {owner: ibm/operator, command: [./turn], verify: [cert]}
  plain: {owner: ibm/operator, command: [./plain]}
  next: {needs: [turn], owner: sse/operator, manual: Next}
`}, func(w *world) {
		doubt := func(env string) *run.Contradiction {
			t.Helper()
			if err := w.r.Doubt(t.Context(), env); err != nil {
				t.Fatal(err)
			}
			w.wantRun("one-1", run.RunRunning)
			w.wantSteps("one-1", "turn", "done", "plain", "done", "next", "waiting-for-person")
			return w.stepFacts("one-1", "turn").Contradiction
		}
		w.begin("one")
		before := w.ledger.Head()
		if c := doubt("prod"); c != nil {
			t.Errorf("contradicted by %+v", c)
		}
		w.refused(runner.Conflict, w.step("one-1", "turn", "accept", ibm, "why not"))
		w.sweeper.will(blind)
		if c := doubt("prod"); c != nil {
			t.Errorf("what was not observed contradicts: %+v", c)
		}
		w.sweeper.will(red)
		if c := doubt("exttest"); c != nil || w.ledger.Head() != before {
			t.Errorf("answers of another environment contradict, or something was written: %+v", c)
		}
		c := doubt("prod")
		if !c.Open() || c.Reason != "1 of 2" || !strings.Contains(c.Facts["finding.01"], "srv_expired") {
			t.Fatalf("contradiction %+v", c)
		}
		doubt("prod")
		w.sweeper.will(blind) // nobody knows whether it is over
		if c := doubt("prod"); !c.Open() || w.count(run.StepContradicted) != 1 {
			t.Error("it was told twice, or ended because nobody could look")
		}
		w.refused(runner.Usage, w.step("one-1", "turn", "accept", ibm, ""))
		w.refused(runner.Forbidden, w.step("one-1", "turn", "accept", sse, "not mine"))
		w.say("one-1", "turn", "accept", ibm)
		w.say("one-1", "turn", "accept", ibm)
		w.restart()
		w.sweeper.will(red)
		if c := doubt("prod"); c == nil || c.Open() || c.AcceptedBy.Seat != ibm || c.AcceptedReason != "because" || w.count(run.StepContradictionAccepted) != 1 {
			t.Errorf("accepted: %+v", c)
		}
		w.sweeper.will(nil)
		if c := doubt("prod"); c != nil {
			t.Errorf("its checks agree again: %+v", c)
		}
		w.sweeper.will(red)
		if c := doubt("prod"); !c.Open() || w.count(run.StepContradicted) != 2 {
			t.Error("it is not told a second time")
		}
		w.say("one-1", "next", "done", sse)
		w.wantRun("one-1", run.RunDone)
		w.sweeper.will(nil)
		if err := w.r.Doubt(t.Context(), "prod"); err != nil { // an ended run is left alone
			t.Error(err)
		}
	})
}
