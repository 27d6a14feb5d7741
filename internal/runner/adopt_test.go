package runner_test

import (
	"context"
	"strings"
	"testing"

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
	a, err := w.r.Adopt(context.Background(), p, journal.Actor{Via: journal.ViaConsole})
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
	after := load(t, strings.Replace(base, "from: 2000-01-05, until: 2000-01-08", "from: 2000-01-06, until: 2000-01-09", 1),
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
