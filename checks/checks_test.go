package checks

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestUnitKeyAndBack(t *testing.T) {
	t.Parallel()
	units := []Unit{
		{Check: "files", Side: New, Addr: "203.0.113.10:22", Vantage: "local"},
		{Check: "gateway-allow", Side: Old, Addr: "[2001:db8::1]:443", Vantage: "k101", Flow: "101 / esdh | læs%"},
		{Check: "a", Side: Old, Addr: "x", Vantage: "", Flow: "\n\x7f"},
	}
	seen := map[string]bool{}
	for _, u := range units {
		got, err := ParseUnit(u.Key())
		if err != nil || got != u {
			t.Errorf("%q came back as %+v, %v", u.Key(), got, err)
		}
		seen[u.Key()] = true
	}
	if len(seen) != len(units) {
		t.Errorf("keys are not distinct: %v", slices.Collect(maps.Keys(seen)))
	}
	for _, bad := range []string{"", "a|old|x|v", "a|old|x|v|f|g", "|old|x|v|", "a|left|x|v|", "a|old|%|v|", "a|old|%zz|v|", "a|old|%41|v|", "a|old|x|v|%7c"} {
		if u, err := ParseUnit(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, u)
		}
	}
	a, b := units[0], units[0]
	b.Side, b.Addr = Old, "198.51.100.10:22"
	if a.PairKey() != b.PairKey() || a.Key() == b.Key() {
		t.Errorf("pair keys %q and %q", a.PairKey(), b.PairKey())
	}
}

func FuzzParseUnit(f *testing.F) {
	f.Add("files|new|203.0.113.10:22|local|")
	f.Add("a|old|[::1]:1|v|%7C%25")
	f.Fuzz(func(t *testing.T, key string) {
		u, err := ParseUnit(key)
		if err == nil && u.Key() != key {
			t.Errorf("%q was accepted and is written %q", key, u.Key())
		}
	})
}

func TestJudge(t *testing.T) {
	t.Parallel()
	answered, silent := map[string]string{FactControl: ControlAnswered}, map[string]string{FactControl: ControlSilent}
	forbidden := func(status string) map[string]string {
		return map[string]string{FactControl: ControlAnswered, FactHTTPStatus: status}
	}
	cases := []struct {
		outcome Verdict
		code    Code
		facts   map[string]string
		deny    Verdict // with a want of deny; with allow the outcome stands
	}{
		{Pass, OK, nil, Fail},
		{Pass, OK, answered, Fail},
		{Warn, SrvExpires, answered, Fail},
		{Fail, Refused, answered, Pass},
		{Fail, FilteredDrop, answered, Pass},
		{Fail, FilteredReject, answered, Pass},
		{Fail, ClosedPreBanner, answered, Pass},
		{Fail, HTTPStatus, forbidden("403"), Pass},
		{Fail, HTTPStatus, forbidden("401"), Fail},
		{Fail, Refused, silent, Unverified},
		{Fail, Refused, nil, Unverified},
		{Fail, HTTPStatus, map[string]string{FactHTTPStatus: "403"}, Unverified},
		{Fail, Silent, answered, Unverified},
		{Fail, NetUnreachable, answered, Unverified},
		{Fail, AuthFailed, answered, Fail},
		{Fail, SrvExpired, answered, Fail},
		{Fail, TLSClosed, answered, Fail},
		{Unverified, Unobserved, answered, Unverified},
		{Error, VantageBind, answered, Error},
	}
	for _, c := range cases {
		if got := Judge(c.outcome, c.code, c.facts, Deny); got != c.deny {
			t.Errorf("%s %s %v, deny wanted: got %s, want %s", c.outcome, c.code, c.facts, got, c.deny)
		}
		for _, w := range []Want{Allow, ""} {
			if got := Judge(c.outcome, c.code, c.facts, w); got != c.outcome {
				t.Errorf("%s %s, want %q: got %s", c.outcome, c.code, w, got)
			}
		}
	}
}

