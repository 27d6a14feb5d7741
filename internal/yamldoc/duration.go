package yamldoc

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Span is a length of time as people plan it: whole days follow the calendar
// (a day can have 23 or 25 hours), the rest follows the clock.
type Span struct {
	Days  int
	Clock time.Duration
}

// Duration is the span with every day counted as 24 hours.
func (s Span) Duration() time.Duration { return time.Duration(s.Days)*24*time.Hour + s.Clock }

// AddTo gives the moment the span after t: first the days on t's calendar, in
// t's location, then the clock.
func (s Span) AddTo(t time.Time) time.Time { return t.AddDate(0, 0, s.Days).Add(s.Clock) }

// SubFrom gives the moment the span before t: days first, then the clock.
func (s Span) SubFrom(t time.Time) time.Time { return t.AddDate(0, 0, -s.Days).Add(-s.Clock) }

// maxSpan bounds spans far below the overflow of a time.Duration.
const maxSpan = 100 * 366 * 24 * time.Hour

// durationRule says what a duration looks like.
const durationRule = "a duration like 15m, 2h or 26d"

var errDuration = errors.New("not " + durationRule)

// units in the order they are written, largest first.
var units = []struct {
	name   string
	length time.Duration
}{
	{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour},
	{"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

// ParseSpan reads "15m", "2h", "1h30m", "26d", "3w": whole numbers with units
// w d h m s ms, largest first, each at most once. It is never negative and at
// most a hundred years.
func ParseSpan(s string) (Span, error) {
	var span Span
	if s == "" {
		return Span{}, errDuration
	}
	next := 0
	for s != "" {
		digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
		value, err := strconv.Atoi(s[:digits])
		if err != nil || digits > 10 {
			return Span{}, errDuration
		}
		s = s[digits:]
		name := s[:len(s)-len(strings.TrimLeft(s, "wdhms"))]
		if len(name) > 1 && name != "ms" {
			return Span{}, errDuration
		}
		s = s[len(name):]
		for next < len(units) && units[next].name != name {
			next++
		}
		if next == len(units) || time.Duration(value) > maxSpan/units[next].length {
			return Span{}, errDuration
		}
		switch name {
		case "w":
			span.Days += 7 * value
		case "d":
			span.Days += value
		default:
			span.Clock += time.Duration(value) * units[next].length
		}
		next++
	}
	if span.Duration() > maxSpan {
		return Span{}, errDuration
	}
	return span, nil
}

// ParseDuration is [ParseSpan] with every day counted as 24 hours.
func ParseDuration(s string) (time.Duration, error) {
	span, err := ParseSpan(s)
	return span.Duration(), err
}

// FormatDuration writes d so that [ParseDuration] reads it back, cut to
// milliseconds: "1h30m", "26d", "0s". A negative d gets a "-" in front, which
// ParseDuration does not read.
func FormatDuration(d time.Duration) string {
	if d < 0 {
		return "-" + FormatDuration(-d)
	}
	var b strings.Builder
	for _, u := range units[1:] { // weeks are read, but days are clearer to print
		if v := d / u.length; v > 0 {
			b.WriteString(strconv.FormatInt(int64(v), 10) + u.name)
			d -= v * u.length
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// Span gives a length of time that is never negative; see [ParseSpan].
func (n Node) Span() (Span, bool) {
	s, ok := n.raw(durationRule)
	if !ok {
		return Span{}, false
	}
	span, err := ParseSpan(s)
	if err != nil {
		p := n.Problemf(CodeBadDuration, "%s is not %s", quote(s), durationRule)
		switch {
		case strings.HasPrefix(s, "-"):
			p.Hintf("a duration is not negative")
		case strings.Trim(s, "0123456789") == "":
			p.Hintf("add a unit: %ss, %sm, %sh or %sd", s, s, s, s)
		default:
			p.Hintf("units are w d h m s ms, largest first, with whole numbers: 1h30m")
		}
		return Span{}, false
	}
	return span, true
}

// Duration is [Node.Span] with every day counted as 24 hours.
func (n Node) Duration() (time.Duration, bool) {
	span, ok := n.Span()
	return span.Duration(), ok
}
