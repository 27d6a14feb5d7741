package timeline

import (
	"time"

	"github.com/robfig/cron/v3"
)

// Lookback is how far Due goes back at most. What lies further back is neither run nor recorded: nobody waits for it any more.
const Lookback = 400 * 24 * time.Hour

// maxDue bounds what one call of Due returns; when more were missed, the newest are kept.
const maxDue = 10_000

// Due returns the slots of s in (after, now], oldest first. It is pure: the same question has the same answer in every
// process, so a slot row keyed by the instant is claimed once.
func Due(s cron.Schedule, after, now time.Time) []time.Time {
	if oldest := now.Add(-Lookback); after.Before(oldest) {
		after = oldest
	}
	var due []time.Time
	for t := s.Next(after); !t.IsZero() && !t.After(now); t = s.Next(t) {
		if len(due) == 2*maxDue {
			due = append(due[:0], due[maxDue:]...)
		}
		due = append(due, t)
	}
	if len(due) > maxDue {
		due = due[len(due)-maxDue:]
	}
	return due
}

// Policy says what becomes of slots whose time passed while nobody could do them.
type Policy string

// The policies.
const (
	// SkipMissed is for suites: only the newest slot is worked, and only while its successor has not come; older ones are missed.
	// Their answers would be about now, not about then, and stale answers show as unverified by themselves.
	SkipMissed Policy = "skip"
	// RunOnce is for reports and milestones: the newest slot is worked however late it is, older ones are missed.
	RunOnce Policy = "run-once"
)

// CatchUp splits due slots, oldest first, into the one to work now and those to record as missed. There is never a burst:
// after six hours without a process a check of every minute runs once. ok is false when there is nothing to work.
//
// valid tells whether a slot that is late may still be worked, nil = always: a suite whose period has ended since is not asked.
func CatchUp(p Policy, due []time.Time, valid func(slot time.Time) bool) (work time.Time, missed []time.Time, ok bool) {
	if len(due) == 0 {
		return time.Time{}, nil, false
	}
	newest := due[len(due)-1]
	if p == SkipMissed && valid != nil && !valid(newest) {
		return time.Time{}, due, false
	}
	return newest, due[:len(due)-1], true
}

// stretch is a piece of time [from, until); a zero until never ends, a zero from is unknown and never begins.
type stretch struct{ from, until time.Time }

func (s stretch) contains(t time.Time) bool {
	return !s.from.IsZero() && !t.Before(s.from) && (s.until.IsZero() || t.Before(s.until))
}

// during keeps of a schedule the slots that lie in one of some stretches.
type during struct {
	inner cron.Schedule
	in    []stretch
}

func (d during) Next(t time.Time) time.Time {
	for {
		n := d.inner.Next(t)
		if n.IsZero() {
			return n
		}
		if d.contains(n) {
			return n
		}
		// Jump to just before the next stretch begins: walking there beat by beat may take years of beats.
		from := d.nextFrom(n)
		if from.IsZero() {
			return time.Time{}
		}
		t = from.Add(-1)
	}
}

func (d during) contains(t time.Time) bool {
	for _, s := range d.in {
		if s.contains(t) {
			return true
		}
	}
	return false
}

// nextFrom is the earliest beginning after t, zero when there is none.
func (d during) nextFrom(t time.Time) time.Time {
	var next time.Time
	for _, s := range d.in {
		if s.from.After(t) && (next.IsZero() || s.from.Before(next)) {
			next = s.from
		}
	}
	return next
}
