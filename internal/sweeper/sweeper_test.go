package sweeper_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"skift/checks"
	"skift/internal/dial"
	"skift/internal/register"
	"skift/internal/sweeper"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// prober answers after a while and notes how many it was asked at once.
type prober struct {
	mu      sync.Mutex
	takes   time.Duration
	now     map[string]int // address → asked at present
	most    map[string]int
	total   int
	peak    int
	startAt map[string][]time.Time
	fail    func(checks.Ask) error
}

func newProber(takes time.Duration) *prober {
	return &prober{takes: takes, now: map[string]int{}, most: map[string]int{}, startAt: map[string][]time.Time{}}
}

func (p *prober) Run(ctx context.Context, ask checks.Ask) (checks.Result, error) {
	addr := ask.Unit.Addr
	p.mu.Lock()
	p.now[addr]++
	p.total++
	p.most[addr], p.peak = max(p.most[addr], p.now[addr]), max(p.peak, p.total)
	p.startAt[addr] = append(p.startAt[addr], time.Now())
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.now[addr]--
		p.total--
	}()
	if p.fail != nil {
		if err := p.fail(ask); err != nil {
			return checks.Result{}, err
		}
	}
	defer dial.Waiting(ctx)()
	select {
	case <-time.After(p.takes):
	case <-ctx.Done():
		return checks.Result{}, context.Cause(ctx)
	}
	return checks.Result{Unit: ask.Unit, Verdict: checks.Pass, Code: checks.OK, Facts: map[string]string{"serial": ask.Unit.Addr}}, nil
}

// ledger notes what is recorded.
type ledger struct {
	mu    sync.Mutex
	swept []register.Swept
	kept  int
	fail  error
}

func (l *ledger) record(_ context.Context, results []checks.Result, s register.Swept) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.swept = append(l.swept, s)
	l.kept += len(results)
	return l.fail
}

var (
	tls  = &checks.Spec{ID: "cert", Kind: "tls", Options: checks.TLSOptions{}}
	host = &checks.Spec{ID: "host", Kind: "sftp", Options: checks.SFTPOptions{Level: checks.LevelHostKey}}
	list = &checks.Spec{ID: "list", Kind: "sftp", Options: checks.SFTPOptions{Level: checks.LevelList}}
	ssh  = &checks.Spec{ID: "ssh", Kind: "reach", Options: checks.ReachOptions{Proof: checks.ProofSSH}}
)

// asks makes n units of a check at each of some addresses.
func asks(spec *checks.Spec, n int, addrs ...string) (out []checks.Ask) {
	for _, addr := range addrs {
		for i := range n {
			out = append(out, checks.Ask{Spec: spec, Unit: checks.Unit{Check: spec.ID, Side: checks.New, Addr: addr, Vantage: "local", Flow: fmt.Sprint("f", i)}})
		}
	}
	return out
}

const a, b = "203.0.113.10:443", "203.0.113.11:443"

