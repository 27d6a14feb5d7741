// Package freeze answers one question: may this change be made, under the zones in force; and if not, what forbids it, until
// when, and who may make an exception?
//
// It is pure and the only place where change classes are compared. Which zones are in force is timeline's answer; nothing here
// opens a way around them. That holds for `emergency` too: it is a class like any other, allowed in the zones that list it and
// refused in the rest, for a word anybody may type must not open a frozen zone. An emergency in a zone without it needs one of the
// seats named in the refusal.
package freeze

import (
	"slices"
	"time"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
)

// inside says which class each class lies in directly. Classes without an entry stand alone.
var inside = map[plan.Class]plan.Class{
	plan.Fix:       plan.Scope,
	plan.IncidentA: plan.Fix,
	plan.IncidentB: plan.Fix,
	plan.IncidentC: plan.Fix,
}

// Covers reports whether allowing the listed classes allows a class: it is listed, or lies in one that is.
func Covers(allow []plan.Class, c plan.Class) bool {
	for {
		if slices.Contains(allow, c) {
			return true
		}
		wider, ok := inside[c]
		if !ok {
			return false
		}
		c = wider
	}
}

// Question is one change somebody wants to make.
type Question struct {
	Class   plan.Class  // "" = nobody says: it could be of any
	Side    checks.Side // where; "" = on both, so that every zone has a say
	Service string      // what is changed; "" = more than one service, so that every zone has a say
	Party   string      // who changes it; "" = nobody says, so that every zone has a say
	Group   string      // the party whose member Party is, which is bound by what binds them all; "" = it is nobody's member
	Change  string      // the reference by which both sides know the change, such as CHG-4711; a waiver may be for that one alone
	Step    string      // RUNBOOK/STEP, where Change is a step of a runbook or of a run of it: an exception for it holds for each run
	At      time.Time
	// ListedTransition says that the change is a step of a run the plan itself lists. Only such a step is of class transition: work that
	// the plan does not know is not the transition, whatever it is called.
	ListedTransition bool
	// Since is when the run that the change belongs to began to change something; zero = it has not. A zone with `in_flight: finish` lets what
	// had begun before it come to its end.
	Since time.Time
}

// Why names the reason of a refusal.
type Why string

// The reasons.
const (
	UnknownClass Why = "unknown-class"   // the class is none of the plan's
	NotAllowed   Why = "not-allowed"     // the zone does not allow the class
	NotListed    Why = "not-listed"      // the zone allows the transition, but the change is no step of the plan's own runs
	NothingAllow Why = "nothing-allowed" // the zone allows no change at all
	Unclassed    Why = "no-class"        // nobody says what class of change it is, and the zone does not allow every one
)

// Refusal is one reason against the change. Zone is nil where the reason lies in the question.
type Refusal struct {
	Why    Why
	Zone   *timeline.InForce
	Until  timeline.Instant // when the zone ends; an event may have only an estimate
	Waives []string         // seats that may make an exception, in the order to ask them; none = the zone is hard
}

// Ends is when the zone that refuses ends, as an author writes it: the event that ends it, or its date.
func (r Refusal) Ends(local *time.Location) string {
	if r.Until.Certainty == timeline.Event || !r.Until.Known() {
		return r.Zone.Milestone.Until.Text
	}
	return r.Until.At.In(local).Format("2006-01-02 15:04 MST")
}

// Waived is a zone that refuses and a waiver that lets the change through all the same.
type Waived struct {
	Zone   *timeline.InForce
	Waiver *register.WaiverFacts
}

// Answer is the judgement of a question. It is allowed exactly when there is no refusal.
type Answer struct {
	Question Question
	Allowed  bool
	Refusals []Refusal
	Waived   []Waived
	Zones    []timeline.InForce // every zone that had a say, also those that allow it
}

// At judges a question by a plan and what has happened.
func At(p *plan.Plan, f *register.Facts, q Question) Answer {
	if m, ok := p.Member(q.Party); ok {
		q.Group = m.Group
	}
	return Judge(timeline.At(p, f, q.At).Zones(q.At), f.Waivers, q)
}

