package scheduler

import (
	"context"
	"fmt"
	"strings"
	"time"

	"skift/internal/bug"
	"skift/internal/register"
	"skift/internal/timeline"
)

// claim is work that was handed over and has not ended.
type claim struct {
	job   register.Job
	since time.Time // when it was handed over last
	begun bool
	ended chan struct{} // closed with err set
	err   error
}

// remindAfter is how long after it was handed over a job that nobody has begun is handed over again: it is lost, or comes twice.
const remindAfter = time.Minute

// enterWithin is how long the loop waits for a milestone to begin before it looks at what else is due.
const enterWithin = 10 * time.Second

// enter has a milestone begun whose time has come, and waits until it has: what else is due now may hang on it. Its job has no row before:
// slot and fact are one commit of whoever does it, and so it begins once, however often the job comes.
func (s *Scheduler) enter(ctx context.Context, m *timeline.Milestone, now time.Time) error {
	job := register.Job{Schedule: timeline.MilestoneKey + m.ID, At: m.Start.At}
	c, ok := s.occupy(job, now)
	if ok {
		if err := s.store.Commit(ctx, register.Batch{Jobs: []register.Job{job}}); err != nil {
			s.free(c, err)
			return err
		}
	}
	timer := time.NewTimer(enterWithin)
	defer timer.Stop()
	select {
	case <-c.ended:
		return c.err
	case <-timer.C:
		return fmt.Errorf("it has not begun within %s", enterWithin)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// sweep claims a suite's slot, whose work is handed over with the claim. A suite still being asked misses its slot.
func (s *Scheduler) sweep(ctx context.Context, slot register.Slot) error {
	c, ok := s.occupy(register.Job{Schedule: slot.Schedule, At: slot.At}, slot.ClaimedAt)
	if !ok {
		return s.miss(ctx, slot.Schedule, []time.Time{slot.At}, slot.ClaimedAt)
	}
	slot.State, slot.FinishedAt = register.SlotClaimed, time.Time{}
	err := s.store.Commit(ctx, register.Batch{Slots: []register.Slot{slot}})
	if err != nil {
		s.free(c, err)
		if s.store.Taken(err) {
			return nil
		}
	}
	return err
}

// occupy notes what is about to be handed over; false = there is work of that schedule under way already.
func (s *Scheduler) occupy(job register.Job, now time.Time) (*claim, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.busy[job.Schedule]; c != nil {
		return c, false
	}
	c := &claim{job: job, since: now, ended: make(chan struct{})}
	s.busy[job.Schedule] = c
	return c, true
}

// begin is true for the first who comes with the job of a claim.
func (s *Scheduler) begin(job register.Job) (*claim, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.busy[job.Schedule]
	if c == nil || c.begun || !c.job.At.Equal(job.At) {
		return c, false
	}
	c.begun = true
	return c, true
}

// free ends a claim.
func (s *Scheduler) free(c *claim, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.err = err
	close(c.ended)
	delete(s.busy, c.job.Schedule)
}

// remind hands over again what nobody has begun.
func (s *Scheduler) remind(ctx context.Context, now time.Time) {
	var b register.Batch
	s.mu.Lock()
	for _, c := range s.busy {
		if waited := now.Sub(c.since); !c.begun && (waited >= remindAfter || waited < 0) {
			c.since = now
			b.Jobs = append(b.Jobs, c.job)
		}
	}
	s.mu.Unlock()
	if b.Empty() {
		return
	}
	s.log.Warn("jobs were not begun and are handed over again", "jobs", len(b.Jobs))
	if err := s.store.Commit(ctx, b); err != nil && ctx.Err() == nil {
		s.log.Error("hand jobs over again", "err", err)
	}
}

// Work does a job: it asks the suite of a claimed slot, or begins a milestone, and ends the row. A job that comes again while it is being
// done, or after, does nothing. One whose slot was claimed by a process that is gone ends it as failed: nobody knows how far that one came.
func (s *Scheduler) Work(ctx context.Context, job register.Job) {
	c, first := s.begin(job)
	switch {
	case first && strings.HasPrefix(job.Schedule, timeline.MilestoneKey):
		s.free(c, bug.Caught(func() error { return s.milestone(ctx, job) }))
	case first:
		defer s.free(c, nil)
		s.ask(ctx, job)
	case c == nil:
		if err := s.orphan(ctx, job); err != nil && ctx.Err() == nil {
			s.log.Error("end the slot of "+job.Schedule, "err", err)
		}
	}
}

// milestone begins a milestone: once, for its slot and its fact are one commit.
func (s *Scheduler) milestone(ctx context.Context, job register.Job) error {
	now := time.Now()
	err := s.worker.Enter(ctx, strings.TrimPrefix(job.Schedule, timeline.MilestoneKey), register.Slot{Schedule: job.Schedule, At: job.At,
		State: register.SlotDone, ClaimedAt: now, FinishedAt: now})
	if s.store.Taken(err) {
		return nil
	}
	return err
}

// ask asks a suite and ends its slot. One that is cut short has failed: half a sweep is none. After a crash the next process says so.
func (s *Scheduler) ask(ctx context.Context, job register.Job) {
	suite := strings.TrimPrefix(job.Schedule, timeline.SuiteKey)
	move := register.SlotMove{Schedule: job.Schedule, At: job.At, From: register.SlotClaimed, To: register.SlotDone}
	err := bug.Caught(func() error { return s.worker.Sweep(ctx, suite, job.At) })
	switch {
	case ctx.Err() != nil && err != nil:
		move.To, move.Note = register.SlotFailed, stopped
	case err != nil:
		s.log.Error("sweep "+suite, "err", err)
		move.To, move.Note = register.SlotFailed, err.Error()
	}
	move.FinishedAt = time.Now()
	if err := s.store.Commit(context.WithoutCancel(ctx), register.Batch{SlotMoves: []register.SlotMove{move}}); err != nil {
		s.log.Error("finish slot of "+job.Schedule, "err", err)
	}
}

// orphan ends the slot of a job that is not ours, should it still be claimed.
func (s *Scheduler) orphan(ctx context.Context, job register.Job) error {
	slots, err := s.store.Claimed(ctx)
	if err != nil {
		return err
	}
	for _, slot := range slots {
		if slot.Schedule == job.Schedule && slot.At.Equal(job.At) {
			return s.fail(ctx, slot)
		}
	}
	return nil
}

// abandon ends the claims of an earlier process: their sweeps recorded nothing, so what they would have asked is stale.
func (s *Scheduler) abandon(ctx context.Context) error {
	slots, err := s.store.Claimed(ctx)
	if err != nil {
		return err
	}
	for _, slot := range slots {
		if err := s.fail(ctx, slot); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scheduler) fail(ctx context.Context, slot register.Slot) error {
	return s.store.Commit(ctx, register.Batch{SlotMoves: []register.SlotMove{{Schedule: slot.Schedule, At: slot.At,
		From: register.SlotClaimed, To: register.SlotFailed, FinishedAt: time.Now(), Note: stopped}}})
}

// stopped is what is noted of a slot whose work a stop or a crash cut short.
const stopped = "skift stopped while it was at work"