func TestBudgets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		budget        sweeper.Budget
		asks          []checks.Ask
		perTarget     int
		total         int
		took          time.Duration
		startsApartBy time.Duration
	}{
		{"one at a time", sweeper.Budget{}, asks(tls, 3, a, b), 1, 1, 6 * time.Second, 0},
		{"two per target", sweeper.Budget{Parallel: 2, Total: 64}, asks(tls, 4, a, b), 2, 4, 2 * time.Second, 0},
		{"three in all", sweeper.Budget{Parallel: 2, Total: 3}, asks(tls, 3, a, b), 2, 3, 2 * time.Second, 0},
		{"the gap of host keys", sweeper.Budget{Parallel: 4, Total: 64, SSHGap: 10 * time.Second}, asks(host, 4, a), 1, 1, 31 * time.Second, 10 * time.Second},
		{"the gap of proofs", sweeper.Budget{Parallel: 4, Total: 64, SSHGap: 10 * time.Second}, asks(ssh, 2, a), 1, 1, 11 * time.Second, 10 * time.Second},
		{"no gap for logins", sweeper.Budget{Parallel: 4, Total: 64, SSHGap: 10 * time.Second}, asks(list, 4, a), 4, 4, time.Second, 0},
		{"a gap for each target", sweeper.Budget{Parallel: 4, Total: 64, SSHGap: 10 * time.Second}, asks(host, 2, a, b), 1, 2, 11 * time.Second, 10 * time.Second},
		{"the gap behind a full budget", sweeper.Budget{Parallel: 4, Total: 1, SSHGap: 100 * time.Millisecond}, append(asks(tls, 1, b), asks(host, 3, a)...), 1, 1, 4 * time.Second, 100 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, l := newProber(time.Second), &ledger{}
				began := time.Now()
				results, err := sweeper.New(p, c.budget, l.record).Sweep(t.Context(), sweeper.Job{Suite: "s", Asks: c.asks})
				if err != nil || len(results) != len(c.asks) || l.kept != len(c.asks) || len(l.swept) != 1 {
					t.Fatalf("%d results, %d kept, %v", len(results), l.kept, err)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				if p.most[a] > c.perTarget || p.most[b] > c.perTarget || p.peak > c.total {
					t.Errorf("asked at once: %v, in all %d", p.most, p.peak)
				}
				for addr, starts := range p.startAt {
					for i := range starts {
						if i > 0 && starts[i].Sub(starts[i-1]) < c.startsApartBy {
							t.Errorf("%s was asked again after %v", addr, starts[i].Sub(starts[i-1]))
						}
					}
				}
				for i, r := range results {
					if r.Unit != c.asks[i].Unit {
						t.Errorf("result %d is of %s", i, r.Unit)
					}
				}
			})
		})
	}
}

// TestBudgetsHoldAcrossSweeps: two sweeps at once are no harder on a target than one.
func TestBudgetsHoldAcrossSweeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, l := newProber(time.Second), &ledger{}
		s := sweeper.New(p, sweeper.Budget{Parallel: 1, Total: 2}, l.record)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if _, err := s.Sweep(t.Context(), sweeper.Job{Asks: asks(tls, 2, a)}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if p.most[a] != 1 || l.kept != 6 {
			t.Errorf("%d at once, %d kept", p.most[a], l.kept)
		}
	})
}

// TestCancelled: half a sweep is none, and nothing of it goes on.
func TestCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, l := newProber(time.Second), &ledger{}
		why := errors.New("stopping")
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			time.Sleep(2500 * time.Millisecond)
			cancel(why)
		}()
		job := sweeper.Job{Asks: append(asks(tls, 4, a), asks(host, 4, b)...)}
		_, err := sweeper.New(p, sweeper.Budget{SSHGap: time.Hour, Total: 2}, l.record).Sweep(ctx, job)
		if !errors.Is(err, why) || len(l.swept) != 0 {
			t.Errorf("%v, recorded %v", err, l.swept)
		}
		if p.total != 0 {
			t.Errorf("%d are still asked", p.total)
		}
	})
}

