package runner_test

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"skift/internal/figure"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/run"
	"skift/internal/runner"
)

// bench is a runner over a ledger in memory, whose effects nobody does.
type bench struct {
	store  *runner.Memory
	ledger *ledger.Ledger
	r      *runner.Runner
}

func newBench(t testing.TB, p *plan.Plan, cal runner.Calendar, events []journal.Event) *bench {
	t.Helper()
	m := &runner.Memory{Kept: events}
	l, err := ledger.Open(t.Context(), p.ID, m, journal.Head{Plan: p.ID, Size: int64(len(events))})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{store: m, ledger: l}
	b.r = runner.New(runner.Config{Plan: p, Ledger: l, Actions: &actions{}, Sweeper: &sweeper{}, Calendar: cal, Reports: &reports{}, Files: &drawer{}, Launches: &launches{},
		Revisions: shelf{p.Hash: p}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Person: func(p *plan.Plan, seat string, at time.Time) string { return p.Roster.At(seat, at).Person() }})
	return b
}

// BenchmarkChain settles chains of steps in memory: ten times as long a chain costs about ten times as much.
func BenchmarkChain(b *testing.B) {
	short, long := chainOf(b, 1000), chainOf(b, 10_000)
	for b.Loop() {
		var few, many []time.Duration
		for range 5 {
			began := time.Now()
			chain(b, short, 1000)
			few = append(few, time.Since(began))
		}
		for range 3 {
			began := time.Now()
			chain(b, long, 10_000)
			many = append(many, time.Since(began))
		}
		figure.Told(b, "x-shorter", float64(figure.Median(many))/float64(figure.Median(few)), "deciding a chain of 10,000 steps in memory beside one of 1,000")
	}
}

// TestLongChain: what is kept of a run's progress brings a long one to its end.
func TestLongChain(t *testing.T) {
	t.Parallel()
	chain(t, chainOf(t, 300), 300)
}

// chainOf is a plan with n steps, each after the one before.
func chainOf(t testing.TB, n int) *plan.Plan {
	t.Helper()
	var text strings.Builder
	for i := range n {
		needs := ""
		if i > 0 {
			needs = fmt.Sprintf("needs: [s%d], ", i-1)
		}
		fmt.Fprintf(&text, "  s%d: {%sowner: ibm/operator, command: [./x]}\n", i, needs)
	}
	return load(t, base, map[string]string{"chain": text.String()})
}

// chain brings a run to its end, looking each time at what is due, as the loop does.
func chain(t testing.TB, p *plan.Plan, n int) {
	t.Helper()
	b := newBench(t, p, calendar{}, nil)
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	must(b.r.Recover(t.Context()))
	_, err := b.r.Do(t.Context(), runner.Command{Do: runner.DoStart, Runbook: "chain"})
	must(err)
	for i := range n {
		must(b.r.Settle(t.Context(), "chain-1", fmt.Sprintf("s%d", i), run.Finished{State: run.Done, Attempt: 1}))
		must(b.r.Look(t.Context(), time.Now()))
	}
	b.ledger.Read(func(f *ledger.Facts) {
		if s := f.Runs.Runs["chain-1"].State; s != run.RunDone {
			t.Fatalf("the chain is %s", s)
		}
	})
}
