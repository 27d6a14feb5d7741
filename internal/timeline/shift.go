package timeline

import (
	"cmp"
	"regexp"
	"slices"
	"time"
)

// Objection is why a cut-over should not be on the dates wished for.
type Objection string

// The objections.
const (
	OtherWeekday Objection = "weekday"      // not the weekday the plan was made for
	OnHoliday    Objection = "holiday"      // a public holiday: nobody is there
	OnHalfDay    Objection = "half-day"     // 5 June, 24 or 31 December
	ClockChange  Objection = "clock-change" // clocks are set within the window
)

// Problem is one objection to one local date.
type Problem struct {
	Objection
	Day  time.Time // first instant of the local date
	Name string    // of the holiday
}

// Move is a wish to hold a cut-over on other dates, judged.
type Move struct {
	Weeks    int // to move every date of the plan by; meaningful when there are no problems
	Problems []Problem
	Nearest  []time.Time // where there are problems: the nearest good first days, in order of time
}

// OK reports whether the plan can be moved so.
func (m Move) OK() bool { return len(m.Problems) == 0 }

const (
	nearestDates = 4
	searchWeeks  = 52
)

// JudgeMove judges moving a cut-over that begins on the local date of from and touches days local dates (at least 1) to begin on
// the local date of wish. The weekday must stay, none of its dates may be a holiday or half day, and no clock may change within.
func (c Calendar) JudgeMove(from, wish time.Time, days int) Move {
	days = max(days, 1)
	from, wish = c.Day(from), c.Day(wish)
	apart := int(wall(wish.In(c.zone)).Sub(wall(from.In(c.zone))) / (24 * time.Hour))
	m := Move{Weeks: apart / 7}
	if apart%7 != 0 {
		m.Problems = append(m.Problems, Problem{Objection: OtherWeekday, Day: wish})
	}
	m.Problems = append(m.Problems, c.objections(wish, days)...)
	if !m.OK() {
		m.Nearest = c.nearest(from, wish, days)
	}
	return m
}

// objections lists what speaks against days local dates from first on.
func (c Calendar) objections(first time.Time, days int) []Problem {
	var out []Problem
	for i := range days {
		day := c.AddDays(first, i)
		if name, half := c.Holiday(day); half {
			out = append(out, Problem{OnHalfDay, day, name})
		} else if name != "" {
			out = append(out, Problem{OnHoliday, day, name})
		}
		if len(c.changes(day, c.AddDays(day, 1))) > 0 {
			out = append(out, Problem{Objection: ClockChange, Day: day})
		}
	}
	return out
}

// nearest finds the good dates around wish on the weekday of from, nearest first when chosen, earliest first when returned.
func (c Calendar) nearest(from, wish time.Time, days int) []time.Time {
	toWeekday := int(from.In(c.zone).Weekday()) - int(wish.In(c.zone).Weekday())
	var out []time.Time
	for week := -searchWeeks; week <= searchWeeks; week++ {
		if d := c.AddDays(wish, toWeekday+7*week); len(c.objections(d, days)) == 0 {
			out = append(out, d)
		}
	}
	distance := func(t time.Time) time.Duration { return wall(t.In(c.zone)).Sub(wall(wish.In(c.zone))).Abs() }
	slices.SortStableFunc(out, func(a, b time.Time) int { return cmp.Compare(distance(a), distance(b)) })
	out = out[:min(len(out), nearestDates)]
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// writtenDate finds dates in text: days, months and ranges of months. Group 1 and 2 are the months of a range.
var writtenDate = regexp.MustCompile(`\d{4}-\d{2}-\d{2}|(\d{4}-\d{2})\.\.(\d{4}-\d{2})|\d{4}-\d{2}`)

// ShiftDates moves every date written in text by whole weeks: "2019-11-09 00:00" keeps its time of day, "2019-07" becomes the month in
// which the middle of July then lies, and a range of months keeps its length. Everything else stays, ids with numbers in them too.
func ShiftDates(text string, weeks int) string {
	var out []byte
	last := 0
	for _, at := range writtenDate.FindAllStringSubmatchIndex(text, -1) {
		begin, end := at[0], at[1]
		if begin > 0 && partOfWord(text[begin-1]) || end < len(text) && text[end] != 'T' && partOfWord(text[end]) {
			continue
		}
		out = append(out, text[last:begin]...)
		if at[2] >= 0 {
			out = append(out, shiftMonths(text[at[2]:at[3]], text[at[4]:at[5]], weeks)...)
		} else {
			out = append(out, shiftDate(text[begin:end], weeks)...)
		}
		last = end
	}
	return string(append(out, text[last:]...))
}

func partOfWord(b byte) bool {
	return b == '-' || b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}

const (
	dayLayout   = "2006-01-02"
	monthLayout = "2006-01"
	midMonth    = 14 // days after the first
)

// shiftDate moves a day or a month; what is no date of the calendar stays as it is.
func shiftDate(text string, weeks int) string {
	if t, err := time.Parse(dayLayout, text); err == nil {
		return t.AddDate(0, 0, 7*weeks).Format(dayLayout)
	}
	if t, err := time.Parse(monthLayout, text); err == nil {
		return t.AddDate(0, 0, midMonth+7*weeks).Format(monthLayout)
	}
	return text
}

func shiftMonths(from, to string, weeks int) string {
	a, errA := time.Parse(monthLayout, from)
	b, errB := time.Parse(monthLayout, to)
	if errA != nil || errB != nil {
		return from + ".." + to
	}
	first := a.AddDate(0, 0, midMonth+7*weeks)
	length := (b.Year()-a.Year())*12 + int(b.Month()-a.Month())
	return first.Format(monthLayout) + ".." + time.Date(first.Year(), first.Month()+time.Month(length), 1, 0, 0, 0, 0, time.UTC).Format(monthLayout)
}
