package register

import (
	"encoding/json"
	"time"

	"skift/checks"
	"skift/internal/plan"
)

// The kinds of event this package folds. Event.Subject names the gate, milestone, check or party; Event.Run is empty unless said.
const (
	PlanAdopted        = "plan.adopted"
	GateOpened         = "gate.opened" // Run: the rehearsal in which it is practised
	GateVoted          = "gate.voted"
	GateAttested       = "gate.attested"
	GateExtended       = "gate.extended"
	GateDecided        = "gate.decided"
	GateUsed           = "gate.used" // Run: the live run that went through it
	PhaseMoved         = "phase.moved"
	DeviationAccepted  = "deviation.accepted"
	DeviationConfirmed = "deviation.confirmed"
	MilestoneStarted   = "milestone.started"
	MilestonePassed    = "milestone.passed"
	MilestoneReopened  = "milestone.reopened"
	StatusSet          = "status.set"
	NoteWritten        = "note.written"
	Logged             = "log"
	SweepDone          = "sweep.done"
	ProbingPaused      = "probing.paused" // Subject: the party
	ProbingResumed     = "probing.resumed"
	ReportQueued       = "report.queued"
	MessageSettled     = "message.settled"
)

// Kinds lists every kind of event this package folds or keeps.
func Kinds() []string {
	return []string{PlanAdopted, GateOpened, GateVoted, GateAttested, GateExtended, GateDecided, GateUsed, PhaseMoved,
		DeviationAccepted, DeviationConfirmed, MilestoneStarted, MilestonePassed, MilestoneReopened,
		StatusSet, NoteWritten, Logged, SweepDone, ProbingPaused, ProbingResumed, ReportQueued, MessageSettled,
		ProbeExported, ProbeRevoked, ProbeImported, LogObserved, DataTakenOver, OverrideAsked, OverrideConfirmed,
		WaiverAsked, WaiverConfirmed, ZoneBaseline, DriftAsked, DriftExcepted, DriftAnswered, IncidentOpened, IncidentChanged, IncidentClosed, IncidentsListed}
}

// Adopted is the body of plan.adopted: a revision of the plan came into use.
type Adopted struct {
	Hash  string `json:"hash"`
	First bool   `json:"first,omitempty"` // what lay in the past then is missed and starts nothing

	Was     string        `json:"was,omitempty"` // hash of the revision before
	Changes []plan.Change `json:"changes,omitempty"`
	Along   []string      `json:"along,omitempty"`  // milestones that hang on what was moved
	Stand   []string      `json:"stand,omitempty"`  // gates that it leaves as they were: what was said there counts on
	More    int           `json:"more,omitempty"`   // changes that are not listed
	Reason  string        `json:"reason,omitempty"` // why it may end or loosen a zone in force
	Zones   []ZoneChange  `json:"zones,omitempty"`  // what becomes of the frozen zones in force
}

// What another revision does to a zone in force.
const (
	ZoneBegins  = "begins"  // it came into force with the revision, not by the clock
	ZoneEnds    = "ends"    // it is in force no more
	ZoneLoosens = "loosens" // it is in force still, and protects less
)

// ZoneChange is what another revision of the plan does to a frozen zone that is in force.
type ZoneChange struct {
	Zone     string    `json:"zone"`
	How      string    `json:"how"`                // begins, ends or loosens
	Loosened []string  `json:"loosened,omitempty"` // keys of the plan by which it protects less
	Until    time.Time `json:"until,omitzero"`     // its latest end by the revision in which it is in force, at first; missing = open
	Ends     string    `json:"ends"`               // the same as its author writes it: a date, or the event that ends it
}

// Answer is what a seat says to a gate. ready and not-ready answer the poll; go, no-go and hold are the deciding seat's.
type Answer string

// The answers.
const (
	Ready    Answer = "ready"
	NotReady Answer = "not-ready"
	Go       Answer = "go"
	NoGo     Answer = "no-go"
	HoldVote Answer = "hold"
)

// Opened is the body of gate.opened. Rounds count from 1; a new round asks everybody again.
type Opened struct {
	Round  int    `json:"round"`
	Reason string `json:"reason,omitempty"`
	Anew   bool   `json:"anew,omitempty"` // for another run or another time: what was vouched for and extended before counts no more
}

