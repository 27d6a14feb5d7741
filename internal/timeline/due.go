package timeline

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"

	"skift/internal/plan"
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

// OnTime is how long after its time a slot may be begun and is still no late one. A process that starts again, or a disk that is busy, is
// no reason to wait for the next.
const OnTime = time.Minute

// Begins is when the work of a slot begins: at its time, or within the jitter after it. The same slot has the same moment in every process,
// so that one that starts again neither repeats nor forgets what waits for it; and it is always before the next slot, whatever a clock
// change does to their distance. The slot's key stays the plan's time.
func (e Entry) Begins(slot time.Time) time.Time {
	within := e.Jitter
	if within <= 0 {
		return slot
	}
	if next := e.Schedule.Next(slot); !next.IsZero() {
		within = min(within, next.Sub(slot))
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", e.Key, slot.UnixMilli()))
	within /= time.Millisecond
	return slot.Add(time.Duration(binary.BigEndian.Uint64(sum[:8])%uint64(max(within, 1))) * time.Millisecond)
}

// Due returns the slots in (after, now] whose work may begin, oldest first.
func (e Entry) Due(after, now time.Time) []time.Time {
	due := Due(e.Schedule, after, now)
	if n := len(due); n > 0 && e.Begins(due[n-1]).After(now) {
		due = due[:n-1] // the one before begins before this one's time
	}
	return due
}

// Next is when the work of a slot begins next after now, zero when none does any more.
func (e Entry) Next(now time.Time) time.Time {
	for slot := e.Schedule.Next(now.Add(-e.Jitter)); !slot.IsZero(); slot = e.Schedule.Next(slot) {
		if at := e.Begins(slot); at.After(now) {
			return at
		}
	}
	return time.Time{}
}

// CatchUp splits due slots, oldest first, into the one to work now and those to record as missed. There is never a burst:
// after six hours without a process a check of every minute runs once. ok is false when there is nothing to work.
//
// A slot that is late is worked only where the policy says so, and while valid holds, nil = always: a suite whose period has ended since
// is not asked.
func (e Entry) CatchUp(due []time.Time, now time.Time, valid func(at time.Time) bool) (work time.Time, missed []time.Time, ok bool) {
	if len(due) == 0 {
		return time.Time{}, nil, false
	}
	newest := due[len(due)-1]
	asked := newest
	if late := now.Sub(e.Begins(newest)) > OnTime; late {
		if e.OnMissed == plan.SkipMissed {
			return time.Time{}, due, false
		}
		asked = now
	}
	if valid != nil && !valid(asked) {
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
