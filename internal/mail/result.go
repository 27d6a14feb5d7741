// Package mail builds one message and hands one message to one SMTP server, and tells what became of it.
//
// [Build] makes the bytes once; they are stored and [Sender.Send] sends exactly those, at every attempt. Send answers
// with a [Result], never with an error alone: sent, temporary, permanent, or uncertain when the connection broke after
// the text had begun to leave and before the server's word on it. Whoever queues messages decides what follows; this
// package neither retries nor remembers, opens no connection but through the dial function given to it, and prints
// nothing. A Sender may be used concurrently; each Send has a connection of its own.
package mail

import (
	"fmt"
	"strings"
)

// Outcome is what became of one attempt.
type Outcome string

// The outcomes.
const (
	Sent      Outcome = "sent"      // the server took responsibility for the message
	Temporary Outcome = "temporary" // not taken, may be tried again
	Permanent Outcome = "permanent" // refused, trying again is of no use
	Uncertain Outcome = "uncertain" // perhaps taken: nobody may try again but on a person's word
)

// Phase is how far the dialogue with the server came.
type Phase string

// The phases, in their order. What fails before PhaseTo is about the server or our access to it, not about the message.
const (
	PhaseConnect Phase = "connect" // connecting, greeting, STARTTLS and login
	PhaseFrom    Phase = "from"    // naming the sender, which is the same for every message
	PhaseTo      Phase = "to"
	PhaseData    Phase = "data"  // asking to send the text; none of it has left
	PhaseText    Phase = "text"  // sending the text; its end has not left
	PhaseReply   Phase = "reply" // the end of the text may have left
	PhaseDone    Phase = "done"
)

// Result is what one attempt came to.
type Result struct {
	Outcome Outcome
	Phase   Phase  // where it ended
	Code    int    // the server's reply code; 0 when it was not the server that said no
	Text    string // one printable line for a person: the server's words, or what broke; "" when sent
}

// Unreachable reports whether the server could not be used at all, so that other messages would fare the same now: it
// cannot be had, does not let us in or take our sender, hung up before it knew the text, or is closing.
func (r Result) Unreachable() bool {
	if r.Outcome != Temporary {
		return false
	}
	switch r.Phase {
	case PhaseConnect, PhaseFrom:
		return true
	case PhaseTo, PhaseData:
		return r.Code == 0 || r.Code == 421
	}
	return false
}

// Brief is "permanent at to: 550": what became of the attempt without the server's own words, which often repeat the
// recipient's address and so must not enter a journal.
func (r Result) Brief() string {
	switch {
	case r.Outcome == Sent:
		return string(r.Outcome)
	case r.Code != 0:
		return fmt.Sprintf("%s at %s: %d", r.Outcome, r.Phase, r.Code)
	}
	return fmt.Sprintf("%s at %s", r.Outcome, r.Phase)
}

// String is "temporary at to: 450 mailbox busy".
func (r Result) String() string {
	if r.Outcome == Sent {
		return string(r.Outcome)
	}
	return fmt.Sprintf("%s at %s: %s", r.Outcome, r.Phase, r.Text)
}

const maxResultText = 300

// oneLine makes what a server said fit for a log and a screen.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case r < ' ', r == 0x7f, r >= 0x80 && r < 0xa0, r == 0x2028, r == 0x2029:
			return ' '
		case r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "?"))), " ")
	if runes := []rune(s); len(runes) > maxResultText {
		return string(runes[:maxResultText]) + "…"
	}
	return s
}
