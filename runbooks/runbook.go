// Package runbooks is the model of what is done and in which order: steps, their needs, guards and back-out,
// and the one rule which steps are ready.
//
// It reads runbook files strictly and knows the standard runbooks that ship with the binary. It must not know
// plans, clocks, hosts or people: seats, checks, gates and audiences are names here, resolved by whoever holds a plan.
// Everything is immutable after loading and safe for concurrent reading.
package runbooks

import (
	"slices"
	"time"

	"skift/internal/diag"
	"skift/internal/secret"
	"skift/internal/yamldoc"
)

// Kind says how a step is done. It is the key under which the step's body stands in the YAML.
type Kind string

// The kinds of step.
const (
	Manual   Kind = "manual"    // a person does it and says so
	Command  Kind = "command"   // a program on this host: an argument vector, never a shell string
	Check    Kind = "check"     // a suite or checks must agree
	Wait     Kind = "wait"      // until an instant has come or a length of time has passed
	HTTP     Kind = "http"      // one HTTP request
	SFTPCopy Kind = "sftp_copy" // files from one SFTP server to another
	Message  Kind = "message"   // a report to an audience
	Nested   Kind = "runbook"   // another runbook, as a run of its own
)

// OnFailure says what happens to the run when a step fails.
type OnFailure string

// What may follow a failure. The zero value is read as Hold.
const (
	Hold     OnFailure = "hold"
	Retry    OnFailure = "retry" // asks again by itself, at most Retries times, only repeatable steps
	BackOut  OnFailure = "back-out"
	Continue OnFailure = "continue-with-reason"
)

// Runbook is one ordered piece of work: YAML `runbook: ID` with its `steps`.
type Runbook struct {
	ID         string
	Title      yamldoc.Text
	Window     string // the milestone whose window bounds it; "" = none
	BackOut    string // the runbook that undoes it; "" = none
	Standard   bool   // shipped with the binary, not written in the plan directory
	File       string // where it was read from, relative to the plan directory
	Steps      []*Step
	Parameters []*Parameter // what whoever starts it says, in file order
	Refs       []Ref        // every name that only a plan can resolve, in file order
	Pos        diag.Pos

	index map[string]*Step
	timed []*Step // steps that time alone can move; nil = not gathered
	links *Links  // nil = not linked
}

// Step is one entry under `steps`. Exactly one body is set: the one its Kind names.
type Step struct {
	ID        string
	Title     yamldoc.Text // `title`; when absent the manual text or the id serves
	Kind      Kind
	Needs     []string // ids of steps that must be done or skipped before this one
	AfterGate string   // id of the gate that must have said go
	Owner     string   // seat; required for manual and effect steps
	Stream    string
	Area      string        // planning area
	NotBefore string        // a time expression of the plan before which it does not begin; "" = none
	NotAfter  string        // one after which it does not begin any more; "" = none
	Takes     time.Duration // planned duration; 0 = not estimated
	Timeout   time.Duration // 0 = the kind's default
	Verify    []string      // checks (ids, globs or suites) that must agree before the step is done
	VerifyOn  string        // the side on which they must agree; "" = both
	Happened  []string      // `idempotent_check`: checks (as Verify) that tell whether an interrupted effect happened
	Change    string        // change class the step needs; "" = changes nothing
	Switches  []string      // services whose phase its start moves to switching and its done to fallback; globs until a plan resolves them
	Closes    []string      // services whose phase its done moves to closed; globs until a plan resolves them
	Undoes    string        // in a back-out runbook: the step of the twin it undoes; its done moves that step's services to before

	PointOfNoReturn bool
	OnFailure       OnFailure
	Retries         int     // with on_failure: retry; default 3
	Backoff         Backoff // with on_failure: retry; zero = at once
	Repeatable      bool    // may be done twice without harm
	RehearseRun     bool    // `rehearse: run`: executed even when a rehearsal runs in production

	Instruction yamldoc.Text          // manual
	Argv        []string              // command
	ArgvFrom    map[int]string        // command: arguments that are the value of a parameter; see Bound
	Dir         string                // command: working directory relative to the plan directory
	Env         map[string]string     // command: added to the environment
	SecretEnv   map[string]secret.Ref // command: added to the environment; fetched when the program is started
	CheckBody   CheckBody
	WaitBody    WaitBody
	HTTPBody    HTTPBody
	CopyBody    CopyBody
	MessageBody MessageBody
	Runbook     string           // runbook: id of the nested one
	With        map[string]Value // runbook: values for its parameters

	Ends Ending // of a step that stands for a stretch of a plan; no file says it

	Pos diag.Pos
}

