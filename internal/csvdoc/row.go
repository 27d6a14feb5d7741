package csvdoc

import (
	"slices"
	"strconv"
	"strings"

	"skift/internal/diag"
)

// Row is one line of a table.
type Row struct {
	table *Table
	cells []cell
}

// Line is the number of the row's first line in the file.
func (r Row) Line() int { return r.cells[0].pos.Line }

// Pos is where a column's text begins, or where the row begins when the table
// has no such column. No column at all is the row too.
func (r Row) Pos(column string) diag.Pos { return r.at(column).pos }

// at gives a column's cell, an empty one at the row's beginning when the table
// has no such column.
func (r Row) at(column string) cell {
	if i, ok := r.table.index[column]; ok {
		return r.cells[i]
	}
	return cell{pos: r.cells[0].pos}
}

// Problemf reports an error at a column, or at the row when column is "".
func (r Row) Problemf(column string, code diag.Code, format string, args ...any) *diag.Problem {
	return r.at(column).problemf(r.table.problems, code, format, args...).At(column)
}

// OptStr gives a column's text, def when it is empty or the table has no such
// column. Text of several lines is reported and gives def.
func (r Row) OptStr(column, def string) string {
	text := r.at(column).text
	switch {
	case text == "":
		return def
	case strings.ContainsRune(text, '\n'):
		r.Problemf(column, CodeBadCell, "must be one line").Wide(1)
		return def
	}
	return text
}

// Str gives a column's text; empty is reported.
func (r Row) Str(column string) string {
	if r.at(column).text == "" {
		r.Problemf(column, CodeEmptyCell, "is empty")
		return ""
	}
	return r.OptStr(column, "")
}

// Word is Str with its place.
func (r Row) Word(column string) diag.Word { return r.word(column, r.Str(column)) }

// OptWord is OptStr with its place; the zero Word when it is empty.
func (r Row) OptWord(column string) diag.Word {
	if text := r.OptStr(column, ""); text != "" {
		return r.word(column, text)
	}
	return diag.Word{}
}

func (r Row) word(column, text string) diag.Word {
	return diag.Word{Pos: r.Pos(column), Path: column, Text: text}
}

// OneOf gives a column's text, which must be one of the allowed words.
func (r Row) OneOf(column string, allowed ...string) string {
	text := r.Str(column)
	if text != "" && !slices.Contains(allowed, text) {
		r.Problemf(column, CodeBadCell, "%q is not one of %s", text, strings.Join(allowed, ", ")).
			DidYouMean(text, allowed)
		return ""
	}
	return text
}

// OptInt gives a column's whole number from least to most, def when it is
// empty or wrong.
func (r Row) OptInt(column string, def, least, most int) int {
	text := r.OptStr(column, "")
	if text == "" {
		return def
	}
	v, err := strconv.Atoi(text)
	if err != nil || v < least || v > most {
		r.Problemf(column, CodeBadCell, "%q is not a whole number from %d to %d", text, least, most)
		return def
	}
	return v
}
