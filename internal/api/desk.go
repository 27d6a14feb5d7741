// Package api is the JSON that skift speaks, the unix-socket server of the process that owns a data directory, and the
// client of everybody else on that machine.
//
// Whatever a command does goes through a [Desk]: the owning process is one, and so is the client of its socket, so that a
// command behaves alike whether or not somebody else owns the directory. The server decides nothing; who is calling comes
// from the socket's peer credentials, never from the request.
package api

import (
	"context"
	"time"

	"skift/checks"
	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/runner"
	"skift/internal/snapshot"
)

// Desk is everything a command can ask of the process that owns the data directory.
type Desk interface {
	// Do carries out a command; a *runner.Refusal means that nothing was changed.
	Do(ctx context.Context, c runner.Command) (runner.Reply, error)
	// Snapshot is the present state as one value.
	Snapshot(ctx context.Context) (snapshot.Snapshot, error)
	// Judge tells how a gate stands now.
	Judge(ctx context.Context, gateID, runID string) (gate.Judgement, error)
	// Check asks checks now and stores what they answer.
	Check(ctx context.Context, r CheckRequest) (CheckReply, error)
	// History tells what units answered over time.
	History(ctx context.Context, r HistoryRequest) (HistoryReply, error)
	// Explain tells everything that is stored about some checks, address by address; it asks nothing.
	Explain(ctx context.Context, r ExplainRequest) (ExplainReply, error)
	// Report composes a report, and queues it when asked to.
	Report(ctx context.Context, r ReportRequest) (ReportReply, error)
	Brings
	Tries
	Renews
	// Events returns events numbered above after; with wait it waits until there is one or ctx ends.
	Events(ctx context.Context, after int64, wait bool) ([]journal.Event, error)
}

// CheckRequest says what is to be asked.
type CheckRequest struct {
	Patterns    []string    `json:"patterns,omitempty"` // ids, suites or globs; none = every check
	Side        checks.Side `json:"side,omitempty"`     // "" = both
	Environment string      `json:"environment,omitempty"`
	Cause       string      `json:"cause,omitempty"`
	Dry         bool        `json:"dry,omitempty"` // show what is stored, ask nothing

	Progress func(done, total int) `json:"-"` // told as answers come, from one goroutine at a time; nil = nobody waits
}

// CheckReply is what was answered, worst first.
type CheckReply struct {
	Environment string          `json:"environment"`
	Side        string          `json:"side,omitempty"` // the one asked; "" = both
	At          time.Time       `json:"at"`
	Pairs       []snapshot.Pair `json:"pairs"` // worst first
	Head        string          `json:"head"`
}

// ExplainRequest says what is to be explained.
type ExplainRequest struct {
	Patterns    []string    `json:"patterns"`       // ids, suites or globs
	Side        checks.Side `json:"side,omitempty"` // "" = both
	Environment string      `json:"environment,omitempty"`
	Flow        string      `json:"flow,omitempty"` // "" = every flow
}

// ExplainReply is everything known about some checks.
type ExplainReply struct {
	Environment  string                 `json:"environment"`
	At           time.Time              `json:"at"`
	Explanations []snapshot.Explanation `json:"explanations"` // worst first
	Head         string                 `json:"head"`
}

// ReportRequest names a report.
type ReportRequest struct {
	Audience  string `json:"audience"`
	Report    string `json:"report,omitempty"` // "" = the audience's own
	Send      bool   `json:"send,omitempty"`   // queue it; otherwise it is only composed
	EnteredBy string `json:"-"`                // set by whoever authenticated the caller
}

// ReportReply is the mails of a report.
type ReportReply struct {
	Mails   []Mail   `json:"mails"`
	Missing []string `json:"missing,omitempty"` // who should be told and has no address, seats with nobody in them
	Head    string   `json:"head"`
}

// Mail is one composed message.
type Mail struct {
	ID        string `json:"id"`
	Recipient string `json:"recipient"` // a person's id
	Subject   string `json:"subject"`
	Language  string `json:"language"`
	HTML      []byte `json:"html"`
	Text      []byte `json:"text"`
	Raw       []byte `json:"raw"`
	State     string `json:"state,omitempty"` // of the outbox, when it was queued
}
