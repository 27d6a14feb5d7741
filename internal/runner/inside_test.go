package runner_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/internal/gate"
	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
)

// whole is a cut-over in which the work on the platform is a runbook inside, with a back-out of its own.
var whole = map[string]string{
	"whole": `runbook: whole
back_out: whole-back
steps:
  stop: {owner: sse/operator, manual: Stop}
  part: {needs: [stop], runbook: part}
  prove: {needs: [part], owner: ibm/operator, manual: Prove}
  more: {needs: [part], owner: ibm/operator, command: [./more], switches: [gateway, sftp]}
  open: {needs: [prove, more], owner: ibm/operator, manual: Open, point_of_no_return: true}
`,
	"part": `runbook: part
back_out: part-back
steps:
  load: {owner: ibm/operator, command: [./load]}
  turn: {needs: [load], after_gate: strict, owner: ibm/operator, command: [./turn], switches: [gateway, sftp]}
  settle: {needs: [turn], owner: ibm/operator, manual: Settle}
  never: {needs: [settle], owner: ibm/operator, manual: Last}
`,
	"part-back": `
  unlast: {owner: ibm/operator, manual: Take the last back, undoes: never}
  unturn: {needs: [unlast], owner: ibm/operator, command: [./unturn], undoes: turn}
  unload: {needs: [unturn], owner: ibm/operator, command: [./unload], undoes: load}
`,
	"whole-back": `
  unmore: {owner: ibm/operator, command: [./unmore], undoes: more}
  part-back: {needs: [unmore], runbook: part-back, undoes: part}
  start: {needs: [part-back], owner: sse/operator, manual: Start again, undoes: stop}
`,
}

// strictGo votes the gate of the inner runbook to a go for some services; none = all.
func (w *world) strictGo(services ...string) {
	w.t.Helper()
	w.do(attest(runner.Command{}))
	w.do(vote("strict", "ready", ibm))
	w.do(runner.Command{Do: runner.DoVote, Gate: "strict", Answer: "go", As: chair, Services: services})
}

// TestBackOutWithARunInside: the back-out of the whole backs out the part as its own back-out says. Only what was begun is undone, last first,
// and the phases go back that the part moved, those alone.
func TestBackOutWithARunInside(t *testing.T) {
	t.Parallel()
	story(t, whole, func(w *world) {
		id := w.begin("whole")
		w.say(id, "stop", "done", sse)
		w.strictGo("sftp")
		w.wantSteps("part-1", "turn", "done", "settle", "waiting-for-person")
		w.wantPhases("before", "fallback")
		back := w.begin("whole-back", chaired)
		w.wantSteps(back, "unmore", "skipped", "part-back", "done", "start", "waiting-for-person")
		w.wantSteps("part-back-1", "unlast", "skipped", "unturn", "done", "unload", "done")
		w.wantPhases("before", "before")
		w.refused(runner.Conflict, w.step("part-1", "settle", "done", ibm, "it is")) // nothing else happens there meanwhile
		w.say(back, "start", "done", sse)
		w.wantRun(back, run.RunDone)
		w.wantRun(id, run.RunBacked)
		w.wantRun("part-1", run.RunBacked)
		if d := cmp.Diff([]string{"part-1/load#1", "part-1/turn#1", "part-back-1/unturn#1", "part-back-1/unload#1"}, w.actions.made()); d != "" {
			t.Errorf("effects (-want +got):\n%s", d)
		}
		if d := cmp.Diff([]string{"sftp before"}, w.moved("part-back-1")); d != "" {
			t.Errorf("moved back (-want +got):\n%s", d)
		}
	})
}