// Judge asks every zone for leave; one that refuses, and for which no waiver is in force, is enough. Zones that do not bind the side,
// the service or the party have no say. zones are those in force at q.At, as timeline gives them.
func Judge(zones []timeline.InForce, waivers []*register.WaiverFacts, q Question) Answer {
	a := Answer{Question: q}
	if q.Class != "" && !slices.Contains(plan.Classes(), q.Class) {
		a.Refusals = append(a.Refusals, Refusal{Why: UnknownClass})
	}
	for _, z := range zones {
		if !binds(z, q) {
			continue
		}
		a.Zones = append(a.Zones, z)
		why := refuses(z, q)
		if why == "" {
			continue
		}
		if z.Hard {
			a.Refusals = append(a.Refusals, Refusal{Why: why, Zone: &z, Until: z.Until})
		} else if w := waiver(waivers, z, q); w != nil {
			a.Waived = append(a.Waived, Waived{&z, w})
		} else {
			a.Refusals = append(a.Refusals, Refusal{Why: why, Zone: &z, Until: z.Until, Waives: z.MayLift})
		}
	}
	a.Allowed = len(a.Refusals) == 0
	return a
}

// binds reports whether a zone has a say about a change. What the question leaves open it might be about.
func binds(z timeline.InForce, q Question) bool {
	return z.Binds(q.Side) && among(z.Services, q.Service) && amongAny(z.Parties, q.Party, q.Group)
}

func among(only []string, id string) bool {
	return id == "" || len(only) == 0 || slices.Contains(only, id)
}

// amongAny is among for a party that may be a member of another.
func amongAny(only []string, party, group string) bool {
	return among(only, party) || group != "" && slices.Contains(only, group)
}

// waiver finds the waiver that lets a change through a zone; nil = there is none. What a waiver is for, the question must say: a change of
// which nobody says what it is about is not the one that was let through.
func waiver(waivers []*register.WaiverFacts, z timeline.InForce, q Question) *register.WaiverFacts {
	for _, w := range waivers {
		if w.Zone == z.ID && w.InForce(q.At) && lets(w, q) && (w.Side == "" || w.Side == q.Side) &&
			(w.Service == "" || w.Service == q.Service) && (w.Party == "" || w.Party == q.Party || w.Party == q.Group) && (w.Change == "" || names(w, q)) {
			return w
		}
	}
	return nil
}

// lets reports whether a waiver's class lets a change through. One that nobody classed is let through only by name.
func lets(w *register.WaiverFacts, q Question) bool {
	if q.Class == "" {
		return names(w, q)
	}
	return Covers([]plan.Class{w.Class}, q.Class)
}

// names reports whether a waiver is for this very change. One for RUNBOOK/STEP is for that step in each run of the runbook; one for RUN/STEP is for
// that run alone, and lets nothing through of which nobody says which run it is.
func names(w *register.WaiverFacts, q Question) bool {
	return w.Change != "" && (w.Change == q.Change || w.Change == q.Step)
}

// refuses says why a zone does not allow the change, "" when it does.
func refuses(z timeline.InForce, q Question) Why {
	every := func(c plan.Class) bool { return Covers(z.Allow, c) }
	switch {
	case z.InFlight == plan.InFlightFinishes && !q.Since.IsZero() && q.Since.Before(z.Since):
		return ""
	case len(z.Allow) == 0:
		return NothingAllow
	case q.Class == "" && slices.ContainsFunc(plan.Classes(), func(c plan.Class) bool { return !every(c) }):
		return Unclassed
	case q.Class == "":
		return ""
	case !every(q.Class):
		return NotAllowed
	case q.Class == plan.Transition && !q.ListedTransition:
		return NotListed
	}
	return ""
}

// FreeAt is the earliest instant from which the refusing zones, as far as they can be dated, are over. ok is false when one of
// them ends with an event that has not come or has no end, or when a reason is no zone's: then waiting does not help by itself.
func (a Answer) FreeAt() (at time.Time, ok bool) {
	for _, r := range a.Refusals {
		if r.Zone == nil || r.Until.Latest.IsZero() || r.Until.Certainty == timeline.Event {
			return time.Time{}, false
		}
		if r.Until.Latest.After(at) {
			at = r.Until.Latest
		}
	}
	return at, len(a.Refusals) > 0
}

// MayWaive lists the seats whose exception the change needs, each once: those of every refusing zone.
func (a Answer) MayWaive() []string {
	var out []string
	for _, r := range a.Refusals {
		for _, seat := range r.Waives {
			if !slices.Contains(out, seat) {
				out = append(out, seat)
			}
		}
	}
	return out
}
