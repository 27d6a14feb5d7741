package matrix_test

import (
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/register"
)

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

var now = time.Date(2019, 11, 8, 12, 0, 0, 0, time.UTC)

// testPlan is two platforms, a gateway with two new addresses, an SFTP server, four flows that come in and one that goes out, which
// gives no units.
func testPlan() *plan.Plan {
	p := &plan.Plan{ID: "test",
		Parties: map[string]*plan.Party{
			"sse": {ID: "sse", Consent: &plan.Consent{Levels: []string{"sftp-login"}}},
			"ibm": {ID: "ibm", Consent: &plan.Consent{Levels: []string{"sftp-login"}}},
		},
		Platforms:    map[checks.Side]*plan.Platform{checks.Old: {Side: checks.Old, Party: "sse"}, checks.New: {Side: checks.New, Party: "ibm"}},
		Environments: map[string]*plan.Environment{"prod": {ID: "prod", Production: true}, "exttest": {ID: "exttest"}},
		Services: map[string]*plan.Service{
			"gateway": {ID: "gateway", ServerName: "prod.sp.example", In: map[string]map[checks.Side]plan.Endpoint{
				"prod": {checks.Old: {Addrs: []string{"198.51.100.10:443"}},
					checks.New: {Addrs: []string{"203.0.113.10:443", "203.0.113.74:443"}, ServerName: "new.sp.example"}},
				"exttest": {checks.New: {Addrs: []string{"203.0.113.20:443"}}}}},
			"sftp": {ID: "sftp", In: map[string]map[checks.Side]plan.Endpoint{
				"prod": {checks.Old: {Addrs: []string{"198.51.100.11:22"}}, checks.New: {Addrs: []string{"203.0.113.11:22"}}}}},
		},
		Vantages: map[string]*plan.Vantage{
			"local": {ID: "local"},
			"k101":  {ID: "k101", Source: netip.MustParseAddr("192.0.2.10"), Control: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:443")}},
		},
		VantageIDs: []string{"local", "k101"},
		Flows: []*plan.Flow{
			{ID: "f1", Party: "k101", Service: "gateway", Source: netip.MustParseAddr("192.0.2.10")},
			{ID: "f2", Party: "k102", Service: "gateway", Source: netip.MustParseAddr("192.0.2.20")},
			{ID: "f3", Party: "k103", Service: "gateway"},
			{ID: "f4", Party: "k101", Service: "sftp", Source: netip.MustParseAddr("192.0.2.10")},
			{ID: "f5", Party: "register", Service: "gateway", Direction: plan.Outbound, Source: netip.MustParseAddr("192.0.2.10")},
		},
		Trust: map[string][]byte{"pki/oces.pem": []byte("PEM")},
		Checks: map[string]*checks.Spec{
			"cert": {ID: "cert", Kind: checks.TLS, Service: "gateway", Critical: true, MaxAge: 2 * time.Hour,
				Options: checks.TLSOptions{ValidAt: []string{"cutover.end", "first-release.start"}, TrustedBy: []string{"pki/oces.pem"}}},
			"allow": {ID: "allow", Kind: checks.Reach, Service: "gateway", ForEach: "flows", Options: checks.ReachOptions{Proof: checks.ProofTLS}},
			"files": {ID: "files", Kind: checks.SFTP, Service: "sftp", Options: checks.SFTPOptions{Level: checks.LevelList, User: checks.Text{Literal: "skift"}}},
			"lost":  {ID: "lost", Kind: checks.TLS, Service: "nowhere", Options: checks.TLSOptions{}},
		},
		CheckIDs: []string{"cert", "allow", "files", "lost"},
	}
	return p
}

func scope(p *plan.Plan, ids ...string) matrix.Scope {
	return matrix.Scope{Plan: p, Environment: "prod", Checks: ids, Facts: &register.Facts{}, Now: now,
		Moment: func(expr string) (time.Time, bool) {
			return time.Date(2019, 11, 10, 17, 0, 0, 0, time.UTC), expr == "cutover.end"
		}}
}

// answers makes one interval per unit of the scope, seen ten minutes ago; change may turn it into another answer or, by returning
// false, leave the unit unseen.
func answers(s matrix.Scope, change func(u matrix.Unit, r *checks.Result) bool) []register.Interval {
	var out []register.Interval
	for _, u := range s.Units() {
		r := checks.Result{Unit: u.Unit, Outcome: checks.Pass, Code: checks.OK, Want: u.Want,
			StartedAt: now.Add(-10 * time.Minute), ConfigHash: u.Ask().Hash()}
		if change != nil && !change(u, &r) {
			continue
		}
		r.Verdict = r.Judged(u.Want)
		out = append(out, register.Begin(r))
	}
	return out
}

// fails makes a result a failure with a code; a code that denies comes with an answering control.
func fails(r *checks.Result, code checks.Code) bool {
	r.Outcome, r.Code = code.Info().Verdict, code
	if code.Info().Denies {
		r.Facts = map[string]string{checks.FactControl: checks.ControlAnswered}
	}
	return true
}

// lines shows pairs as tests compare them.
func lines(m matrix.Matrix) string {
	var b strings.Builder
	for _, p := range m.Pairs {
		b.WriteString(strings.Join([]string{p.Check, p.Flow, string(p.Phase), string(p.Verdict.Word), string(p.Verdict.Whose)}, " "))
		for _, side := range checks.Sides() {
			for _, a := range p.Side(side).Answers {
				b.WriteString(" | " + string(side) + " " + string(a.Verdict) + "/" + string(a.Code))
				if a.Reason != matrix.Counts {
					b.WriteString(" " + string(a.Reason))
				}
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
