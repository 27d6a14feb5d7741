package matrix_test

import (
	"testing"
	"time"

	"skift/checks"
	"skift/internal/matrix"
)

// An entry that is deleted for want of use is told in time, also where nothing is observed, and any use keeps it.
func TestEntriesDecay(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	cases := []struct {
		name    string
		last    time.Time // f1 was last let in on new; zero = never
		other   time.Time // another check from there
		seen    time.Duration
		outcome checks.Code // "" = not observed lately
		want    string      // verdict and sentence of f1 on new
	}{
		{"used lately", ago(10 * day), time.Time{}, time.Hour, checks.OK, "pass "},
		{"used today", ago(80 * day), time.Time{}, time.Hour, checks.OK, "pass "},
		{"long ago, an answer that still holds", ago(61 * day), time.Time{}, 61 * day, checks.OK, "warn decaying"},
		{"just before", ago(60*day - time.Minute), time.Time{}, 60*day - time.Minute, checks.OK, "pass "},
		{"long ago, not observed", ago(61 * day), time.Time{}, 0, "", "unverified decaying"},
		{"lately, not observed", ago(59 * day), time.Time{}, 0, "", "unverified never-seen"},
		{"never, not observed", time.Time{}, time.Time{}, 0, "", "unverified never-seen"},
		{"another check used it", ago(61 * day), ago(day), 0, "", "unverified never-seen"},
		{"long ago, turned away now", ago(61 * day), time.Time{}, time.Hour, checks.Refused, "fail "},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := testPlan()
			p.Flows = p.Flows[:1]
			p.Checks["allow"].Options = checks.ReachOptions{Proof: checks.ProofTLS, WarnAfter: 60 * day}
			p.Checks["allow"].MaxAge = 100 * day
			s := scope(p, "allow")
			s.LastOK = map[checks.Unit]time.Time{}
			for _, u := range s.Units() {
				if u.Side != checks.New {
					continue
				}
				if !c.last.IsZero() {
					s.LastOK[u.Unit] = c.last
				}
				if !c.other.IsZero() {
					v := u.Unit
					v.Check, v.Flow = "other", ""
					s.LastOK[v] = c.other
				}
			}
			m := s.Compare(answers(s, func(u matrix.Unit, r *checks.Result) bool {
				if u.Side == checks.Old {
					return true
				}
				r.Code, r.Outcome, r.StartedAt = c.outcome, c.outcome.Info().Verdict, ago(c.seen)
				return c.outcome != ""
			}))
			a := m.Pairs[0].New.Answers[0]
			got := string(a.Verdict) + " "
			for _, w := range m.Why(m.Pairs[0]).Sides {
				if w.Side == checks.New && w.Addr == a.Addr {
					got += w.Sentence()
				}
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
