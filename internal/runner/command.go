package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"skift/internal/bug"
	"skift/internal/freeze"
	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/run"
)

// Command is what a person, the scheduler or another process wants done. Do says what; the other fields are its operands.
// There is no other way to change anything.
type Command struct {
	Do string `json:"do"`

	As        string `json:"as,omitempty"`  // seat that acts
	Via       string `json:"via,omitempty"` // console phone mail link; default console
	EnteredBy string `json:"-"`             // set by whoever authenticated the caller, never by the caller

	Run         string        `json:"run,omitempty"`
	Runbook     string        `json:"runbook,omitempty"`
	Environment string        `json:"environment,omitempty"`
	Rehearsal   bool          `json:"rehearsal,omitempty"`
	Speed       float64       `json:"speed,omitempty"`
	Step        string        `json:"step,omitempty"`
	Stream      string        `json:"stream,omitempty"`
	Gate        string        `json:"gate,omitempty"`
	Criterion   string        `json:"criterion,omitempty"`
	Milestone   string        `json:"milestone,omitempty"`
	Check       string        `json:"check,omitempty"`
	Zone        string        `json:"zone,omitempty"`
	Class       string        `json:"class,omitempty"`  // of change
	Change      string        `json:"change,omitempty"` // the reference of one change
	Service     string        `json:"service,omitempty"`
	Side        string        `json:"side,omitempty"`
	Flow        string        `json:"flow,omitempty"`
	Party       string        `json:"party,omitempty"`
	Answer      string        `json:"answer,omitempty"` // of a vote; done fail skip retry hold release change issue clear note add of a step; sent again drop of a mail; pass reopen of a milestone; failed of an abort; open close reclass reopen list confirm of incidents; the light of a status
	Services    []string      `json:"services,omitempty"`
	Reason      string        `json:"reason,omitempty"`
	Owner       string        `json:"owner,omitempty"`  // a step's, from now on
	Stop        bool          `json:"stop,omitempty"`   // of an abort: what is in flight, too
	Before      []string      `json:"before,omitempty"` // of a step that is added: steps that then need it
	Takes       time.Duration `json:"takes,omitempty"`  // ns; what a step, or fixing it, takes
	Until       *time.Time    `json:"until,omitempty"`
	Event       int64         `json:"event,omitempty"`
	Export      string        `json:"export,omitempty"`
	Mail        string        `json:"mail,omitempty"` // id of a mail, or the beginning of it
	FileName    string        `json:"file_name,omitempty"`
	File        []byte        `json:"file,omitempty"`

	Incident  *register.IncidentRow  `json:"incident,omitempty"`  // one that is opened, closed or changed
	Incidents []register.IncidentRow `json:"incidents,omitempty"` // a list that is imported
	Digest    string                 `json:"digest,omitempty"`    // of the list's file, hex SHA-256
	At        *time.Time             `json:"at,omitempty"`        // when the list was made

	Set map[string]string `json:"set,omitempty"` // start: parameters of the runbook

	Drift      string        `json:"drift,omitempty"` // id of a difference in a frozen zone
	Difference *freeze.Drift `json:"-"`               // the same as it is known to whoever keeps the observations; set by them, never by the caller

	Slot *register.Slot `json:"-"` // the scheduler's claim, committed with what it starts
}

// The things a Command can want.
const (
	DoStart     = "start"
	DoStep      = "step"
	DoVote      = "vote"
	DoAttest    = "attest"
	DoConfirm   = "confirm"
	DoMilestone = "milestone"
	DoAccept    = "accept"
	DoLog       = "log"
	DoStatus    = "status"
	DoAbort     = "abort"
	DoBackOut   = "back-out"
	DoHold      = "hold"
	DoRelease   = "release"
	DoPause     = "pause"
	DoResume    = "resume"
	DoRevoke    = "revoke"
	DoMail      = "mail"
	DoWaive     = "waive"
	DoDrift     = "drift"
	DoIncident  = "incident"
)

// Reply says what was done.
type Reply struct {
	Message   string          `json:"message"`           // one English sentence
	Event     int64           `json:"event,omitempty"`   // its number in the journal
	Head      string          `json:"head,omitempty"`    // of the journal after it
	Run       string          `json:"run,omitempty"`     // the run started or touched
	Resumed   bool            `json:"resumed,omitempty"` // an unfinished run went on instead of a new one beginning
	Held      string          `json:"held,omitempty"`    // why that run, or one inside it, does not go on: a frozen zone, a step that failed …
	Decision  string          `json:"decision,omitempty"`
	Judgement *gate.Judgement `json:"judgement,omitempty"`
}

// Reasons a command is not done. The command line and the socket map them to exit codes and statuses.
const (
	Usage    = "usage"     // the command makes no sense: exit 2
	NotFound = "not-found" // exit 2
	Refused  = "refused"   // a gate, a freeze or the point of no return says no: exit 3
	Conflict = "conflict"  // not in this state: exit 2

	Forbidden = "forbidden" // this seat may not: exit 2
)

// AboutParty reports whether a command is about the probing of a party, and about no run.
func (c Command) AboutParty() bool { return c.Party != "" && (c.Do == DoPause || c.Do == DoResume) }

