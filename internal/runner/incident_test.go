package runner_test

import (
	"strings"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/runner"
)

func incident(id string, class plan.Class, side checks.Side) register.IncidentRow {
	return register.IncidentRow{ID: id, Incident: register.Incident{Class: class, Platform: side, OpenedAt: time.Now().Add(-time.Hour)}}
}

func about(answer, seat string, row register.IncidentRow) runner.Command {
	return runner.Command{Do: runner.DoIncident, Answer: answer, As: seat, Incident: &row}
}

func lists(seat, digest string, rows ...register.IncidentRow) runner.Command {
	return runner.Command{Do: runner.DoIncident, Answer: "list", As: seat, FileName: "list.csv", Digest: digest, Incidents: rows}
}

// TestAListIsTakenWhole: whoever hands in a list, one line that cannot be meant refuses all of it, and nothing is left of it.
func TestAListIsTakenWhole(t *testing.T) {
	t.Parallel()
	story(t, nil, func(w *world) {
		good := incident("INC-1", plan.IncidentA, checks.New)
		future, backwards := incident("INC-2", plan.IncidentB, checks.New), incident("INC-2", plan.IncidentB, checks.New)
		future.OpenedAt = time.Now().Add(time.Hour)
		backwards.ClosedAt = backwards.OpenedAt.Add(-time.Minute)
		before := len(w.events())
		for why, bad := range map[string]register.IncidentRow{
			"no class": incident("INC-2", plan.Fix, checks.New), "no platform": incident("INC-2", plan.IncidentB, ""), "in the list twice": good, "has come": future,
			"before it is opened": backwards, "does not speak": incident("INC-2", plan.IncidentB, checks.Old), "no spaces": incident("INC 2", plan.IncidentB, checks.New),
		} {
			_, err := w.try(lists("ibm/operator", "d-"+why, good, bad))
			if err == nil || len(w.events()) != before {
				t.Errorf("%s: %v, %d events more", why, err, len(w.events())-before)
			}
		}
		w.facts(func(f *ledger.Facts) {
			if len(f.Register.Incidents)+len(f.Register.IncidentLists)+len(f.Register.Brought) != 0 {
				t.Errorf("something is left: %+v", f.Register.Incidents)
			}
		})
		w.do(lists("ibm/operator", "d", good))
		same := len(w.events())
		if r := w.do(lists("ibm/operator", "d", good)); len(w.events()) != same || !strings.HasPrefix(r.Message, "nothing is changed") {
			t.Errorf("the same list again: %s, %d events more", r.Message, len(w.events())-same)
		}
	})
}

// TestAListThatSaysOtherwiseIsTaken: a list that was taken before counts again where what is known is another thing by now, and for a platform
// it did not speak of.
func TestAListThatSaysOtherwiseIsTaken(t *testing.T) {
	t.Parallel()
	story(t, nil, func(w *world) {
		row := incident("INC-1", plan.IncidentA, checks.New)
		w.do(lists("ibm/operator", "d", row))
		w.do(about("close", "ibm/operator", register.IncidentRow{ID: "INC-1"}))
		open := func() (is bool) {
			w.facts(func(f *ledger.Facts) { is = f.Register.Incidents["INC-1"].ClosedAt.IsZero() })
			return is
		}
		if open() {
			t.Fatal("it is not closed")
		}
		if r := w.do(lists("ibm/operator", "d", row)); !open() {
			t.Errorf("the desk's list has it open, and it stays closed: %s", r.Message)
		}
		w.do(lists("kombit/manager", "d", row))
		w.facts(func(f *ledger.Facts) {
			if _, ok := f.Register.IncidentLists[checks.Old]; !ok {
				t.Error("the customer's list speaks of the old platform, too, and was not taken")
			}
		})
		before := len(w.events())
		if w.do(lists("ibm/operator", "d", row)); len(w.events()) != before {
			t.Errorf("nothing is new, and there are %d events more", len(w.events())-before)
		}
	})
}

// TestWhoReportsIncidents: the customer on both platforms, a supplier on its own, nobody else.
func TestWhoReportsIncidents(t *testing.T) {
	t.Parallel()
	story(t, nil, func(w *world) {
		w.do(about("open", "ibm/operator", incident("N-1", plan.IncidentA, checks.New)))
		w.do(about("open", "kombit/manager", incident("O-1", plan.IncidentA, checks.Old)))
		w.refused(runner.Forbidden, about("open", "ibm/operator", incident("O-2", plan.IncidentA, checks.Old)))
		w.refused(runner.Forbidden, about("close", "ibm/operator", incident("O-1", plan.IncidentA, checks.Old)))
		w.refused(runner.Usage, about("open", "", incident("N-2", plan.IncidentA, checks.New)))
		w.refused(runner.Usage, about("open", "kombit/manager", incident("010190-1234", plan.IncidentA, checks.New)))
		speaks := func(c runner.Command) (out []checks.Side) {
			w.do(c)
			w.facts(func(f *ledger.Facts) {
				for _, side := range checks.Sides() {
					if l, ok := f.Register.IncidentLists[side]; ok && l.Actor.Seat == c.As {
						out = append(out, side)
					}
				}
			})
			return out
		}
		confirm := runner.Command{Do: runner.DoIncident, Answer: "confirm", As: "ibm/operator"}
		if got := speaks(confirm); len(got) != 1 || got[0] != checks.New {
			t.Errorf("a supplier speaks for %v", got)
		}
		confirm.Side = "old"
		w.refused(runner.Forbidden, confirm)
		confirm.As, confirm.Side = "kombit/manager", ""
		if got := speaks(confirm); len(got) != 2 {
			t.Errorf("the customer speaks for %v", got)
		}
		old := time.Now().Add(-48 * time.Hour)
		stale := lists("ibm/operator", "older", incident("N-1", plan.IncidentC, checks.New))
		stale.At = &old
		w.refused(runner.Conflict, stale)
	})
}
