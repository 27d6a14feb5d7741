package gate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"skift/checks"
	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
)

var now = time.Date(2019, 11, 8, 12, 0, 0, 0, time.UTC)

const (
	chair, manager, ibm, sse = "kombit/chair", "kombit/cutover-manager", "ibm/operator", "sse/operator"
)

// good is an input at which everything says go.
func good() gate.Input {
	g := &plan.Gate{ID: "cutover-go", Decides: chair, Poll: []string{manager, ibm, sse}, Criteria: []plan.Criterion{
		{Kind: plan.SuiteCriterion, ID: "readiness", Suite: "readiness", Critical: "all", Others: "98%", MaxAge: 2 * time.Hour, Rerun: true},
		{Kind: plan.MilestoneCriterion, ID: "acceptance", Milestone: "acceptance", State: "passed"},
		{Kind: plan.RehearsalCriterion, ID: "weekend", Rehearsal: "weekend", Environment: "exttest", Within: 30 * 24 * time.Hour},
		{Kind: plan.AttestedCriterion, ID: "staffed", Attested: "staffed", By: ibm},
	}}
	votes := map[string]register.Vote{}
	for i, seat := range g.Poll {
		votes[seat] = register.Vote{Voted: register.Voted{Round: 1, Answer: register.Ready, PlanHash: "h"},
			Actor: journal.Actor{Seat: seat, Person: fmt.Sprint("p-", i), EnteredBy: "uid-1000", Via: journal.ViaPhone}}
	}
	facts := &register.Facts{Gates: map[register.GateKey]*register.GateFacts{{Gate: g.ID}: {Round: 1, OpenedAt: now.Add(-time.Hour), Votes: votes,
		Attested: map[string]register.Attestation{"staffed": {At: now.Add(-time.Hour), Seq: 7}}}}}
	runs := &run.Facts{Order: []string{"weekend-1"}, Runs: map[string]*run.Run{"weekend-1": {ID: "weekend-1", State: run.RunDone, EndedAt: now.Add(-48 * time.Hour),
		Started: run.Started{Runbook: "weekend", Environment: "exttest", Rehearsal: true}}}}
	return gate.Input{Gate: g, Facts: facts, Runs: runs, PlanHash: "h", OpensAt: now.Add(-2 * time.Hour), DecideBy: now.Add(4 * time.Hour),
		Suites: map[string]gate.SuiteEvidence{"readiness": {Critical: register.Count{Passed: 4, Total: 4}, Others: register.Count{Passed: 98, Total: 100},
			AsOf: now.Add(-time.Hour)}},
		Milestone: func(string) string { return "passed" }}
}

func gateFacts(in *gate.Input) *register.GateFacts {
	return in.Facts.Gates[register.GateKey{Gate: in.Gate.ID}]
}

func evidence(in *gate.Input, change func(*gate.SuiteEvidence)) {
	e := in.Suites["readiness"]
	change(&e)
	in.Suites["readiness"] = e
}

func vote(in *gate.Input, seat string, change func(*register.Vote)) {
	v := gateFacts(in).Votes[seat]
	change(&v)
	gateFacts(in).Votes[seat] = v
}

func TestGood(t *testing.T) {
	t.Parallel()
	j := gate.Judge(good(), "p-9", now)
	if !j.MayGo() || j.State != gate.Open || len(j.Criteria) != 4 || len(j.Poll) != 3 {
		t.Fatalf("everything says go: %+v", j)
	}
	for _, c := range j.Criteria {
		if c.State != gate.Met || !c.Binding {
			t.Errorf("%s: %+v", c.ID, c)
		}
	}
	if d := cmp.Diff(map[string]int{"uid-1000": 3}, j.EnteredBy); d != "" {
		t.Errorf("who typed (-want +got):\n%s", d)
	}
}

