// Package snapshot makes the one value that reports, screens and --json show: a plan with its facts, observations and
// votes at an instant, as one viewer may see it.
//
// It decides nothing anew: dates are timeline's, comparisons matrix's, decisions gate's. Whatever a viewer must not see is
// left out here, once. It holds ids, never names, addresses or phone numbers of people. The package is pure; a Snapshot is
// a value that nothing changes afterwards.
package snapshot

import (
	"time"

	"skift/checks"
	"skift/internal/forecast"
	"skift/internal/freeze"
	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/matrix"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/yamldoc"
)

// Snapshot is the present state of one transition.
type Snapshot struct {
	Plan       Plan           `json:"plan"`
	At         time.Time      `json:"at"`
	Head       string         `json:"head"` // of the journal, complete: what `skift verify --head` takes
	Events     int64          `json:"events"`
	Viewer     string         `json:"viewer,omitempty"` // party; "" = the customer, who sees everything
	Status     Status         `json:"status"`
	Rejected   *Rejected      `json:"rejected,omitempty"` // a plan that could not be taken into use while this one is
	Milestones []Milestone    `json:"milestones"`
	Zones      []Zone         `json:"zones"` // in force, or beginning within 14 days
	Next       []Happening    `json:"next"`
	Meetings   []Meeting      `json:"meetings,omitempty"` // of the next 14 days
	Runs       []Run          `json:"runs"`               // newest first
	Gates      []Gate         `json:"gates"`              // the plan's own, then those practised in unfinished rehearsals
	Needed     []Needed       `json:"decisions_needed"`
	Checks     []Environment  `json:"checks"`
	Suites     []Suite        `json:"suites"`
	Flows      []Flow         `json:"flows"`
	Deviations []Deviation    `json:"deviations"`
	Incidents  Incidents      `json:"incidents"`
	Drifts     []freeze.Drift `json:"differences"` // in frozen zones: those in force, and what nobody has answered; oldest first
	Log        []Entry        `json:"log"`         // newest first
	Outbox     Outbox         `json:"outbox"`
	Duty       []Duty         `json:"duty"`
	Phases     []Phase        `json:"phases"`
	Decisions  []Decision     `json:"decisions"` // newest first
	Latest     []Event        `json:"latest"`    // of the journal, newest first

	// Overall is the overall plan as a run: each milestone is a step of it. Nothing of it is journalled; missing = the plan has no milestones, or
	// the viewer may not see it.
	Overall *Run `json:"overall,omitempty"`

	// Ahead is how the runbooks of a window are expected to go that have not begun, by their ids, as if each began with its window.
	Ahead map[string]*forecast.Forecast `json:"ahead,omitempty"`

	Told map[string]register.Told `json:"told,omitempty"` // audience → what its last report said

	// Titles are what the plan calls things, under "gate/ID", "seat/ID", "party/ID", "service/ID", "runbook/ID", "milestone/ID".
	Titles map[string]yamldoc.Text `json:"titles"`
}

// Plan is the head of the plan.
type Plan struct {
	ID       string       `json:"id"`
	Title    yamldoc.Text `json:"title"`
	Hash     string       `json:"hash"`
	Timezone string       `json:"timezone"`
	Language string       `json:"language"`
	Contact  string       `json:"contact,omitempty"` // the customer's first seat: whom to write to

	Zone *time.Location `json:"-"`
}

// Gate is how a gate stands, with what the plan says about it.
type Gate struct {
	gate.Judgement
	Title   yamldoc.Text `json:"title"`
	Decides string       `json:"decides"`
	Scope   []string     `json:"scope,omitempty"` // services a go covers; empty = all
}

// What a gate's judgement and its decision are made of, by names that need no other package.
type (
	Criterion  = register.CriterionSeen
	PollAnswer = register.PollAnswer
	GateReason = register.Reason
	Count      = register.Count
)

// Status is the light: what was computed, and what a person set; both are shown.
type Status struct {
	Computed register.Light   `json:"computed"`
	Reasons  []Reason         `json:"reasons"` // why it is not green, gravest first
	Set      *register.Status `json:"set,omitempty"`
	Note     *register.Status `json:"note,omitempty"`

	Dimensions []Dimension `json:"dimensions"`
}

// Dimension is one side of the status. Light is "" where nothing that is known here speaks about it: then it is stated by
// nobody, which is not green.
type Dimension struct {
	ID       string         `json:"id"` // schedule scope economy risk quality resources
	Light    register.Light `json:"light,omitempty"`
	LastWeek register.Light `json:"last_week,omitempty"` // known for the schedule only: dates are facts with a time
}

// Light is the light to show: the one a person set, else the computed one.
func (s Status) Light() register.Light {
	if s.Set != nil {
		return s.Set.Light
	}
	return s.Computed
}

