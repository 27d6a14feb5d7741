package matrix_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/register"
)

func TestUnits(t *testing.T) {
	t.Parallel()
	p := testPlan()
	var b strings.Builder
	show := func(s matrix.Scope) {
		for _, u := range s.Units() {
			from := "nobody here"
			if u.From != nil {
				from = u.From.ID
			}
			fmt.Fprintf(&b, "%s  as %q from %s for %q, wants %s\n", u.Key(), u.ServerName, from, u.Party(), u.Want)
		}
	}
	show(scope(p, p.CheckIDs...))
	b.WriteString("in exttest:\n")
	test := scope(p, "cert", "files")
	test.Environment = "exttest"
	show(test)
	golden(t, "testdata/units.txt", b.String())
	if got := scope(p, "nothing", "lost").Units(); got != nil {
		t.Errorf("unknown checks and services give units: %v", got)
	}
}

func TestVantages(t *testing.T) {
	t.Parallel()
	p := testPlan()
	p.Checks["allow"].Vantage = checks.Vantages{checks.Old: "k101", checks.New: "k101"}
	for _, u := range scope(p, "allow").Units() {
		if u.Vantage != "k101" || u.From == nil {
			t.Errorf("%s is asked from %v", u.Key(), u.From)
		}
	}
	// local always exists, also where the plan's vantages do not name it.
	delete(p.Vantages, "local")
	p.VantageIDs = []string{"k101"}
	for _, u := range scope(p, "cert").Units() {
		if u.From == nil || u.Ask().Source.IsValid() {
			t.Errorf("%s is asked from %v", u.Key(), u.From)
		}
	}
}

func TestAsks(t *testing.T) {
	t.Parallel()
	p := testPlan()
	s := scope(p, p.CheckIDs...)
	asks, skipped := s.Asks()
	if len(skipped) != 0 {
		t.Errorf("skipped although there is consent: %v", skipped)
	}
	by := map[string]checks.Ask{}
	for _, a := range asks {
		by[a.Unit.Key()] = a
		if !a.At.Equal(now) || a.Spec == nil {
			t.Errorf("%s: at %v, spec %v", a.Unit, a.At, a.Spec)
		}
	}
	if len(by) != 3+3+2 {
		t.Errorf("%d asks; want three of cert, three of the one flow with a vantage, two of files", len(by))
	}
	cert := by["cert|new|203.0.113.10:443|local|"]
	want := []checks.Moment{{Name: "cutover.end", At: time.Date(2019, 11, 10, 17, 0, 0, 0, time.UTC)}}
	if d := cmp.Diff(want, cert.ValidAt); d != "" {
		t.Error(d)
	}
	if cert.ServerName != "new.sp.example" || string(cert.Trust["pki/oces.pem"]) != "PEM" || cert.Want != checks.Allow {
		t.Errorf("cert: %+v", cert)
	}
	if old := by["cert|old|198.51.100.10:443|local|"]; old.ServerName != "prod.sp.example" {
		t.Errorf("old is asked as %q", old.ServerName)
	}
	allow := by["allow|old|198.51.100.10:443|k101|f1"]
	if allow.Source != netip.MustParseAddr("192.0.2.10") || len(allow.Control) != 1 {
		t.Errorf("allow: source %v, control %v", allow.Source, allow.Control)
	}
	for _, u := range s.Units() {
		if u.Check == "cert" && (len(u.Undated) != 1 || u.Undated[0] != "first-release.start") {
			t.Errorf("dates not known yet: %v", u.Undated)
		}
	}
}

