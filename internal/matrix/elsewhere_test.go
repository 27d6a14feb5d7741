package matrix_test

import (
	"maps"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/register"
)

// Answers that came from different hosts are read against each other: the source that is missing, or the target that is down. What
// was stored stays as it was seen.
func TestAnswersFromSeveralVantages(t *testing.T) {
	t.Parallel()
	const site = "203.0.113.10:443"
	cases := []struct {
		name   string
		answer map[string]checks.Code // on the new side's first address, by flow; the rest is let in
		closed string                 // the flow whose service is closed on old
		want   string
	}{
		{"one source is missing", map[string]checks.Code{"f2": checks.Refused}, "", `allow f2 before gap-on-new new | old pass/ok | new fail/whitelist_missing | new pass/ok
allow f1 before ready  | old pass/ok | new pass/ok | new pass/ok
allow f3 before ready  | old pass/ok | new pass/ok | new pass/ok
`},
		{"no source is let in", map[string]checks.Code{"f1": checks.FilteredDrop, "f2": checks.Refused, "f3": checks.Refused}, "", `allow f1 before gap-on-new new | old pass/ok | new fail/target_down | new pass/ok
allow f2 before gap-on-new new | old pass/ok | new fail/target_down | new pass/ok
allow f3 before gap-on-new new | old pass/ok | new fail/target_down | new pass/ok
`},
		{"another protocol elsewhere", map[string]checks.Code{"f1": checks.ProtoMismatch, "f2": checks.Refused, "f3": checks.Refused}, "", `allow f1 before gap-on-new new | old pass/ok | new fail/proto_mismatch | new pass/ok
allow f2 before gap-on-new new | old pass/ok | new fail/refused | new pass/ok
allow f3 before gap-on-new new | old pass/ok | new fail/refused | new pass/ok
`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := scope(testPlan(), "allow")
			got := answers(s, func(u matrix.Unit, r *checks.Result) bool {
				if code := c.answer[u.Flow]; code != "" && u.Addr == site {
					return fails(r, code)
				}
				return true
			})
			was := map[string]checks.Code{}
			for _, i := range got {
				was[i.Unit.Key()] = i.Code
			}
			m := s.Compare(got)
			if d := cmp.Diff(c.want, lines(m)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			for _, i := range got {
				if was[i.Unit.Key()] != i.Code || i.Facts[checks.FactSeen] != "" {
					t.Errorf("%s: what was stored is now %s %v", i.Unit, i.Code, i.Facts)
				}
			}
		})
	}
}

// Who is meant to be kept out tells nothing about the others, and is judged by what was seen.
func TestDenyIsNoEvidenceElsewhere(t *testing.T) {
	t.Parallel()
	p := testPlan()
	p.Flows = p.Flows[:2]
	s := scope(p, "allow")
	s.Facts = &register.Facts{}
	p.Checks["allow"].Expect = checks.Expect{checks.New: {checks.Before: checks.Deny}}
	for _, want := range []string{"whitelist_missing", "target_down", "refused"} {
		m := s.Compare(answers(s, func(u matrix.Unit, r *checks.Result) bool {
			if u.Side == checks.New {
				fails(r, checks.Refused)
				if r.Code = checks.Code(want); want != "refused" {
					r.Facts = maps.Clone(r.Facts)
					r.Facts[checks.FactSeen] = "refused"
				}
			}
			return true
		}))
		for _, pair := range m.Pairs {
			if pair.Verdict.Word != checks.WordOK || pair.New.Answers[0].Code != checks.Code(want) {
				t.Errorf("%s stored, deny wanted: %s, %s", want, pair.Verdict.Word, pair.New.Answers[0].Code)
			}
		}
	}
}

// A failure is asked again first from where the service is meant to be used, then from here; a deny is not.
func TestWhereAFailureIsAskedAgain(t *testing.T) {
	t.Parallel()
	p := testPlan()
	s := scope(p, "allow", "cert")
	for _, u := range s.Units() {
		var got []string
		for _, o := range u.Ask().Others {
			got = append(got, o.Vantage)
		}
		var want []string
		if u.Check == "allow" {
			want = []string{"k101", "local"}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", u.Unit, d)
		}
	}
	p.Checks["allow"].Expect = checks.Expect{checks.New: {checks.Before: checks.Deny}}
	before := map[string]string{}
	for _, u := range s.Units() {
		if u.Want == checks.Deny && len(u.Ask().Others) > 0 {
			t.Errorf("%s: a deny is asked again", u.Unit)
		}
		before[u.Key()] = u.Ask().Hash()
	}
	p.Vantages["k102"] = p.Vantages["local"]
	p.VantageIDs = append(p.VantageIDs, "k102")
	p.Vantages["local"].Control = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:443")}
	for _, u := range s.Units() {
		if u.Check == "allow" && before[u.Key()] != u.Ask().Hash() {
			t.Errorf("%s: other vantages change what is asked", u.Unit)
		}
	}
}

