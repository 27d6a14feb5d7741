package term

import (
	"io"
	"strings"
)

const (
	tableGap = "  "
	// narrowest is the least width the last column is wrapped to; on a
	// narrower screen lines are longer than the screen.
	narrowest = 24
)

// Cell is text with the state it shows. The text is shown as [Line] makes it;
// line breaks in it begin a new line of the cell.
type Cell struct {
	Text  string
	State State
}

// Table is text in columns, aligned by what the terminal draws. The last
// column is wrapped at spaces when the screen is narrower than the table; the
// others are never cut.
type Table struct {
	header []string
	right  map[int]bool
	rows   [][]Cell
	under  map[int][]string // row → paragraphs below it
	fold   int              // 0 = never
}

// NewTable begins a table; without a header none is printed.
func NewTable(header ...string) *Table {
	return &Table{header: header, right: make(map[int]bool), under: make(map[int][]string)}
}

// Right aligns columns, counted from 0, to the right, for numbers.
func (t *Table) Right(columns ...int) *Table {
	for _, c := range columns {
		t.right[c] = true
	}
	return t
}

// Row adds a row of plain text.
func (t *Table) Row(texts ...string) {
	cells := make([]Cell, len(texts))
	for i, s := range texts {
		cells[i].Text = s
	}
	t.Cells(cells...)
}

// Cells adds a row.
func (t *Table) Cells(cells ...Cell) { t.rows = append(t.rows, cells) }

// underIndent is how far a paragraph below a row is set in.
const underIndent = 3

// Under adds a paragraph below the last row, across the whole screen. It is the way to say much on a narrow one.
func (t *Table) Under(text string) {
	if len(t.rows) > 0 && text != "" {
		t.under[len(t.rows)-1] = append(t.under[len(t.rows)-1], text)
	}
}

// Fold lets a table that is wider than the screen keep its first columns only, as many of them as fit: what stands in the others goes
// below each row, every part behind its column's header. Nothing is left out, and no part is broken that fits on a line.
func (t *Table) Fold(columns int) *Table {
	t.fold = columns
	return t
}

// folded is the table as a narrow screen shows it.
func (t *Table) folded(keep, screen int) *Table {
	out := &Table{right: t.right, under: map[int][]string{}}
	if len(t.header) > 0 {
		out.header = t.header[:min(keep, len(t.header))]
	}
	for i, row := range t.rows {
		out.Cells(row[:min(keep, len(row))]...)
		var parts []string
		for j := keep; j < len(row); j++ {
			text := row[j].Text
			if text == "" {
				continue
			}
			if j < len(t.header) && t.header[j] != "" {
				text = t.header[j] + " " + text
			}
			parts = append(parts, text)
		}
		for _, l := range Parts(parts, " · ", screen-underIndent) {
			out.Under(l)
		}
		for _, text := range t.under[i] {
			out.Under(text)
		}
	}
	return out
}

// natural is how wide the table is without wrapping.
func natural(widths []int) int {
	n := -len(tableGap)
	for _, w := range widths {
		n += w + len(tableGap)
	}
	return n
}

// Len is the number of rows, not counting the header.
func (t *Table) Len() int { return len(t.rows) }

