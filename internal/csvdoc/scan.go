package csvdoc

import (
	"strings"
	"unicode/utf8"

	"skift/internal/diag"
)

// cell is one cell of the file and where its text begins.
type cell struct {
	text string
	pos  diag.Pos
}

func (c cell) problemf(problems *diag.List, code diag.Code, format string, args ...any) *diag.Problem {
	return problems.Addf(c.pos, code, format, args...).Wide(utf8.RuneCountInString(c.text))
}

// scanner cuts a file into rows of cells.
type scanner struct {
	file      string
	rest      string
	line, col int // of the first character of rest
	separator byte
	problems  *diag.List
	broken    bool // the last row had a quoting problem
}

func (s *scanner) pos() diag.Pos { return diag.Pos{File: s.file, Line: s.line, Col: s.col} }

// take moves over the first n bytes of rest.
func (s *scanner) take(n int) string {
	taken := s.rest[:n]
	s.rest = s.rest[n:]
	if i := strings.LastIndexByte(taken, '\n'); i >= 0 {
		s.line += strings.Count(taken, "\n")
		s.col = 1 + utf8.RuneCountInString(taken[i+1:])
	} else {
		s.col += utf8.RuneCountInString(taken)
	}
	return taken
}

// skipBlank goes to the next row that is not blank, false at the end of the file.
func (s *scanner) skipBlank() bool {
	s.broken = false
	for {
		blank := len(s.rest) - len(strings.TrimLeft(s.rest, " \t\r\n"))
		if i := strings.LastIndexByte(s.rest[:blank], '\n'); i >= 0 && blank > 0 {
			s.take(i + 1)
		} else {
			return blank < len(s.rest)
		}
	}
}

// row gives the next row that is not blank, false at the end of the file.
func (s *scanner) row() ([]cell, bool) {
	if !s.skipBlank() {
		return nil, false
	}
	var cells []cell
	for {
		c, ok := s.cell()
		if !ok {
			return nil, false
		}
		cells = append(cells, c)
		switch {
		case strings.HasPrefix(s.rest, string(s.separator)):
			s.take(1)
		case s.rest == "":
			return cells, true
		default: // a line break
			s.take(strings.IndexByte(s.rest, '\n') + 1)
			return cells, true
		}
	}
}

// cell reads up to, not over, the next separator, line break or end. It is
// false when a quote is never closed: nothing after it can be trusted.
func (s *scanner) cell() (cell, bool) {
	s.take(len(s.rest) - len(strings.TrimLeft(s.rest, " \t")))
	c := cell{pos: s.pos()}
	if !strings.HasPrefix(s.rest, `"`) {
		text := strings.TrimRight(s.take(s.end()), " \t\r")
		if i := strings.IndexByte(text, '"'); i >= 0 {
			at := c.pos
			at.Col += utf8.RuneCountInString(text[:i])
			s.problems.Addf(at, CodeQuote, "a quote stands inside a cell that does not begin with one").
				Hintf(`put the whole cell in quotes and double those inside: "a ""b"" c"`)
			s.broken = true
		}
		c.text = text
		return c, true
	}
	var b strings.Builder
	s.take(1)
	for {
		i := strings.IndexByte(s.rest, '"')
		if i < 0 {
			s.problems.Addf(c.pos, CodeQuote, "this quote is not closed")
			s.rest = ""
			return c, false
		}
		b.WriteString(s.take(i))
		s.take(1)
		if !strings.HasPrefix(s.rest, `"`) {
			break
		}
		b.WriteString(s.take(1))
	}
	c.text = b.String()
	s.take(len(s.rest) - len(strings.TrimLeft(s.rest, " \t")))
	if n := s.end(); strings.TrimRight(s.rest[:n], "\r") != "" {
		s.problems.Addf(s.pos(), CodeQuote, "text follows the closing quote").
			Hintf(`a quote inside a quoted cell is written twice: "a ""b"" c"`)
		s.broken = true
		s.take(n)
	}
	return c, true
}

// end is the distance to the next separator, line break or the end.
func (s *scanner) end() int {
	if i := strings.IndexAny(s.rest, string(s.separator)+"\n"); i >= 0 {
		return i
	}
	return len(s.rest)
}
