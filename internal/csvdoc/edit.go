package csvdoc

import (
	"fmt"
	"slices"
	"strings"

	"skift/internal/diag"
)

// Cell is a text for a column of one row.
type Cell struct{ Column, Text string }

// span is a cell as it stands in a file: where, and what it says.
type span struct {
	from, until int
	text        string
	pos         diag.Pos
}

// Layout is a table whose cells can be written in their places: every other byte stays. The table must have been read without problems.
type Layout struct {
	src  []byte
	sep  byte
	rows [][]span // with the header, without blank lines
}

// ParseLayout finds the cells of a table.
func ParseLayout(file string, src []byte) (*Layout, error) {
	l := &Layout{src: src}
	text := strings.TrimPrefix(string(src), "\ufeff")
	l.sep = separator(text)
	s := scanner{file: file, rest: text, line: 1, col: 1, separator: l.sep, problems: new(diag.List)}
	for s.skipBlank() {
		var row []span
		for more := true; more; {
			s.take(len(s.rest) - len(strings.TrimLeft(s.rest, " \t")))
			from := len(src) - len(s.rest)
			c, ok := s.cell()
			if !ok || s.broken {
				return nil, fmt.Errorf("find the cells of %s: it cannot be read", file)
			}
			until := len(src) - len(s.rest)
			until = from + len(strings.TrimRight(string(src[from:until]), " \t\r"))
			row = append(row, span{from, until, c.text, c.pos})
			if more = strings.HasPrefix(s.rest, string(s.separator)); more {
				s.take(1)
			}
		}
		if s.rest != "" {
			s.take(strings.IndexByte(s.rest, '\n') + 1)
		}
		l.rows = append(l.rows, row)
	}
	if len(l.rows) == 0 {
		return nil, fmt.Errorf("find the cells of %s: it is empty", file)
	}
	return l, nil
}

// Find gives the row and the column of the cell that begins at a place.
func (l *Layout) Find(at diag.Pos) (row int, column string, ok bool) {
	for i, cells := range l.rows {
		for j, c := range cells {
			if c.pos.Line == at.Line && c.pos.Col == at.Col && i > 0 && j < len(l.rows[0]) {
				return i, l.rows[0][j].text, true
			}
		}
	}
	return 0, "", false
}

// Text is what a cell says; "" also where the table has no such column.
func (l *Layout) Text(row int, column string) string {
	if i := l.column(column); i >= 0 && i < len(l.rows[row]) {
		return l.rows[row][i].text
	}
	return ""
}

func (l *Layout) column(name string) int {
	return slices.IndexFunc(l.rows[0], func(c span) bool { return c.text == name })
}

// Set writes cells of a row. A column that the table lacks is added behind the last, empty in every other row.
func (l *Layout) Set(row int, cells []Cell) []byte {
	instead, added := map[int]string{}, []Cell{}
	for _, c := range cells {
		if i := l.column(c.Column); i >= 0 {
			instead[i] = l.quote(c.Text)
		} else {
			added = append(added, c)
		}
	}
	var out []byte
	at := 0
	for i, r := range l.rows {
		for j, c := range r {
			if text, ok := instead[j]; ok && i == row {
				out = append(append(out, l.src[at:c.from]...), text...)
				at = c.until
			}
		}
		end := r[len(r)-1].until
		out = append(out, l.src[at:end]...)
		at = end
		for _, c := range added {
			out = append(out, l.sep)
			switch i {
			case 0:
				out = append(out, l.quote(c.Column)...)
			case row:
				out = append(out, l.quote(c.Text)...)
			}
		}
	}
	return append(out, l.src[at:]...)
}

func (l *Layout) quote(text string) string {
	if !strings.ContainsAny(text, string(l.sep)+"\"\n\r") && strings.TrimSpace(text) == text || text == "" {
		return text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}
