package runner_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
)

func backOut(id, past, seat string) runner.Command {
	return runner.Command{Do: runner.DoBackOut, Run: id, Step: past, As: seat, Reason: "users lose files"}
}

func confirm(event int64, seat string) runner.Command {
	return runner.Command{Do: runner.DoConfirm, Event: event, As: seat}
}

// TestBackOutCommand: a run is backed out by its own name, by the customer, with a reason, and once.
func TestBackOutCommand(t *testing.T) {
	t.Parallel()
	books := map[string]string{"there": there["there"], "back": there["back"], "plain": "  one: {owner: ibm/operator, manual: One}\n"}
	story(t, books, func(w *world) {
		id, plain := w.begin("there"), w.begin("plain")
		w.actions.will(failing("turn"))
		w.say(id, "stop", "done", sse)
		w.actions.will(nil)
		w.refused(runner.NotFound, backOut("their", "", chair))
		w.refused(runner.Usage, runner.Command{Do: runner.DoBackOut, Run: id, As: chair})
		w.refused(runner.Usage, backOut(id, "", ""))
		w.refused(runner.Forbidden, backOut(id, "", ibm))
		w.refused(runner.Usage, backOut(id, "open", chair)) // it has passed none
		w.refused(runner.Usage, backOut(plain, "", chair))  // nothing is named that undoes it
		reply := w.do(backOut("there", "", chair))
		if reply.Run != "back-1" || !strings.Contains(reply.Message, "it backs out "+id) {
			t.Errorf("reply %+v", reply)
		}
		w.wantRun(id, run.RunHeld)
		w.wantSteps("back-1", "unturn", "done", "unopen", "skipped", "start", "waiting-for-person")
		if again := w.do(backOut(id, "", chair)); again.Run != "back-1" || !again.Resumed || w.runState("back-2") != "" {
			t.Errorf("given twice: %+v", again)
		}
		w.say("back-1", "start", "done", sse)
		w.wantRun(id, run.RunBacked)
		w.refused(runner.Conflict, backOut(id, "", chair))
	})
}

// TestOverride: past the point of no return a run is backed out only when a seat names that point and a seat of another party, with another
// person in it, confirms within the hour. It begins with that word, and the word is of no use afterwards.
func TestOverride(t *testing.T) {
	t.Parallel()
	story(t, there, func(w *world) {
		id := w.begin("there")
		w.say(id, "stop", "done", sse)
		w.say(id, "open", "done", ibm)
		w.say(id, "shut", "fail", ibm)
		w.wantRun(id, run.RunHeld)
		r := w.refused(runner.Refused, backOut(id, "", chair))
		if !strings.Contains(r.Hints[0], "--past STEP") || !strings.Contains(r.Message, "(open)") {
			t.Errorf("it does not say how: %+v", r)
		}
		w.refused(runner.Usage, backOut(id, "turn", chair))
		w.refused(runner.Forbidden, backOut(id, "open", ibm)) // the customer asks

		asked := w.do(backOut(id, "open", chair)).Event
		if w.runState("back-1") != "" {
			t.Fatal("it begins with one word")
		}
		for _, seat := range []string{chair, "kombit/manager"} {
			if r := w.refused(runner.Conflict, backOut(id, "open", seat)); !strings.Contains(r.Message, fmt.Sprintf("event %d asks for it already", asked)) {
				t.Errorf("asked twice: %+v", r)
			}
		}
		w.refused(runner.NotFound, confirm(asked+1, ibm))
		w.refused(runner.Usage, confirm(asked, ""))
		w.refused(runner.Forbidden, confirm(asked, chair))
		w.refused(runner.Forbidden, confirm(asked, "kombit/manager")) // another seat, another person, the same party
		w.refused(runner.Refused, runner.Command{Do: runner.DoStart, Runbook: "back"})
		time.Sleep(time.Hour)
		synctest.Wait()
		w.refused(runner.Conflict, confirm(asked, ibm)) // what was true an hour ago

		asked = w.do(backOut(id, "open", chair)).Event
		w.restart()
		reply := w.do(confirm(asked, ibm))
		if reply.Run != "back-1" || !strings.Contains(reply.Message, "although open has begun, as kombit/chair and ibm/operator want") {
			t.Errorf("reply %+v", reply)
		}
		w.wantSteps("back-1", "unopen", "waiting-for-person", "unturn", "waiting", "start", "waiting") // open was begun, and is undone, too
		w.say("back-1", "unopen", "done", ibm)
		w.wantSteps("back-1", "unturn", "done", "start", "waiting-for-person")
		w.refused(runner.Conflict, confirm(asked, ibm))
		w.refused(runner.Conflict, confirm(asked, sse))
		w.do(runner.Command{Do: runner.DoAbort, Run: "back-1", As: chair, Reason: "we can mend it"})
		w.refused(runner.Conflict, confirm(asked, sse)) // used up
		w.refused(runner.Refused, runner.Command{Do: runner.DoStart, Runbook: "back"})
		asked = w.do(backOut(id, "open", chair)).Event
		w.do(confirm(asked, sse))
		w.wantSteps("back-2", "unopen", "skipped", "unturn", "skipped", "start", "waiting-for-person") // the first undid them
		w.say("back-2", "start", "done", sse)
		w.wantRun(id, run.RunBacked)
		if w.phase("prod", "gateway") != "before" || w.phase("prod", "sftp") != "before" {
			t.Errorf("gateway is %s", w.phase("prod", "gateway"))
		}
	})
}

