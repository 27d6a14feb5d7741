package freeze

import (
	"slices"
	"time"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
	"skift/internal/yamldoc"
)

// Calendar is all that one party needs to ask by itself: the zones that bind it, the exceptions that count for it, the transitions it may
// do. Nothing of other parties is in it, but for the seats that may make an exception.
type Calendar struct {
	Plan        string       `json:"plan"`
	Title       yamldoc.Text `json:"title"`
	Revision    string       `json:"revision"` // hash of the plan
	Party       string       `json:"party"`    // whose it is: it answers for no other
	Language    string       `json:"language"`
	Timezone    string       `json:"timezone"`
	MadeAt      time.Time    `json:"made_at"`
	ValidUntil  time.Time    `json:"valid_until"`    // from then on it is too old
	Head        string       `json:"head,omitempty"` // of the journal it was made from; missing while the plan was not used
	Classes     []ClassIn    `json:"classes"`        // the tree of classes: allowing one allows what lies in it
	Services    []string     `json:"services"`       // that a question may name
	Zones       []Frozen     `json:"zones"`          // that bind the party, over or yet to come too
	Exceptions  []Exception  `json:"exceptions"`     // that two seats made and that had not lapsed
	Transitions []string     `json:"transitions"`    // changes of class transition that the plan lists for the party: MILESTONE or RUNBOOK/STEP
	Numbered    []string     `json:"numbered"`       // runbooks whose own name ends as that of a run, so that they are not taken for one
}

// ClassIn is a class of change and the one it lies in.
type ClassIn struct {
	Class  plan.Class `json:"class"`
	Inside plan.Class `json:"inside,omitempty"` // missing = it stands alone
}

// Frozen is one zone.
type Frozen struct {
	Zone      string        `json:"zone"`
	Title     yamldoc.Text  `json:"title"`
	From      time.Time     `json:"from,omitzero"`  // missing: it waits for an event that has not come, or has no date
	Until     time.Time     `json:"until,omitzero"` // missing: what ends it has not come
	Ends      End           `json:"ends"`
	Allow     []plan.Class  `json:"allow"`               // empty = nothing
	Platforms []checks.Side `json:"platforms,omitempty"` // missing = both
	Services  []string      `json:"services,omitempty"`  // missing = all
	Hard      bool          `json:"hard,omitempty"`      // nobody makes an exception
	InFlight  plan.InFlight `json:"in_flight"`           // what becomes of work that had begun before it; a pipeline asks before it begins
	MayWaive  []string      `json:"may_waive"`
}

// End is what is known of a zone's end.
type End struct {
	At        time.Time          `json:"at,omitzero"`     // the best single answer, an estimate where an event ends it
	Latest    time.Time          `json:"latest,omitzero"` // not after this; missing = open
	Certainty timeline.Certainty `json:"certainty"`
	Text      string             `json:"text"` // in the plan's language
}

// Exception is a waiver that counts for the party.
type Exception struct {
	Event    int64       `json:"event"`
	Zone     string      `json:"zone"`
	Class    plan.Class  `json:"class"` // and what lies in it
	Platform checks.Side `json:"platform,omitempty"`
	Service  string      `json:"service,omitempty"`
	Change   string      `json:"change,omitempty"`
	Runs     bool        `json:"runs,omitempty"` // the change is RUNBOOK/STEP: the exception holds for the step in each run
	From     time.Time   `json:"from"`           // when the second seat confirmed it
	Until    time.Time   `json:"until"`
	Reason   string      `json:"reason,omitempty"` // only where the exception is for this party and no other
}

// classes is the tree as a calendar writes it.
func classes() (out []ClassIn) {
	for _, c := range plan.Classes() {
		out = append(out, ClassIn{c, inside[c]})
	}
	return out
}

