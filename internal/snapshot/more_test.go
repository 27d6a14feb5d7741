package snapshot_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/snapshot"
)

func TestAnEmptyPlanIsNoPanic(t *testing.T) {
	t.Parallel()
	for _, in := range []snapshot.In{{}, {Plan: &plan.Plan{}}, {Plan: &plan.Plan{}, Viewer: "somebody", Now: now}, {Plan: story(t), Now: now}, {Plan: story(t), Now: now, Viewer: "t1"}} {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(jsonOf(t, snapshot.Build(in)), &fields); err != nil {
			t.Fatal(err)
		}
		for name, value := range fields {
			if string(value) == "null" {
				t.Errorf("%s is null: a reader expects a list", name)
			}
		}
	}
}

func TestNoPersonalDataInIt(t *testing.T) {
	t.Parallel()
	text := string(jsonOf(t, build(t, "")))
	for _, c := range story(t).Contacts.All() {
		for _, secret := range []string{c.Name, c.Phone, c.Mail, strings.Fields(c.Name)[1]} {
			if secret != "" && strings.Contains(text, secret) {
				t.Errorf("%q is in the snapshot", secret)
			}
		}
	}
	if !strings.Contains(text, "p-chair") {
		t.Error("the person's id is missing: the test proves nothing")
	}
}

func stepsOf(s snapshot.Snapshot, id string) map[string]run.StepState {
	out := map[string]run.StepState{}
	for _, r := range s.Runs {
		if r.ID == id {
			for _, st := range r.Steps {
				out[st.ID] = st.State
			}
		}
	}
	return out
}

func TestWhatCouldStartNow(t *testing.T) {
	t.Parallel()
	p := story(t)
	f := &facts{}
	look := func() map[string]run.StepState {
		return stepsOf(snapshot.Build(snapshot.In{Plan: p, Runs: &f.runs, Register: &f.register, Now: now}), "weekend-1")
	}
	check := func(what string, want map[string]run.StepState) {
		t.Helper()
		if d := cmp.Diff(want, look()); d != "" {
			t.Errorf("%s:\n%s", what, d)
		}
	}
	w, st, ok := run.Waiting, run.Startable, run.Done
	f.add(t, day, run.RunStarted, "weekend-1", "", "", started(p, "weekend", "prod", false))
	check("only what needs nothing", map[string]run.StepState{"stop": st, "copy": w, "switch": w, "notice": w, "open": w})
	f.step(t, day, "weekend-1", "stop", "oldco/operator", run.Begun{State: run.WaitingForPerson}, run.Finished{State: ok})
	f.step(t, day, "weekend-1", "copy", "", run.Begun{State: run.Running}, run.Finished{State: ok})
	check("a gate stands before the switch", map[string]run.StepState{"stop": ok, "copy": ok, "switch": w, "notice": st, "open": w})
	f.add(t, day, register.GateOpened, "", "go", "", register.Opened{Round: 1})
	f.add(t, day, register.GateDecided, "", "go", "customer/chair", register.Decided{Round: 1, Decision: register.Go, PlanHash: p.Hash})
	check("go was given", map[string]run.StepState{"stop": ok, "copy": ok, "switch": st, "notice": st, "open": w})
	f.add(t, day, run.RunStarted, "weekend-2", "", "", started(p, "weekend", "prod", false))
	f.add(t, day, register.GateUsed, "weekend-2", "go", "", struct{}{})
	check("another run used the go", map[string]run.StepState{"stop": ok, "copy": ok, "switch": w, "notice": st, "open": w})
	f.add(t, day, run.RunWasHeld, "weekend-1", "", "", run.Ended{Reason: "x"})
	check("nothing starts in a held run", map[string]run.StepState{"stop": ok, "copy": ok, "switch": w, "notice": w, "open": w})
}

func TestWhatIsNeeded(t *testing.T) {
	t.Parallel()
	type need struct{ kind, subject, run, seat string }
	var got []need
	s := build(t, "customer")
	for i, n := range s.Needed {
		got = append(got, need{n.Kind, n.Subject, n.Run, n.Seat})
		if i > 0 && !n.By.IsZero() && (s.Needed[i-1].By.IsZero() || s.Needed[i-1].By.After(n.By)) {
			t.Errorf("%s stands behind something that is due later", n.Subject)
		}
	}
	want := []need{
		{"gate", "trained", "", "customer/manager"},
		{"step", "notice", "weekend-2", "customer/manager"},
		{"confirm", "allow", "", "customer/chair"},
		{"gate", "go", "weekend-1", "customer/chair"},
		{"vote", "go", "weekend-1", "customer/manager"},
		{"vote", "go", "weekend-1", "oldco/operator"},
		{"step", "switch", "weekend-2", "newco/operator"},
	}
	less := func(a, b need) int {
		return strings.Compare(a.kind+a.subject+a.run+a.seat, b.kind+b.subject+b.run+b.seat)
	}
	slices.SortFunc(got, less)
	slices.SortFunc(want, less)
	if d := cmp.Diff(want, got, cmp.AllowUnexported(need{})); d != "" {
		t.Errorf("needed (-want +got):\n%s", d)
	}
}

