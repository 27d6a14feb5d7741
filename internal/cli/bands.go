package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/yamldoc"
)

// historyCommand shows what a check answered over time.
func (s *session) historyCommand() *cobra.Command {
	var q api.HistoryRequest
	var since, side string
	c := &cobra.Command{
		Use: "history CHECK[@old|@new] [--since 7d] [--flow F]", Short: "Show what a check answered over time, address by address",
		Long: "Each address has a band: equal neighbours are one, and where no answer holds it says so. Below, each stretch with its code, how often\n" +
			"it was answered and how long that took. Nothing is asked. Exit: 0 it was shown.",
		Args: args("CHECK"),
		RunE: func(c *cobra.Command, a []string) error {
			id, of, ok := snapshot.SplitSide(a[0])
			if side != "" {
				of, ok = checks.Side(side), ok && (of == "" || string(of) == side)
			}
			if !ok {
				return usage(fmt.Sprintf("a side is old or new, not %q", of), "write "+id+"@old or "+id+"@new")
			}
			back, err := yamldoc.ParseDuration(since)
			if err != nil || back <= 0 {
				return usage(fmt.Sprintf("--since takes a length of time, not %q", since), "write --since 7d, or 12h")
			}
			now := time.Now()
			q.Patterns, q.Side, q.Since = []string{id}, of, now.Add(-back)
			return s.readDesk(c.Context(), func(d api.Desk, p *plan.Plan) error {
				r, err := d.History(c.Context(), q)
				if err != nil {
					return err
				}
				if s.json {
					return s.printJSON(r)
				}
				s.showHistory(r, p, q.Since)
				return nil
			})
		},
	}
	c.Flags().StringVar(&side, "side", "", "`SIDE` is old or new (default both)")
	c.Flags().StringVar(&since, "since", "7d", "how far back, a `TIME` such as 7d or 12h")
	c.Flags().StringVar(&q.Flow, "flow", "", "only what was asked for the flow `F`")
	c.Flags().StringVar(&q.Environment, "environment", "", "`ENV`, an environment of the plan (default: the production one)")
	return s.asJSON(c)
}

// bandSigns are how verdicts are drawn in a band, the gravest first. They differ in shape, so that no colour is needed.
var bandSigns = []struct {
	verdict   checks.Verdict
	sign, key string
}{
	{checks.Fail, "#", "history.legend.fail"}, {checks.Error, "!", "history.legend.error"}, {checks.Unverified, "?", "history.legend.unverified"},
	{"", ".", "history.gap"}, {checks.Warn, "~", "history.legend.warn"}, {checks.Pass, "=", "history.legend.pass"},
}

func (s *session) showHistory(r api.HistoryReply, p *plan.Plan, since time.Time) {
	v := s.sheet(p)
	if len(r.Units) == 0 {
		v.text(0, v.c.T("screen.check.none", "environment", r.Environment))
	}
	for i, h := range r.Units {
		if i > 0 {
			v.space()
		}
		v.band(h, since, r.At)
	}
	if len(r.Units) > 0 {
		v.space()
		var legend []string
		for _, b := range slices.Backward(bandSigns) {
			legend = append(legend, b.sign+" "+v.c.T(b.key))
		}
		v.text(0, strings.Join(legend, "   "))
	}
	s.print(v)
}

// band draws one unit's past and lists its stretches, newest first.
func (v *sheet) band(h api.History, from, until time.Time) {
	stretches := h.Stretches(from, until)
	now := stretches[len(stretches)-1]
	name := h.Check
	if h.Flow != "" {
		name += " " + h.Flow
	}
	v.heading(bandState(now.Verdict), name, strings.TrimRight(" · "+v.c.T("side."+string(h.Side))+" "+h.Addr, " ")+" · "+v.c.T("explain.seen-from", "where", h.Vantage))
	left, right := v.moment(from), v.moment(until)
	width := max(v.width-2-len(left)-len(right)-2, 10)
	v.b.WriteString("  " + left + " " + v.cells(stretches, from, until, width) + " " + right + "\n")
	t := term.NewTable("", v.c.T("history.col.since"), v.c.T("history.col.until"), v.c.T("history.col.answer"), v.c.T("history.col.times"), v.c.T("history.col.took")).Right(4, 5)
	for _, s := range slices.Backward(stretches) {
		state := bandState(s.Verdict)
		if s.Verdict == "" {
			t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: v.moment(s.From)}, term.Cell{Text: v.moment(s.Until)}, term.Cell{Text: v.c.T("history.gap"), State: state}, term.Cell{}, term.Cell{})
			continue
		}
		answer := v.c.T("screen.verdict." + string(s.Verdict))
		if s.Code != checks.OK {
			answer += " " + string(s.Code)
		}
		t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: v.moment(s.From)}, term.Cell{Text: v.moment(s.Until)}, term.Cell{Text: answer, State: state},
			term.Cell{Text: fmt.Sprint(s.Count)}, term.Cell{Text: short(s.Took)})
		if s.Seen != "" {
			t.Under(v.c.T("history.seen", "code", string(s.Seen), "cause", v.c.Outcome(string(s.Code)).Cause))
		}
		if text := v.brought(s.Brought); text != "" {
			t.Under(text)
		}
		if !s.Current {
			t.Under(v.c.T("explain.asked.then"))
		}
	}
	_ = t.Write(&v.b, v.screen)
}

// moment is an instant in a table: the plan's zone, without its name.
func (v *sheet) moment(t time.Time) string { return t.In(v.p.Zone).Format("2006-01-02 15:04") }

// bandState is the state of a stretch; where nothing is known it is unknown, never well.
func bandState(verdict checks.Verdict) term.State {
	if verdict == "" {
		return term.Unknown
	}
	return verdictState(verdict)
}

// cells draws stretches as columns. A column that holds several shows the gravest; one that is known in part is not known.
func (v *sheet) cells(stretches []api.Stretch, from, until time.Time, width int) string {
	var b strings.Builder
	step := until.Sub(from) / time.Duration(width)
	for i := range width {
		begin, end := from.Add(time.Duration(i)*step), from.Add(time.Duration(i+1)*step)
		for _, sign := range bandSigns {
			if slices.ContainsFunc(stretches, func(s api.Stretch) bool {
				return s.Verdict == sign.verdict && s.From.Before(end) && begin.Before(s.Until)
			}) {
				b.WriteString(v.screen.Paint(bandState(sign.verdict), sign.sign))
				break
			}
		}
	}
	return b.String()
}
