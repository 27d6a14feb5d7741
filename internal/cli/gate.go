package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/gate"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/term"
)

// gateCommand shows how a gate stands.
func (s *session) gateCommand() *cobra.Command {
	var runID string
	c := &cobra.Command{
		Use: "gate [GATE]", Short: "Show how a gate stands: criteria, answers, what stands in the way", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, a []string) error {
			return s.withDesk(c.Context(), func(d api.Desk, p *plan.Plan) error {
				ids := a
				if len(ids) == 0 {
					ids = p.GateIDs
				}
				var out []gate.Judgement
				for _, id := range ids {
					j, err := d.Judge(c.Context(), id, runID)
					if err != nil {
						return err
					}
					out = append(out, j)
				}
				if s.json {
					return s.printJSON(out)
				}
				for i, j := range out {
					if i > 0 {
						s.printf("\n")
					}
					if err := s.showGate(j, p); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&runID, "run", "", "the rehearsal in which it is practised")
	return s.asJSON(c)
}

func gateState(st gate.State) term.State {
	switch st {
	case gate.Went:
		return term.OK
	case gate.NoGo, gate.Due:
		return term.Fail
	case gate.Closed:
		return term.Unknown
	}
	return term.Gate
}

func (s *session) showGate(j gate.Judgement, p *plan.Plan) error {
	g := p.Gates[j.Gate]
	s.printf("%s %s — %s\n", s.screen.Paint(gateState(j.State), gateState(j.State).Shape()+" "+upper(string(j.State))), s.screen.Bold(j.Gate), g.Title.In(p.Language))
	if j.Run != "" {
		s.printf("practised in %s: its criteria are shown and do not bind\n", j.Run)
	}
	if !j.OpensAt.IsZero() {
		s.printf("opens %s", localTime(p, j.OpensAt))
	}
	if !j.DecideBy.IsZero() {
		s.printf(" · decide by %s", localTime(p, j.DecideBy))
	}
	if !j.OpensAt.IsZero() || !j.DecideBy.IsZero() {
		s.printf(" · decides %s\n", g.Decides)
	}
	t := term.NewTable("", "criterion", "state", "rests on")
	for _, c := range j.Criteria {
		state := map[string]term.State{gate.Met: term.OK, gate.Unmet: term.Fail, gate.Unknown: term.Unknown}[c.State]
		if c.State == gate.Met && c.Reason != "" {
			state = term.Risk
		}
		t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: c.Kind + " " + c.ID}, term.Cell{Text: c.State, State: state}, term.Cell{Text: restsOn(c, p)})
	}
	for _, a := range j.Poll {
		state, text := term.Unknown, "not answered"
		switch {
		case a.Void != "":
			text = string(a.Answer) + ", does not count: " + strings.ReplaceAll(a.Void, "-", " ")
		case a.Answer == register.Ready:
			state, text = term.OK, "ready"
		case a.Answer != "":
			state, text = term.Fail, string(a.Answer)
		}
		rests := strings.TrimSpace(call(p, a.Person) + " " + a.Remark)
		if a.Answer == "" {
			rests = call(p, app.PersonIn(p, a.Seat, time.Now()))
		}
		t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: "asked " + a.Seat}, term.Cell{Text: text, State: state}, term.Cell{Text: rests})
	}
	if err := t.Write(s.out, s.screen); err != nil {
		return err
	}
	for _, c := range j.Criteria {
		s.findings(c.Findings, p)
	}
	for _, d := range j.Deviations {
		s.printf("%s accepted deviation (event %d): %s until %s: %s\n", term.Risk.Shape(), d.Seq, d.Check, localTime(p, d.Until), term.Line(d.Reason))
	}
	if len(j.EnteredBy) > 0 {
		s.printf("%s\n", entered(j.EnteredBy, len(j.Poll)))
	}
	if j.Decision != nil {
		s.printf("decided %s by %s (event %d)\n", localTime(p, j.Decision.At), decidedBy(j.Decision), j.Decision.Seq)
	}
	return nil
}

func decidedBy(d *register.Decision) string {
	if d.Actor.Seat == "" {
		return "the clock: no decision before the deadline"
	}
	return d.Actor.Seat
}

// restsOn says what a criterion rests on and how old that is.
func restsOn(c register.CriterionSeen, p *plan.Plan) string {
	var parts []string
	for _, n := range []struct {
		name  string
		count *register.Count
	}{{"critical", c.Critical}, {"others", c.Others}} {
		if n.count == nil || n.count.Total == 0 {
			continue
		}
		text := fmt.Sprintf("%s %d of %d", n.name, n.count.Passed, n.count.Total)
		if n.count.Accepted > 0 {
			text += fmt.Sprintf(" + %d accepted", n.count.Accepted)
		}
		if n.count.Need != "" {
			text += " (needs " + n.count.Need + ")"
		}
		parts = append(parts, text)
	}
	if c.Reason != "" {
		parts = append(parts, strings.ReplaceAll(c.Reason, "-", " "))
	}
	if !c.AsOf.IsZero() {
		parts = append(parts, "as of "+localTime(p, c.AsOf))
	}
	return strings.Join(parts, ", ")
}

// findings lists what is not as it must be, a few lines, with whose it is.
func (s *session) findings(fs []register.Finding, p *plan.Plan) {
	const most = 8
	for i, f := range fs {
		if i == most {
			s.printf("  … and %d more; `skift check` lists them\n", len(fs)-most)
			return
		}
		s.printf("  %s %s\n", s.screen.Paint(term.Fail, term.Fail.Shape()), term.Line(findingText(f, p)))
	}
}

// findingText is one finding in one line: what, where, which code, whose.
func findingText(f register.Finding, p *plan.Plan) string {
	text := f.Check + " " + string(f.Side) + " " + f.Addr + ": " + string(f.Code)
	if f.Flow != "" {
		text += " for " + f.Flow
	}
	if f.Owner != "" {
		owner := f.Owner
		if pt := p.Parties[owner]; pt != nil && pt.Name != "" {
			owner = pt.Name + " (" + owner + ")"
		}
		text += "; owner " + owner
	}
	return text
}

// printDecision prints what a decision rests on.
func (w *watcher) printDecision(b register.Decided) {
	for _, c := range b.Criteria {
		w.s.findings(c.Findings, w.plan)
	}
	if len(b.EnteredBy) > 0 {
		w.s.printf("           %s\n", entered(b.EnteredBy, len(b.Poll)))
	}
}
