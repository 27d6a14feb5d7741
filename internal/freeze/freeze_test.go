package freeze_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/freeze"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
)

var update = flag.Bool("update", false, "write golden files")

// zone makes a zone in force until a day in 2019 (0 = until an event that has not come).
func zone(id string, untilDay int, sides []checks.Side, allow ...plan.Class) timeline.InForce {
	z := timeline.InForce{Milestone: &plan.Milestone{ID: id, Kind: plan.Zone, Allow: allow, AppliesTo: sides}, MayLift: []string{"kombit/" + id}}
	end := time.Date(2019, 12, max(untilDay, 1), 0, 0, 0, 0, time.UTC)
	z.Until = timeline.Instant{At: end, Earliest: end, Latest: end, Certainty: timeline.Exact}
	if untilDay == 0 {
		z.Until.Certainty, z.Until.Latest = timeline.Event, time.Time{}
	}
	return z
}

var (
	zone1 = zone("zone-1", 0, nil, plan.Fix, plan.Transition)
	zone2 = zone("zone-2", 6, nil, plan.IncidentA, plan.IncidentB, plan.Transition)
)

// The table a manager can read: every class under every set of zones. Its rows are what the plan's authors mean by their zones.
func TestTruthTable(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name  string
		zones []timeline.InForce
		side  checks.Side
	}{
		{"no zone in force", nil, ""},
		{"frozen zone 1 (fix, transition)", []timeline.InForce{zone1}, ""},
		{"frozen zone 2 (incident-a, incident-b, transition)", []timeline.InForce{zone2}, ""},
		{"both frozen zones", []timeline.InForce{zone1, zone2}, ""},
		{"both frozen zones, the other way round", []timeline.InForce{zone2, zone1}, ""},
		{"a zone that allows nothing", []timeline.InForce{zone("z", 6, nil)}, ""},
		{"a zone that allows scope", []timeline.InForce{zone("z", 6, nil, plan.Scope)}, ""},
		{"a zone that allows incident-c", []timeline.InForce{zone("z", 6, nil, plan.IncidentC)}, ""},
		{"a zone that allows certificate", []timeline.InForce{zone("z", 6, nil, plan.Certificate)}, ""},
		{"a zone that allows emergency", []timeline.InForce{zone("z", 6, nil, plan.Emergency)}, ""},
		{"zone on old allows nothing; change on old", []timeline.InForce{zone("z", 6, []checks.Side{checks.Old})}, checks.Old},
		{"zone on old allows nothing; change on new", []timeline.InForce{zone("z", 6, []checks.Side{checks.Old})}, checks.New},
		{"zone on old allows nothing; change on both", []timeline.InForce{zone("z", 6, []checks.Side{checks.Old})}, ""},
		{"zone on new allows fix, zone on both allows incident-a; change on new", []timeline.InForce{zone("a", 6, []checks.Side{checks.New}, plan.Fix), zone("b", 6, nil, plan.IncidentA)}, checks.New},
		{"zone on new allows fix, zone on both allows incident-a; change on old", []timeline.InForce{zone("a", 6, []checks.Side{checks.New}, plan.Fix), zone("b", 6, nil, plan.IncidentA)}, checks.Old},
	}
	var b strings.Builder
	b.WriteString("May a change of this class be made? yes, or the number of zones that refuse it.\n")
	b.WriteString("transition* is a change that calls itself transition and is no step of the plan's own runs.\n\n")
	for _, c := range plan.Classes() {
		fmt.Fprintf(&b, "%-12s", c)
	}
	b.WriteString("transition*\n")
	for _, row := range rows {
		for _, q := range questions(row.side) {
			a := freeze.Judge(row.zones, nil, q)
			cell := "yes"
			if !a.Allowed {
				cell = fmt.Sprint(len(a.Refusals))
			}
			fmt.Fprintf(&b, "%-12s", cell)
		}
		b.WriteString(row.name + "\n")
	}
	golden(t, "testdata/table.txt", b.String())
}

// questions are one per class, transition as a listed step, and transition once more as one that is not.
func questions(side checks.Side) []freeze.Question {
	var out []freeze.Question
	for _, c := range plan.Classes() {
		out = append(out, freeze.Question{Class: c, Side: side, ListedTransition: c == plan.Transition})
	}
	return append(out, freeze.Question{Class: plan.Transition, Side: side})
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs; run with -update to accept:\n%s", file, d)
	}
}

