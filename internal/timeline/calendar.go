package timeline

import (
	"slices"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/aa"
	"github.com/rickar/cal/v2/dk"
)

// Calendar is local time as a plan means it: a zone, and which days nobody can be counted upon.
// It is immutable and safe for concurrent use.
type Calendar struct {
	zone   *time.Location
	danish bool
}

// NewCalendar returns the calendar of a zone (nil = UTC) with the named holidays: "dk", or "" for weekends only.
func NewCalendar(zone *time.Location, holidays string) Calendar {
	if zone == nil {
		zone = time.UTC
	}
	return Calendar{zone: zone, danish: holidays == "dk"}
}

// Zone is the calendar's time zone.
func (c Calendar) Zone() *time.Location { return c.zone }

// halfDays are not public holidays, yet offices close at noon or do not open, so no plan should rest on them.
// The holiday list of the library has 5 June as a full holiday; here it is a half day like the others.
var halfDays = []struct {
	month time.Month
	day   int
	name  string
}{
	{time.June, 5, "Grundlovsdag"},
	{time.December, 24, "Juleaftensdag"},
	{time.December, 31, "Nytårsaftensdag"},
}

// Holiday names the holiday or half day on the local date of t, "" if it is neither. Weekends are not holidays.
func (c Calendar) Holiday(t time.Time) (name string, half bool) {
	if !c.danish {
		return "", false
	}
	year, month, day := t.In(c.zone).Date()
	for _, h := range halfDays {
		if h.month == month && h.day == day {
			return h.name, true
		}
	}
	for _, h := range dk.Holidays {
		if falls(h, year, month, day) {
			return h.Name, false
		}
	}
	switch { // the library leaves out the two that are always Sundays, yet a weekend can lie on them
	case falls(aa.Easter, year, month, day):
		return "Påskedag", false
	case falls(aa.Pentecost, year, month, day):
		return "Pinsedag", false
	}
	return "", false
}

func falls(h *cal.Holiday, year int, month time.Month, day int) bool {
	on, _ := h.Calc(year)
	return !on.IsZero() && on.Month() == month && on.Day() == day
}

// Workday reports whether the local date of t counts as a working day. Saturdays, Sundays, holidays and half days do not:
// a deadline counted in working days must not rest on a day on which half of the people are gone.
func (c Calendar) Workday(t time.Time) bool {
	if d := t.In(c.zone).Weekday(); d == time.Saturday || d == time.Sunday {
		return false
	}
	name, _ := c.Holiday(t)
	return name == ""
}

// Day returns the first instant of the local date of t.
func (c Calendar) Day(t time.Time) time.Time {
	year, month, day := t.In(c.zone).Date()
	return c.resolve(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// AddDays moves t by n local calendar days and keeps its time of day, also over a clock change. Where that time does not
// exist the first instant after the gap is meant, where it exists twice the first.
func (c Calendar) AddDays(t time.Time, n int) time.Time {
	return c.resolve(wall(t.In(c.zone)).AddDate(0, 0, n))
}

// AddWorkdays moves t by n working days, backwards when n is negative, and keeps its time of day.
func (c Calendar) AddWorkdays(t time.Time, n int) time.Time {
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	w := wall(t.In(c.zone))
	for n > 0 {
		w = w.AddDate(0, 0, step)
		if c.Workday(c.resolve(time.Date(w.Year(), w.Month(), w.Day(), 12, 0, 0, 0, time.UTC))) {
			n--
		}
	}
	return c.resolve(w)
}

// atMidnight reports whether t is the first instant of a local day.
func (c Calendar) atMidnight(t time.Time) bool { return c.Day(t).Equal(t) }

// changes lists the clock changes in [from, until).
func (c Calendar) changes(from, until time.Time) []time.Time {
	var out []time.Time
	for t := from; ; {
		_, end := t.In(c.zone).ZoneBounds()
		if end.IsZero() || !end.Before(until) {
			return out
		}
		out = append(out, end.UTC())
		t = end
	}
}

// wall is t's local date and time of day, written down as if it were UTC.
func wall(t time.Time) time.Time {
	y, m, d := t.Date()
	h, mi, s := t.Clock()
	return time.Date(y, m, d, h, mi, s, t.Nanosecond(), time.UTC)
}

// resolve is the instant at which the zone's clocks show w. A time that exists twice means the first; one that does not
// exist means the first instant after the gap. The result never decreases as w grows.
func (c Calendar) resolve(w time.Time) time.Time {
	var found []time.Time
	var before int
	for i, probe := range []time.Time{w.Add(-24 * time.Hour), w.Add(24 * time.Hour)} {
		_, offset := probe.In(c.zone).Zone()
		if i == 0 {
			before = offset
		}
		t := w.Add(-time.Duration(offset) * time.Second)
		if wall(t.In(c.zone)).Equal(w) {
			found = append(found, t)
		}
	}
	if len(found) > 0 {
		return slices.MinFunc(found, time.Time.Compare).UTC()
	}
	gapEnd, _ := w.Add(-time.Duration(before) * time.Second).In(c.zone).ZoneBounds()
	return gapEnd.UTC()
}
