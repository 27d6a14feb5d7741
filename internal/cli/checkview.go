package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/words"
)

// roomy is the width from which a reason stands beside its comparison; on a narrower screen it stands below. What is no screen has
// all the room there is.
const roomy = 140

// checkView draws comparisons.
type checkView struct {
	*sheet
	side   string // the one asked; "" = both
	beside bool   // reasons stand beside the comparison
	stored bool   // nothing was asked just now: how old it is must be said
	totals map[term.State]int
}

func (s *session) checkView(r api.CheckReply, p *plan.Plan) *checkView {
	v := &checkView{sheet: s.sheet(p), side: r.Side, totals: map[term.State]int{}}
	v.beside = v.screen.Width == 0 || v.screen.Width >= roomy
	return v
}

// table draws comparisons as rows, in their order.
func (v *checkView) table(pairs []snapshot.Pair) {
	header := []string{"", v.c.T("check")}
	for _, side := range checks.Sides() {
		if v.side == "" || v.side == string(side) {
			header = append(header, v.c.T("side.short."+string(side)))
		}
	}
	if v.side == "" {
		header = append(header, v.c.T("screen.col.verdict"))
	}
	if v.beside {
		header = append(header, v.c.T("screen.col.why"))
	}
	t := term.NewTable(header...)
	for _, pair := range pairs {
		v.totals[v.row(t, pair)]++
	}
	_ = t.Write(&v.b, v.screen) // a strings.Builder takes everything
}

// row adds a comparison, or with a side that side's answer, and gives the state it shows.
func (v *checkView) row(t *term.Table, pair snapshot.Pair) term.State {
	state := v.stateOf(pair)
	name := pair.Check
	if pair.Flow != "" {
		name += " " + pair.Flow
	}
	if pair.Critical {
		name += " !"
	}
	cells := []term.Cell{{Text: state.Shape(), State: state}, {Text: name}}
	if v.side != string(checks.New) {
		cells = append(cells, v.sideCell(pair.Old))
	}
	if v.side != string(checks.Old) {
		cells = append(cells, v.sideCell(pair.New))
	}
	if v.side == "" {
		cells = append(cells, term.Cell{Text: v.c.T("pair." + string(pair.Verdict.Word)), State: state})
	}
	why := strings.TrimPrefix(v.why(pair)+v.broughtSides(pair), " ")
	if v.beside {
		t.Cells(append(cells, term.Cell{Text: why})...)
		return state
	}
	t.Cells(cells...)
	t.Under(why)
	return state
}

// stateOf is the state in which a comparison is shown.
func (v *checkView) stateOf(pair snapshot.Pair) term.State {
	if v.side != "" {
		return worstState(sidesOf(pair, v.side))
	}
	return levelState(pair.Verdict.Level)
}

// sideCell is one side's answer: its verdict, and the code when it says more.
func (v *checkView) sideCell(sd *snapshot.Side) term.Cell {
	if sd == nil {
		return term.Cell{Text: "–"}
	}
	text := v.c.T("screen.verdict." + string(sd.Verdict))
	if sd.Code != checks.OK {
		text += " " + string(sd.Code)
	}
	if sd.Want == checks.Deny {
		text += " (" + v.c.T("screen.deny-wanted") + ")"
	}
	return term.Cell{Text: verdictState(sd.Verdict).Shape() + " " + text, State: verdictState(sd.Verdict)}
}

// why is one line for what is not green: where, what it means, whose it is. What the verdict rests on speaks.
func (v *checkView) why(pair snapshot.Pair) string {
	i := slices.IndexFunc(pair.Why.Sides, func(w matrix.SideWhy) bool {
		return (v.side == "" || string(w.Side) == v.side) && w.Verdict != checks.Pass
	})
	if i < 0 {
		if v.side == "" && pair.Verdict.Level != checks.SeverityOK {
			return v.c.T("pair." + string(pair.Verdict.Word) + ".means")
		}
		return ""
	}
	worst := pair.Why.Sides[i]
	where := v.c.T("side.short." + string(worst.Side))
	if at := cmp.Or(worst.Addr, worst.Facts["file"]); at != "" {
		where += " " + at
	}
	text := where + ": " + causeOf(worst, v.p)
	if worst.Owner != "" {
		text += " → " + partyName(v.p, worst.Owner)
	}
	if d := worst.Deviation; d != nil {
		text += " (" + v.c.T("screen.accepted-until", "until", localTime(v.p, d.Until), "event", d.Seq) + ")"
	}
	if at := worst.PausedAt; !at.IsZero() {
		text += " (" + v.c.T("screen.paused-since", "at", localTime(v.p, at)) + ")"
	}
	if at := worst.SparedUntil; !at.IsZero() {
		text += " (" + v.c.T("screen.spared-until", "until", localTime(v.p, at)) + ")"
	}
	return text
}

// foot sums up, the worst first.
func (v *checkView) foot(r api.CheckReply) {
	var plain, sum []string
	for _, st := range []term.State{term.Fail, term.Unknown, term.Risk, term.OK} {
		if n := v.totals[st]; n > 0 {
			text := fmt.Sprintf("%s %d %s", st.Shape(), n, st.Word(v.p.Language))
			plain, sum = append(plain, text), append(sum, v.screen.Paint(st, text))
		}
	}
	rest := term.Line(r.Environment)
	if v.stored {
		rest += ageText(v.c, r)
	}
	rest += " · " + localTime(v.p, r.At) + " · ! " + v.c.T("screen.critical")
	between := " · "
	if v.screen.Width > 0 && term.Width(strings.Join(plain, between)+between+rest) > v.screen.Width {
		between = "\n"
	}
	v.b.WriteString(strings.Join(sum, " · ") + between + rest + "\n")
}

