//go:build unix

package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"skift/internal/figure"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/store"
	"skift/internal/storetest"
)

// long is a journal of 30,000 events: runs of a thousand steps, each begun and done.
func long(t testing.TB) *adapter {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Plan: storetest.Plan})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	const runs, steps = 15, 1000
	var body run.Started
	body.Runbook, body.Environment = "weekend", "prod"
	for i := range steps {
		body.Steps = append(body.Steps, run.StepDef{ID: fmt.Sprintf("s%d", i), Kind: "command", Owner: "a/b", Changes: true})
	}
	at := time.Date(2019, 11, 9, 0, 0, 0, 0, time.UTC)
	for r := range runs {
		id := fmt.Sprintf("weekend-%d", r+1)
		e := func(kind, step string, body any) journal.Event {
			return journal.Event{Plan: storetest.Plan, At: at, Kind: kind, Run: id, Subject: step, Actor: journal.Actor{Via: journal.ViaEngine}, Body: run.Body(body)}
		}
		b := register.Batch{Events: []journal.Event{e(run.RunStarted, "", body)}}
		for _, st := range body.Steps {
			b.Events = append(b.Events, e(run.StepStarted, st.ID, run.Begun{State: run.Running, Attempt: 1}),
				e(run.StepFinished, st.ID, run.Finished{State: run.Done, Attempt: 1, Reason: "exit status 0"}))
		}
		if _, err := s.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	return &adapter{Store: s}
}

// spent is the processor time that this program has used: a machine that has other things to do does not spoil it.
func spent(t testing.TB) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// opening is how long opening a journal takes beside reading its rows, the best of some rounds of each in turn.
func opening(t testing.TB, a *adapter, rounds int) float64 {
	t.Helper()
	head, err := a.Head(t.Context())
	if err != nil || head.Size < 30_000 {
		t.Fatal(head, err)
	}
	best := [2]time.Duration{1 << 62, 1 << 62}
	for range rounds {
		began := spent(t)
		if err := a.Events(t.Context(), 0, func(journal.Event) error { return nil }); err != nil {
			t.Fatal(err)
		}
		best[0] = min(best[0], spent(t)-began)
		began = spent(t)
		if _, err := ledger.Open(t.Context(), storetest.Plan, a, head); err != nil {
			t.Fatal(err)
		}
		best[1] = min(best[1], spent(t)-began)
	}
	return float64(best[1]) / float64(best[0])
}

// BenchmarkOpen prints how long opening a journal of 30,000 events takes beside reading its rows, of which 3 is promised.
func BenchmarkOpen(b *testing.B) {
	a := long(b)
	for b.Loop() {
		figure.AtMost(b, "x-reading", opening(b, a, 7), 3, "opening a journal of 30,000 events beside reading its rows")
	}
}

// TestOpenIsFast holds the figure, with room for a machine that has other things to do.
func TestOpenIsFast(t *testing.T) {
	if slowed {
		t.Skip("looks for races")
	}
	if r := opening(t, long(t), 3); r > 4 {
		t.Errorf("opening a journal takes %.1f times as long as reading its rows", r)
	}
}
