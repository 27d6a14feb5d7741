package report

import (
	"cmp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/words"
)

// page is what sections are made from.
type page struct {
	snapshot.Snapshot
	o    Options
	c    *words.Catalogue
	rows int               // how many rows a list may have
	who  map[string]string // names of the parties that have flows
}

// document is a report before it is drawn.
type document struct {
	Lang, Subject, Title, Plan string
	Blocks                     []block
}

// block is one of: heading, para, table.
type block any

// heading begins a section.
type heading string

// para is a paragraph: a badge, and text. Quiet ones are small print, a loud one is what the reader is to see first.
type para struct {
	Badge *badge
	Text  string
	Quiet bool
	Loud  bool
	Whole bool   // not broken into lines: it holds a word to copy
	Own   bool   // the manager's own words: they are not cut short
	Link  string // "" = none
}

// table has a header and rows of as many cells.
type table struct {
	Cols []string
	Rows [][]cell
	More string // "and n more"; "" = all are shown
}

// cell is one value with the state it shows.
type cell struct {
	Text  string
	Badge *badge
}

// badge is a state as shape, word and colour; the word is what counts.
type badge struct {
	State term.State
	Word  string
}

// longestCell is how many columns text of somebody else may take in one place.
const longestCell = 400

// longestNote is how many columns the manager's note may take: more than whoever writes it is allowed.
const longestNote = 4000

// line makes text fit for one line: no control characters, no direction marks, not endless.
func line(s string) string { return lineOf(s, longestCell) }

func lineOf(s string, longest int) string {
	s = s[:min(len(s), 8*longest)] // whatever lies behind is cut off below anyway
	s = strings.Map(func(r rune) rune {
		if term.IsControl(r) || unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return term.Truncate(strings.Join(strings.Fields(s), " "), longest)
}

// clean makes all of a block's text fit to be shown, whoever wrote it.
func clean(b block) block {
	switch b := b.(type) {
	case heading:
		return heading(line(string(b)))
	case para:
		longest := longestCell
		if b.Own {
			longest = longestNote
		}
		b.Text, b.Badge = lineOf(b.Text, longest), b.Badge.clean()
		return b
	case table:
		for i, c := range b.Cols {
			b.Cols[i] = line(c)
		}
		b.More = line(b.More)
		for _, row := range b.Rows {
			for i, c := range row {
				row[i] = cell{line(c.Text), c.Badge.clean()}
			}
		}
		return b
	}
	return b
}

func (g *badge) clean() *badge {
	if g == nil {
		return nil
	}
	return &badge{g.State, line(g.Word)}
}

// upper begins a heading with a capital letter: the catalogue's nouns have none.
func upper(s string) string {
	for i, r := range s {
		return string(unicode.ToUpper(r)) + s[i+utf8.RuneLen(r):]
	}
	return s
}

func text(s string) cell { return cell{Text: s} }

func (p *page) badge(st term.State, word string) *badge {
	if word == "" {
		word = st.Word(string(p.o.Lang))
	}
	return &badge{st, word}
}

func (p *page) state(st term.State, word string) cell { return cell{Badge: p.badge(st, word)} }

// local is an instant as the plan's clocks show it.
func (p *page) local(t time.Time) time.Time {
	if p.Plan.Zone == nil {
		return t.UTC()
	}
	return t.In(p.Plan.Zone)
}

// at writes an instant for a cell, "" for none.
func (p *page) at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.c.Short(p.local(t))
}

// full writes an instant with date, year and zone.
func (p *page) full(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.c.DateTime(p.local(t))
}

// name is what the plan calls a thing, else its id.
func (p *page) name(sort, id string) string { return line(p.Title(sort, id, string(p.o.Lang))) }

// seat names a seat: its title, and its id which people know from the roster.
func (p *page) seat(id string) string {
	if t := p.name("seat", id); t != id {
		return t + " (" + id + ")"
	}
	return id
}

// actor names who did something: the seat, else the person or user that is known only by an id.
func (p *page) actor(seat, person, user string) string {
	if seat != "" {
		return p.seat(seat)
	}
	return cmp.Or(person, user, p.c.Owner(words.Ours))
}

// owner names who must act: a seat, a party, or, where it is nobody else's, the customer's contact.
func (p *page) owner(id string) string {
	switch {
	case id == "" && p.Plan.Contact != "":
		return p.seat(p.Plan.Contact)
	case id == "":
		return p.c.Owner(words.Ours)
	case strings.Contains(id, "/"):
		return p.seat(id)
	}
	return p.name("party", id)
}

// cut keeps as many rows as there is room for.
func (p *page) cut(t table) table {
	if len(t.Rows) > p.rows {
		t.More = p.c.N("report.more", len(t.Rows)-p.rows)
		t.Rows = t.Rows[:p.rows]
	}
	return t
}

// cutTo is cut with a limit of its own.
func (p *page) cutTo(t table, n int) table {
	q := *p
	q.rows = min(n, p.rows)
	return q.cut(t)
}
