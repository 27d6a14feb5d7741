package timeline

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// MinInterval is the shortest distance between two slots of a schedule.
const MinInterval = 10 * time.Second

// ScheduleError is a schedule that cannot be meant, with what to write instead.
type ScheduleError struct {
	Problem string
	Hint    string
}

func (e *ScheduleError) Error() string { return e.Problem }

// ParseCron reads a cron expression of five fields, or one of @hourly @daily @weekly @monthly @yearly and "@every 30m",
// in local time of the zone. Any error is a *ScheduleError.
//
// An expression whose hour field names every hour is an interval: it has a slot at every instant whose local clock matches,
// so a clock change neither adds nor takes away a beat. So is one whose hour field is a step of all ("*/2"): its minutes and hours are those
// of UTC, as the beats of every: are, and its days are local days. Any other is fixed to the clock: each local slot is one instant,
// one that the clocks skip comes at the first instant after the gap, one that they show twice comes the first time.
//
// Refused is what the cron library accepts and nobody means: a zone inside the expression (it even panics on some), a schedule
// that never comes, one that comes more often than MinInterval, a step wider than its field, and a day of the month together with
// a day of the week (the library reads that as either, people read it as both).
func ParseCron(expr string, zone *time.Location) (cron.Schedule, error) {
	expr = strings.TrimSpace(expr)
	upper := strings.ToUpper(expr)
	switch {
	case expr == "":
		return nil, &ScheduleError{"an empty cron expression", `write five fields: "0 8 * * MON"`}
	case strings.HasPrefix(upper, "TZ=") || strings.HasPrefix(upper, "CRON_TZ="):
		return nil, &ScheduleError{"a cron expression cannot name a time zone", "the plan's timezone holds; leave it out"}
	case strings.HasPrefix(expr, "@every "):
		d, err := time.ParseDuration(strings.TrimSpace(expr[len("@every "):]))
		if err != nil {
			return nil, &ScheduleError{fmt.Sprintf("%q is no length of time", expr[len("@every "):]), "write for example @every 30m"}
		}
		return Every(d)
	case !strings.HasPrefix(expr, "@"):
		if err := checkFields(expr); err != nil {
			return nil, err
		}
	}
	spec, err := parseSpec(expr)
	if err != nil {
		return nil, &ScheduleError{fmt.Sprintf("cron expression %q: %v", expr, err), `write five fields: "0 8 * * MON"`}
	}
	return fromSpec(expr, spec, NewCalendar(zone, ""))
}

// parseSpec calls the library's parser, which may panic on what it does not expect.
func parseSpec(expr string) (spec *cron.SpecSchedule, err error) {
	defer func() {
		if recover() != nil {
			spec, err = nil, fmt.Errorf("cannot be read")
		}
	}()
	s, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor).Parse(expr)
	if err != nil {
		return nil, err
	}
	spec, ok := s.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("cannot be read")
	}
	return spec, nil
}

const (
	starBit  = 1 << 63 // set by the library on a field that was a plain * or ?
	allHours = 1<<24 - 1
)

// scheduleEpoch is where the search for a first slot begins: any instant does, it only has to be the same for everybody.
var scheduleEpoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

func fromSpec(expr string, spec *cron.SpecSchedule, c Calendar) (cron.Schedule, error) {
	if spec.Dom&starBit == 0 && spec.Dow&starBit == 0 {
		return nil, &ScheduleError{
			fmt.Sprintf("cron expression %q names a day of the month and a day of the week: cron runs on either", expr),
			"leave one of the two as *; two schedules can say the rest"}
	}
	spec.Location = time.UTC
	never := &ScheduleError{fmt.Sprintf("cron expression %q never comes", expr), "look at day and month"}
	for _, field := range []uint64{spec.Second, spec.Minute, spec.Hour, spec.Dom, spec.Month, spec.Dow} {
		if field&^starBit == 0 {
			return nil, never
		}
	}
	if spec.Next(scheduleEpoch).IsZero() {
		return nil, never
	}
	if spec.Hour&allHours == allHours {
		spec.Location = c.zone
		return interval{spec}, nil
	}
	if hours := strings.Fields(expr); len(hours) == len(fieldBounds) && (strings.HasPrefix(hours[1], "*/") || strings.HasPrefix(hours[1], "?/")) && !strings.Contains(hours[1], ",") {
		return newBeat(spec, c.zone), nil
	}
	return fixed{spec, c}, nil
}

// fieldBounds are the fields of an expression, for messages, and how wide each is.
var fieldBounds = []struct {
	name string
	span int // largest value minus smallest
}{{"minute", 59}, {"hour", 23}, {"day of the month", 30}, {"month", 11}, {"day of the week", 6}}

