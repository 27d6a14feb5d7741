package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"skift/internal/diag"
	"skift/internal/people"
)

// A WhenError says why a text is no date, and what to write instead. It has no position: whoever holds the text knows where it stood.
type WhenError struct {
	Code    diag.Code
	Message string
	Hint    string // "" = none
}

// Error is the message with its hint.
func (e *WhenError) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " (" + e.Hint + ")"
}

func badWhen(code diag.Code, hint, format string, args ...any) (When, error) {
	return When{}, &WhenError{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// ParseWhen reads a date the way a plan writes one: "2019-06-01", "2019-11-09 00:00", "2019-07", "2019-09..2019-10",
// "2020-02-01..2020-02-10", "unset", "cutover.start - 3d", "operational-trial.passed". Dates are local to zone. Errors are *WhenError.
func ParseWhen(text string, zone *time.Location) (When, error) { return parseWhen(text, zone, "") }

// Which of two equal readings of the clock is meant when clocks are set back.
const (
	foldFirst  = "first"
	foldSecond = "second"
)

var (
	dayForm    = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})-([0-9]{2})$`)
	timeForm   = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})-([0-9]{2})[ T]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?$`)
	offsetForm = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]+ ?(?:Z|[+-][0-9]{2}:?[0-9]{2})$`)
	monthForm  = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})$`)
	pointForm  = regexp.MustCompile(`^([a-z0-9][a-z0-9-]{0,62})\.([a-z]+)(.*)$`)
	termForm   = regexp.MustCompile(`^ *([+-]) *([0-9]+[a-z]+(?: *[0-9]+[a-z]+)*)`)
	pieceForm  = regexp.MustCompile(`([0-9]+)([a-z]+)`)
)

const dateHint = "write 2019-11-09, \"2019-11-09 18:00\", 2019-11, unset, or a point of a milestone such as cutover.start - 3d"

// parseWhen is ParseWhen for text that may be followed by `fold:`.
func parseWhen(text string, zone *time.Location, fold string) (When, error) {
	w, err := readWhen(text, zone, fold)
	if err != nil {
		return When{}, err
	}
	w.Text = text
	if fold != "" && w.Kind != Exact {
		return badWhen(CodeFoldUnneeded, "remove fold", "fold is only for a local time that comes twice")
	}
	return w, nil
}

func readWhen(text string, zone *time.Location, fold string) (When, error) {
	if text == "unset" {
		return When{Kind: Unset}, nil
	}
	if m := timeForm.FindStringSubmatch(text); m != nil {
		return exactWhen(m, zone, fold)
	}
	if m := pointForm.FindStringSubmatch(text); m != nil {
		return relativeWhen(m)
	}
	if offsetForm.MatchString(text) {
		return badWhen(CodeBadDate, "leave the offset out: times are local to the plan's timezone", "%q names its own zone", text)
	}
	if first, last, ok := strings.Cut(text, ".."); ok {
		return rangeWhen(strings.TrimSpace(first), strings.TrimSpace(last), zone)
	}
	return calendarWhen(text, zone)
}

// calendarWhen reads a day or a month.
func calendarWhen(text string, zone *time.Location) (When, error) {
	if m := dayForm.FindStringSubmatch(text); m != nil {
		y, mo, d, ok := date(m[1], m[2], m[3])
		if !ok {
			return noSuchDate(text)
		}
		at, next := people.DayStart(zone, y, mo, d), dayAfter(zone, y, mo, d)
		return When{Kind: Day, At: at, From: at, Until: next}, nil
	}
	if m := monthForm.FindStringSubmatch(text); m != nil {
		y, mo, d, ok := date(m[1], m[2], "01")
		if !ok {
			return noSuchDate(text)
		}
		return When{Kind: Month, From: people.DayStart(zone, y, mo, d), Until: dayAfter(zone, y, mo+1, 0)}, nil
	}
	return badWhen(CodeBadDate, dateHint, "%q is not a date", text)
}

// dayAfter is the first instant after a local date; the date is normalised as time.Date does, so day 0 is the last of the month before.
func dayAfter(zone *time.Location, year int, month time.Month, day int) time.Time {
	next := time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
	return people.DayStart(zone, next.Year(), next.Month(), next.Day())
}

func rangeWhen(first, last string, zone *time.Location) (When, error) {
	a, err := calendarWhen(first, zone)
	if err != nil {
		return When{}, err
	}
	b, err := calendarWhen(last, zone)
	if err != nil {
		return When{}, err
	}
	switch {
	case a.Kind != b.Kind:
		return badWhen(CodeBadDate, "write two days or two months", "%s..%s mixes a day and a month", first, last)
	case b.From.Before(a.From):
		return badWhen(CodeBadDate, fmt.Sprintf("write %s..%s", last, first), "%s..%s ends before it begins", first, last)
	}
	kind := About
	if a.Kind == Month {
		kind = Month
	}
	return When{Kind: kind, From: a.From, Until: b.Until}, nil
}

// Years outside are slips of the pen: 0219-06-01.
const (
	firstYear = 1970
	lastYear  = 2199
)

