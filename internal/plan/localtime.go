package plan

import (
	"slices"
	"time"
)

// local is what a wall clock shows: a date and a time of day without a zone.
type local struct {
	year           int
	month          time.Month
	day            int
	hour, min, sec int
}

func (l local) in(zone *time.Location) time.Time {
	return time.Date(l.year, l.month, l.day, l.hour, l.min, l.sec, 0, zone)
}

// exists reports whether the calendar has such a date and the clock such a time.
func (l local) exists() bool {
	t := l.in(time.UTC)
	return t.Year() == l.year && t.Month() == l.month && t.Day() == l.day && t.Hour() == l.hour && t.Minute() == l.min && t.Second() == l.sec
}

// reach is how far from the same reading in UTC an instant with some local reading can lie.
const reach = 27 * time.Hour

// instants are the moments at which the wall clocks of the zone show l: none where clocks skip it, two where they are set back
// over it, else one. In order, in UTC.
func (l local) instants(zone *time.Location) []time.Time {
	wall := l.in(time.UTC)
	var found []time.Time
	for _, offset := range offsets(zone, wall) {
		t := wall.Add(-time.Duration(offset) * time.Second)
		if _, is := t.In(zone).Zone(); is == offset {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, time.Time.Compare)
	return found
}

// offsets lists the distances from UTC, in seconds, that the zone uses around an instant, each once.
func offsets(zone *time.Location, around time.Time) []int {
	var list []int
	for t := around.Add(-reach); ; {
		_, offset := t.In(zone).Zone()
		if !slices.Contains(list, offset) {
			list = append(list, offset)
		}
		_, end := t.In(zone).ZoneBounds()
		if end.IsZero() || end.After(around.Add(reach)) {
			return list
		}
		t = end
	}
}

// skipped describes the change of clocks that leaves l out: the last reading before it and the first after it.
func (l local) skipped(zone *time.Location) (before, after time.Time) {
	wall := l.in(time.UTC)
	for t := wall.Add(-reach); ; {
		_, end := t.In(zone).ZoneBounds()
		if end.IsZero() || end.After(wall.Add(reach)) {
			return time.Time{}, time.Time{}
		}
		_, from := end.Add(-time.Nanosecond).In(zone).Zone()
		_, to := end.In(zone).Zone()
		first := end.Add(time.Duration(from) * time.Second) // what clocks would have shown
		last := end.Add(time.Duration(to) * time.Second)    // what they show instead
		if !wall.Before(first) && wall.Before(last) {
			return end.Add(-time.Minute).In(zone), end.In(zone)
		}
		t = end
	}
}
