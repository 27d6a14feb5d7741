package freeze_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/freeze"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
)

// dateOf reads dates as the plan writes them.
func dateOf(t *testing.T, p *plan.Plan) func(string) plan.When {
	return func(text string) plan.When {
		t.Helper()
		w, err := plan.ParseWhen(text, p.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
}

// What another revision takes from a zone in force is named, key by key; what it adds is not, but for a zone that begins with it.
func TestBetween(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	now := time.Date(2019, 8, 1, 12, 0, 0, 0, p.Zone)
	at := dateOf(t, p)
	day := func(d int) plan.When { return at(fmt.Sprintf("2019-08-%02d", d)) }
	zone := plan.Milestone{ID: "zone", Kind: plan.Zone, From: day(1), Until: day(20), Allow: []plan.Class{plan.IncidentA}, AppliesTo: []checks.Side{checks.Old},
		Services: []string{"gateway"}, Parties: []string{"sse"}, Hard: true}
	with := func(z *plan.Milestone) *timeline.Timeline {
		q := *p
		q.Milestones, q.MilestoneIDs = map[string]*plan.Milestone{}, nil
		if z != nil {
			q.Milestones[z.ID], q.MilestoneIDs = z, append(q.MilestoneIDs, z.ID)
		}
		return timeline.At(&q, &register.Facts{}, now)
	}
	changed := func(f func(*plan.Milestone)) *timeline.Timeline {
		z := zone
		f(&z)
		return with(&z)
	}
	for want, after := range map[string]*timeline.Timeline{
		"": changed(func(z *plan.Milestone) {
			z.Until, z.Allow, z.Services, z.Parties, z.AppliesTo = day(25), nil, nil, nil, nil
		}),
		"ends":               with(nil),
		"ends:":              changed(func(z *plan.Milestone) { z.From = day(10) }), // it comes again, and leaves a gap
		"loosens until":      changed(func(z *plan.Milestone) { z.Until = day(19) }),
		"loosens allow":      changed(func(z *plan.Milestone) { z.Allow = []plan.Class{plan.Fix} }),
		"loosens applies_to": changed(func(z *plan.Milestone) { z.AppliesTo = []checks.Side{checks.New} }),
		"loosens services":   changed(func(z *plan.Milestone) { z.Services = []string{"sftp"} }),
		"loosens parties":    changed(func(z *plan.Milestone) { z.Parties = []string{"ibm"} }),
		"loosens hard":       changed(func(z *plan.Milestone) { z.Hard = false }),
		"loosens from":       changed(func(z *plan.Milestone) { z.From = at("2019-08-01 10:00") }), // what had begun by then goes on, and what was changed is what it found
		"loosens exit":       changed(func(z *plan.Milestone) { z.Exit = "cutover-go" }),
		"loosens in_flight":  changed(func(z *plan.Milestone) { z.InFlight = plan.InFlightFinishes }),
	} {
		got := ""
		for _, c := range freeze.Between(with(&zone), after) {
			got = strings.TrimSpace(c.How + " " + strings.Join(c.Loosened, " "))
			if c.Zone != "zone" || !slices.Contains([]string{"2019-08-20 00:00 CEST", "2019-08-21 00:00 CEST"}, c.Ends) {
				t.Errorf("%s: %+v", want, c)
			}
		}
		if got != strings.TrimSuffix(want, ":") {
			t.Errorf("%q, want %q", got, want)
		}
	}
	soft := changed(func(z *plan.Milestone) { z.Hard, z.Owner = false, "kombit/chair" })
	if got := freeze.Between(soft, changed(func(z *plan.Milestone) { z.Hard, z.Owner = false, "ibm/operator" })); len(got) != 1 || !slices.Equal(got[0].Loosened, []string{"owner"}) {
		t.Errorf("another seat may make exceptions: %+v", got)
	}
	if got := freeze.Between(soft, with(&zone)); len(got) != 0 {
		t.Errorf("nobody makes exceptions any more: %+v", got)
	}
	if got := freeze.Between(with(nil), with(&zone)); len(got) != 1 || got[0].How != register.ZoneBegins || len(freeze.Loses(got)) != 0 {
		t.Errorf("a zone that begins: %+v", got)
	}
}

// An end that is left to an event by which it did not come before may come at any minute: it is named, whatever the plan estimates.
func TestAnEndByAnotherEvent(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	now, at := time.Date(2019, 8, 1, 12, 0, 0, 0, p.Zone), dateOf(t, shipped(t))
	type end struct{ until, hypercare, trained string } // and the exit gates of two milestones
	with := func(e end) *timeline.Timeline {
		q := *p
		q.Milestones, q.MilestoneIDs = map[string]*plan.Milestone{}, nil
		for _, m := range []*plan.Milestone{
			{ID: "zone", Kind: plan.Zone, From: at("2019-08-01"), Until: at(e.until), Hard: true},
			{ID: "hypercare", Kind: plan.Phase, From: at("2019-08-01"), Until: at("2019-08-20"), Exit: e.hypercare},
			{ID: "trained", Kind: plan.Phase, From: at("2019-08-01"), Until: at("2019-09-20"), Exit: e.trained},
			{ID: "trial", Kind: plan.Phase, From: at("2019-08-01"), Until: at("unset"), Exit: e.trained},
			{ID: "weekend", Kind: plan.Window, From: at("2019-08-02"), Until: at("trained.passed + 1d")},
			{ID: "course", Kind: plan.Point, From: at("weekend.end")},
		} {
			q.Milestones[m.ID], q.MilestoneIDs = m, append(q.MilestoneIDs, m.ID)
		}
		return timeline.At(&q, &register.Facts{}, now)
	}
	for _, tt := range []struct {
		was, is end
		until   bool
	}{
		{end{until: "2019-08-20"}, end{until: "2019-09-01"}, false},
		{end{until: "2019-08-20"}, end{until: "2019-08-19"}, true},
		{end{until: "2019-08-20"}, end{until: "trained.end"}, false},
		{end{until: "2019-08-20"}, end{until: "trained.passed"}, true}, // one seat says so, long before its end
		{end{until: "2019-08-20", trained: "cutover-go"}, end{until: "trained.passed", trained: "cutover-go"}, true},
		{end{until: "2019-08-20"}, end{until: "weekend.end"}, true},
		{end{until: "2019-08-20"}, end{until: "course.end"}, true},
		{end{until: "course.end"}, end{until: "course.end"}, false},
		{end{until: "hypercare.passed", hypercare: "hypercare-exit"}, end{until: "hypercare.passed", hypercare: "hypercare-exit"}, false},
		{end{until: "hypercare.passed", hypercare: "hypercare-exit"}, end{until: "2019-12-31", hypercare: "hypercare-exit"}, true},
		{end{until: "hypercare.passed", hypercare: "hypercare-exit"}, end{until: "trained.passed", hypercare: "hypercare-exit"}, true},
		{end{until: "hypercare.passed + 2d", hypercare: "hypercare-exit"}, end{until: "hypercare.passed", hypercare: "hypercare-exit"}, true},
		{end{until: "hypercare.passed", hypercare: "hypercare-exit"}, end{until: "hypercare.passed"}, true},
		{end{until: "hypercare.passed", hypercare: "hypercare-exit"}, end{until: "hypercare.passed", hypercare: "cutover-go"}, true},
		{end{until: "trained.passed"}, end{until: "trained.passed", trained: "cutover-go"}, false}, // now a gate is to say so
		{end{until: "course.end", trained: "hypercare-exit"}, end{until: "course.end"}, true},
		{end{until: "trial.passed", trained: "hypercare-exit"}, end{until: "trial.passed"}, true}, // no date either way
		{end{until: "trial.passed"}, end{until: "trial.passed", trained: "hypercare-exit"}, false},
	} {
		var want [][]string
		if tt.until {
			want = [][]string{{"until"}}
		}
		var got [][]string
		for _, c := range freeze.Between(with(tt.was), with(tt.is)) {
			got = append(got, c.Loosened)
		}
		if !slices.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Errorf("%+v becomes %+v: %v", tt.was, tt.is, got)
		}
	}
}

// Where nobody may make an exception, as where no seat answers for a zone, one who may is more than there were.
func TestAnOwnerWhereNobodyWas(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	now, at := time.Date(2019, 8, 1, 12, 0, 0, 0, p.Zone), dateOf(t, shipped(t))
	with := func(hard bool, owner string) *timeline.Timeline {
		q := *p
		q.Gates, q.GateIDs = nil, nil
		q.Milestones, q.MilestoneIDs = map[string]*plan.Milestone{"zone": {ID: "zone", Kind: plan.Zone, From: at("2019-08-01"), Until: at("2019-08-20"), Hard: hard, Owner: owner}}, []string{"zone"}
		return timeline.At(&q, &register.Facts{}, now)
	}
	for _, tt := range []struct {
		was, is *timeline.Timeline
		want    []string
	}{
		{with(false, ""), with(false, "kombit/chair"), []string{"owner"}},
		{with(false, "kombit/chair"), with(false, ""), nil},
		{with(false, "kombit/chair"), with(true, "kombit/chair"), nil},
		{with(true, "kombit/chair"), with(false, "kombit/chair"), []string{"hard"}},
	} {
		var got []string
		for _, c := range freeze.Between(tt.was, tt.is) {
			got = append(got, c.Loosened...)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%v, want %v", got, tt.want)
		}
	}
}
