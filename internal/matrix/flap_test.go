package matrix_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/matrix"
	"skift/internal/register"
)

// said merges answers of one unit, one a minute and the last a minute ago, as they are stored: letters for passed, warned, failed,
// denied in a way that proves it, and unseen.
func said(u matrix.Unit, letters string) []register.Interval {
	var out []register.Interval
	for n, l := range letters {
		r := checks.Result{Unit: u.Unit, Outcome: checks.Pass, Code: checks.OK, Want: u.Want, ConfigHash: u.Ask().Hash(),
			StartedAt: now.Add(time.Duration(n-len(letters)) * time.Minute)}
		switch l {
		case 'w':
			r.Outcome, r.Code = checks.Warn, checks.SrvExpires
		case 'f':
			fails(&r, checks.SrvName)
		case 'd':
			fails(&r, checks.Refused)
		case 'u':
			r.Outcome, r.Code = checks.Unverified, checks.Unobserved
		}
		r.Verdict = r.Judged(u.Want)
		if last := len(out) - 1; last >= 0 && out[last].Continues(r) {
			out[last] = out[last].Extend(r)
		} else {
			out = append(out, register.Begin(r))
		}
	}
	return out
}

func TestFlapping(t *testing.T) {
	t.Parallel()
	s := scope(testPlan(), "files")
	unit := s.Units()[1] // new
	other := unit
	for _, tt := range []struct {
		name    string
		letters string
		change  func(*register.Interval)
		want    string // verdict, failed of how many, sentence
	}{
		{"steady", "pppppp", nil, "pass 0/5"},
		{"asked once", "p", nil, "pass 0/1"},
		{"one failure among the last five", "pfppp", nil, "warn 1/5 flapping"},
		{"the fifth before last counts", "fpppp", nil, "warn 1/5 flapping"},
		{"the sixth does not", "fppppp", nil, "pass 0/5"},
		{"failed, then passed", "fp", nil, "warn 1/2 flapping"},
		{"on and off", "fpfpfp", nil, "warn 2/5 flapping"},
		{"the latest failed", "ppppf", nil, "fail 0/0"},
		{"the latest saw nothing", "pfpu", nil, "unverified 0/0"},
		{"what saw nothing is no attempt", "fuuppuu" + "pp", nil, "warn 1/5 flapping"},
		{"a warning keeps its own reason", "fwww", nil, "warn 1/4"},
		{"of another address book", "fp", func(i *register.Interval) { i.ConfigHash = "other" }, "pass 0/1"},
		{"while something else was wanted", "fp", func(i *register.Interval) { i.Want = checks.Deny }, "pass 0/1"},
		{"long ago", "fp", func(i *register.Interval) { i.Since, i.Until = now.Add(-25*time.Hour), now.Add(-25*time.Hour) }, "pass 0/1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			intervals := said(other, tt.letters)
			if tt.change != nil {
				tt.change(&intervals[0])
			}
			m := s.Compare(append(said(s.Units()[0], "p"), intervals...))
			a := m.Pairs[0].New.Answers[0]
			got := fmt.Sprintf("%s %d/%d", a.Verdict, a.Flapping, len(a.Attempts))
			for _, w := range m.Why(m.Pairs[0]).Sides {
				got += " " + w.Sentence()
			}
			if got = strings.TrimSpace(got); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if a.Flapping > 0 && (m.Pairs[0].Verdict.Level != checks.SeverityWarn || m.Pairs[0].Verdict.Word != checks.WordReady || !a.Passed()) {
				t.Errorf("the pair: %+v", m.Pairs[0].Verdict)
			}
		})
	}
}

// TestFlappingAtInstants: attempts are where they were, as far as that is known.
func TestFlappingAtInstants(t *testing.T) {
	t.Parallel()
	s := scope(testPlan(), "files")
	m := s.Compare(said(s.Units()[1], "fpppp"))
	var got []string
	for _, a := range m.Pairs[0].New.Answers[0].Attempts {
		got = append(got, fmt.Sprintf("%v %s %s", now.Sub(a.At), a.Verdict, a.Code))
	}
	if want := "5m0s fail srv_name, 4m0s pass ok, 3m0s pass ok, 2m0s pass ok, 1m0s pass ok"; strings.Join(got, ", ") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, ", "), want)
	}
}

// TestFlappingNeverHelps: whatever was answered before, the latest answer is no better for it, and one more failure in the past
// makes nothing better.
func TestFlappingNeverHelps(t *testing.T) {
	t.Parallel()
	s := scope(testPlan(), "files")
	u := s.Units()[1]
	rank := map[checks.Verdict]int{checks.Pass: 0, checks.Warn: 1, checks.Unverified: 2, checks.Error: 3, checks.Fail: 4}
	verdict := func(letters string) checks.Verdict {
		return s.Compare(said(u, letters)).Pairs[0].New.Answers[0].Verdict
	}
	rng := rand.New(rand.NewPCG(7, 7))
	for range 2000 {
		var letters []byte
		for range 1 + rng.IntN(9) {
			letters = append(letters, "pwfdu"[rng.IntN(5)])
		}
		text := string(letters)
		with, alone := verdict(text), verdict(text[len(text)-1:])
		if rank[with] < rank[alone] || rank[with] > max(rank[alone], 1) {
			t.Fatalf("%s: %s, its last alone %s", text, with, alone)
		}
		if k := rng.IntN(len(letters)); k < len(letters)-1 {
			letters[k] = 'f'
			if after := verdict(string(letters)); rank[after] < rank[with] {
				t.Fatalf("%s: %s; with one more failure, %s: %s", text, with, letters, after)
			}
		}
	}
}