func TestConsent(t *testing.T) {
	t.Parallel()
	p := testPlan()
	p.Parties["sse"].Consent.Until = plan.When{Kind: plan.Event, Text: "hypercare.passed"}
	p.Parties["ibm"].Consent = nil
	s := scope(p, "files", "cert", "allow")
	over := false
	s.Within = func(_, until plan.When) bool { return until.Text != "hypercare.passed" || !over }
	sides := func() string {
		asks, skipped := s.Asks()
		var b strings.Builder
		for _, a := range asks {
			if a.Unit.Check == "files" {
				b.WriteString("ask " + string(a.Unit.Side) + " ")
			}
		}
		for _, r := range skipped {
			if r.Verdict != checks.Unverified || r.Outcome != checks.Unverified || r.Code != checks.Skipped ||
				r.Facts[matrix.FactConsent] != matrix.ConsentMissing || r.ConfigHash == "" || r.StartedAt.IsZero() {
				t.Errorf("skipped: %+v", r)
			}
			b.WriteString("skip " + string(r.Unit.Side) + " " + r.Facts[matrix.FactLevel] + " ")
		}
		return b.String()
	}
	// Only what needs consent is held back: nobody is skipped of cert and allow.
	if got, want := sides(), "ask old skip new sftp-login "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	over = true
	if got, want := sides(), "skip old sftp-login skip new sftp-login "; got != want {
		t.Errorf("after the consent lapsed: got %q, want %q", got, want)
	}
	// A login that must be refused needs more than leave to log in.
	over = false
	p.Checks["files"].Expect = checks.Expect{checks.Old: {checks.Closed: checks.Deny}}
	if got, want := sides(), "skip old negative skip new sftp-login "; got != want {
		t.Errorf("with a negative probe: got %q, want %q", got, want)
	}
	_, skipped := s.Asks()
	var latest []register.Interval
	for _, r := range skipped {
		latest = append(latest, register.Begin(r))
	}
	if got, want := lines(scopeOf(s, "files").Compare(latest)), "files  before not-observed both | old unverified/skipped consent | new unverified/skipped consent\n"; got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func scopeOf(s matrix.Scope, ids ...string) matrix.Scope {
	s.Checks = ids
	return s
}

func TestCompare(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		checks []string
		facts  *register.Facts
		change func(u matrix.Unit, r *checks.Result) bool
		want   string
	}{
		{"all as wanted", []string{"cert"}, nil, nil,
			"cert  before ready  | old pass/ok | new pass/ok | new pass/ok\n"},
		{"one of two sites is as good as the side", []string{"cert"}, nil,
			func(u matrix.Unit, r *checks.Result) bool {
				return u.Addr != "203.0.113.74:443" || fails(r, checks.SrvExpired)
			},
			"cert  before gap-on-new new | old pass/ok | new pass/ok | new fail/srv_expired\n"},
		{"one of two sites not seen", []string{"cert"}, nil,
			func(u matrix.Unit, r *checks.Result) bool { return u.Addr != "203.0.113.74:443" },
			"cert  before not-observed new | old pass/ok | new pass/ok | new unverified/unobserved never-seen\n"},
		{"failing is worse than unseen", []string{"cert"}, nil,
			func(u matrix.Unit, r *checks.Result) bool {
				return u.Side == checks.Old || u.Addr == "203.0.113.10:443" && fails(r, checks.SrvName)
			},
			"cert  before gap-on-new new | old pass/ok | new fail/srv_name | new unverified/unobserved never-seen\n"},
		{"too old", []string{"cert"}, nil,
			func(u matrix.Unit, r *checks.Result) bool {
				if u.Side == checks.New {
					r.StartedAt = now.Add(-2*time.Hour - time.Minute)
				}
				return true
			},
			"cert  before not-observed new | old pass/ok | new unverified/stale too-old | new unverified/stale too-old\n"},
		{"just young enough", []string{"cert"}, nil,
			func(u matrix.Unit, r *checks.Result) bool { r.StartedAt = now.Add(-2 * time.Hour); return true },
			"cert  before ready  | old pass/ok | new pass/ok | new pass/ok\n"},
		{"without a max_age a day", []string{"files"}, nil,
			func(u matrix.Unit, r *checks.Result) bool { r.StartedAt = now.Add(-25 * time.Hour); return true },
			"files  before not-observed both | old unverified/stale too-old | new unverified/stale too-old\n"},
		{"something else was asked", []string{"files"}, nil,
			func(u matrix.Unit, r *checks.Result) bool {
				if u.Side == checks.New {
					r.ConfigHash = "another"
				}
				return true
			},
			"files  before not-observed new | old pass/ok | new unverified/stale other-config\n"},
		{"what nobody here can see", []string{"allow"}, nil,
			func(u matrix.Unit, r *checks.Result) bool { return u.From != nil },
			"allow f2 before not-observed both | old unverified/unobserved no-vantage | new unverified/unobserved no-vantage | new unverified/unobserved no-vantage\n" +
				"allow f3 before not-observed both | old unverified/unobserved no-vantage | new unverified/unobserved no-vantage | new unverified/unobserved no-vantage\n" +
				"allow f1 before ready  | old pass/ok | new pass/ok | new pass/ok\n"},
		{"phases are kept per party", []string{"allow"},
			&register.Facts{Phases: map[register.PhaseKey]checks.Phase{
				{Environment: "prod", Service: "gateway", Party: "k101"}: checks.Closed,
				{Environment: "prod", Service: "gateway"}:                checks.Fallback,
				{Environment: "exttest", Service: "gateway"}:             checks.Closed}},
			func(u matrix.Unit, r *checks.Result) bool {
				return u.Side == checks.New || fails(r, checks.Refused)
			},
			"allow f2 fallback no-way-back old | old fail/target_down | new pass/ok | new pass/ok\n" +
				"allow f3 fallback no-way-back old | old fail/target_down | new pass/ok | new pass/ok\n" +
				"allow f1 closed ok  | old pass/refused | new pass/ok | new pass/ok\n"},
		{"a failure that proves no deny", []string{"files"},
			&register.Facts{Phases: map[register.PhaseKey]checks.Phase{{Environment: "prod", Service: "sftp"}: checks.Closed}},
			func(u matrix.Unit, r *checks.Result) bool {
				return u.Side == checks.New || fails(r, checks.HostkeyChanged)
			},
			"files  closed deny-unproven old | old fail/hostkey_changed | new pass/ok\n"},
		{"worst first, critical before the rest", []string{"files", "cert"}, nil,
			func(u matrix.Unit, r *checks.Result) bool {
				return u.Side == checks.Old || fails(r, checks.Silent)
			},
			"cert  before gap-on-new new | old pass/ok | new fail/silent | new fail/silent\n" +
				"files  before gap-on-new new | old pass/ok | new fail/silent\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := scope(testPlan(), tt.checks...)
			if tt.facts != nil {
				s.Facts = tt.facts
			}
			m := s.Compare(answers(s, tt.change))
			if d := cmp.Diff(tt.want, lines(m)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestCompareTakesTheNewestAndIgnoresStrangers(t *testing.T) {
	t.Parallel()
	s := scope(testPlan(), "files")
	latest := answers(s, nil)
	older := answers(s, func(_ matrix.Unit, r *checks.Result) bool {
		r.StartedAt = now.Add(-time.Hour)
		return fails(r, checks.Silent)
	})
	stranger := latest[0]
	stranger.Unit.Addr = "198.51.100.99:22"
	for _, list := range [][]register.Interval{append(older, append(latest, stranger)...), append(append([]register.Interval{stranger}, latest...), older...)} {
		m := s.Compare(list)
		if len(m.Pairs) != 1 || m.Pairs[0].Verdict.Word != checks.WordReady || !m.Pairs[0].Fresh() {
			t.Errorf("got %s", lines(m))
		}
		if !m.Pairs[0].AsOf.Equal(now.Add(-10 * time.Minute)) {
			t.Errorf("as of %v", m.Pairs[0].AsOf)
		}
	}
}

// A date that becomes known, or moves, is another question: what was answered before proves nothing about it.
func TestMovedDateMakesAnswersStale(t *testing.T) {
	t.Parallel()
	s := scope(testPlan(), "cert")
	latest := answers(s, nil)
	s.Moment = func(string) (time.Time, bool) { return now.AddDate(0, 1, 0), true }
	m := s.Compare(latest)
	if got := m.Pairs[0].New.Answers[0].Reason; got != matrix.OtherConfig {
		t.Errorf("reason %q", got)
	}
	if matrix.PairsOK(m.Pairs) || m.AllPass("") {
		t.Error("answers about another date count")
	}
}

func TestOneSidedCheck(t *testing.T) {
	t.Parallel()
	s := scope(testPlan(), "cert")
	s.Environment = "exttest"
	m := s.Compare(answers(s, nil))
	if len(m.Pairs) != 1 || m.Pairs[0].Old.Worst != nil || m.Pairs[0].New.Worst == nil || !matrix.PairsOK(m.Pairs) {
		t.Errorf("got %s", lines(m))
	}
	m = s.Compare(nil)
	if matrix.PairsOK(m.Pairs) || !m.Pairs[0].AsOf.IsZero() {
		t.Errorf("unseen: %s as of %v", lines(m), m.Pairs[0].AsOf)
	}
}

func TestWhy(t *testing.T) {
	t.Parallel()
	p := testPlan()
	p.Parties["ibm"].Consent = nil
	s := scope(p, "allow", "cert", "files")
	m := s.Compare(answers(s, func(u matrix.Unit, r *checks.Result) bool {
		switch {
		case u.Check == "files" && u.Side == checks.Old:
			return fails(r, checks.VantageBind)
		case u.Check == "files", u.From == nil:
			return false
		case u.Check == "allow" && u.Side == checks.New:
			return fails(r, checks.Refused)
		case u.Check == "cert" && u.Side == checks.Old:
			r.StartedAt = now.Add(-3 * time.Hour)
		}
		return true
	}))
	got := map[string]string{}
	for _, pair := range m.Pairs {
		w := m.Why(pair)
		for _, side := range w.Sides {
			key := fmt.Sprintf("%s %s %s %s", w.Check, w.Flow, side.Side, side.Addr)
			got[key] = fmt.Sprintf("%s %s reason=%q owner=%q last=%q undated=%v missing=%v party=%q",
				side.Verdict, side.Code, side.Reason, side.Owner, side.LastCode, side.Undated, side.Missing, w.Party)
		}
	}
	undated := "[first-release.start]"
	want := map[string]string{
		"allow f1 new 203.0.113.10:443":  `fail refused reason="" owner="ibm" last="" undated=[] missing=[] party="k101"`,
		"allow f1 new 203.0.113.74:443":  `fail refused reason="" owner="ibm" last="" undated=[] missing=[] party="k101"`,
		"allow f2 old 198.51.100.10:443": `unverified unobserved reason="no-vantage" owner="k102" last="" undated=[] missing=[] party="k102"`,
		"allow f2 new 203.0.113.10:443":  `unverified unobserved reason="no-vantage" owner="k102" last="" undated=[] missing=[] party="k102"`,
		"allow f2 new 203.0.113.74:443":  `unverified unobserved reason="no-vantage" owner="k102" last="" undated=[] missing=[] party="k102"`,
		"allow f3 old 198.51.100.10:443": `unverified unobserved reason="no-vantage" owner="k103" last="" undated=[] missing=[] party="k103"`,
		"allow f3 new 203.0.113.10:443":  `unverified unobserved reason="no-vantage" owner="k103" last="" undated=[] missing=[] party="k103"`,
		"allow f3 new 203.0.113.74:443":  `unverified unobserved reason="no-vantage" owner="k103" last="" undated=[] missing=[] party="k103"`,
		"cert  old 198.51.100.10:443":    `unverified stale reason="too-old" owner="" last="ok" undated=` + undated + ` missing=[] party=""`,
		"cert  new 203.0.113.10:443":     `pass ok reason="" owner="" last="" undated=` + undated + ` missing=[] party=""`,
		"cert  new 203.0.113.74:443":     `pass ok reason="" owner="" last="" undated=` + undated + ` missing=[] party=""`,
		"files  old 198.51.100.11:22":    `error vantage_bind reason="" owner="" last="" undated=[] missing=[] party=""`,
		"files  new 203.0.113.11:22":     `unverified skipped reason="consent" owner="ibm" last="" undated=[] missing=[sftp-login] party=""`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// The line people read first is about the answer the verdict rests on, on whichever side and at whichever address that is.
func TestWhyBeginsWithWhatTheVerdictRestsOn(t *testing.T) {
	t.Parallel()
	verdict := func(r *checks.Result, v checks.Verdict, code checks.Code) bool {
		r.Outcome, r.Code = v, code
		return true
	}
	second := func(u matrix.Unit) bool { return u.Addr == "203.0.113.74:443" }
	tests := []struct {
		name   string
		change func(u matrix.Unit, r *checks.Result) bool
		want   string // word, then the first side's address, code and owner, then the first finding's
	}{
		{"old has something to look at, new fails", func(u matrix.Unit, r *checks.Result) bool {
			if u.Side == checks.Old {
				return verdict(r, checks.Warn, checks.SrvExpires)
			}
			return !second(u) || fails(r, checks.SrvName)
		}, "gap-on-new 203.0.113.74:443 srv_name ibm, finding 203.0.113.74:443 ibm"},
		{"one new address warns, the other fails", func(u matrix.Unit, r *checks.Result) bool {
			switch {
			case u.Side == checks.Old:
				return true
			case second(u):
				return fails(r, checks.SrvExpired)
			}
			return verdict(r, checks.Warn, checks.SrvExpires)
		}, "gap-on-new 203.0.113.74:443 srv_expired ibm, finding 203.0.113.74:443 ibm"},
		{"old not seen, new fails", func(u matrix.Unit, r *checks.Result) bool {
			return u.Side == checks.New && fails(r, checks.Silent)
		}, "gap-on-new 203.0.113.10:443 silent ibm, finding 203.0.113.10:443 ibm"},
		{"both fail alike: it is ours until shown otherwise", func(u matrix.Unit, r *checks.Result) bool {
			return fails(r, checks.SrvUntrusted)
		}, "common-cause 198.51.100.10:443 srv_untrusted , finding 198.51.100.10:443 "},
		{"both certificates have expired: that is nothing of ours", func(u matrix.Unit, r *checks.Result) bool {
			return fails(r, checks.SrvExpired)
		}, "common-cause 198.51.100.10:443 srv_expired sse, finding 198.51.100.10:443 sse"},
		{"both fail differently: each is its own supplier's", func(u matrix.Unit, r *checks.Result) bool {
			if u.Side == checks.Old {
				return fails(r, checks.Silent)
			}
			return fails(r, checks.SrvUntrusted)
		}, "both-failed 198.51.100.10:443 silent sse, finding 198.51.100.10:443 sse"},
	}
	for _, tt := range tests {
		s := scope(testPlan(), "cert")
		m := s.Compare(answers(s, tt.change))
		w, f := m.Why(m.Pairs[0]), m.Tally().Findings[0]
		first := w.Sides[0]
		got := fmt.Sprintf("%s %s %s %s, finding %s %s", w.Verdict.Word, first.Addr, first.Code, first.Owner, f.Addr, f.Owner)
		if got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
	s := scope(testPlan(), "files")
	m := s.Compare(answers(s, nil))
	if w := m.Why(m.Pairs[0]); w.Sides == nil || len(w.Sides) != 0 {
		t.Errorf("nothing to explain is %#v, want an empty list: it is a contract in JSON", w.Sides)
	}
}

// A deny that is not there, or not proven, is told as such: the outcome code alone would say "as expected", or blame a supplier.
func TestWhyOfADeny(t *testing.T) {
	t.Parallel()
	closed := &register.Facts{Phases: map[register.PhaseKey]checks.Phase{{Environment: "prod", Service: "sftp"}: checks.Closed}}
	for _, tt := range []struct {
		name string
		old  func(r *checks.Result) bool
		want string
	}{
		{"let in", func(*checks.Result) bool { return true }, "fail let-in sse"},
		{"no control", func(r *checks.Result) bool { fails(r, checks.Refused); r.Facts = nil; return true }, "unverified unproven "},
		{"a router said no", func(r *checks.Result) bool { return fails(r, checks.NetUnreachable) }, "unverified unproven "},
		{"another failure", func(r *checks.Result) bool { return fails(r, checks.AuthFailed) }, "fail  sse"},
		{"the control is silent", func(r *checks.Result) bool {
			r.Facts = map[string]string{checks.FactControl: checks.ControlSilent}
			return fails(r, checks.Unobserved)
		}, "unverified no-way-out "},
		{"too old", func(r *checks.Result) bool { r.StartedAt = now.AddDate(0, 0, -2); return true }, "unverified too-old "},
	} {
		s := scope(testPlan(), "files")
		s.Facts = closed
		m := s.Compare(answers(s, func(u matrix.Unit, r *checks.Result) bool { return u.Side == checks.New || tt.old(r) }))
		w := m.Why(m.Pairs[0]).Sides[0]
		if got := fmt.Sprintf("%s %s %s", w.Verdict, w.Sentence(), w.Owner); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