// ageText says how old the oldest of the answers is; nothing when there is none.
func ageText(c *words.Catalogue, r api.CheckReply) string {
	at := oldestAnswer(r.Pairs)
	if at.IsZero() {
		return ""
	}
	return " · " + c.T("screen.oldest", "ago", c.Ago(r.At.Sub(at).Round(time.Second)))
}

// oldestAnswer is when the oldest of the answers was given; zero when there is none.
func oldestAnswer(pairs []snapshot.Pair) (at time.Time) {
	for _, pair := range pairs {
		if !pair.AsOf.IsZero() && (at.IsZero() || pair.AsOf.Before(at)) {
			at = pair.AsOf
		}
	}
	return at
}

// byService draws the comparisons of one service after the other, that with the worst first.
func (v *checkView) byService(pairs []snapshot.Pair) {
	var services []string
	of := map[string][]snapshot.Pair{}
	for _, pair := range pairs {
		if of[pair.Service] == nil {
			services = append(services, pair.Service)
		}
		of[pair.Service] = append(of[pair.Service], pair)
	}
	for i, id := range services {
		if i > 0 {
			v.space()
		}
		title := id
		if s := v.p.Services[id]; s != nil && s.Title.In(v.p.Language) != "" {
			title = s.Title.In(v.p.Language) + " (" + id + ")"
		}
		v.heading(v.stateOf(of[id][0]), title, " · "+v.c.T("phase."+string(of[id][0].Phase)))
		v.table(of[id])
	}
	v.space()
}

// byParty says what each party has to do, whoever has the gravest first.
func (v *checkView) byParty(all []snapshot.Explanation) {
	todo, fine := snapshot.ToDo(v.p, all)
	for _, t := range todo {
		who := v.c.T("screen.do.ours")
		if t.Party != "" {
			who = v.c.T("screen.do", "who", partyName(v.p, t.Party))
		}
		rest := ""
		if pt := v.p.Parties[t.Party]; pt != nil {
			rest = " · " + v.c.T("role."+string(pt.Role))
		}
		v.heading(levelState(t.Items[0].Level), who, rest)
		switch {
		case t.Seat != "":
			v.text(2, t.Seat+": "+call(v.p, t.Person))
		case t.Person != "":
			v.text(2, call(v.p, t.Person))
		}
		for _, item := range t.Items {
			v.item(item)
		}
		v.space()
	}
	if fine > 0 {
		v.heading(term.OK, v.c.T("screen.nothing-to-do"), " · "+v.c.N("count.comparisons", fine))
	}
	for _, e := range all {
		v.totals[v.stateOf(e.Pair)]++
	}
}

// manyFlows is how many flows are named in one line.
const manyFlows = 8

// item is one thing to do: what it is about, why, and what to do now.
func (v *checkView) item(t snapshot.TodoItem) {
	state := levelState(t.Level)
	parts := []string{t.Check}
	if t.Critical {
		parts[0] += " !"
	}
	var next string
	if t.Word != "" {
		parts = append(parts, v.c.T("pair."+string(t.Word)))
	} else {
		verdict := v.c.T("screen.verdict." + string(t.Why.Verdict))
		if t.Why.Code != checks.OK {
			verdict += " " + string(t.Why.Code)
		}
		parts = append(parts, strings.TrimSpace(v.c.T("side.short."+string(t.Side))+" "+strings.Join(t.Addrs, ", ")), verdict)
		next = nextOf(t.Why, v.p)
	}
	if n := len(t.Flows); n > 0 {
		parts = append(parts, v.c.N("count.flows", n)+": "+strings.Join(t.Flows[:min(n, manyFlows)], ", "))
		if n > manyFlows {
			parts[len(parts)-1] += " " + v.c.N("screen.more", n-manyFlows)
		}
	}
	if t.Accepted {
		parts = append(parts, v.c.T("deviation.accepted"))
	}
	for i, l := range term.Wrap(strings.Join(parts, " · "), v.width-4) {
		sign := "    "
		if i == 0 {
			sign = "  " + v.screen.Paint(state, state.Shape()) + " "
		}
		v.b.WriteString(sign + l + "\n")
	}
	if t.Word != "" {
		v.text(4, v.c.T("pair."+string(t.Word)+".means"))
		return
	}
	v.text(4, causeOf(t.Why, v.p))
	v.text(4, "→ "+next)
}

// causeOf says why an answer is not as wanted, or why there is none that counts.
func causeOf(w matrix.SideWhy, p *plan.Plan) string {
	c := speak(p)
	if key := "why." + w.Sentence(); c.Has(key) {
		return c.T(key)
	}
	return c.Outcome(string(w.Code)).Cause
}

// nextOf says what to do about an answer that is not as wanted.
func nextOf(w matrix.SideWhy, p *plan.Plan) string {
	c := speak(p)
	if key := "next." + w.Sentence(); c.Has(key) {
		return c.T(key)
	}
	return c.Outcome(string(w.Code)).Next
}

// graveness orders states from best to worst.
var graveness = []term.State{term.OK, term.Risk, term.Unknown, term.Fail}