func TestRefusalSaysWhyUntilWhenAndWho(t *testing.T) {
	t.Parallel()
	a := freeze.Judge([]timeline.InForce{zone1, zone2}, nil, freeze.Question{Class: plan.Scope, Service: "gateway", Party: "ibm"})
	var got []string
	for _, r := range a.Refusals {
		got = append(got, fmt.Sprint(r.Zone.ID, " ", r.Why, " ", r.Until.Certainty, " ", r.Waives))
	}
	if d := cmp.Diff([]string{"zone-1 not-allowed event [kombit/zone-1]", "zone-2 not-allowed exact [kombit/zone-2]"}, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"kombit/zone-1", "kombit/zone-2"}, a.MayWaive()); d != "" {
		t.Error(d)
	}
	if a.Question.Service != "gateway" || len(a.Zones) != 2 {
		t.Errorf("answer %+v", a)
	}
	if at, ok := a.FreeAt(); ok {
		t.Errorf("free at %v although one zone ends with an event", at)
	}
	a = freeze.Judge([]timeline.InForce{zone2, zone("later", 9, nil)}, nil, freeze.Question{Class: plan.Fix})
	if at, ok := a.FreeAt(); !ok || at.Day() != 9 {
		t.Errorf("free at %v %v, want the 9th", at, ok)
	}
	a = freeze.Judge([]timeline.InForce{zone1}, nil, freeze.Question{Class: plan.Transition})
	if len(a.Refusals) != 1 || a.Refusals[0].Why != freeze.NotListed {
		t.Errorf("a transition outside the plan: %+v", a.Refusals)
	}
	a = freeze.Judge([]timeline.InForce{zone("shut", 9, nil)}, nil, freeze.Question{Class: plan.Emergency})
	if len(a.Refusals) != 1 || a.Refusals[0].Why != freeze.NothingAllow {
		t.Errorf("an emergency in a zone that allows nothing: %+v", a.Refusals)
	}
	a = freeze.Judge(nil, nil, freeze.Question{Class: "urgent"})
	if a.Allowed || a.Refusals[0].Why != freeze.UnknownClass || a.Refusals[0].Zone != nil {
		t.Errorf("an unknown class without zones: %+v", a)
	}
	if _, ok := a.FreeAt(); ok {
		t.Error("waiting helps against an unknown class")
	}
	if a := freeze.Judge(nil, nil, freeze.Question{Class: plan.Scope}); !a.Allowed || a.MayWaive() != nil {
		t.Errorf("no zone refuses: %+v", a)
	}
}

// One more zone never allows what was refused; one more allowed class never refuses what was allowed; and the order of
// zones does not matter.
func TestZonesOnlyAddRefusals(t *testing.T) {
	t.Parallel()
	classes := plan.Classes()
	subset := func(bits int) []plan.Class {
		var out []plan.Class
		for i, c := range classes {
			if bits&(1<<i) != 0 {
				out = append(out, c)
			}
		}
		return out
	}
	all := 1 << len(classes)
	for bits := range all {
		one := zone("one", 6, nil, subset(bits)...)
		for _, other := range []int{0, bits / 2, bits ^ (all - 1), 5} {
			two := zone("two", 6, nil, subset(other)...)
			for _, q := range questions("") {
				alone := freeze.Judge([]timeline.InForce{one}, nil, q).Allowed
				both := freeze.Judge([]timeline.InForce{one, two}, nil, q).Allowed
				if both != freeze.Judge([]timeline.InForce{two, one}, nil, q).Allowed {
					t.Fatalf("%s: order matters for %v and %v", q.Class, one.Allow, two.Allow)
				}
				if both && !alone {
					t.Fatalf("%s: refused by %v, allowed once %v is in force too", q.Class, one.Allow, two.Allow)
				}
				wider := freeze.Judge([]timeline.InForce{zone("one", 6, nil, append(slices.Clone(one.Allow), plan.Scope)...)}, nil, q).Allowed
				if alone && !wider {
					t.Fatalf("%s: allowed by %v, refused once scope is allowed too", q.Class, one.Allow)
				}
			}
		}
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	inside := map[plan.Class][]plan.Class{
		plan.Scope:     {plan.Scope, plan.Fix, plan.IncidentA, plan.IncidentB, plan.IncidentC},
		plan.Fix:       {plan.Fix, plan.IncidentA, plan.IncidentB, plan.IncidentC},
		plan.IncidentC: {plan.IncidentC}, plan.IncidentB: {plan.IncidentB}, plan.IncidentA: {plan.IncidentA},
		plan.Transition: {plan.Transition}, plan.Certificate: {plan.Certificate}, plan.Emergency: {plan.Emergency},
	}
	for _, allowed := range plan.Classes() {
		for _, c := range plan.Classes() {
			if got, want := freeze.Covers([]plan.Class{allowed}, c), slices.Contains(inside[allowed], c); got != want {
				t.Errorf("allowing %s covers %s: %v", allowed, c, got)
			}
		}
	}
}

// An exception for a step of a runbook lets the step through in each run; one for a run's step is for that run alone.
func TestExceptionForAStep(t *testing.T) {
	t.Parallel()
	at := time.Date(2019, 12, 1, 0, 0, 0, 0, time.UTC)
	for waived, want := range map[string]string{"work/a": "work/a work-2/a", "work-2/a": "work-2/a", "work-3/a": "", "": "work/a work-2/a extra/work-2"} {
		w := &register.WaiverFacts{Waiver: register.Waiver{Class: plan.Scope, Change: waived, Until: at.AddDate(0, 0, 1)}, Zone: "zone-2", ConfirmedAt: at}
		var got []string
		for _, q := range []freeze.Question{{Change: "work/a", Step: "work/a"}, {Change: "work-2/a", Step: "work/a"}, {Change: "extra/work-2"}} {
			q.Class, q.At = plan.Scope, at
			if freeze.Judge([]timeline.InForce{zone2}, []*register.WaiverFacts{w}, q).Allowed {
				got = append(got, q.Change)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("an exception for %q lets %q through, want %q", waived, got, want)
		}
	}
}
