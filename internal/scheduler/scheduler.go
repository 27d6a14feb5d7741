// Package scheduler is the loop that finds what is due: it asks the timeline for the schedules of the plan and the slots
// since the last ones, claims each slot once, and hands its work over. A slot's row is the claim: whoever inserts it owns the
// work, and nobody does it again, whatever crashes in between.
//
// What a slot means is the worker's business; which slots there are is timeline's. Missed slots follow the policy of their
// schedule: the newest is worked once or left out, as the plan says, milestones always once; the rest is recorded as missed.
package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"skift/internal/alarm"
	"skift/internal/bug"
	"skift/internal/register"
	"skift/internal/timeline"
)

// Store is where slots are kept. Whoever carries work hands each slot that was claimed, and each job of a batch, to Scheduler.Work.
type Store interface {
	// LastSlot is the newest slot of a schedule that has a row; zero = none.
	LastSlot(ctx context.Context, schedule string) (time.Time, error)
	// Commit writes slots and moves; a slot that has a row already refuses the batch with an error for which Taken is true.
	Commit(ctx context.Context, b register.Batch) error
	Taken(err error) bool
	// Claimed lists slots that were claimed and not finished: their worker is gone when the process has just started.
	Claimed(ctx context.Context) ([]register.Slot, error)
}

// Worker does the work of slots.
type Worker interface {
	// Sweep asks a suite whose slot was claimed.
	Sweep(ctx context.Context, suite string, slot time.Time) error
	// Report queues an audience's report together with the slot.
	Report(ctx context.Context, audience string, slot register.Slot) error
	// Enter begins a milestone together with the slot.
	Enter(ctx context.Context, milestone string, slot register.Slot) error
}

// Present is the plan resolved at an instant, and when it first came into use: nothing before that is due.
type Present struct {
	*timeline.Timeline
	AdoptedAt time.Time
	Added     map[string]time.Time // by the key of a schedule: when a later revision added it; before that it missed nothing
}

// Scheduler drives the schedules of a plan. Make it with New.
type Scheduler struct {
	store   Store
	worker  Worker
	present func(now time.Time) Present
	changed <-chan struct{}
	size    func() int64
	log     *slog.Logger

	mu      sync.Mutex
	busy    map[string]*claim    // schedule → what is under way: suites being asked, which never overlap themselves, and milestones that begin
	retryAt map[string]time.Time // of the loop alone
	asked   map[string]time.Time // of the loop alone: suites whose slots a clock that was ahead has taken → when they were looked at last
}

// Config is what a scheduler needs. Changed wakes the loop when facts have changed; Size tells how many there are, nil = nobody knows.
type Config struct {
	Store   Store
	Worker  Worker
	Present func(now time.Time) Present
	Changed <-chan struct{}
	Size    func() int64
	Log     *slog.Logger
}

// New makes a scheduler.
func New(c Config) *Scheduler {
	return &Scheduler{store: c.Store, worker: c.Worker, present: c.Present, changed: c.Changed, size: c.Size, log: c.Log,
		busy: map[string]*claim{}, retryAt: map[string]time.Time{}, asked: map[string]time.Time{}}
}

// retryAfter is how long after a failed claim it is tried again.
const retryAfter = 5 * time.Second

// Run works until ctx ends. What carries its jobs must run beside it.
func (s *Scheduler) Run(ctx context.Context) error {
	if err := s.abandon(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		looked, size := time.Now(), s.facts()
		s.remind(ctx, looked) // whenever the loop wakes: a lost job is no fact that it could hear of
		next := s.runOnce(ctx, looked)
		alarm.Rest(ctx, next, s.changed, func() bool {
			now := time.Now()
			if size < 0 || size != s.facts() || now.Round(0).Before(looked.Round(0)) { // the clock was set back
				return false
			}
			s.remind(ctx, now)
			return true
		})
	}
	return nil
}

// facts is how many facts there are, -1 when nobody knows.
func (s *Scheduler) facts() int64 {
	if s.size == nil {
		return -1
	}
	return s.size()
}

