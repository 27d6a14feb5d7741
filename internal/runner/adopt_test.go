package runner_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
)

func (w *world) adopt(p *plan.Plan) runner.Adoption {
	w.t.Helper()
	w.shelf[p.Hash] = p
	a, err := w.r.Adopt(context.Background(), p, journal.Actor{Via: journal.ViaConsole}, "", func(runner.Adoption) error { return nil })
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

var twoSteps = map[string]string{"there": "runbook: there\nsteps:\n  first: {owner: ibm/operator, manual: First}\n  second: {needs: [first], owner: ibm/operator, manual: Second}\n"}

// Another revision is gone by from the next decision on: votes on the one before count no more, what runs goes on by its own, what is begun
// then is bound to the new one; and it is one event that says what is not the same.
func TestAdopt(t *testing.T) {
	t.Parallel()
	after := load(t, strings.NewReplacer("from: 2000-01-05, until: 2000-01-08", "from: 2000-01-06, until: 2000-01-09", "asks: Go?", "asks: Really go?").Replace(base),
		map[string]string{"there": strings.Replace(twoSteps["there"], "second: {", "other: {", 1)})
	tell(t, base, twoSteps, func(w *world) {
		before := w.plan
		id := w.begin("there", exttest)
		w.begin("there")
		w.do(vote("go", "ready", "ibm/operator"))
		a := w.adopt(after)
		if a.Event == 0 || a.Was != before.Hash || len(a.Votes) != 1 || a.Votes[0].Gate != "go" || a.Votes[0].Seats[0] != "ibm/operator" {
			t.Errorf("adopted: %+v", a)
		}
		if w.r.Plan() != after {
			t.Error("another plan is in use")
		}
		if j := w.judge("go"); j.Poll[0].Void != "plan-changed" {
			t.Errorf("the vote counts still: %+v", j.Poll[0])
		}
		w.say(id, "first", "done", ibm)
		w.say(id, "second", "done", ibm)
		w.wantRun(id, run.RunDone)
		next := w.begin("there", exttest)
		w.facts(func(f *ledger.Facts) {
			if f.Runs.Runs[id].Started.PlanHash != before.Hash || f.Runs.Runs[next].Started.PlanHash != after.Hash || f.Register.PlanHash != after.Hash {
				t.Error("runs are bound to other revisions")
			}
			if f.Register.Milestone("trial").DatedAt.IsZero() || !f.Register.Milestone("cutover").DatedAt.IsZero() {
				t.Error("which milestone has new dates is not known")
			}
		})
		if again := w.adopt(after); again.Event != 0 || w.count(register.PlanAdopted) != 2 {
			t.Errorf("the same again: %+v", again)
		}
		w.plan = after // what a new process finds
		w.restart()
		if n := w.count(register.PlanAdopted); n != 2 {
			t.Errorf("%d revisions after a restart", n)
		}
	})
}

// Whether a revision may be taken into use is asked in the decision, of the zones in force then: what was looked at before may be another time.
func TestAdoptMayBeRefused(t *testing.T) {
	t.Parallel()
	after := load(t, base, nil)
	tell(t, shut, nil, func(w *world) {
		before := w.plan
		w.shelf[after.Hash] = after
		var told []register.ZoneChange
		_, err := w.r.Adopt(context.Background(), after, journal.Actor{Via: journal.ViaConsole}, "", func(a runner.Adoption) error {
			told = a.Zones
			return errors.New("it may not")
		})
		if err == nil || err.Error() != "it may not" || len(told) != 1 || told[0].How != register.ZoneEnds {
			t.Errorf("%v, asked of %+v", err, told)
		}
		if n := w.count(register.PlanAdopted); n != 1 || w.r.Plan() != before {
			t.Errorf("%d revisions were taken into use", n)
		}
	})
}

// A command that was given by one revision is not carried out by another that came between.
func TestAdoptedBetween(t *testing.T) {
	t.Parallel()
	yaml := strings.Replace(base, ", {attested: staffed, by: ibm/operator}]\n    poll: [ibm/operator]", "]", 1)
	after := load(t, strings.Replace(yaml, "max_age: 2h", "max_age: 3h", 1), twoSteps)
	tell(t, yaml, twoSteps, func(w *world) {
		w.sweeper.evidence = map[string]gate.SuiteEvidence{} // too old to go by: it is asked again first
		w.sweeper.will(func(context.Context, runner.Sweep) (runner.Swept, error) {
			w.sweeper.mu.Lock()
			w.sweeper.evidence = nil
			w.sweeper.mu.Unlock()
			if w.r.Plan() != after {
				w.adopt(after)
			}
			return runner.Swept{OK: true, Observed: true}, nil
		})
		yes := vote("strict", "go", "kombit/chair")
		if _, err := w.try(yes); err == nil || !strings.Contains(err.Error(), "another revision of the plan came into use meanwhile") {
			t.Error(err)
		}
		if w.count(register.GateDecided) != 0 {
			t.Error("it was decided")
		}
		w.do(yes) // by the new one
	})
}

// dated is datedOf with the runbooks of the split cut-over.
func dated(t *testing.T, day string, replace ...string) *plan.Plan {
	t.Helper()
	return datedOf(t, day, splitBooks, replace...)
}

// datedOf is the plan with the gate's dates hanging on the weekend, which begins on a day of January, and with something else replaced.
func datedOf(t *testing.T, day string, books map[string]string, replace ...string) *plan.Plan {
	t.Helper()
	until := map[string]string{"03": "04", "08": "09"}[day]
	yaml := strings.NewReplacer(`"2000-01-10`, `"2000-01-`+day, `"2000-01-11`, `"2000-01-`+until,
		"  go: {asks: Go?, ", "  go: {asks: Go?, opens: cutover.start - 1d, decide_by: cutover.start - 4h, criteria: [{attested: staffed, by: ibm/operator}], ").Replace(base)
	return load(t, strings.NewReplacer(replace...).Replace(yaml), books)
}

// A go that was given before the weekend was moved is asked again at its new time, with what was vouched for; so are answers without a
// decision, and until then nobody is asked. Where only something else is changed it is asked again at once.
func TestAskedAgainAfterAMove(t *testing.T) {
	t.Parallel()
	for name, decided := range map[string]bool{"decided": true, "not yet": false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, dated(t, "03"))
			w.start()
			until(2, 1)
			w.do(runner.Command{Do: runner.DoAttest, Gate: "go", Criterion: "staffed", As: ibm})
			w.do(vote("go", "ready", ibm))
			if decided {
				w.do(vote("go", "ready", sse))
				w.do(vote("go", "go", chair))
			}
			w.plan = dated(t, "08")
			if a := w.adopt(w.plan); len(a.Votes) != 1 || a.Votes[0].Decided != decided {
				t.Errorf("%s: no longer count %+v", name, a.Votes)
			}
			until(4, 0)
			if j := w.judge("go"); j.Round != 1 {
				t.Errorf("%s: long before it is %s in round %d", name, j.State, j.Round)
			}
			w.facts(func(f *ledger.Facts) {
				for _, id := range []string{"cutover", "settled"} { // the one is moved, the other hangs on it
					if f.Register.Milestone(id).DatedAt.IsZero() {
						t.Errorf("when %s was given other dates is not known", id)
					}
				}
			})
			until(7, 1)
			if j := w.judge("go"); j.Round != 2 || j.State != gate.Open || j.MayGo() || j.Poll[0].Answer != "" {
				t.Errorf("%s: at its new time it is %s in round %d: %+v", name, j.State, j.Round, j.Reasons)
			}
			w.goFor()
			if a := w.adopt(dated(t, "08", "title: Test", "title: Another")); len(a.Votes) != 0 {
				t.Errorf("%s: another title voids %+v", name, a.Votes)
			}
			until(7, 2)
			if j := w.judge("go"); j.Round != 2 || j.State != gate.Went {
				t.Errorf("%s: after a change that is not about it, it is %s in round %d: %+v", name, j.State, j.Round, j.Reasons)
			}
			if a := w.adopt(dated(t, "08", "asks: Go?", "asks: Really?")); len(a.Votes) != 1 {
				t.Errorf("%s: another question voids %+v", name, a.Votes)
			}
			until(7, 3)
			if j := w.judge("go"); j.Round != 3 || j.State != gate.Open || len(j.Reasons) == 0 || j.Reasons[0].Code == "not-attested" {
				t.Errorf("%s: after another change it is %s in round %d: %+v", name, j.State, j.Round, j.Reasons)
			}
			w.goFor()
			until(8, 0)
			id := w.begin("weekend")
			until(8, 1)
			w.wantSteps(id, "stop", "waiting-for-person")
			w.end()
		})
	}
}

