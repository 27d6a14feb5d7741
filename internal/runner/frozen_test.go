package runner_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/ledger"
	"skift/internal/run"
	"skift/internal/runner"
)

// frozenFrom is the plan with a zone on the first day, from 1 o'clock, that allows the transition alone.
func frozenFrom(more string) string {
	return strings.Replace(base, "milestones:\n", `milestones:
  zone: {kind: zone, from: "2000-01-01 01:00", until: "2000-01-02 12:00", allow: [transition], owner: kombit/chair`+more+"}\n", 1)
}

// three are changes one after the other that the zone does not allow.
var three = map[string]string{"three": "  a: {owner: ibm/operator, command: [./a], change: scope}\n  b: {needs: [a], owner: ibm/operator, command: [./b], change: scope}\n  c: {needs: [b], owner: ibm/operator, command: [./c], change: scope}\n"}

// reason is why a run is held.
func (w *world) reason(id string) (why string) {
	w.facts(func(f *ledger.Facts) { why = f.Runs.Runs[id].Reason })
	return why
}

// at sleeps until a moment of the bubble.
func at(text string) {
	t, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		panic(err)
	}
	time.Sleep(time.Until(t))
	synctest.Wait()
}

// away is a time in which no process runs, which costs no beats of its loop.
func (w *world) away(until string) {
	w.t.Helper()
	if err := w.kill(); err != nil {
		w.t.Fatal(err)
	}
	at(until)
	w.start()
}

// A zone that begins in the middle of a step lets it come to its end; the next one waits, says for what, and goes on by itself.
func TestAZoneBeginsInTheMiddleOfAStep(t *testing.T) {
	t.Parallel()
	tell(t, frozenFrom(""), three, func(w *world) {
		finish := make(chan struct{})
		w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
			if e.Step.ID == "a" {
				<-finish
			}
			return runner.Outcome{OK: true}, nil
		})
		id := w.begin("three")
		at("2000-01-01 01:30:00")
		w.wantSteps(id, "a", "running", "b", "waiting")
		w.wantRun(id, run.RunRunning)
		close(finish)
		synctest.Wait()
		w.wantSteps(id, "a", "done", "b", "waiting")
		w.wantRun(id, run.RunHeld)
		want := "b is a change of class scope, which a frozen zone in force does not allow: zone (not-allowed, until 2000-01-02 12:00 UTC; exceptions: kombit/chair)"
		if d := cmp.Diff(want, w.reason(id)); d != "" {
			t.Error(d)
		}
		r := w.refused(runner.Refused, runner.Command{Do: runner.DoRelease, Run: id, As: "kombit/chair", Reason: "we want to"})
		if !strings.Contains(r.Message, "three-1 cannot go on: b is a change of class scope") {
			t.Errorf("a release within the zone: %s", r.Message)
		}
		w.refused(runner.Conflict, w.step(id, "b", "done", "ibm/operator", "it was done all the same"))
		w.restart()
		w.wantRun(id, run.RunHeld)
		at("2000-01-02 11:59:59")
		w.wantSteps(id, "b", "waiting")
		at("2000-01-02 12:00:01")
		w.wantRun(id, run.RunDone)
	})
}

// A zone that begins between two steps; one with the rule finish lets a run that had begun to change something come to its end, with the
// runs inside it, and no other.
func TestWhatWasInFlight(t *testing.T) {
	t.Parallel()
	books := map[string]string{
		"slow":  "  a: {owner: ibm/operator, command: [./a], change: scope}\n  doze: {needs: [a], wait: 90m}\n  in: {needs: [doze], runbook: inner}\n",
		"inner": "  b: {owner: ibm/operator, command: [./b], change: scope}\n",
		"idle":  "  doze: {wait: 90m}\n  c: {needs: [doze], owner: ibm/operator, command: [./c], change: scope}\n",
	}
	for rule, want := range map[string]run.State{"hold": run.RunHeld, "finish": run.RunDone} {
		tell(t, frozenFrom(", in_flight: "+rule), books, func(w *world) {
			slow, idle := w.begin("slow"), w.begin("idle")
			at("2000-01-01 01:31:00")
			if rule == "finish" {
				w.wantRun(slow, want)
			} else {
				w.wantRun("inner-1", want)
			}
			w.wantRun(idle, run.RunHeld) // it had changed nothing when the zone began
			late := w.begin("inner")
			w.wantRun(late, run.RunHeld)
			w.wantSteps(late, "b", "waiting")
		})
	}
}

// An exception that two seats make lets the one change go on, at once and by itself.
func TestAnExceptionLetsItGoOn(t *testing.T) {
	t.Parallel()
	tell(t, frozenFrom(""), three, func(w *world) {
		at("2000-01-01 02:00:00")
		id := w.begin("three")
		w.wantRun(id, run.RunHeld)
		until := time.Now().Add(time.Hour)
		waive := runner.Command{Do: runner.DoWaive, Zone: "zone", Class: "scope", Change: id + "/a", As: "kombit/chair", Reason: "it must be", Until: &until}
		seq := w.do(waive).Event
		w.wantRun(id, run.RunHeld)
		w.refused(runner.Forbidden, runner.Command{Do: runner.DoConfirm, Event: seq, As: "kombit/manager"})
		w.do(runner.Command{Do: runner.DoConfirm, Event: seq, As: "ibm/operator"})
		w.wantSteps(id, "a", "done", "b", "waiting")
		w.wantRun(id, run.RunHeld) // the next one is another change
		if !strings.HasPrefix(w.reason(id), "b is a change") {
			t.Error(w.reason(id))
		}
	})
}

