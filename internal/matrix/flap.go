package matrix

import (
	"slices"
	"time"

	"skift/checks"
	"skift/internal/register"
)

// FlapWindow is how many of the last answers are looked at: one failure among them, and what passes now is a warning.
const FlapWindow = 5

// Attempt is one answer of a unit. Of an interval with more than two answers only the first and the last have a known instant; those
// between are taken to be evenly spread.
type Attempt struct {
	At      time.Time      `json:"at"`
	Code    checks.Code    `json:"code"`
	Verdict checks.Verdict `json:"verdict"` // taken against what is wanted now
}

// attempts lists the last answers of a unit that are still fresh and saw something, oldest first. What was asked of another address
// book, or while something else was wanted, is not compared: a phase that moved on is no flapping.
func (s Scope) attempts(u Unit, intervals []*register.Interval) []Attempt {
	var out []Attempt
	oldest := s.Now.Add(-MaxAge(u.Spec))
	for _, i := range intervals {
		if !u.Asks(*i) || i.Want != u.Want {
			continue
		}
		verdict := i.Judged(u.Want)
		if verdict == checks.Unverified || verdict == checks.Error {
			continue
		}
		for _, at := range lastOf(i, FlapWindow) {
			if !at.Before(oldest) {
				out = append(out, Attempt{At: at, Code: i.Code, Verdict: verdict})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Attempt) int { return a.At.Compare(b.At) })
	return out[max(0, len(out)-FlapWindow):]
}

// lastOf are the instants of the last n answers of an interval.
func lastOf(i *register.Interval, n int) []time.Time {
	out := []time.Time{i.Until}
	for k := int64(1); k < min(i.Count, int64(n)); k++ {
		out = append(out, i.Until.Add(-time.Duration(k)*(i.Until.Sub(i.Since)/time.Duration(i.Count-1))))
	}
	return out
}

// flap raises an answer that is as wanted to a warning when some of the last ones were not. It never makes anything better: a failure
// stays one, and so does what was not observed.
func (a *Answer) flap(attempts []Attempt) {
	if a.Reason != Counts || !a.Passed() {
		return
	}
	a.Attempts = attempts
	for _, t := range attempts {
		if t.Verdict == checks.Fail {
			a.Flapping++
		}
	}
	if a.Flapping == 0 {
		return
	}
	a.Verdict, a.seen.Judged = checks.Warn, checks.Warn
	if a.seen.Outcome == checks.Pass {
		a.seen.Outcome = checks.Warn // so that the pair warns, too
	}
}
