// Package register holds the facts beside runs: gates with their votes and decisions, phases of services, accepted
// deviations, milestones passed, the status set by a person, and what was logged; and the records that are stored with
// them (slots, messages, intervals). Facts are a fold of journal events and nothing else.
//
// The package is pure and decides nothing: whether a vote may be given is gate's question. [Facts] is not safe for
// concurrent use; its owner guards it.
package register

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/journal"
)

// Facts is everything known beside runs. The zero value is empty and ready.
type Facts struct {
	AdoptedAt  time.Time            // when the plan first came into use; zero = not yet
	PlanHash   string               // of the revision in use
	Revisions  []Revision           // that came into use, oldest first
	Added      map[string]time.Time // suites and audiences that a later revision added, as "suites/ID" → when that came into use
	Gates      map[GateKey]*GateFacts
	Phases     map[PhaseKey]checks.Phase
	Deviations []*Deviation
	Milestones map[string]*MilestoneFacts
	Status     *Status // last light a person set; nil = none
	Note       *Status // last note
	Log        []Entry // what people logged, oldest first
	Sweeps     map[string]Sweep
	Paused     map[string]Pause      // party → why nothing of it is asked at present
	Reports    map[string]time.Time  // audience → when its report was last queued
	Told       map[string]Told       // audience → what its last report with a light said
	ToldOf     map[int64]bool        // events of which a report told
	Exports    map[string]*Export    // what parties were given to ask for us
	Waivers    []*WaiverFacts        // exceptions from frozen zones that were asked for, oldest first
	Drifts     []*DriftFacts         // what people made of differences in frozen zones, oldest first
	Zones      map[string]*ZoneFacts // zone → what its units showed when it began, and what differs since
	Overrides  []*OverrideFacts      // back-outs past the point of no return that were asked for, oldest first
	Brought    map[string]int64      // digest of what was imported → the event that says so
	Incidents  map[string]*IncidentFacts
	// IncidentLists are when all incidents of a platform were known last.
	IncidentLists map[checks.Side]IncidentList
}

// Revision is a revision of the plan that came into use.
type Revision struct {
	At   time.Time
	Hash string
}

// RevisionAt is the hash of the revision that was in use at an instant; "" = none was.
func (f *Facts) RevisionAt(at time.Time) (hash string) {
	for _, r := range f.Revisions {
		if r.At.After(at) {
			break
		}
		hash = r.Hash
	}
	return hash
}

// Told is what a report said, and when.
type Told struct {
	Light Light     `json:"light"`
	At    time.Time `json:"at"`
}

// GateKey names a gate: the plan's own, or as practised in a rehearsal.
type GateKey struct {
	Gate string
	Run  string // "" = the plan's own
}

// GateFacts is what happened at one gate.
type GateFacts struct {
	Round     int // 0 = never opened
	OpenedAt  time.Time
	Votes     map[string]Vote // this round's standing answers by seat
	Attested  map[string]Attestation
	Until     time.Time // extended deadline; zero = the plan's
	Extension string    // its reason
	Decision  *Decision // of this round
	Earlier   []Decision
	UsedBy    string   // the live run that went through this round's go
	Alike     []string // the last revisions of the plan, hashes in order, in which the gate is the same; nil = it is another in the last one
}

// Through is the go a live run went through here, in this round or an earlier one; nil = none.
func (g *GateFacts) Through(runID string) *Decision {
	if g.Decision != nil && g.Decision.UsedBy == runID {
		return g.Decision
	}
	for i := range g.Earlier {
		if g.Earlier[i].UsedBy == runID {
			return &g.Earlier[i]
		}
	}
	return nil
}

// Vote is one seat's standing answer.
type Vote struct {
	Voted
	Seq   int64
	At    time.Time
	Actor journal.Actor
}

// Attestation is a person's word for a criterion.
type Attestation struct {
	Attested
	Seq   int64
	At    time.Time
	Actor journal.Actor
}

// Decision is how a round ended.
type Decision struct {
	Decided
	Seq    int64         `json:"event"`
	At     time.Time     `json:"at"`
	Actor  journal.Actor `json:"actor"`
	UsedBy string        `json:"used_by,omitempty"` // the live run that went through a go; no other may
}

