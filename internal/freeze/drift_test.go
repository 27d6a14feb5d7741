package freeze_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/freeze"
	"skift/internal/plan"
	"skift/internal/register"
)

// observed is what a unit of the old gateway showed over days of August and September 2019: a fact each.
func observed(t *testing.T, p *plan.Plan) func(from, until string, facts map[string]string) register.Interval {
	t.Helper()
	var u checks.Unit
	for _, id := range p.CheckIDs {
		if spec := p.Checks[id]; spec.Kind == checks.TLS && spec.Service == "gateway" {
			u = checks.Unit{Check: id, Side: checks.Old, Addr: p.Services["gateway"].In[p.Production()][checks.Old].Addrs[0], Vantage: "local"}
		}
	}
	if u.Check == "" {
		t.Fatal("the shipped plan asks the gateway's certificate no more")
	}
	day := func(text string) time.Time {
		at, err := time.Parse("2006-01-02", text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	return func(from, until string, facts map[string]string) register.Interval {
		return register.Interval{Result: checks.Result{Unit: u, Facts: facts}, Since: day(from), Until: day(until)}
	}
}

func TestDrifts(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	p.Milestones["frozen-zone-1"].Services = []string{"sftp"} // one zone is enough here
	see := observed(t, p)
	now := time.Date(2019, 9, 20, 0, 0, 0, 0, time.UTC)
	cert := func(leaf string) map[string]string {
		return map[string]string{"leaf_sha256": leaf, "version": "TLS 1.3", "egress": leaf + "!"}
	}
	found := see("2019-06-20", "2019-08-30", cert("a"))
	blind := see("2019-08-30", "2019-09-01", nil)
	renewed := see("2019-09-01", "2019-09-05", cert("b"))
	ask := func(f *register.Facts, seen ...register.Interval) []freeze.Drift {
		return freeze.Drifts(p, f, seen, now)
	}
	none := &register.Facts{}
	if got := ask(none, found, blind, see("2019-09-02", "2019-09-05", map[string]string{"leaf_sha256": "a", "egress": "elsewhere"})); len(got) != 0 {
		t.Errorf("nothing that lasts has changed: %+v", got)
	}
	got := ask(none, see("2019-06-01", "2019-06-10", cert("old")), found, blind, renewed)
	if len(got) != 1 || !got[0].Open() || got[0].Back || got[0].Zone != "frozen-zone-2" || got[0].Owner != "sse" || got[0].Seat == "" {
		t.Fatalf("a renewed certificate: %+v", got)
	}
	d := got[0]
	if diff := cmp.Diff([]map[string]string{{"leaf_sha256": "a"}, {"leaf_sha256": "b"}}, []map[string]string{d.Before, d.After}); diff != "" {
		t.Error(diff)
	}
	if !d.Since.Equal(renewed.Since) || !d.By.After(d.Since) || !d.Overdue(now) || d.Overdue(d.By.Add(-1)) || d.Baseline.Format("2006-01-02 15") != "2019-06-30 22" {
		t.Errorf("dates: %+v", d)
	}
	back := see("2019-09-05", "2019-09-06", cert("a"))
	if got := ask(none, found, renewed, back); len(got) != 1 || !got[0].Back || !got[0].Open() {
		t.Errorf("back again, which answers nothing: %+v", got)
	}
	again := see("2019-09-06", "2019-09-10", cert("b"))
	if got := ask(none, found, renewed, back, again); len(got) != 1 || got[0].Back || got[0].ID != d.ID {
		t.Errorf("the same difference is asked once: %+v", got)
	}
	further := see("2019-09-10", "2019-09-19", cert("c"))
	if got := ask(none, found, renewed, further); len(got) != 2 || got[0].ID == got[1].ID || got[1].Before["leaf_sha256"] != "a" {
		t.Errorf("a further change is another question: %+v", got)
	}
	said := func(word register.DriftWord) *register.Facts {
		return &register.Facts{Drifts: []*register.DriftFacts{{DriftAnswer: register.DriftAnswer{ID: d.ID, Word: word}, Zone: d.Zone}}}
	}
	if got := ask(said(register.Expected), found, renewed, further); len(got) != 2 || got[0].Open() || !got[1].Open() || got[1].Before["leaf_sha256"] != "b" {
		t.Errorf("what was expected is what is compared with: %+v", got)
	}
	if got := ask(said(register.Breach), found, renewed, further); len(got) != 2 || got[0].Open() || got[1].Before["leaf_sha256"] != "a" {
		t.Errorf("a breach is not got used to: %+v", got)
	}
	w := waived("frozen-zone-2", register.Waiver{Class: plan.Certificate, Service: "gateway"})
	w.Until = w.Until.AddDate(0, 1, 0)
	if got := ask(&register.Facts{Waivers: []*register.WaiverFacts{w}}, found, renewed); len(got) != 1 || got[0].Waiver != w.Seq || got[0].Open() {
		t.Errorf("with an exception nobody is asked: %+v", got)
	}
	w.Class = plan.IncidentA
	if got := ask(&register.Facts{Waivers: []*register.WaiverFacts{w}}, found, renewed); len(got) != 1 || !got[0].Open() {
		t.Errorf("an exception for something else: %+v", got)
	}
	other := found
	other.Unit.Addr = "198.51.100.250:443"
	elsewhere := renewed
	elsewhere.Unit.Addr = other.Unit.Addr
	if got := ask(none, other, elsewhere); len(got) != 0 {
		t.Errorf("zones protect production: %+v", got)
	}
}