// Write prints the table. Lines carry no spaces at their end.
func (t *Table) Write(w io.Writer, s Screen) error {
	var out strings.Builder
	widths := t.widths()
	if t.fold > 0 && s.Width > 0 && natural(widths) > s.Width {
		n := min(t.fold, len(widths))
		for n > 1 && natural(widths[:n]) > s.Width {
			n--
		}
		return t.folded(n, s.Width).Write(w, s)
	}
	t.wrapLast(widths, s.Width)
	if len(t.header) > 0 {
		cells := make([]Cell, len(t.header))
		for i, h := range t.header {
			cells[i].Text = h
		}
		t.line(&out, cells, widths, func(c Cell, text string) string { return s.Bold(text) })
	}
	for i, row := range t.rows {
		t.line(&out, row, widths, func(c Cell, text string) string { return s.Paint(c.State, text) })
		for _, text := range t.under[i] {
			for _, l := range Wrap(text, max(s.Width-underIndent, 0)) {
				out.WriteString(strings.Repeat(" ", underIndent) + l + "\n")
			}
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// widths measures each column.
func (t *Table) widths() []int {
	var widths []int
	grow := func(i int, text string) {
		for len(widths) <= i {
			widths = append(widths, 0)
		}
		for line := range strings.Lines(text) {
			widths[i] = max(widths[i], Width(Line(strings.TrimRight(line, "\n"))))
		}
	}
	for i, h := range t.header {
		grow(i, h)
	}
	for _, row := range t.rows {
		for i, c := range row {
			grow(i, c.Text)
		}
	}
	return widths
}

// wrapLast narrows the last column so that the table fits the screen.
func (t *Table) wrapLast(widths []int, screen int) {
	if screen <= 0 || len(widths) == 0 {
		return
	}
	last := len(widths) - 1
	left := screen
	for _, w := range widths[:last] {
		left -= w + len(tableGap)
	}
	widths[last] = min(widths[last], max(left, narrowest))
}

// line prints one row, on as many lines as its longest cell needs.
func (t *Table) line(out *strings.Builder, row []Cell, widths []int, paint func(Cell, string) string) {
	parts := make([][]string, len(row))
	height := 1
	for i, c := range row {
		parts[i] = Wrap(c.Text, widths[i])
		height = max(height, len(parts[i]))
	}
	for n := range height {
		gap := 0 // spaces owed before the next text
		for i, c := range row {
			text := ""
			if n < len(parts[i]) {
				text = parts[i][n]
			}
			free := widths[i] - Width(text)
			if t.right[i] {
				gap, free = gap+free, 0
			}
			if text != "" {
				out.WriteString(strings.Repeat(" ", gap) + paint(c, text))
				gap = 0
			} else {
				gap += Width(text)
			}
			gap += free + len(tableGap)
		}
		out.WriteByte('\n')
	}
}

// kept is a space at which no line breaks.
const kept = "\u00a0"

// Keep makes text that [Wrap] does not break at its spaces, such as a telephone number. Wrap gives the spaces back.
func Keep(text string) string { return strings.ReplaceAll(text, " ", kept) }

// Loose gives the spaces back to text that went through [Keep].
func Loose(text string) string { return strings.ReplaceAll(text, kept, " ") }

// Wrap breaks text into lines of at most columns columns, at spaces where it
// can and inside a word where it must. Line breaks in the text stay; control
// characters are shown as [Line] does. columns ≤ 0 breaks nowhere else.
func Wrap(text string, columns int) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		lines = wrapLine(lines, Line(paragraph), columns)
	}
	for i, l := range lines {
		lines[i] = Loose(l)
	}
	return lines
}

// Parts sets parts side by side with something between them, as many on a line as fit. A part breaks only when a line of its own
// is too short for it.
func Parts(parts []string, between string, columns int) []string {
	var lines []string
	line := ""
	for _, p := range parts {
		switch joined := line + between + p; {
		case line == "":
			line = p
		case columns <= 0 || Width(Line(joined)) <= columns:
			line = joined
		default:
			lines, line = append(lines, Wrap(line, columns)...), p
		}
	}
	if line != "" {
		lines = append(lines, Wrap(line, columns)...)
	}
	return lines
}

func wrapLine(lines []string, text string, columns int) []string {
	for columns > 0 && Width(text) > columns {
		cut, space, used := 0, -1, 0
		for i, r := range text {
			w := RuneWidth(r)
			if used+w > columns && i > 0 {
				if r == ' ' {
					space = i
				}
				break
			}
			if r == ' ' && i > 0 {
				space = i
			}
			used += w
			cut = i + len(string(r))
		}
		if space > 0 {
			cut = space
		}
		lines = append(lines, strings.TrimRight(text[:cut], " "))
		if text = strings.TrimLeft(text[cut:], " "); text == "" {
			return lines
		}
	}
	return append(lines, text)
}