// PhaseKey names what a phase is kept of.
type PhaseKey struct {
	Environment, Service string
	Party                string // "" = every party without one of its own
}

// Deviation is a failing check somebody accepted for a while. It never turns anything green.
type Deviation struct {
	Accepted
	Check       string        `json:"check"`
	Seq         int64         `json:"event"`
	At          time.Time     `json:"at"`
	Actor       journal.Actor `json:"actor"`
	ConfirmedAt time.Time     `json:"confirmed_at,omitzero"` // zero = not (yet) confirmed
	ConfirmedBy journal.Actor `json:"confirmed_by,omitzero"`
}

// InForce reports whether the deviation counts at now: not lapsed and, when critical, confirmed.
func (d *Deviation) InForce(now time.Time) bool {
	return now.Before(d.Until) && (!d.Critical || !d.ConfirmedAt.IsZero())
}

// Deviation returns the accepted deviation with that event number; nil = there is none.
func (f *Facts) Deviation(seq int64) *Deviation {
	i := slices.IndexFunc(f.Deviations, func(d *Deviation) bool { return d.Seq == seq })
	if i < 0 {
		return nil
	}
	return f.Deviations[i]
}

// MilestoneFacts is what happened to a milestone.
type MilestoneFacts struct {
	StartedAt  time.Time // entered by the scheduler or a person
	PassedAt   time.Time // zero = not passed
	PassedBy   journal.Actor
	Gate, Run  string
	ReopenedAt time.Time
	DatedAt    time.Time // when a revision came into use that added it, or moved it or what it hangs on; zero = it is of the first
	InForceAt  time.Time // of a zone: when a revision came into use that brought it into force; zero = none did
}

// Status is the manager's own words.
type Status struct {
	StatusBody
	Seq   int64         `json:"event"`
	At    time.Time     `json:"at"`
	Actor journal.Actor `json:"actor"`
}

// Entry is one line somebody logged.
type Entry struct {
	Text  string
	Seq   int64
	At    time.Time
	Actor journal.Actor
}

// Sweep is the last sweep of a suite.
type Sweep struct {
	Swept
	Seq int64
	At  time.Time
}

// Pause is a party of which nothing is asked for now.
type Pause struct {
	Reason string        `json:"reason,omitempty"`
	Seq    int64         `json:"event"`
	At     time.Time     `json:"at"`
	Actor  journal.Actor `json:"actor"`
}

// PausedAmong is the first of some parties whose probing is paused; "" = none is.
func (f *Facts) PausedAmong(parties []string) string {
	for _, p := range parties {
		if _, ok := f.Paused[p]; ok {
			return p
		}
	}
	return ""
}

// Gate returns the facts of a gate; never nil, empty when nothing happened.
func (f *Facts) Gate(k GateKey) *GateFacts {
	if g := f.Gates[k]; g != nil {
		return g
	}
	return &GateFacts{}
}

// Spent reports whether the go of one of the plan's own gates has had its effect: a live run went through it, or it passed a milestone. It
// stays what it was whatever the plan says since.
func (f *Facts) Spent(gate string) bool {
	if f.Gate(GateKey{Gate: gate}).UsedBy != "" {
		return true
	}
	for _, m := range f.Milestones {
		if m.Gate == gate && !m.PassedAt.IsZero() {
			return true
		}
	}
	return false
}

// GatesUsed lists the gates whose go a live run went through, sorted.
func (f *Facts) GatesUsed(runID string) []string {
	var used []string
	for k, g := range f.Gates {
		if k.Run == "" && g.Through(runID) != nil {
			used = append(used, k.Gate)
		}
	}
	slices.Sort(used)
	return used
}

// Phase returns the phase of a service for a party: its own, else everybody's, else before.
func (f *Facts) Phase(env, service, party string) checks.Phase {
	if ph, ok := f.Phases[PhaseKey{env, service, party}]; ok {
		return ph
	}
	if ph, ok := f.Phases[PhaseKey{env, service, ""}]; ok {
		return ph
	}
	return checks.Before
}