// Another attempt is another change: of a step that failed before the zone began, and of one that may be repeated and was lost in it.
func TestAnotherAttemptIsAskedAgain(t *testing.T) {
	t.Parallel()
	tell(t, frozenFrom(""), three, func(w *world) {
		w.actions.will(failing("a"))
		id := w.begin("three")
		w.wantSteps(id, "a", "failed")
		at("2000-01-01 02:00:00")
		w.actions.will(nil)
		w.say(id, "a", "retry", "ibm/operator")
		w.wantSteps(id, "a", "waiting")
		w.wantRun(id, run.RunHeld)
		if got := w.actions.made(); len(got) != 1 {
			t.Errorf("effects: %v", got)
		}
	})
	lost := map[string]string{"one": "  a: {owner: ibm/operator, command: [./a], change: scope, repeatable: true}\n"}
	for restartAt, want := range map[string]string{"2000-01-01 00:30:00": "done", "2000-01-01 02:00:00": "uncertain"} {
		tell(t, frozenFrom(""), lost, func(w *world) {
			w.actions.will(blocking("a"))
			id := w.begin("one")
			w.crash()
			w.actions.will(nil)
			at(restartAt)
			w.start()
			w.wantSteps(id, "a", want)
			if want == "uncertain" && (len(w.actions.made()) != 1 || !strings.Contains(w.reason(id), "a frozen zone does not allow it now, so it was not begun again")) {
				t.Errorf("%v: %s", w.actions.made(), w.reason(id))
			}
		})
	}
}

// A zone's hours are local: in the nights in which the clocks change it begins and ends at the instant that the plan's time zone gives.
func TestAZoneBeginsAndEndsAsTheClocksChange(t *testing.T) {
	t.Parallel()
	yaml := strings.NewReplacer("timezone: UTC", "timezone: Europe/Copenhagen", "milestones:\n",
		"milestones:\n  zone: {kind: zone, from: \"2000-03-26 03:00\", until: \"2000-10-29 03:00\", allow: []}\n").Replace(base)
	tell(t, yaml, map[string]string{"one": "  x: {owner: ibm/operator, command: [./x], change: fix}\n"}, func(w *world) {
		w.away("2000-03-26 00:59:00")
		at("2000-03-26 00:59:59") // 01:59:59, a second before the clocks are set to 3
		w.wantRun(w.begin("one"), run.RunDone)
		at("2000-03-26 01:00:00")
		id := w.begin("one")
		w.wantRun(id, run.RunHeld)
		if !strings.Contains(w.reason(id), "until 2000-10-29 03:00 CET") {
			t.Error(w.reason(id))
		}
		w.away("2000-10-29 01:59:00")
		at("2000-10-29 01:59:59") // 02:59:59 for the second time
		w.wantRun(id, run.RunHeld)
		at("2000-10-29 02:00:01")
		w.wantRun(id, run.RunDone)
	})
}

// What changes something and does not say what class of change it is could be any; and a step that somebody adds is none of the plan's.
func TestNoWayAroundByLeavingTheClassOut(t *testing.T) {
	t.Parallel()
	books := map[string]string{
		"weekend": "  look: {wait: 1h}\n  own: {needs: [look], owner: ibm/operator, command: [./own], change: transition}\n  sit: {needs: [own], owner: ibm/operator, manual: Sit}\n",
		"quiet":   "  x: {owner: ibm/operator, command: [./x]}\n",
	}
	tell(t, frozenFrom(""), books, func(w *world) {
		at("2000-01-01 02:00:00")
		quiet := w.begin("quiet")
		w.wantRun(quiet, run.RunHeld)
		if !strings.HasPrefix(w.reason(quiet), "x changes something and does not say what class of change it is, which a frozen zone in force does not allow: zone (no-class") {
			t.Error(w.reason(quiet))
		}
		id := w.begin("weekend")
		w.do(runner.Command{Do: runner.DoStep, Run: id, Step: "extra", Answer: "add", As: "kombit/manager", Reason: "we forgot it", File: []byte("owner: ibm/operator\ncommand: [./extra]\nchange: transition\n")})
		w.wantSteps(id, "extra", "waiting")
		if !strings.Contains(w.reason(id), "extra is a change of class transition, which a frozen zone in force does not allow: zone (not-listed") {
			t.Error(w.reason(id))
		}
		if got := w.actions.made(); len(got) > 0 {
			t.Errorf("effects: %v", got)
		}
		until := time.Now().Add(time.Hour)
		for _, change := range []string{quiet + "/x", id + "/extra"} {
			seq := w.do(runner.Command{Do: runner.DoWaive, Zone: "zone", Class: "transition", Change: change, As: "kombit/chair", Reason: "it must be", Until: &until}).Event
			w.do(runner.Command{Do: runner.DoConfirm, Event: seq, As: "ibm/operator"})
		}
		w.wantRun(quiet, run.RunDone)
		w.wantSteps(id, "extra", "done")
	})
}