// Only these prove a deny, whatever else becomes a code.
func TestWhatProvesADeny(t *testing.T) {
	t.Parallel()
	var got []Code
	for _, i := range Codes() {
		if Judge(i.Verdict, i.Code, map[string]string{FactControl: ControlAnswered, FactHTTPStatus: "403"}, Deny) == Pass {
			got = append(got, i.Code)
		}
	}
	if diff := cmp.Diff([]Code{FilteredReject, FilteredDrop, Refused, ClosedPreBanner, HTTPStatus}, got); diff != "" {
		t.Errorf("codes that prove a deny (-want +got):\n%s", diff)
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	verdicts := map[Class][]Verdict{
		ClassOK: {Pass}, ClassTarget: {Fail}, ClassPath: {Fail}, ClassBlind: {Unverified}, ClassOurs: {Error},
	}
	seen := map[Code]bool{}
	for _, i := range Codes() {
		if seen[i.Code] {
			t.Errorf("%s is listed twice", i.Code)
		}
		seen[i.Code] = true
		if !slices.Contains(verdicts[i.Class], i.Verdict) {
			t.Errorf("%s: class %s does not go with verdict %s", i.Code, i.Class, i.Verdict)
		}
		if i.Code.Info() != i {
			t.Errorf("%s: Info gives %+v", i.Code, i.Code.Info())
		}
	}
	if got := Code("no_such").Info(); got.Verdict != Unverified || got.Class != ClassBlind || got.Denies {
		t.Errorf("an unknown code is read as %+v", got)
	}
}

func TestExpect(t *testing.T) {
	t.Parallel()
	e := Expect{Old: {Closed: Deny}, New: {Before: Deny}}
	cases := []struct {
		e      Expect
		side   Side
		phase  Phase
		want   Want
		states bool
	}{
		{nil, New, Before, Allow, false},
		{nil, Old, Fallback, Allow, false},
		{nil, Old, Closed, Deny, false},
		{nil, New, Closed, Allow, false},
		{e, Old, Closed, Deny, true},
		{e, New, Before, Deny, true},
		{e, New, Switching, Allow, false},
		{Expect{Old: {Closed: Allow}}, Old, Closed, Allow, true},
	}
	for _, c := range cases {
		if got := c.e.Of(c.side, c.phase); got != c.want || c.e.States(c.side, c.phase) != c.states {
			t.Errorf("%v of %s in %s: got %s, states %v", c.e, c.side, c.phase, got, c.e.States(c.side, c.phase))
		}
	}
}

func TestConsents(t *testing.T) {
	t.Parallel()
	deny := Expect{Old: {Closed: Deny}}
	cases := []struct {
		name string
		spec Spec
		old  []Consent
		new  []Consent
	}{
		{"tls", Spec{Options: TLSOptions{}}, nil, nil},
		{"reach that expects a deny", Spec{Options: ReachOptions{}, Expect: deny}, nil, nil},
		{"host key", Spec{Options: SFTPOptions{Level: LevelHostKey}}, nil, nil},
		{"login", Spec{Options: SFTPOptions{Level: LevelAuth}}, []Consent{ConsentSFTPLogin}, []Consent{ConsentSFTPLogin}},
		{"write on one side", Spec{Options: SFTPOptions{Level: LevelWrite, Writing: SFTPWriting{Allowed: map[Side]map[Phase]bool{New: {Before: true}}}}}, []Consent{ConsentSFTPLogin}, []Consent{ConsentSFTPLogin, ConsentWrite}},
		{"login meant to fail", Spec{Options: SFTPOptions{Level: LevelList}, Expect: deny}, []Consent{ConsentSFTPLogin, ConsentNegative}, []Consent{ConsentSFTPLogin}},
	}
	for _, c := range cases {
		if diff := cmp.Diff([][]Consent{c.old, c.new}, [][]Consent{c.spec.Consents(Old), c.spec.Consents(New)}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestHashChangesWithWhatIsAsked(t *testing.T) {
	t.Parallel()
	base := func() Ask {
		return Ask{
			Unit: Unit{Check: "c", Side: New, Addr: "203.0.113.10:443", Vantage: "local"},
			Spec: &Spec{Kind: TLS, Options: TLSOptions{ValidAt: []string{"cutover.end"}}}, ServerName: "a.example",
			ValidAt: []Moment{{"cutover.end", time.Unix(1e9, 0)}}, Trust: map[string][]byte{"a.pem": []byte("x")},
		}
	}
	want := base().Hash()
	same := []func(*Ask){
		func(a *Ask) { a.At = time.Unix(2e9, 0) }, func(a *Ask) { a.Want, a.Phase = Deny, Closed },
		func(a *Ask) { a.Spec.Pos.Line = 7 }, func(a *Ask) { a.Spec.Critical = true },
	}
	other := []func(*Ask){
		func(a *Ask) { a.Unit.Addr = "203.0.113.11:443" }, func(a *Ask) { a.ServerName = "b.example" },
		func(a *Ask) { a.ValidAt[0].At = time.Unix(1e9+1, 0) }, func(a *Ask) { a.Trust["a.pem"] = []byte("y") },
		func(a *Ask) { a.In = "exttest" }, func(a *Ask) { a.Source = netip.MustParseAddr("192.0.2.1") }, func(a *Ask) { a.Spec.Options = TLSOptions{MinDays: 3} },
	}
	for i, f := range same {
		if a := base(); a.Hash() != want {
			t.Errorf("same %d: unstable hash", i)
		} else if f(&a); a.Hash() != want {
			t.Errorf("same %d: the hash changed", i)
		}
	}
	for i, f := range other {
		if a := base(); true {
			if f(&a); a.Hash() == want {
				t.Errorf("other %d: the hash did not change", i)
			}
		}
	}
}
