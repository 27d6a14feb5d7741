package report

import (
	"slices"
	"strings"
	"time"

	"skift/internal/snapshot"
	"skift/internal/term"
)

// verdict is a gate as the report tells of it: its decision with what it was taken on, else how it stands now.
type verdict struct {
	gate, decision, seat string
	at, by               time.Time // decided; to be decided by
	services             []string
	criteria             []snapshot.Criterion
	poll                 []snapshot.PollAnswer
	reasons              []snapshot.GateReason
	entered              map[string]int
	late                 bool
	deviations           []int64
}

// theGate finds the gate the report is about: the one named, else the one decided last, else the next to be decided.
func (p *page) theGate() (verdict, bool) {
	for _, d := range p.Decisions {
		if d.Run == "" && (p.o.Gate == "" || p.o.Gate == d.Gate) && !p.reopened(d) {
			return verdict{gate: d.Gate, decision: string(d.Decision.Decision), seat: d.Actor.Seat, at: d.At, services: d.Services, criteria: d.Criteria,
				poll: d.Poll, reasons: d.Reasons, entered: d.EnteredBy, deviations: d.Deviations}, true
		}
	}
	var next *snapshot.Gate
	for i, g := range p.Gates {
		if g.Run != "" || p.o.Gate != "" && p.o.Gate != g.Gate || p.o.Gate == "" && g.State == "closed" {
			continue
		}
		if next == nil || !g.DecideBy.IsZero() && (next.DecideBy.IsZero() || g.DecideBy.Before(next.DecideBy)) {
			next = &p.Gates[i]
		}
	}
	if next == nil {
		return verdict{}, false
	}
	return verdict{gate: next.Gate, seat: next.Decides, by: next.DecideBy, services: next.Scope, criteria: next.Criteria, poll: next.Poll, reasons: next.Reasons,
		entered: next.EnteredBy, late: next.State == "due"}, true
}

// reopened reports whether the gate has been asked again since.
func (p *page) reopened(d snapshot.Decision) bool {
	for _, g := range p.Gates {
		if g.Gate == d.Gate && g.Run == "" {
			return g.Round > d.Round
		}
	}
	return false
}

// gateTitle tells what is decided from what is to be.
func gateTitle(p *page) string {
	if v, ok := p.theGate(); ok && v.decision != "" {
		return "report.decision"
	}
	return "report.gate"
}

// gateDeviations lists the accepted deviations a decision was taken on; before it, those there are.
func gateDeviations(p *page) []block {
	v, ok := p.theGate()
	if !ok || v.decision == "" {
		return deviations(p)
	}
	q := *p
	q.Deviations = nil
	var lapsed []block
	for _, seq := range v.deviations {
		i := slices.IndexFunc(p.Deviations, func(d snapshot.Deviation) bool { return d.Seq == seq })
		if i >= 0 {
			q.Deviations = append(q.Deviations, p.Deviations[i])
		} else {
			lapsed = append(lapsed, para{Badge: p.badge(term.Unknown, p.c.T("deviation.lapsed")), Text: p.c.T("report.journal-event", "n", seq)})
		}
	}
	if len(q.Deviations) == 0 && len(lapsed) > 0 {
		return append([]block{heading(p.c.T("report.deviations"))}, lapsed...)
	}
	return append(deviations(&q), lapsed...)
}

func gateClause(p *page) string {
	v, ok := p.theGate()
	switch {
	case !ok:
		return p.c.T("report.clause.no-gate")
	case v.decision != "":
		return p.c.T("report.clause.decided", "gate", p.name("gate", v.gate), "decision", p.c.T("decision."+v.decision))
	case v.by.IsZero():
		return p.c.T("report.clause.decided", "gate", p.name("gate", v.gate), "decision", p.c.T("decision.none"))
	}
	return p.c.T("report.clause.decision", "gate", p.name("gate", v.gate), "at", p.at(v.by))
}

// gateDecision says what was decided, by whom and for what; or until when it must be.
func gateDecision(p *page) []block {
	v, ok := p.theGate()
	if !ok {
		return []block{heading(p.c.T("gate")), para{Text: p.c.T("report.clause.no-gate")}}
	}
	name := p.name("gate", v.gate)
	out := []block{heading(name)}
	switch {
	case v.decision != "" && v.seat == "":
		out = append(out, para{Badge: p.decision(v.decision).Badge, Text: p.c.T("report.gate.no-go.deadline", "gate", name, "at", p.full(v.at))})
	case v.decision != "":
		out = append(out, para{Badge: p.decision(v.decision).Badge, Text: p.c.T("report.gate."+v.decision, "gate", name, "seat", p.seat(v.seat), "at", p.full(v.at))})
	default:
		st := p.badge(term.Gate, p.c.T("decision.none"))
		if v.late {
			st = p.badge(term.Fail, p.c.T("gate.due"))
		}
		out = append(out, para{Badge: st, Text: p.c.T("gate.decides", "seat", p.seat(v.seat))})
		if !v.by.IsZero() {
			out = append(out, para{Text: p.c.T("gate.closes", "gate", name, "at", p.full(v.by))})
		}
	}
	if len(v.services) > 0 {
		out = append(out, para{Text: p.c.T("report.gate.covers", "services", p.services(v.services))})
	}
	return out
}

