package timeline

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"skift/internal/plan"
)

// Wish is where somebody wants a milestone to be.
type Wish struct {
	To    string   // a date as the plan writes it; a day keeps the time of day; +7d, +2w or -3wd counts from where it is. "" = its beginning stays
	Until string   // its end, written alike; "" = it lasts as long as it did
	With  []string // milestones and gates that go along by as many days
}

// WishError says why a wish cannot be read as dates of the plan.
type WishError struct{ Message, Hint string }

func (e *WishError) Error() string { return e.Message }

func badWish(hint, format string, args ...any) error {
	return &WishError{fmt.Sprintf(format, args...), hint}
}

// distance is how far a date is moved: by local days, which are whole whatever clocks do, and then on the clock.
type distance struct {
	days  int
	clock time.Duration
}

var shiftForm = regexp.MustCompile(`^([+-]) ?([0-9]{1,5})(w|d|wd)$`)

// Redate reads a wish for a milestone: the dates that it, and what goes along, then has in the plan. A plan in which they
// cannot be is refused when it is read.
func (t *Timeline) Redate(id string, w Wish) ([]plan.Redated, error) {
	m := t.plan.Milestones[id]
	if m == nil {
		return nil, badWish("", "the plan has no milestone %q", id)
	}
	if w.To == "" && w.Until == "" {
		return nil, badWish("write the day: 2020-11-07, or +7d", "where %s is to be is not said", id)
	}
	out := plan.Redated{Milestone: id}
	var by distance
	known := false
	if w.To != "" {
		var err error
		if out.From, by, known, err = t.cal.wished(m.From, w.To); err != nil {
			return nil, err
		}
	}
	switch one := m.Kind == plan.Release || m.Kind == plan.Point; {
	case one && w.Until != "":
		return nil, badWish("leave --until out", "%s is one date and has no end of its own", id)
	case one || m.Until.Pos == m.From.Pos:
		if w.Until != "" {
			return nil, badWish("write the months in one: 2019-09..2019-10", "%s is whole months and has no end of its own", id)
		}
	case w.Until != "":
		var err error
		if out.Until, _, _, err = t.cal.wished(m.Until, w.Until); err != nil {
			return nil, err
		}
	case known:
		out.Until = t.cal.moved(m.Until, by)
	}
	if t.cal.stays(m.From, out.From) && t.cal.stays(m.Until, out.Until) {
		return nil, badWish("say another date, or leave it", "%s is there already: %s", id, writtenDates(m))
	}
	all := []plan.Redated{out}
	for _, also := range w.With {
		if !known || by.days == 0 {
			return nil, badWish("move "+also+" by itself", "nothing can go along with %s: it moves by no whole days", id)
		}
		r, err := t.along(also, distance{days: by.days})
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// along moves what does not hang on the milestone by as many days.
func (t *Timeline) along(id string, by distance) (plan.Redated, error) {
	var r plan.Redated
	var from, until plan.When
	switch {
	case t.plan.Milestones[id] != nil:
		m := t.plan.Milestones[id]
		r.Milestone, from, until = id, m.From, m.Until
		if until.Pos == from.Pos {
			until = plan.When{}
		}
	case t.plan.Gates[id] != nil:
		g := t.plan.Gates[id]
		r.Gate, from, until = id, g.Opens, g.DecideBy
	default:
		return r, badWish("", "the plan has no milestone or gate %q", id)
	}
	r.From, r.Until = t.cal.moved(from, by), t.cal.moved(until, by)
	if r.From == "" && r.Until == "" {
		return r, badWish("leave it out", "%s has no date of its own that could move: it hangs on others", id)
	}
	if t.cal.stays(from, r.From) && t.cal.stays(until, r.Until) {
		month := from
		if !wholeMonths(month) {
			month = until
		}
		return r, badWish(fmt.Sprintf("leave it out of --with, or move it by itself: skift plan move %s %s", id, t.cal.otherMonth(month, by.days)),
			"%s is a month, %s: %d days do not make it another", id, month.Text, by.days)
	}
	return r, nil
}

// stays reports whether a date that is written anew is the one there is.
func (c Calendar) stays(is plan.When, text string) bool {
	if text == "" || text == is.Text {
		return true
	}
	w, err := plan.ParseWhen(text, c.zone)
	return err == nil && w.Kind == is.Kind && w.Ref == is.Ref && w.Offset == is.Offset && w.At.Equal(is.At) && w.From.Equal(is.From) && w.Until.Equal(is.Until)
}

// writtenDates is when a milestone is, as the plan says it.
func writtenDates(m *plan.Milestone) string {
	if m.Until.IsZero() || m.Until.Pos == m.From.Pos {
		return m.From.Text
	}
	return m.From.Text + " – " + m.Until.Text
}

// wholeMonths reports whether a date is written as months: it has no day that could be moved.
func wholeMonths(w plan.When) bool {
	first, _, _ := strings.Cut(w.Text, "..")
	return (w.Kind == plan.Month || w.Kind == plan.About) && len(first) == len(monthLayout)
}

// otherMonth writes months as far away as so many days, and at least by one.
func (c Calendar) otherMonth(w plan.When, days int) string {
	at := c.wallOf(w)
	if text := monthsFrom(at.AddDate(0, 0, midMonth+days), w.Text); text != w.Text {
		return text
	}
	if days < 0 {
		return monthsFrom(at.AddDate(0, -1, 0), w.Text)
	}
	return monthsFrom(at.AddDate(0, 1, 0), w.Text)
}

// wished reads where one date is to be, and how far that is from where it is; known is false when either has no place in the calendar.
func (c Calendar) wished(is plan.When, wish string) (text string, by distance, known bool, err error) {
	if m := shiftForm.FindStringSubmatch(wish); m != nil {
		by, err := c.counted(is, m)
		return c.moved(is, by), by, true, err
	}
	w, err := plan.ParseWhen(wish, c.zone)
	if err != nil {
		var bad *plan.WhenError
		if errors.As(err, &bad) {
			return "", by, false, badWish(bad.Hint, "%s", bad.Message)
		}
		return "", by, false, err
	}
	text = wish
	switch {
	case is.Kind == plan.Exact && w.Kind == plan.Day:
		text += " " + clockText(c.wallOf(is))
		if w, err = plan.ParseWhen(text, c.zone); err != nil { // that day has no such time
			var bad *plan.WhenError
			if errors.As(err, &bad) {
				return "", by, false, badWish(bad.Hint, "%s", bad.Message)
			}
			return "", by, false, err
		}
	case is.Kind == plan.Month && w.Kind == plan.Month && !strings.Contains(wish, ".."):
		text = monthsFrom(c.wallOf(w), is.Text)
	case is.Kind == plan.Month && w.Kind == plan.Day:
		return "", by, false, badWish("write the month: "+wish[:len(monthLayout)]+"; for days write from and until into the plan by hand", "%s is a month, and %s is a day", is.Text, wish)
	}
	from, to := c.wallOf(is), c.wallOf(w)
	if from.IsZero() || to.IsZero() {
		return text, by, false, nil
	}
	by.days = int(midnight(to).Sub(midnight(from)) / (24 * time.Hour))
	by.clock = to.Sub(midnight(to)) - from.Sub(midnight(from))
	return text, by, true, nil
}

// counted is what +2w, -3d or +5wd comes to from a date.
func (c Calendar) counted(is plan.When, m []string) (distance, error) {
	at := c.wallOf(is)
	if at.IsZero() {
		return distance{}, badWish("write the date it is to have", "%s hangs on %q or has no date: there is nothing to count from", m[0], is.Text)
	}
	n, _ := strconv.Atoi(m[2])
	if m[1] == "-" {
		n = -n
	}
	switch m[3] {
	case "w":
		n *= 7
	case "wd":
		to := wall(c.AddWorkdays(c.resolve(at), n).In(c.zone))
		n = int(midnight(to).Sub(midnight(at)) / (24 * time.Hour))
	}
	if wholeMonths(is) {
		return distance{}, badWish("write the month: "+c.otherMonth(is, n), "%s is a month and does not move by days (%s)", is.Text, strings.ReplaceAll(m[0], " ", ""))
	}
	if n > 36525 || n < -36525 {
		return distance{}, badWish("write the date it is to have", "%s is further than a hundred years", m[0])
	}
	return distance{days: n}, nil
}

// wallOf is what a clock on the wall shows when a date begins; zero for what has no place in the calendar by itself.
func (c Calendar) wallOf(w plan.When) time.Time {
	switch w.Kind {
	case plan.Exact, plan.Day:
		return wall(w.At.In(c.zone))
	case plan.Month, plan.About:
		return wall(w.From.In(c.zone))
	}
	return time.Time{}
}

func midnight(wall time.Time) time.Time { return wall.Truncate(24 * time.Hour) }

func clockText(wall time.Time) string {
	if wall.Second() != 0 {
		return wall.Format("15:04:05")
	}
	return wall.Format("15:04")
}

// moved writes a date moved by a distance; "" for what hangs on something else or has no date.
func (c Calendar) moved(w plan.When, by distance) string {
	at := c.wallOf(w)
	if at.IsZero() {
		return ""
	}
	switch w.Kind {
	case plan.Exact:
		to := at.AddDate(0, 0, by.days).Add(by.clock)
		return to.Format(dayLayout) + " " + clockText(to)
	case plan.Day:
		return at.AddDate(0, 0, by.days).Format(dayLayout)
	}
	if first, last, ranged := strings.Cut(w.Text, ".."); len(first) == len(dayLayout) {
		text := addDays(first, by.days)
		if ranged {
			text += ".." + addDays(last, by.days)
		}
		return text
	}
	return monthsFrom(at.AddDate(0, 0, midMonth+by.days), w.Text)
}

func addDays(day string, n int) string {
	t, err := time.Parse(dayLayout, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, n).Format(dayLayout)
}

// monthsFrom writes as many months as text has, beginning with the one of at.
func monthsFrom(at time.Time, text string) string {
	first := at.Format(monthLayout)
	a, b, ranged := strings.Cut(text, "..")
	from, errA := time.Parse(monthLayout, a)
	to, errB := time.Parse(monthLayout, b)
	if !ranged || errA != nil || errB != nil {
		return first
	}
	months := (to.Year()-from.Year())*12 + int(to.Month()-from.Month())
	return first + ".." + time.Date(at.Year(), at.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC).Format(monthLayout)
}
