package cli

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/forecast"
	"skift/internal/plan"
	"skift/internal/term"
	"skift/internal/words"
	"skift/internal/yamldoc"
)

func (s *session) whatIfCommand() *cobra.Command {
	return s.asJSON(&cobra.Command{
		Use: "what-if RUN STEP +2h|-30m|=2h", Short: "Show what moves if a step takes another time; nothing is changed",
		Long: "+2h: it takes two hours longer than forecast; -30m: half an hour less; =2h: two hours in all. Shown is what moves, whether the window\n" +
			"holds, and which gate's latest moment moves. RUN may be the runbook's name: its newest run is meant.\n" +
			"Exit: 0 the window holds · 1 with it, the run or the worst way back ends after the window.",
		Args: args("RUN", "STEP", "+2h"),
		RunE: func(c *cobra.Command, a []string) error {
			q, err := whatIf(a[2])
			if err != nil {
				return err
			}
			return s.withDesk(c.Context(), func(d api.Desk, p *plan.Plan) error { return s.tryOut(c.Context(), d, p, a, q) })
		},
	})
}

// lessTime is how a shorter time looks; it is no flag.
var lessTime = regexp.MustCompile(`^-[0-9]`)

// shorter lets a duration that begins with a minus through to what-if, which would be taken for a flag.
func shorter(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		if out[i] = a; i > 0 && lessTime.MatchString(a) && strings.Contains(" "+strings.Join(args[:i], " ")+" ", " what-if ") {
			out[i] = "−" + a[1:]
		}
	}
	return out
}

// whatIf reads another duration: +2h, -30m or =2h.
func whatIf(text string) (q api.WhatIfRequest, err error) {
	bad := usage("\""+term.Line(text)+"\" is no other duration", "write +2h for longer, -30m for shorter, =2h for so long in all")
	rest, longer := strings.CutPrefix(text, "+")
	if !longer {
		for _, minus := range []string{"-", "−"} {
			if r, ok := strings.CutPrefix(text, minus); ok {
				d, err := yamldoc.ParseDuration(r)
				if err != nil {
					return q, bad
				}
				q.By = -d
				return q, nil
			}
		}
	}
	whole, all := strings.CutPrefix(text, "=")
	if !longer && !all {
		return q, bad
	}
	if all {
		rest = whole
	}
	d, err := yamldoc.ParseDuration(rest)
	switch {
	case err != nil:
		return q, bad
	case all:
		q.To = &d
	default:
		q.By = d
	}
	return q, nil
}

// tryOut shows what moves.
func (s *session) tryOut(ctx context.Context, d api.Desk, p *plan.Plan, a []string, q api.WhatIfRequest) error {
	snap, err := d.Snapshot(ctx)
	if err != nil {
		return err
	}
	r, err := findRun(snap, a[0])
	if err != nil {
		return err
	}
	q.Run, q.Step = r.ID, a[1]
	reply, err := d.WhatIf(ctx, q)
	if err != nil {
		return err
	}
	if s.json {
		err = s.printJSON(reply)
	} else {
		err = s.showWhatIf(p, q, reply)
	}
	if err == nil && !reply.Holds {
		return exit(ExitFailed)
	}
	return err
}

func (s *session) showWhatIf(p *plan.Plan, q api.WhatIfRequest, r api.WhatIfReply) error {
	c, today := speak(p), r.Before.At
	if was, ok := r.Before.Step(q.Step); ok && r.Run == q.Run {
		is, _ := r.After.Step(q.Step)
		s.wrapped(c.T("forecast.whatif", "step", q.Step, "run", q.Run, "from", length(c, is), "was", length(c, was)))
	}
	t := term.NewTable("", c.T("forecast.col.step"), c.T("forecast.col.start"), c.T("forecast.col.end"), c.T("forecast.col.moved")).Fold(2)
	for i, was := range r.Before.Steps {
		is := r.After.Steps[i]
		if is.Start.Equal(was.Start) && is.End.Equal(was.End) {
			continue
		}
		state := term.Plain
		if is.Critical {
			state = term.Running
		}
		t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: is.ID}, term.Cell{Text: clockIn(c, p, is.Start, today)},
			term.Cell{Text: clockIn(c, p, is.End, today)}, term.Cell{Text: movedBy(c, is.End.Sub(was.End))})
	}
	if t.Len() == 0 {
		s.printf("%s\n", c.T("forecast.unmoved"))
	} else if err := t.Write(s.out, s.screen); err != nil {
		return err
	}
	if err := s.twoGauges(c, p, r); err != nil {
		return err
	}
	s.printf("head %s\n", r.Head)
	return nil
}

// length is how long a step is forecast to take.
func length(c *words.Catalogue, st forecast.Step) string {
	return c.Duration(st.End.Sub(st.Start).Round(time.Second))
}

// movedBy says how far something moves.
func movedBy(c *words.Catalogue, by time.Duration) string {
	switch {
	case by > 0:
		return c.T("forecast.later", "by", away(c, by))
	case by < 0:
		return c.T("forecast.earlier", "by", away(c, by))
	}
	return c.T("forecast.same")
}

// twoGauges shows the ends of a run and the latest moments of its gates without the change and with it.
func (s *session) twoGauges(c *words.Catalogue, p *plan.Plan, r api.WhatIfReply) error {
	w, today := r.After.Gauge.Window, r.Before.At
	s.printf("%s\n", s.screen.Bold(windowText(c, p, w)))
	t := term.NewTable("", "", c.T("forecast.col.before"), c.T("forecast.col.after"), c.T("forecast.col.margin")).Fold(2)
	before, after := marks(c, p, r.Before), marks(c, p, r.After)
	for i, m := range after {
		was := ""
		if i < len(before) {
			was = clockIn(c, p, before[i].At, today)
		}
		t.Cells(term.Cell{Text: m.shape}, term.Cell{Text: m.label}, term.Cell{Text: was}, term.Cell{Text: clockIn(c, p, m.At, today)}, margin(c, m.Mark, w))
	}
	for _, g := range r.After.Gates {
		for _, old := range r.Before.Gates {
			if old.ID == g.ID && !g.Latest.IsZero() {
				t.Cells(term.Cell{Text: term.Gate.Shape(), State: term.Gate}, term.Cell{Text: c.T("gauge.latest", "gate", g.ID)},
					term.Cell{Text: clockIn(c, p, old.Latest, today)}, term.Cell{Text: clockIn(c, p, g.Latest, today)},
					term.Cell{Text: movedBy(c, g.Latest.Sub(old.Latest))})
			}
		}
	}
	if err := t.Write(s.out, s.screen); err != nil {
		return err
	}
	if r.After.Gauge.Back != forecast.CanBack {
		s.printf("%s\n", c.T("gauge.back."+string(r.After.Gauge.Back)))
	}
	if least := leastText(c, r.After); least != "" {
		s.printf("%s\n", term.Line(least))
	}
	if !w.Until.IsZero() {
		state, key := term.OK, "forecast.holds"
		if !r.Holds {
			state, key = term.Fail, "forecast.breaks"
		}
		s.printf("%s\n", s.screen.Paint(state, state.Shape()+" "+c.T(key)))
	}
	return nil
}