// Refusal is a command that was not done, and why.
type Refusal struct {
	Kind    string          `json:"kind"`
	Message string          `json:"message"`
	Hints   []string        `json:"hints,omitempty"`
	Gate    *gate.Judgement `json:"judgement,omitempty"`
}

func (r *Refusal) Error() string { return r.Message }

func refuse(kind string, hint string, format string, args ...any) *Refusal {
	r := &Refusal{Kind: kind, Message: fmt.Sprintf(format, args...)}
	if hint != "" {
		r.Hints = []string{hint}
	}
	return r
}

// Do carries out a command and returns once it is durable. A *Refusal means that nothing was changed.
func (r *Runner) Do(ctx context.Context, c Command) (Reply, error) {
	do, ok := commands[c.Do]
	if !ok {
		return Reply{}, refuse(Usage, "there are: "+strings.Join(Commands(), ", "), "there is no command %q", c.Do)
	}
	c.Reason = r.clean(c.Reason)
	reply, err := do(&Runner{shared: r.shared, plan: r.Plan(), strict: true}, ctx, c)
	if err == nil && reply.Run != "" {
		reply.Held = r.standsStill(reply.Run)
	}
	return reply, err
}

// standsStill says why a run, or one inside it, is held; "" = none is.
func (r *Runner) standsStill(id string) (why string) {
	r.cfg.Ledger.Read(func(f *ledger.Facts) {
		for _, rn := range f.Runs.Inside(f.Runs.Runs[id]) {
			if rn.State == run.RunHeld {
				why = rn.ID + " is held: " + rn.Reason
				return
			}
		}
	})
	return why
}

var commands = map[string]func(*Runner, context.Context, Command) (Reply, error){
	DoStart:     (*Runner).start,
	DoStep:      (*Runner).step,
	DoVote:      (*Runner).vote,
	DoAttest:    (*Runner).attest,
	DoConfirm:   (*Runner).confirm,
	DoWaive:     (*Runner).waive,
	DoDrift:     (*Runner).drift,
	DoMilestone: (*Runner).milestone,
	DoIncident:  (*Runner).incident,
	DoAccept:    (*Runner).accept,
	DoLog:       (*Runner).log,
	DoStatus:    (*Runner).status,
	DoAbort:     (*Runner).abort,
	DoBackOut:   (*Runner).backOut,
	DoHold:      (*Runner).holdRun,
	DoRelease:   (*Runner).releaseRun,
	DoPause:     (*Runner).pause,
	DoResume:    (*Runner).pause,
	DoRevoke:    (*Runner).revoke,
	DoMail:      (*Runner).mail,
}

// Commands lists what a Command can want, sorted.
func Commands() []string { return slices.Sorted(maps.Keys(commands)) }

// actor names who acts: the seat, the person in it now, who typed it and how it reached us.
func (r *Runner) actor(c Command, now time.Time) (journal.Actor, error) {
	a := journal.Actor{Seat: c.As, EnteredBy: c.EnteredBy, Via: c.Via}
	switch a.Via {
	case "":
		a.Via = journal.ViaConsole
	case journal.ViaConsole, journal.ViaPhone, journal.ViaMail, journal.ViaLink:
	default:
		return a, refuse(Usage, "it is console, phone, mail or link", "%q is no way in which a person reaches us", c.Via)
	}
	if c.As == "" {
		a.Person = c.EnteredBy
		return a, nil
	}
	if r.plan.Seats[c.As] == nil {
		return a, refuse(Usage, r.suggestSeat(c.As), "there is no seat %q in the plan", c.As)
	}
	a.Person = r.cfg.Person(r.plan, c.As, now)
	return a, nil
}

// engine is the actor of what follows by itself.
func engine() journal.Actor { return journal.Actor{Via: journal.ViaEngine} }

// decide runs fn as one decision, starts what it launched once that is durable, and reports the head. A bug of ours in it is an
// error: nothing was decided.
func (r *Runner) decide(ctx context.Context, fn func(d *decision) error) (journal.Head, error) {
	r.turn.RLock()
	defer r.turn.RUnlock()
	var launches []launch
	changed := false
	var head journal.Head
	err := bug.Caught(func() (err error) { // the ledger has taken back what was only half decided
		head, err = r.cfg.Ledger.Decide(ctx, func(tx *ledger.Tx) error {
			d := &decision{Tx: tx, r: r.present()}
			if r.strict && d.r.plan != r.plan {
				return refuse(Conflict, "look at it, and give the command again", "another revision of the plan came into use meanwhile")
			}
			if err := fn(d); err != nil {
				return err
			}
			launches, changed = d.launches, !tx.Batch().Empty()
			return nil
		})
		return err
	})
	if err != nil {
		if errors.Is(err, ledger.ErrBroken) {
			r.wakeUp() // the loop ends once nothing can be written, and not half a minute later
		}
		return head, err
	}
	for _, l := range launches {
		r.begin(l)
	}
	if changed {
		r.wakeUp() // what is due may have changed with it
	}
	return head, nil
}

// decision is one decision being made: events so far, and the work to begin once they are durable.
type decision struct {
	*ledger.Tx
	r        *Runner // by the revision in use
	launches []launch
}

// launch is work that begins after the commit that intends it. Soft work can be begun again and is cut short when the
// process stops; its do must then settle nothing.
type launch struct {
	soft bool
	do   func(ctx context.Context)
}
