// Package alarm is how a loop rests that acts at instants and on news. With the same facts nothing becomes due before the next instant that
// the loop has found, and a transition lasts months: so it rests until then. It wakes each half minute all the same, only to ask whether that
// still holds, for a clock that was set and a host that slept wake nobody.
//
// It knows nothing of facts or plans; what has changed is the loop's to say.
package alarm

import (
	"context"
	"time"
)

const (
	// Nap bounds how long a loop sleeps before it asks whether what it knew still holds.
	Nap = 30 * time.Second
	// Look is after what time a loop looks again although it knows of nothing that is due.
	Look = time.Hour
)

// Rest returns when there is something to look at: next has come by the wall clock, somebody woke the loop, the context ended, or same, which
// is asked after each nap, says that something is not as it was at the last look. An instant that has passed is no rest at all.
func Rest(ctx context.Context, next time.Time, woken <-chan struct{}, same func() bool) {
	for nap(ctx, next, woken) && time.Now().Round(0).Before(next) && same() {
	}
}

// nap sleeps until next, at most Nap, and reports whether nobody woke it.
func nap(ctx context.Context, next time.Time, woken <-chan struct{}) bool {
	timer := time.NewTimer(max(0, min(time.Until(next), Nap)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-woken:
	case <-timer.C:
		return true
	}
	return false
}
