package sweeper_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"skift/checks"
	"skift/internal/figure"
	"skift/internal/storetest"
	"skift/internal/sweeper"
)

// slowed tells that this program looks for races: what is ours is then slowed several times more than what the library does, and no ratio
// means anything. `make test` runs this package without it as well.
var slowed bool

func since(fn func()) time.Duration {
	began := time.Now()
	fn()
	return time.Since(began)
}

// sweepAll sweeps and demands that every answer is as given.
func sweepAll(tb testing.TB, s *sweeper.Sweeper, asks []checks.Ask) {
	tb.Helper()
	results, err := s.Sweep(tb.Context(), sweeper.Job{Suite: "s", Environment: "prod", Cause: "bench", Asks: asks})
	if err != nil {
		tb.Fatal(err)
	}
	for _, r := range results {
		if r.Verdict != checks.Pass {
			tb.Fatalf("%s: %s %s %s", r.Unit, r.Verdict, r.Code, r.Evidence.Err)
		}
	}
}

// beside is how a sweep that stores compares with the bare loop.
type beside struct {
	clock, processor float64 // how fast it is against the loop: by the clock, and by the processor time of both, which others on the machine do not spoil
	perSecond        float64
}

// sweepRatio compares a sweep that stores with the bare loop: the medians over rounds, each of both one after the other, now this
// first and now that. The loop verifies each chain as many times as told. A sweep does it once for trust now, and reads from the dates of the
// chain it found that it holds at the plan's moment.
func sweepRatio(tb testing.TB, targets, rounds, verifications int) beside {
	f := newFarm(tb, targets)
	s, asks := newSweep(storetest.New(tb)), f.asks(targets)
	var clock, processor, took []float64
	for round := range rounds + 1 {
		for i := range asks {
			asks[i].At = asks[i].At.Add(time.Second)
		}
		var ours, bare, oursSpent, bareSpent time.Duration
		turns := []func(){
			func() { oursSpent = spent(tb, func() { ours = since(func() { sweepAll(tb, s, asks) }) }) },
			func() { bareSpent = spent(tb, func() { bare = since(func() { f.bare(tb, asks, verifications) }) }) },
		}
		turns[round%2]()
		turns[1-round%2]()
		if round > 0 { // the first warms up both
			clock, processor = append(clock, float64(bare)/float64(ours)), append(processor, float64(bareSpent)/float64(oursSpent))
			took = append(took, ours.Seconds())
		}
	}
	return beside{figure.Median(clock), figure.Median(processor), float64(targets) / figure.Median(took)}
}

// spent is the processor time that this program uses for fn, servers and all.
func spent(tb testing.TB, fn func()) time.Duration {
	used := func() time.Duration {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			tb.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	began := used()
	fn()
	return used() - began
}

// BenchmarkTLSSweep reports how fast a stored TLS sweep is against a bare loop that shakes hands and verifies as often; a different
// certificate per target, 64 in flight. Beside it stands the ratio to a loop that verifies anew for each of the two instants that a sweep
// answers about.
func BenchmarkTLSSweep(b *testing.B) {
	for b.Loop() {
		r := sweepRatio(b, 500, 15, 1)
		figure.AtLeast(b, "x-bare", r.clock, 0.85, "a stored sweep of 500 TLS servers, 64 in flight, beside a bare loop that handshakes and verifies as often")
		figure.Told(b, "x-bare-processor", r.processor, "the same in processor time")
		b.ReportMetric(r.perSecond, "units/s")
		r = sweepRatio(b, 500, 9, 2)
		figure.Told(b, "x-bare-per-instant", r.clock, "beside a loop that verifies anew for each of the two instants")
	}
}

// TestTLSSweepIsFast holds the promise with room for a busy host.
func TestTLSSweepIsFast(t *testing.T) {
	if slowed {
		t.Skip("looks for races")
	}
	if r := sweepRatio(t, 200, 7, 1); r.processor < 0.7 {
		t.Errorf("a sweep is %.2f times as fast as a bare loop", r.processor)
	}
}

// blackHoled is how much longer a sweep takes for targets that swallow everything beside live ones, in time-outs of theirs.
func blackHoled(tb testing.TB, targets int, timeout time.Duration) float64 {
	f := newFarm(tb, targets)
	dead := blackHole(tb)
	s := newSweep(storetest.New(tb))
	live := f.asks(targets * 7 / 10)
	both := append(slices.Clone(live), farmAsks(targets*3/10, dead, f.root, timeout)...)
	// The black holes come first, and among the others.
	slices.Reverse(both)
	sweepAll(tb, s, live)
	alone := since(func() { sweepAll(tb, s, live) })
	var err error
	var results []checks.Result
	beside := since(func() { results, err = s.Sweep(tb.Context(), sweeper.Job{Asks: both}) })
	if err != nil {
		tb.Fatal(err)
	}
	codes := map[checks.Code]int{}
	for _, r := range results {
		codes[r.Code]++
	}
	if codes[checks.OK] != len(live) || codes[checks.FilteredDrop] != len(both)-len(live) {
		tb.Fatalf("%v", codes)
	}
	return float64(beside-alone) / float64(timeout)
}

// BenchmarkBlackHoles reports what 30 % of targets that swallow everything cost beside the live ones, in their time-outs. At most 1 is
// promised, and what starting them takes.
func BenchmarkBlackHoles(b *testing.B) {
	for b.Loop() {
		figure.AtMost(b, "timeouts", blackHoled(b, 300, 4*time.Second), 1.1, "30 % of targets that swallow everything, beside the live ones, in their time-outs")
	}
}

func TestBlackHolesCostTheirTimeout(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a time-out")
	}
	if cost := blackHoled(t, 200, 2*time.Second); cost > 1.6 {
		t.Errorf("they cost %.2f of their time-outs", cost)
	}
}

