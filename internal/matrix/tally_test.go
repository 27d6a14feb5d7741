package matrix_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/gate"
	"skift/internal/matrix"
	"skift/internal/register"
)

func TestTally(t *testing.T) {
	t.Parallel()
	s := scope(testPlan(), "cert", "allow", "files")
	s.Facts = &register.Facts{Deviations: []*register.Deviation{
		{Check: "allow", Accepted: register.Accepted{Flow: "f1", Side: checks.New, Until: now.Add(time.Hour)}},
		{Check: "files", Accepted: register.Accepted{Until: now.Add(-time.Hour)}},               // lapsed
		{Check: "cert", Accepted: register.Accepted{Until: now.Add(time.Hour), Critical: true}}, // not confirmed
	}}
	m := s.Compare(answers(s, func(u matrix.Unit, r *checks.Result) bool {
		switch {
		case u.Check == "allow" && u.From == nil:
			return false // six units never seen
		case u.Check == "allow" && u.Side == checks.New:
			return fails(r, checks.FilteredDrop) // two units, accepted
		case u.Check == "files" && u.Side == checks.New:
			return fails(r, checks.AuthFailed)
		case u.Addr == "203.0.113.74:443":
			r.Outcome = checks.Warn
		case u.Check == "cert" && u.Side == checks.Old:
			r.StartedAt = now.Add(-time.Hour)
			return fails(r, checks.SrvWeak)
		}
		return true
	}))
	e := m.Tally()
	if d := cmp.Diff(register.Count{Passed: 2, Total: 3}, e.Critical); d != "" {
		t.Errorf("critical: %s", d)
	}
	if d := cmp.Diff(register.Count{Passed: 2, Accepted: 2, Total: 11}, e.Others); d != "" {
		t.Errorf("others: %s", d)
	}
	if !e.AsOf.Equal(now.Add(-time.Hour)) {
		t.Errorf("as of %v", e.AsOf)
	}
	if len(e.Findings) != 1+6+1 {
		t.Errorf("%d findings", len(e.Findings))
	}
	want := register.Finding{Check: "files", Side: checks.New, Code: checks.AuthFailed, Word: "gap-on-new", Service: "sftp", Addr: "203.0.113.11:22", Owner: "ibm"}
	found := false
	for _, f := range e.Findings {
		found = found || f == want
		if f.Check == "allow" && f.Flow == "f1" {
			t.Errorf("an accepted deviation is a finding: %+v", f)
		}
	}
	if !found {
		t.Errorf("no finding %+v in %+v", want, e.Findings)
	}
	// What somebody accepted is shown beside the pair and turns nothing green.
	for _, p := range m.Pairs {
		if p.Check == "allow" && p.Flow == "f1" && (len(p.Deviations) != 1 || p.Verdict.OK() || p.New.Worst.Verdict != checks.Fail) {
			t.Errorf("accepted: %+v", p.Verdict)
		}
	}
	if matrix.PairsOK(m.Pairs) || m.AllPass(checks.New) {
		t.Error("an accepted failure passes")
	}
}

func TestNothingProvesNothing(t *testing.T) {
	t.Parallel()
	m := scope(testPlan()).Compare(nil)
	if matrix.PairsOK(m.Pairs) || m.AllPass("") {
		t.Error("no pairs are ok")
	}
	e := m.Tally()
	if !e.AsOf.IsZero() || e.Critical.Total+e.Others.Total != 0 {
		t.Errorf("%+v", e)
	}
}

func TestAllPassOfASide(t *testing.T) {
	t.Parallel()
	s := scope(testPlan(), "files", "cert")
	m := s.Compare(answers(s, func(u matrix.Unit, r *checks.Result) bool {
		return u.Side == checks.New || fails(r, checks.Silent)
	}))
	if !m.AllPass(checks.New) || m.AllPass(checks.Old) || m.AllPass("") {
		t.Errorf("new %v, old %v, both %v", m.AllPass(checks.New), m.AllPass(checks.Old), m.AllPass(""))
	}
}

var (
	anyCodes  = []checks.Code{checks.OK, checks.Refused, checks.SrvExpired, checks.Silent, checks.VantageBind, checks.TCPOnly, checks.AuthFailed}
	failCodes = []checks.Code{checks.SrvExpired, checks.AuthFailed, checks.HostkeyChanged, checks.Refused}
)

