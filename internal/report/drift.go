package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"skift/internal/snapshot"
	"skift/internal/term"
)

// Difference is the report that asks an owner what changed in frozen zones. Nobody orders it: it is sent when something differs.
const Difference = "difference"

// asked are the differences that wait for an answer; of one owner where the report is for one.
func (p *page) asked() (out []snapshot.Difference) {
	for _, d := range p.Drifts {
		if d.Open() && (p.o.Owner == "" || d.Owner == p.o.Owner) {
			out = append(out, d)
		}
	}
	return out
}

func differenceClause(p *page) string {
	all := p.asked()
	if len(all) == 0 {
		return p.c.T("report.difference.none")
	}
	first := slices.MinFunc(all, func(a, b snapshot.Difference) int { return a.By.Compare(b.By) })
	return p.c.T("report.clause.difference", "zone", p.name("milestone", first.Zone), "at", p.at(first.By))
}

// differences lists what waits for an owner's word, and what somebody called a breach; nothing where there is none.
func differences(p *page) []block {
	t := p.differenceTable(func(d snapshot.Difference) bool { return d.Open() || d.Answer != nil && d.Answer.Word == "breach" })
	if len(t.Rows) == 0 {
		return nil
	}
	return []block{heading(p.c.T("report.differences")), p.cutTo(t, 12)}
}

// differed is what one owner is asked.
func differed(p *page) []block {
	all := p.asked()
	if len(all) == 0 {
		return []block{heading(p.c.T("report.differences")), para{Text: p.c.T("report.difference.none")}}
	}
	t := p.differenceTable(func(d snapshot.Difference) bool { return d.Open() && (p.o.Owner == "" || d.Owner == p.o.Owner) })
	return []block{heading(p.c.T("report.differences")), para{Badge: p.badge(term.Risk, p.c.T("report.need.difference")), Text: p.c.T("report.difference.why"), Loud: true}, p.cutTo(t, 20)}
}

// differencesNext says how one answers.
func differencesNext(p *page) []block {
	all := p.asked()
	if len(all) == 0 {
		return nil
	}
	seat := all[0].Seat
	if seat == "" {
		seat = p.Plan.Contact
	}
	return []block{heading(p.c.T("report.contradiction.do")), para{Text: p.c.T("report.difference.do")},
		para{Text: fmt.Sprintf("skift drift answer %s breach --as %s --reason …", all[0].ID, seat), Whole: true},
		para{Text: p.c.T("report.difference.expected")}, para{Text: p.c.T("report.difference.once"), Quiet: true}}
}

// differenceTable has a row for each difference: what and where, before and after, who, and by when.
func (p *page) differenceTable(show func(snapshot.Difference) bool) table {
	t := table{Cols: []string{p.c.T("report.col.what"), p.c.T("report.difference.col"), p.c.T("report.col.who"), p.c.T("deadline")}}
	for _, d := range p.Drifts {
		if !show(d) {
			continue
		}
		st, word, by := term.Risk, d.ID, p.at(d.By)
		switch {
		case d.Answer != nil:
			st, word, by = term.Fail, p.c.T("report.difference.breach"), ""
		case d.Overdue(p.At):
			st, by = term.Fail, p.c.T("report.overdue", "at", by)
		}
		where := p.name("check", d.Unit.Check) + ", " + p.c.T("side.short."+string(d.Unit.Side)) + " " + d.Unit.Addr + " · " + p.name("milestone", d.Zone)
		t.Rows = append(t.Rows, []cell{{Badge: p.badge(st, word), Text: line(where)}, text(p.changes(d)), text(p.owner(d.Owner)), text(by)})
	}
	return t
}

// changes is what was and what is, the first few facts.
func (p *page) changes(d snapshot.Difference) string {
	const most, longestValue = 3, 40
	short := func(v string) string { return lineOf(v, longestValue) }
	var out []string
	facts := slices.Sorted(maps.Keys(d.After))
	for _, k := range facts[:min(most, len(facts))] {
		out = append(out, k+": "+p.c.T("drift.fact", "before", short(d.Before[k]), "after", short(d.After[k])))
	}
	if left := len(facts) - most; left > 0 {
		out = append(out, p.c.N("screen.more", left))
	}
	if d.Back {
		out = append(out, p.c.T("drift.back"))
	}
	return line(strings.Join(out, " · "))
}
