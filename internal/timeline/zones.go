package timeline

import (
	"slices"
	"time"

	"skift/checks"
	"skift/internal/plan"
)

// InForce is a zone that forbids changes at some instant.
type InForce struct {
	*plan.Milestone
	Until   Instant   // its end; what ends it may be an event
	MayLift []string  // seats that may lift it or grant an exception, in the order to ask them; none where it is hard
	Since   time.Time // when it came into force
}

// Binds reports whether the zone applies to a side; "" asks for either.
func (z InForce) Binds(side checks.Side) bool {
	return side == "" || len(z.AppliesTo) == 0 || slices.Contains(z.AppliesTo, side)
}

// Zones lists the zones in force at an instant, in the plan's order. Fuzzy dates are read the strict way: from the earliest
// beginning, until the latest end. A zone that ends with an event is in force until the event has come, whatever the estimate said.
func (t *Timeline) Zones(at time.Time) []InForce {
	var out []InForce
	for _, m := range t.Milestones {
		if m.Kind == plan.Zone && m.span.contains(at) {
			since := m.span.from
			if brought := t.facts.Milestone(m.ID).InForceAt; brought.After(since) {
				since = brought // nobody was bound by it before, whatever day it is written to begin
			}
			out = append(out, InForce{m.Milestone, m.End, t.MayLift(m.ID), since})
		}
	}
	return out
}

// MayLift lists the seats that may make an exception from a zone, in the order to ask them; nil = it is no zone, or a hard one.
func (t *Timeline) MayLift(id string) []string {
	m := t.plan.Milestones[id]
	if m == nil || m.Kind != plan.Zone || m.Hard {
		return nil
	}
	return t.mayLift(m)
}

// mayLift names who answers for a zone: its owner; else whoever decides the gate that ends it, or that passes the milestone it
// waits for; else those who decide any gate.
func (t *Timeline) mayLift(m *plan.Milestone) []string {
	if m.Owner != "" {
		return []string{m.Owner}
	}
	exits := []string{m.Exit}
	if w := t.plan.Milestones[m.Until.Ref.Milestone]; w != nil {
		exits = append(exits, w.Exit)
	}
	for _, id := range exits {
		if g := t.plan.Gates[id]; g != nil && g.Decides != "" {
			return []string{g.Decides}
		}
	}
	var out []string
	for _, id := range t.plan.GateIDs {
		if seat := t.plan.Gates[id].Decides; seat != "" && !slices.Contains(out, seat) {
			out = append(out, seat)
		}
	}
	return out
}

// InEffect is the time in which a milestone is in effect, as far as is known now: a zero from has not come and has no date, a zero until is
// open. For a zone it is when the zone is in force.
func (t *Timeline) InEffect(id string) (from, until time.Time) {
	m := t.byID[id]
	if m == nil {
		return time.Time{}, time.Time{}
	}
	return m.span.from, m.span.until
}
