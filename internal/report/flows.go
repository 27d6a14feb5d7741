package report

import (
	"strings"

	"skift/checks"
	"skift/internal/snapshot"
	"skift/internal/term"
)

// own lists the flows the report is about: the party's, or all there are.
func (p *page) own() []snapshot.Flow {
	if p.o.Party == "" || p.Viewer == p.o.Party {
		return p.Flows
	}
	var out []snapshot.Flow
	for _, f := range p.Flows {
		if f.Party == p.o.Party {
			out = append(out, f)
		}
	}
	return out
}

// ready reports whether nothing is left to be done for a flow: it was measured, and is as it must be.
func ready(f snapshot.Flow) bool {
	return f.Word == checks.WordReady || f.Word == checks.WordOK || f.Word == checks.WordOKNote
}

func ownClause(p *page) string {
	flows, not := p.own(), 0
	for _, f := range flows {
		if !ready(f) {
			not++
		}
	}
	switch {
	case len(flows) == 0:
		return p.c.T("report.clause.no-flows")
	case not > 0:
		return p.c.N("report.clause.blocked", not)
	}
	return p.c.T("report.clause.all-ready")
}

// ownFlows shows each flow's way across: whether its contact was told, and what each platform answers.
func ownFlows(p *page) []block {
	flows := p.own()
	out := []block{heading(p.c.T("report.own-flows"))}
	if len(flows) == 0 {
		return append(out, para{Text: p.c.T("report.flows.none")})
	}
	out = append(out, para{Text: p.c.T("report.flows.intro")})
	t := table{Cols: []string{p.c.T("flow"), p.c.T("phase"), p.c.T("report.col.informed"), p.c.T("report.col.allowed-old"), p.c.T("report.col.allowed-new"),
		p.c.T("report.col.tested-old"), p.c.T("report.col.tested-new")}}
	for _, f := range notReadyFirst(flows) {
		informed := p.state(term.Unknown, p.c.T("report.not-informed"))
		if !f.InformedAt.IsZero() {
			informed = p.state(term.OK, p.c.ShortDay(p.local(f.InformedAt)))
		}
		t.Rows = append(t.Rows, []cell{text(p.flowName(f)), text(p.c.T("phase." + string(f.Phase))), informed,
			p.verdict(f.Allowed.Old), p.verdict(f.Allowed.New), p.verdict(f.Tested.Old), p.verdict(f.Tested.New)})
	}
	return append(out, p.cut(t))
}

// notReadyFirst keeps the order of the plan within both halves.
func notReadyFirst(flows []snapshot.Flow) []snapshot.Flow {
	var first, then []snapshot.Flow
	for _, f := range flows {
		if ready(f) {
			then = append(then, f)
		} else {
			first = append(first, f)
		}
	}
	return append(first, then...)
}

func (p *page) flowName(f snapshot.Flow) string {
	name := p.name("service", f.Service)
	if f.UserSystem != "" {
		name = line(f.UserSystem) + " → " + name
	}
	if f.Direction == "out" {
		name += " (" + p.c.T("direction.out") + ")"
	}
	if f.Source != "" {
		name += " · " + f.Source
	}
	if p.o.Party == "" {
		name += " · " + line(f.PartyName)
	}
	return name
}

func (p *page) verdict(v checks.Verdict) cell {
	if v == "" {
		return text("–")
	}
	return p.state(verdicts[v], p.c.T("verdict."+string(v)))
}

// ownActions says for each flow that is not ready what was seen, whose it is, and what to do now.
func ownActions(p *page) []block {
	t := table{Cols: []string{p.c.T("flow"), p.c.T("report.col.why"), p.c.T("owner"), p.c.T("report.col.next")}}
	for _, f := range p.own() {
		if ready(f) {
			continue
		}
		code := f.Code
		if code == "" {
			code = checks.Unobserved
		}
		o := p.c.Outcome(string(code))
		who := p.owner(f.Owner)
		if f.Owner == f.Party {
			who = line(f.PartyName)
		}
		t.Rows = append(t.Rows, []cell{text(p.flowName(f)), text(o.Cause), text(who), text(o.Next)})
	}
	out := []block{heading(p.c.T("report.actions"))}
	switch {
	case len(p.own()) == 0:
		return nil
	case len(t.Rows) == 0:
		return append(out, para{Badge: p.badge(term.OK, ""), Text: p.c.T("report.flows.all-ready")})
	}
	return append(out, p.cut(t))
}

// ownNeeded lists what the party's own seats owe.
func ownNeeded(p *page) []block {
	q := *p
	q.Needed = nil
	for _, n := range p.Needed {
		if p.o.Party == "" || strings.HasPrefix(n.Seat, p.o.Party+"/") {
			q.Needed = append(q.Needed, n)
		}
	}
	if len(q.Needed) == 0 {
		return nil
	}
	return needed(&q)
}

// contactPoint says whom to write to.
func contactPoint(p *page) []block {
	if p.Plan.Contact == "" {
		return nil
	}
	return []block{heading(p.c.T("contact")), para{Text: p.seat(p.Plan.Contact)}}
}