// criteria are the states in which a criterion is shown.
var criteriaStates = map[string]term.State{"met": term.OK, "unmet": term.Fail, "unknown": term.Unknown}

// gateCriteria lists each criterion with what it rests on.
func gateCriteria(p *page) []block {
	v, ok := p.theGate()
	if !ok || len(v.criteria) == 0 {
		return nil
	}
	t := table{Cols: []string{p.c.T("criterion"), p.c.T("report.col.state"), p.c.T("evidence"), p.c.T("report.col.as-of")}}
	for _, c := range v.criteria {
		name := p.name("milestone", c.ID)
		if c.Kind == "rehearsal" {
			name = p.name("runbook", c.ID)
		}
		t.Rows = append(t.Rows, []cell{text(p.c.T("criterion-kind."+c.Kind) + ": " + name), p.state(criteriaStates[c.State], p.c.T("criterion."+c.State)),
			text(p.rests(c)), text(p.at(c.AsOf))})
	}
	return []block{heading(p.c.T("criteria")), p.cutTo(t, 20)}
}

// rests says what a criterion rests on: counts, what stands in the way, and the worst findings.
func (p *page) rests(c snapshot.Criterion) string {
	var parts []string
	count := func(key string, n *snapshot.Count) {
		if n != nil && n.Total > 0 {
			parts = append(parts, p.c.T(key, "passed", n.Passed, "whole", n.Total, "accepted", n.Accepted))
		}
	}
	count("report.gate.critical", c.Critical)
	count("report.gate.others", c.Others)
	if len(c.Days) > 0 {
		parts = append(parts, p.c.T("days.green", "green", c.GreenDays(), "n", len(c.Days)))
	}
	for _, n := range c.Incidents {
		parts = append(parts, p.c.T("incidents.count", "class", p.c.T("class."+string(n.Class)), "n", n.Count, "most", n.Most))
	}
	for _, l := range c.Lowered {
		parts = append(parts, p.c.T("incidents.lowered", "id", l.ID, "from", p.c.T("class."+string(l.From)), "to", p.c.T("class."+string(l.To)), "seat", l.Seat))
	}
	if c.Reason != "" {
		parts = append(parts, p.c.T("why."+c.Reason))
	}
	for i, f := range c.Findings {
		if i == 3 {
			parts = append(parts, p.c.N("report.more", len(c.Findings)-i))
			break
		}
		parts = append(parts, strings.TrimSpace(f.Check+" "+string(f.Side)+" "+f.Flow+" ")+": "+string(f.Code))
	}
	return line(strings.Join(parts, "; "))
}

// answers are the states in which an answer to a poll is shown.
var answers = map[string]term.State{"ready": term.OK, "go": term.OK, "not-ready": term.Fail, "no-go": term.Fail, "hold": term.Risk}

// gatePoll lists who answered what, and how the answers came in.
func gatePoll(p *page) []block {
	v, ok := p.theGate()
	if !ok || len(v.poll) == 0 {
		return nil
	}
	t := table{Cols: []string{p.c.T("seat"), p.c.T("vote"), p.c.T("report.col.entered"), p.c.T("report.col.remark")}}
	given := 0
	for _, a := range v.poll {
		st := p.state(term.Unknown, p.c.T("vote.none"))
		if a.Answer != "" {
			given++
			st = p.state(answers[string(a.Answer)], p.c.T("vote."+string(a.Answer)))
		}
		remark := a.Remark
		if a.Void != "" {
			remark = strings.TrimSpace(p.c.T("report.gate.void", "why", p.c.T("why."+a.Void)) + " " + remark)
		}
		entered := a.By
		if a.Via != "" {
			entered += " (" + p.c.T("via."+a.Via) + ")"
		}
		t.Rows = append(t.Rows, []cell{text(p.seat(a.Seat)), st, text(entered), text(remark)})
	}
	out := []block{heading(p.c.T("poll")), p.cutTo(t, 20), para{Text: p.c.T("gate.answers", "given", given, "whole", len(v.poll))}}
	for _, by := range sortedKeys(v.entered) {
		if n := v.entered[by]; n > 1 {
			out = append(out, para{Badge: p.badge(term.Risk, ""), Text: p.c.T("gate.answers.entered", "given", n, "whole", given)})
		}
	}
	return out
}

func sortedKeys(m map[string]int) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// gateDissent says what spoke against a go, also where it was given.
func gateDissent(p *page) []block {
	v, ok := p.theGate()
	if !ok {
		return nil
	}
	t := table{Cols: []string{p.c.T("report.col.what"), p.c.T("report.col.why"), p.c.T("report.col.remark")}}
	for _, r := range v.reasons {
		subject := p.name("gate", r.Subject)
		if strings.Contains(r.Subject, "/") {
			subject = p.seat(r.Subject)
		}
		remark := r.Remark
		if p.c.Has("why." + remark) {
			remark = p.c.T("why." + remark)
		}
		t.Rows = append(t.Rows, []cell{text(subject), text(p.c.T("why." + r.Code)), text(remark)})
	}
	if len(t.Rows) == 0 {
		return nil
	}
	key := "report.gate.in-the-way"
	if v.decision != "" {
		key = "report.gate.reasons"
	}
	return []block{heading(p.c.T(key)), p.cutTo(t, 20)}
}
