package snapshot_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/matrix"
	"skift/internal/register"
	"skift/internal/snapshot"
)

// refusing is the story's plan an hour into the night, where the new platform drops both towns' flows and one of its two sites has an
// expired certificate.
func refusing(t *testing.T) snapshot.In {
	t.Helper()
	p := story(t)
	var f facts
	in := snapshot.In{Plan: p, Register: &f.register, Runs: &f.runs, Now: now}
	in.Latest = answers(p, &f.register, func(u matrix.Unit) (checks.Verdict, checks.Code, string) {
		switch {
		case u.Check == "allow" && u.Side == checks.New:
			return checks.Fail, checks.ClosedPreBanner, "x"
		case u.Check == "cert" && u.Addr == "203.0.113.74:443":
			return checks.Fail, checks.SrvExpired, "x"
		case u.Check == "banner" && u.Side == checks.Old:
			return "", "", ""
		}
		return checks.Pass, checks.OK, "x"
	})
	for i := range in.Latest {
		in.Latest[i].Timings = map[string]register.Timing{"first_byte": {Count: 2, Min: 1, Max: 3, Sum: 4}, "connect": {Count: 1, Min: 5, Max: 5, Sum: 5}, "zz": {Count: 1}, "aa": {Count: 1}}
	}
	return in
}

func TestExplainTellsEveryAddress(t *testing.T) {
	t.Parallel()
	all := snapshot.Explain(refusing(t), snapshot.Which{Checks: []string{"cert"}})
	if len(all) != 1 || len(all[0].Answers) != 3 {
		t.Fatalf("%+v", all)
	}
	e := all[0]
	worst := e.Answers[0]
	if worst.Addr != "203.0.113.74:443" || worst.Code != checks.SrvExpired || worst.Owner != "newco" || worst.Seat != "newco/operator" || worst.Person != "p-new" {
		t.Errorf("the worst comes first, with whose it is: %+v", worst)
	}
	if !worst.Current || worst.Count != 1 || worst.Since.Equal(worst.LastAt) {
		t.Errorf("age: %+v", worst)
	}
	var order []string
	for _, x := range worst.Timings {
		order = append(order, x.Phase)
	}
	if d := cmp.Diff([]string{"connect", "first_byte", "aa", "zz"}, order); d != "" {
		t.Error(d)
	}
	if worst.Timings[1].Mean != 2 {
		t.Errorf("mean %v", worst.Timings[1].Mean)
	}
	want := []snapshot.AskedBy{{Gate: "go", Suite: "readiness", Demand: "all", MaxAge: 2 * time.Hour, DecideBy: time.Date(2019, 11, 9, 3, 0, 0, 0, time.UTC)}}
	if d := cmp.Diff(want, e.AskedBy); d != "" {
		t.Errorf("asked by:\n%s", d)
	}
	if len(e.Zones) != 1 || e.Zones[0].ID != "freeze" {
		t.Errorf("zones in force: %+v", e.Zones)
	}
	if got := snapshot.Explain(refusing(t), snapshot.Which{Checks: []string{"banner"}})[0].AskedBy[0].Demand; got != "50%" {
		t.Errorf("a check that is not critical: %s", got)
	}
}

func TestExplainChooses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		which            snapshot.Which
		viewer           string
		comparisons, all int
	}{
		{snapshot.Which{Checks: []string{"allow"}}, "", 2, 6},
		{snapshot.Which{Checks: []string{"allow"}}, "customer", 2, 6},
		{snapshot.Which{Checks: []string{"allow"}, Flow: "f2"}, "", 1, 3},
		{snapshot.Which{Checks: []string{"allow"}, Side: checks.Old}, "", 2, 2},
		{snapshot.Which{Checks: []string{"allow"}, Environment: "test"}, "", 2, 4},
		{snapshot.Which{Checks: []string{"allow"}}, "t1", 0, 0},
		{snapshot.Which{}, "", 0, 0},
	} {
		in := refusing(t)
		in.Viewer = tt.viewer
		got, n := snapshot.Explain(in, tt.which), 0
		for _, e := range got {
			n += len(e.Answers)
		}
		if len(got) != tt.comparisons || n != tt.all {
			t.Errorf("%+v for %q: %d comparisons, %d answers", tt.which, tt.viewer, len(got), n)
		}
	}
}