// Reason is a catalogue word with what it is about: its sentence stands under "report.why." and the code.
type Reason struct {
	Code    string         `json:"code"`
	Light   register.Light `json:"light"`
	Subject string         `json:"subject,omitempty"` // milestone, gate, run or party
	Step    string         `json:"step,omitempty"`
	Side    string         `json:"side,omitempty"`  // contradiction: where its checks are asked; missing = on both
	Owner   string         `json:"owner,omitempty"` // party or seat who must act
	Days    int            `json:"days,omitempty"`
	Count   int            `json:"count,omitempty"`
	Of      int            `json:"of,omitempty"`
	At      time.Time      `json:"at,omitzero"`
}

// Run is one run.
type Run struct {
	ID          string        `json:"id"`
	Runbook     string        `json:"runbook"`
	Title       yamldoc.Text  `json:"title"`
	Environment string        `json:"environment"`
	Production  bool          `json:"production"`
	Rehearsal   bool          `json:"rehearsal"`
	Speed       float64       `json:"speed,omitempty"`
	State       run.State     `json:"state"`
	Reason      string        `json:"reason,omitempty"`
	HeldStep    string        `json:"held_step,omitempty"`
	HeldGate    string        `json:"held_gate,omitempty"`
	StartedAt   time.Time     `json:"started_at"`
	EndedAt     time.Time     `json:"ended_at,omitzero"`
	StartedBy   journal.Actor `json:"started_by"`
	Changed     bool          `json:"changed"`
	NoReturn    bool          `json:"point_of_no_return_passed"`
	BackOut     string        `json:"back_out,omitempty"`
	Parent      string        `json:"parent,omitempty"` // the run whose step this one is
	Undoes      string        `json:"undoes,omitempty"` // the run that this one backs out
	PlanHash    string        `json:"plan_hash"`        // the revision of the plan it is bound to
	HeldBy      journal.Actor `json:"held_by,omitzero"` // the person who holds it
	Paused      []Pause       `json:"paused,omitempty"` // nothing new is started in these
	Steps       []Step        `json:"steps"`
	Waiting     []string      `json:"waiting_at_gates,omitempty"`
	Wave        string        `json:"wave,omitempty"`     // whose milestone began it
	Switches    bool          `json:"switches,omitempty"` // one of its steps moves services to the new platform

	Forecast *forecast.Forecast `json:"forecast,omitempty"` // when it will end; nil = it has ended, or the viewer may not know

	Parameters map[string]string `json:"parameters,omitempty"` // with which it was started
}

// Step is one step of a run.
type Step struct {
	ID         string            `json:"id"`
	Name       yamldoc.Text      `json:"name"`
	Kind       string            `json:"kind"`
	State      run.StepState     `json:"state"` // startable when it could start now
	Owner      string            `json:"owner,omitempty"`
	Person     string            `json:"person,omitempty"` // on shift in the owner's seat now
	Stream     string            `json:"stream,omitempty"`
	Needs      []string          `json:"needs,omitempty"`
	AfterGate  string            `json:"after_gate,omitempty"`
	Attempt    int               `json:"attempt"`
	Simulated  bool              `json:"simulated,omitempty"`
	NoReturn   bool              `json:"point_of_no_return,omitempty"`
	Takes      time.Duration     `json:"takes,omitempty"` // ns; 0 = not estimated
	AskedAt    time.Time         `json:"asked_at,omitzero"`
	DueAt      time.Time         `json:"due_at,omitzero"`
	NotBefore  string            `json:"not_before,omitempty"` // as written; missing where it does not bind
	NotAfter   string            `json:"not_after,omitempty"`
	VerifyOn   string            `json:"verify_on,omitempty"` // the one side on which its checks must agree; missing = both, or it has none
	BeginsAt   time.Time         `json:"begins_at,omitzero"`  // nothing but this instant is waited for
	BeginsBy   time.Time         `json:"begins_by,omitzero"`  // after it the step does not begin any more
	Awaits     string            `json:"awaits,omitempty"`    // the file or the checks a running wait looks for
	Progress   *run.Progress     `json:"progress,omitempty"`  // of a copy under way
	FinishedAt time.Time         `json:"finished_at,omitzero"`
	By         journal.Actor     `json:"by,omitzero"`
	Reason     string            `json:"reason,omitempty"`
	Output     string            `json:"output,omitempty"`
	Switches   []string          `json:"switches,omitempty"` // services; once begun, those the go covers
	Closes     []string          `json:"closes,omitempty"`
	Facts      map[string]string `json:"facts,omitempty"`
	Added      bool              `json:"added,omitempty"` // put into the run while it was under way
	Issue      *Issue            `json:"issue,omitempty"` // what is wrong with it, as somebody flagged it
	Notes      []Note            `json:"notes,omitempty"` // oldest first

	Contradiction *run.Contradiction `json:"contradiction,omitempty"` // it is done, and its checks say otherwise now

	// Of a step of the overall plan, which is a milestone:
	Exit  string   `json:"exit,omitempty"`  // the gate whose go ends it
	Until string   `json:"until,omitempty"` // the date or event that ends it
	After []string `json:"after,omitempty"` // milestones that a gate of it wants passed
	Run   string   `json:"run,omitempty"`   // the newest run that it has begun
}

// Environment is the comparison of both sides in one environment.
type Environment struct {
	ID     string         `json:"id"`
	Counts map[string]int `json:"counts"` // pair word → pairs
	Pairs  []Pair         `json:"pairs"`  // worst first
}