// runOnce claims and hands over everything due at now, and returns when to look again.
func (s *Scheduler) runOnce(ctx context.Context, now time.Time) time.Time {
	var present Present
	var entries []timeline.Entry
	err := bug.Caught(func() (err error) {
		if present = s.present(now); !present.AdoptedAt.IsZero() {
			entries, err = present.Schedules()
		}
		return err
	})
	var b *bug.Error
	switch {
	case errors.As(err, &b):
		s.log.Error("read schedules", "err", err)
		return now.Add(retryAfter)
	case present.AdoptedAt.IsZero():
		return now.Add(time.Second) // nothing is due before the plan is in use, and until then everything would look missed
	case err != nil:
		s.log.Error("read schedules", "err", err) // the others are worked all the same
	}
	for _, m := range present.Entering() {
		s.attempt(ctx, timeline.MilestoneKey+m.ID, now, func() error { return s.enter(ctx, m, now) })
	}
	next := now.Add(alarm.Look)
	if turns := present.Turns(); !turns.IsZero() {
		next = sooner(next, turns)
	}
	for _, e := range entries {
		if e.Key != timeline.MilestoneKey+e.ID {
			s.attempt(ctx, e.Key, now, func() error { return s.entry(ctx, present, e, now) })
		}
		if at := s.retryAt[e.Key]; now.Before(at) {
			next = sooner(next, at)
		} else if at := e.Next(now); !at.IsZero() {
			next = sooner(next, at)
		}
	}
	return next
}

// attempt does something now, unless it failed a moment ago.
func (s *Scheduler) attempt(ctx context.Context, key string, now time.Time, do func() error) {
	if now.Before(s.retryAt[key]) {
		return
	}
	delete(s.retryAt, key)
	if err := bug.Caught(do); err != nil && ctx.Err() == nil {
		s.log.Error("work "+key, "err", err)
		s.retryAt[key] = now.Add(retryAfter)
	}
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// entry works the schedule of a suite or a report.
func (s *Scheduler) entry(ctx context.Context, present Present, e timeline.Entry, now time.Time) error {
	last, err := s.store.LastSlot(ctx, e.Key)
	if err != nil {
		return err
	}
	if last.Before(present.AdoptedAt) {
		last = present.AdoptedAt
	}
	if at := present.Added[e.Key]; last.Before(at) {
		last = at
	}
	var valid func(time.Time) bool
	suite := present.Plan().Suites[e.ID]
	if e.Key == timeline.SuiteKey+e.ID {
		valid = func(at time.Time) bool { return present.InPeriod(suite, at) }
		if last.After(now) {
			return s.behind(ctx, e, last, now, valid)
		}
	}
	work, missed, ok := e.CatchUp(e.Due(last, now), now, valid)
	if err := s.miss(ctx, e.Key, missed, now); err != nil || !ok {
		return err
	}
	slot := register.Slot{Schedule: e.Key, At: work, State: register.SlotDone, ClaimedAt: now, FinishedAt: now}
	if valid != nil {
		return s.sweep(ctx, slot)
	}
	if err = s.worker.Report(ctx, e.ID, slot); s.store.Taken(err) {
		return nil
	}
	return err
}

// beside is how far a slot that stands in for one that was taken lies from it.
const beside = time.Second

// behind works the schedule of a suite whose newest slot lies ahead: a clock that was ahead took it, and has been set back since. The slots
// up to it are taken, and yet what is known would grow old until then; so the suite is asked at its times all the same, in slots beside them.
func (s *Scheduler) behind(ctx context.Context, e timeline.Entry, last, now time.Time, valid func(time.Time) bool) error {
	since, known := s.asked[e.Key]
	if !known || since.After(now) {
		s.log.Warn("slots of "+e.Key+" were taken by a clock that was ahead; it is asked all the same, reports and milestones are not repeated", "until", last)
		s.asked[e.Key] = now.Add(-e.Jitter)
		return nil
	}
	due := e.Due(since, now)
	if len(due) == 0 {
		return nil
	}
	s.asked[e.Key] = due[len(due)-1]
	if !valid(now) {
		return nil
	}
	return s.sweep(ctx, register.Slot{Schedule: e.Key, At: due[len(due)-1].Add(beside), ClaimedAt: now})
}

// miss records slots whose time passed while nobody could do them.
func (s *Scheduler) miss(ctx context.Context, key string, missed []time.Time, now time.Time) error {
	rows := make([]register.Slot, 0, len(missed))
	for _, at := range missed {
		rows = append(rows, register.Slot{Schedule: key, At: at, State: register.SlotMissed,
			ClaimedAt: now, FinishedAt: now, Note: "its time passed while skift was not running or still at work"})
	}
	// All at once: after a long time away there are thousands. Where one has its row already, each is tried by itself.
	err := s.commitSlots(ctx, rows)
	if s.store.Taken(err) {
		for _, row := range rows {
			if err = s.commitSlots(ctx, []register.Slot{row}); err != nil && !s.store.Taken(err) {
				return err
			}
		}
		return nil
	}
	return err
}

func (s *Scheduler) commitSlots(ctx context.Context, rows []register.Slot) error {
	if len(rows) == 0 {
		return nil
	}
	return s.store.Commit(ctx, register.Batch{Slots: rows})
}