// Ending is what ends a step beside its body. The zero value is that of every step that a file says: it ends when its work does.
type Ending struct {
	Until string   // a time expression of the plan: what it names ends the step, whatever its body has done by then
	Gate  string   // the gate whose go ends it
	After []string // steps that must be done before one of its gates can say go: it does not end before them
}

// Backoff is how long is waited before a step is tried again: Least after the first failure, twice as long after each further one,
// never longer than Most.
type Backoff struct{ Least, Most time.Duration }

// After is how long is waited after that many failures; 0 for the zero Backoff.
func (b Backoff) After(failures int) time.Duration {
	wait := b.Least
	for i := 1; i < failures && wait < b.Most; i++ {
		wait *= 2
	}
	return min(wait, b.Most)
}

// CheckBody is `check: ID` or `check: {suite: S}` or `check: {checks: […]}`, with `side: old|new` and `pairs: ok`.
type CheckBody struct {
	Suite  string
	Checks []string // ids or globs
	Side   string   // "" = both
	Pairs  bool     // `pairs: ok`: no pair blocks, regresses or is not observed in its current phase
}

// HTTPBody is `http: {method, url, headers, body, expect: [200], ca: FILE, token: env:NAME}`.
type HTTPBody struct {
	Method        string // default GET
	URL           string
	Headers       map[string]string
	SecretHeaders map[string]secret.Ref // headers whose values are fetched when the request is made
	Body          string
	Expect        []int      // accepted statuses; empty = 200–299
	CA            string     // PEM bundle in the plan directory; "" = the system's
	Token         secret.Ref // sent as a bearer token
}

// CopyBody is `sftp_copy: {from: ENDPOINT, to: ENDPOINT, files: GLOB}`.
type CopyBody struct {
	From, To CopyEnd
	Files    string // glob of names in From.Dir; default "*"
	Parallel int    // files copied side by side; default 4
}

// CopyEnd is one end of a copy: `{service, side, user, key, host_key, dir}`; the address is the service's on that side.
type CopyEnd struct {
	Service string
	Side    string
	User    string
	Key     secret.Ref
	HostKey []string // pinned fingerprints, "SHA256:…"
	Dir     string
}

// MessageBody is `message: {audience: A, report: R}`.
type MessageBody struct {
	Audience string
	Report   string
}

// Effect reports whether doing the step changes something outside skift: these are never executed in a rehearsal in production.
func (s *Step) Effect() bool {
	switch s.Kind {
	case Command, SFTPCopy, Message:
		return true
	case HTTP:
		return s.HTTPBody.Method != "" && s.HTTPBody.Method != "GET" && s.HTTPBody.Method != "HEAD"
	}
	return false
}

// Step returns the step with that id, or nil.
func (r *Runbook) Step(id string) *Step {
	if r.index != nil {
		return r.index[id]
	}
	for _, s := range r.Steps {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// Timed lists the steps that time alone can move: waits, and those with a date, a time-out for a person or a pause between tries.
func (r *Runbook) Timed() []*Step {
	if r.index != nil {
		return r.timed
	}
	return slices.DeleteFunc(slices.Clone(r.Steps), func(s *Step) bool { return !s.timed() })
}

func (s *Step) timed() bool {
	return s.Kind == Wait || s.Kind == Manual && s.Timeout > 0 || s.NotBefore != "" || s.NotAfter != "" || s.Backoff != (Backoff{})
}

// Name names a step in messages: its title in the language, else its instruction, else its id.
func (s *Step) Name(lang string) string {
	if t := s.Title.In(lang); t != "" {
		return t
	}
	if t := s.Instruction.In(lang); t != "" {
		return t
	}
	return s.ID
}
