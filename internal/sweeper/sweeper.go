// Package sweeper asks many units: as many at once as the budget allows, never harder on one target than agreed, and records
// every answer of a sweep together with an event that binds them to the journal.
//
// It knows no plan and decides nothing about what the answers mean. A sweep that is cancelled records nothing: half a sweep
// would make what was not asked look older than it is. A Sweeper is safe for concurrent use; its budgets hold across sweeps.
package sweeper

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"skift/checks"
	"skift/internal/register"
)

// Prober asks one unit. An error means a bug of ours or a cancelled context, never that the target fails.
type Prober interface {
	Run(ctx context.Context, ask checks.Ask) (checks.Result, error)
}

// Record keeps the answers of a sweep and the event about them, all or nothing.
type Record func(ctx context.Context, results []checks.Result, swept register.Swept) error

// Budget is how hard targets are asked.
type Budget struct {
	Parallel int           // connections to one address at once
	Total    int           // connections at once
	SSHGap   time.Duration // between unauthenticated SSH handshakes with one address
}

// Sweeper runs sweeps. Make it with New.
type Sweeper struct {
	prober Prober
	record Record
	budget Budget
	total  chan struct{}

	mu      sync.Mutex
	targets map[string]*target
}

// target is one address and what it is asked at present.
type target struct {
	slots   chan struct{}
	ssh     chan struct{} // held from waiting for an unauthenticated SSH handshake until it begins
	nextSSH time.Time     // before this there is none; of whoever holds ssh
}

// New makes a sweeper; a budget below one is read as one.
func New(p Prober, b Budget, record Record) *Sweeper {
	b.Parallel, b.Total = max(b.Parallel, 1), max(b.Total, 1)
	return &Sweeper{prober: p, record: record, budget: b, total: make(chan struct{}, b.Total), targets: map[string]*target{}}
}

// Job is one sweep.
type Job struct {
	Suite       string // "" = checks asked by name
	Environment string
	Cause       string
	Asks        []checks.Ask
	Skipped     []checks.Result // units that may not be asked, recorded as such
}

// Sweep asks everything of a job and records it. Results come in the order of the job, the skipped last.
func (s *Sweeper) Sweep(ctx context.Context, job Job) ([]checks.Result, error) {
	results := make([]checks.Result, len(job.Asks))
	errs := make([]error, len(job.Asks))
	var wg sync.WaitGroup
	for i, ask := range job.Asks {
		wg.Go(func() { results[i], errs[i] = s.one(ctx, ask) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("ask %s: %w", job.Asks[i].Unit, err)
		}
	}
	results = append(results, job.Skipped...)
	if len(results) == 0 {
		return nil, nil
	}
	return results, s.record(ctx, results, digest(job, results))
}

// one asks one unit when the budgets allow. The target's place is taken first and the shared one last, so that a slow or
// rationed target holds up nobody but itself. A panic in a probe is an error of ours about this unit, not the end of the process.
func (s *Sweeper) one(ctx context.Context, ask checks.Ask) (r checks.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("probe panicked: %v", p)
		}
	}()
	t := s.target(ask.Unit.Addr)
	if err := take(ctx, t.slots); err != nil {
		return r, err
	}
	defer func() { <-t.slots }()
	if err := s.admit(ctx, t, s.sshGap(ask)); err != nil {
		return r, err
	}
	defer func() { <-s.total }()
	return s.prober.Run(ctx, ask)
}

// admit takes a place in the shared budget, not before gap has passed since the last that needed one.
func (s *Sweeper) admit(ctx context.Context, t *target, gap time.Duration) error {
	if gap == 0 {
		return take(ctx, s.total)
	}
	if err := take(ctx, t.ssh); err != nil {
		return err
	}
	defer func() { <-t.ssh }()
	timer := time.NewTimer(time.Until(t.nextSSH))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := take(ctx, s.total); err != nil {
		return err
	}
	t.nextSSH = time.Now().Add(gap)
	return nil
}

func take(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Sweeper) target(addr string) *target {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.targets[addr]
	if t == nil {
		t = &target{slots: make(chan struct{}, s.budget.Parallel), ssh: make(chan struct{}, 1)}
		s.targets[addr] = t
	}
	return t
}

// sshGap is the distance to keep when the unit ends an SSH handshake without logging in: servers count those as attacks
// and lock out the whole address, and with it the integration that shares it.
func (s *Sweeper) sshGap(ask checks.Ask) time.Duration {
	switch o := ask.Spec.Options.(type) {
	case checks.SFTPOptions:
		if !o.Level.AtLeast(checks.LevelAuth) {
			return s.budget.SSHGap
		}
	case checks.ReachOptions:
		if o.Proof == checks.ProofSSH {
			return s.budget.SSHGap
		}
	}
	return 0
}

// digest sums up a sweep for the journal: who holds the event can prove what was seen.
func digest(job Job, results []checks.Result) register.Swept {
	sw := register.Swept{Suite: job.Suite, Environment: job.Environment, Cause: job.Cause, Units: len(results), Verdicts: map[string]int{}}
	lines := make([]string, 0, len(results))
	for _, r := range results {
		sw.Verdicts[string(r.Verdict)]++
		line, err := json.Marshal([]any{r.Unit.Key(), r.Verdict, r.Code, r.Facts})
		if err != nil {
			panic("sweeper: result without a JSON form: " + err.Error())
		}
		lines = append(lines, string(line))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	sw.Digest = hex.EncodeToString(sum[:])
	return sw
}
