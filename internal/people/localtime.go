package people

import (
	"errors"
	"slices"
	"time"
)

// Reasons why text is not an instant. A local time that does not exist, or exists twice, is never guessed.
var (
	ErrNotTime       = errors.New("is not a date or a date and time")
	ErrTimeMissing   = errors.New("does not exist: the clock is put forward past it")
	ErrTimeAmbiguous = errors.New("exists twice: the clock is put back over it")
)

const (
	dayLayout  = "2006-01-02"
	timeLayout = "2006-01-02 15:04"
)

// Local is the instant, in UTC, at which a clock in the zone shows the date and time that wall shows in UTC. The error is
// ErrTimeMissing or ErrTimeAmbiguous.
func Local(zone *time.Location, wall time.Time) (time.Time, error) {
	switch found := instants(zone, wall.UTC()); len(found) {
	case 0:
		return time.Time{}, ErrTimeMissing
	case 1:
		return found[0], nil
	}
	return time.Time{}, ErrTimeAmbiguous
}

// DayStart is the first instant of a local day, in UTC. There always is one, also where midnight itself is skipped or
// comes twice.
func DayStart(zone *time.Location, year int, month time.Month, day int) time.Time {
	if found := instants(zone, time.Date(year, month, day, 0, 0, 0, 0, time.UTC)); len(found) > 0 {
		return found[0]
	}
	// Midnight is skipped: the day begins when the clock is put forward.
	start, _ := time.Date(year, month, day, 12, 0, 0, 0, zone).ZoneBounds()
	return start.UTC()
}

// instants lists, earliest first, when a clock in the zone shows what wall shows in UTC: none, one or two.
func instants(zone *time.Location, wall time.Time) []time.Time {
	const reach = 26 * time.Hour // beyond every offset from UTC, so both sides of a change are seen
	var found []time.Time
	for _, near := range []time.Time{wall.Add(-reach), wall, wall.Add(reach)} {
		_, offset := near.In(zone).Zone()
		t := wall.Add(-time.Duration(offset) * time.Second)
		if _, o := t.In(zone).Zone(); o == offset {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, time.Time.Compare)
	return slices.CompactFunc(found, time.Time.Equal)
}

// ParseFrom reads the beginning of a stretch of time: "2019-11-09 06:00", or "2019-11-09" for the start of that local
// day. The instant is in UTC; the error is ErrNotTime, ErrTimeMissing or ErrTimeAmbiguous.
func ParseFrom(zone *time.Location, text string) (time.Time, error) { return parse(zone, text, 0) }

// ParseUntil reads the end of a stretch of time as ParseFrom does, but a bare date means the end of that local day.
func ParseUntil(zone *time.Location, text string) (time.Time, error) { return parse(zone, text, 1) }

func parse(zone *time.Location, text string, days int) (time.Time, error) {
	if t, err := time.Parse(dayLayout, text); err == nil {
		next := t.AddDate(0, 0, days)
		return DayStart(zone, next.Year(), next.Month(), next.Day()), nil
	}
	t, err := time.Parse(timeLayout, text)
	if err != nil || t.Format(timeLayout) != text {
		return time.Time{}, ErrNotTime
	}
	return Local(zone, t)
}
