// Package journal says what an event is, how a journal of events is bound
// together so that nothing in it can be changed unseen, and how anybody who
// holds an earlier head checks that offline.
//
// Events are the leaves of a Merkle tree (RFC 6962, as in
// golang.org/x/mod/sumdb/tlog). The leaf, not the database row, is what counts:
// it holds every column of the event, so a row that says something else than
// its leaf is found. A [Head] is the size and root of the tree in one printable
// word; whoever has one from earlier can prove that everything before it is
// still there unchanged. Without one, [Verify] can only say that the journal is
// consistent with itself.
//
// The package is pure: it knows no clock, disk, network or database. All types
// are values and safe to share; a [Frontier] is not safe for concurrent use.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The ways an event reaches us, for [Actor.Via].
const (
	ViaConsole   = "console"   // typed at a terminal or a screen
	ViaPhone     = "phone"     // said by phone, typed by somebody else
	ViaMail      = "mail"      // answered by mail
	ViaLink      = "link"      // a personal link was opened
	ViaScheduler = "scheduler" // it was due
	ViaEngine    = "engine"    // it follows from what happened
)

// Actor is who did something, in opaque ids only: names, mail addresses and
// telephone numbers are erasable and never enter an event.
type Actor struct {
	Seat      string `json:"seat,omitempty"`       // the seat that acted, such as "ibm/operator"; empty when the program acted by itself
	Person    string `json:"person,omitempty"`     // the person in that seat then; empty when unknown
	EnteredBy string `json:"entered_by,omitempty"` // the authenticated user who entered it, perhaps on behalf of Person
	Via       string `json:"via,omitempty"`        // one of the Via constants
}

// Voice is whose word it is: the person in the seat, else whoever entered it. One person is one voice.
func (a Actor) Voice() string {
	if a.Person != "" {
		return a.Person
	}
	return a.EnteredBy
}

// Event is one thing that was decided or done. The zero value is not valid.
type Event struct {
	Plan    string    // the plan it belongs to
	Seq     int64     // 1 for the first event of a plan, then without gaps; given by the store
	At      time.Time // UTC, in whole microseconds; need not increase with Seq
	Kind    string    // what happened, such as "step.done"
	Run     string    // the run it belongs to; empty beside runs
	Subject string    // the step, gate, milestone … it is about; may be empty
	Actor   Actor
	Body    []byte // a JSON document, kept byte for byte; empty when there is nothing more to say
}

// Normal returns e with its instant in UTC and whole microseconds, which is
// what is hashed and what a database keeps.
func (e Event) Normal() Event {
	e.At = e.At.UTC().Truncate(time.Microsecond)
	return e
}

// Check reports why e cannot be appended: a missing plan, kind or instant, text
// that is not UTF-8 or holds NUL (no database keeps both), or a body that is
// not JSON. Seq is not looked at, the store gives it.
func (e Event) Check() error {
	switch {
	case !validPlan(e.Plan):
		return fmt.Errorf("event %q: %q is not the name of a plan", e.Kind, e.Plan)
	case e.Kind == "":
		return errors.New("event has no kind")
	case e.At.IsZero():
		return fmt.Errorf("event %q has no instant", e.Kind)
	}
	for _, f := range e.texts() {
		if !utf8.ValidString(*f) || strings.ContainsRune(*f, 0) {
			return fmt.Errorf("event %q has text that is not UTF-8 or holds NUL: %q", e.Kind, *f)
		}
	}
	if len(e.Body) > 0 && (!json.Valid(e.Body) || !utf8.Valid(e.Body)) {
		return fmt.Errorf("event %q has a body that is not JSON in UTF-8", e.Kind)
	}
	return nil
}

// texts lists the text columns in the order they are hashed.
func (e *Event) texts() []*string {
	return []*string{&e.Plan, &e.Kind, &e.Run, &e.Subject,
		&e.Actor.Seat, &e.Actor.Person, &e.Actor.EnteredBy, &e.Actor.Via}
}
