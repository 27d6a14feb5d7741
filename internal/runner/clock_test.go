package runner_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/runner"
)

// TestClockIsSet: what was to take an hour takes an hour, whichever way the wall clock is set meanwhile; dates come by the new time.
// A bubble's clock cannot be set: the runner is told that the wall shows more, or less, than has passed.
func TestClockIsSet(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]time.Duration{"ahead": 30 * time.Minute, "back": -30 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, map[string]string{"one": `
  hour: {wait: 1h}
  date: {wait: {until: "2000-01-01 01:00"}}
  ask: {owner: ibm/operator, manual: Ask, timeout: 1h}
  more: {needs: [hour], wait: 1h}
  flaky: {owner: ibm/operator, command: [./x], repeatable: true, on_failure: retry, retries: 1, backoff: 1h}
`}, func(w *world) {
				var set atomic.Int64
				w.r.SetJump(func() time.Duration { return time.Duration(set.Load()) })
				w.actions.will(failing("flaky"))
				id := w.begin("one")
				set.Store(int64(jump))
				later(time.Hour + jump - time.Minute) // by the wall; an hour less a minute has passed
				date := "running"
				if jump > 0 {
					date = "done"
				}
				w.wantSteps(id, "hour", "running", "date", date, "ask", "waiting-for-person", "flaky", "waiting", "more", "waiting")
				later(2 * time.Minute)
				w.wantSteps(id, "hour", "done", "date", date, "ask", "failed", "flaky", "failed", "more", "running")
				later(time.Hour - 2*time.Minute) // what began after the clock was set is not moved
				w.wantSteps(id, "more", "running", "date", "done")
				later(2 * time.Minute)
				w.wantSteps(id, "more", "done")
				w.toldOnce("the clock was set " + name + " by 30m: ")
			})
		})
	}
}

// toldOnce holds that one line of the engine in the journal begins so.
func (w *world) toldOnce(begins string) {
	w.t.Helper()
	n := 0
	for _, e := range w.events() {
		if e.Kind == register.Logged && e.Actor == (journal.Actor{Via: journal.ViaEngine}) && strings.HasPrefix(string(e.Body), `{"text":"`+begins) {
			n++
		}
	}
	if n != 1 {
		w.t.Errorf("%d lines begin with %q, want 1", n, begins)
	}
}

// TestJumped: a clock that runs tells no jump; one that is set does, by the time that really passed.
func TestJumped(t *testing.T) {
	t.Parallel()
	base := time.Now()
	if got := runner.Jumped(base, base.Add(time.Hour)); got != 0 {
		t.Errorf("an hour later: %v", got)
	}
}
