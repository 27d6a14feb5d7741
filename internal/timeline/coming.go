package timeline

import "time"

// Coming is one slot that lies ahead.
type Coming struct {
	Entry
	At time.Time
}

// Slots lists the slots of schedules in (after, until], soonest first and at most most of them; those of one instant are in the order
// of the schedules. A zero until is no bound.
func Slots(entries []Entry, after, until time.Time, most int) []Coming {
	next := make([]time.Time, len(entries))
	for i, e := range entries {
		next[i] = e.Schedule.Next(after)
	}
	var out []Coming
	for len(out) < most {
		first := -1
		for i, at := range next {
			if !at.IsZero() && (until.IsZero() || !at.After(until)) && (first < 0 || at.Before(next[first])) {
				first = i
			}
		}
		if first < 0 {
			return out
		}
		out = append(out, Coming{entries[first], next[first]})
		next[first] = entries[first].Schedule.Next(next[first])
	}
	return out
}
