// Package storetest says what every engine behind a store must do, as tests,
// and opens stores for the tests of other packages. It knows nothing of any
// engine: what only one of them has is tested beside it.
package storetest

import (
	"fmt"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/store"
)

// Plan is the plan of the stores that [New] opens.
const Plan = "weekend"

// New opens an empty store in a directory of the test and closes it at its end.
func New(t testing.TB) *store.Store {
	t.Helper()
	return Open(t, store.Options{Dir: t.TempDir(), Plan: Plan})
}

// Open opens a store and closes it at the end of the test.
func Open(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return s
}

// Must commits b or ends the test.
func Must(t testing.TB, s *store.Store, b register.Batch) store.Committed {
	t.Helper()
	c, err := s.Commit(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Epoch is the instant around which the samples lie.
var Epoch = time.Date(2019, 11, 9, 0, 0, 0, 0, time.UTC)

// Event is a sample event that differs from those of another n.
func Event(n int) journal.Event {
	return journal.Event{
		At: Epoch.Add(time.Duration(n) * time.Second), Kind: "step.done", Run: "run-1", Subject: fmt.Sprintf("step-%d", n),
		Actor: journal.Actor{Seat: "ibm/operator", Person: "p1", EnteredBy: "uid-1000", Via: journal.ViaConsole},
		Body:  fmt.Appendf(nil, `{ "n":%d, "said": "æøå \u0001" }`, n),
	}
}

// Events are n sample events.
func Events(n int) []journal.Event {
	es := make([]journal.Event, n)
	for i := range es {
		es[i] = Event(i + 1)
	}
	return es
}

// Message is a sample message, queued.
func Message(id string) register.Message {
	return register.Message{
		ID: id, Audience: "steering", Report: "weekly", Recipient: "p1", Address: "chair@kombit.example",
		Subject: "Status", Raw: []byte("Subject: Status\r\n\r\nall well \xff\x00"), State: register.MessageQueued,
		QueuedAt: Epoch, NextAt: Epoch.Add(time.Minute),
	}
}

// Slot is a sample slot, claimed, n half hours after Epoch.
func Slot(n int) register.Slot {
	at := Epoch.Add(time.Duration(n) * 30 * time.Minute)
	return register.Slot{Schedule: "suite/readiness", At: at, State: register.SlotClaimed, ClaimedAt: at.Add(time.Second)}
}

// Result is a sample answer of the nth unit: passed, asked at that instant.
func Result(n int, at time.Time) checks.Result {
	return checks.Result{
		Unit:    checks.Unit{Check: "gateway-cert", Side: checks.New, Addr: fmt.Sprintf("203.0.113.%d:443", n), Vantage: "local"},
		Outcome: checks.Pass, Verdict: checks.Pass, Code: "ok", Want: checks.Allow, Reached: "tls",
		Facts:     map[string]string{"not_after": "2020-11-09T00:00:00Z", "serial": "7B"},
		Timings:   map[string]time.Duration{"connect": 3 * time.Millisecond, "tls": 9 * time.Millisecond},
		LocalAddr: "192.0.2.10:40001", Evidence: checks.Evidence{Banner: "hello"},
		StartedAt: at, ValidUntil: at.Add(time.Hour), CheckerVersion: "1", ConfigHash: "c0ffee",
	}
}

// Results are the sample answers of n units, all asked at [Epoch].
func Results(n int) []checks.Result {
	var rs []checks.Result
	for i := range n {
		rs = append(rs, Result(i+1, Epoch))
	}
	return rs
}