// Voted is the body of gate.voted.
type Voted struct {
	Round    int      `json:"round"`
	Answer   Answer   `json:"answer"`
	Remark   string   `json:"remark,omitempty"`
	Services []string `json:"services,omitempty"` // a partial go
	PlanHash string   `json:"plan_hash"`
}

// Attested is the body of gate.attested: a person vouches for a criterion.
type Attested struct {
	Criterion string `json:"criterion"`
	File      string `json:"file,omitempty"` // name in the data directory's evidence folder
	SHA256    string `json:"sha256,omitempty"`
	Remark    string `json:"remark,omitempty"`
}

// Extended is the body of gate.extended.
type Extended struct {
	Round  int       `json:"round"`
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"`
}

// CriterionSeen is one criterion as it stood when a gate was judged.
type CriterionSeen struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	State    string    `json:"state"`             // met, unmet or unknown
	Binding  bool      `json:"binding,omitempty"` // false where the gate is only practised
	Reason   string    `json:"reason,omitempty"`  // catalogue word for what stands in the way: stale, not-attested …
	Critical *Count    `json:"critical,omitempty"`
	Others   *Count    `json:"others,omitempty"`
	Findings []Finding `json:"findings,omitempty"` // what is not as it must be, worst first
	AsOf     time.Time `json:"as_of,omitzero"`     // how old what it rests on is
	// Incidents are how many there are of each class that is limited, and Open those that count, gravest first.
	Incidents []ClassCount `json:"incidents,omitempty"`
	Open      []string     `json:"open,omitempty"`
	// Lowered are incidents that would count in the class they had, and do not in the one they were put in.
	Lowered []Lowered `json:"lowered,omitempty"`
	Days    []DaySeen `json:"days,omitempty"`  // newest first
	Event   int64     `json:"event,omitempty"` // the event it rests on
}

// Count is how many of how many. Accepted ones failed, but somebody answers for that; they are never among Passed.
type Count struct {
	Passed   int    `json:"passed"`
	Accepted int    `json:"accepted,omitempty"`
	Total    int    `json:"total"`
	Need     string `json:"need,omitempty"` // "all" or a percentage
}

// ClassCount is how many incidents of a class there are, and how many there may be.
type ClassCount struct {
	Class plan.Class `json:"class"`
	Count int        `json:"count"`
	Most  int        `json:"most"`
}

// DaySeen is how many critical units there were on a day, and how many of them were seen failing or not looked at throughout.
type DaySeen struct {
	Day   string `json:"day"` // 2019-11-30
	Units int    `json:"units"`
	Red   int    `json:"red"`
	Blind int    `json:"blind"`
}

// Green reports whether every critical unit was looked at throughout the day and none was seen failing.
func (d DaySeen) Green() bool { return d.Units > 0 && d.Red == 0 && d.Blind == 0 }

// GreenDays counts the green ones of the days that a criterion is about.
func (c CriterionSeen) GreenDays() (n int) {
	for _, d := range c.Days {
		if d.Green() {
			n++
		}
	}
	return n
}

// Finding is one thing that is not as it must be, with whose it is.
type Finding struct {
	Check   string      `json:"check"`
	Side    checks.Side `json:"side,omitempty"`
	Code    checks.Code `json:"code,omitempty"`
	Word    string      `json:"word,omitempty"` // of the pair
	Service string      `json:"service,omitempty"`
	Party   string      `json:"party,omitempty"` // of the flow
	Flow    string      `json:"flow,omitempty"`
	Addr    string      `json:"addr,omitempty"`
	Owner   string      `json:"owner,omitempty"` // the party who must act
	Why     string      `json:"why,omitempty"`   // why, where the code alone does not say it: paused, too-old …; see `skift explain`
}

// Reason is why a gate was decided as it was. Code is a catalogue word: criterion-unmet, not-answered, not-ready, deadline, voted.
type Reason struct {
	Code    string `json:"code"`
	Subject string `json:"subject,omitempty"`
	Remark  string `json:"remark,omitempty"`
}