// Milestone returns the facts of a milestone; the zero value when nothing happened.
func (f *Facts) Milestone(id string) MilestoneFacts {
	if m := f.Milestones[id]; m != nil {
		return *m
	}
	return MilestoneFacts{}
}

// Apply folds one event. Kinds of other packages are ignored.
func (f *Facts) Apply(e journal.Event) error {
	apply, ok := appliers[e.Kind]
	if !ok {
		return nil
	}
	if err := apply(f, e); err != nil {
		return fmt.Errorf("event %d %s %s: %w", e.Seq, e.Kind, e.Subject, err)
	}
	return nil
}

var appliers = map[string]func(*Facts, journal.Event) error{
	PlanAdopted:        applying((*Facts).applyAdopted),
	GateOpened:         applying((*Facts).applyOpened),
	GateVoted:          applying((*Facts).applyVoted),
	GateAttested:       applying((*Facts).applyAttested),
	GateExtended:       applying((*Facts).applyExtended),
	GateDecided:        applying((*Facts).applyDecided),
	GateUsed:           applying((*Facts).applyUsed),
	PhaseMoved:         applying((*Facts).applyMoved),
	DeviationAccepted:  applying((*Facts).applyAccepted),
	DeviationConfirmed: applying((*Facts).applyConfirmed),
	MilestoneStarted:   applying((*Facts).applyMilestone),
	MilestonePassed:    applying((*Facts).applyMilestone),
	MilestoneReopened:  applying((*Facts).applyMilestone),
	StatusSet:          applying((*Facts).applyStatus),
	NoteWritten:        applying((*Facts).applyStatus),
	Logged:             applying((*Facts).applyLogged),
	SweepDone:          applying((*Facts).applySwept),
	ProbingPaused:      applying((*Facts).applyPaused),
	ProbingResumed:     applying((*Facts).applyPaused),
	ProbeExported:      applying((*Facts).applyExported),
	ProbeRevoked:       applying((*Facts).applyRevoked),
	ProbeImported:      applying((*Facts).applyImported),
	LogObserved:        applying((*Facts).applyObserved),
	ReportQueued:       applying((*Facts).applyQueued),
	WaiverAsked:        applying((*Facts).applyWaiverAsked),
	WaiverConfirmed:    applying((*Facts).applyWaiverConfirmed),
	DriftAnswered:      applying((*Facts).applyDrift),
	DriftAsked:         applying((*Facts).applyAsked),
	DriftExcepted:      applying((*Facts).applyAsked),
	ZoneBaseline:       applying((*Facts).applyBaseline),
	OverrideAsked:      applying((*Facts).applyOverrideAsked),
	OverrideConfirmed:  applying((*Facts).applyOverrideConfirmed),
	IncidentOpened:     applying((*Facts).applyIncident),
	IncidentChanged:    applying((*Facts).applyIncident),
	IncidentClosed:     applying((*Facts).applyIncidentClosed),
	IncidentsListed:    applying((*Facts).applyIncidentsListed),
}

// applying decodes the body before it hands it on.
func applying[B any](apply func(*Facts, journal.Event, B) error) func(*Facts, journal.Event) error {
	return func(f *Facts, e journal.Event) error {
		var b B
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return fmt.Errorf("read body: %w", err)
		}
		return apply(f, e, b)
	}
}

// Frozen returns a copy that holds what frozen zones depend on: dates, exceptions, baselines, differences, and what people made of these. It
// may be kept while f goes on.
func (f *Facts) Frozen() *Facts {
	out := f.Dates()
	for _, w := range f.Waivers {
		c := *w
		out.Waivers = append(out.Waivers, &c)
	}
	out.Drifts = slices.Clone(f.Drifts) // an answer never changes
	for id, z := range f.Zones {
		out.putZone(id, z.clone())
	}
	return out
}

// Dates returns a copy that holds what dates depend on: milestones and adoption. It may be kept while f goes on.
func (f *Facts) Dates() *Facts {
	out := &Facts{AdoptedAt: f.AdoptedAt, PlanHash: f.PlanHash, Added: maps.Clone(f.Added), Milestones: make(map[string]*MilestoneFacts, len(f.Milestones))}
	for id, m := range f.Milestones {
		c := *m
		out.Milestones[id] = &c
	}
	return out
}