func TestToDoIsSortedByWhoMustAct(t *testing.T) {
	t.Parallel()
	in := refusing(t)
	all := snapshot.Explain(in, snapshot.Which{Checks: in.Plan.CheckIDs})
	todo, fine := snapshot.ToDo(in.Plan, all)
	if len(todo) != 2 || fine != 0 {
		t.Fatalf("%d parties, %d fine: %+v", len(todo), fine, todo)
	}
	first := todo[0]
	if first.Party != "newco" || first.Seat != "newco/operator" || len(first.Items) != 2 {
		t.Fatalf("%+v", first)
	}
	i := slices.IndexFunc(first.Items, func(t snapshot.TodoItem) bool { return t.Check == "allow" })
	if d := cmp.Diff([][]string{{"f1", "f2"}, {"203.0.113.10:443", "203.0.113.74:443"}}, [][]string{first.Items[i].Flows, first.Items[i].Addrs}); d != "" {
		t.Errorf("what is alike is said once:\n%s", d)
	}
	if ours := todo[1]; ours.Party != "" || ours.Items[0].Check != "banner" || ours.Items[0].Side != checks.Old {
		t.Errorf("what nobody looked at is ours: %+v", ours)
	}
}

// A comparison can be wrong although every answer is as wanted: it must not fall through.
func TestToDoHasWhatOnlyTheComparisonShows(t *testing.T) {
	t.Parallel()
	e := snapshot.Explanation{Pair: snapshot.Pair{Check: "c", Verdict: checks.PairVerdict{Word: checks.WordOldStillOpen, Level: checks.SeverityWarn, Whose: checks.WhoseOld}},
		Answers: []snapshot.Answer{{SideWhy: matrix.SideWhy{Side: checks.Old, Verdict: checks.Pass}}}}
	todo, fine := snapshot.ToDo(story(t), []snapshot.Explanation{e})
	if fine != 0 || len(todo) != 1 || todo[0].Party != "oldco" || todo[0].Items[0].Word != checks.WordOldStillOpen {
		t.Errorf("%d fine, %+v", fine, todo)
	}
}

// certificate makes a bundle with one certificate that lasts until an instant.
func certificate(t *testing.T, name string, until time.Time) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(255), Subject: pkix.Name{CommonName: name}, NotBefore: until.AddDate(-1, 0, 0), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestCertificatesSoonestEndFirst(t *testing.T) {
	t.Parallel()
	in := refusing(t)
	in.Plan.Trust = map[string][]byte{"pki/a.pem": append([]byte("text before\n"), certificate(t, "Root", time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))...)}
	for i := range in.Latest {
		if in.Latest[i].Unit.Check == "cert" {
			in.Latest[i].Facts = map[string]string{"subject": "CN=" + string(in.Latest[i].Unit.Side), "leaf_sha256": string(in.Latest[i].Unit.Side),
				"not_before": "2018-12-01T00:00:00Z", "not_after": "2019-12-01T00:00:00Z"}
		}
	}
	type line struct {
		Subject, Owner, Zone string
		Seen                 int
	}
	var got []line
	for _, c := range snapshot.Certificates(in) {
		l := line{c.Subject, c.Owner, "", len(c.Seen)}
		if c.EndsIn != nil {
			l.Zone = c.EndsIn.Zone
		}
		got = append(got, l)
	}
	want := []line{
		{"CN=new", "newco", "freeze", 3},
		{"CN=old", "oldco", "freeze", 2},
		{"CN=Root", "", "", 1},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	in.Plan.Trust["pki/b.pem"] = append(in.Plan.Trust["pki/a.pem"], "-----BEGIN CERTIFICATE-----\nMII"...)
	if c := snapshot.Certificates(in); len(c) != 4 || !c[0].NotAfter.IsZero() || !strings.HasPrefix(c[0].Subject, "pki/b.pem: of 2 PEM blocks") {
		t.Errorf("a bundle that is cut off is passed over: %+v", c)
	}
	in.Viewer = "t1"
	if c := snapshot.Certificates(in); len(c) != 0 {
		t.Errorf("a town sees %+v", c)
	}
}
