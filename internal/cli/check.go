package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/term"
)

// checkCommand asks checks now and shows old and new side by side.
func (s *session) checkCommand() *cobra.Command {
	var q api.CheckRequest
	var side string
	c := &cobra.Command{
		Use: "check [ID|SUITE|GLOB …] [--side old|new] [--environment ENV] [--dry]", Short: "Ask both platforms now: old | new | verdict, worst first",
		Long: "Without arguments every check is asked. What is answered is stored: gates and reports rest on it. Exit: 0 all as it must be · 1\n" +
			"something failed · 5 something could not be observed, or is broken with us (1 wins over 5; a warning is 0).",
		RunE: func(c *cobra.Command, a []string) error {
			q.Patterns, q.Side, q.Cause = a, checks.Side(side), "skift check"
			return s.withDesk(c.Context(), func(d api.Desk, p *plan.Plan) error {
				r, err := d.Check(c.Context(), q)
				if err != nil {
					return err
				}
				if s.json {
					err = s.printJSON(r)
				} else {
					err = s.showCheck(r, p)
				}
				if code := checkExit(r); err == nil && code != ExitOK {
					err = exit(code)
				}
				return err
			})
		},
	}
	c.Flags().StringVar(&side, "side", "", "`SIDE` is old or new (default both)")
	c.Flags().StringVar(&q.Environment, "environment", "", "`ENV`, an environment of the plan (default: the production one)")
	c.Flags().BoolVar(&q.Dry, "dry", false, "show what is stored, ask nothing")
	return s.asJSON(c)
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

func (s *session) showCheck(r api.CheckReply, p *plan.Plan) error {
	if len(r.Pairs) == 0 {
		s.printf("nothing was asked: no service of these checks has an address in %s\n", r.Environment)
		return nil
	}
	header := []string{"", "check", "old", "new", "verdict", "why"}
	if r.Side != "" {
		header = []string{"", "check", r.Side, "why"}
	}
	t := term.NewTable(header...)
	totals := map[term.State]int{}
	for _, pair := range r.Pairs {
		state := pairRow(t, pair, r.Side, p)
		totals[state]++
	}
	if err := t.Write(s.out, s.screen); err != nil {
		return err
	}
	var sum []string
	for _, st := range []term.State{term.Fail, term.Unknown, term.Risk, term.OK} {
		if totals[st] > 0 {
			sum = append(sum, fmt.Sprintf("%s %d %s", st.Shape(), totals[st], st.Word(p.Language)))
		}
	}
	s.printf("%s · %s · %s · ! critical\n", strings.Join(sum, " · "), r.Environment, localTime(p, r.At))
	s.printf("head %s\n", r.Head)
	return nil
}

// pairRow adds a comparison, or with a side that side's answer, and gives the state it shows.
func pairRow(t *term.Table, pair snapshot.Pair, side string, p *plan.Plan) term.State {
	state := levelState(pair.Verdict.Level)
	if side != "" {
		state = worstState(sidesOf(pair, side))
	}
	name := pair.Check
	if pair.Flow != "" {
		name += " " + pair.Flow
	}
	if pair.Critical {
		name += " !"
	}
	cells := []term.Cell{{Text: state.Shape(), State: state}, {Text: name}}
	if side != string(checks.New) {
		cells = append(cells, sideCell(pair.Old))
	}
	if side != string(checks.Old) {
		cells = append(cells, sideCell(pair.New))
	}
	if side == "" {
		cells = append(cells, term.Cell{Text: speak(p).T("pair." + string(pair.Verdict.Word)), State: state})
	}
	t.Cells(append(cells, term.Cell{Text: whyLine(pair, side, p)})...)
	return state
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

// sideCell is one side's answer: its verdict, and the code when it says more.
func sideCell(sd *snapshot.Side) term.Cell {
	if sd == nil {
		return term.Cell{Text: "–"}
	}
	text := string(sd.Verdict)
	if sd.Code != checks.OK {
		text += " " + string(sd.Code)
	}
	if sd.Want == checks.Deny {
		text += " (deny wanted)"
	}
	return term.Cell{Text: verdictState(sd.Verdict).Shape() + " " + text, State: verdictState(sd.Verdict)}
}

// whyLine is one line for what is not green: where, what it means, whose it is. What the verdict rests on speaks.
func whyLine(pair snapshot.Pair, side string, p *plan.Plan) string {
	i := slices.IndexFunc(pair.Why.Sides, func(w matrix.SideWhy) bool {
		return (side == "" || string(w.Side) == side) && w.Verdict != checks.Pass
	})
	if i < 0 {
		return ""
	}
	worst := pair.Why.Sides[i]
	text := fmt.Sprintf("%s %s: %s", worst.Side, worst.Addr, causeOf(worst, p))
	if worst.Owner != "" {
		text += " → " + partyName(p, worst.Owner)
	}
	if d := worst.Deviation; d != nil {
		text += fmt.Sprintf(" (accepted until %s, event %d)", localTime(p, d.Until), d.Seq)
	}
	return text
}

// causeOf says why an answer is not as wanted, or why there is none that counts.
func causeOf(w matrix.SideWhy, p *plan.Plan) string {
	c := speak(p)
	if key := "why." + w.Sentence(); c.Has(key) {
		return c.T(key)
	}
	return c.Outcome(string(w.Code)).Cause
}

// graveness orders states from best to worst.
var graveness = []term.State{term.OK, term.Risk, term.Unknown, term.Fail}

func partyName(p *plan.Plan, id string) string {
	if pt := p.Parties[id]; pt != nil && pt.Name != "" {
		return pt.Name + " (" + id + ")"
	}
	if m, ok := p.Member(id); ok && m.Name != "" {
		return m.Name + " (" + id + ")"
	}
	return id
}
