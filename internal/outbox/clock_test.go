package outbox

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestClockSetBackWhileAMailWaits: what a clock that was ahead put off is not put off for as long as that clock was ahead.
func TestClockSetBackWhileAMailWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := queued("a")[0]
		m.NextAt = time.Now().Add(24 * time.Hour) // by a clock that was a day ahead
		m.QueuedAt = m.NextAt.Add(-time.Minute)
		store, srv := newMemory(m), &server{answer: always(taken)}
		loop(t, store, srv, Settings{}, time.Minute)
		if diff := cmp.Diff([]string{"a sent 1"}, store.states()); diff != "" {
			t.Error(diff)
		}
	})
}
