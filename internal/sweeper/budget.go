package sweeper

import (
	"context"
	"sync"
	"time"

	"skift/checks"
)

// Budget is how hard targets are asked.
type Budget struct {
	Parallel int           // connections to one address at once
	Total    int           // connections at once
	Rate     int           // units asked of one address per minute, as many at once as one minute gives; 0 = no bound
	SSHGap   time.Duration // between unauthenticated SSH handshakes with one address
	// Patience is how long a unit keeps its place among Total while it waits for a connection. That costs next to nothing: the place
	// goes to the next, and the unit takes another once it is connected. 0 = it keeps its place.
	Patience time.Duration
}

// slowPerPlace bounds how many units may wait without a place, per place.
const slowPerPlace = 16

// target is one address and what it is asked at present.
type target struct {
	slots   chan struct{}
	ssh     chan struct{} // held from waiting for an unauthenticated SSH handshake until it begins
	nextSSH time.Time     // before this there is none; of whoever holds ssh

	mu   sync.Mutex
	paid time.Time // until when the rate is used up; behind now = nothing is
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

// ration waits until the target's rate allows one more.
func (s *Sweeper) ration(ctx context.Context, t *target, aside func()) error {
	if s.budget.Rate <= 0 {
		return nil
	}
	wait := t.owes(time.Now(), time.Minute/time.Duration(s.budget.Rate))
	if wait > 0 {
		aside()
	}
	return sleep(ctx, wait)
}

// owes takes one place of the rate and says how long to wait before it is used. A minute's places may be used at once.
func (t *target) owes(now time.Time, each time.Duration) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paid.Before(now) {
		t.paid = now
	}
	t.paid = t.paid.Add(each)
	return max(0, t.paid.Sub(now)-time.Minute)
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
	if err := sleep(ctx, time.Until(t.nextSSH)); err != nil {
		return err
	}
	if err := take(ctx, s.total); err != nil {
		return err
	}
	t.nextSSH = time.Now().Add(gap)
	return nil
}

// place is a unit's place in the shared budget. While the unit waits for a connection longer than the budget's patience the place is
// somebody else's.
type place struct {
	s  *Sweeper
	mu sync.Mutex
	in chan struct{} // where a place is held: total or slow
}

// Wait implements dial.Turn.
func (p *place) Wait() (back func(context.Context)) {
	if p.s.budget.Patience <= 0 {
		return func(context.Context) {}
	}
	timer := time.AfterFunc(p.s.budget.Patience, p.giveUp)
	return func(ctx context.Context) {
		timer.Stop()
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.in != p.s.slow {
			return
		}
		if take(ctx, p.s.total) == nil {
			<-p.s.slow
			p.in = p.s.total
		}
	}
}

// giveUp passes the place on, unless too many wait already.
func (p *place) giveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.in != p.s.total {
		return
	}
	select {
	case p.s.slow <- struct{}{}:
		<-p.s.total
		p.in = p.s.slow
	default:
	}
}

// leave gives back what is still held.
func (p *place) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	<-p.in
	p.in = nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func take(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// sshGap is the distance to keep when the unit ends an SSH handshake without logging in: servers count those as attacks
// and lock out the whole address, and with it the integration that shares it.
func (s *Sweeper) sshGap(ask checks.Ask) time.Duration {
	if ask.Spec.Unauthenticated() {
		return s.budget.SSHGap
	}
	return 0
}
