package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
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
	"skift/internal/words"
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
		s.printf("%s\n", speak(p).T("gates.none"))
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
	c := speak(p)
	t := term.NewTable("", c.T("gates.col.asked"), c.T("gates.col.state"), c.T("gates.col.rests")).Fold(3)
	for _, x := range j.Criteria {
		criterionRow(c, t, x, p)
	}
	for _, a := range j.Poll {
		pollRow(c, t, a, p)
	}
	if t.Len() > 0 {
		if err := t.Write(s.out, s.screen); err != nil {
			return err
		}
	}
	for _, x := range j.Criteria {
		s.findings(c, s.out, telling(x))
	}
	for _, d := range j.Deviations {
		s.printf("%s %s\n", s.screen.Paint(term.Risk, term.Risk.Shape()), term.Line(c.T("gates.deviation", "event", d.Seq, "check", d.Check, "until", near(c, p, d.Until, time.Now()), "why", d.Reason)))
	}
	if len(j.EnteredBy) > 0 {
		s.printf("%s\n", entered(c, j.EnteredBy, len(j.Poll)))
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
	c, now := speak(p), time.Now()
	word := state.Shape() + " " + upper(c.T("gate."+string(j.State)))
	for i, l := range term.Wrap(word+" "+j.Gate+" — "+g.Title.In(p.Language), s.screen.Width) {
		if rest, ok := strings.CutPrefix(l, word+" "+j.Gate); ok && i == 0 {
			l = s.screen.Paint(state, word) + " " + s.screen.Bold(j.Gate) + rest
		}
		s.printf("%s\n", l)
	}
	var parts []string
	if !j.OpensAt.IsZero() {
		parts = append(parts, c.T("gates.opens", "at", near(c, p, j.OpensAt, now)))
	}
	if !j.DecideBy.IsZero() {
		parts = append(parts, c.T("gates.by", "at", near(c, p, j.DecideBy, now)+" "+j.DecideBy.In(p.Zone).Format("MST")))
	}
	if j.Extension != "" {
		parts = append(parts, c.T("gates.extended", "why", j.Extension))
	}
	if g.Decides != "" {
		parts = append(parts, c.T("gates.decides", "seat", g.Decides, "who", call(p, app.PersonIn(p, g.Decides, now))))
	}
	for _, l := range term.Parts(parts, " · ", s.screen.Width) {
		s.printf("%s\n", l)
	}
	if len(g.Scope) > 0 {
		s.wrapped(c.T("gates.covers", "services", strings.Join(g.Scope, ", ")))
	}
	if j.Run != "" {
		s.wrapped(c.T("gates.practised", "run", j.Run))
	}
}

func criterionRow(say *words.Catalogue, t *term.Table, c register.CriterionSeen, p *plan.Plan) {
	state := map[string]term.State{gate.Met: term.OK, gate.Unmet: term.Fail, gate.Unknown: term.Unknown}[c.State]
	if c.State == gate.Met && c.Reason != "" {
		state = term.Risk
	}
	t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: say.T("criterion-kind."+c.Kind) + " " + c.ID}, term.Cell{Text: say.T("criterion." + c.State), State: state},
		term.Cell{Text: restsOn(say, c, p)})
}

func pollRow(c *words.Catalogue, t *term.Table, a register.PollAnswer, p *plan.Plan) {
	state, text := term.Unknown, c.T("vote.none")
	rests := call(p, app.PersonIn(p, a.Seat, time.Now()))
	switch {
	case a.Void != "":
		text = c.T("gates.void", "answer", c.T("vote."+string(a.Answer)))
		rests = c.T("why." + a.Void)
	case a.Answer == register.Ready:
		state, text = term.OK, c.T("vote.ready")
	case a.Answer != "":
		state, text = term.Fail, c.T("vote."+string(a.Answer))
	}
	if a.Answer != "" && a.Void == "" {
		rests = cmp.Or(a.Person, a.By)
		if who, ok := p.Contacts.Person(rests); ok {
			rests = who.Name
		}
		if a.Via != "" && a.Via != journal.ViaConsole {
			rests = c.T("gates.via", "who", rests, "way", c.T("via."+a.Via))
		}
		if a.Remark != "" {
			rests += ": " + a.Remark
		}
	}
	t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: c.T("gates.seat") + " " + a.Seat}, term.Cell{Text: text, State: state}, term.Cell{Text: rests})
}

