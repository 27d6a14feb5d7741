package plan

import (
	"strconv"
	"strings"
	"time"

	"skift/internal/diag"
)

// WhenKind says how sure the plan is of a date.
type WhenKind string

// The kinds of date. The zero value means that nothing was written.
const (
	NoWhen   WhenKind = ""
	Exact    WhenKind = "exact"    // local date and time
	Day      WhenKind = "day"      // a bare local date: from 00:00 until its end
	Month    WhenKind = "month"    // somewhere in, or the whole of, From..Until
	About    WhenKind = "about"    // {about: 2020-02-01..2020-02-10}
	Unset    WhenKind = "unset"    // no date yet
	Relative WhenKind = "relative" // cutover.start - 3d
	Event    WhenKind = "event"    // operational-trial.passed, perhaps with an offset: comes when it comes
)

// When is a date as the plan wrote it. Timeline resolves Relative and Event against the other milestones and the facts.
type When struct {
	Kind    WhenKind
	Text    string    // as written
	At      time.Time // Exact: the instant. Day: its first instant. UTC
	From    time.Time // Month, About: earliest instant
	Until   time.Time // Month, About: first instant after the latest day. Day: first instant of the next day
	Ref     Ref       // Relative, Event
	Offset  Offset    // Relative and Event: added to what Ref comes to
	Assumed bool      // `assumed: true`: not in the published plan
	Pos     diag.Pos
}

// IsZero reports whether nothing was written.
func (w When) IsZero() bool { return w.Kind == NoWhen }

// The points of a milestone that a date can refer to.
const (
	Start  = "start"
	End    = "end"
	Passed = "passed"
)

// Ref names a point of a milestone: start, end or passed.
type Ref struct {
	Milestone string
	Point     string
}

// String is "cutover.start", "" for the zero Ref.
func (r Ref) String() string {
	if r.Milestone == "" {
		return ""
	}
	return r.Milestone + "." + r.Point
}

// Offset is what a relative date adds: first calendar days, which are local (a day over a clock change is still a day), then
// working days, then Clock, which is exact.
type Offset struct {
	Days        int
	WorkingDays int // `3wd`: skipping weekends and holidays
	Clock       time.Duration
}

// IsZero reports whether nothing is added.
func (o Offset) IsZero() bool { return o == Offset{} }

// String is "- 3d", "+ 1d - 2h", "" for the zero Offset. [ParseWhen] reads it back behind a Ref.
func (o Offset) String() string {
	var terms []string
	term := func(negative bool, text string) {
		sign := "+ "
		if negative {
			sign = "- "
		}
		terms = append(terms, sign+text)
	}
	if o.Days != 0 {
		term(o.Days < 0, strconv.Itoa(max(o.Days, -o.Days))+"d")
	}
	if o.WorkingDays != 0 {
		term(o.WorkingDays < 0, strconv.Itoa(max(o.WorkingDays, -o.WorkingDays))+"wd")
	}
	if o.Clock != 0 {
		term(o.Clock < 0, clockText(max(o.Clock, -o.Clock)))
	}
	return strings.Join(terms, " ")
}

// clockText writes a length of time in hours, minutes and seconds, without days: those are another thing in an offset.
func clockText(d time.Duration) string {
	var b strings.Builder
	for _, u := range clockUnits {
		if n := d / u.length; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			d -= n * u.length
		}
	}
	return b.String()
}

var clockUnits = []struct {
	name   string
	length time.Duration
}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}
