package config_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/config"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
	"skift/runbooks"
)

func serviceplatformen(t *testing.T) *plan.Plan {
	t.Helper()
	fsys, ok := config.Plan("serviceplatformen")
	if !ok {
		t.Fatal("the plan does not ship")
	}
	return load(t, fsys)
}

// published is the milestone list as it was published: the first and the last local day of each, "" where there is none, and what it
// ends on instead.
var published = []struct{ id, english, first, last, event string }{
	{"clarification-end", "End of the clarification phase", "2019-06-06", "2019-06-06", ""},
	{"release-2019-7", "Hand-over of release 2019-7 from SSE to IBM", "2019-07-01", "2019-07-01", ""},
	{"frozen-zone-1", "Frozen zone 1", "2019-06-01", "", "operational-trial.passed"},
	{"frozen-zone-2", "Frozen zone 2", "2019-07-01", "", "hypercare.passed"},
	{"internal-test", "Internal test", "2019-07-01", "2019-07-31", ""},
	{"delivery-test", "Delivery test", "2019-08-01", "2019-08-31", ""},
	{"acceptance-test", "Acceptance test", "2019-09-01", "2019-10-31", ""},
	{"take-over", "Take-over day", "2019-10-25", "2019-10-25", ""},
	{"hypercare", "Hypercare", "2019-11-09", "2019-12-05", ""},
	{"cutover", "Cut-over weekend", "2019-11-09", "2019-11-10", ""},
	{"in-operation", "SP and STS Admin in operation at IBM", "2019-11-11", "2019-11-11", ""},
	{"operational-trial", "Operational trial passed and approved", "2019-12-06", "2020-02-10", ""},
	{"first-release", "First release at IBM", "", "", ""},
}

func TestServiceplatformenMilestones(t *testing.T) {
	t.Parallel()
	p := serviceplatformen(t)
	var ids []string
	for _, m := range published {
		ids = append(ids, m.id)
	}
	if d := cmp.Diff(ids, p.MilestoneIDs); d != "" {
		t.Fatalf("milestones (-published +plan):\n%s", d)
	}
	tl := timeline.At(p, &register.Facts{}, time.Date(2019, 5, 1, 0, 0, 0, 0, time.UTC))
	day := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.In(p.Zone).Format(time.DateOnly)
	}
	for _, want := range published {
		m := tl.Milestone(want.id)
		last := m.End.Latest
		if !last.IsZero() {
			last = last.Add(-time.Second) // an end is the first instant after it
		}
		if got := day(m.Start.Earliest); got != want.first {
			t.Errorf("%s begins %s, published %s", want.id, got, want.first)
		}
		if got := day(last); got != want.last {
			t.Errorf("%s ends %s, published %s", want.id, got, want.last)
		}
		if got := p.Milestones[want.id].Title.In("en"); got != want.english {
			t.Errorf("%s is called %q, published %q", want.id, got, want.english)
		}
		if until := p.Milestones[want.id].Until; (until.Kind == plan.Event) != (want.event != "") || want.event != "" && until.Text != want.event {
			t.Errorf("%s ends on %q, published %q", want.id, until.Text, want.event)
		}
	}
	assumed := []string{p.Milestones["cutover"].Until.Text, p.Milestones["operational-trial"].From.Text}
	if !p.Milestones["cutover"].Until.Assumed || !p.Milestones["operational-trial"].From.Assumed {
		t.Errorf("%v are not in the published plan and are not marked assumed", assumed)
	}
	if k := p.Milestones["first-release"].From.Kind; k != plan.Unset {
		t.Errorf("the first release is %q, published without a date", k)
	}
}