// Decided is the body of gate.decided: the decision with everything it was taken on.
type Decided struct {
	Round      int             `json:"round"`
	Decision   Answer          `json:"decision"` // go, no-go or hold
	Services   []string        `json:"services,omitempty"`
	Reasons    []Reason        `json:"reasons,omitempty"`
	Criteria   []CriterionSeen `json:"criteria"`
	Poll       []PollAnswer    `json:"poll,omitempty"`
	Deviations []int64         `json:"deviations,omitempty"` // accepted deviations in force: their event numbers
	EnteredBy  map[string]int  `json:"entered_by,omitempty"` // who typed how many of the answers
	PlanHash   string          `json:"plan_hash"`
	Practised  bool            `json:"practised,omitempty"` // in a rehearsal: never the live gate's
}

// PollAnswer is one seat's standing answer.
type PollAnswer struct {
	Seat   string `json:"seat"`
	Person string `json:"person,omitempty"`
	Answer Answer `json:"answer"` // "" = not answered
	Remark string `json:"remark,omitempty"`
	By     string `json:"entered_by,omitempty"`
	Via    string `json:"via,omitempty"`
	Void   string `json:"void,omitempty"` // why it does not count
}

// Moved is the body of phase.moved.
type Moved struct {
	Environment string       `json:"environment"`
	Services    []string     `json:"services"`
	Party       string       `json:"party,omitempty"` // "" = every party
	Phase       checks.Phase `json:"phase"`
	Step        string       `json:"step,omitempty"`
}

// Accepted is the body of deviation.accepted; Subject is the check id.
type Accepted struct {
	Side     checks.Side `json:"side,omitempty"` // "" = both
	Flow     string      `json:"flow,omitempty"` // "" = all
	Until    time.Time   `json:"until"`
	Reason   string      `json:"reason"`
	Critical bool        `json:"critical,omitempty"` // needs a second seat of another party
}

// Confirmed is the body of deviation.confirmed.
type Confirmed struct {
	Event int64 `json:"event"` // the number of what is confirmed
}

// Passed is the body of milestone.started, milestone.passed and milestone.reopened.
type Passed struct {
	Gate   string `json:"gate,omitempty"`
	Run    string `json:"run,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Light is the traffic light of a status report.
type Light string

// The lights.
const (
	Green  Light = "green"
	Yellow Light = "yellow"
	Red    Light = "red"
)

// StatusBody is the body of status.set and note.written.
type StatusBody struct {
	Light   Light  `json:"light,omitempty"` // "" on a note
	Because string `json:"because,omitempty"`
	Note    string `json:"note,omitempty"`
}

// LogBody is the body of log.
type LogBody struct {
	Text string `json:"text"`
}

// Swept is the body of sweep.done: the observations of one sweep, bound to the journal by their digest.
type Swept struct {
	Suite       string         `json:"suite,omitempty"`
	Environment string         `json:"environment"`
	Cause       string         `json:"cause"` // schedule, gate, step or the command
	Units       int            `json:"units"`
	Verdicts    map[string]int `json:"verdicts"`
	Spared      int            `json:"spared,omitempty"` // units left alone: a login refused a short while ago is not tried again by itself
	Digest      string         `json:"digest"`           // hex SHA-256 over unit, verdict, code and facts of every result
}

// PauseBody is the body of probing.paused and probing.resumed.
type PauseBody struct {
	Reason string `json:"reason,omitempty"`
}

// Queued is the body of report.queued.
type Queued struct {
	Audience  string   `json:"audience"`
	Report    string   `json:"report"`
	Messages  []string `json:"messages"`          // ids
	Missing   []string `json:"missing,omitempty"` // persons without an address, seats without a person: they were not told
	Simulated bool     `json:"simulated,omitempty"`
	About     int64    `json:"about,omitempty"` // the event it tells of, once: a contradiction, or a difference in a frozen zone
	Also      []int64  `json:"also,omitempty"`  // events it tells of besides
	Light     Light    `json:"light,omitempty"` // what it showed: the next report of the audience says what changed since
}

// Settled is the body of message.settled: what became of a mail.
type Settled struct {
	State MessageState `json:"state"`
	Error string       `json:"error,omitempty"`
}

// Body encodes an event's body. It panics on values that have no JSON form, which none of the bodies here are.
func Body(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("register: body without a JSON form: " + err.Error())
	}
	return b
}
