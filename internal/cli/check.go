package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/yamldoc"
)

// checking is one call of `skift check`.
type checking struct {
	api.CheckRequest
	by    string        // "", service or party
	prom  string        // file for a metrics collector; "" = none
	watch time.Duration // 0 = once
	ask   bool          // while watching, ask instead of showing what is stored
}

// checkCommand asks checks now and shows old and new side by side.
func (s *session) checkCommand() *cobra.Command {
	var q checking
	var side, watch string
	c := &cobra.Command{
		Use:   "check [ID|SUITE|GLOB …] [--side old|new] [--by service|party] [--watch [INTERVAL]] [--prom FILE]",
		Short: "Ask both platforms now: old | new | verdict, worst first",
		Long: "Without arguments every check is asked. What is answered is stored: gates and reports rest on it. --by party says what each party has\n" +
			"to do. --watch shows what is stored again and again, every 2 s, and asks nothing unless --ask says so. Exit: 0 all as it must be · 1\n" +
			"something failed · 5 something could not be observed, or is broken with us (1 wins over 5; a warning is 0); of a watch, as it last was.",
		RunE: func(c *cobra.Command, a []string) error {
			q.Patterns, q.Side, q.Cause = a, checks.Side(side), "skift check"
			if err := q.options(watch, c.Flags().Changed("watch")); err != nil {
				return err
			}
			if q.watch > 0 {
				if s.json {
					return usage("--watch and --json exclude each other", "ask for the JSON again and again instead")
				}
				return s.watchCheck(c.Context(), q)
			}
			return s.checkOnce(c.Context(), q)
		},
	}
	c.Flags().StringVar(&side, "side", "", "`SIDE` is old or new (default both)")
	c.Flags().StringVar(&q.by, "by", "", "group by `WHAT`: service, or party with what it has to do")
	c.Flags().StringVar(&q.Environment, "environment", "", "`ENV`, an environment of the plan (default: the production one)")
	c.Flags().BoolVar(&q.Dry, "dry", false, "show what is stored, ask nothing")
	c.Flags().StringVar(&watch, "watch", "", "show again every `INTERVAL` (2s) until q or Ctrl-C")
	c.Flags().Lookup("watch").NoOptDefVal = showEvery.String()
	c.Flags().BoolVar(&q.ask, "ask", false, "with --watch: ask each time (every 1m, 10s at least)")
	c.Flags().StringVar(&q.prom, "prom", "", "also write `FILE` in the text form that Prometheus collects")
	return s.asJSON(c)
}

// options checks what was said beside the checks. The interval of --watch may stand after it as a word of its own.
func (q *checking) options(watch string, watched bool) error {
	switch {
	case q.by != "" && q.by != "service" && q.by != "party":
		return usage(fmt.Sprintf("checks are grouped by service or party, not by %q", q.by), "")
	case !watched && q.ask:
		return usage("--ask belongs to --watch", "without --watch everything is asked anyway, unless --dry says otherwise")
	case q.ask && q.Dry:
		return usage("--ask and --dry exclude each other", "choose one")
	case !watched:
		return nil
	}
	if len(q.Patterns) > 0 && watch == showEvery.String() {
		if _, err := yamldoc.ParseDuration(q.Patterns[0]); err == nil {
			watch, q.Patterns = q.Patterns[0], q.Patterns[1:]
		} else if q.ask {
			watch = askEvery.String()
		}
	} else if q.ask && watch == showEvery.String() {
		watch = askEvery.String()
	}
	d, err := yamldoc.ParseDuration(watch)
	least := leastShow
	if q.ask {
		least = leastAsk
	}
	if err != nil || d < least {
		return usage(fmt.Sprintf("%q is no interval to watch at", watch), fmt.Sprintf("write --watch=%s, or longer", least))
	}
	q.watch, q.Dry = d, !q.ask
	return nil
}

func (q *checking) purpose() purpose {
	if q.Dry {
		return toRead
	}
	return toChange
}

