// Package plan is one transition as its authors wrote it: parties, seats, environments, services, vantages, milestones,
// zones, gates, suites and audiences. It answers what *should* happen; when it happens is timeline's, what did happen is run's.
//
// A Plan is immutable after Load, carries a hash over every file that gives it meaning (contacts, which hold personal data,
// are left out), and is safe for concurrent reading. The package knows no clock, no disk (it reads an fs.FS) and no network.
package plan

import (
	"slices"
	"time"

	_ "time/tzdata" // plans name time zones; the host may have no zone files

	"skift/checks"
	"skift/internal/diag"
	"skift/internal/people"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// Plan is plan.yaml with the files it names. Maps have a slice of ids in file order beside them where order is shown.
type Plan struct {
	ID       string
	Title    yamldoc.Text
	Zone     *time.Location // timezone
	Language string         // "da" or "en": language of everything not addressed to somebody with another
	Holidays string         // "dk" or "" (none)
	Hash     string         // hex SHA-256 over the files read, see Load

	Parties      map[string]*Party
	PartyIDs     []string
	Seats        map[string]*Seat
	SeatIDs      []string
	Roster       people.Roster
	Contacts     people.Contacts
	ContactsFile string // "" = none; left out of Hash
	Areas        []string
	Environments map[string]*Environment
	EnvIDs       []string
	Platforms    map[checks.Side]*Platform
	Services     map[string]*Service
	ServiceIDs   []string
	Flows        []*Flow
	Vantages     map[string]*Vantage
	VantageIDs   []string
	Checks       map[string]*checks.Spec
	CheckIDs     []string
	Suites       map[string]*Suite
	SuiteIDs     []string
	Milestones   map[string]*Milestone
	MilestoneIDs []string
	Waves        map[string]*Wave
	WaveIDs      []string
	WaveParty    string     // the group whose members the waves are of
	Meetings     []*Meeting // in the order of their tables
	Gates        map[string]*Gate
	GateIDs      []string
	Audiences    map[string]*Audience
	AudienceIDs  []string
	Runbooks     map[string]*runbooks.Runbook // those the plan uses, own or standard
	RunbookIDs   []string
	Trust        map[string][]byte // PEM bundles named by checks and steps: path in the plan directory → bytes
	Thresholds   Thresholds
	Words        map[string]string // `words:`: catalogue key → the programme's own word
	Sources      map[string][]byte // file → bytes, for snippets; contacts are among them

	members map[string]Member // by id
	master  *runbooks.Runbook // the overall plan, see Master; nil in a plan that was not loaded
}

// newPlan is an empty plan with its maps made.
func newPlan() *Plan {
	return &Plan{
		Zone:         time.UTC,
		Parties:      map[string]*Party{},
		Seats:        map[string]*Seat{},
		Environments: map[string]*Environment{},
		Platforms:    map[checks.Side]*Platform{},
		Services:     map[string]*Service{},
		Vantages:     map[string]*Vantage{},
		Checks:       map[string]*checks.Spec{},
		Suites:       map[string]*Suite{},
		Milestones:   map[string]*Milestone{},
		Waves:        map[string]*Wave{},
		Gates:        map[string]*Gate{},
		Audiences:    map[string]*Audience{},
		Runbooks:     map[string]*runbooks.Runbook{},
		Trust:        map[string][]byte{},
		members:      map[string]Member{},
	}
}

// Thresholds turns facts into the status light: `thresholds: {yellow: 5d, red: 10d}` of slip.
type Thresholds struct {
	YellowSlip time.Duration // default 5 days
	RedSlip    time.Duration // default 10 days
}

// Role of a party: customer old-supplier new-supplier user source other.
type Role string

// The roles a party can have.
const (
	Customer    Role = "customer"
	OldSupplier Role = "old-supplier"
	NewSupplier Role = "new-supplier"
	User        Role = "user"
	Source      Role = "source"
	Other       Role = "other"
)

// Party is an organisation, or a group of them with members from a CSV (id,name and optional columns).
type Party struct {
	ID      string
	Name    string
	Role    Role
	Members []Member // group parties only
	Consent *Consent // nil = only what needs none
	Pos     diag.Pos

	membersFile diag.Word
}

// Member is one row of a party's members file. Its id is a party id of its own wherever a party is named.
type Member struct {
	ID, Name string
	Wave     string
	Group    string // id of the party it belongs to
	Contact  string // person who is told; "" = those of its flows
	Pos      diag.Pos

	wavePos diag.Pos
}

// Consent is what a target party has agreed to be asked: levels sftp-login, write, negative.
type Consent struct {
	Levels []string
	From   When // zero = always
	Until  When // zero = no end
	Ref    string
}

// Seat is a role that acts: "ibm/operator".
type Seat struct {
	ID           string
	Party        string // the part before the slash
	Deputies     []string
	AnswerWithin time.Duration
	Title        yamldoc.Text
	Pos          diag.Pos
}

// Environment is where checks and runs happen; exactly one is production.
type Environment struct {
	ID         string
	Production bool
	Pos        diag.Pos
}

// Suite is a set of checks with a schedule of its own: either Every or Cron, and only During when given.
type Suite struct {
	ID          string
	Title       yamldoc.Text
	Patterns    []string // as written, ids or globs
	Checks      []string // resolved ids in file order
	Environment string   // default: the production one
	Every       time.Duration
	Cron        string
	During      []Period
	Pace
	Pos diag.Pos
}

// Pace says how closely the slots of a schedule are kept to.
type Pace struct {
	Jitter   time.Duration // within how long of its slot the work begins; 0 = at once. Less than the schedule's interval
	OnMissed OnMissed
}

// OnMissed says what becomes of a slot whose time passed while nobody could begin its work.
type OnMissed string

// The policies. The zero value is RunOnce.
const (
	RunOnce    OnMissed = "run_once" // the newest one is worked as soon as somebody can, older ones are missed
	SkipMissed OnMissed = "skip"     // it is missed, and the next one is waited for
)

// Period is a stretch of the plan: a milestone's, or between two time expressions.
type Period struct {
	Milestone   string
	From, Until When
}

// MilestoneKind: zone phase window release point.
type MilestoneKind string

// The kinds of milestone.
const (
	Zone    MilestoneKind = "zone"    // forbids changes while in force
	Phase   MilestoneKind = "phase"   // a stretch of work with an exit
	Window  MilestoneKind = "window"  // a bounded stretch in which a runbook runs
	Release MilestoneKind = "release" // a change taken into use on a date
	Point   MilestoneKind = "point"   // something is true from a date
)

// Milestone is one line of the timeline. `from`/`until` for zone, phase and window; `in: YYYY-MM` for a whole month (or two: `in: 2019-09..2019-10`);
// `date` for release and point.
type Milestone struct {
	ID          string
	Title       yamldoc.Text
	Kind        MilestoneKind
	From, Until When  // also filled from `in` and `date`
	Was         []Was // the dates it had before, oldest first; empty = it was never moved
	Allow       []Class
	AppliesTo   []checks.Side // zones: empty = both
	Services    []string      // zones: of these alone; windows: no others are switched in it; empty = of all
	Parties     []string      // zones: for what these parties do alone; empty = for all
	Hard        bool          // zones: nobody makes an exception
	InFlight    InFlight      // zones: what becomes of a run that is changing something when they begin
	Runbook     string
	Environment string // of the runbook it starts; default production
	Rehearsal   bool   // `rehearsal: true`: the runbook it starts is a rehearsal
	Exit        string // gate that passes it; "" = passes when its end comes, or by a person for event ends
	Owner       string
	Change      Class // release: what taking it in is; also the transition's own
	Area        string
	Wave        string // of which wave it is; "" = of all
	Pos         diag.Pos
}

// Was is one earlier pair of dates of a milestone, and why it has them no more.
type Was struct {
	From, Until When
	Moved       When   // the local day on which it was moved
	By          string // seat that moved it; "" = not said
	Reason      string
	Pos         diag.Pos
}

// First is the dates that the milestone had when the plan was first written.
func (m *Milestone) First() (from, until When) {
	if len(m.Was) == 0 {
		return m.From, m.Until
	}
	return m.Was[0].From, m.Was[0].Until
}

// AsOf is the plan with the dates that its milestones had at an instant, as far as `was` tells; everything else is as it is. A move is kept
// by its day: on that day itself the milestone still had the date before.
func (p *Plan) AsOf(at time.Time) *Plan {
	out := *p
	out.Milestones = make(map[string]*Milestone, len(p.Milestones))
	for id, m := range p.Milestones {
		for i, w := range m.Was {
			if w.Moved.Until.After(at) {
				then := *m
				then.From, then.Until, then.Was = w.From, w.Until, m.Was[:i]
				m = &then
				break
			}
		}
		out.Milestones[id] = m
	}
	return &out
}

// Class is a change class. Tree: scope ⊃ fix ⊃ incident-c, incident-b, incident-a; beside it transition, certificate, emergency.
type Class string

// The classes of change.
const (
	Scope       Class = "scope"
	Fix         Class = "fix"
	IncidentA   Class = "incident-a"
	IncidentB   Class = "incident-b"
	IncidentC   Class = "incident-c"
	Transition  Class = "transition"
	Certificate Class = "certificate"
	Emergency   Class = "emergency"
)

// Classes lists every class, widest first.
func Classes() []Class {
	return []Class{Scope, Fix, IncidentC, IncidentB, IncidentA, Transition, Certificate, Emergency}
}

// InFlight is a zone's rule for runs that had begun to change something before it began. A step that has begun is finished whatever the rule
// is: nothing is cut off in the middle by a date.
type InFlight string

// The rules.
const (
	InFlightHolds    InFlight = "hold"   // the next step that the zone does not allow waits; the default
	InFlightFinishes InFlight = "finish" // the run may be brought to its end: half of it would be worse than all
)

// Audience is who is told what, when, in which language.
type Audience struct {
	ID       string
	Title    yamldoc.Text
	To       []string // seats
	ForEach  string   // a group party: one message per member that has a contact in the flows
	Report   string   // report id: weekly own-flows cutover-done …
	Cron     string
	Language string // "" = each reader's own, else the plan's
	Wave     string // those of one wave alone; "" = all
	Pace
	Pos diag.Pos
}

// Reports lists the reports an audience can be sent. What each says is package report's; its test holds the two together.
func Reports() []string { return []string{"weekly", "own-flows", "cutover-done", "gate", "zone"} }

// Production returns the id of the production environment, "" if none.
func (p *Plan) Production() string {
	for _, id := range p.EnvIDs {
		if p.Environments[id].Production {
			return id
		}
	}
	return ""
}

// Asks reports whether a step of a runbook, or of one inside it, stands behind a gate. A plan has no runbook inside itself.
func (p *Plan) Asks(runbook, gate string) bool {
	rb := p.Runbooks[runbook]
	return rb != nil && slices.ContainsFunc(rb.Steps, func(s *runbooks.Step) bool {
		return s.AfterGate == gate || s.Runbook != "" && p.Asks(s.Runbook, gate)
	})
}

// SuiteEnvironment returns where a suite is asked.
func (p *Plan) SuiteEnvironment(s *Suite) string {
	if s.Environment != "" {
		return s.Environment
	}
	return p.Production()
}

// Member finds a group party's member by its id.
func (p *Plan) Member(id string) (Member, bool) {
	if p.members != nil {
		m, ok := p.members[id]
		return m, ok
	}
	for _, pid := range p.PartyIDs {
		for _, m := range p.Parties[pid].Members {
			if m.ID == id {
				return m, true
			}
		}
	}
	return Member{}, false
}

// SeatParty returns the party of a seat id such as "ibm/operator".
func SeatParty(seat string) string {
	for i := range len(seat) {
		if seat[i] == '/' {
			return seat[:i]
		}
	}
	return seat
}
