package timeline_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
)

func copenhagen(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// at reads a local time in Copenhagen: "2019-11-09 00:00" or "2019-11-09".
func at(t testing.TB, text string) time.Time {
	t.Helper()
	layout := "2006-01-02 15:04"
	if len(text) == len("2006-01-02") {
		layout = "2006-01-02"
	}
	v, err := time.ParseInLocation(layout, text, copenhagen(t))
	if err != nil {
		t.Fatal(err)
	}
	return v.UTC()
}

// local writes an instant as Copenhagen's clocks show it; "" for the zero time.
func local(t testing.TB, v time.Time) string {
	t.Helper()
	if v.IsZero() {
		return ""
	}
	return v.In(copenhagen(t)).Format("2006-01-02 15:04")
}

// ms is a milestone as a test writes it.
type ms struct {
	id, kind, from, until string
	exit, runbook, owner  string
	allow                 []plan.Class
}

// written reads a date as the plan's reader does; "~" before it means assumed, "about " a rough range.
func written(t testing.TB, text string) plan.When {
	t.Helper()
	if text == "" {
		return plan.When{}
	}
	assumed := text[0] == '~'
	if assumed {
		text = text[1:]
	}
	w, err := plan.ParseWhen(text, copenhagen(t))
	if err != nil {
		t.Fatal(err)
	}
	w.Assumed = assumed
	return w
}

func testPlan(t testing.TB, list ...ms) *plan.Plan {
	t.Helper()
	p := &plan.Plan{ID: "test", Zone: copenhagen(t), Holidays: "dk",
		Milestones: map[string]*plan.Milestone{}, Gates: map[string]*plan.Gate{}, Suites: map[string]*plan.Suite{}, Audiences: map[string]*plan.Audience{}}
	for _, m := range list {
		p.MilestoneIDs = append(p.MilestoneIDs, m.id)
		p.Milestones[m.id] = &plan.Milestone{ID: m.id, Kind: plan.MilestoneKind(m.kind), From: written(t, m.from), Until: written(t, m.until),
			Exit: m.exit, Runbook: m.runbook, Owner: m.owner, Allow: m.allow}
	}
	return p
}

// sample is the plan of the transition the product is built for.
func sample(t testing.TB) *plan.Plan {
	t.Helper()
	p := testPlan(t,
		ms{id: "clarification", kind: "point", from: "2019-06-06"},
		ms{id: "release-2019-7", kind: "release", from: "2019-07-01"},
		ms{id: "frozen-zone-1", kind: "zone", from: "2019-06-01", until: "operational-trial.passed", runbook: "frozen-zone", allow: []plan.Class{plan.Fix, plan.Transition}},
		ms{id: "frozen-zone-2", kind: "zone", from: "2019-07-01", until: "hypercare.passed", runbook: "frozen-zone", allow: []plan.Class{plan.IncidentA, plan.IncidentB, plan.Transition}},
		ms{id: "internal-test", kind: "phase", from: "2019-07", until: "2019-07", exit: "internal-test-accepted"},
		ms{id: "delivery-test", kind: "phase", from: "2019-08", until: "2019-08"},
		ms{id: "acceptance-test", kind: "phase", from: "2019-09..2019-10", until: "2019-09..2019-10", exit: "acceptance"},
		ms{id: "take-over-day", kind: "point", from: "2019-10-25"},
		ms{id: "hypercare", kind: "phase", from: "cutover.start", until: "cutover.start + 26d", exit: "hypercare-exit"},
		ms{id: "cutover", kind: "window", from: "2019-11-09 00:00", until: "~2019-11-10 18:00", runbook: "cutover-weekend"},
		ms{id: "in-operation", kind: "point", from: "2019-11-11"},
		ms{id: "operational-trial", kind: "phase", from: "~2019-12-06", until: "2020-02-01..2020-02-10", owner: "kombit/cutover-manager"},
		ms{id: "first-release", kind: "release", from: "unset"},
	)
	p.GateIDs = []string{"hypercare-exit", "acceptance"}
	p.Gates["hypercare-exit"] = &plan.Gate{ID: "hypercare-exit", Decides: "kombit/chair"}
	p.Gates["acceptance"] = &plan.Gate{ID: "acceptance", Decides: "kombit/cutover-manager"}
	return p
}

func facts(adopted time.Time, set map[string]register.MilestoneFacts) *register.Facts {
	f := &register.Facts{AdoptedAt: adopted, Milestones: map[string]*register.MilestoneFacts{}}
	for id, m := range set {
		f.Milestones[id] = &m
	}
	return f
}

// shown is an instant as tests compare it.
func shown(t testing.TB, i timeline.Instant) string {
	t.Helper()
	s := string(i.Certainty) + " " + local(t, i.At)
	if !i.Earliest.Equal(i.At) || !i.Latest.Equal(i.At) {
		s += " [" + local(t, i.Earliest) + ", " + local(t, i.Latest) + "]"
	}
	if i.Assumed {
		s += " assumed"
	}
	return s
}

var update = flag.Bool("update", false, "write golden files")

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
