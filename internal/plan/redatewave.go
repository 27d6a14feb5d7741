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
// and _was, with the day and the reason of the move; later moves leave it there, for a row has one. Every other byte stays.
func RedateWave(src []byte, m *Milestone, mv Redated) ([]byte, error) {
	file := m.WaveTable()
	table, err := csvdoc.ParseLayout(file, src)
	if err != nil {
		return nil, err
	}
	var cells []csvdoc.Cell
	row := 0
	for _, d := range []struct {
		is   When
		text string
	}{{m.From, mv.From}, {m.Until, mv.Until}} {
		if d.text == "" || d.is.Pos == m.From.Pos && len(cells) > 0 {
			continue
		}
		at, column, ok := table.Find(d.is.Pos)
		if d.is.Pos.File != file || !ok {
			return nil, fmt.Errorf("change dates of %s in %s: %s does not stand there", m.ID, file, d.is.Text)
		}
		row = at
		cells = append(cells, csvdoc.Cell{Column: column, Text: d.text})
		if table.Text(row, column+wasColumn) == "" {
			cells = append(cells, csvdoc.Cell{Column: column + wasColumn, Text: d.is.Text})
		}
	}
	return table.Set(row, append(cells, csvdoc.Cell{Column: "moved", Text: mv.Was.Moved.Text}, csvdoc.Cell{Column: "reason", Text: mv.Was.Reason})), nil
}