// TestOverrideOnePerson: two seats in which one person sits are one voice.
func TestOverrideOnePerson(t *testing.T) {
	t.Parallel()
	p := loadWith(t, base, there, strings.ReplaceAll(shifts, "p-sse", "p-chair"))
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p)
		w.start()
		id := w.begin("there")
		w.say(id, "stop", "done", sse)
		w.say(id, "open", "done", ibm)
		w.say(id, "shut", "done", ibm)
		w.wantRun(id, run.RunDone) // also what has ended can be backed out
		asked := w.do(backOut(id, "open", chair)).Event
		w.refused(runner.Forbidden, confirm(asked, sse))
		w.do(confirm(asked, ibm))
		w.say("back-1", "unopen", "done", ibm)
		w.say("back-1", "start", "done", sse)
		w.wantRun("back-1", run.RunDone)
		if w.phase("prod", "gateway") != "before" {
			t.Errorf("gateway is %s", w.phase("prod", "gateway"))
		}
		w.refused(runner.Conflict, backOut(id, "open", chair)) // nor is it undone twice
		w.refused(runner.Conflict, runner.Command{Do: runner.DoStart, Runbook: "back"})
		w.end()
	})
}

// TestBackOutUndoesWhatWasDone: each step that was begun is undone once and by its own step, in the reverse of the order in which they
// were done, and nothing else is.
func TestBackOutUndoesWhatWasDone(t *testing.T) {
	t.Parallel()
	steps := []string{"one", "two", "three", "four"}
	for done := range len(steps) + 1 {
		t.Run(fmt.Sprintf("%d of them", done), func(t *testing.T) {
			t.Parallel()
			forth, back := "runbook: forth\nback_out: back\nsteps:\n  zero: {owner: ibm/operator, manual: Zero}\n", ""
			for i, s := range steps {
				forth += fmt.Sprintf("  %s: {needs: [%s], owner: ibm/operator, command: [./x], on_failure: hold}\n", s, append([]string{"zero"}, steps...)[i])
				undo := ""
				if i+1 < len(steps) {
					undo = "needs: [un-" + steps[i+1] + "], "
				}
				back = fmt.Sprintf("  un-%s: {%sowner: ibm/operator, command: [./y], undoes: %s}\n", s, undo, s) + back
			}
			var want []string
			story(t, map[string]string{"forth": forth, "back": back}, func(w *world) {
				if done < len(steps) {
					w.actions.will(failing(steps[done])) // begun, and so it is undone, too
				}
				id := w.begin("forth")
				w.say(id, "zero", "done", ibm)
				begun := min(done+1, len(steps))
				for i := range begun {
					want = append(want, "forth-1/"+steps[i]+"#1")
				}
				for i := begun - 1; i >= 0; i-- {
					want = append(want, "back-1/un-"+steps[i]+"#1")
				}
				w.do(backOut(id, "", chair))
				w.wantRun("back-1", run.RunDone)
				if d := cmp.Diff(want, w.actions.made()); d != "" {
					t.Errorf("effects (-want +got):\n%s", d)
				}
				for i := begun; i < len(steps); i++ {
					w.wantSteps("back-1", "un-"+steps[i], "skipped")
				}
			})
		})
	}
}

