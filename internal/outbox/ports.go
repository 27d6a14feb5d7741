package outbox

import (
	"context"

	"skift/internal/register"
)

// Store keeps the messages. Its Commit stores all of a batch or nothing, durably before it returns, and refuses a move
// whose message is not in the state it starts from.
type Store interface {
	// Messages gives the messages the filter chooses, those due first.
	Messages(ctx context.Context, f register.MessageFilter) ([]register.Message, error)
	Commit(ctx context.Context, b register.Batch) error
}

// Sender hands one message to a server, once. When ctx is cancelled it stops as soon as it can and says how far it came.
type Sender interface {
	Send(ctx context.Context, m register.Message) Answer
}

// Outcome is what became of one attempt.
type Outcome string

// The outcomes.
const (
	Sent      Outcome = "sent"      // the server took responsibility for the message
	Temporary Outcome = "temporary" // not taken, may be tried again
	Permanent Outcome = "permanent" // refused, trying again is of no use
	Uncertain Outcome = "uncertain" // perhaps taken
)

// Answer is what a Sender says of one attempt. An outcome that is none of the constants is read as Uncertain.
type Answer struct {
	Outcome Outcome
	// Brief says what happened without anything personal: it goes into the journal. Text may repeat what the server
	// said, addresses included: it stays with the message.
	Brief, Text string
	// Unreachable: it was the server, not this message; others would fare the same now.
	Unreachable bool
}
