package report

import (
	"fmt"
	"slices"

	"skift/internal/snapshot"
	"skift/internal/term"
)

// Contradiction is the report that tells of one step that is done and whose checks say otherwise now. Nobody orders it: it is told when it comes.
const Contradiction = "contradiction"

// theStep is the step the report is about.
func (p *page) theStep() (snapshot.Run, snapshot.Step, bool) {
	for _, r := range p.Runs {
		if i := slices.IndexFunc(r.Steps, func(s snapshot.Step) bool { return s.ID == p.o.Step }); r.ID == p.o.Run && i >= 0 {
			return r, r.Steps[i], true
		}
	}
	return snapshot.Run{}, snapshot.Step{}, false
}

// stepTitle is what people call the step.
func (p *page) stepTitle(s snapshot.Step) string {
	if name := s.Name.In(string(p.o.Lang)); name != "" {
		return line(name)
	}
	return s.ID
}

func contradictionClause(p *page) string {
	if _, s, ok := p.theStep(); ok && s.Contradiction != nil {
		key := "report.clause.contradiction"
		if side := s.Contradiction.Side; side != "" {
			key += "." + side
		}
		return p.c.T(key, "step", p.stepTitle(s))
	}
	return p.c.T("report.contradiction.none")
}

// contradicted says what is contradicted, on which side, and what that means.
func contradicted(p *page) []block {
	r, s, ok := p.theStep()
	if !ok || s.Contradiction == nil {
		return []block{heading(p.c.T("report.contradiction")), para{Text: p.c.T("report.contradiction.none")}}
	}
	why := snapshot.Reason{Code: snapshot.WhyContradiction, Subject: r.ID, Step: s.ID, Side: s.Contradiction.Side}
	out := []block{heading(fmt.Sprintf("%s · %s (%s)", p.stepTitle(s), p.runName(r.ID), r.ID)),
		para{Badge: p.badge(term.Risk, p.c.T("report.need.contradiction")), Text: p.why(why), Loud: true},
		para{Text: p.c.T("report.contradiction.since", "done", p.full(s.FinishedAt), "since", p.full(s.Contradiction.Since))}}
	if s.Owner != "" {
		out = append(out, para{Text: p.c.T("report.contradiction.owner", "seat", p.seat(s.Owner))})
	}
	if r.Rehearsal {
		out = append(out, para{Text: p.c.T("report.run.rehearsal")})
	}
	return append(out, para{Text: p.c.T("report.contradiction.stays")})
}

// contradictedBy lists what is seen now, as far as the reader may see it.
func contradictedBy(p *page) []block {
	_, s, ok := p.theStep()
	if !ok || s.Contradiction == nil {
		return nil
	}
	t := table{Cols: []string{p.c.T("check"), p.c.T("platform"), p.c.T("report.col.what"), p.c.T("report.col.who")}}
	for _, f := range s.Contradicted() {
		where := ""
		if f.Side != "" {
			where = p.c.T("side." + string(f.Side))
		}
		name := p.name("check", f.Check)
		if f.Flow != "" {
			name += " · " + f.Flow
		}
		t.Rows = append(t.Rows, []cell{text(name), text(where), text(p.c.Outcome(string(f.Code)).Cause), text(p.owner(f.Owner))})
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []block{heading(p.c.T("report.contradiction.seen")), p.cutTo(t, 20)}
}

// contradictionNext says what is to be done, and how somebody answers for it.
func contradictionNext(p *page) []block {
	r, s, ok := p.theStep()
	if !ok || !s.Contradiction.Open() || s.State != "done" {
		return nil
	}
	seat := s.Owner
	if seat == "" {
		seat = p.Plan.Contact
	}
	return []block{heading(p.c.T("report.contradiction.do")), para{Text: p.c.T("report.contradiction.mend")}, para{Text: p.c.T("report.contradiction.accept")},
		para{Text: fmt.Sprintf("skift step %s %s accept --as %s --reason …", r.ID, s.ID, seat), Whole: true},
		para{Text: p.c.T("report.contradiction.once"), Quiet: true}}
}