// TestCriteria turns one thing at a time: what a criterion then is, and why.
func TestCriteria(t *testing.T) {
	t.Parallel()
	rehearsal := func(in *gate.Input, change func(*run.Run)) { change(in.Runs.Runs["weekend-1"]) }
	for _, c := range []struct {
		name      string
		change    func(*gate.Input)
		criterion string
		state     string
		reason    string
		rerun     bool
	}{
		{"suite met exactly", func(in *gate.Input) {}, "readiness", gate.Met, "", false},
		{"one other too few", func(in *gate.Input) { evidence(in, func(e *gate.SuiteEvidence) { e.Others.Passed-- }) }, "readiness", gate.Unmet, "others", false},
		{"one critical fails", func(in *gate.Input) { evidence(in, func(e *gate.SuiteEvidence) { e.Critical.Passed-- }) }, "readiness", gate.Unmet, "critical", false},
		{"critical and others", func(in *gate.Input) {
			evidence(in, func(e *gate.SuiteEvidence) { e.Critical.Passed, e.Others.Passed = 0, 0 })
		}, "readiness", gate.Unmet, "critical", false},
		{"as old as allowed", func(in *gate.Input) {
			evidence(in, func(e *gate.SuiteEvidence) { e.AsOf = now.Add(-2 * time.Hour) })
		}, "readiness", gate.Met, "", false},
		{"older than allowed", func(in *gate.Input) {
			evidence(in, func(e *gate.SuiteEvidence) { e.AsOf = now.Add(-2*time.Hour - 1) })
		}, "readiness", gate.Unknown, "stale", true},
		{"never asked", func(in *gate.Input) { delete(in.Suites, "readiness") }, "readiness", gate.Unknown, "stale", true},
		{"nothing answered", func(in *gate.Input) { evidence(in, func(e *gate.SuiteEvidence) { e.AsOf = time.Time{} }) }, "readiness", gate.Unknown, "stale", true},
		{"nothing to ask", func(in *gate.Input) {
			evidence(in, func(e *gate.SuiteEvidence) { e.Critical, e.Others = register.Count{}, register.Count{} })
		}, "readiness", gate.Unknown, "nothing-asked", false},
		{"not to be asked again", func(in *gate.Input) { delete(in.Suites, "readiness"); in.Gate.Criteria[0].Rerun = false }, "readiness", gate.Unknown, "stale", false},
		{"some never seen", func(in *gate.Input) {
			evidence(in, func(e *gate.SuiteEvidence) {
				e.Critical.Passed--
				e.Findings = []register.Finding{{Check: "x", Code: checks.Unobserved}}
			})
		}, "readiness", gate.Unmet, "critical", true},
		{"accepted deviation stands in", func(in *gate.Input) {
			evidence(in, func(e *gate.SuiteEvidence) { e.Critical = register.Count{Passed: 3, Accepted: 1, Total: 4} })
		}, "readiness", gate.Met, "with-deviations", false},
		{"milestone passed by the calendar", func(in *gate.Input) {}, "acceptance", gate.Met, "by-the-calendar", false},
		{"milestone passed by somebody", func(in *gate.Input) {
			in.Facts.Milestones = map[string]*register.MilestoneFacts{"acceptance": {PassedAt: now.Add(-time.Hour)}}
		}, "acceptance", gate.Met, "", false},
		{"milestone active", func(in *gate.Input) { in.Milestone = func(string) string { return "active" } }, "acceptance", gate.Unmet, "milestone-active", false},
		{"milestone without a date", func(in *gate.Input) { in.Milestone = func(string) string { return "unset" } }, "acceptance", gate.Unmet, "milestone-unset", false},
		{"milestone asked to be active", func(in *gate.Input) { in.Gate.Criteria[1].State = "active" }, "acceptance", gate.Unmet, "milestone-passed", false},
		{"rehearsed", func(in *gate.Input) {}, "weekend", gate.Met, "", false},
		{"rehearsed long ago", func(in *gate.Input) {
			rehearsal(in, func(r *run.Run) { r.EndedAt = now.Add(-31 * 24 * time.Hour) })
		}, "weekend", gate.Unmet, "rehearsed-too-long-ago", false},
		{"never rehearsed", func(in *gate.Input) { in.Runs = &run.Facts{} }, "weekend", gate.Unmet, "not-rehearsed", false},
		{"rehearsed elsewhere", func(in *gate.Input) { rehearsal(in, func(r *run.Run) { r.Started.Environment = "dev" }) }, "weekend", gate.Unmet, "not-rehearsed", false},
		{"another runbook", func(in *gate.Input) { rehearsal(in, func(r *run.Run) { r.Started.Runbook = "x" }) }, "weekend", gate.Unmet, "not-rehearsed", false},
		{"rehearsal simulated", func(in *gate.Input) { rehearsal(in, func(r *run.Run) { r.Simulated = true }) }, "weekend", gate.Unmet, "not-rehearsed", false},
		{"rehearsal speeded", func(in *gate.Input) { rehearsal(in, func(r *run.Run) { r.Started.Speed = 10 }) }, "weekend", gate.Unmet, "not-rehearsed", false},
		{"rehearsal aborted", func(in *gate.Input) { rehearsal(in, func(r *run.Run) { r.State = run.RunAborted }) }, "weekend", gate.Unmet, "not-rehearsed", false},
		{"the real thing is no rehearsal", func(in *gate.Input) {
			rehearsal(in, func(r *run.Run) { r.Started.Production, r.Started.Rehearsal = true, false })
		}, "weekend", gate.Unmet, "not-rehearsed", false},
		{"attested", func(in *gate.Input) {}, "staffed", gate.Met, "", false},
		{"not attested", func(in *gate.Input) { gateFacts(in).Attested = nil }, "staffed", gate.Unmet, "not-attested", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := good()
			c.change(&in)
			j := gate.Judge(in, "", now)
			seen := j.Criteria[slices.IndexFunc(j.Criteria, func(s register.CriterionSeen) bool { return s.ID == c.criterion })]
			if seen.State != c.state || seen.Reason != c.reason {
				t.Errorf("%s is %s (%s), want %s (%s)", c.criterion, seen.State, seen.Reason, c.state, c.reason)
			}
			if j.MayGo() != (c.state == gate.Met) {
				t.Errorf("may go: %v: %+v", j.MayGo(), j.Reasons)
			}
			if c.rerun != (len(j.Stale) == 1) {
				t.Errorf("asked again: %v, want %v", j.Stale, c.rerun)
			}
			if c.state != gate.Met {
				want := []register.Reason{{Code: "criterion-" + c.state, Subject: c.criterion, Remark: c.reason}}
				if d := cmp.Diff(want, j.Reasons); d != "" {
					t.Errorf("reasons (-want +got):\n%s", d)
				}
			}
		})
	}
}

