package cli

import (
	"strings"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/term"
)

// classStates are the states in which open incidents of a class are shown.
var classStates = map[plan.Class]term.State{plan.IncidentA: term.Fail, plan.IncidentB: term.Risk, plan.IncidentC: term.Plain}

// tellIncidents shows incidents, and how old what is known of each platform is.
func (s *session) tellIncidents(list incidents, p *plan.Plan) error {
	c := speak(p)
	if len(list.Incidents) == 0 {
		s.printf("%s\n", c.T("incidents.none"))
	}
	t := term.NewTable("", c.T("incidents.id"), c.T("incidents.class"), c.T("incidents.platform"), c.T("incidents.opened"), c.T("incidents.closed"), c.T("incidents.title")).Fold(6)
	for _, i := range list.Incidents {
		state, closed := classStates[i.Class], ""
		if !i.OpenAt(list.At) {
			state, closed = term.OK, near(c, p, i.ClosedAt, list.At)
		}
		about := strings.Trim(i.Service+": "+i.Title, ": ")
		if i.Reason != "" {
			about = strings.TrimLeft(about+" ("+i.Reason+")", " ")
		}
		t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: i.ID}, term.Cell{Text: register.Letter(i.Class)},
			term.Cell{Text: c.T("side.short." + string(i.Platform))}, term.Cell{Text: near(c, p, i.OpenedAt, list.At)}, term.Cell{Text: closed}, term.Cell{Text: about})
	}
	if len(list.Incidents) > 0 {
		if err := t.Write(s.out, s.screen); err != nil {
			return err
		}
	}
	for _, side := range checks.Sides() {
		text := c.T("incidents.never", "platform", c.T("side."+string(side)))
		if l, ok := list.Lists[side]; ok {
			text = c.T("incidents.known", "platform", c.T("side."+string(side)), "at", near(c, p, l.AsOf, list.At), "who", l.Actor.Seat)
		}
		s.wrapped(text)
	}
	return nil
}
