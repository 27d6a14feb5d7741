package matrix_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/matrix"
	"skift/internal/register"
)

// A check of files is asked where skift runs, for every flow and each side that has a file, whether or not anything answers there; what
// it finds is for the party whose flow it is, also when both sides have the same file.
func TestPlacelessUnits(t *testing.T) {
	t.Parallel()
	p := testPlan()
	p.Checks["files"] = &checks.Spec{ID: "files", Kind: checks.CertFile, Service: "gateway", ForEach: "flows", Expect: checks.Expect{checks.Old: {checks.Closed: checks.Allow}},
		Options: checks.CertFileOptions{File: map[checks.Side]checks.Text{checks.New: {Literal: "a.pem"}, checks.Old: {Literal: "a.pem"}}}}
	s := matrix.Scope{Plan: p, Environment: "exttest", Checks: []string{"files"}, Now: now}
	var got []string
	var latest []register.Interval
	for _, u := range s.Units() {
		got = append(got, u.String())
		if u.From == nil {
			t.Errorf("%s cannot be asked from here", u)
		}
		latest = append(latest, register.Interval{Until: now, Result: checks.Result{Unit: u.Unit, Outcome: checks.Fail, Verdict: checks.Fail,
			Code: checks.CertExpired, Want: checks.Allow, ConfigHash: u.Ask().Hash(), Facts: map[string]string{"file": "a.pem"}}})
	}
	want := []string{"files of old for f1", "files of new for f1", "files of old for f2", "files of new for f2", "files of old for f3", "files of new for f3"}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("units (-want +got):\n%s", d)
	}
	m := s.Compare(latest)
	for _, pair := range m.Pairs {
		if pair.Verdict.Word != checks.WordOneFile || !pair.Verdict.Blocks || pair.Verdict.Whose != checks.WhoseBoth {
			t.Errorf("%s: one file that is expired is %+v", pair.Flow, pair.Verdict)
		}
		for _, w := range m.Why(pair).Sides {
			if w.Owner != pair.Party || w.Owner == "" {
				t.Errorf("%s: %s must act, want %s", pair.Flow, w.Owner, pair.Party)
			}
		}
	}
	latest[0].Facts = map[string]string{"file": "b.pem"}
	if v := s.Compare(latest).Pairs[0].Verdict; v.Word != checks.WordBothFailed || !v.Blocks || v.Whose != checks.WhoseBoth {
		t.Errorf("two files that are expired are %+v", v)
	}
	p.Checks["files"].Options = checks.CertFileOptions{File: map[checks.Side]checks.Text{checks.New: {Literal: "a.pem"}}}
	if units := s.Units(); len(units) != 3 || units[0].Side != checks.New {
		t.Errorf("only the new side has a file: %v", units)
	}
}

// What lies under another name in each environment is asked with the name of the environment; what does not is the same question everywhere.
func TestAFilePerEnvironment(t *testing.T) {
	t.Parallel()
	p := testPlan()
	for name, want := range map[string]string{"lists/{environment}/old.csv": "exttest", "lists/old.csv": ""} {
		p.Checks["files"].Options = checks.ManifestOptions{Lists: map[checks.Side]checks.Text{checks.Old: {Literal: name}}}
		units := matrix.Scope{Plan: p, Environment: "exttest", Checks: []string{"files"}, Now: now}.Units()
		if len(units) != 1 || units[0].Ask().In != want {
			t.Errorf("%s: %d units, asked in %q, want %q", name, len(units), units[0].Ask().In, want)
		}
	}
}

// A flow whose column is empty cannot be asked about: whoever keeps the register must act, whether or not it was tried.
func TestAFlowWithoutTheValueAskedWith(t *testing.T) {
	t.Parallel()
	p := testPlan()
	p.Checks["files"].ForEach = "flows"
	p.Checks["files"].Options = checks.SFTPOptions{Level: checks.LevelList, User: checks.Text{Column: "sftp_user"}}
	s := scope(p, "files")
	for name, seen := range map[string]func(matrix.Unit, *checks.Result) bool{
		"never asked": func(matrix.Unit, *checks.Result) bool { return false },
		"tried": func(_ matrix.Unit, r *checks.Result) bool {
			r.Outcome, r.Code, r.Facts = checks.Unverified, checks.Skipped, map[string]string{checks.FactColumn: "sftp_user"}
			return true
		},
	} {
		m := s.Compare(answers(s, seen))
		if len(m.Pairs) != 1 || m.Pairs[0].New.Worst.Reason != matrix.NoValue || m.Pairs[0].Verdict.Word != checks.WordNotObserved {
			t.Errorf("%s: %s", name, lines(m))
			continue
		}
		for _, side := range m.Why(m.Pairs[0]).Sides {
			if side.Owner != "k101" || side.Sentence() != "no-value" {
				t.Errorf("%s: %s is told %q to %q", name, side.Side, side.Sentence(), side.Owner)
			}
		}
	}
	p.Flows[3].Columns = map[string]string{"sftp_user": "k101"}
	if m := s.Compare(answers(s, nil)); m.Pairs[0].Verdict.Word != checks.WordReady {
		t.Errorf("with the value: %s", lines(m))
	}
}
