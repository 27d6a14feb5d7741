package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/term"
)

// gateCommand shows how a gate stands.
func (s *session) gateCommand() *cobra.Command {
	var runID string
	c := &cobra.Command{
		Use: "gate [GATE]", Short: "Show how a gate stands: criteria, answers, what stands in the way", Args: between(0, "GATE"),
		Long: "Without GATE every gate of the plan is shown. Nothing is asked anew: observations are shown with their age; a go asks stale ones again.",
		RunE: func(c *cobra.Command, got []string) error {
			if len(got) == 0 && runID != "" {
				return usage("GATE is missing", "--run says in which rehearsal that gate is practised")
			}
			return s.readDesk(c.Context(), func(d api.Desk, p *plan.Plan) error {
				return s.gates(c.Context(), d, p, got, runID)
			})
		},
	}
	c.Flags().StringVar(&runID, "run", "", "the rehearsal `RUN` in which it is practised")
	return s.asJSON(c)
}

func (s *session) gates(ctx context.Context, d api.Desk, p *plan.Plan, ids []string, runID string) error {
	if len(ids) == 0 {
		ids = p.GateIDs
	}
	out := []gate.Judgement{}
	for _, id := range ids {
		j, err := d.Judge(ctx, id, runID)
		if err != nil {
			return err
		}
		out = append(out, j)
	}
	if s.json {
		return s.printJSON(out)
	}
	if len(out) == 0 {
		s.printf("the plan has no gate\n")
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
	s.gateHead(j, p)
	if d := j.Decision; d != nil { // what it rested on, not what there is since
		j.Criteria, j.Poll, j.EnteredBy = d.Criteria, d.Poll, d.EnteredBy
	}
	t := term.NewTable("", "asked", "state", "rests on")
	for _, c := range j.Criteria {
		criterionRow(t, c, p)
	}
	for _, a := range j.Poll {
		pollRow(t, a, p)
	}
	if t.Len() > 0 {
		if err := t.Write(s.out, s.screen); err != nil {
			return err
		}
	}
	for _, c := range j.Criteria {
		s.findings(s.out, telling(c))
	}
	for _, d := range j.Deviations {
		s.printf("%s accepted deviation (event %d): %s until %s: %s\n", s.screen.Paint(term.Risk, term.Risk.Shape()), d.Seq, d.Check, localTime(p, d.Until), term.Line(d.Reason))
	}
	if len(j.EnteredBy) > 0 {
		s.printf("%s\n", entered(j.EnteredBy, len(j.Poll)))
	}
	s.gateFoot(j, p)
	return nil
}

// gateHead says where the gate stands, what it asks, until when and who decides.
func (s *session) gateHead(j gate.Judgement, p *plan.Plan) {
	state := gateState(j.State)
	g := p.Gates[j.Gate]
	if g == nil { // the running skift goes by another revision
		g = &plan.Gate{}
	}
	s.printf("%s %s — %s\n", s.screen.Paint(state, state.Shape()+" "+upper(string(j.State))), s.screen.Bold(j.Gate), term.Line(g.Title.In(p.Language)))
	var parts []string
	if !j.OpensAt.IsZero() {
		parts = append(parts, "opens "+localTime(p, j.OpensAt))
	}
	if !j.DecideBy.IsZero() {
		parts = append(parts, "decide by "+localTime(p, j.DecideBy))
	}
	if j.Extension != "" {
		parts = append(parts, "extended: "+term.Line(j.Extension))
	}
	if g.Decides != "" {
		parts = append(parts, "decides "+g.Decides+" ("+call(p, app.PersonIn(p, g.Decides, time.Now()))+")")
	}
	s.printf("%s\n", strings.Join(parts, " · "))
	if len(g.Scope) > 0 {
		s.printf("a go covers %s\n", strings.Join(g.Scope, ", "))
	}
	if j.Run != "" {
		s.printf("practised in %s: its criteria are shown and do not bind\n", j.Run)
	}
}

func criterionRow(t *term.Table, c register.CriterionSeen, p *plan.Plan) {
	state := map[string]term.State{gate.Met: term.OK, gate.Unmet: term.Fail, gate.Unknown: term.Unknown}[c.State]
	if c.State == gate.Met && c.Reason != "" {
		state = term.Risk
	}
	t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: c.Kind + " " + c.ID}, term.Cell{Text: c.State, State: state}, term.Cell{Text: restsOn(c, p)})
}

func pollRow(t *term.Table, a register.PollAnswer, p *plan.Plan) {
	state, text := term.Unknown, "not answered"
	rests := call(p, app.PersonIn(p, a.Seat, time.Now()))
	switch {
	case a.Void != "":
		text = string(a.Answer) + ", does not count"
		rests = speak(p).T("why." + a.Void)
	case a.Answer == register.Ready:
		state, text = term.OK, "ready"
	case a.Answer != "":
		state, text = term.Fail, string(a.Answer)
	}
	if a.Answer != "" && a.Void == "" {
		rests = cmp.Or(a.Person, a.By)
		if who, ok := p.Contacts.Person(rests); ok {
			rests = who.Name
		}
		if a.Via != "" && a.Via != journal.ViaConsole {
			rests += " via " + a.Via
		}
		if a.Remark != "" {
			rests += ": " + a.Remark
		}
	}
	t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: "seat " + a.Seat}, term.Cell{Text: text, State: state}, term.Cell{Text: rests})
}