// date reads a calendar date, and says whether there is one.
func date(year, month, day string) (y int, m time.Month, d int, ok bool) {
	y, _ = strconv.Atoi(year)
	mo, _ := strconv.Atoi(month)
	d, _ = strconv.Atoi(day)
	m = time.Month(mo)
	return y, m, d, y >= firstYear && y <= lastYear && local{year: y, month: m, day: d}.exists()
}

func noSuchDate(text string) (When, error) {
	return badWhen(CodeBadDate, fmt.Sprintf("dates are year-month-day, from %d to %d", firstYear, lastYear), "there is no date %s", text)
}

// exactWhen reads a date and time of day, which must exist once.
func exactWhen(m []string, zone *time.Location, fold string) (When, error) {
	y, mo, d, ok := date(m[1], m[2], m[3])
	if !ok {
		return noSuchDate(m[1] + "-" + m[2] + "-" + m[3])
	}
	l := local{year: y, month: mo, day: d}
	l.hour, _ = strconv.Atoi(m[4])
	l.min, _ = strconv.Atoi(m[5])
	if m[6] != "" {
		l.sec, _ = strconv.Atoi(m[6])
	}
	if !l.exists() {
		return badWhen(CodeBadDate, "hours run from 00:00 to 23:59; midnight at the end of a day is 00:00 of the next", "there is no time %s", strings.SplitN(m[0][11:], " ", 2)[0])
	}
	at := l.instants(zone)
	switch {
	case len(at) == 0:
		return l.missing(zone, m[0])
	case len(at) == 1 && fold != "":
		return badWhen(CodeFoldUnneeded, "remove fold", "%s comes once that day", m[0])
	case len(at) == 1 || fold == foldFirst:
		return When{Kind: Exact, At: at[0]}, nil
	case fold == foldSecond:
		return When{Kind: Exact, At: at[len(at)-1]}, nil
	}
	first, _ := at[0].In(zone).Zone()
	second, _ := at[1].In(zone).Zone()
	return badWhen(CodeTimeTwice, fmt.Sprintf("write {at: %q, fold: first} (%s) or fold: second (%s)", m[0], first, second),
		"%s comes twice that day: clocks are set back", m[0])
}

// missing says that clocks skip l, and which times nearby there are.
func (l local) missing(zone *time.Location, text string) (When, error) {
	before, after := l.skipped(zone)
	hint := ""
	if !after.IsZero() {
		const layout = "2006-01-02 15:04"
		hint = fmt.Sprintf("the nearest good times are %s and %s", before.Format(layout), after.Format(layout))
	}
	return badWhen(CodeTimeMissing, hint, "%s does not exist: clocks are set forward over it", text)
}

// relativeWhen reads a point of a milestone and what is added to it.
func relativeWhen(m []string) (When, error) {
	ref := Ref{Milestone: m[1], Point: m[2]}
	points := []string{Start, End, Passed}
	if !slices.Contains(points, ref.Point) {
		hint := "a milestone has the points start, end and passed"
		if s := diag.Suggest(ref.Point, points); s != "" {
			hint = fmt.Sprintf("did you mean %q?", s)
		}
		return badWhen(CodeUnknownPoint, hint, "unknown point %q of %s", ref.Point, ref.Milestone)
	}
	offset, ok := parseOffset(m[3])
	if !ok {
		return badWhen(CodeBadOffset, "write it like + 26d, - 24h, + 2wd or + 1d - 2h; units are w d wd h m s", "%q cannot be added to a date", strings.TrimSpace(m[3]))
	}
	kind := Relative
	if ref.Point == Passed {
		kind = Event
	}
	return When{Kind: kind, Ref: ref, Offset: offset}, nil
}

// maxDays bounds an offset: about a hundred years.
const maxDays = 36525

func parseOffset(text string) (o Offset, ok bool) {
	for text = strings.TrimRight(text, " "); text != ""; {
		m := termForm.FindStringSubmatch(text)
		if m == nil {
			return Offset{}, false
		}
		text = text[len(m[0]):]
		sign := 1
		if m[1] == "-" {
			sign = -1
		}
		for _, piece := range pieceForm.FindAllStringSubmatch(m[2], -1) {
			n, err := strconv.Atoi(piece[1])
			if err != nil || n > maxDays*24*3600 || !o.add(sign*n, piece[2]) {
				return Offset{}, false
			}
		}
	}
	days := func(n int) bool { return max(n, -n) <= maxDays }
	return o, days(o.Days) && days(o.WorkingDays) && max(o.Clock, -o.Clock) <= maxDays*24*time.Hour
}

func (o *Offset) add(n int, unit string) bool {
	switch unit {
	case "w":
		o.Days += 7 * n
	case "d":
		o.Days += n
	case "wd":
		o.WorkingDays += n
	case "h":
		return o.addClock(n, time.Hour)
	case "m":
		return o.addClock(n, time.Minute)
	case "s":
		return o.addClock(n, time.Second)
	default:
		return false
	}
	return max(o.Days, -o.Days, o.WorkingDays, -o.WorkingDays) <= 2*maxDays
}

func (o *Offset) addClock(n int, unit time.Duration) bool {
	if max(n, -n) > int(maxDays*24*time.Hour/unit) {
		return false
	}
	o.Clock += time.Duration(n) * unit
	return max(o.Clock, -o.Clock) <= 2*maxDays*24*time.Hour
}