// TestMovedOnce: however often a step is begun again, said to be done, restarted or confirmed, each service goes each way once, and each
// move is the event of the step that made it.
func TestMovedOnce(t *testing.T) {
	t.Parallel()
	story(t, there, func(w *world) {
		moves := func(want ...string) {
			t.Helper()
			var got []string
			for _, e := range w.events() {
				if e.Kind != register.PhaseMoved {
					continue
				}
				var b register.Moved
				if err := json.Unmarshal(e.Body, &b); err != nil {
					t.Fatal(err)
				}
				for _, s := range b.Services {
					got = append(got, fmt.Sprintf("%s/%s %s %s", e.Run, e.Subject, s, b.Phase))
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("moves (-want +got):\n%s", d)
			}
		}
		id := w.begin("there")
		w.say(id, "open", "hold", ibm) // else it would be too late to go back
		w.actions.will(failing("turn"))
		w.say(id, "stop", "done", sse)
		w.say(id, "turn", "retry", ibm) // fails again
		w.actions.will(blocking("turn"))
		w.say(id, "turn", "retry", ibm)
		w.restart() // nobody knows whether it happened
		w.wantSteps(id, "turn", "uncertain")
		w.say(id, "turn", "retry", ibm)
		w.restart()
		w.actions.will(blocking("beside"))
		w.say(id, "turn", "done", ibm)
		switched := []string{"there-1/turn gateway switching", "there-1/turn sftp switching", "there-1/turn gateway fallback", "there-1/turn sftp fallback"}
		w.wantSteps(id, "turn", "done")
		moves(switched...)
		w.refused(runner.Conflict, w.step(id, "turn", "done", ibm, "again"))
		w.begin("there") // an unfinished run goes on
		w.restart()
		w.actions.will(nil)
		w.say(id, "beside", "done", ibm)
		moves(switched...)
		w.actions.will(failing("unturn"))
		w.do(backOut(id, "", chair))
		w.actions.will(nil)
		w.say("back-1", "unturn", "retry", ibm)
		w.restart()
		w.say("back-1", "start", "done", sse)
		w.wantRun(id, run.RunBacked)
		moves(append(switched, "back-1/unturn gateway before", "back-1/unturn sftp before")...)
		w.refused(runner.Conflict, backOut(id, "", chair))
		w.facts(func(f *ledger.Facts) {
			for _, s := range []string{"gateway", "sftp"} {
				if got := f.Register.Phase("prod", s, ""); got != "before" {
					t.Errorf("%s is %s", s, got)
				}
			}
		})
	})
}

// TestBackOutRehearsed: a gate can ask that the way back was rehearsed, and only a back-out that was really done, in time and to its end, is that.
func TestBackOutRehearsed(t *testing.T) {
	t.Parallel()
	yaml := strings.Replace(base, "go: {asks: Go?, poll: [ibm/operator, sse/operator], decides: kombit/chair}",
		"go: {asks: Go?, criteria: [{rehearsal: back, environment: exttest, within: 30d}], decides: kombit/chair}", 1)
	tell(t, yaml, there, func(w *world) {
		w.refused(runner.Refused, vote("go", "go", chair))
		practise := func() string {
			id := w.begin("there", rehearsal, exttest)
			w.say(id, "open", "hold", ibm)
			w.say(id, "stop", "done", sse)
			return w.do(backOut(id, "", chair)).Run
		}
		first := practise()
		w.do(runner.Command{Do: runner.DoAbort, Run: first, As: chair, Reason: "half of it"})
		w.refused(runner.Refused, vote("go", "go", chair))
		w.begin("there", rehearsal, exttest)
		second := w.do(backOut("there", "", chair)).Run
		w.say(second, "start", "done", sse)
		w.wantRun(second, run.RunDone)
		w.do(vote("go", "go", chair))
	})
}
