package csvdoc

import (
	"slices"
	"strconv"
	"strings"

	"skift/internal/diag"
)

// Problems of a table.
const (
	CodeUnknownColumn   diag.Code = "unknown-column"
	CodeMissingColumn   diag.Code = "missing-column"
	CodeDuplicateColumn diag.Code = "duplicate-column"
	CodeFieldCount      diag.Code = "wrong-field-count"
	CodeEmptyCell       diag.Code = "empty-cell"
	CodeQuote           diag.Code = "csv-quote"
	CodeBadCell         diag.Code = "bad-cell"
)

// Columns says which columns a table has. Their order in the file is free.
type Columns struct {
	Required []string // must be in the header; a row may still leave one empty
	Optional []string
}

// Table is a file whose header is read.
type Table struct {
	scan     scanner
	problems *diag.List
	header   []string
	index    map[string]int
}

// Parse reads the header of one file; [Table.Each] reads the rows. file is the
// name used in positions. On false the table cannot be read, problems says why
// and the Table has no rows. On true there may still be problems, such as
// columns that are not known.
func Parse(file string, src []byte, want Columns, problems *diag.List) (*Table, bool) {
	t := &Table{problems: problems}
	src, ok := diag.ReadSource(file, src, problems)
	if !ok {
		return t, false
	}
	t.scan = scanner{file: file, rest: string(src), line: 1, col: 1, separator: separator(string(src)), problems: problems}
	cells, ok := t.scan.row()
	if !ok {
		if problems.Errors() == 0 {
			problems.Addf(diag.Pos{File: file, Line: 1, Col: 1}, diag.CodeEmptyFile, "the file is empty").
				Hintf("the first line names the columns: %s", strings.Join(want.Required, ","))
		}
		return t, false
	}
	if !t.readHeader(cells, want) {
		t.scan.rest = ""
		return t, false
	}
	return t, true
}

// separator is what stands first in the header line outside quotes.
func separator(src string) byte {
	inQuotes := false
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c == '"':
			inQuotes = !inQuotes
		case inQuotes:
		case c == ',' || c == ';':
			return c
		case c == '\n' && strings.TrimSpace(src[:i]) != "":
			return ','
		}
	}
	return ','
}

// readHeader reports what is wrong with the header. It is false when a
// required column is missing: the rows would only repeat that.
func (t *Table) readHeader(cells []cell, want Columns) bool {
	known := slices.Concat(want.Required, want.Optional)
	t.index = make(map[string]int, len(cells))
	for i, c := range cells {
		t.header = append(t.header, c.text)
		if first, ok := t.index[c.text]; ok {
			c.problemf(t.problems, CodeDuplicateColumn, "column %q is there twice", c.text).
				See(cells[first].pos, "%q is first here", c.text)
			continue
		}
		t.index[c.text] = i
	}
	free := slices.DeleteFunc(slices.Clone(known), t.Has)
	for _, c := range cells {
		if slices.Contains(known, c.text) {
			continue
		}
		p := c.problemf(t.problems, CodeUnknownColumn, "unknown column %q", c.text)
		if strings.Contains(c.text, "\t") {
			p.Hintf("separate the columns with commas or semicolons, not with tabs")
		} else if len(free) > 0 {
			p.Hintf("known here: %s", strings.Join(free, ", "))
		}
		p.DidYouMean(c.text, free)
	}
	complete := true
	for _, name := range want.Required {
		if !t.Has(name) {
			complete = false
			cells[0].problemf(t.problems, CodeMissingColumn, "column %q is missing", name).Wide(0)
		}
	}
	return complete
}

// Header lists the columns as the file has them.
func (t *Table) Header() []string { return slices.Clone(t.header) }

// Has tells whether the header names the column.
func (t *Table) Has(column string) bool {
	_, ok := t.index[column]
	return ok
}

// Each calls fn for every row in the order of the file. It can be called once.
func (t *Table) Each(fn func(Row)) {
	for {
		cells, ok := t.scan.row()
		if !ok {
			return
		}
		n := len(t.header)
		switch {
		case !slices.ContainsFunc(cells, func(c cell) bool { return c.text != "" }):
			continue // spreadsheets write empty lines as separators alone
		case len(cells) > n:
			t.problems.Addf(cells[n].pos, CodeFieldCount, "the row has %d cells, the header names %d", len(cells), n).
				Hintf("a cell that contains %q needs quotes around it", string(t.scan.separator))
			continue
		case len(cells) < n:
			t.problems.Addf(cells[0].pos, CodeFieldCount, "the row has %s, the header names %d; %q is the first that is missing",
				countCells(len(cells)), n, t.header[len(cells)])
			continue
		}
		if !t.scan.broken {
			fn(Row{table: t, cells: cells})
		}
	}
}

func countCells(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return strconv.Itoa(n) + " cells"
}