// checkOnce asks, shows and ends with how it is.
func (s *session) checkOnce(ctx context.Context, q checking) error {
	return s.atDesk(ctx, q.purpose(), func(d api.Desk, p *plan.Plan) error {
		bar := s.progress(speak(p))
		q.Progress = bar.tell
		r, err := d.Check(ctx, q.CheckRequest)
		bar.end()
		if err != nil {
			if ctx.Err() != nil && !q.Dry {
				s.note("nothing of this check is stored: half a sweep is none")
			}
			return err
		}
		if s.json {
			err = s.printJSON(r)
		} else {
			err = s.showCheck(ctx, d, r, q)
		}
		if err == nil && q.prom != "" {
			err = s.writeProm(ctx, d, r, q)
		}
		if code := checkExit(r); err == nil && code != ExitOK {
			err = exit(code)
		}
		return err
	})
}

// showCheck prints what was answered, grouped as asked for.
func (s *session) showCheck(ctx context.Context, d api.Desk, r api.CheckReply, q checking) error {
	v := s.checkView(r, s.plan)
	v.stored = q.Dry
	switch {
	case len(r.Pairs) == 0:
		s.printf("%s\n", term.Line(v.c.T("screen.check.none", "environment", r.Environment)))
		return nil
	case q.by == "service":
		v.byService(r.Pairs)
	case q.by == "party":
		e, err := d.Explain(ctx, q.explained())
		if err != nil {
			return err
		}
		v.byParty(e.Explanations)
	default:
		v.table(r.Pairs)
	}
	v.foot(r)
	s.print(v.sheet)
	s.printf("head %s\n", r.Head)
	return nil
}

// explained is the request for everything about the same checks.
func (q checking) explained() api.ExplainRequest {
	return api.ExplainRequest{Patterns: q.Patterns, Side: q.Side, Environment: q.Environment}
}

// sidesOf lists the sides of a pair that were asked for.
func sidesOf(pair snapshot.Pair, side string) []*snapshot.Side {
	var out []*snapshot.Side
	if pair.Old != nil && side != string(checks.New) {
		out = append(out, pair.Old)
	}
	if pair.New != nil && side != string(checks.Old) {
		out = append(out, pair.New)
	}
	return out
}

// checkExit: a failure wins over what could not be observed, at whichever address of a side it is.
func checkExit(r api.CheckReply) int {
	code, seen := ExitOK, false
	for _, pair := range r.Pairs {
		seen = seen || len(sidesOf(pair, r.Side)) > 0
		for _, w := range pair.Why.Sides {
			switch {
			case r.Side != "" && string(w.Side) != r.Side:
			case w.Verdict == checks.Fail:
				return ExitFailed
			case w.Verdict == checks.Unverified, w.Verdict == checks.Error:
				code = ExitNotKnown
			}
		}
	}
	if !seen {
		return ExitNotKnown
	}
	return code
}

func levelState(l checks.Severity) term.State {
	switch l {
	case checks.SeverityOK:
		return term.OK
	case checks.SeverityWarn:
		return term.Risk
	case checks.SeverityBad:
		return term.Fail
	}
	return term.Unknown
}

func verdictState(v checks.Verdict) term.State {
	switch v {
	case checks.Pass:
		return term.OK
	case checks.Warn:
		return term.Risk
	case checks.Fail:
		return term.Fail
	}
	return term.Unknown
}

func worstState(sides []*snapshot.Side) term.State {
	worst := term.Unknown
	for i, sd := range sides {
		if st := verdictState(sd.Verdict); i == 0 || slices.Index(graveness, st) > slices.Index(graveness, worst) {
			worst = st
		}
	}
	return worst
}

func partyName(p *plan.Plan, id string) string {
	if pt := p.Parties[id]; pt != nil && pt.Name != "" {
		return pt.Name + " (" + id + ")"
	}
	if m, ok := p.Member(id); ok && m.Name != "" {
		return m.Name + " (" + id + ")"
	}
	return id
}
