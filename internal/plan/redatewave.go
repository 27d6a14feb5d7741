package plan

import (
	"fmt"

	"skift/internal/csvdoc"
)

// WaveTable is the table in which the dates of a wave's milestone stand; "" = they are written once for all waves, or it is of none.
func (m *Milestone) WaveTable() string {
	for _, w := range []When{m.From, m.Until} {
		if m.Wave != "" && w.Pos.File != "" && w.Pos.File != File {
			return w.Pos.File
		}
	}
	return ""
}

// RedateWave writes other dates of a wave's milestone into its row of the table. What a cell had first goes into the column of the same name
// and _was; later moves leave it there, for a row has one. The day of the move, by whom and why go beside the first of these, for another
// milestone of the wave may have been moved on another day. Every other byte stays.
func RedateWave(src []byte, m *Milestone, mv Redated) ([]byte, error) {
	file := m.WaveTable()
	table, err := csvdoc.ParseLayout(file, src)
	if err != nil {
		return nil, err
	}
	var cells []csvdoc.Cell
	row, beside := 0, ""
	for _, d := range []struct {
		is   When
		text string
	}{{m.From, mv.From}, {m.Until, mv.Until}} {
		at, column, ok := table.Find(d.is.Pos)
		ok = ok && d.is.Pos.File == file
		was := ok && table.Text(at, column+wasColumn) != ""
		if beside == "" && ok && (was || d.text != "") {
			beside = column
		}
		if d.text == "" || d.is.Pos == m.From.Pos && len(cells) > 0 {
			continue
		}
		if !ok {
			return nil, fmt.Errorf("change dates of %s in %s: %s does not stand there", m.ID, file, d.is.Text)
		}
		row = at
		cells = append(cells, csvdoc.Cell{Column: column, Text: d.text})
		if !was {
			cells = append(cells, csvdoc.Cell{Column: column + wasColumn, Text: d.is.Text})
		}
	}
	cells = append(cells, csvdoc.Cell{Column: beside + movedColumn, Text: mv.Was.Moved.Text})
	if by := beside + byColumn; mv.Was.By != "" || table.Text(row, by) != "" { // who moved it before did not move it now
		cells = append(cells, csvdoc.Cell{Column: by, Text: mv.Was.By})
	}
	return table.Set(row, append(cells, csvdoc.Cell{Column: beside + reasonColumn, Text: mv.Was.Reason})), nil
}