// gateFoot says what was decided, or what can be done.
func (s *session) gateFoot(j gate.Judgement, p *plan.Plan) {
	c := speak(p)
	if d := j.Decision; d != nil {
		s.printf("%s decided %s by %s (event %d)\n", upper(string(d.Decision)), localTime(p, d.At), decidedBy(d), d.Seq)
		if d.Decision == register.Go && len(d.Services) > 0 {
			s.printf("it covers %s\n", strings.Join(d.Services, ", "))
		}
		for _, r := range d.Reasons {
			if r.Code != "voted" {
				s.printf("  %s %s\n", s.screen.Paint(term.Fail, term.Fail.Shape()), term.Line(reasonText(c, r)))
			}
		}
		return
	}
	if len(j.Reasons) == 0 {
		s.printf("nothing stands in the way of a go\n")
		return
	}
	s.printf("%s in the way of a go\n", stand(len(j.Reasons)))
	for _, r := range j.Reasons {
		s.printf("  %s %s\n", s.screen.Paint(term.Fail, term.Fail.Shape()), term.Line(reasonText(c, r)))
	}
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
		parts = append(parts, speak(p).T("why."+c.Reason))
	}
	if !c.AsOf.IsZero() {
		parts = append(parts, "as of "+localTime(p, c.AsOf))
	}
	return strings.Join(parts, ", ")
}

// telling is what a criterion's findings tell: nothing where all there is to say is that it was long since anybody looked.
func telling(c register.CriterionSeen) []register.Finding {
	if c.Reason == "stale" {
		return nil
	}
	return c.Findings
}

// findings lists what is not as it must be, a few lines, with whose it is.
func (s *session) findings(to io.Writer, fs []register.Finding) {
	const most = 8
	for i, f := range fs {
		if i == most {
			fmt.Fprintf(to, "    … and %d more; `skift check` lists them\n", len(fs)-most)
			return
		}
		fmt.Fprintf(to, "    %s\n", term.Line(findingText(f, s.plan)))
	}
}

// place is where an answer is from: a side and an address, or the side alone for what lies here as a file.
func place(side, addr string) string {
	if addr == "" {
		return side
	}
	return side + " " + addr
}

// findingText is one finding in one line: what, where, which code, whose.
func findingText(f register.Finding, p *plan.Plan) string {
	text := f.Check + " " + place(string(f.Side), f.Addr) + ": " + string(f.Code)
	if f.Flow != "" {
		text += " for " + f.Flow
	}
	if f.Owner != "" {
		text += "; owner " + partyName(p, f.Owner)
	}
	return text
}

// printGate shows what happens at a gate.
func (w *watcher) printGate(e journal.Event) {
	asked, flag := e.Subject, ""
	if e.Run != "" {
		asked, flag = asked+" (practised)", " --run "+e.Run
	}
	switch e.Kind {
	case register.GateOpened:
		w.line(e, term.Gate, "gate %s is open", asked)
		if g := w.plan.Gates[e.Subject]; g != nil {
			w.more("asked: %s · decides: %s%s", strings.Join(g.Poll, ", "), g.Decides, w.onDuty(g.Decides, e.At))
			w.more("skift gate %s%s · skift vote %s ready --as SEAT%s", g.ID, flag, g.ID, flag)
		}
	case register.GateVoted:
		if b, ok := body[register.Voted](e); ok {
			w.line(e, term.Gate, "%s answers %s at %s%s", e.Actor.Seat, b.Answer, asked, remark(b.Remark))
		}
	case register.GateAttested:
		if b, ok := body[register.Attested](e); ok {
			w.line(e, term.Gate, "%s attests %s at %s%s", e.Actor.Seat, b.Criterion, asked, remark(b.Remark))
		}
	case register.GateExtended:
		if b, ok := body[register.Extended](e); ok {
			w.line(e, term.Gate, "%s extends %s until %s%s", e.Actor.Seat, asked, localTime(w.plan, b.Until), remark(b.Reason))
		}
	case register.GateDecided:
		if b, ok := body[register.Decided](e); ok {
			w.printDecision(e, b, asked)
		}
	}
}

func remark(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

// printDecision prints a decision and what it rests on.
func (w *watcher) printDecision(e journal.Event, b register.Decided, asked string) {
	state := term.Fail
	if b.Decision == register.Go {
		state = term.OK
	}
	w.line(e, state, "gate %s: %s, decided by %s", asked, upper(string(b.Decision)), decidedBy(&register.Decision{Actor: e.Actor}))
	for _, r := range b.Reasons {
		if r.Code != "voted" {
			w.more("%s %s", term.Fail.Shape(), reasonText(speak(w.plan), r))
		}
	}
	for _, c := range b.Criteria {
		w.s.findings(w.s.out, telling(c))
	}
	if len(b.EnteredBy) > 0 {
		w.more("%s", entered(b.EnteredBy, len(b.Poll)))
	}
	w.printHead()
}
