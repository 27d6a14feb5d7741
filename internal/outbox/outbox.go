package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"skift/internal/bug"
	"skift/internal/journal"
	"skift/internal/register"
)

// Settings are the loop's pace. The zero value of each field is its default.
type Settings struct {
	Gap         time.Duration // between the beginnings of two attempts; default 1 second
	Backoff     time.Duration // after the first attempt that did not succeed, doubled with each further one; default 30 seconds
	MaxBackoff  time.Duration // default 30 minutes
	GiveUpAfter time.Duration // a message older than this is not tried again; default 5 days, as mail servers do
	Grace       time.Duration // how long an attempt under way may go on after the loop is told to stop; default 10 seconds
	Poll        time.Duration // how long at most between two looks at the queue; default 1 minute

	// Rests is told whenever the loop has looked at the queue, and until when it will not look again by itself; nil = nobody is.
	Rests func(until time.Time)
}

func (s Settings) withDefaults() Settings {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&s.Gap, time.Second)
	set(&s.Backoff, 30*time.Second)
	set(&s.MaxBackoff, 30*time.Minute)
	set(&s.GiveUpAfter, 5*24*time.Hour)
	set(&s.Grace, 10*time.Second)
	set(&s.Poll, time.Minute)
	return s
}

// Outbox is the loop. Make it with New.
type Outbox struct {
	store  Store
	sender Sender
	set    Settings
	log    *slog.Logger
	wake   chan struct{}

	// Only Run's goroutine uses these. They are lost with the process, which costs one early attempt.
	notBefore time.Time // rate and back-off: no attempt before this
	trouble   int       // attempts in a row that met a server that could not be used
}

// New makes an outbox; log may be nil.
func New(store Store, sender Sender, set Settings, log *slog.Logger) *Outbox {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Outbox{store: store, sender: sender, set: set.withDefaults(), log: log, wake: make(chan struct{}, 1)}
}

// Wake tells the loop that something was queued. It never blocks.
func (o *Outbox) Wake() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Work does the job of a message: the loop has its turn with what is due. Which message comes first, and when, is the loop's to decide; a job
// that comes twice, or whose message is not queued any more, changes nothing.
func (o *Outbox) Work(context.Context, register.Job) { o.Wake() }

// Run sends until ctx ends, and then returns nil once the attempt under way is settled. An error is the store's: what
// is in flight can no longer be recorded, so nothing more may be sent.
func (o *Outbox) Run(ctx context.Context) error {
	if err := o.recover(ctx, time.Now()); err != nil {
		return stopped(ctx, err)
	}
	for {
		next, err := o.look(ctx, time.Now())
		if err != nil {
			return stopped(ctx, err)
		}
		if o.set.Rests != nil {
			o.set.Rests(next)
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-o.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// stopped drops an error that says no more than that ctx has ended.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Cause(ctx)) || errors.Is(err, ctx.Err())) {
		return nil
	}
	return err
}

// recover makes uncertain what an earlier process had begun to send.
func (o *Outbox) recover(ctx context.Context, now time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	begun, err := o.store.Messages(ctx, register.MessageFilter{States: []register.MessageState{register.MessageSending}})
	if err != nil {
		return fmt.Errorf("read the messages in flight: %w", err)
	}
	if len(begun) == 0 {
		return nil
	}
	var b register.Batch
	for _, m := range begun {
		b.MessageMoves = append(b.MessageMoves, register.MessageMove{
			ID: m.ID, From: register.MessageSending, To: register.MessageUncertain, At: now, LastError: interrupted})
		b.Events = append(b.Events, settled(m.ID, now, engine, register.MessageUncertain, interrupted))
		o.log.Warn("message may have been sent: the process ended while sending it", "message", m.ID)
	}
	if err := o.store.Commit(ctx, b); err != nil {
		return fmt.Errorf("record the messages in flight as uncertain: %w", err)
	}
	return nil
}

const interrupted = "the program ended while the message was being sent"

// look is runOnce; a bug of ours in it is told, and the queue looked at again a while later.
func (o *Outbox) look(ctx context.Context, now time.Time) (next time.Time, err error) {
	err = bug.Caught(func() (err error) {
		next, err = o.runOnce(ctx, now)
		return err
	})
	var b *bug.Error
	if !errors.As(err, &b) {
		return next, err
	}
	o.log.Error("look at the queue of mails", "err", err)
	return o.holdBack(now), nil
}

// runOnce makes at most one attempt and says when to look again.
func (o *Outbox) runOnce(ctx context.Context, now time.Time) (next time.Time, err error) {
	poll := now.Add(o.set.Poll)
	if err := ctx.Err(); err != nil {
		return poll, err
	}
	if now.Before(o.notBefore) {
		return o.notBefore, nil
	}
	first, ok, err := o.first(ctx)
	switch {
	case err != nil:
		return poll, err
	case !ok:
		return poll, nil
	case first.NextAt.After(now) && first.NextAt.Sub(now) <= o.set.MaxBackoff: // what is to wait longer was put off by a clock that was ahead
		return earlier(first.NextAt, poll), nil
	}
	if err := o.attempt(ctx, first, now); err != nil {
		return poll, err
	}
	return o.notBefore, nil
}

// first is the queued message that is due first, perhaps only later.
func (o *Outbox) first(ctx context.Context) (register.Message, bool, error) {
	queued, err := o.store.Messages(ctx, register.MessageFilter{States: []register.MessageState{register.MessageQueued}, Limit: 1})
	if err != nil {
		return register.Message{}, false, fmt.Errorf("read the queued messages: %w", err)
	}
	if len(queued) == 0 {
		return register.Message{}, false, nil
	}
	return queued[0], true, nil
}

func (o *Outbox) attempt(ctx context.Context, m register.Message, now time.Time) error {
	o.notBefore = now.Add(o.set.Gap)
	begin := register.MessageMove{ID: m.ID, From: register.MessageQueued, To: register.MessageSending, At: now, LastError: m.LastError}
	// Not cut short by a stop: a commit of which nobody knows would make a message uncertain that never left.
	if err := o.store.Commit(context.WithoutCancel(ctx), register.Batch{MessageMoves: []register.MessageMove{begin}}); err != nil {
		if again, ok, err := o.first(ctx); err == nil && (!ok || again.ID != m.ID) {
			return nil // somebody settled it meanwhile
		}
		return fmt.Errorf("record that message %s is being sent: %w", m.ID, err)
	}
	m.Attempts++
	sending, cancel := o.graceful(ctx)
	answer := o.send(sending, m)
	cancel()
	// Recorded even when the loop is told to stop: otherwise a message that was sent would be uncertain.
	if err := o.store.Commit(context.WithoutCancel(ctx), o.settle(m, answer, time.Now())); err != nil {
		return fmt.Errorf("record what became of message %s: %w", m.ID, err)
	}
	return nil
}

// send is one attempt. Where a bug of ours ends it, nobody knows whether the message left.
func (o *Outbox) send(ctx context.Context, m register.Message) (a Answer) {
	err := bug.Caught(func() error {
		a = o.sender.Send(ctx, m)
		return nil
	})
	if err != nil {
		o.log.Error("send message "+m.ID, "err", err)
		return Answer{Outcome: Uncertain, Text: err.Error(), Brief: "a bug in skift ended the sending"}
	}
	return a
}

// graceful is ctx ending later by the grace, so that an attempt under way can finish.
func (o *Outbox) graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	sending, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(o.set.Grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(context.Cause(ctx))
		case <-sending.Done():
		}
	})
	return sending, func() {
		stop()
		cancel(nil)
	}
}

