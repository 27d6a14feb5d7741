// Package sweeper asks many units: as many at once as the budget allows, never harder on one target than agreed, and records
// every answer of a sweep together with an event that binds them to the journal.
//
// It knows no plan and decides nothing about what the answers mean. A sweep that is cancelled records nothing: half a sweep
// would make what was not asked look older than it is. A Sweeper is safe for concurrent use; its budgets hold across sweeps.
package sweeper

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"skift/checks"
	"skift/internal/bug"
	"skift/internal/dial"
	"skift/internal/matrix"
	"skift/internal/register"
	"skift/internal/term"
)

// Prober asks one unit. An error means a bug of ours or a cancelled context, never that the target fails.
type Prober interface {
	Run(ctx context.Context, ask checks.Ask) (checks.Result, error)
}

// Record keeps the answers of a sweep and the event about them, all or nothing.
type Record func(ctx context.Context, results []checks.Result, swept register.Swept) error

// Sweeper runs sweeps. It is safe for concurrent use. Make it with New.
type Sweeper struct {
	prober Prober
	record Record
	budget Budget
	total  chan struct{} // places of those that are being asked
	slow   chan struct{} // places of those that only wait for an answer any more

	mu      sync.Mutex
	targets map[string]*target
	flights map[*flight]struct{}
}

// New makes a sweeper; a budget below one is read as one.
func New(p Prober, b Budget, record Record) *Sweeper {
	b.Parallel, b.Total = max(b.Parallel, 1), max(b.Total, 1)
	return &Sweeper{prober: p, record: record, budget: b, total: make(chan struct{}, b.Total), slow: make(chan struct{}, slowPerPlace*b.Total),
		targets: map[string]*target{}, flights: map[*flight]struct{}{}}
}

// Job is one sweep.
type Job struct {
	Suite       string // "" = checks asked by name
	Environment string
	Cause       string
	Asks        []checks.Ask
	Skipped     []checks.Result // units that may not be asked, recorded as such
	// Held reports that a unit must not be asked after all, and what is recorded instead. It is asked of each unit when its turn
	// comes, and again of all under way when [Sweeper.Hold] is called; nil = none is.
	Held     func(checks.Ask) (checks.Result, bool)
	Spared   int                   // units left alone this time, whose last answer stands
	Progress func(done, total int) // told after each answer, from several goroutines and never two at once; nil = nobody
}

// Sweep asks everything of a job and records it. Results come in the order of the job, the skipped last.
func (s *Sweeper) Sweep(ctx context.Context, job Job) ([]checks.Result, error) {
	results := make([]checks.Result, len(job.Asks))
	errs := make([]error, len(job.Asks))
	seals := make([][sha256.Size]byte, len(job.Asks))
	told := progress{tell: job.Progress, total: len(job.Asks)}
	s.each(ctx, len(job.Asks), func(i int, aside func()) {
		err := bug.Caught(func() error {
			results[i], errs[i] = s.unit(ctx, job.Asks[i], job.Held, aside)
			return nil
		})
		if err != nil {
			results[i], errs[i] = fault(job.Asks[i], err), err
		}
		seals[i] = sealed(&results[i])
		told.answered()
	})
	if ctx.Err() != nil {
		return nil, cancelled(ctx, errs)
	}
	results = append(results, job.Skipped...)
	if len(results) == 0 {
		return nil, nil
	}
	return results, s.record(ctx, results, digest(job, results, seals))
}

// each does n units and waits for them. Those that wait for a shared place are few at a time: ten thousand units must not be as many
// goroutines. Those that wait for their own target step aside. Who is done with one unit takes the next: a new goroutine would first
// have to grow the stack that a handshake needs.
func (s *Sweeper) each(ctx context.Context, n int, do func(i int, aside func())) {
	next, idle := make(chan struct{}, s.budget.Total), make(chan int)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(idle)
	for i := range n {
		if take(ctx, next) != nil {
			return
		}
		select {
		case idle <- i:
			continue
		default:
		}
		wg.Go(func() {
			for ok := true; ok; i, ok = <-idle {
				aside := sync.OnceFunc(func() { <-next })
				do(i, aside)
				aside()
			}
		})
	}
}

// progress counts answers and tells of each.
type progress struct {
	tell        func(done, total int)
	mu          sync.Mutex
	done, total int
}

func (p *progress) answered() {
	if p.tell == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.tell(p.done, p.total)
}