// besidePlan has a register on neither platform, asked from each platform's egress, and a vantage behind NAT.
func besidePlan() *plan.Plan {
	p := testPlan()
	p.Services["register"] = &plan.Service{ID: "register", Party: "cpr", In: map[string]map[checks.Side]plan.Endpoint{
		"prod": {checks.Old: {Addrs: []string{"192.0.2.200:443"}}, checks.New: {Addrs: []string{"192.0.2.200:443"}}}}}
	p.Vantages["old-egress"] = &plan.Vantage{ID: "old-egress", Party: "sse", Source: netip.MustParseAddr("198.51.100.50")}
	p.Vantages["new-egress"] = &plan.Vantage{ID: "new-egress", Party: "ibm", Source: netip.MustParseAddr("203.0.113.50"), Egress: netip.MustParseAddr("192.0.2.20")}
	p.VantageIDs = append(p.VantageIDs, "old-egress", "new-egress")
	p.Checks["register"] = &checks.Spec{ID: "register", Kind: checks.Reach, Service: "register", Options: checks.ReachOptions{Proof: checks.ProofTLS},
		Vantage: checks.Vantages{checks.Old: "old-egress", checks.New: "new-egress"}}
	return p
}

// Both sides of a check that is asked from each platform's own egress are one pair, and what the register says no to is the register's.
func TestAServiceAskedFromBothPlatforms(t *testing.T) {
	t.Parallel()
	answered := map[string]string{checks.FactControl: checks.ControlAnswered}
	cases := []struct {
		name     string
		old, new checks.Code
		facts    map[string]string
		want     string // word, and the owner of each side that is not as wanted
	}{
		{"let in from both", checks.OK, checks.OK, nil, "ready"},
		{"missing on its list", checks.OK, checks.WhitelistMissing, answered, "gap-on-new new:cpr"},
		{"our vantage", checks.OK, checks.EgressDiffers, nil, "not-observed new:"},
		{"dropped, the place is open", checks.OK, checks.FilteredDrop, answered, "gap-on-new new:cpr"},
		{"dropped, and the place may be shut", checks.OK, checks.FilteredDrop, nil, "gap-on-new new:ibm"},
		{"it is down", checks.TargetDown, checks.TargetDown, answered, "common-cause old:cpr new:cpr"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := scope(besidePlan(), "register")
			m := s.Compare(answers(s, func(u matrix.Unit, r *checks.Result) bool {
				r.Code, r.Facts = c.old, c.facts
				if u.Side == checks.New {
					r.Code = c.new
				}
				r.Outcome = r.Code.Info().Verdict
				return true
			}))
			if len(m.Pairs) != 1 || m.Pairs[0].Vantage != "old-egress / new-egress" {
				t.Fatalf("pairs: %+v", m.Pairs)
			}
			why := m.Why(m.Pairs[0])
			got := string(why.Verdict.Word)
			for _, w := range why.Sides {
				got += " " + string(w.Side) + ":" + w.Owner
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A flow finds its vantage by the address that others see, and in a network where the service takes one.
func TestFlowsFindTheirVantage(t *testing.T) {
	t.Parallel()
	p := besidePlan()
	p.Flows = append(p.Flows, &plan.Flow{ID: "f6", Party: "k103", Service: "gateway", Network: netip.MustParsePrefix("198.51.100.48/28")},
		&plan.Flow{ID: "f7", Party: "k103", Service: "gateway", Network: netip.MustParsePrefix("198.51.100.128/28")})
	want := map[string]string{"f1": "k101 192.0.2.10", "f2": "new-egress 203.0.113.50", "f3": "no-source invalid IP", "f6": "old-egress 198.51.100.50", "f7": "198.51.100.128/28 invalid IP"}
	for _, u := range scope(p, "allow").Units() {
		if got := u.Vantage + " " + u.Ask().Source.String(); got != want[u.Flow] {
			t.Errorf("%s: asked from %s, want %s", u.Flow, got, want[u.Flow])
		}
	}
}
