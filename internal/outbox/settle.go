package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"skift/internal/journal"
	"skift/internal/register"
)

var engine = journal.Actor{Via: journal.ViaEngine}

// What a person's word on a message can meet.
var (
	// ErrNoMessage: no message with that id waits for anything; perhaps it was sent.
	ErrNoMessage = errors.New("no such message, or it was sent")
	// ErrNotNow: the message cannot go there from where it is; the error says why.
	ErrNotNow = errors.New("not as it stands")
)

// Word is what a person says of a message: what it is from now on, who says so and why.
type Word struct {
	To  register.MessageState
	By  journal.Actor
	Why string
}

// Settle takes a person's word on a message: an uncertain or failed one is queued again, an uncertain one was in fact sent,
// an uncertain or queued one is given up. The error is ErrNoMessage or ErrNotNow.
func (o *Outbox) Settle(ctx context.Context, id string, w Word, now time.Time) error {
	m, err := o.find(ctx, id)
	if err != nil {
		return err
	}
	to := w.To
	switch {
	case m.State == register.MessageSending:
		return fmt.Errorf("%w: message %s is being sent: wait for what becomes of it", ErrNotNow, id)
	case to != register.MessageQueued && to != register.MessageSent && to != register.MessageFailed, !m.State.May(to):
		return fmt.Errorf("%w: message %s is %s and cannot become %s", ErrNotNow, id, m.State, to)
	}
	move := register.MessageMove{ID: id, From: m.State, To: to, At: now, LastError: m.LastError}
	if to == register.MessageQueued {
		move.NextAt = now
	}
	err = o.store.Commit(ctx, register.Batch{
		MessageMoves: []register.MessageMove{move},
		Events:       []journal.Event{settled(id, now, w.By, to, w.Why)},
	})
	if err != nil {
		return fmt.Errorf("settle message %s: %w", id, err)
	}
	o.Wake()
	return nil
}

func (o *Outbox) find(ctx context.Context, id string) (register.Message, error) {
	open := []register.MessageState{register.MessageQueued, register.MessageSending, register.MessageUncertain, register.MessageFailed}
	messages, err := o.store.Messages(ctx, register.MessageFilter{States: open})
	if err != nil {
		return register.Message{}, fmt.Errorf("read the messages: %w", err)
	}
	for _, m := range messages {
		if m.ID == id {
			return m, nil
		}
	}
	return register.Message{}, fmt.Errorf("%w: %q", ErrNoMessage, id)
}

// settled is the event that says what became of a message. It names the message by id alone.
func settled(id string, at time.Time, by journal.Actor, state register.MessageState, why string) journal.Event {
	return journal.Event{
		At: at, Kind: register.MessageSettled, Subject: id, Actor: by,
		Body: register.Body(register.Settled{State: state, Error: why}),
	}
}
