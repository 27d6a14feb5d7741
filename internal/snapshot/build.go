package snapshot

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/timeline"
	"skift/internal/yamldoc"
)

// In is what a snapshot is made of. Nil facts are read as: nothing has happened yet.
type In struct {
	Plan     *plan.Plan
	Bound    func(hash string) *plan.Plan // the revision that a run is bound to, nil = it is not to be had; nil func = only Plan is known
	Runs     *run.Facts
	Register *register.Facts
	LastOK   map[checks.Unit]time.Time // when each was last let in; nil = not known
	Days     map[string][]register.Day // suite → how the last days were, newest first; of suites of which a gate asks it
	Latest   []register.Interval       // the newest of each unit, in any environment, and the few before it that say whether it flaps
	Messages []register.Message
	Events   []journal.Event // the newest, oldest of them first; may be empty
	Head     journal.Head
	Now      time.Time
	Progress map[string]run.Progress // of steps in flight, by run/step; nil = none is known
	AuthWait time.Duration           // how long no schedule repeats a login that was refused
	Rejected *Rejected               // a plan that could not be taken into use; nil = none
	Viewer   string                  // party, or member of a group; "" or the customer sees everything
}

// builder holds what several parts of a snapshot are made from.
type builder struct {
	In
	tl       *timeline.Timeline
	matrices map[string]matrix.Matrix // environment → all checks
}

// Build makes the snapshot of an instant, as the viewer may see it. The facts are only read, and nothing of them is kept
// that changes later.
func Build(in In) Snapshot {
	b := newBuilder(in)
	s := Snapshot{
		Plan: b.head(), At: in.Now.UTC(), Head: in.Head.String(), Events: in.Head.Size,
		Rejected: in.Rejected, Milestones: b.milestones(), Zones: b.zones(), Next: b.next(), Meetings: Meetings(b.Plan, b.Viewer, b.Now, b.Now.Add(zoneHorizon)), Runs: b.runs(), Gates: b.gates(),
		Checks: b.environments(), Suites: b.suites(), Flows: b.flows(), Deviations: b.deviations(), Incidents: b.incidents(), Drifts: b.drifts(), Log: b.log(),
		Outbox: b.outbox(), Duty: b.duty(), Phases: b.phases(), Decisions: b.decisions(), Latest: b.latest(), Told: maps.Clone(b.Register.Told), Titles: b.titles(), Ahead: b.ahead(), Overall: b.overall(),
	}
	s.Needed = b.needed(s)
	s.Status = b.status(s)
	if b.Viewer != "" {
		b.reduce(&s)
	}
	return s
}

func newBuilder(in In) *builder {
	if in.Plan == nil {
		in.Plan = &plan.Plan{}
	}
	if in.Runs == nil {
		in.Runs = &run.Facts{}
	}
	if in.Register == nil {
		in.Register = &register.Facts{}
	}
	if p := in.Plan.Parties[in.Viewer]; p != nil && p.Role == plan.Customer {
		in.Viewer = ""
	}
	b := &builder{In: in, tl: timeline.At(in.Plan, in.Register, in.Now), matrices: map[string]matrix.Matrix{}}
	for _, env := range in.Plan.EnvIDs {
		b.matrices[env] = matrix.Scope{Plan: in.Plan, Environment: env, Checks: in.Plan.CheckIDs, Facts: in.Register, Now: in.Now,
			Moment: b.tl.Moment, Within: b.tl.Within, LastOK: in.LastOK, AuthWait: in.AuthWait}.Compare(in.Latest)
	}
	return b
}

func (b *builder) head() Plan {
	p := b.Plan
	out := Plan{ID: p.ID, Title: p.Title, Hash: p.Hash, Language: p.Language, Zone: p.Zone, Contact: b.contact("")}
	if out.Zone == nil {
		out.Zone = time.UTC
	}
	out.Timezone = out.Zone.String()
	return out
}

// contact is the customer's first seat that is not of a party.
func (b *builder) contact(not string) string {
	for _, id := range b.Plan.SeatIDs {
		pt := b.Plan.Parties[plan.SeatParty(id)]
		if pt != nil && pt.Role == plan.Customer && pt.ID != not {
			return id
		}
	}
	return ""
}

func (b *builder) titles() map[string]yamldoc.Text {
	out := map[string]yamldoc.Text{}
	set := func(sort, id string, t yamldoc.Text) {
		if !t.IsZero() {
			out[sort+"/"+id] = t
		}
	}
	for id, g := range b.Plan.Gates {
		set("gate", id, g.Title)
	}
	for id, s := range b.Plan.Seats {
		set("seat", id, s.Title)
	}
	for id, s := range b.Plan.Services {
		set("service", id, s.Title)
	}
	for id, r := range b.Plan.Runbooks {
		set("runbook", id, r.Title)
	}
	for id, m := range b.Plan.Milestones {
		set("milestone", id, m.Title)
	}
	for id, p := range b.Plan.Parties {
		set("party", id, yamldoc.Text{Da: p.Name, En: p.Name})
	}
	return out
}