// TestBackOutBeforeTheRunInside: a part that was never begun is not undone, also where the back-out does not say which step it undoes.
func TestBackOutBeforeTheRunInside(t *testing.T) {
	t.Parallel()
	for _, undoes := range []string{", undoes: part}", "}"} {
		books := map[string]string{"whole": whole["whole"], "part": whole["part"], "part-back": whole["part-back"],
			"whole-back": strings.Replace(whole["whole-back"], ", undoes: part}", undoes, 1)}
		story(t, books, func(w *world) {
			id := w.begin("whole")
			back := w.begin("whole-back", chaired)
			w.say(back, "start", "done", sse)
			w.wantRun(id, run.RunBacked)
			if n := len(w.actions.made()); n != 0 {
				t.Errorf("%d effects to undo nothing: %v", n, w.actions.made())
			}
		})
	}
}

// TestBackOutByOneStep: where one step of the back-out undoes a whole part, its done moves back what the part had moved, in any attempt.
func TestBackOutByOneStep(t *testing.T) {
	t.Parallel()
	books := map[string]string{"whole": whole["whole"], "part": strings.Replace(whole["part"], "back_out: part-back\n", "", 1),
		"whole-back": "  unpart: {owner: ibm/operator, command: [./unpart], undoes: part}\n"}
	story(t, books, func(w *world) {
		id := w.begin("whole")
		w.say(id, "stop", "done", sse)
		w.strictGo("sftp")
		w.do(runner.Command{Do: runner.DoAbort, Run: "part-1", As: chair, Reason: "once more"})
		w.say(id, "part", "retry", chair)
		w.strictGo()
		w.wantPhases("fallback", "fallback")
		back := w.begin("whole-back", chaired)
		w.wantRun(back, run.RunDone)
		w.wantRun(id, run.RunBacked)
		w.wantPhases("before", "before")
	})
}

// TestBackOutOfThePartAlone: a part is backed out while the whole stands, which then does it again.
func TestBackOutOfThePartAlone(t *testing.T) {
	t.Parallel()
	story(t, whole, func(w *world) {
		id := w.begin("whole")
		w.say(id, "stop", "done", sse)
		w.strictGo()
		w.wantPhases("fallback", "fallback")
		w.wantRun(w.begin("part-back", chaired), run.RunDone)
		w.wantRun("part-1", run.RunBacked)
		w.wantPhases("before", "before")
		w.wantSteps(id, "part", "failed")
		w.wantRun(id, run.RunHeld)
		w.say(id, "part", "retry", chair)
		w.wantSteps("part-2", "load", "done", "turn", "waiting") // the go was for the part that was backed out
		w.strictGo()
		w.wantSteps("part-2", "settle", "waiting-for-person")
		w.wantPhases("fallback", "fallback")
	})
}

// TestNoPartGoesBackAlone: past the point of no return of the whole, and while the whole is backed out, no part of it is backed out by itself.
func TestNoPartGoesBackAlone(t *testing.T) {
	t.Parallel()
	beside := map[string]string{"part": whole["part"], "part-back": whole["part-back"], "whole": `runbook: whole
back_out: whole-back
steps:
  part: {runbook: part}
  open: {owner: ibm/operator, manual: Open, point_of_no_return: true}
`, "whole-back": "  unpart: {owner: ibm/operator, manual: Take it back, undoes: part}\n"}
	story(t, beside, func(w *world) {
		w.begin("whole")
		w.strictGo()
		r := w.refused(runner.Refused, runner.Command{Do: runner.DoStart, Runbook: "part-back"})
		if !strings.Contains(r.Message, "whole-1 has passed its point of no return") {
			t.Error(r.Message)
		}
	})
	story(t, whole, func(w *world) {
		id := w.begin("whole")
		w.say(id, "stop", "done", sse)
		w.strictGo()
		books := w.begin("whole-back", chaired)
		w.wantSteps(books, "start", "waiting-for-person")
		w.refused(runner.Conflict, runner.Command{Do: runner.DoStart, Runbook: "part-back"})
	})
}

