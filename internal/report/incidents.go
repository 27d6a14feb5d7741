package report

import (
	"strings"

	"skift/internal/term"
)

// classStates are the states in which open incidents of a class are shown.
var classStates = map[string]term.State{"incident-a": term.Fail, "incident-b": term.Risk, "incident-c": term.Plain}

// incidents lists what is open, and how old what is known of each platform is; nothing where nobody keeps incidents.
func incidents(p *page) []block {
	if len(p.Incidents.Lists) == 0 {
		return nil
	}
	out := []block{heading(p.c.T("report.incidents"))}
	for _, l := range p.Incidents.Lists {
		key := "report.incidents.list"
		if l.AsOf.IsZero() {
			key = "report.incidents.never"
		}
		out = append(out, para{Text: p.c.T(key, "platform", p.c.T("side."+string(l.Platform)), "a", l.A, "b", l.B, "c", l.C, "at", p.at(l.AsOf))})
	}
	t := table{Cols: []string{p.c.T("incidents.id"), p.c.T("incidents.class"), p.c.T("incidents.platform"), p.c.T("incidents.opened"), p.c.T("incidents.title")}}
	for _, i := range p.Incidents.Open {
		t.Rows = append(t.Rows, []cell{text(i.ID), p.state(classStates[string(i.Class)], i.Letter()), text(p.c.T("side.short." + string(i.Platform))),
			text(p.at(i.OpenedAt)), text(line(strings.Trim(i.Service+": "+i.Title, ": ")))})
	}
	if len(t.Rows) == 0 {
		return append(out, para{Text: p.c.T("report.incidents.none")})
	}
	return append(out, p.cutTo(t, 12))
}
