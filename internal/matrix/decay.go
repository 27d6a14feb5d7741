package matrix

import (
	"time"

	"skift/checks"
)

// entry is what an allow-list lets in: who asks, and where.
type entry struct{ vantage, addr string }

// decays finds the entries that may be deleted for want of use. An entry is used by every check that comes from its place to its
// address, so any of them keeps it warm. One that was never seen working is not known to exist.
func (s Scope) decays(m *Matrix) {
	lastOK := map[entry]time.Time{}
	for u, at := range s.LastOK {
		if e := (entry{u.Vantage, u.Addr}); at.After(lastOK[e]) {
			lastOK[e] = at
		}
	}
	for i := range m.Pairs {
		for _, side := range checks.Sides() {
			answers := m.Pairs[i].Side(side).Answers
			for j := range answers {
				a := &answers[j]
				a.idle(lastOK[entry{a.Vantage, a.Addr}], s.Now)
			}
		}
	}
}

// idle marks an answer whose entry has not been seen working for long. What is not observed stays so: it is told why that is urgent.
func (a *Answer) idle(lastOK, now time.Time) {
	warnAfter, ok := a.Spec.Decay()
	if letIn := a.Outcome == checks.Pass || a.Outcome == checks.Warn; letIn && a.At().After(lastOK) {
		lastOK = a.At()
	}
	if !ok || a.Want == checks.Deny || lastOK.IsZero() || now.Sub(lastOK) < warnAfter {
		return
	}
	a.IdleSince = lastOK
	if a.Verdict == checks.Pass {
		a.Outcome, a.Verdict = checks.Warn, checks.Warn
		a.seen.Outcome, a.seen.Judged = checks.Warn, checks.Warn
	}
}