// gateFoot says what was decided, or what can be done.
func (s *session) gateFoot(j gate.Judgement, p *plan.Plan) {
	c := speak(p)
	if d := j.Decision; d != nil {
		s.wrapped(c.T("gates.decided", "decision", upper(c.T("decision."+string(d.Decision))), "at", near(c, p, d.At, time.Now()), "who", decidedBy(c, d), "event", d.Seq))
		if d.Decision == register.Go && len(d.Services) > 0 {
			s.wrapped(c.T("gates.covered", "services", strings.Join(d.Services, ", ")))
		}
		s.inTheWay(c, slices.DeleteFunc(slices.Clone(d.Reasons), func(r register.Reason) bool { return r.Code == "voted" }))
		return
	}
	if len(j.Reasons) == 0 {
		s.printf("%s\n", c.T("gates.clear"))
		return
	}
	s.printf("%s\n", c.N("gates.stand", len(j.Reasons)))
	s.inTheWay(c, j.Reasons)
}

// inTheWay lists what stands in the way of a go.
func (s *session) inTheWay(c *words.Catalogue, reasons []register.Reason) {
	t := term.NewTable()
	for _, r := range reasons {
		t.Cells(term.Cell{}, term.Cell{Text: term.Fail.Shape(), State: term.Fail}, term.Cell{Text: reasonText(c, r)})
	}
	_ = t.Write(s.out, s.screen) // what cannot be written here is told by the next line that cannot
}

func decidedBy(c *words.Catalogue, d *register.Decision) string {
	if d.Actor.Seat == "" {
		return c.T("gates.clock")
	}
	return d.Actor.Seat
}

// restsOn says what a criterion rests on and how old that is.
func restsOn(say *words.Catalogue, c register.CriterionSeen, p *plan.Plan) string {
	var parts []string
	for _, n := range []struct {
		name  string
		count *register.Count
	}{{"gates.critical", c.Critical}, {"gates.others", c.Others}} {
		if n.count == nil || n.count.Total == 0 {
			continue
		}
		text := say.T(n.name, "passed", n.count.Passed, "total", n.count.Total)
		if n.count.Accepted > 0 {
			text += " + " + say.T("gates.accepted", "n", n.count.Accepted)
		}
		if need := n.count.Need; need != "" {
			if need == "all" {
				need = say.T("gates.needs.all")
			}
			text += " (" + say.T("gates.needs", "need", need) + ")"
		}
		parts = append(parts, text)
	}
	for _, n := range c.Incidents {
		parts = append(parts, say.T("incidents.count", "class", say.T("class."+string(n.Class)), "n", n.Count, "most", n.Most))
	}
	if len(c.Days) > 0 {
		parts = append(parts, say.T("days.green", "green", c.GreenDays(), "n", len(c.Days)))
	}
	if len(c.Open) > 0 {
		parts = append(parts, term.Truncate(strings.Join(c.Open, " "), 60))
	}
	for _, l := range c.Lowered {
		parts = append(parts, say.T("incidents.lowered", "id", l.ID, "from", say.T("class."+string(l.From)), "to", say.T("class."+string(l.To)), "seat", l.Seat))
	}
	if c.Reason != "" {
		parts = append(parts, say.T("why."+c.Reason))
	}
	if !c.AsOf.IsZero() {
		parts = append(parts, say.T("gates.as-of", "at", near(say, p, c.AsOf, time.Now())))
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
func (s *session) findings(c *words.Catalogue, to io.Writer, fs []register.Finding) {
	const most = 8
	for i, f := range fs {
		if i == most {
			fmt.Fprintf(to, "    %s\n", c.N("gates.more", len(fs)-most))
			return
		}
		for i, l := range term.Wrap(findingText(c, f, s.plan), max(s.screen.Width-6, 0)) {
			fmt.Fprintf(to, "    %s%s\n", strings.Repeat("  ", min(i, 1)), l)
		}
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
func findingText(c *words.Catalogue, f register.Finding, p *plan.Plan) string {
	text := c.T("gates.finding", "check", f.Check, "where", place(c.T("side.short."+string(f.Side)), f.Addr), "code", string(f.Code))
	if f.Flow != "" {
		text += " " + c.T("gates.finding.flow", "flow", f.Flow)
	}
	if key := "why." + f.Why; f.Why != "" && c.Has(key) {
		text += "; " + c.T(key)
	}
	if f.Owner != "" {
		text += "; " + c.T("gates.finding.owner", "who", partyName(p, f.Owner))
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
	w.line(e, state, "gate %s: %s, decided by %s", asked, upper(string(b.Decision)), decidedBy(words.In(words.En), &register.Decision{Actor: e.Actor}))
	for _, r := range b.Reasons {
		if r.Code != "voted" {
			w.more("%s %s", term.Fail.Shape(), reasonText(speak(w.plan), r))
		}
	}
	for _, c := range b.Criteria {
		w.s.findings(words.In(words.En), w.s.out, telling(c))
	}
	if len(b.EnteredBy) > 0 {
		w.more("%s", entered(words.In(words.En), b.EnteredBy, len(b.Poll)))
	}
	w.printHead()
}