// randomly answers every unit, or leaves it unseen.
func randomly(r *rand.Rand) func(matrix.Unit, *checks.Result) bool {
	return func(_ matrix.Unit, res *checks.Result) bool {
		if r.IntN(2) > 0 {
			return true
		}
		return fails(res, anyCodes[r.IntN(len(anyCodes))]) && r.IntN(6) > 0
	}
}

func goes(e matrix.Evidence) bool {
	return gate.Enough(e.Critical, "all") && (gate.Enough(e.Others, "60%") || e.Others.Total == 0)
}

// One more failing unit never turns a no-go into a go, whatever the unit said before, with and without accepted deviations.
func TestOneMoreFailureNeverHelps(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 2019))
	phases := []checks.Phase{checks.Before, checks.Switching, checks.Fallback, checks.Closed}
	changed := 0
	for range 1500 {
		s := scope(testPlan(), "cert", "allow", "files")
		s.Facts = &register.Facts{Phases: map[register.PhaseKey]checks.Phase{
			{Environment: "prod", Service: "gateway"}: phases[r.IntN(4)], {Environment: "prod", Service: "sftp"}: phases[r.IntN(4)]}}
		if r.IntN(2) == 0 {
			s.Facts.Deviations = []*register.Deviation{{Check: "allow", Accepted: register.Accepted{Until: now.Add(time.Hour)}},
				{Check: "cert", Accepted: register.Accepted{Side: checks.Old, Until: now.Add(time.Hour)}}}
		}
		latest := answers(s, randomly(r))
		before := s.Compare(latest)
		units := s.Units()
		u := units[r.IntN(len(units))]
		worse := checks.Result{Unit: u.Unit, Want: u.Want, StartedAt: now, ConfigHash: u.Ask().Hash(), Outcome: checks.Pass, Code: checks.OK}
		if u.Want == checks.Allow { // let in is the failure where a deny is wanted
			fails(&worse, failCodes[r.IntN(len(failCodes))])
		}
		worse.Verdict = worse.Judged(u.Want)
		if worse.Verdict != checks.Fail {
			t.Fatalf("%+v is no failure", worse)
		}
		after := s.Compare(append(latest, register.Begin(worse)))
		if !goes(before.Tally()) && goes(after.Tally()) {
			t.Fatalf("failing %s turned no-go into go:\n%s\n%s", u.Key(), lines(before), lines(after))
		}
		if goes(before.Tally()) != goes(after.Tally()) {
			changed++
		}
		b, a := before.Tally(), after.Tally()
		if a.Critical.Total != b.Critical.Total || a.Others.Total != b.Others.Total || a.Critical.Passed > b.Critical.Passed || a.Others.Passed > b.Others.Passed {
			t.Fatalf("failing %s: %+v, then %+v", u.Key(), b, a)
		}
		if u.Side == checks.New && !matrix.PairsOK(before.Pairs) && matrix.PairsOK(after.Pairs) {
			t.Fatalf("failing %s made the pairs ok:\n%s\n%s", u.Key(), lines(before), lines(after))
		}
	}
	if changed == 0 {
		t.Error("no failure ever mattered: the test proves nothing")
	}
}

// What was not observed never counts as passed and is always in the denominator.
func TestUnobservedIsCountedAndNeverPasses(t *testing.T) {
	t.Parallel()
	s := scope(testPlan(), "cert", "allow", "files")
	total := len(s.Units())
	for i := range total {
		n := 0
		m := s.Compare(answers(s, func(matrix.Unit, *checks.Result) bool { n++; return n-1 != i }))
		e := m.Tally()
		if got := e.Critical.Total + e.Others.Total; got != total {
			t.Errorf("unit %d unseen: %d of %d counted", i, got, total)
		}
		if got := e.Critical.Passed + e.Others.Passed; got != total-1 {
			t.Errorf("unit %d unseen: %d of %d passed", i, got, total)
		}
		if matrix.PairsOK(m.Pairs) {
			t.Errorf("unit %d unseen: pairs are ok", i)
		}
	}
}

// The same input gives the same matrix, in whatever order the answers come.
func TestCompareIsDeterministic(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	s := scope(testPlan(), "cert", "allow", "files")
	for range 50 {
		latest := answers(s, randomly(r))
		want := lines(s.Compare(latest))
		r.Shuffle(len(latest), func(i, j int) { latest[i], latest[j] = latest[j], latest[i] })
		if d := cmp.Diff(want, lines(s.Compare(latest))); d != "" {
			t.Fatal(d)
		}
	}
}
