package people

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"skift/internal/csvdoc"
	"skift/internal/diag"
)

// Shift is one row of the roster: a person in a seat from one instant until another, which is no longer part of it.
// Times are in UTC.
type Shift struct {
	Seat, Person string
	From, Until  time.Time
	Pos          diag.Pos
}

// Covers reports whether the shift is on at t.
func (s Shift) Covers(t time.Time) bool { return !t.Before(s.From) && t.Before(s.Until) }

// Roster is who sits where when. The zero value is a roster without shifts.
type Roster struct {
	bySeat map[string][]Shift // each sorted by From, then Until
	shifts []Shift            // file order
}

// RosterContext is what a roster is read against.
type RosterContext struct {
	Zone     *time.Location // of the times in the file; nil = UTC
	Seats    []string       // the seats there are
	Contacts Contacts
	// AnyPerson: the contacts could not be read, so nobody is looked for in them.
	AnyPerson bool
}

// Named reports whether the plan names a roster, be there shifts in it or not.
func (r Roster) Named() bool { return r.bySeat != nil }

// ReadRoster reads shifts.csv: seat,from,until,person. Times are local, "2019-11-09 06:00" or a whole day "2019-11-09".
// Rows with a problem are reported and left out.
func ReadRoster(file string, src []byte, known RosterContext, problems *diag.List) Roster {
	r := Roster{bySeat: map[string][]Shift{}}
	t, ok := csvdoc.Parse(file, src, csvdoc.Columns{Required: []string{"seat", "from", "until", "person"}}, problems)
	if !ok {
		return r
	}
	if known.Zone == nil {
		known.Zone = time.UTC
	}
	t.Each(func(row csvdoc.Row) {
		if s, ok := readShift(row, known); ok {
			r.add(s)
		}
	})
	for seat := range r.bySeat {
		slices.SortStableFunc(r.bySeat[seat], func(a, b Shift) int {
			return cmp.Or(a.From.Compare(b.From), a.Until.Compare(b.Until))
		})
	}
	r.reportOverlaps(known.Zone, problems)
	return r
}

func (r *Roster) add(s Shift) {
	r.shifts = append(r.shifts, s)
	r.bySeat[s.Seat] = append(r.bySeat[s.Seat], s)
}

func readShift(row csvdoc.Row, known RosterContext) (Shift, bool) {
	s := Shift{Seat: row.Str("seat"), Person: row.Str("person"), Pos: row.Pos("seat")}
	ok := s.Seat != "" && s.Person != ""
	if s.Seat != "" && !slices.Contains(known.Seats, s.Seat) {
		row.Problemf("seat", CodeUnknownSeat, "unknown seat %q", s.Seat).
			Hintf("add it under seats in plan.yaml, as party/role").DidYouMean(s.Seat, known.Seats)
		ok = false
	}
	if _, found := known.Contacts.Person(s.Person); s.Person != "" && !found && !known.AnyPerson {
		row.Problemf("person", CodeUnknownPerson, "unknown person %q", s.Person).
			Hintf("add a row for %q to the contacts", s.Person).DidYouMean(s.Person, known.Contacts.IDs())
		ok = false
	}
	var fromOK, untilOK bool
	s.From, fromOK = cellTime(row, "from", known.Zone, ParseFrom)
	s.Until, untilOK = cellTime(row, "until", known.Zone, ParseUntil)
	if fromOK && untilOK && !s.Until.After(s.From) {
		row.Problemf("until", CodeShiftOrder, "the shift ends before it begins").
			Hintf("a shift over midnight ends on the next date; a bare date is the whole day")
		return s, false
	}
	return s, ok && fromOK && untilOK
}

func cellTime(row csvdoc.Row, column string, zone *time.Location, read func(*time.Location, string) (time.Time, error)) (time.Time, bool) {
	text := row.Str(column)
	if text == "" {
		return time.Time{}, false
	}
	at, err := read(zone, text)
	switch {
	case err == nil:
		return at, true
	case errors.Is(err, ErrTimeMissing):
		row.Problemf(column, CodeMissingTime, "%s does not exist in %s: the clock is put forward past it", text, zone).
			Hintf("choose a time before or after that hour")
	case errors.Is(err, ErrTimeAmbiguous):
		row.Problemf(column, CodeAmbiguousTime, "%s exists twice in %s: the clock is put back over it", text, zone).
			Hintf("choose a time before or after that hour")
	default:
		row.Problemf(column, CodeBadTime, "%q is not a date or a date and time", text).
			Hintf("write 2019-11-09 for a whole day, or 2019-11-09 06:00")
	}
	return time.Time{}, false
}

// reportOverlaps reports a person twice in one seat as an error and two people in one seat as a warning: a hand-over may
// overlap, but the author should know that both may then answer for the seat.
func (r *Roster) reportOverlaps(zone *time.Location, problems *diag.List) {
	for _, o := range r.Overlaps() {
		later, earlier := o.Second, o.First
		if later.Pos.Compare(earlier.Pos) < 0 {
			later, earlier = earlier, later
		}
		if later.Person == earlier.Person {
			problems.Addf(later.Pos, CodeDuplicateShift, "%s already sits in %s for part of this time", later.Person, later.Seat).
				See(earlier.Pos, "the other shift").Hintf("join the two rows, or correct their times").At("seat")
			continue
		}
		problems.Warnf(later.Pos, CodeSharedSeat, "%s and %s both sit in %s from %s", earlier.Person, later.Person, later.Seat,
			o.From.In(zone).Format("2006-01-02 15:04 MST")).
			See(earlier.Pos, "the other shift").Hintf("let one shift end where the next begins, unless both may answer for the seat").At("seat")
	}
}

