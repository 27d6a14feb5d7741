package cli

import (
	"strings"
	"time"

	"skift/internal/forecast"
	"skift/internal/plan"
	"skift/internal/term"
	"skift/internal/timeline"
	"skift/internal/words"
)

// showPath shows when each milestone is expected to begin and end, how much longer it may take, and what the end of it all hangs on.
func (s *session) showPath(p *plan.Plan, t *timeline.Timeline) error {
	c, f := speak(p), forecast.Overall(t)
	s.printf("%s\n", s.screen.Bold(c.T("overall-plan")+" · "+c.DateTime(t.Now.In(p.Zone))))
	table := term.NewTable("", c.T("drift.col.step"), c.T("forecast.col.start"), c.T("forecast.col.end"), c.T("overall.col.slack")).Right(4)
	for _, st := range f.Steps {
		state, end := term.Plain, c.T("date.unset")
		switch {
		case st.Ended:
			state = term.OK
		case st.Late > 0:
			state = term.Risk
		case st.Critical:
			state = term.Gate
		}
		if !st.End.IsZero() {
			end = pathDay(c, p, lastOf(st))
		}
		table.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: st.ID}, term.Cell{Text: pathDay(c, p, st.Start)}, term.Cell{Text: end},
			term.Cell{Text: slackText(c, st)})
	}
	if err := table.Write(s.out, s.screen); err != nil {
		return err
	}
	s.overallEnd(c, p, f)
	return nil
}

// overallEnd says when the last milestone is expected to end, and what that hangs on.
func (s *session) overallEnd(c *words.Catalogue, p *plan.Plan, f *forecast.Forecast) {
	if f == nil || len(f.Path) == 0 {
		return
	}
	last := f.End.Add(-1)
	if st, ok := f.Step(f.Path[len(f.Path)-1]); ok && st.End.Equal(f.End) {
		last = lastOf(st)
	}
	s.wrapped(c.T("overall.end", "at", c.Date(last.In(p.Zone))) + " " + c.T("watch.path", "steps", strings.Join(f.Path, " → ")))
}

// lastOf is in the last day of a milestone: its end is the first instant after it, except of one that is an instant itself.
func lastOf(st forecast.Step) time.Time {
	if st.End.Equal(st.Start) {
		return st.End
	}
	return st.End.Add(-1)
}

func pathDay(c *words.Catalogue, p *plan.Plan, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return c.Date(t.In(p.Zone))
}

// slackText is how much longer a milestone may take; one that has ended, or has no date, has none to tell.
func slackText(c *words.Catalogue, st forecast.Step) string {
	if st.Ended || st.Unestimated {
		return ""
	}
	return c.Duration(st.Slack)
}