// errEnough ends a sweep in its middle.
var errEnough = errors.New("enough")

// TestCancelledLeavesNothing: neither goroutine nor socket, whatever the units were doing.
func TestCancelledLeavesNothing(t *testing.T) {
	f := newFarm(t, 100)
	dead := blackHole(t)
	st := storetest.New(t)
	s := newSweep(st)
	sweepAll(t, s, f.asks(20))
	before, fds := goleak.IgnoreCurrent(), openFiles(t)
	for round := range 5 {
		ctx, cancel := context.WithCancelCause(t.Context())
		job := sweeper.Job{Asks: append(farmAsks(50, dead, f.root, 10*time.Second), f.asks(100)...), Progress: func(done, _ int) {
			if done == 10*round+1 {
				cancel(errEnough)
			}
		}}
		if _, err := s.Sweep(ctx, job); !errors.Is(err, errEnough) {
			t.Fatal(err)
		}
	}
	// The servers see the end of their connections a moment after the client has closed them.
	for deadline := time.Now().Add(10 * time.Second); openFiles(t) > fds && time.Now().Before(deadline); <-time.After(time.Millisecond) {
	}
	if now := openFiles(t); now > fds {
		t.Errorf("%d files and sockets are open, %d before", now, fds)
	}
	goleak.VerifyNone(t, before)
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(entries)
}

// child is what the process that is measured is told.
type child struct {
	Units int    `json:"units"`
	Port  int    `json:"port"`
	Root  []byte `json:"root"`
}

const childEnv = "SKIFT_SWEEP_CHILD"

// resident is the most memory a process of its own held that sweeps and stores units at different addresses, in MB.
func resident(tb testing.TB, units int) int {
	f := newFarm(tb, units)
	say, err := json.Marshal(child{units, f.port, f.root})
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(tb.Context(), os.Args[0], "-test.run", "^TestSweepInAChild$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+string(say))
	out, err := cmd.CombinedOutput()
	if err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
	_, after, ok := strings.Cut(string(out), "resident ")
	kb, err := strconv.Atoi(strings.Fields(after + " x")[0])
	if !ok || err != nil {
		tb.Fatalf("%s", out)
	}
	return kb / 1024
}

// TestSweepInAChild is the process that is measured: two sweeps, stored, and what the process held at most.
func TestSweepInAChild(t *testing.T) {
	var c child
	if os.Getenv(childEnv) == "" {
		t.Skip("started by another test")
	}
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &c); err != nil {
		t.Fatal(err)
	}
	st := storetest.New(t)
	s, asks := newSweep(st), farmAsks(c.Units, c.Port, c.Root, 10*time.Second)
	for range 2 {
		for i := range asks {
			asks[i].At = asks[i].At.Add(time.Minute)
		}
		sweepAll(t, s, asks)
	}
	rows, err := st.History(t.Context(), "cert", time.Time{})
	if err != nil || len(rows) != c.Units || rows[0].Count != 2 {
		t.Fatalf("%d rows for %d units, %v", len(rows), c.Units, err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	fmt.Println("resident", strings.Fields(after)[0])
}

// BenchmarkResident reports the most memory a process holds that sweeps and stores 10,000 units twice. Less than 200 MB is promised.
func BenchmarkResident(b *testing.B) {
	for b.Loop() {
		figure.AtMost(b, "MB", float64(resident(b, 10_000)), 200, "the memory of a process that sweeps and stores 10,000 units twice, in MB")
	}
}

// TestResident holds a part of the promise on a host with little time.
func TestResident(t *testing.T) {
	if testing.Short() {
		t.Skip("asks thousands of servers")
	}
	if slowed {
		t.Skip("looks for races")
	}
	if mb := resident(t, 1000); mb > 120 {
		t.Errorf("1,000 units take %d MB", mb)
	}
}