// Shifts lists every shift in the order of the file.
func (r Roster) Shifts() []Shift { return slices.Clone(r.shifts) }

// Seats lists the seats that have at least one shift, sorted.
func (r Roster) Seats() []string {
	seats := make([]string, 0, len(r.bySeat))
	for seat := range r.bySeat {
		seats = append(seats, seat)
	}
	slices.Sort(seats)
	return seats
}

// Duty is who answers for a seat at one moment.
type Duty struct {
	Seat     string
	On       []Shift // on shift now, the one who came first ahead; usually one, none when unstaffed
	Next     *Shift  // the first shift to begin after now; nil when there is none
	Deputies []Shift // on shift now in the deputies' seats, in the order the deputies were named
}

// At says who answers for a seat at t: on shift, next, and who sits in the seats that deputise for it.
func (r Roster) At(seat string, t time.Time, deputies ...string) Duty {
	d := Duty{Seat: seat, On: r.on(seat, t)}
	for _, s := range r.bySeat[seat] {
		if s.From.After(t) {
			next := s
			d.Next = &next
			break
		}
	}
	for _, deputy := range deputies {
		d.Deputies = append(d.Deputies, r.on(deputy, t)...)
	}
	return d
}

// Person is the one to ask: on shift in the seat, else the first deputy; "" when nobody is there.
func (d Duty) Person() string {
	switch {
	case len(d.On) > 0:
		return d.On[0].Person
	case len(d.Deputies) > 0:
		return d.Deputies[0].Person
	}
	return ""
}

func (r Roster) on(seat string, t time.Time) []Shift {
	var on []Shift
	for _, s := range r.bySeat[seat] {
		if s.From.After(t) {
			break
		}
		if s.Covers(t) {
			on = append(on, s)
		}
	}
	return on
}

// Sits reports whether the person is on shift in the seat at t.
func (r Roster) Sits(person, seat string, t time.Time) bool {
	return slices.ContainsFunc(r.on(seat, t), func(s Shift) bool { return s.Person == person })
}

// SeatsOf lists the seats the person is on shift in at t, sorted. More than one seat is still one voice.
func (r Roster) SeatsOf(person string, t time.Time) []string {
	var seats []string
	for _, seat := range r.Seats() {
		if r.Sits(person, seat, t) {
			seats = append(seats, seat)
		}
	}
	return seats
}

// Gap is a stretch of time in which nobody sits in a seat.
type Gap struct {
	Seat        string
	From, Until time.Time
}

// Gaps lists when, from one instant until another, nobody sits in the seat. A seat without shifts is one long gap.
func (r Roster) Gaps(seat string, from, until time.Time) []Gap {
	var gaps []Gap
	at := from
	for _, s := range r.bySeat[seat] {
		if !at.Before(until) || !s.From.Before(until) {
			break
		}
		if s.From.After(at) {
			gaps = append(gaps, Gap{seat, at, s.From})
		}
		if s.Until.After(at) {
			at = s.Until
		}
	}
	if at.Before(until) {
		gaps = append(gaps, Gap{seat, at, until})
	}
	return gaps
}

// Overlap is a stretch of time that two shifts share.
type Overlap struct {
	First, Second Shift // First begins no later
	From, Until   time.Time
}

// Overlaps lists where two shifts of one seat overlap, by seat and time.
func (r Roster) Overlaps() []Overlap {
	var found []Overlap
	for _, seat := range r.Seats() {
		found = append(found, overlaps(r.bySeat[seat])...)
	}
	return found
}

// Doubled lists where one person sits in two different seats at once, by person and time. It is allowed, and the two
// seats are then one voice.
func (r Roster) Doubled() []Overlap {
	byPerson := map[string][]Shift{}
	for _, s := range r.shifts {
		byPerson[s.Person] = append(byPerson[s.Person], s)
	}
	var found []Overlap
	for _, person := range sortedKeys(byPerson) {
		shifts := byPerson[person]
		slices.SortStableFunc(shifts, func(a, b Shift) int { return a.From.Compare(b.From) })
		found = append(found, slices.DeleteFunc(overlaps(shifts), func(o Overlap) bool { return o.First.Seat == o.Second.Seat })...)
	}
	return found
}

// overlaps compares shifts sorted by From; each is compared with those that begin before it ends.
func overlaps(shifts []Shift) []Overlap {
	var found []Overlap
	for i, first := range shifts {
		for _, second := range shifts[i+1:] {
			if !second.From.Before(first.Until) {
				break
			}
			until := first.Until
			if second.Until.Before(until) {
				until = second.Until
			}
			found = append(found, Overlap{first, second, second.From, until})
		}
	}
	return found
}

func sortedKeys(m map[string][]Shift) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