// TestGoReachesInside: a go for some services counts for the run inside, and one that is given inside for what comes after it around.
func TestGoReachesInside(t *testing.T) {
	t.Parallel()
	outside := map[string]string{"outer": "  in: {after_gate: strict, runbook: inner}\n", "inner": "  turn: {owner: ibm/operator, command: [./turn], switches: [gateway, sftp]}\n"}
	story(t, outside, func(w *world) {
		id := w.begin("outer")
		w.strictGo("sftp")
		w.wantRun(id, run.RunDone)
		w.wantPhases("before", "fallback")
	})
	story(t, whole, func(w *world) {
		id := w.begin("whole")
		w.say(id, "stop", "done", sse)
		w.strictGo("gateway")
		w.say("part-1", "settle", "done", ibm)
		w.say("part-1", "never", "done", ibm)
		w.wantSteps(id, "more", "done")
		w.wantPhases("fallback", "before")
	})
}

// TestGateInside: the plan's gate is asked by a run inside. Its no-go ends the whole while nothing is changed; later the whole stands until the
// step is tried again, which asks once more.
func TestGateInside(t *testing.T) {
	t.Parallel()
	books := map[string]string{"inner": "  ask: {after_gate: strict, owner: ibm/operator, manual: Do}\n", "outer": "  in: {runbook: inner}\n",
		"late": "  turn: {owner: ibm/operator, command: [./turn]}\n  in: {needs: [turn], runbook: inner}\n"}
	story(t, books, func(w *world) {
		id := w.begin("outer")
		if j := w.judge("strict"); j.State != gate.Open || j.Round != 1 {
			t.Fatalf("the gate is %s in round %d", j.State, j.Round)
		}
		w.do(vote("strict", "no-go", chair))
		w.wantRun("inner-1", run.RunNoGo)
		w.wantRun(id, run.RunNoGo)
	})
	story(t, books, func(w *world) {
		id := w.begin("late")
		w.do(vote("strict", "no-go", chair))
		w.wantRun("inner-1", run.RunNoGo)
		w.wantSteps(id, "in", "failed")
		w.wantRun(id, run.RunHeld)
		w.restart()
		w.strictGo() // voted again: for whoever asks next
		w.wantRun(id, run.RunHeld)
		w.say(id, "in", "retry", ibm)
		w.say("inner-2", "ask", "done", ibm)
		w.wantRun(id, run.RunDone)
		w.facts(func(f *ledger.Facts) {
			if used := f.Register.GatesUsed("inner-2"); len(used) != 1 {
				t.Errorf("it went through %v", used)
			}
		})
	})
	story(t, books, func(w *world) { // practised in the run inside, not in the plan
		id := w.begin("outer", exttest, rehearsal)
		if g := w.gateFacts("strict", ""); g.Round != 0 {
			t.Errorf("the plan's gate was asked: %+v", g)
		}
		practise := vote("strict", "ready", ibm)
		practise.Run = "inner-1"
		w.do(practise)
		practise.Answer, practise.As = "go", chair
		w.do(practise)
		w.say("inner-1", "ask", "done", ibm)
		w.wantRun(id, run.RunDone)
	})
}

// TestTakenOver: what a run had moved that was given up is moved, and taken back, by the run that goes on in its place.
func TestTakenOver(t *testing.T) {
	t.Parallel()
	books := map[string]string{"there": there["there"], "back": there["back"]}
	story(t, books, func(w *world) {
		first := w.begin("there")
		w.say(first, "stop", "done", sse)
		w.wantPhases("fallback", "fallback")
		first = w.replace(first, "there")
		w.say(first, "stop", "done", sse)
		w.wantPhases("fallback", "fallback")
		w.facts(func(f *ledger.Facts) {
			if d := cmp.Diff([]string{"gateway", "sftp"}, f.Runs.Runs[first].Steps["turn"].Services); d != "" {
				t.Errorf("what the second run moves (-want +got):\n%s", d)
			}
			if ph := f.Register.Phases[register.PhaseKey{Environment: "prod", Service: "sftp"}]; ph != "fallback" {
				t.Errorf("sftp is %s", ph)
			}
		})
	})
}

// replace gives a run up and begins another of the same runbook.
func (w *world) replace(id, runbook string) string {
	w.t.Helper()
	w.do(runner.Command{Do: runner.DoAbort, Run: id, As: chair, Reason: "begun anew"})
	return w.begin(runbook)
}
