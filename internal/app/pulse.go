package app

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"skift/internal/health"
)

// pulse is what the loops of this process were last heard of. The zero value is ready.
type pulse struct {
	asked singleflight.Group // looks whose answer several wait for

	mu        sync.Mutex
	state     health.State
	since     time.Time // of the state
	scheduler time.Time
	outbox    time.Time
	sweeps    map[*sweepPulse]bool // under way
	sums      map[string]*health.SweepSum
	head      string // as it was when it last could be asked

	figures   health.Figures
	figuredAt time.Time
}

// enters notes where the process is in its life.
func (p *pulse) enters(s health.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state, p.since = s, time.Now()
}

// serves notes that the loops begin; those that do not run have no pulse to be missed.
func (p *pulse) serves(scheduler, outbox bool) {
	p.enters(health.Serving)
	if scheduler {
		p.looked(&p.scheduler)
	}
	if outbox {
		p.looked(&p.outbox)
	}
}

// looked notes that a loop looked at what there is to do. at is the loop's own field.
func (p *pulse) looked(at *time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*at = time.Now()
}

// rests notes that the outbox looked at its queue, and until when it will not look again.
func (p *pulse) rests(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outbox = time.Now()
	if until.After(p.outbox) {
		p.outbox = p.outbox.Add(until.Sub(p.outbox)) // by the steady clock
	}
}

// sweeping reports whether a suite is being asked.
func (p *pulse) sweeping(suite string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := range p.sweeps {
		if s.suite == suite {
			return true
		}
	}
	return false
}

// sweepPulse is one sweep under way.
type sweepPulse struct {
	of      *pulse
	suite   string
	began   time.Time
	at      time.Time // when it got its last answer
	units   int
	answers int
}

// otherSweeps stands for the sweeps that are of no suite.
const otherSweeps = "other"

// sweep notes that a sweep begins.
func (p *pulse) sweep(suite string, units int) *sweepPulse {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	s := &sweepPulse{of: p, suite: cmp.Or(suite, otherSweeps), began: now, at: now, units: units}
	if p.sweeps == nil {
		p.sweeps, p.sums = map[*sweepPulse]bool{}, map[string]*health.SweepSum{}
	}
	p.sweeps[s] = true
	return s
}

// progress notes each answer and hands it on.
func (s *sweepPulse) progress(next func(done, total int)) func(done, total int) {
	return func(done, total int) {
		s.of.mu.Lock()
		s.answers, s.at = done, time.Now()
		s.of.mu.Unlock()
		if next != nil {
			next(done, total)
		}
	}
}

// ended notes how a sweep ended. One that was broken off is none.
func (s *sweepPulse) ended(ctx context.Context, err error) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	delete(s.of.sweeps, s)
	if ctx.Err() != nil && err != nil {
		return
	}
	sum := s.of.sums[s.suite]
	if sum == nil {
		sum = &health.SweepSum{Suite: s.suite}
		s.of.sums[s.suite] = sum
	}
	if err != nil {
		sum.Failed++
		return
	}
	sum.Done++
	sum.Last, sum.Units = time.Since(s.began), s.units
	sum.Took += sum.Last
}

// seen is what the loops were last heard of.
func (p *pulse) seen(gap time.Duration) (s health.Seen, state health.State, since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == health.Serving { // a process that stops has loops that have ended already
		s.SchedulerAt, s.OutboxAt = p.scheduler, p.outbox
	}
	for sweep := range p.sweeps {
		if s.Sweep.At.IsZero() || sweep.at.Before(s.Sweep.At) {
			s.Sweep = health.Advance{Suite: sweep.suite, At: sweep.at, Gap: gap}
		}
	}
	return s, p.state, p.since
}

// swept are the sweeps of this process, by suite, and what is under way.
func (p *pulse) swept() (sums []health.SweepSum, inFlight, unasked int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sums {
		sums = append(sums, *s)
	}
	slices.SortFunc(sums, func(a, b health.SweepSum) int { return cmp.Compare(a.Suite, b.Suite) })
	for s := range p.sweeps {
		inFlight, unasked = inFlight+1, unasked+s.units-s.answers
	}
	return sums, inFlight, unasked
}