// CalendarFor is a party's calendar as of now. Texts of ends, head and age are the caller's to add.
func CalendarFor(p *plan.Plan, f *register.Facts, party string, now time.Time) Calendar {
	member, _ := p.Member(party)
	c := Calendar{Plan: p.ID, Title: p.Title, Revision: p.Hash, Party: party, Language: p.Language, Timezone: p.Zone.String(), MadeAt: now.UTC(),
		Classes: classes(), Services: slices.Clone(p.ServiceIDs), Zones: []Frozen{}, Exceptions: []Exception{}, Transitions: []string{}, Numbered: []string{}}
	t := timeline.At(p, f, now)
	for _, m := range t.Milestones {
		if m.Kind == plan.Zone && amongAny(m.Parties, party, member.Group) {
			c.Zones = append(c.Zones, frozen(t, m))
		}
	}
	for _, w := range f.Waivers {
		bound := slices.ContainsFunc(c.Zones, func(z Frozen) bool { return z.Zone == w.Zone })
		if bound && !w.ConfirmedAt.IsZero() && now.Before(w.Until) && (w.Party == "" || w.Party == party || w.Party == member.Group) {
			e := Exception{Event: w.Seq, Zone: w.Zone, Class: w.Class, Platform: w.Side, Service: w.Service, Change: w.Change, Runs: w.Change != "" && p.StepRef(w.Change) == w.Change, From: w.ConfirmedAt.UTC(), Until: w.Until.UTC()}
			if w.Party == party {
				e.Reason = w.Reason
			}
			c.Exceptions = append(c.Exceptions, e)
		}
	}
	c.Transitions = append(c.Transitions, p.Transitions(party)...)
	for _, book := range p.RunbookIDs {
		if plan.Numbered(book) {
			c.Numbered = append(c.Numbered, book)
		}
	}
	return c
}

func frozen(t *timeline.Timeline, m *timeline.Milestone) Frozen {
	z := Frozen{Zone: m.ID, Title: m.Title, Ends: End{m.End.At, m.End.Latest, m.End.Certainty, ""}, Allow: append([]plan.Class{}, m.Allow...),
		Platforms: m.AppliesTo, Services: m.Services, Hard: m.Hard, InFlight: m.InFlight, MayWaive: append([]string{}, t.MayLift(m.ID)...)}
	z.From, z.Until = t.InEffect(m.ID)
	return z
}

// Ask judges a question as the calendar's party. It is the same judgement as anybody's, with what the calendar knows.
func (c *Calendar) Ask(q Question) Answer {
	q.Party, q.Step = c.Party, c.step(q.Change)
	q.ListedTransition = slices.Contains(c.Transitions, q.Change) || slices.Contains(c.Transitions, q.Step)
	var zones []timeline.InForce
	for _, z := range c.Zones {
		if z.in(q.At) {
			zones = append(zones, timeline.InForce{MayLift: z.MayWaive,
				Milestone: &plan.Milestone{ID: z.Zone, Title: z.Title, Kind: plan.Zone, Allow: z.Allow, AppliesTo: z.Platforms, Services: z.Services, Hard: z.Hard},
				Until:     timeline.Instant{At: z.Ends.At, Latest: z.Ends.Latest, Certainty: z.Ends.Certainty}})
		}
	}
	var waivers []*register.WaiverFacts
	for _, e := range c.Exceptions {
		waivers = append(waivers, &register.WaiverFacts{Zone: e.Zone, Seq: e.Event, ConfirmedAt: e.From,
			Waiver: register.Waiver{Class: e.Class, Side: e.Platform, Service: e.Service, Change: e.Change, Until: e.Until, Reason: e.Reason}})
	}
	return Judge(zones, waivers, q)
}

func (z Frozen) in(at time.Time) bool {
	return !z.From.IsZero() && !at.Before(z.From) && (z.Until.IsZero() || at.Before(z.Until))
}

// step is the step of a runbook that a change is, itself or in a run; "" = it is none that the calendar knows.
func (c *Calendar) step(ref string) string {
	step := plan.OfRun(ref, func(book string) bool { return slices.Contains(c.Numbered, book) })
	if slices.Contains(c.Transitions, step) || slices.ContainsFunc(c.Exceptions, func(e Exception) bool { return e.Runs && e.Change == step }) {
		return step
	}
	return ""
}

// End is what the calendar says of a zone's end, in words; "" = it has no such zone.
func (c *Calendar) End(zone string) string {
	for _, z := range c.Zones {
		if z.Zone == zone {
			return z.Ends.Text
		}
	}
	return ""
}

// MistakeIn finds in a question what the calendar cannot answer. nil = it can be asked.
func (c *Calendar) MistakeIn(q Question) *Mistake {
	switch {
	case q.Party != "" && q.Party != c.Party:
		return &Mistake{"the calendar is " + c.Party + "'s, and answers for nobody else", "leave --party out, or ask for a calendar of " + q.Party}
	case q.Service != "" && !slices.Contains(c.Services, q.Service):
		return &Mistake{`the plan has no service "` + q.Service + `"`, near(q.Service, c.Services)}
	}
	return mistaken(q)
}
