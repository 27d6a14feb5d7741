package freeze

import (
	"slices"

	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
)

// Between lists what another revision of the plan does to the zones in force, in the order of the revision before and then of the one after.
// Both are read with the same facts at t's present: what differs comes of the revision, not of the clock.
func Between(before, after *timeline.Timeline) []register.ZoneChange {
	out := []register.ZoneChange{}
	was, is := before.Zones(before.Now), after.Zones(before.Now)
	at := func(zones []timeline.InForce, id string) int {
		return slices.IndexFunc(zones, func(z timeline.InForce) bool { return z.ID == id })
	}
	for _, z := range was {
		c := register.ZoneChange{Zone: z.ID, Until: z.Until.Latest, Ends: Refusal{Zone: &z, Until: z.Until}.Ends(before.Plan().Zone)}
		if n := at(is, z.ID); n < 0 {
			c.How = register.ZoneEnds
		} else if c.Loosened = loosened(before.Plan(), after.Plan(), z, is[n]); len(c.Loosened) > 0 {
			c.How = register.ZoneLoosens
		} else {
			continue
		}
		out = append(out, c)
	}
	for _, z := range is {
		if at(was, z.ID) < 0 {
			out = append(out, register.ZoneChange{Zone: z.ID, How: register.ZoneBegins, Until: z.Until.Latest, Ends: Refusal{Zone: &z, Until: z.Until}.Ends(after.Plan().Zone)})
		}
	}
	return out
}

// Loses lists the changes by which a zone protects less than it did.
func Loses(changes []register.ZoneChange) (out []register.ZoneChange) {
	for _, c := range changes {
		if c.How != register.ZoneBegins {
			out = append(out, c)
		}
	}
	return out
}

// loosened names, as the plan writes them, the keys by which a zone binds less than it did.
func loosened(before, after *plan.Plan, was, is timeline.InForce) (keys []string) {
	add := func(key string, looser bool) {
		if looser {
			keys = append(keys, key)
		}
	}
	add("from", is.Since.After(was.Since)) // what had begun before the later date is no longer held, and what was changed by then is found as it is
	add("until", endedByOther(before, was.Milestone.Until, after, is.Milestone.Until) || sooner(was.Until, is.Until))
	add("exit", was.Exit != is.Exit) // which of two gates, or of a gate and a date, comes first nobody knows
	add("allow", slices.ContainsFunc(plan.Classes(), func(c plan.Class) bool { return Covers(is.Allow, c) && !Covers(was.Allow, c) }))
	add("applies_to", narrower(was.AppliesTo, is.AppliesTo))
	add("services", narrower(was.Services, is.Services))
	add("parties", narrower(was.Parties, is.Parties))
	add("hard", was.Hard && !is.Hard)
	add("in_flight", was.InFlight != plan.InFlightFinishes && is.InFlight == plan.InFlightFinishes)
	add("owner", !was.Hard && !is.Hard && slices.ContainsFunc(is.MayLift, func(seat string) bool { return !slices.Contains(was.MayLift, seat) })) // somebody may make exceptions who might not
	return keys
}

// endedByOther reports whether an end comes with an event by which it did not come before, or with the same one that is brought about otherwise: an
// event may come at any minute. That a gate is to say so where a seat could is no other way, but a narrower one.
func endedByOther(before *plan.Plan, was plan.When, after *plan.Plan, is plan.When) bool {
	event, exit := awaited(after, is)
	if event == "" {
		return false
	}
	known, gate := awaited(before, was)
	return event != known || gate != "" && exit != gate
}

// awaited is the event that a date waits for, with the dates between that hang on each other, and the gate that brings it about; "" = it waits for none.
func awaited(p *plan.Plan, w plan.When) (event, exit string) {
	for range 2 * len(p.MilestoneIDs) { // two dates each; a valid plan has no circle
		m := p.Milestones[w.Ref.Milestone]
		if m == nil {
			return "", ""
		}
		event += w.Ref.String() + w.Offset.String() + " "
		switch {
		case w.Ref.Point == plan.Passed:
			return event, m.Exit
		case w.Ref.Point == plan.Start || m.Until.IsZero(): // a day has one date
			w = m.From
		default:
			w = m.Until
		}
	}
	return "", ""
}

// sooner reports whether a zone may be over earlier than it might have been. What an event ends has no latest end.
func sooner(was, is timeline.Instant) bool {
	open := func(i timeline.Instant) bool { return i.Latest.IsZero() || i.Certainty == timeline.Event }
	switch {
	case open(is):
		return false
	case open(was):
		return true
	}
	return is.Latest.Before(was.Latest)
}

// narrower reports whether one list leaves out something that another has; an empty one means everything.
func narrower[T comparable](was, is []T) bool {
	return len(is) > 0 && (len(was) == 0 || slices.ContainsFunc(was, func(t T) bool { return !slices.Contains(is, t) }))
}
