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

// What another revision takes from a zone in force is named, key by key; what it adds is not, but for a zone that begins with it.
func TestBetween(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	now := time.Date(2019, 8, 1, 12, 0, 0, 0, p.Zone)
	day := func(d int) plan.When {
		w, err := plan.ParseWhen(fmt.Sprintf("2019-08-%02d", d), p.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
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
	if got := freeze.Between(with(nil), with(&zone)); len(got) != 1 || got[0].How != register.ZoneBegins || len(freeze.Loses(got)) != 0 {
		t.Errorf("a zone that begins: %+v", got)
	}
}
