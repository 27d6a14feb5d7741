package matrix

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/register"
)

// told is an answer that counts, with facts written as name and value in turn.
func told(side checks.Side, v checks.Verdict, facts ...string) Answer {
	r := checks.Result{Unit: checks.Unit{Check: "c", Side: side}, Outcome: v, Code: checks.OK, Facts: map[string]string{}}
	if v == checks.Fail {
		r.Code = checks.SrvName
	}
	for i := 0; i < len(facts); i += 2 {
		r.Facts[facts[i]] = facts[i+1]
	}
	last := register.Begin(r)
	return Answer{Unit: Unit{Unit: r.Unit}, Last: &last, Outcome: v, Verdict: v, Code: r.Code, seen: *r.Seen(nil, checks.Before)}
}

// outdated is an answer that no longer counts.
func outdated(a Answer) Answer {
	a.Reason, a.Outcome, a.Verdict, a.Code = TooOld, checks.Unverified, checks.Unverified, checks.Stale
	a.seen = checks.Seen{Outcome: checks.Unverified, Code: checks.Stale, Judged: checks.Unverified}
	return a
}

func TestRulesAboutBothSides(t *testing.T) {
	t.Parallel()
	const pass, fail = checks.Pass, checks.Fail
	rules := []checks.Comparison{{Fact: "names", Rule: checks.MustEqual}, {Fact: "serial", Rule: checks.MustDiffer}}
	one := func(a ...Answer) []Answer { return a }
	tests := []struct {
		name     string
		old, new []Answer
		word     checks.Word
		failed   int // new answers that do not pass
		want     []Difference
	}{
		{"both rules hold", one(told(checks.Old, pass, "names", "a", "serial", "1")), one(told(checks.New, pass, "names", "a", "serial", "2")), checks.WordReady, 0,
			[]Difference{{Fact: "serial", Old: "1", New: "2", Rule: checks.MustDiffer}}},
		{"must be equal and is not", one(told(checks.Old, pass, "names", "a", "z", "1")), one(told(checks.New, pass, "names", "b", "c", "2")), checks.WordDiffers, 1,
			[]Difference{{Fact: "names", Old: "a", New: "b", Rule: checks.MustEqual, Broken: true}, {Fact: "c", New: "2"}, {Fact: "z", Old: "1"}}},
		{"must differ and does not", one(told(checks.Old, pass, "serial", "1")), one(told(checks.New, pass, "serial", "1")), checks.WordDiffers, 1,
			[]Difference{{Fact: "serial", Old: "1", New: "1", Rule: checks.MustDiffer, Broken: true}}},
		{"a warning does not hide it", one(told(checks.Old, checks.Warn, "names", "a")), one(told(checks.New, checks.Warn, "names", "b")), checks.WordDiffers, 1,
			[]Difference{{Fact: "names", Old: "a", New: "b", Rule: checks.MustEqual, Broken: true}}},
		{"one side does not have the fact", one(told(checks.Old, pass, "names", "a")), one(told(checks.New, pass)), checks.WordReady, 0,
			[]Difference{{Fact: "names", Old: "a", Rule: checks.MustEqual}}},
		{"a failure is said first", one(told(checks.Old, pass, "names", "a")), one(told(checks.New, fail, "names", "b")), checks.WordGap, 1,
			[]Difference{{Fact: "names", Old: "a", New: "b", Rule: checks.MustEqual, Broken: true}}},
		{"old is broken", one(told(checks.Old, fail, "names", "a")), one(told(checks.New, pass, "names", "b")), checks.WordOKNote, 0,
			[]Difference{{Fact: "names", Old: "a", New: "b", Rule: checks.MustEqual, Broken: true}}},
		{"an answer that is too old is compared with nothing", one(outdated(told(checks.Old, pass, "names", "a"))), one(told(checks.New, pass, "names", "b")), checks.WordNotObserved, 0, nil},
		{"one side only", nil, one(told(checks.New, pass, "names", "b")), checks.WordReady, 0, nil},
		{"one of two addresses", one(told(checks.Old, pass, "names", "a")), one(told(checks.New, pass, "names", "a"), told(checks.New, pass, "names", "b")), checks.WordDiffers, 1,
			[]Difference{{Fact: "names", Old: "a", New: "b", Rule: checks.MustEqual, Broken: true}}},
		{"a difference nobody forbids, and the place it was asked from", one(told(checks.Old, pass, "version", "1.2", checks.FactControl, "answered")),
			one(told(checks.New, pass, "version", "1.3")), checks.WordReady, 0, []Difference{{Fact: "version", Old: "1.2", New: "1.3"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := Pair{Check: "c", Spec: &checks.Spec{ID: "c"}, Phase: checks.Before, Old: SideView{Answers: tt.old}, New: SideView{Answers: tt.new}, rules: rules}
			for i := range p.New.Answers {
				p.New.Answers[i].Owner = "newe"
			}
			p.judge()
			if p.Verdict.Word != tt.word {
				t.Errorf("%s, want %s", p.Verdict.Word, tt.word)
			}
			if d := cmp.Diff(tt.want, p.Differences); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			m := Matrix{Pairs: []Pair{p}}
			e := m.Tally()
			failed := 0
			for _, f := range e.Findings {
				if f.Side == checks.New && f.Code != checks.Stale {
					failed++
				}
				if f.Code == checks.Differs && f.Owner != "newe" {
					t.Errorf("owner %q", f.Owner)
				}
			}
			if failed != tt.failed {
				t.Errorf("%d of the new side do not pass, want %d: %+v", failed, tt.failed, e.Findings)
			}
			if tt.word == checks.WordDiffers && (PairsOK(m.Pairs) || m.AllPass(checks.New) || e.Others.Passed == e.Others.Total) {
				t.Error("what differs passes somewhere")
			}
		})
	}
}