// A gate that is open asks everybody who has not answered, and for what nobody has attested.
func TestWhatAnOpenGateNeeds(t *testing.T) {
	t.Parallel()
	in, f := calm(t)
	in.Now = now.Add(-20 * 3600e9) // within the time in which the gate is open
	f.add(t, 21*3600e9, register.GateOpened, "", "go", "", register.Opened{Round: 1})
	f.add(t, 21*3600e9, register.GateVoted, "", "go", "oldco/operator", register.Voted{Round: 1, Answer: register.Ready, PlanHash: in.Plan.Hash})
	f.add(t, 21*3600e9, register.GateAttested, "", "go", "newco/operator", register.Attested{Criterion: "staffed"})
	var got []string
	for _, n := range snapshot.Build(in).Needed {
		got = append(got, n.Kind+" "+n.Subject+" "+n.Seat)
	}
	want := []string{"gate go customer/chair", "vote go customer/manager", "vote go newco/operator", "attest told customer/manager"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("needed (-want +got):\n%s", d)
	}
}

func TestTheCustomerSeesEverything(t *testing.T) {
	t.Parallel()
	if string(jsonOf(t, build(t, ""))) != string(jsonOf(t, build(t, "customer"))) {
		t.Error("the customer's party sees less than nobody in particular")
	}
}

func TestAStrangerSeesOnlyDates(t *testing.T) {
	t.Parallel()
	s := build(t, "stranger")
	for name, n := range map[string]int{"flows": len(s.Flows), "log": len(s.Log), "needed": len(s.Needed), "deviations": len(s.Deviations),
		"duty": len(s.Duty), "suites": len(s.Suites), "events": len(s.Latest)} {
		if n != 0 {
			t.Errorf("a stranger sees %d %s", n, name)
		}
	}
	for _, e := range s.Checks {
		if len(e.Pairs) != 0 {
			t.Errorf("a stranger sees %d comparisons of %s", len(e.Pairs), e.ID)
		}
	}
	for _, r := range s.Runs {
		if len(r.Steps) != 0 || r.Reason != "" {
			t.Errorf("a stranger sees inside %s", r.ID)
		}
	}
	if len(s.Milestones) != 7 || strings.Contains(string(jsonOf(t, s)), "CANARY") {
		t.Error("a stranger sees the wrong things")
	}
}

// A supplier sees its own platform, judged by itself, and nothing of the other's.
func TestASupplierSeesItsOwnSide(t *testing.T) {
	t.Parallel()
	s := build(t, "newco")
	seen := 0
	for _, e := range s.Checks {
		for _, p := range e.Pairs {
			seen++
			if p.Old != nil || p.New == nil || p.Party != "" {
				t.Errorf("%s %s: old %v, new %v", p.Check, p.Flow, p.Old, p.New)
			}
			if p.Check == "banner" && !p.Verdict.Blocks {
				t.Errorf("a failure of one's own side does not block: %+v", p.Verdict)
			}
		}
	}
	if seen == 0 {
		t.Error("nothing is seen")
	}
}

// A step that failed in a run that goes on keeps it from ending until somebody says what is to become of it.
func TestAFailedStepNeedsAWord(t *testing.T) {
	t.Parallel()
	in, f := calm(t)
	f.add(t, day, run.RunStarted, "weekend-1", "", "", started(in.Plan, "weekend", "prod", false))
	f.step(t, day, "weekend-1", "stop", "oldco/operator", run.Begun{State: run.WaitingForPerson}, run.Finished{State: run.Failed, Reason: "no"})
	var got []string
	for _, n := range snapshot.Build(in).Needed {
		if n.Kind == snapshot.NeedStep {
			got = append(got, n.Subject+" "+n.Run+" "+n.Seat)
		}
	}
	if d := cmp.Diff([]string{"stop weekend-1 oldco/operator"}, got); d != "" {
		t.Errorf("needed (-want +got):\n%s", d)
	}
}
