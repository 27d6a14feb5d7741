package runner_test

import (
	"strings"
	"testing"

	"skift/internal/ledger"
	"skift/internal/run"
	"skift/internal/runner"
)

const gatedBook = `runbook: weekend
back_out: back
steps:
  ask: {owner: ibm/operator, manual: Ready?}
  turn: {needs: [ask], after_gate: go, owner: ibm/operator, command: [./turn], change: transition, switches: [gateway]}
  look: {needs: [turn], owner: ibm/operator, manual: Look}
  open: {needs: [look], owner: ibm/operator, command: [./open], change: transition, point_of_no_return: true}
`

var gatedBooks = map[string]string{"weekend": gatedBook, "back": "  unturn: {owner: ibm/operator, command: [./unturn], undoes: turn}\n"}

func added(runID, step, text string, before ...string) runner.Command {
	return runner.Command{Do: runner.DoStep, Run: runID, Step: step, Answer: "add", As: "kombit/manager", Reason: "we forgot it", File: []byte(text), Before: before}
}

// TestAddedStep: it is done where it was put, others wait for it, it lasts over a restart, and the plan stays as it is.
func TestAddedStep(t *testing.T) {
	t.Parallel()
	story(t, gatedBooks, func(w *world) {
		id := w.begin("weekend")
		r := w.do(added(id, "phone", `{needs: [ask], owner: sse/operator, manual: "Phone them", takes: 10m}`, "turn"))
		if r.Message != "phone is added to weekend-1; it is waiting" {
			t.Error(r.Message)
		}
		w.allGo("go", "ibm/operator", "sse/operator")
		w.say(id, "ask", "done", "ibm/operator")
		w.wantSteps(id, "ask", "done", "phone", "waiting-for-person", "turn", "waiting")
		w.restart()
		w.wantSteps(id, "phone", "waiting-for-person", "turn", "waiting")
		w.refused(runner.Forbidden, w.step(id, "phone", "done", "ibm/operator", ""))
		w.say(id, "phone", "done", "sse/operator")
		w.wantSteps(id, "turn", "done", "look", "waiting-for-person")
		r = w.do(added(id, "mend", "needs: [turn]\nowner: ibm/operator\ncommand: [./mend]\nchange: transition\n", "open"))
		if !strings.HasSuffix(r.Message, "back does not undo it") {
			t.Error(r.Message)
		}
		w.wantSteps(id, "mend", "done")
		if made := strings.Join(w.actions.made(), " "); !strings.Contains(made, "weekend-1/mend#1") {
			t.Errorf("effects: %s", made)
		}
		w.say(id, "look", "done", "ibm/operator")
		w.wantRun(id, run.RunDone)
		w.facts(func(f *ledger.Facts) {
			if r := f.Runs.Runs[id]; r.Started.PlanHash != w.plan.Hash || len(r.Started.Steps) != 4 || len(r.Order) != 6 {
				t.Error("the plan of the run is another")
			}
		})
		if next := w.begin("weekend"); len(w.steps(next)) != 4 {
			t.Error("the next run has the step, too")
		}
	})
}

func (w *world) steps(id string) (out []string) {
	w.facts(func(f *ledger.Facts) { out = f.Runs.Runs[id].Order })
	return out
}

// TestAddedStepIsRefused: what is wrong as in any runbook, and what would be a way around.
func TestAddedStepIsRefused(t *testing.T) {
	t.Parallel()
	story(t, gatedBooks, func(w *world) {
		id := w.begin("weekend")
		const manual = "{owner: ibm/operator, manual: Do it}"
		for _, c := range []struct {
			kind, step, text string
			before           []string
			says             string
		}{
			{runner.Usage, "x", "", nil, "say what the step is"},
			{runner.Usage, "X", manual, nil, "no name of a step"},
			{runner.Conflict, "ask", manual, nil, "has a step"},
			{runner.NotFound, "x", manual, []string{"nothing"}, `no step "nothing"`},
			{runner.Refused, "x", manual, []string{"ask"}, "ask has begun"},
			{runner.Usage, "x", "{needs: [nothing], owner: ibm/operator, manual: x}", nil, `unknown step "nothing"`},
			{runner.Usage, "x", "{needs: [look], owner: ibm/operator, manual: x}", []string{"turn"}, "in a circle"},
			{runner.Usage, "x", "{owner: ibm/nobody, manual: x}", nil, "unknown seat"},
			{runner.Usage, "x", "{owner: ibm/operator, manual: x, manul: y}", nil, "manul"},
			{runner.Usage, "x", "{owner: ibm/operator, manual: [", nil, "x.yaml:1"},
			{runner.Usage, "x", "{verify: [nothing], owner: ibm/operator, manual: x}", nil, "nothing"},
			{runner.Usage, "x", "[]", nil, "x.yaml:1"},
			{runner.Usage, "x", "{needs: [turn], owner: ibm/operator, change: fix, http: {url: \"https://x.example\", ca: x.pem}}", nil, "names no file"},
			{runner.Refused, "x", "{needs: [turn], after_gate: strict, owner: ibm/operator, manual: x}", nil, "opens no gate"},
			{runner.Refused, "x", "{needs: [turn], point_of_no_return: true, owner: ibm/operator, manual: x}", nil, "no point of no return"},
			{runner.Refused, "x", "{needs: [turn], switches: [sftp], owner: ibm/operator, manual: x}", nil, "moves no service"},
			{runner.Refused, "x", "{needs: [turn], closes: [sftp], owner: ibm/operator, manual: x}", nil, "moves no service"},
			{runner.Refused, "x", "{runbook: back}", nil, "of kind runbook"},
			{runner.Refused, "x", "{needs: [turn], owner: ibm/operator, command: [./x]}", nil, "class of change"},
			{runner.Refused, "x", "{needs: [ask], owner: ibm/operator, command: [./x], change: transition}", nil, "before any gate"},
			{runner.Refused, "x", "{owner: ibm/operator, manual: x, change: transition}", nil, "before any gate"},
		} {
			if r := w.refused(c.kind, added(id, c.step, c.text, c.before...)); !strings.Contains(r.Message, c.says) {
				t.Errorf("%s: refused with %q, want %q", c.text, r.Message, c.says)
			}
		}
		theirs := added(id, "x", manual)
		theirs.As = "ibm/operator"
		w.refused(runner.Forbidden, theirs)
		w.do(added(id, "x", "{needs: [turn], owner: ibm/operator, command: [./x], change: transition}")) // it comes after the gate
	})
}
