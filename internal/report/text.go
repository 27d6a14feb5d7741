package report

import (
	"strings"

	"skift/internal/term"
)

// columns is how wide plain text is.
const columns = 78

// text draws the document as plain text with the same facts: a table becomes a list whose entries name their columns.
func (d document) text() string {
	var b strings.Builder
	put := func(first, next, s string) {
		for i, l := range term.Wrap(s, columns-term.Width(next)) {
			if i == 0 {
				b.WriteString(first + l + "\n")
			} else {
				b.WriteString(next + l + "\n")
			}
		}
	}
	put("", "", d.Title)
	put("", "", d.Plan)
	for _, block := range d.Blocks {
		switch block := block.(type) {
		case heading:
			b.WriteString("\n")
			put("", "", upper(string(block)))
			b.WriteString(strings.Repeat("-", min(columns, term.Width(string(block)))) + "\n")
		case para:
			if block.Whole {
				b.WriteString(block.plain() + "\n")
			} else {
				put("", "", block.plain())
			}
		case table:
			for _, row := range block.Rows {
				put("- ", "  ", block.plain(row))
			}
			if block.More != "" {
				put("  ", "  ", block.More)
			}
		}
	}
	return b.String()
}

func (p para) plain() string {
	s := p.Text
	if p.Badge != nil {
		s = join(p.Badge.plain(), s)
	}
	if p.Link != "" {
		s += " <" + p.Link + ">"
	}
	return s
}

func (g badge) plain() string { return strings.TrimSpace(g.State.Shape() + " " + g.Word) }

// join puts what is said behind the state it is said of.
func join(state, text string) string {
	if text == "" {
		return state
	}
	return state + ": " + text
}

func (c cell) plain() string {
	if c.Badge == nil {
		return c.Text
	}
	return join(c.Badge.plain(), c.Text)
}

// plain is a row as a sentence: its first cell, then the others under their columns' names.
func (t table) plain(row []cell) string {
	var parts []string
	for i, c := range row {
		s := c.plain()
		switch {
		case s == "":
		case i == 0 || t.Cols[i] == "":
			parts = append(parts, s)
		default:
			parts = append(parts, upper(t.Cols[i])+": "+s)
		}
	}
	return strings.Join(parts, " · ")
}