func TestAnyEnvironmentWillDo(t *testing.T) {
	t.Parallel()
	in := good()
	in.Gate.Criteria[2].Environment = ""
	if j := gate.Judge(in, "", now); !j.MayGo() {
		t.Errorf("a criterion that names no environment asks for one: %+v", j.Reasons)
	}
}

func TestPoll(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		change  func(*gate.Input)
		decider string
		want    []register.Reason
	}{
		{"all ready", func(*gate.Input) {}, "p-9", nil},
		{"ready with a remark", func(in *gate.Input) { vote(in, ibm, func(v *register.Vote) { v.Remark = "slow" }) }, "", nil},
		{"one has not answered", func(in *gate.Input) { delete(gateFacts(in).Votes, ibm) }, "", []register.Reason{{Code: "not-answered", Subject: ibm}}},
		{"one is not ready", func(in *gate.Input) {
			vote(in, sse, func(v *register.Vote) { v.Answer, v.Remark = register.NotReady, "disk" })
		}, "", []register.Reason{{Code: "not-ready", Subject: sse, Remark: "disk"}}},
		{"one person twice", func(in *gate.Input) { vote(in, sse, func(v *register.Vote) { v.Actor.Person = "p-0" }) }, "",
			[]register.Reason{{Code: "same-person", Subject: sse, Remark: "p-0"}}},
		{"two seats nobody is known in, typed by one", func(in *gate.Input) {
			vote(in, ibm, func(v *register.Vote) { v.Actor.Person = "" })
			vote(in, sse, func(v *register.Vote) { v.Actor.Person = "" })
		}, "", []register.Reason{{Code: "same-person", Subject: sse}}},
		{"the decider's own answer", func(in *gate.Input) {}, "p-1", []register.Reason{{Code: "same-person", Subject: ibm, Remark: "p-1"}}},
		{"the plan changed since", func(in *gate.Input) { vote(in, manager, func(v *register.Vote) { v.PlanHash = "older" }) }, "",
			[]register.Reason{{Code: "plan-changed", Subject: manager, Remark: "p-0"}}},
		{"a void answer speaks for nobody", func(in *gate.Input) {
			vote(in, manager, func(v *register.Vote) { v.PlanHash, v.Actor.Person = "older", "p-1" })
		}, "", []register.Reason{{Code: "plan-changed", Subject: manager, Remark: "p-1"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := good()
			c.change(&in)
			j := gate.Judge(in, c.decider, now)
			if d := cmp.Diff(c.want, j.Reasons, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("reasons (-want +got):\n%s", d)
			}
		})
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	decided := func(a register.Answer) func(*gate.Input) {
		return func(in *gate.Input) {
			gateFacts(in).Decision = &register.Decision{Decided: register.Decided{Round: 1, Decision: a}}
		}
	}
	for _, c := range []struct {
		name   string
		change func(*gate.Input)
		at     time.Time
		want   gate.State
	}{
		{"not opened yet", func(in *gate.Input) { *gateFacts(in) = register.GateFacts{} }, now.Add(-3 * time.Hour), gate.Closed},
		{"asked for an earlier date", func(in *gate.Input) {}, now.Add(-3 * time.Hour), gate.Closed},
		{"extended for an earlier date", func(in *gate.Input) { gateFacts(in).Until = now.Add(-4 * time.Hour) }, now.Add(-3 * time.Hour), gate.Closed},
		{"opens", func(in *gate.Input) { *gateFacts(in) = register.GateFacts{} }, now.Add(-2 * time.Hour), gate.Open},
		{"opens when asked", func(in *gate.Input) { in.OpensAt = time.Time{} }, now.Add(-999 * time.Hour), gate.Open},
		{"just before the deadline", func(*gate.Input) {}, now.Add(4*time.Hour - 1), gate.Open},
		{"at the deadline", func(*gate.Input) {}, now.Add(4 * time.Hour), gate.Due},
		{"no deadline", func(in *gate.Input) { in.DecideBy = time.Time{} }, now.Add(999 * time.Hour), gate.Open},
		{"extended", func(in *gate.Input) { gateFacts(in).Until = now.Add(5 * time.Hour) }, now.Add(4 * time.Hour), gate.Open},
		{"extended and over", func(in *gate.Input) { gateFacts(in).Until = now.Add(5 * time.Hour) }, now.Add(5 * time.Hour), gate.Due},
		{"on hold", func(in *gate.Input) {
			gateFacts(in).Votes[chair] = register.Vote{Voted: register.Voted{Answer: register.HoldVote}}
		}, now, gate.Held},
		{"on hold past the deadline", func(in *gate.Input) {
			gateFacts(in).Votes[chair] = register.Vote{Voted: register.Voted{Answer: register.HoldVote}}
		}, now.Add(4 * time.Hour), gate.Due},
		{"go", decided(register.Go), now.Add(99 * time.Hour), gate.Went},
		{"no-go", decided(register.NoGo), now.Add(99 * time.Hour), gate.NoGo},
	} {
		in := good()
		c.change(&in)
		j := gate.Judge(in, "", c.at)
		if j.State != c.want {
			t.Errorf("%s: %s, want %s", c.name, j.State, c.want)
		}
		blocked := c.want == gate.Closed || c.want == gate.Due
		has := slices.ContainsFunc(j.Reasons, func(r register.Reason) bool { return r.Code == "deadline" || r.Code == "not-open" })
		if blocked != has {
			t.Errorf("%s: %s with reasons %+v", c.name, j.State, j.Reasons)
		}
	}
}

// TestPractised: in a rehearsal criteria are shown and bind nobody; the poll does.
func TestPractised(t *testing.T) {
	t.Parallel()
	in := good()
	in.Run, in.Suites, in.OpensAt, in.DecideBy = "weekend-2", nil, time.Time{}, time.Time{}
	in.Facts.Gates[register.GateKey{Gate: "cutover-go", Run: "weekend-2"}] = &register.GateFacts{Round: 1, Votes: gateFacts(&in).Votes}
	j := gate.Judge(in, "p-9", now)
	if !j.MayGo() || j.Criteria[0].State != gate.Unknown || j.Criteria[0].Binding {
		t.Errorf("practised: %+v", j)
	}
	delete(in.Facts.Gates[register.GateKey{Gate: "cutover-go", Run: "weekend-2"}].Votes, ibm)
	if j = gate.Judge(in, "p-9", now); j.MayGo() {
		t.Error("a poll is answered in a rehearsal, too")
	}
}

func TestDeviationsAreListed(t *testing.T) {
	t.Parallel()
	in := good()
	in.Facts.Deviations = []*register.Deviation{
		{Check: "lapsed", Accepted: register.Accepted{Until: now}},
		{Check: "unconfirmed", Accepted: register.Accepted{Until: now.Add(1), Critical: true}},
		{Check: "in-force", Accepted: register.Accepted{Until: now.Add(1)}},
	}
	j := gate.Judge(in, "", now)
	if len(j.Deviations) != 1 || j.Deviations[0].Check != "in-force" {
		t.Errorf("deviations in force: %+v", j.Deviations)
	}
}

func TestEnough(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		count register.Count
		need  string
		want  bool
	}{
		{register.Count{Passed: 4, Total: 4}, "all", true},
		{register.Count{Passed: 3, Total: 4}, "all", false},
		{register.Count{Passed: 3, Accepted: 1, Total: 4}, "all", true},
		{register.Count{Passed: 98, Total: 100}, "98%", true},
		{register.Count{Passed: 97, Total: 100}, "98%", false},
		{register.Count{Passed: 49, Total: 50}, "98%", true},
		{register.Count{Passed: 48, Total: 50}, "98%", false},
		{register.Count{Passed: 50, Total: 51}, "98%", true},
		{register.Count{Passed: 49, Total: 51}, "98%", false},
		{register.Count{Passed: 48, Accepted: 2, Total: 51}, "98%", true},
		{register.Count{Passed: 48, Accepted: 1, Total: 51}, "98%", false},
		{register.Count{Passed: 33, Total: 375}, "8.8%", true},
		{register.Count{Passed: 132, Total: 375}, "35.2%", true},
		{register.Count{Passed: 131, Total: 375}, "35.2%", false},
		{register.Count{Passed: 1, Total: 3}, "33.3%", true},
		{register.Count{}, "all", false},
		{register.Count{}, "1%", false},
		{register.Count{}, "0%", true},
		{register.Count{Total: 9}, "0%", true},
		{register.Count{Total: 9}, "", true},
		{register.Count{Passed: 9, Total: 9}, "most", false},
	} {
		if got := gate.Enough(c.count, c.need); got != c.want {
			t.Errorf("%+v for %q: %v, want %v", c.count, c.need, got, c.want)
		}
	}
}

