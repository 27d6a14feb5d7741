package runner_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
)

// A zone that another revision brings binds the step that comes next, of a run that was begun before; and one that it takes away holds nothing
// any more. What is in flight comes to its end.
func TestZonesGoByTheRevisionInUse(t *testing.T) {
	t.Parallel()
	locked := load(t, frozenFrom(", hard: true"), three) // from 1 o'clock on, which has passed when it comes into use
	tell(t, base, three, func(w *world) {
		open, finish := w.plan, make(chan struct{})
		w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
			if e.Step.ID == "a" {
				<-finish
			}
			return runner.Outcome{OK: true}, nil
		})
		at("2000-01-01 02:00:00")
		id := w.begin("three")
		a := w.adopt(locked)
		if len(a.Zones) != 1 || a.Zones[0].How != register.ZoneBegins || a.Zones[0].Zone != "zone" {
			t.Errorf("zones: %+v", a.Zones)
		}
		close(finish)
		synctest.Wait()
		w.wantSteps(id, "a", "done", "b", "waiting")
		w.wantRun(id, run.RunHeld)
		if !strings.Contains(w.reason(id), "zone (not-allowed, until 2000-01-02 12:00 UTC; nobody makes an exception)") {
			t.Error(w.reason(id))
		}
		w.wantRun(w.begin("three"), run.RunHeld)
		w.adopt(load(t, strings.Replace(frozenFrom(""), "2000-01-02 12:00", "2000-01-03 12:00", 1), three))
		synctest.Wait()
		w.wantRun(id, run.RunHeld)
		if !strings.Contains(w.reason(id), "until 2000-01-03 12:00 UTC; exceptions: kombit/chair") {
			t.Errorf("it is held for what is no more: %s", w.reason(id))
		}
		w.adopt(open)
		synctest.Wait()
		w.wantRun(id, run.RunDone)
		w.facts(func(f *ledger.Facts) {
			if f.Runs.Runs[id].Started.PlanHash != open.Hash {
				t.Error("the run is bound to another revision")
			}
		})
	})
}

// The same over a restart: the process begins with a plan whose zone has begun.
func TestZonesGoByTheRevisionInUseAfterARestart(t *testing.T) {
	t.Parallel()
	books := map[string]string{"one": "  a: {owner: ibm/operator, command: [./a], change: scope, repeatable: true}\n  b: {needs: [a], owner: ibm/operator, command: [./b], change: scope}\n"}
	locked := load(t, frozenFrom(""), books)
	tell(t, base, books, func(w *world) {
		w.actions.will(blocking("a"))
		at("2000-01-01 02:00:00")
		id := w.begin("one")
		w.crash()
		w.actions.will(nil)
		w.plan = locked
		w.start()
		w.wantSteps(id, "a", "uncertain") // another attempt is another change
		w.say(id, "a", "done", "ibm/operator")
		w.wantSteps(id, "a", "done", "b", "waiting")
		w.wantRun(id, run.RunHeld)
		if made := w.actions.made(); len(made) != 1 {
			t.Errorf("effects: %v", made)
		}
	})
}

// What had begun to change something before a revision brought the zone may be finished where the zone says so, whatever day it is written
// to begin. What was begun later may not; and a zone that was in force and is only moved lets nothing more through.
func TestWhatWasInFlightWhenARevisionBroughtAZone(t *testing.T) {
	t.Parallel()
	books := map[string]string{
		"slow": "  a: {owner: ibm/operator, command: [./a], change: scope}\n  doze: {needs: [a], wait: 90m}\n  b: {needs: [doze], owner: ibm/operator, command: [./b], change: scope}\n",
		"fix":  "  a: {owner: ibm/operator, command: [./a], change: transition}\n  doze: {needs: [a], wait: 90m}\n  b: {needs: [doze], owner: ibm/operator, command: [./b], change: scope}\n",
	}
	for rule, want := range map[string]run.State{"hold": run.RunHeld, "finish": run.RunDone} {
		zoned := frozenFrom(", in_flight: " + rule)
		locked := load(t, zoned, books)
		tell(t, base, books, func(w *world) {
			at("2000-01-01 02:00:00")
			id := w.begin("slow")
			at("2000-01-01 02:01:00")
			w.adopt(locked)
			late := w.begin("fix")
			w.wantRun(late, run.RunHeld)
			at("2000-01-01 03:31:00")
			w.wantRun(id, want)
		})
	}
	zoned := strings.Replace(frozenFrom(", in_flight: finish"), "milestones:\n", "milestones:\n  start: {kind: point, date: 2000-01-10, runbook: fix, change: transition, owner: kombit/chair}\n", 1)
	longer := load(t, strings.Replace(zoned, "2000-01-02 12:00", "2000-01-03 12:00", 1), books)
	tell(t, zoned, books, func(w *world) {
		at("2000-01-01 02:00:00")
		id := w.begin("fix")
		w.wantSteps(id, "a", "done")
		at("2000-01-01 02:01:00")
		w.adopt(longer)
		at("2000-01-01 03:31:00")
		w.wantRun(id, run.RunHeld)
	})
}

// An exception for a step of a runbook is one in each run of it; one for a run's step is for that run alone. A step that was added is no step of
// the runbook.
func TestAnExceptionForAStepOfARunbook(t *testing.T) {
	t.Parallel()
	tell(t, frozenFrom(""), three, func(w *world) {
		at("2000-01-01 02:00:00")
		id, until := w.begin("three"), time.Now().Add(time.Hour)
		waive := func(change string) {
			seq := w.do(runner.Command{Do: runner.DoWaive, Zone: "zone", Class: "scope", Change: change, As: "kombit/chair", Reason: "it must be", Until: &until}).Event
			w.do(runner.Command{Do: runner.DoConfirm, Event: seq, As: "ibm/operator"})
		}
		waive("three-2/a")
		w.wantRun(id, run.RunHeld)
		waive("three/a")
		w.wantSteps(id, "a", "done", "b", "waiting")
		w.do(runner.Command{Do: runner.DoStep, Run: id, Step: "extra", Answer: "add", As: "kombit/manager", Reason: "we forgot it", File: []byte("owner: ibm/operator\ncommand: [./extra]\nchange: scope\n")})
		waive("three/b")
		waive("three/extra")
		w.wantSteps(id, "b", "done", "extra", "waiting")
		waive("three/c")
		w.wantSteps(id, "c", "waiting") // the added one holds the run
		waive(id + "/extra")
		w.wantRun(id, run.RunDone)
	})
}
