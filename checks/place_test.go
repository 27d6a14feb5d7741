package checks

import (
	"net/netip"
	"testing"
)

// An answer about a source counts when it was given from it, or when others are known to see the asker under the address meant.
func TestSeenFromElsewhere(t *testing.T) {
	t.Parallel()
	reach, tls := &Spec{Kind: Reach, Options: ReachOptions{Proof: ProofTLS}}, &Spec{Kind: TLS, Options: TLSOptions{}}
	own, other, public := netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("192.0.2.99"), netip.MustParseAddr("203.0.113.9")
	told := func(a string) map[string]string { return map[string]string{FactEgress: a} }
	cases := []struct {
		name  string
		ask   Ask
		local netip.Addr
		facts map[string]string
		want  bool
	}{
		{"from the source", Ask{Spec: reach, Source: own}, own, nil, false},
		{"from the source, mapped", Ask{Spec: reach, Source: own}, netip.AddrFrom16(own.As16()), nil, false},
		{"from elsewhere", Ask{Spec: reach, Source: own}, other, nil, true},
		{"from elsewhere, seen as the source", Ask{Spec: reach, Source: own}, other, told("192.0.2.10"), false},
		{"from elsewhere, seen as elsewhere", Ask{Spec: reach, Source: own}, other, told("192.0.2.99"), true},
		{"from elsewhere, the reflector did not answer", Ask{Spec: reach, Source: own}, other, told(EgressUnknown), true},
		{"from elsewhere, seen as the egress", Ask{Spec: reach, Source: own, Egress: public}, other, told("203.0.113.9"), false},
		{"from elsewhere, seen as the source where the egress is meant", Ask{Spec: reach, Source: own, Egress: public}, other, told("192.0.2.10"), true},
		{"not known from where", Ask{Spec: reach, Source: own}, netip.Addr{}, nil, false},
		{"no source meant", Ask{Spec: reach}, other, nil, false},
		{"from the network", Ask{Spec: reach, Unit: Unit{Vantage: "192.0.2.0/28"}}, own, nil, false},
		{"from the network, mapped", Ask{Spec: reach, Unit: Unit{Vantage: "192.0.2.0/28"}}, netip.AddrFrom16(own.As16()), nil, false},
		{"from outside the network", Ask{Spec: reach, Unit: Unit{Vantage: "192.0.2.0/28"}}, other, nil, true},
		{"from outside the network, seen inside", Ask{Spec: reach, Unit: Unit{Vantage: "192.0.2.0/28"}}, other, told("192.0.2.10"), false},
		{"from outside the network, seen outside", Ask{Spec: reach, Unit: Unit{Vantage: "192.0.2.0/28"}}, other, told("192.0.2.99"), true},
		{"not about a source, in a network", Ask{Spec: tls, Unit: Unit{Vantage: "192.0.2.0/28"}}, other, nil, false},
		{"not about a source", Ask{Spec: tls, Source: own}, other, nil, false},
	}
	for _, c := range cases {
		if got := (Result{Code: OK, Facts: c.facts}).SeenFromElsewhere(c.ask, c.local); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

// What was seen from elsewhere is neither green nor anybody's fault; what is our own fault stays.
func TestUnplaced(t *testing.T) {
	t.Parallel()
	for _, i := range Codes() {
		facts := map[string]string{FactControl: ControlAnswered, FactSeen: string(Refused), FactHTTPStatus: "403"}
		r := Result{Code: i.Code, Outcome: i.Verdict, Verdict: i.Verdict, Facts: facts}.Unplaced()
		if i.Class == ClassOurs || i.Class == ClassBlind {
			if r.Code != i.Code || r.Verdict != i.Verdict {
				t.Errorf("%s became %s %s", i.Code, r.Verdict, r.Code)
			}
			continue
		}
		if r.Code != Unobserved || r.Verdict != Unverified || r.Facts[FactEgress] != EgressUnknown || r.Facts[FactSeen] == "" {
			t.Errorf("%s became %s %s %v", i.Code, r.Verdict, r.Code, r.Facts)
		}
		for _, w := range []Want{Allow, Deny} {
			if got := r.Judged(w); got != Unverified {
				t.Errorf("%s, %s wanted: judged %s", i.Code, w, got)
			}
		}
	}
}
