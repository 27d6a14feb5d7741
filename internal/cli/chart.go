package cli

import (
	"strings"
	"unicode/utf8"

	"skift/internal/plan"
	"skift/internal/term"
	"skift/internal/timeline"
)

// The signs of the chart. They differ in shape, so that no colour is needed.
const (
	signZone  = "#"
	signPhase = "="
	signNow   = "|"
)

// legend says what each sign of the chart means: catalogue keys.
var legend = []struct{ sign, key string }{
	{signZone, "milestone-kind.zone"}, {signPhase, "chart.phase"}, {string(timeline.Fuzzy), "chart.fuzzy"},
	{string(timeline.Open), "chart.open"}, {string(timeline.Mark), "chart.mark"}, {string(timeline.FuzzyMark), "chart.about"}, {signNow, "now"},
}

// chart draws the timeline: a column of names, then the months.
func (v planView) chart(b *strings.Builder) {
	names := 0
	for _, m := range v.t.Milestones {
		name := titleOf(v.c, m.Milestone)
		if w := v.p.Waves[m.Wave]; w != nil {
			name = w.Name
		}
		names = max(names, term.Width(term.Line(name)))
	}
	names = min(names, max(v.width*3/10, 10))
	chart := v.t.Chart(v.width - names - 3)
	if chart.From.IsZero() {
		return // nothing has a date: the list says so
	}
	before := strings.Repeat(" ", names+3)
	years, months := v.ticks(chart)
	for _, l := range []string{years, months} {
		if l != "" {
			b.WriteString(before + v.screen.Dim(l) + "\n")
		}
	}
	for _, l := range v.chartLines(chart.Rows) {
		state := milestoneState(l.state)
		sign := " "
		if state != term.Plain {
			sign = v.screen.Paint(state, state.Shape())
		}
		name := term.Pad(term.Truncate(term.Line(l.name), names), names)
		b.WriteString(strings.TrimRight(sign+" "+name+" "+v.cells(l.row, chart.Now), " ") + "\n")
	}
	if chart.Now >= 0 {
		b.WriteString(before + v.nowLabel(chart) + "\n")
	}
	v.legend(b)
}

// cells is one line of the chart with the now-line through it. What has no date says so.
func (v planView) cells(r timeline.Row, now int) string {
	text := make([]string, len(r.Cells))
	empty := true
	for i, c := range r.Cells {
		text[i] = string(c)
		if c == timeline.Bar {
			text[i] = signPhase
			if r.Milestone.Kind == plan.Zone {
				text[i] = signZone
			}
		}
		empty = empty && c == timeline.Blank
	}
	if empty {
		note := []rune(v.c.T("date.unset"))
		for i := range min(len(note), len(text)) {
			text[i] = string(note[i])
		}
	}
	if now >= 0 && (!empty || text[now] == " ") {
		text[now] = v.screen.Paint(term.Running, signNow)
	}
	return strings.Join(text, "")
}

// nowLabel stands under the now-line, on the side where there is room.
func (v planView) nowLabel(c timeline.Chart) string {
	label := v.c.T("now") + " " + v.c.ShortDay(v.local(v.t.Now))
	room := len(c.Rows[0].Cells) - c.Now - 2
	switch {
	case utf8.RuneCountInString(label) <= room:
		label = strings.Repeat(" ", c.Now) + signNow + " " + label
	case utf8.RuneCountInString(label) < c.Now:
		label = strings.Repeat(" ", c.Now-utf8.RuneCountInString(label)-1) + label + " " + signNow
	default:
		label = strings.Repeat(" ", c.Now) + signNow
	}
	return v.screen.Dim(label)
}

// ticks are the years and the months above the columns in which they begin, as far as they fit.
func (v planView) ticks(c timeline.Chart) (years, months string) {
	width := len(c.Rows[0].Cells)
	y, m := newRuler(width), newRuler(width)
	shown := 0
	for _, t := range c.Ticks {
		at := v.local(t.At)
		if at.Year() != shown && y.put(t.Column, at.Format("2006")) { // where there is no room, the year's next month has it
			shown = at.Year()
		}
		name := []rune(v.c.Month(at))
		m.put(t.Column, string(name[:3]))
	}
	return y.String(), m.String()
}

// ruler is a line on which words are put at columns.
type ruler struct {
	line []rune
	free int // first column that may be used
}

func newRuler(width int) *ruler { return &ruler{line: []rune(strings.Repeat(" ", width))} }

// put writes a word, unless it would touch the one before or leave the line: then it reports false.
func (r *ruler) put(column int, word string) bool {
	w := []rune(word)
	if column < r.free || column+len(w) > len(r.line) {
		return false
	}
	copy(r.line[column:], w)
	r.free = column + len(w) + 1
	return true
}

func (r *ruler) String() string { return strings.TrimRight(string(r.line), " ") }

// legend explains the signs; a sign stays beside its word.
func (v planView) legend(b *strings.Builder) {
	line := ""
	for _, l := range legend {
		part := l.sign + " " + v.c.T(l.key)
		if line != "" && term.Width(line+"   "+part) > v.width {
			b.WriteString(v.screen.Dim(line) + "\n")
			line = ""
		}
		if line != "" {
			line += "   "
		}
		line += part
	}
	b.WriteString(v.screen.Dim(line) + "\n")
}
