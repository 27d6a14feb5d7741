package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/words"
)

// checkCommand asks checks now and shows old and new side by side.
func (s *session) checkCommand() *cobra.Command {
	var q api.CheckRequest
	var side string
	c := &cobra.Command{
		Use: "check [ID|SUITE|GLOB …]", Short: "Ask both platforms now: old | new | verdict, worst first",
		Long: "Without arguments every check is asked. Exit: 0 all as it must be · 1 something failed · 5 something could not be observed, or is\n" +
			"broken with us (1 wins over 5; a warning is 0).",
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
				if err != nil {
					return err
				}
				if code := checkExit(r); code != ExitOK {
					return exit(code)
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&side, "side", "", "old or new (default both)")
	c.Flags().StringVar(&q.Environment, "environment", "", "environment (default: the production one)")
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

// checkExit: a failure wins over what could not be observed.
func checkExit(r api.CheckReply) int {
	code := ExitOK
	for _, pair := range r.Pairs {
		for _, sd := range sidesOf(pair, r.Side) {
			switch sd.Verdict {
			case checks.Fail:
				return ExitFailed
			case checks.Unverified, checks.Error:
				code = ExitNotKnown
			}
		}
	}
	if len(r.Pairs) == 0 {
		return ExitNotKnown
	}
	return code
}

func (s *session) showCheck(r api.CheckReply, p *plan.Plan) error {
	lang := words.Lang(p.Language)
	if len(r.Pairs) == 0 {
		s.printf("nothing was asked: no service of these checks has an address in %s\n", r.Environment)
		return nil
	}
	t := term.NewTable("", "check", "old", "new", "verdict", "why")
	totals := map[term.State]int{}
	for _, pair := range r.Pairs {
		state := levelState(pair.Verdict.Level)
		if r.Side != "" {
			state = worstState(sidesOf(pair, r.Side))
		}
		totals[state]++
		name := pair.Check
		if pair.Flow != "" {
			name += " " + pair.Flow
		}
		if pair.Critical {
			name += " !"
		}
		verdict := words.In(lang).T("pair." + string(pair.Verdict.Word))
		if r.Side != "" {
			verdict = ""
		}
		t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: name}, sideCell(pair.Old, r.Side == "new"), sideCell(pair.New, r.Side == "old"),
			term.Cell{Text: verdict, State: state}, term.Cell{Text: whyLine(pair, r.Side, p, lang)})
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
	order := []term.State{term.OK, term.Risk, term.Unknown, term.Fail}
	worst := term.OK
	for _, sd := range sides {
		if st := verdictState(sd.Verdict); slices.Index(order, st) > slices.Index(order, worst) {
			worst = st
		}
	}
	return worst
}

// sideCell is one side's answer: its verdict, and the code when it says more.
func sideCell(sd *snapshot.Side, hidden bool) term.Cell {
	if hidden {
		return term.Cell{}
	}
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

// whyLine is one line for what is not green: where, what it means, whose it is.
func whyLine(pair snapshot.Pair, side string, p *plan.Plan, lang words.Lang) string {
	for _, w := range pair.Why.Sides {
		if side != "" && string(w.Side) != side || w.Verdict == checks.Pass {
			continue
		}
		text := w.Addr + ": " + words.In(lang).Outcome(string(w.Code)).Cause
		if w.Owner != "" {
			text += " → " + partyName(p, w.Owner)
		}
		if w.Deviation != nil {
			text += fmt.Sprintf(" (accepted until %s, event %d)", w.Deviation.Until.In(p.Zone).Format("2006-01-02 15:04"), w.Deviation.Seq)
		}
		return text
	}
	return ""
}

func partyName(p *plan.Plan, id string) string {
	if pt := p.Parties[id]; pt != nil && pt.Name != "" {
		return pt.Name
	}
	return id
}

// whoCommand shows who answers for a seat.
func (s *session) whoCommand() *cobra.Command {
	var at string
	c := &cobra.Command{
		Use: "who [SEAT]", Short: "Who is on shift, who is next, the deputy, and the number to call", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, a []string) error {
			p, _, err := app.Load(s.dir)
			if err != nil {
				return err
			}
			now := time.Now()
			if at != "" {
				if now, err = parseTime(p, at, now); err != nil {
					return err
				}
			}
			seats := p.SeatIDs
			if len(a) == 1 {
				if p.Seats[a[0]] == nil {
					return unknownWord("seat", a[0], p.SeatIDs)
				}
				seats = a
			}
			return s.showWho(p, seats, now)
		},
	}
	c.Flags().StringVar(&at, "at", "", "at another time than now")
	return s.asJSON(c)
}

// duty is one seat in `skift who --json`.
type duty struct {
	Seat     string    `json:"seat"`
	On       []contact `json:"on"`
	Next     *contact  `json:"next,omitempty"`
	Deputies []contact `json:"deputies,omitempty"`
}

type contact struct {
	Person string    `json:"person"`
	Name   string    `json:"name,omitempty"`
	Phone  string    `json:"phone,omitempty"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
}

func (s *session) showWho(p *plan.Plan, seats []string, at time.Time) error {
	var out []duty
	for _, seat := range seats {
		out = append(out, dutyOf(p, seat, at))
	}
	if s.json {
		return s.printJSON(out)
	}
	s.printf("%s\n", localTime(p, at))
	t := term.NewTable("", "seat", "on shift", "until", "next", "deputy")
	for _, d := range out {
		state, on, until := term.Fail, "nobody", ""
		if len(d.On) > 0 {
			state, on, until = term.OK, names(d.On), localTime(p, d.On[0].Until)
		} else if len(d.Deputies) > 0 {
			state = term.Risk
		}
		next := ""
		if d.Next != nil {
			next = names([]contact{*d.Next}) + " from " + localTime(p, d.Next.From)
		}
		t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: d.Seat}, term.Cell{Text: on, State: state}, term.Cell{Text: until},
			term.Cell{Text: next}, term.Cell{Text: names(d.Deputies)})
	}
	return t.Write(s.out, s.screen)
}

func names(cs []contact) string {
	var out []string
	for _, c := range cs {
		text := c.Name
		if text == "" {
			text = c.Person
		}
		if c.Phone != "" {
			text += " " + c.Phone
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}