// worsenings each make an input worse or leave it: one more failing result, one answer less, a minute later.
var worsenings = []func(*rand.Rand, *gate.Input, *time.Time){
	func(r *rand.Rand, in *gate.Input, _ *time.Time) {
		evidence(in, func(e *gate.SuiteEvidence) {
			n := &e.Critical
			if r.IntN(2) == 0 {
				n = &e.Others
			}
			if r.IntN(2) == 0 || n.Passed == 0 {
				n.Total++
			} else {
				n.Passed--
			}
		})
	},
	func(_ *rand.Rand, in *gate.Input, _ *time.Time) { delete(in.Suites, "readiness") },
	func(r *rand.Rand, in *gate.Input, _ *time.Time) { delete(gateFacts(in).Votes, in.Gate.Poll[r.IntN(3)]) },
	func(r *rand.Rand, in *gate.Input, _ *time.Time) {
		seat := in.Gate.Poll[r.IntN(3)]
		if v, ok := gateFacts(in).Votes[seat]; ok {
			v.Answer = register.NotReady
			gateFacts(in).Votes[seat] = v
		}
	},
	func(r *rand.Rand, in *gate.Input, _ *time.Time) {
		if v, ok := gateFacts(in).Votes[in.Gate.Poll[r.IntN(3)]]; ok {
			v.PlanHash = "older"
			gateFacts(in).Votes[v.Actor.Seat] = v
		}
	},
	func(_ *rand.Rand, in *gate.Input, _ *time.Time) { gateFacts(in).Attested = nil },
	func(_ *rand.Rand, in *gate.Input, _ *time.Time) { in.Milestone = func(string) string { return "late" } },
	func(_ *rand.Rand, in *gate.Input, _ *time.Time) { in.Runs = &run.Facts{} },
	func(r *rand.Rand, _ *gate.Input, at *time.Time) {
		*at = at.Add(time.Duration(r.IntN(180)) * time.Minute)
	},
}

