package diag

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"skift/internal/term"
)

// lineColumns is how much of a source line is printed, in columns. A longer
// line is clipped around the caret.
const lineColumns = 100

const (
	bold   = "\x1b[1m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	reset  = "\x1b[0m"
)

// Render prints problems in the order given: place, path and message; the
// source line with a caret; the hint; related places. source gives a file's
// bytes, or nil when they cannot be had (the line is then left out); it may be
// nil. Nothing in a message or a source line can control the terminal. The
// error is that of w.
func Render(w io.Writer, problems []Problem, source func(file string) []byte, colour bool) error {
	r := renderer{colour: colour, source: source, files: make(map[string]*text), hidden: make(map[Pos]int)}
	for _, p := range problems {
		if p.Secret {
			line := Pos{File: p.File, Line: p.Line}
			if from, ok := r.hidden[line]; !ok || p.Col < from {
				r.hidden[line] = p.Col
			}
		}
	}
	var out bytes.Buffer
	for _, p := range problems {
		r.problem(&out, p)
		if out.Len() > 64<<10 {
			if _, err := w.Write(out.Bytes()); err != nil {
				return err
			}
			out.Reset()
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

type renderer struct {
	colour bool
	source func(string) []byte
	files  map[string]*text
	hidden map[Pos]int // per line, from which character on it is secret
}

// text is a file's bytes and how far its lines were found.
type text struct {
	src    []byte
	starts []int // where each line begins
}

func (r *renderer) problem(out *bytes.Buffer, p Problem) {
	tone := red
	if p.Severity == Warning {
		tone = yellow
	}
	line := p
	line.Pos = Pos{}
	if at := p.Pos.String(); at != "" {
		out.WriteString(r.paint(bold, term.Line(at)+":") + " ")
	}
	out.WriteString(term.Line(line.String()) + "\n")
	if source, ok := r.line(p.Pos); ok && p.Col > 0 {
		cells := draw(source)
		if from, ok := r.hidden[Pos{File: p.File, Line: p.Line}]; ok {
			cells = hide(cells, from)
		}
		if from, ok := clearText(source); ok {
			cells = hide(cells, from)
		}
		shown, caret := snippet(cells, p.Col, p.Width)
		fmt.Fprintf(out, "    %s\n    %s\n", shown, r.paint(tone, caret))
	}
	if p.Hint != "" {
		out.WriteString("  " + r.paint(cyan, "hint:") + " " + term.Line(p.Hint) + "\n")
	}
	for _, n := range p.Related {
		fmt.Fprintf(out, "  %s: %s\n", term.Line(n.Pos.String()), term.Line(n.Message))
	}
}

func (r *renderer) paint(tone, s string) string {
	if !r.colour {
		return s
	}
	return tone + s + reset
}

// line finds the text of a position's line, without its line break.
func (r *renderer) line(p Pos) (string, bool) {
	if r.source == nil || p.Line < 1 {
		return "", false
	}
	t, ok := r.files[p.File]
	if !ok {
		t = &text{src: bytes.TrimPrefix(r.source(p.File), []byte("\ufeff")), starts: []int{0}}
		r.files[p.File] = t
	}
	for len(t.starts) < p.Line {
		from := t.starts[len(t.starts)-1]
		i := bytes.IndexByte(t.src[from:], '\n')
		if i < 0 || from+i+1 == len(t.src) {
			return "", false
		}
		t.starts = append(t.starts, from+i+1)
	}
	line := t.src[t.starts[p.Line-1]:]
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	return string(bytes.TrimSuffix(line, []byte("\r"))), true
}

// cell is one source character as it is drawn.
type cell struct {
	text    string
	columns int
}

// hide replaces the characters from col on by "***".
func hide(cells []cell, col int) []cell {
	if from := max(col-1, 0); from < len(cells) {
		cells = append(cells[:from:from], cell{"***", 3})
	}
	return cells
}

// snippet draws a source line and the line that points at width characters
// from col on, both at most lineColumns wide.
func snippet(cells []cell, col, width int) (shown, caret string) {
	at := min(col-1, len(cells))
	end := min(at+max(width, 1), len(cells))
	from, to := clip(cells, at)
	end = min(end, to)
	var text, pad strings.Builder
	if from > 0 {
		text.WriteString("…")
		pad.WriteByte(' ')
	}
	marks := 0
	for i := from; i < to; i++ {
		text.WriteString(cells[i].text)
		switch {
		case i < at:
			pad.WriteString(strings.Repeat(" ", cells[i].columns))
		case i < end:
			marks += cells[i].columns
		}
	}
	if to < len(cells) {
		text.WriteString("…")
	}
	return strings.TrimRight(text.String(), " "), pad.String() + strings.Repeat("^", max(marks, 1))
}

// draw gives each character its harmless picture: tabs become spaces up to the
// next multiple of four, control characters a visible sign, bytes that are not
// UTF-8 their number.
func draw(line string) []cell {
	cells := make([]cell, 0, len(line))
	column := 0
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRuneInString(line[i:])
		var c cell
		switch {
		case r == utf8.RuneError && size == 1:
			c.text = fmt.Sprintf(`\x%02x`, line[i])
			c.columns = 4
		case r == '\t':
			c.columns = 4 - column%4
			c.text = strings.Repeat(" ", c.columns)
		default:
			c.text = term.Visible(r)
			c.columns = term.Width(c.text)
		}
		cells = append(cells, c)
		column += c.columns
		i += size
	}
	return cells
}

// clip chooses the cells [from,to) to show around the cell at: all when they
// fit, else a window that keeps a third of its width before the caret.
func clip(cells []cell, at int) (from, to int) {
	total := 0
	for _, c := range cells {
		total += c.columns
	}
	if total <= lineColumns {
		return 0, len(cells)
	}
	from = at
	before := 0
	for from > 0 && before+cells[from-1].columns <= lineColumns/3 {
		from--
		before += cells[from].columns
	}
	to = at
	used := before
	for to < len(cells) && used+cells[to].columns <= lineColumns-2 {
		used += cells[to].columns
		to++
	}
	// Near the end of the line there is room left: show more of what is before.
	for from > 0 && used+cells[from-1].columns <= lineColumns-2 {
		from--
		used += cells[from].columns
	}
	return from, to
}
