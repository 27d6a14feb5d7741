package plan

import (
	"skift/internal/csvdoc"
	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// fromColumn reads a date out of a wave's row; what is wrong with it is told at the cell.
func (l *loader) fromColumn(n yamldoc.Node, fold string) When {
	column, ok := n.Str()
	if !ok {
		return When{}
	}
	cell := l.wave.row.OptWord(column)
	if cell.Text == "" {
		if l.wave.inGate && l.wave.block.has(column) {
			l.problems.Addf(l.wave.row.Pos(column), CodeHalfDated, "a gate of wave %s has its date here", l.wave.wave.ID).At(column).
				Hintf("fill it in: without a deadline the gate would wait for ever")
		}
		return When{} // told: the table has no such column, or the row is half dated
	}
	return l.cellWhen(cell, fold)
}

// cellWhen reads a date that stands in a cell.
func (l *loader) cellWhen(cell diag.Word, fold string) When {
	w, err := parseWhen(cell.Text, l.Zone, fold)
	if err != nil {
		whenProblem(func(code diag.Code, format string, args ...any) *diag.Problem {
			return cell.Problemf(l.problems, code, format, args...)
		}, err)
		return When{}
	}
	return l.placed(w, cell)
}

// What ends the names of the columns that keep, of a date in another, what it was first, and when, by whom and why it was moved.
const (
	wasColumn    = "_was"
	movedColumn  = "_moved"
	byColumn     = "_by"
	reasonColumn = "_reason"
)

// waveWas reads which dates a wave's milestone had before its row was changed: what the cells were first, when it was moved, and why.
func (l *loader) waveWas(r csvdoc.Row, m *Milestone, n yamldoc.Node) {
	was, moved, own := Was{From: m.From, Until: m.Until}, false, ""
	for _, at := range []struct {
		key  string
		date *When
	}{{"until", &was.Until}, {"from", &was.From}, {"date", &was.From}} {
		v, ok := n.Map().OptNode(at.key)
		if !ok {
			continue
		}
		if column := scalar(v, "column"); column != "" {
			if cell := r.OptWord(column + wasColumn); cell.Text != "" {
				*at.date, moved, was.Pos = l.cellWhen(cell, ""), true, cell.Pos
				if r.OptStr(column+movedColumn, "") != "" || own == "" {
					own = column
				}
			}
		}
	}
	if !moved {
		return
	}
	if m.Kind == Release || m.Kind == Point {
		was.Until = was.From
	}
	// Its own columns say when, by whom and why; else those of the row do, as they did before a date had its own.
	of := func(suffix, row string) string {
		if r.OptStr(own+suffix, "") != "" {
			return own + suffix
		}
		return row
	}
	movedAt := of(movedColumn, "moved")
	if day := r.Word(movedAt); day.Text != "" {
		if was.Moved = l.cellWhen(day, ""); was.Moved.Kind != NoWhen && was.Moved.Kind != Day {
			day.Problemf(l.problems, CodeBadDate, "%q is not a day", day.Text).Hintf("write the day on which it was moved: 2019-10-01")
		}
	}
	by := own + byColumn
	if movedAt == "moved" {
		by = of(byColumn, "by")
	}
	if seat := r.OptWord(by); seat.Text != "" {
		was.By = l.seatRef(seat)
	}
	was.Reason = r.Str(of(reasonColumn, "reason"))
	m.Was = append(m.Was, was)
}