// Pair is one comparison with its explanation.
type Pair struct {
	Check    string             `json:"check"`
	Service  string             `json:"service"`
	Critical bool               `json:"critical,omitempty"`
	Area     string             `json:"area,omitempty"`
	Flow     string             `json:"flow,omitempty"`
	Party    string             `json:"party,omitempty"`
	Vantage  string             `json:"vantage,omitempty"`
	Phase    checks.Phase       `json:"phase"`
	Verdict  checks.PairVerdict `json:"verdict"`
	Old      *Side              `json:"old,omitempty"` // nil = no address on that side
	New      *Side              `json:"new,omitempty"`
	AsOf     time.Time          `json:"as_of,omitzero"`
	Why      matrix.Why         `json:"why"`
}

// Side is the answer of one side that the verdict rests on.
type Side struct {
	Addr    string         `json:"addr"`
	Want    checks.Want    `json:"want"`
	Outcome checks.Verdict `json:"outcome"`
	Verdict checks.Verdict `json:"verdict"`
	Code    checks.Code    `json:"code"`
	At      time.Time      `json:"at,omitzero"`
	Since   time.Time      `json:"since,omitzero"`
	Asked   int            `json:"addresses"`        // of that side
	Brought checks.Brought `json:"brought,omitzero"` // how it came to us; missing = it was asked from here
}

// Suite is how fresh a suite is.
type Suite struct {
	ID          string       `json:"id"`
	Title       yamldoc.Text `json:"title"`
	Environment string       `json:"environment"`
	AsOf        time.Time    `json:"as_of,omitzero"` // zero = never asked
	Units       int          `json:"units"`
	Passed      int          `json:"passed"`
	Failed      int          `json:"failed"`
	Unseen      int          `json:"unseen"` // unverified, error and never seen
	Accepted    int          `json:"accepted"`
}

// Flow is one flow's way across.
type Flow struct {
	ID         string         `json:"id"`
	Party      string         `json:"party"`
	PartyName  string         `json:"party_name"`
	UserSystem string         `json:"user_system"`
	Service    string         `json:"service"`
	Source     string         `json:"source_ip,omitempty"`
	Phase      checks.Phase   `json:"phase"`
	Old        checks.Verdict `json:"old"` // worst verdict of its checks on that side; "" = none
	New        checks.Verdict `json:"new"`
	Word       checks.Word    `json:"word,omitempty"` // worst pair
	Owner      string         `json:"owner,omitempty"`
	Code       checks.Code    `json:"code,omitempty"` // of what is not as wanted; "" = nothing
	Direction  string         `json:"direction"`      // in or out

	InformedAt time.Time `json:"informed_at,omitzero"` // when a mail to the flow's contact last left; zero = not yet
	Allowed    Sides     `json:"allowed"`              // what the allow-list checks say
	Tested     Sides     `json:"tested"`               // what the other checks say
}

// Sides is one verdict per side, "" where nothing is asked.
type Sides struct {
	Old checks.Verdict `json:"old,omitempty"`
	New checks.Verdict `json:"new,omitempty"`
}

// Deviation is an accepted deviation not yet lapsed.
type Deviation struct {
	register.Deviation
	InForce bool `json:"in_force"` // false: it waits for a second seat
}

// Entry is a logged line.
type Entry struct {
	Event int64         `json:"event"`
	At    time.Time     `json:"at"`
	Actor journal.Actor `json:"actor"`
	Text  string        `json:"text"`
}

// Event is one of the journal's latest events, without its body.
type Event struct {
	Seq     int64         `json:"event"`
	At      time.Time     `json:"at"`
	Kind    string        `json:"kind"`
	Run     string        `json:"run,omitempty"`
	Subject string        `json:"subject,omitempty"`
	Actor   journal.Actor `json:"actor"`
}

// Outbox counts mails by state; the errors are those of the last attempts.
type Outbox struct {
	Queued    int      `json:"queued"`
	Sending   int      `json:"sending"`
	Sent      int      `json:"sent"`
	Uncertain int      `json:"uncertain"`
	Failed    int      `json:"failed"`
	Errors    []string `json:"errors,omitempty"`
	Unsent    []Letter `json:"unsent,omitempty"` // all that are neither sent nor being sent, those first that a person must look at
}

// Duty is who answers for a seat now.
type Duty struct {
	Seat     string    `json:"seat"`
	Person   string    `json:"person,omitempty"` // "" = nobody on shift
	Until    time.Time `json:"until,omitzero"`
	Next     string    `json:"next,omitempty"`
	NextFrom time.Time `json:"next_from,omitzero"`
	Deputy   string    `json:"deputy,omitempty"`
}

// Phase is where a service stands.
type Phase struct {
	Environment string       `json:"environment"`
	Service     string       `json:"service"`
	Party       string       `json:"party,omitempty"`
	Phase       checks.Phase `json:"phase"`
}

// Decision is a gate's decision.
type Decision struct {
	Gate string `json:"gate"`
	Run  string `json:"run,omitempty"` // the rehearsal it was practised in
	register.Decision
}
