package cli

import (
	"slices"
	"strings"
	"time"

	"skift/internal/forecast"
	"skift/internal/plan"
	"skift/internal/term"
	"skift/internal/words"
)

// clockIn is an instant in the plan's zone, with its day when that is another than today's.
func clockIn(c *words.Catalogue, p *plan.Plan, t, today time.Time) string {
	t, today = t.In(p.Zone), today.In(p.Zone)
	if t.Format(time.DateOnly) == today.Format(time.DateOnly) {
		return c.Clock(t)
	}
	return c.Short(t)
}

// away is how far apart two instants are, "20 min" and never shorter than seconds.
func away(c *words.Catalogue, d time.Duration) string {
	return c.Duration(max(d, -d).Round(time.Second))
}

// margin says how an instant lies to the end of the window, with the state it is shown in.
func margin(c *words.Catalogue, m forecast.Mark, w forecast.Window) term.Cell {
	switch {
	case w.Until.IsZero():
		return term.Cell{}
	case !m.Holds:
		return term.Cell{Text: term.Fail.Shape() + " " + c.T("forecast.over", "by", away(c, m.Margin)), State: term.Fail}
	}
	return term.Cell{Text: term.OK.Shape() + " " + c.T("forecast.left", "by", away(c, m.Margin)), State: term.OK}
}

// mark is one line of a gauge.
type mark struct {
	shape string
	label string
	forecast.Mark
}

// marks are the ends of a run in the order in which they are told.
func marks(c *words.Catalogue, p *plan.Plan, f *forecast.Forecast) []mark {
	out := []mark{{"▶", c.T("gauge.end"), f.Gauge.End}}
	if f.Gauge.BackNow != nil {
		out = append(out, mark{"◀", c.T("gauge.back-now"), *f.Gauge.BackNow})
	}
	if f.Gauge.BackLast != nil {
		out = append(out, mark{"◁", c.T("gauge.back-last", "at", clockIn(c, p, f.Gauge.TurnAt, f.At)), *f.Gauge.BackLast})
	}
	return out
}

// windowText is a window in words.
func windowText(c *words.Catalogue, p *plan.Plan, w forecast.Window) string {
	if w.Until.IsZero() {
		return c.T("forecast.no-window")
	}
	if w.From.IsZero() {
		return c.T("forecast.window", "from", "…", "until", c.Short(w.Until.In(p.Zone)))
	}
	return c.T("forecast.window", "from", c.Short(w.From.In(p.Zone)), "until", c.Short(w.Until.In(p.Zone)))
}

// leastText says that a forecast is a lower bound; "" = it is not.
func leastText(c *words.Catalogue, f *forecast.Forecast) string {
	const most = 3
	if n := len(f.Unestimated); n > 0 {
		names := slices.Clone(f.Unestimated[:min(n, most)])
		if n > most {
			names = append(names, "…")
		}
		return c.N("forecast.least", n, "steps", strings.Join(names, ", "))
	}
	return ""
}

// gaugeWidth is how many columns the bar of a gauge has.
const gaugeWidth = 72

// bar draws the marks of a forecast along its window; "" without a window.
func bar(f *forecast.Forecast) string {
	w := f.Gauge.Window
	if w.Until.IsZero() || w.From.IsZero() || !w.Until.After(w.From) {
		return ""
	}
	first, last := w.From, w.Until
	points := []struct {
		at    time.Time
		shape rune
	}{}
	add := func(at time.Time, shape rune) {
		if at.IsZero() {
			return
		}
		points = append(points, struct {
			at    time.Time
			shape rune
		}{at, shape})
		if at.After(last) {
			last = at
		}
	}
	for _, g := range f.Gates {
		add(g.Latest, '◆')
	}
	if f.Gauge.BackLast != nil {
		add(f.Gauge.BackLast.At, '◁')
	}
	if f.Gauge.BackNow != nil {
		add(f.Gauge.BackNow.At, '◀')
	}
	add(f.End, '▶')
	add(f.At, '┃')
	place := func(t time.Time) int {
		return min(max(int(float64(gaugeWidth-1)*float64(t.Sub(first))/float64(last.Sub(first))), 0), gaugeWidth-1)
	}
	cells := []rune(strings.Repeat("─", place(w.Until)) + "┤" + strings.Repeat("·", gaugeWidth-1-place(w.Until)))
	cells[0] = '├'
	for _, p := range points {
		cells[place(p.at)] = p.shape
	}
	return string(cells)
}
