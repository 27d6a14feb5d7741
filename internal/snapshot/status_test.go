package snapshot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/matrix"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/snapshot"
)

// calm is the story's plan a month before the weekend, when nothing is wrong: what trained and trial wait for has passed.
func calm(t testing.TB) (snapshot.In, *facts) {
	t.Helper()
	p := story(t)
	f := &facts{}
	f.add(t, 40*day, register.PlanAdopted, "", "", "", register.Adopted{Hash: p.Hash, First: true})
	for _, m := range []string{"trial", "training"} {
		f.add(t, 15*day, register.MilestonePassed, "", m, "customer/manager", register.Passed{})
	}
	f.add(t, 15*day, register.GateOpened, "", "trained", "", register.Opened{Round: 1})
	f.add(t, 15*day, register.GateDecided, "", "trained", "customer/manager", register.Decided{Round: 1, Decision: register.Go, PlanHash: p.Hash})
	return snapshot.In{Plan: p, Runs: &f.runs, Register: &f.register, Now: now.Add(-14 * day)}, f
}

// answered fills in passing answers but for those that fail says otherwise about.
func answered(in *snapshot.In, fail func(u matrix.Unit) (checks.Verdict, checks.Code)) {
	in.Latest = answers(in.Plan, in.Register, func(u matrix.Unit) (checks.Verdict, checks.Code, string) {
		if v, c := fail(u); c != "" {
			return v, c, ""
		}
		return checks.Pass, checks.OK, ""
	})
	for i := range in.Latest {
		in.Latest[i].Until = in.Now.Add(-time.Minute)
	}
}

func fine(matrix.Unit) (checks.Verdict, checks.Code) { return "", "" }

func codes(s snapshot.Snapshot) []string {
	var out []string
	for _, r := range s.Status.Reasons {
		out = append(out, string(r.Light)+" "+r.Code)
	}
	return out
}