// Nobody is asked before the new time of a gate whose weekend was moved, whatever was said for the earlier one and whoever stands in front
// of it: what was answered then would count for nothing once it opens.
func TestNotAskedBeforeTheNewTime(t *testing.T) {
	t.Parallel()
	books := map[string]string{"weekend": strings.Replace(splitBooks["weekend"], "not_before: cutover.start + 1h, ", "", 1), "back": splitBooks["back"]}
	for _, said := range []string{"go", "no-go", "ready"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, datedOf(t, "03", books))
			w.start()
			until(2, 1)
			switch said {
			case "go":
				w.goFor()
			case "no-go":
				w.do(vote("go", "no-go", chair))
			default:
				w.do(vote("go", "ready", ibm))
			}
			w.plan = datedOf(t, "08", books)
			w.adopt(w.plan)
			until(4, 0)
			id := w.begin("weekend")
			w.wantSteps(id, "stop", "waiting")
			if r := w.refused(runner.Conflict, vote("go", "ready", sse)); r.Message != "go opens 2000-01-07 00:00 UTC" {
				t.Errorf("after %s: %s", said, r.Message)
			}
			if j := w.judge("go"); j.Round != 1 {
				t.Errorf("after %s it is asked in round %d", said, j.Round)
			}
			until(7, 0)
			if j := w.judge("go"); j.Round != 2 || j.State != gate.Open {
				t.Errorf("after %s: at its new time it is %s in round %d", said, j.State, j.Round)
			}
			w.goFor()
			w.wantSteps(id, "stop", "waiting-for-person")
			w.end()
		})
	}
}

// A go that passed a milestone has done what it was for, whatever the plan says since.
func TestSpentGoStays(t *testing.T) {
	t.Parallel()
	after := load(t, strings.Replace(base, "title: Test", "title: Another", 1), nil)
	tell(t, strings.Replace(base, "trial-ok: {asks: Passed?,", "trial-ok: {asks: Passed?, opens: 2000-01-05,", 1), nil, func(w *world) {
		until(5, 1)
		w.do(vote("trial-ok", "go", chair))
		if a := w.adopt(after); len(a.Votes) != 0 {
			t.Errorf("asked again: %+v", a.Votes)
		}
		until(5, 2)
		if j := w.judge("trial-ok"); j.Round != 1 || j.State != gate.Went {
			t.Errorf("%s in round %d", j.State, j.Round)
		}
	})
}
