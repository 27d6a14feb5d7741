package timeline

import (
	"time"

	"skift/internal/plan"
)

// Cell is what one column of a chart shows of one milestone.
type Cell byte

// The cells. A terminal may print them as they are.
const (
	Blank     Cell = ' '
	Bar       Cell = '#' // surely in effect
	Fuzzy     Cell = '~' // perhaps: its date is not certain, or an estimate
	Open      Cell = '>' // goes on until an event that has not come, beyond every estimate
	Mark      Cell = '*' // a point or release
	FuzzyMark Cell = '?' // a point or release about here
)

// Row is one milestone as a line of the chart. The cells of one without a date are blank: say "no date" beside it.
type Row struct {
	Milestone *Milestone
	Cells     []Cell
}

// Tick is the column in which a month begins.
type Tick struct {
	Column int
	At     time.Time
}

// Chart is a timeline drawn on a line of columns, as data.
type Chart struct {
	From, Until time.Time
	Now         int // column of the now-line; -1 = outside
	Ticks       []Tick
	Rows        []Row
}

// Chart draws the timeline width columns wide (at least 10), from the first beginning to the last end known, in whole months.
// A plan without any date has no columns.
func (t *Timeline) Chart(width int) Chart {
	width = max(width, 10)
	from, until := t.bounds()
	c := Chart{From: from, Until: until, Now: -1}
	s := scale{from, until, width}
	if !from.IsZero() {
		if !t.Now.Before(from) && t.Now.Before(until) {
			c.Now = s.column(t.Now)
		}
		for at := from; at.Before(until); at = t.monthStart(at, 1) {
			if n := len(c.Ticks); n == 0 || c.Ticks[n-1].Column != s.column(at) {
				c.Ticks = append(c.Ticks, Tick{s.column(at), at})
			}
		}
	}
	for _, m := range t.Milestones {
		row := Row{Milestone: m}
		if !from.IsZero() {
			row.Cells = m.cells(s, t.Now)
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}

// bounds are the whole months that hold every known date and, when it lies among them or beside, now.
func (t *Timeline) bounds() (from, until time.Time) {
	grow := func(at time.Time) {
		if at.IsZero() {
			return
		}
		if from.IsZero() || at.Before(from) {
			from = at
		}
		if until.IsZero() || at.After(until) {
			until = at
		}
	}
	for _, m := range t.Milestones {
		for _, i := range []Instant{m.Start, m.End} {
			grow(i.At)
			grow(i.Earliest)
			grow(i.Latest)
		}
		grow(m.StartedAt)
		grow(m.PassedAt)
	}
	if from.IsZero() {
		return from, until
	}
	return t.monthStart(from, 0), t.monthStart(until.Add(-1), 1)
}

// monthStart is the first instant of the local month of at, or of the month so many later.
func (t *Timeline) monthStart(at time.Time, later int) time.Time {
	l := at.In(t.cal.zone)
	return t.cal.resolve(time.Date(l.Year(), l.Month()+time.Month(later), 1, 0, 0, 0, 0, time.UTC))
}

type scale struct {
	from, until time.Time
	width       int
}

// column is where an instant lies, kept inside the chart.
func (s scale) column(at time.Time) int {
	whole := s.until.Sub(s.from)
	if whole <= 0 {
		return 0
	}
	n := int(float64(at.Sub(s.from)) / float64(whole) * float64(s.width))
	return min(max(n, 0), s.width-1)
}

// last is the column of the last instant before at.
func (s scale) last(at time.Time) int { return s.column(at.Add(-1)) }

// cells draws one milestone.
func (m *Milestone) cells(s scale, now time.Time) []Cell {
	l := make(line, s.width)
	l.fill(0, s.width-1, Blank)
	switch {
	case !m.Start.Known():
	case m.Kind == plan.Release || m.Kind == plan.Point:
		m.drawPoint(s, l)
	case !m.PassedAt.IsZero():
		l.fill(s.column(m.Start.Earliest), s.last(m.PassedAt), Bar)
	case m.End.Certainty == Event || m.End.Certainty == Unknown:
		m.drawOpen(s, l, now)
	default:
		l.fill(s.column(m.Start.Earliest), s.last(m.End.Latest), Fuzzy)
		if m.Start.Latest.Before(m.End.Earliest) {
			l.fill(s.column(m.Start.Latest), s.last(m.End.Earliest), Bar)
		}
		if m.State == Late {
			l.fill(s.column(m.End.Latest), s.column(now), Open)
		}
	}
	return l
}

type line []Cell

// fill sets the columns from first to last.
func (l line) fill(first, last int, c Cell) {
	for i := first; i <= last; i++ {
		l[i] = c
	}
}

func (m *Milestone) drawPoint(s scale, l line) {
	switch {
	case !m.Start.Fuzzy():
		l[s.column(m.Start.At)] = Mark
	case m.Start.Latest.IsZero(): // an event: the estimate is all there is
		l[s.column(m.Start.At)] = FuzzyMark
	default:
		l.fill(s.column(m.Start.Earliest), s.last(m.Start.Latest), FuzzyMark)
	}
}

// drawOpen draws a stretch without a sure end: certain so far, perhaps until the estimate, open from there.
func (m *Milestone) drawOpen(s scale, l line, now time.Time) {
	first := s.column(m.Start.Earliest)
	l.fill(first, s.width-1, Open)
	if m.End.At.After(now) {
		l.fill(first, s.last(m.End.At), Fuzzy)
	}
	if m.State == Active {
		l.fill(first, s.column(now), Bar)
	}
}

// Column is the column in which an instant lies; inside is false for one before or after the chart, whose column is its edge.
func (c Chart) Column(at time.Time) (column int, inside bool) {
	if len(c.Rows) == 0 || len(c.Rows[0].Cells) == 0 {
		return 0, false
	}
	return scale{c.From, c.Until, len(c.Rows[0].Cells)}.column(at), !at.Before(c.From) && at.Before(c.Until)
}
