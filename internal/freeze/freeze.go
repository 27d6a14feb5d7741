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
	Class plan.Class
	Side  checks.Side // where; "" = on both, so that every zone has a say
	// Service and Party say what is changed for whom. Zones bind sides, not services: these are repeated in what is told about the
	// answer and decide nothing.
	Service, Party string
	At             time.Time
	// ListedTransition says that the change is a step of a run the plan itself lists. Only such a step is of class transition: work that
	// the plan does not know is not the transition, whatever it is called.
	ListedTransition bool
}

// Why names the reason of a refusal.
type Why string

// The reasons.
const (
	UnknownClass Why = "unknown-class"   // the class is none of the plan's
	NotAllowed   Why = "not-allowed"     // the zone does not allow the class
	NotListed    Why = "not-listed"      // the zone allows the transition, but the change is no step of the plan's own runs
	NothingAllow Why = "nothing-allowed" // the zone allows no change at all
)

// Refusal is one reason against the change. Zone is nil where the reason lies in the question.
type Refusal struct {
	Why    Why
	Zone   *timeline.InForce
	Until  timeline.Instant // when the zone ends; an event may have only an estimate
	Waives []string         // seats that may make an exception, in the order to ask them
}

// Answer is the judgement of a question. It is allowed exactly when there is no refusal.
type Answer struct {
	Question Question
	Allowed  bool
	Refusals []Refusal
	Zones    []timeline.InForce // every zone that had a say, also those that allow it
}

// Judge asks every zone for leave; one that refuses is enough. Zones that do not bind the side have no say. zones are those in force
// at q.At, as timeline gives them.
func Judge(zones []timeline.InForce, q Question) Answer {
	a := Answer{Question: q}
	if !slices.Contains(plan.Classes(), q.Class) {
		a.Refusals = append(a.Refusals, Refusal{Why: UnknownClass})
	}
	for _, z := range zones {
		if !z.Binds(q.Side) {
			continue
		}
		a.Zones = append(a.Zones, z)
		if why := refuses(z, q); why != "" {
			a.Refusals = append(a.Refusals, Refusal{Why: why, Zone: &z, Until: z.Until, Waives: z.MayLift})
		}
	}
	a.Allowed = len(a.Refusals) == 0
	return a
}

// refuses says why a zone does not allow the change, "" when it does.
func refuses(z timeline.InForce, q Question) Why {
	switch {
	case len(z.Allow) == 0:
		return NothingAllow
	case !Covers(z.Allow, q.Class):
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