// settle decides what an answer means for the message and for the queue.
func (o *Outbox) settle(m register.Message, a Answer, now time.Time) register.Batch {
	move := register.MessageMove{ID: m.ID, From: register.MessageSending, At: now, LastError: a.Text}
	brief := a.Brief
	switch a.Outcome {
	case Sent:
		move.To, move.LastError, brief = register.MessageSent, "", ""
		o.trouble = 0
	case Temporary:
		return o.retry(m, move, a, now)
	case Permanent:
		move.To = register.MessageFailed
		o.trouble = 0
	default:
		move.To = register.MessageUncertain
		// A server that loses its word on messages must not be fed the rest of the queue at full rate.
		o.holdBack(now)
	}
	if move.To != register.MessageSent {
		o.log.Warn("message not sent", "message", m.ID, "state", string(move.To), "attempts", m.Attempts, "because", brief)
	}
	return register.Batch{
		MessageMoves: []register.MessageMove{move},
		Events:       []journal.Event{settled(m.ID, now, engine, move.To, brief)},
	}
}

func (o *Outbox) retry(m register.Message, move register.MessageMove, a Answer, now time.Time) register.Batch {
	if a.Unreachable {
		move.NextAt = o.holdBack(now)
	} else {
		o.trouble = 0
		move.NextAt = now.Add(o.backoff(m.Attempts))
	}
	if now.Sub(m.QueuedAt) >= o.set.GiveUpAfter {
		move.To, move.NextAt = register.MessageFailed, time.Time{}
		move.LastError = fmt.Sprintf("given up after %d attempts; last: %s", m.Attempts, a.Text)
		o.log.Warn("message given up", "message", m.ID, "attempts", m.Attempts, "because", a.Brief)
		return register.Batch{MessageMoves: []register.MessageMove{move},
			Events: []journal.Event{settled(m.ID, now, engine, register.MessageFailed, "given up; "+a.Brief)}}
	}
	move.To = register.MessageQueued
	o.log.Warn("message not sent yet", "message", m.ID, "attempts", m.Attempts, "because", a.Brief, "next", move.NextAt.UTC().Format(time.RFC3339))
	return register.Batch{MessageMoves: []register.MessageMove{move}}
}

// holdBack keeps the whole queue waiting, longer each time in a row, and returns until when.
func (o *Outbox) holdBack(now time.Time) time.Time {
	o.trouble++
	o.notBefore = now.Add(o.backoff(o.trouble))
	return o.notBefore
}

// backoff is the wait after the n-th attempt in a row.
func (o *Outbox) backoff(n int) time.Duration {
	wait := o.set.Backoff
	for range n - 1 {
		if wait *= 2; wait >= o.set.MaxBackoff {
			return o.set.MaxBackoff
		}
	}
	return min(wait, o.set.MaxBackoff)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
