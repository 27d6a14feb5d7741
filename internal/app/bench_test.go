//go:build unix

package app_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"skift/internal/app"
	"skift/internal/figure"
	"skift/internal/run"
	"skift/internal/runner"
)

// slowed tells that this program looks for races: no ratio means anything then.
var slowed bool

const longPlan = `plan: long
title: Many steps
timezone: UTC
language: en
parties: {customer: {role: customer}, newe: {role: new-supplier}}
seats: {customer/chair: {}, newe/operator: {}}
environments: {prod: {production: true}}
platforms: {new: {name: New, party: newe, networks: [203.0.113.0/24]}}
milestones: {night: {kind: window, from: 2099-01-01, until: 2099-01-02, runbook: many}}
`

// longRun is a plan directory with a runbook of so many steps, each of which runs `true`: one after the other, or all independent.
func longRun(tb testing.TB, steps int, chained bool) string {
	tb.Helper()
	dir := tb.TempDir()
	var text strings.Builder
	text.WriteString("runbook: many\nsteps:\n")
	for i := range steps {
		needs := ""
		if chained && i > 0 {
			needs = fmt.Sprintf("needs: [s%d], ", i-1)
		}
		fmt.Fprintf(&text, "  s%d: {%sowner: newe/operator, command: [\"true\"], change: transition}\n", i, needs)
	}
	if err := os.Mkdir(filepath.Join(dir, "runbooks"), 0o755); err != nil {
		tb.Fatal(err)
	}
	for name, text := range map[string]string{"plan.yaml": longPlan, "runbooks/many.yaml": text.String(), "skift.yaml": "in_flight: 16\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

// whole is how long a run takes from the command that starts it to its end: the engine, the store and the effects as they are.
func whole(tb testing.TB, dir string, steps int) time.Duration {
	tb.Helper()
	a, err := app.Open(tb.Context(), app.Options{PlanDir: dir, DataDir: filepath.Join(tb.TempDir(), "data"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	defer a.Close()
	ctx, cancel := context.WithCancel(tb.Context())
	defer cancel()
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- a.Run(ctx, app.Mode{Ready: func() { close(ready) }}) }()
	<-ready
	began := time.Now()
	r, err := a.Do(ctx, runner.Command{Do: runner.DoStart, Runbook: "many", As: "customer/chair"})
	if err != nil {
		tb.Fatal(err)
	}
	// Adopted and started; of each step its begin, its process and its end; ended. Whoever looks at more than their number takes time.
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for events := int64(2 + 3*steps + 1); a.Head().Size < events; {
		select {
		case <-look.C:
		case err := <-ended:
			tb.Fatal("it ended by itself: ", err)
		}
	}
	took := time.Since(began)
	s, err := a.Snapshot(ctx)
	if err != nil || len(s.Runs) != 1 || s.Runs[0].ID != r.Run || s.Runs[0].State != run.RunDone {
		tb.Fatalf("it is not done, %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		tb.Fatal(err)
	}
	return took
}

// bare is the floor of that: so many times a durable commit of one row of about as many bytes, and a process that runs `true`.
func bare(tb testing.TB, steps int) time.Duration {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(tb.TempDir(), "bare.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE row (n INTEGER PRIMARY KEY, body BLOB)"); err != nil {
		tb.Fatal(err)
	}
	insert, err := db.Prepare("INSERT INTO row (body) VALUES ($1)")
	if err != nil {
		tb.Fatal(err)
	}
	defer insert.Close()
	program, err := exec.LookPath("true")
	if err != nil {
		tb.Fatal(err)
	}
	body := make([]byte, 500)
	began := time.Now()
	for range steps {
		if _, err := insert.Exec(body); err != nil {
			tb.Fatal(err)
		}
		if err := exec.Command(program).Run(); err != nil {
			tb.Fatal(err)
		}
	}
	return time.Since(began)
}

// spent is the processor time of this program and of the processes it waited for: a machine that has other things to do does not spoil it.
func spent(fn func()) time.Duration {
	used := func() (sum time.Duration) {
		for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
			var u syscall.Rusage
			_ = syscall.Getrusage(who, &u)
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
		return sum
	}
	began := used()
	fn()
	return used() - began
}

// TestChainIsFast holds the figure of a chain with room, in processor time.
func TestChainIsFast(t *testing.T) {
	if slowed {
		t.Skip("looks for races")
	}
	const steps = 200
	dir := longRun(t, steps, true)
	best := [2]time.Duration{1 << 62, 1 << 62}
	for range 3 {
		best[0] = min(best[0], spent(func() { bare(t, steps) }))
		best[1] = min(best[1], spent(func() { whole(t, dir, steps) }))
	}
	if ratio := float64(best[1]) / float64(best[0]); ratio > 3 {
		t.Errorf("a chain takes %.2f times the processor time of as many bare commits and processes", ratio)
	}
}

// BenchmarkLongRuns compares runs of many steps with the least they could take, and with each other, in turns.
func BenchmarkLongRuns(b *testing.B) {
	const steps, rounds = 1000, 9
	chain, beside := longRun(b, steps, true), longRun(b, steps, false)
	for b.Loop() {
		var floors, chains, besides, overFloor, overChain []float64
		for range rounds {
			f, c, s := bare(b, steps).Seconds(), whole(b, chain, steps).Seconds(), whole(b, beside, steps).Seconds()
			floors, chains, besides = append(floors, f), append(chains, c), append(besides, s)
			overFloor, overChain = append(overFloor, c/f), append(overChain, s/c)
		}
		figure.AtMost(b, "x-floor", figure.Median(overFloor), 1.5, "a chain of 1,000 commands beside as many bare commits and processes")
		figure.AtMost(b, "x-chain", figure.Median(overChain), 1, "1,000 independent commands with 16 in flight beside the chain")
		b.Logf("one step: %.2f ms bare, %.2f ms in a chain, %.2f ms beside others", figure.Median(floors), figure.Median(chains), figure.Median(besides))
	}
}

// BenchmarkTenTimesAsLong compares a long chain with short ones, half of which run before it and half after it: others use the machine, too.
func BenchmarkTenTimesAsLong(b *testing.B) {
	const steps, rounds, around = 1000, 3, 3
	short, long := longRun(b, steps, true), longRun(b, 10*steps, true)
	for b.Loop() {
		var ratios []float64
		for range rounds {
			var few time.Duration
			for range around {
				few += whole(b, short, steps)
			}
			many := whole(b, long, 10*steps)
			for range around {
				few += whole(b, short, steps)
			}
			ratios = append(ratios, many.Seconds()/(few.Seconds()/(2*around)))
		}
		figure.AtMost(b, "x-shorter", figure.Median(ratios), 11, "a chain of 10,000 commands beside one of 1,000")
	}
}