func TestServiceplatformenParties(t *testing.T) {
	t.Parallel()
	p := serviceplatformen(t)
	waves := map[string]int{}
	for _, m := range p.Parties["municipalities"].Members {
		waves[m.Wave]++
	}
	want := map[string]int{"pilot": 7, "wave-1": 13, "wave-2": 14, "wave-3": 15, "wave-4": 17, "wave-5": 15, "wave-6": 17}
	if d := cmp.Diff(want, waves); d != "" {
		t.Errorf("municipalities per wave (-want +got):\n%s", d)
	}
	if m, ok := p.Member("municipality-hoeje-taastrup"); !ok || m.Name != "Høje-Tåstrup" {
		t.Errorf("Høje-Tåstrup is %+v", m)
	}
	areas := []string{"certificates", "agreements", "sftp", "whitelisting", "configuration", "data-migration", "contingency", "hypercare"}
	if d := cmp.Diff(areas, p.Areas); d != "" {
		t.Errorf("areas (-want +got):\n%s", d)
	}
}

// Whoever has to act in the weekend is on the roster, and two seats that a gate asks are never one person.
func TestServiceplatformenRoster(t *testing.T) {
	t.Parallel()
	p := serviceplatformen(t)
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, p.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	from, until := at("2019-11-08 00:00"), at("2019-11-11 00:00")
	for _, seat := range p.SeatIDs {
		if gaps := p.Roster.Gaps(seat, from, until); len(gaps) > 0 {
			t.Errorf("%s is empty from %s to %s", seat, gaps[0].From, gaps[0].Until)
		}
	}
	for now := from; now.Before(until); now = now.Add(time.Hour) {
		for _, id := range p.GateIDs {
			g, sits := p.Gates[id], map[string]string{}
			for _, seat := range append(slices.Clone(g.Poll), g.Decides) {
				person := p.Roster.At(seat, now).Person()
				if other, taken := sits[person]; taken {
					t.Fatalf("%s: %s sits in %s and %s at %s", id, person, other, seat, now)
				}
				sits[person] = seat
			}
		}
	}
}

// Every flow that comes in can be asked from somewhere, so that a gate that wants them all can be met.
func TestServiceplatformenFlows(t *testing.T) {
	t.Parallel()
	p := serviceplatformen(t)
	if len(p.Flows) < 36 {
		t.Errorf("%d flows", len(p.Flows))
	}
	for _, f := range p.Flows {
		if f.Direction == plan.Inbound && !slices.ContainsFunc(p.VantageIDs, func(id string) bool { return p.Vantages[id].Source == f.Source }) {
			t.Errorf("flow %s comes from %s, which is no vantage", f.ID, f.Source)
		}
		if f.Contact == "" {
			t.Errorf("flow %s has no contact", f.ID)
		}
	}
	for _, id := range p.ServiceIDs {
		for _, env := range p.EnvIDs {
			for _, side := range checks.Sides() {
				if len(p.Services[id].In[env][side].Addrs) == 0 {
					t.Errorf("%s has no address on the %s side in %s", id, side, env)
				}
			}
		}
	}
}

func TestCutoverWeekend(t *testing.T) {
	t.Parallel()
	p := serviceplatformen(t)
	weekend, back := p.Runbooks["cutover-weekend"], p.Runbooks["back-out"]
	var areas, changing, undone []string
	past := false
	for _, s := range weekend.Steps {
		if s.Area != "" && !slices.Contains(areas, s.Area) {
			areas = append(areas, s.Area)
		}
		past = past || s.PointOfNoReturn
		if s.Change != "" && !past {
			changing = append(changing, s.ID)
		}
	}
	slices.Sort(areas)
	all := slices.Clone(p.Areas)
	slices.Sort(all)
	if d := cmp.Diff(all, areas); d != "" {
		t.Errorf("areas with a step in the weekend (-all +have):\n%s", d)
	}
	for _, s := range back.Steps {
		if s.Undoes != "" {
			undone = append(undone, s.Undoes)
		}
	}
	slices.Reverse(undone)
	if d := cmp.Diff(changing, undone); d != "" {
		t.Errorf("steps undone, in reverse (-changing +undone):\n%s", d)
	}
	for _, id := range runbooks.StandardNames() {
		if r := p.Runbooks[id]; r == nil || !r.Standard {
			t.Errorf("the standard runbook %s is not used by the plan", id)
		}
	}
}
