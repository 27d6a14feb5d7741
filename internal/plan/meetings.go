package plan

import (
	"strings"
	"time"

	"skift/internal/csvdoc"
	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// Meeting is one date of a series: a row of the table that `meetings.ID` names.
type Meeting struct {
	ID          string // stays the same when the date moves
	Series      string
	Title       yamldoc.Text
	Place       string
	Parties     []string // who takes part; empty = all
	From, Until time.Time
	Cancelled   bool
	Note        string
	Pos         diag.Pos
}

// meetings reads the series of meetings.
func (l *loader) meetings(m *yamldoc.Map) {
	names := map[string]diag.Pos{}
	m.OptMap("meetings").EachID(func(id string, n yamldoc.Node) {
		sm := n.Map()
		if !sm.OK() {
			return
		}
		series := Meeting{Series: id, Title: sm.Text("title"), Place: sm.OptStr("place", ""), Parties: l.refList(partyRef, sm.OptWords("parties"))}
		table := sm.Word("table")
		l.done(sm, "meetings.ID")
		src, ok := l.files.named(table)
		if !ok {
			return
		}
		columns := csvdoc.Columns{Required: []string{"date", "from", "until"}, Optional: []string{"id", "month", "meeting", "status", "note"}}
		t, ok := csvdoc.Parse(table.Text, src, columns, l.problems)
		if !ok {
			return
		}
		t.Each(func(r csvdoc.Row) { l.meeting(series, r, names) })
	})
}

// meeting reads one row. It is known by its id, else by month and number as planned: both stay when the date moves.
func (l *loader) meeting(x Meeting, r csvdoc.Row, names map[string]diag.Pos) {
	x.Pos, x.Note = r.Pos("date"), r.OptStr("note", "")
	column, name := "id", r.OptStr("id", "")
	if month, number := r.OptStr("month", ""), r.OptStr("meeting", ""); name == "" && month != "" && number != "" {
		column, name = "month", strings.ToLower(month)+"-"+number
	}
	if status := r.OptStr("status", ""); status != "" {
		x.Cancelled = r.OneOf("status", "cancelled") != ""
	}
	x.From, x.Until = l.clock(r, "from"), l.clock(r, "until")
	if name == "" {
		r.Problemf("", CodeNamelessDate, "the meeting has no name by which it is known when its date moves").
			Hintf("fill in month and meeting, or add a column id")
		return
	}
	if x.ID = x.Series + "-" + name; !idCell(r, column, x.ID) {
		return
	}
	if first, taken := names[x.ID]; taken {
		r.Problemf(column, CodeNameTaken, "two meetings are called %q", x.ID).See(first, "it is first here").
			Hintf("give them names of their own in a column id")
		return
	}
	names[x.ID] = r.Pos(column)
	if x.From.IsZero() || x.Until.IsZero() {
		return
	}
	if !x.From.Before(x.Until) {
		r.Problemf("until", CodeBackwards, "%s is not after %s", r.OptStr("until", ""), r.OptStr("from", ""))
		return
	}
	l.Meetings = append(l.Meetings, &x)
}

// clock is a time of day on the row's date.
func (l *loader) clock(r csvdoc.Row, column string) time.Time {
	date, at := r.Word("date"), r.Word(column)
	if date.Text == "" || at.Text == "" {
		return time.Time{}
	}
	if day, err := parseWhen(date.Text, l.Zone, ""); err != nil || day.Kind != Day {
		date.Problemf(l.problems, CodeBadDate, "%q is not a day", date.Text).Hintf("write year, month and day: 2019-08-26")
		return time.Time{}
	}
	w, err := parseWhen(date.Text+" "+at.Text, l.Zone, "")
	switch {
	case err != nil:
		whenProblem(func(code diag.Code, format string, args ...any) *diag.Problem {
			return at.Problemf(l.problems, code, format, args...)
		}, err)
		return time.Time{}
	case w.Kind != Exact:
		at.Problemf(l.problems, CodeBadDate, "%q is not a time of day", at.Text).Hintf("write it like 10:00")
		return time.Time{}
	}
	return w.At
}