// checkFields refuses what the library's parser reads generously: "*-5" as *, ",5" as 5, "*/90" as once an hour.
func checkFields(expr string) error {
	fields := strings.Fields(expr)
	if len(fields) != len(fieldBounds) {
		return &ScheduleError{fmt.Sprintf("cron expression %q has %d fields", expr, len(fields)),
			`write five: minute, hour, day of the month, month, day of the week, as in "0 8 * * MON"`}
	}
	for i, f := range fields {
		b := fieldBounds[i]
		for _, part := range strings.Split(f, ",") {
			body, step, stepped := strings.Cut(part, "/")
			low, _, ranged := strings.Cut(body, "-")
			if part == "" || low == "" || (low == "*" || low == "?") && ranged {
				return &ScheduleError{fmt.Sprintf("cron expression %q: %q is no %s", expr, f, b.name), `write a number, a range "8-16", a list "1,15" or *`}
			}
			if !stepped {
				continue
			}
			if n, err := strconv.Atoi(step); err != nil || n < 1 || n > b.span {
				return &ScheduleError{fmt.Sprintf("cron expression %q: a step of %q does not fit into the %s field", expr, step, b.name),
					"for another rhythm write every: 90m"}
			}
		}
	}
	return nil
}

// interval is a schedule whose hours are all hours: its slots are the instants whose local clock matches.
type interval struct{ spec *cron.SpecSchedule }

func (s interval) Next(t time.Time) time.Time {
	n := s.spec.Next(t.In(s.spec.Location))
	if n.IsZero() {
		return time.Time{}
	}
	return n.UTC()
}

// beat is a schedule whose hours are a step of all: it goes by UTC, so that the night in which the clocks change has neither a slot too many
// nor too few. Its days are those of the plan's zone.
type beat struct {
	hours *cron.SpecSchedule // minutes and hours of any day, in UTC
	days  *cron.SpecSchedule // only its days are asked
	zone  *time.Location
}

func newBeat(spec *cron.SpecSchedule, zone *time.Location) beat {
	hours := *spec
	hours.Dom, hours.Month, hours.Dow = anyDay, anyDay, anyDay
	return beat{&hours, spec, zone}
}

const (
	anyDay = 1<<32 - 1 // every day and month
	// beatYears is how far ahead a beat looks: 29 February is at most eight years away.
	beatYears = 9
)

func (s beat) Next(t time.Time) time.Time {
	limit := t.AddDate(beatYears, 0, 0)
	for n := s.hours.Next(t.UTC()); !n.IsZero() && n.Before(limit); n = s.hours.Next(n) {
		if s.on(n.In(s.zone)) {
			return n.UTC()
		}
	}
	return time.Time{}
}

// on reports whether a local day is one of its days.
func (s beat) on(l time.Time) bool {
	has := func(field uint64, n int) bool { return field&(1<<uint(n)) != 0 }
	return has(s.days.Dom, l.Day()) && has(s.days.Month, int(l.Month())) && has(s.days.Dow, int(l.Weekday()))
}

// fixed is a schedule bound to the local clock. Its spec is walked on a clock that never changes, and each slot found there is
// turned into its one instant.
type fixed struct {
	spec *cron.SpecSchedule
	cal  Calendar
}

func (s fixed) Next(t time.Time) time.Time {
	// No slot is lost by beginning at what the clocks show at t: resolve never decreases, so a later instant has a later reading.
	w := wall(t.In(s.cal.zone))
	for {
		w = s.spec.Next(w)
		if w.IsZero() {
			return time.Time{}
		}
		if at := s.cal.resolve(w); at.After(t) {
			return at
		}
	}
}

// every is a steady beat, counted from midnight UTC of 1 January 1970 so that every process has the same slots.
type every time.Duration

// Every returns the schedule with a slot at each whole multiple of d since the Unix epoch: 30m beats at :00 and :30.
// It refuses, with a *ScheduleError, less than MinInterval and fractions of a second.
func Every(d time.Duration) (cron.Schedule, error) {
	switch {
	case d < MinInterval:
		return nil, &ScheduleError{fmt.Sprintf("every %v is too often", d), fmt.Sprintf("at least %v must lie between two slots", MinInterval)}
	case d%time.Second != 0:
		return nil, &ScheduleError{fmt.Sprintf("every %v is no whole number of seconds", d), "write whole seconds"}
	}
	return every(d), nil
}

func (s every) Next(t time.Time) time.Time {
	step := int64(time.Duration(s) / time.Second)
	n := t.Unix() - mod(t.Unix(), step) + step
	return time.Unix(n, 0).UTC()
}

// mod is a modulo b, never negative.
func mod(a, b int64) int64 { return ((a % b) + b) % b }
