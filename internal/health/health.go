// Package health says whether a process that serves does what it is there for, and in which figures: to the service manager that restarts
// it, to the watch that wakes somebody, to the collector that draws a curve.
//
// It knows values only: what was seen of the loops, the journal and the host is handed to it, and [Judge] is pure. A trouble is something
// that keeps the process from its work. What waits for a person (a held run, an uncertain mail, a check that fails) is its work, and told by
// figures alone.
package health

import (
	"fmt"
	"time"
)

// Cause names a trouble. Each has a section of docs/operations.md.
type Cause string

// The troubles.
const (
	Journal   Cause = "journal"   // nothing can be written, or nothing read
	Stuck     Cause = "stuck"     // decisions are not answered any more
	Scheduler Cause = "scheduler" // nobody looks what is due
	Slots     Cause = "slots"     // something is due and is not begun
	Outbox    Cause = "outbox"    // nobody looks at the queue of mails
	Sweep     Cause = "sweep"     // a sweep gets no further
	Disk      Cause = "disk"      // there is hardly room to write
	Clock     Cause = "clock"     // the host's clock lies before what is written down
)

// Causes lists the troubles in the order in which they are told.
func Causes() []Cause {
	return []Cause{Journal, Stuck, Scheduler, Slots, Outbox, Sweep, Disk, Clock}
}

// Trouble is one thing that keeps the process from its work.
type Trouble struct {
	Code    Cause  `json:"code"`    // journal stuck scheduler slots outbox sweep disk clock
	Text    string `json:"text"`    // what was seen
	Restart bool   `json:"restart"` // another process might do better: the watchdog is not told that all is well
}

// The bounds.
const (
	SchedulerBound = 90 * time.Second // the loop looks every 30 seconds at least
	SlotBound      = 2 * time.Minute  // what could not be begun is tried again every 5 seconds
	OutboxBound    = 10 * time.Minute // one attempt takes 7 minutes at most, and the queue is looked at every minute
	SweepBound     = 15 * time.Minute // and twice the gap that one address is left alone
	ClockBound     = 2 * time.Minute
	DiskBound      = 64 << 20 // bytes
)

// Seen is what is known of a process at an instant. A zero time is a loop that does not run.
type Seen struct {
	Broken      string    // why nothing can be written or read any more; "" = it can
	Silent      bool      // what is decided could not be asked within seconds: nothing below is known
	SchedulerAt time.Time // when the scheduler last looked what is due
	OutboxAt    time.Time // when the outbox last looked at its queue, or until when it said that it would not
	Overdue     Overdue   // what is due longest and not begun
	Sweep       Advance   // of the sweeps under way, the one that was heard of longest ago
	DiskFree    int64     // bytes; negative = not known
	LastEventAt time.Time // of the journal's newest event
}

// Overdue is something that is due and not begun; the zero value is nothing.
type Overdue struct {
	Schedule string
	Since    time.Time // when its work was to begin
}

// Advance is how a sweep gets on; the zero value is none.
type Advance struct {
	Suite string
	At    time.Time     // when it began, or last got an answer
	Gap   time.Duration // how long one address is left alone between two questions
}

// Judge finds what keeps the process from its work. An empty answer is good health.
func Judge(s Seen, now time.Time) []Trouble {
	var out []Trouble
	add := func(code Cause, restart bool, format string, args ...any) {
		out = append(out, Trouble{code, fmt.Sprintf(format, args...), restart})
	}
	if s.Broken != "" {
		add(Journal, false, "the journal cannot be written: %s", s.Broken)
	}
	if s.Silent {
		add(Stuck, true, "decisions are not answered")
		return out
	}
	if since := silence(s.SchedulerAt, now); since > SchedulerBound {
		add(Scheduler, true, "nobody has looked what is due for %s", since.Round(time.Second))
	}
	if since := silence(s.Overdue.Since, now); since > SlotBound {
		add(Slots, false, "%s was due %s ago and is not begun", s.Overdue.Schedule, since.Round(time.Second))
	}
	if since := silence(s.OutboxAt, now); since > OutboxBound {
		add(Outbox, true, "nobody has looked at the queue of mails for %s", since.Round(time.Second))
	}
	if since := silence(s.Sweep.At, now); since > SweepBound+2*s.Sweep.Gap {
		add(Sweep, true, "the sweep of %s has got no answer for %s", s.Sweep.Suite, since.Round(time.Second))
	}
	if s.DiskFree >= 0 && s.DiskFree < DiskBound {
		add(Disk, false, "%d MiB are free where the journal is", s.DiskFree>>20)
	}
	if ahead := s.LastEventAt.Sub(now); !s.LastEventAt.IsZero() && ahead > ClockBound {
		add(Clock, false, "the clock lies %s before the newest event of the journal", ahead.Round(time.Second))
	}
	return out
}

// silence is how long ago something was heard, 0 when nothing was to be. What is measured by the process's own steady clock stays right
// when the host's clock is set.
func silence(at, now time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return now.Sub(at)
}

// RestartHelps reports whether another process might do better.
func RestartHelps(troubles []Trouble) bool {
	for _, t := range troubles {
		if t.Restart {
			return true
		}
	}
	return false
}