func TestStatusLight(t *testing.T) {
	t.Parallel()
	atGateway := func(u matrix.Unit) (checks.Verdict, checks.Code) {
		if u.Check == "cert" && u.Side == checks.New {
			return checks.Fail, checks.Refused
		}
		return "", ""
	}
	phase := func(ph checks.Phase) func(*snapshot.In, *facts) {
		return func(in *snapshot.In, f *facts) {
			f.add(t, 14*day, register.PhaseMoved, "", "", "", register.Moved{Environment: "prod", Services: []string{"gateway"}, Phase: ph})
		}
	}
	for _, c := range []struct {
		name  string
		with  func(*snapshot.In, *facts)
		fails func(matrix.Unit) (checks.Verdict, checks.Code)
		want  []string
	}{
		{"nothing is wrong", nil, fine, nil},
		{"a phase is a day late", func(in *snapshot.In, f *facts) {
			f.add(t, 15*day, register.MilestoneReopened, "", "trial", "customer/manager", register.Passed{})
			in.Now = time.Date(2019, 10, 26, 20, 0, 0, 0, time.UTC)
		}, fine, []string{"yellow late"}},
		{"a phase is late beyond the red threshold", func(in *snapshot.In, f *facts) {
			f.add(t, 15*day, register.MilestoneReopened, "", "trial", "customer/manager", register.Passed{})
			in.Now = time.Date(2019, 11, 3, 20, 0, 0, 0, time.UTC)
		}, fine, []string{"red late"}},
		{"a gate's deadline has passed", func(in *snapshot.In, f *facts) { in.Now = time.Date(2019, 11, 9, 3, 30, 0, 0, time.UTC) }, fine,
			[]string{"red gate-late"}},
		{"a gate ended in no-go", func(in *snapshot.In, f *facts) {
			f.add(t, 14*day, register.GateOpened, "", "open", "", register.Opened{Round: 1})
			f.add(t, 14*day, register.GateDecided, "", "open", "customer/chair", register.Decided{Round: 1, Decision: register.NoGo, PlanHash: in.Plan.Hash})
		}, fine, []string{"red gate-no-go"}},
		{"a no-go that was only practised", func(in *snapshot.In, f *facts) {
			f.add(t, 14*day, run.RunStarted, "weekend-1", "", "", started(in.Plan, "weekend", "prod", true))
			f.add(t, 14*day, register.GateOpened, "weekend-1", "go", "", register.Opened{Round: 1})
			f.add(t, 14*day, register.GateDecided, "weekend-1", "go", "customer/chair", register.Decided{Round: 1, Decision: register.NoGo, PlanHash: in.Plan.Hash, Practised: true})
		}, fine, nil},
		{"the live run is held", func(in *snapshot.In, f *facts) {
			f.add(t, 14*day, run.RunStarted, "weekend-1", "", "", started(in.Plan, "weekend", "prod", false))
			f.add(t, 14*day, run.RunWasHeld, "weekend-1", "", "", run.Ended{Reason: "x", Step: "stop"})
		}, fine, []string{"red run-held"}},
		{"a rehearsal is held", func(in *snapshot.In, f *facts) {
			f.add(t, 14*day, run.RunStarted, "weekend-1", "", "", started(in.Plan, "weekend", "prod", true))
			f.add(t, 14*day, run.RunWasHeld, "weekend-1", "", "", run.Ended{Reason: "x", Step: "stop"})
		}, fine, []string{"yellow run-held"}},
		{"a run ended no-go and was done again", func(in *snapshot.In, f *facts) {
			for i, state := range []run.State{run.RunNoGo, run.RunDone} {
				id := fmt.Sprintf("weekend-%d", i+1)
				f.add(t, 14*day, run.RunStarted, id, "", "", started(in.Plan, "weekend", "prod", false))
				f.add(t, 14*day, run.RunEnded, id, "", "", run.Ended{State: state})
			}
		}, fine, nil},
		{"a run failed", func(in *snapshot.In, f *facts) {
			f.add(t, 14*day, run.RunStarted, "weekend-1", "", "", started(in.Plan, "weekend", "prod", false))
			f.add(t, 14*day, run.RunEnded, "weekend-1", "", "", run.Ended{State: run.RunFailed})
		}, fine, []string{"red run-failed"}},
		{"it blocks before the switch", nil, atGateway, []string{"yellow pairs"}},
		{"it blocks after the switch", phase(checks.Fallback), atGateway, []string{"red pairs"}},
		{"nothing was observed", func(in *snapshot.In, f *facts) { in.Latest = nil }, nil, []string{"yellow not-observed"}},
		{"a mail failed", func(in *snapshot.In, f *facts) { in.Messages = []register.Message{{State: register.MessageFailed}} }, fine, []string{"yellow unsent"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in, f := calm(t)
			if c.with != nil {
				c.with(&in, f)
			}
			if c.fails != nil {
				answered(&in, c.fails)
			}
			s := snapshot.Build(in)
			if d := cmp.Diff(c.want, codes(s)); d != "" {
				t.Errorf("reasons (-want +got):\n%s", d)
			}
			want := register.Green
			if len(c.want) > 0 {
				light, _, _ := strings.Cut(c.want[0], " ")
				want = register.Light(light)
			}
			if s.Status.Computed != want || s.Status.Light() != want {
				t.Errorf("the light is %s, want %s", s.Status.Computed, want)
			}
		})
	}
}

func TestALightThatAPersonSetStandsBesideTheComputedOne(t *testing.T) {
	t.Parallel()
	st := build(t, "").Status
	if st.Computed != register.Red || st.Light() != register.Yellow || st.Set.Because == "" || st.Note == nil {
		t.Errorf("got %+v", st)
	}
}

// One more answer that is not as wanted never makes the light greener, whatever it is.
func TestOneMoreFailureIsNeverGreener(t *testing.T) {
	t.Parallel()
	in, _ := calm(t)
	answered(&in, fine)
	rank := func(l register.Light) int {
		return slices.Index([]register.Light{register.Green, register.Yellow, register.Red}, l)
	}
	before := rank(snapshot.Build(in).Status.Computed)
	for i := range in.Latest {
		for _, v := range []checks.Verdict{checks.Fail, checks.Unverified, checks.Error} {
			code := map[checks.Verdict]checks.Code{checks.Fail: checks.Refused, checks.Unverified: checks.NetUnreachable, checks.Error: checks.Credential}[v]
			worse := in
			worse.Latest = slices.Clone(in.Latest)
			worse.Latest[i].Outcome, worse.Latest[i].Verdict, worse.Latest[i].Code = v, v, code
			s := snapshot.Build(worse)
			if got := rank(s.Status.Computed); got < before {
				t.Errorf("%s with %s: %s", in.Latest[i].Unit, v, s.Status.Computed)
			}
			for _, suite := range s.Suites {
				if suite.Passed+suite.Failed+suite.Unseen+suite.Accepted != suite.Units {
					t.Errorf("suite %s does not add up: %+v", suite.ID, suite)
				}
			}
		}
	}
}