// cancelled is the cause, with whatever a unit has to tell beyond it, such as a file of ours that stays behind.
func cancelled(ctx context.Context, errs []error) error {
	cause := context.Cause(ctx)
	var more []error
	for _, err := range errs {
		if errors.Is(err, cause) && err != cause { // exactly the cause tells nothing more
			more = append(more, err)
		}
	}
	if len(more) == 0 {
		return cause
	}
	return errors.Join(more...)
}

// unit is the result of one unit, whatever happens to it: it may be held, and a bug of ours is an error about this unit alone. The
// error is what kept it from being asked; it means something only when the sweep was cancelled.
func (s *Sweeper) unit(ctx context.Context, ask checks.Ask, held func(checks.Ask) (checks.Result, bool), aside func()) (checks.Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f := &flight{ask: ask, held: held, cancel: cancel}
	defer s.depart(f)()
	if r, ok := f.holds(); ok {
		return r, nil
	}
	r, err := s.one(ctx, ask, aside)
	if err == nil {
		return r, nil
	}
	if r, ok := f.holds(); ok {
		if err != errHeld { // something stays behind, or could not be closed
			r.Evidence.Err = clip(term.Line(err.Error()))
		}
		return r, err
	}
	return fault(ask, err), err
}

// fault is the result of a unit that a bug of ours kept from being asked.
func fault(ask checks.Ask, err error) checks.Result {
	r := checks.Result{Unit: ask.Unit, Outcome: checks.Error, Verdict: checks.Error, Code: checks.Internal, Want: ask.Want, Facts: map[string]string{},
		Evidence: checks.Evidence{Err: clip(term.Line(err.Error()))}, StartedAt: ask.At, ConfigHash: ask.Hash()}
	if r.StartedAt.IsZero() {
		r.StartedAt = time.Now()
	}
	if r.Want == "" {
		r.Want = checks.Allow
	}
	r.ValidUntil = r.StartedAt.Add(matrix.MaxAge(ask.Spec))
	return r
}

// clip bounds what is kept of the text of a bug.
func clip(text string) string {
	const longest = 300
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

// one asks one unit when the budgets allow. The target's place is taken first and the shared one last, so that a slow or
// rationed target holds up nobody but itself; aside is called once it waits for its target alone, or is being asked.
func (s *Sweeper) one(ctx context.Context, ask checks.Ask, aside func()) (r checks.Result, err error) {
	t := s.target(ask.Unit.Addr)
	select {
	case t.slots <- struct{}{}:
	default:
		aside()
		if err := take(ctx, t.slots); err != nil {
			return r, err
		}
	}
	defer func() { <-t.slots }()
	if err := s.ration(ctx, t, aside); err != nil {
		return r, err
	}
	gap := s.sshGap(ask)
	if gap > 0 {
		aside()
	}
	if err := s.admit(ctx, t, gap); err != nil {
		return r, err
	}
	p := &place{s: s, in: s.total}
	defer p.leave()
	aside()
	return s.prober.Run(dial.WithTurn(ctx, p), ask)
}

// sealed is the hash of what a result says: unit, verdict, code and facts. It is made where the result is, so that many are made at once.
func sealed(r *checks.Result) [sha256.Size]byte {
	line, err := json.Marshal([]any{r.Unit.Key(), r.Verdict, r.Code, r.Facts})
	if err != nil {
		panic("sweeper: result without a JSON form: " + err.Error())
	}
	return sha256.Sum256(line)
}

// digest sums up a sweep for the journal: who holds the event can prove what was seen. seals are those of the results that were asked.
func digest(job Job, results []checks.Result, seals [][sha256.Size]byte) register.Swept {
	sw := register.Swept{Suite: job.Suite, Environment: job.Environment, Cause: job.Cause, Units: len(results), Spared: job.Spared, Verdicts: map[string]int{}}
	for i := range results {
		sw.Verdicts[string(results[i].Verdict)]++
		if i >= len(seals) {
			seals = append(seals, sealed(&results[i]))
		}
	}
	slices.SortFunc(seals, func(a, b [sha256.Size]byte) int { return bytes.Compare(a[:], b[:]) })
	sum := sha256.New()
	for _, seal := range seals {
		sum.Write(seal[:])
	}
	sw.Digest = hex.EncodeToString(sum.Sum(nil))
	return sw
}