// Title is what the plan calls a thing of a sort ("gate", "seat", "party", "service", "runbook", "milestone"), else its id.
func (s Snapshot) Title(sort, id, lang string) string {
	if t := s.Titles[sort+"/"+id].In(lang); t != "" {
		return t
	}
	return id
}

func (b *builder) deviations() []Deviation {
	out := []Deviation{}
	for _, d := range b.Register.Deviations {
		if b.Now.Before(d.Until) {
			out = append(out, Deviation{*d, d.InForce(b.Now)})
		}
	}
	return out
}

// keptLog is how many logged lines a snapshot holds: the journal has them all.
const keptLog = 200

func (b *builder) log() []Entry {
	out := []Entry{}
	for i := len(b.Register.Log) - 1; i >= 0 && len(out) < keptLog; i-- {
		l := b.Register.Log[i]
		out = append(out, Entry{l.Seq, l.At, l.Actor, l.Text})
	}
	return out
}

// shownEvents is how many of the journal's latest events are shown.
const shownEvents = 20

func (b *builder) latest() []Event {
	out := []Event{}
	for i := len(b.Events) - 1; i >= 0 && len(out) < shownEvents; i-- {
		e := b.Events[i]
		out = append(out, Event{e.Seq, e.At, e.Kind, e.Run, e.Subject, e.Actor})
	}
	return out
}

// address finds what looks like a mail address: servers like to repeat the one they refuse.
var address = regexp.MustCompile(`[^\s<>"']+@[^\s<>"']+`)

func (b *builder) outbox() Outbox {
	var o Outbox
	counts := map[register.MessageState]*int{register.MessageQueued: &o.Queued, register.MessageSending: &o.Sending,
		register.MessageSent: &o.Sent, register.MessageUncertain: &o.Uncertain, register.MessageFailed: &o.Failed}
	for _, m := range b.Messages {
		if n := counts[m.State]; n != nil {
			*n++
		}
		text := address.ReplaceAllString(m.LastError, "(address)")
		if text != "" && m.State != register.MessageSent && !slices.Contains(o.Errors, text) {
			o.Errors = append(o.Errors, text)
		}
	}
	o.Unsent = unsent(b.Messages)
	return o
}

func (b *builder) duty() []Duty {
	out := []Duty{}
	for _, seat := range b.Plan.SeatIDs {
		on := b.Plan.Roster.At(seat, b.Now, b.Plan.Seats[seat].Deputies...)
		d := Duty{Seat: seat, Person: on.Person()}
		switch {
		case len(on.On) > 0:
			d.Until = on.On[0].Until
		case len(on.Deputies) > 0:
			d.Until = on.Deputies[0].Until
		}
		if on.Next != nil {
			d.Next, d.NextFrom = on.Next.Person, on.Next.From
		}
		if len(on.Deputies) > 0 {
			d.Deputy = on.Deputies[0].Person
		}
		out = append(out, d)
	}
	return out
}

// person is who answers for a seat now; "" when nobody does.
func (b *builder) person(seat string) string {
	s := b.Plan.Seats[seat]
	if s == nil {
		return ""
	}
	return b.Plan.Roster.At(seat, b.Now, s.Deputies...).Person()
}

func (b *builder) phases() []Phase {
	out := []Phase{}
	for _, env := range b.Plan.EnvIDs {
		for _, service := range b.Plan.ServiceIDs {
			if len(b.Plan.Services[service].In[env]) > 0 {
				out = append(out, Phase{env, service, "", b.Register.Phase(env, service, "")})
			}
			out = append(out, b.ownPhases(env, service)...)
		}
	}
	return out
}

// ownPhases are those of parties for whom a service stands elsewhere than for everybody.
func (b *builder) ownPhases(env, service string) []Phase {
	var out []Phase
	for k, ph := range b.Register.Phases {
		if k.Environment == env && k.Service == service && k.Party != "" {
			out = append(out, Phase{env, service, k.Party, ph})
		}
	}
	slices.SortFunc(out, func(x, y Phase) int { return cmp.Compare(x.Party, y.Party) })
	return out
}

// production is the comparison that decides: that of the production environment.
func (b *builder) production() matrix.Matrix { return b.matrices[b.Plan.Production()] }

// tally counts the units of some checks of an environment.
func (b *builder) tally(env string, ids []string) (matrix.Matrix, matrix.Evidence) {
	m := b.matrices[env]
	var pairs []matrix.Pair
	for _, p := range m.Pairs {
		if slices.Contains(ids, p.Check) {
			pairs = append(pairs, p)
		}
	}
	m.Pairs = pairs
	return m, m.Tally()
}

// worseVerdict is the worse of two, where "" is none.
func worseVerdict(a, b checks.Verdict) checks.Verdict {
	if slices.Index(checks.Verdicts(), b) > slices.Index(checks.Verdicts(), a) {
		return b
	}
	return a
}
