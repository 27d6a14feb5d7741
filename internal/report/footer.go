package report

import (
	"cmp"
	"strings"
)

// weeklyClause is the gravest thing to say in one clause.
func weeklyClause(p *page) string {
	if n := len(p.Needed); n > 0 && p.Needed[0].Kind == "gate" && !p.Needed[0].By.IsZero() {
		return p.c.T("report.clause.decision", "gate", p.name("gate", p.Needed[0].Gate), "at", p.at(p.Needed[0].By))
	}
	if len(p.Status.Reasons) > 0 {
		return strings.TrimSuffix(p.why(p.Status.Reasons[0]), ".")
	}
	return p.c.T("report.clause.on-track")
}

// footer is what makes a report checkable later: which plan, the journal's head, when it was made, whom to write to.
func footer(p *page) []block {
	out := []block{heading(p.c.T("report.footer"))}
	quiet := func(s string) { out = append(out, para{Text: s, Quiet: true}) }
	quiet(p.c.T("report.footer.plan", "plan", p.Plan.ID, "version", p.Plan.Hash))
	out = append(out, para{Text: p.c.T("report.footer.head", "head", p.Head), Quiet: true, Whole: true})
	quiet(p.c.T("report.footer.head.use"))
	quiet(p.c.T("report.footer.made", "at", p.full(p.At)))
	quiet(p.c.T("zone-times", "zone", p.Plan.Timezone))
	contact := p.seat(p.Plan.Contact)
	switch {
	case contact == "":
	case p.o.Audience != "":
		quiet(p.c.T("report.footer.why-you", "audience", cmp.Or(p.o.AudienceTitle, p.o.Audience), "contact", contact))
	default:
		quiet(p.c.T("report.footer.unsubscribe", "contact", contact))
	}
	if link, ok := p.link(); ok {
		out = append(out, para{Text: p.c.T("report.footer.open"), Link: link, Quiet: true})
	}
	return out
}

// link is where skift is opened: only ever the address the settings give, and only over HTTP.
func (p *page) link() (string, bool) {
	base := strings.TrimSpace(p.o.BaseURL)
	ok := strings.HasPrefix(base, "https://") || strings.HasPrefix(base, "http://")
	return base, ok
}
