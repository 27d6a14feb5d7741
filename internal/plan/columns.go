package plan

import (
	"slices"

	"skift/checks"
	"skift/internal/diag"
)

// columns looks for the columns of the flows that a check depends on. A column the table does not have would be empty for every flow,
// and the check would be skipped for all of them without anybody having said so.
func (l *loader) columns(s *checks.Spec) {
	if l.flowHeader == nil {
		return // told where the flows are named, or missing
	}
	written := map[string]bool{}
	for _, r := range s.Refs {
		if r.To == checks.ToColumn {
			written[r.Word.Text] = true
			l.column(r.Word)
		}
	}
	for _, c := range s.Columns() {
		if !written[c] { // what the kind implies stands nowhere
			l.column(diag.Word{Pos: s.Pos, Path: "checks." + s.ID, Text: c})
		}
	}
}

func (l *loader) column(w diag.Word) {
	if slices.Contains(l.flowHeader, w.Text) {
		return
	}
	p := w.Problemf(l.problems, CodeNoColumn, "%s has no column %q", l.flowFile.Text, w.Text)
	switch {
	case slices.Contains(flowColumns.Optional, w.Text):
		p.Hintf("add it to the header of %s; there are the columns %s", l.flowFile.Text, list(l.flowHeader))
	default:
		p.Hintf("there are the columns %s", list(l.flowHeader))
		p.DidYouMean(w.Text, l.flowHeader)
	}
}

// mostEmpty is how many rows are told of for one column: a column nobody filled in must not hide what else is wrong.
const mostEmpty = 200

// emptyColumns warns about flows that lack a value their checks are to ask with: nothing will be known of them.
func (l *loader) emptyColumns() {
	type cell struct{ service, column string }
	needed := map[cell][]string{}
	var order []cell
	for _, id := range l.CheckIDs {
		for _, c := range l.Checks[id].Columns() {
			at := cell{l.Checks[id].Service, c}
			if needed[at] == nil {
				order = append(order, at)
			}
			needed[at] = append(needed[at], id)
		}
	}
	for _, at := range order {
		var without []*Flow
		for _, f := range l.Flows {
			if f.Service == at.service && f.Direction == Inbound && f.Columns[at.column] == "" && slices.Contains(l.flowHeader, at.column) {
				without = append(without, f)
			}
		}
		for i, f := range without[:min(len(without), mostEmpty)] {
			p := l.problems.Warnf(f.Pos, CodeEmptyColumn, "%s is empty, so nothing will be known of flow %s from %s",
				at.column, f.ID, list(needed[at])).Hintf("fill it in, or give the flow to another check")
			if more := len(without) - mostEmpty; i == mostEmpty-1 && more > 0 {
				p.Hintf("so it is in %d more rows", more)
			}
		}
	}
}