// TestNothingWorseTurnsNoGoIntoGo walks from a go downwards at random: once something stands in the way, nothing that makes it
// worse takes everything out of the way again.
func TestNothingWorseTurnsNoGoIntoGo(t *testing.T) {
	t.Parallel()
	stopped := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 3))
		in, at := good(), now
		evidence(&in, func(e *gate.SuiteEvidence) { e.Others.Passed = 98 + r.IntN(3) })
		may := gate.Judge(in, "p-9", at).MayGo()
		for step := range 8 {
			worsenings[r.IntN(len(worsenings))](r, &in, &at)
			if _, ok := in.Suites["readiness"]; ok && in.Suites["readiness"].AsOf.IsZero() {
				delete(in.Suites, "readiness")
			}
			still := gate.Judge(in, "p-9", at).MayGo()
			if still && !may {
				t.Fatalf("seed %d, step %d: no-go became go", seed, step)
			}
			if may && !still {
				stopped++
			}
			may = still
		}
	}
	if stopped < 300 {
		t.Errorf("only %d walks met a no-go: the walk shows nothing", stopped)
	}
}

// TestSameInputSameJudgement: votes and gates are kept in maps, the judgement must not depend on their order.
func TestSameInputSameJudgement(t *testing.T) {
	t.Parallel()
	first := gate.Judge(good(), "p-1", now)
	for range 50 {
		if d := cmp.Diff(first, gate.Judge(good(), "p-1", now)); d != "" {
			t.Fatalf("another judgement:\n%s", d)
		}
	}
}