func TestOurOwnFaults(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(checks.Ask) error{
		"an error": func(ask checks.Ask) error {
			if ask.Unit.Flow == "f1" {
				return errors.New("our bug")
			}
			return nil
		},
		"a panic": func(ask checks.Ask) error {
			if ask.Unit.Flow == "f1" {
				panic("our bug")
			}
			return nil
		},
		"a panic of who holds": func(ask checks.Ask) error {
			if ask.Unit.Flow == "f1" {
				panic("our bug")
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, l := newProber(time.Second), &ledger{}
				job := sweeper.Job{Asks: asks(tls, 3, a)}
				if name == "a panic of who holds" {
					job.Held = func(ask checks.Ask) (checks.Result, bool) { return checks.Result{}, fail(ask) != nil }
				} else {
					p.fail = fail
				}
				s := sweeper.New(p, sweeper.Budget{}, l.record)
				results, err := s.Sweep(t.Context(), job)
				if err != nil || len(results) != 3 || l.kept != 3 || len(l.swept) != 1 {
					t.Fatalf("%v, %d results, recorded %v", err, len(results), l.swept)
				}
				for i, r := range results {
					switch {
					case i != 1 && r.Verdict != checks.Pass:
						t.Errorf("the bug spoils %s: %+v", r.Unit, r)
					case i == 1 && (r.Verdict != checks.Error || r.Outcome != checks.Error || r.Code != checks.Internal || !strings.Contains(r.Evidence.Err, "our bug") ||
						r.Unit.Flow != "f1" || r.ConfigHash == "" || !r.ValidUntil.After(r.StartedAt) || r.StartedAt.IsZero()):
						t.Errorf("%+v", r)
					}
				}
				p.fail = nil
				if _, err := s.Sweep(t.Context(), sweeper.Job{Asks: asks(tls, 3, a)}); err != nil {
					t.Errorf("the places it held are lost: %v", err)
				}
			})
		})
	}
}

func TestNotRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{fail: errors.New("disk")}
		if _, err := sweeper.New(newProber(0), sweeper.Budget{}, l.record).Sweep(t.Context(), sweeper.Job{Asks: asks(tls, 1, a)}); !errors.Is(err, l.fail) {
			t.Errorf("%v", err)
		}
		if _, err := sweeper.New(newProber(0), sweeper.Budget{}, l.record).Sweep(t.Context(), sweeper.Job{}); err != nil || len(l.swept) != 1 {
			t.Errorf("a sweep of nothing: %v, %d", err, len(l.swept))
		}
	})
}

// TestDigest: it depends on what was seen, not on the order, and changes with any of it.
func TestDigest(t *testing.T) {
	t.Parallel()
	results := []checks.Result{}
	for i := range 5 {
		results = append(results, checks.Result{Unit: checks.Unit{Check: "c", Side: checks.New, Addr: a, Vantage: "local", Flow: fmt.Sprint(i)},
			Verdict: checks.Pass, Code: checks.OK, Facts: map[string]string{"x": "1", "y": "2", "z": "3"}})
	}
	sweep := func(rs []checks.Result) register.Swept {
		l := &ledger{}
		if _, err := sweeper.New(newProber(0), sweeper.Budget{}, l.record).Sweep(t.Context(), sweeper.Job{Suite: "s", Environment: "prod", Cause: "test", Skipped: rs}); err != nil {
			t.Fatal(err)
		}
		return l.swept[0]
	}
	first := sweep(results)
	want := register.Swept{Suite: "s", Environment: "prod", Cause: "test", Units: 5, Verdicts: map[string]int{"pass": 5}, Digest: first.Digest}
	if d := cmp.Diff(want, first); d != "" || len(first.Digest) != 64 {
		t.Errorf("(-want +got):\n%s", d)
	}
	for seed := range uint64(10) {
		again := append([]checks.Result(nil), results...)
		rand.New(rand.NewPCG(seed, 1)).Shuffle(5, func(i, j int) { again[i], again[j] = again[j], again[i] })
		if sweep(again).Digest != first.Digest {
			t.Fatal("the order counts")
		}
	}
	for name, change := range map[string]func(*checks.Result){
		"unit":    func(r *checks.Result) { r.Unit.Side = checks.Old },
		"verdict": func(r *checks.Result) { r.Verdict = checks.Fail },
		"code":    func(r *checks.Result) { r.Code = checks.Refused },
		"fact":    func(r *checks.Result) { r.Facts = map[string]string{"x": "1", "y": "2", "z": "4"} },
	} {
		other := append([]checks.Result(nil), results...)
		change(&other[3])
		if sweep(other).Digest == first.Digest {
			t.Errorf("another %s, the same digest", name)
		}
	}
}
