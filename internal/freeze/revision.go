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
		} else if c.Loosened = loosened(z, is[n]); len(c.Loosened) > 0 {
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
func loosened(was, is timeline.InForce) (keys []string) {
	add := func(key string, looser bool) {
		if looser {
			keys = append(keys, key)
		}
	}
	add("until", sooner(was.Until, is.Until))
	add("allow", slices.ContainsFunc(plan.Classes(), func(c plan.Class) bool { return Covers(is.Allow, c) && !Covers(was.Allow, c) }))
	add("applies_to", narrower(was.AppliesTo, is.AppliesTo))
	add("services", narrower(was.Services, is.Services))
	add("parties", narrower(was.Parties, is.Parties))
	add("hard", was.Hard && !is.Hard)
	add("in_flight", was.InFlight != plan.InFlightFinishes && is.InFlight == plan.InFlightFinishes)
	add("owner", !was.Hard && narrower(is.MayLift, was.MayLift)) // somebody may make exceptions who might not
	return keys
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
