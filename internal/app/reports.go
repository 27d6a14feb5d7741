package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	netmail "net/mail"
	"slices"
	"strings"
	"time"

	"skift/internal/api"
	"skift/internal/journal"
	"skift/internal/mail"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/report"
	"skift/internal/runner"
	"skift/internal/snapshot"
	"skift/internal/words"
)

// reports is report and mail as the runner sees them.
type reports struct{ a *App }

// addressee is one person a report goes to, and as whom: a party sees its own part.
type addressee struct{ person, party, seat string }

// Compose implements runner.Reports.
func (r reports) Compose(ctx context.Context, c runner.Compose) (runner.Composed, error) {
	var out runner.Composed
	mails, missing, err := r.a.compose(ctx, c)
	if err != nil {
		return out, err
	}
	out.Missing = missing
	for _, m := range mails {
		out.Mails = append(out.Mails, m.message)
		out.Light = m.light
	}
	return out, nil
}

// composed is a mail with the parts a person looks at before it is sent.
type composed struct {
	message  register.Message
	rendered report.Rendered
	language string
	light    register.Light
}

func (a *App) compose(ctx context.Context, c runner.Compose) (out []composed, missing []string, err error) {
	switch c.Report {
	case runner.ContradictionReport:
		return a.composeContradiction(ctx, c)
	case runner.DriftReport:
		return a.composeDrift(ctx, c)
	}
	p := a.Plan() // who is told, and in which words, is of the plan in use
	audience := p.Audiences[c.Audience]
	if audience == nil {
		return nil, nil, unknown("audience", c.Audience, p.AudienceIDs)
	}
	kind := c.Report
	if kind == "" {
		kind = audience.Report
	}
	now := time.Now()
	stored, err := a.stored(ctx, now)
	if err != nil {
		return nil, nil, err
	}
	for _, to := range addressees(p, audience, now) {
		person, ok := p.Contacts.Person(to.person)
		if !ok || person.Mail == "" {
			missing = append(missing, strings.TrimSpace(to.person+" "+to.seat))
			continue
		}
		var s snapshot.Snapshot
		a.showing(stored, to.party, now, func(in snapshot.In) { s = snapshot.Build(in) })
		lang := language(p, audience, string(person.Language))
		rendered, err := report.Render(kind, s, report.Options{Lang: words.Lang(lang), Party: to.party, BaseURL: a.settings.BaseURL, Words: p.Words, Run: c.Run,
			Audience: c.Audience, AudienceTitle: audience.Title.In(lang)})
		if err != nil {
			return nil, nil, fmt.Errorf("render %s for %s: %w", kind, c.Audience, err)
		}
		m, err := a.build(letter{c, kind, to, person.Mail, rendered, lang, now})
		if err != nil {
			return nil, nil, err
		}
		out = append(out, composed{m, rendered, lang, s.Status.Light()})
	}
	return out, missing, nil
}

func language(p *plan.Plan, audience *plan.Audience, person string) string {
	for _, l := range []string{audience.Language, person, p.Language} {
		if l != "" {
			return l
		}
	}
	return "da"
}

// addressees lists who an audience is: the persons in its seats, or the contacts of each member's flows.
func addressees(p *plan.Plan, audience *plan.Audience, now time.Time) []addressee {
	var out []addressee
	add := func(x addressee) {
		if x.person == "" || !slices.ContainsFunc(out, func(o addressee) bool { return o.person == x.person && o.party == x.party }) {
			out = append(out, x)
		}
	}
	for _, seat := range audience.To {
		add(inSeat(p, seat, now))
	}
	for _, m := range p.Told(audience) {
		if m.Contact != "" {
			add(addressee{m.Contact, m.ID, ""})
		}
		for _, f := range p.Flows {
			if f.Party == m.ID && f.Contact != "" {
				add(addressee{f.Contact, m.ID, ""})
			}
		}
	}
	return out
}

// inSeat is who reads what goes to a seat, and as whom.
func inSeat(p *plan.Plan, seat string, now time.Time) addressee {
	person := PersonIn(p, seat, now)
	if person == "" { // nobody is on shift: whoever comes next reads it then
		if next := p.Roster.At(seat, now).Next; next != nil {
			person = next.Person
		}
	}
	party := plan.SeatParty(seat)
	if pt := p.Parties[party]; pt != nil && pt.Role == plan.Customer {
		party = ""
	}
	return addressee{person, party, seat}
}

// letter is a report on its way to one person.
type letter struct {
	runner.Compose
	kind     string
	to       addressee
	address  string
	rendered report.Rendered
	lang     string
	now      time.Time
}

// build makes the message of one person. Its id names audience, report, period and person: deciding it twice is refused.
func (a *App) build(l letter) (register.Message, error) {
	c, kind, to, rendered := l.Compose, l.kind, l.to, l.rendered
	sum := sha256.Sum256([]byte(strings.Join([]string{a.Plan().ID, c.Audience, kind, c.Period, to.person, to.party}, "\x00")))
	m := register.Message{ID: hex.EncodeToString(sum[:12]), Audience: c.Audience, Report: kind, Recipient: to.person, Address: l.address, Subject: rendered.Subject}
	from := mail.Address{Addr: "skift@localhost.example"}
	if a.settings.SMTP != nil {
		parsed, err := netmail.ParseAddress(a.settings.SMTP.From)
		if err != nil {
			return m, fmt.Errorf("read smtp.from: %w", err)
		}
		from = mail.Address{Name: parsed.Name, Addr: parsed.Address}
	}
	_, domain, _ := strings.Cut(from.Addr, "@")
	raw, err := mail.Build(mail.Message{
		ID: m.ID + "@" + domain, From: from, To: mail.Address{Addr: l.address}, Subject: rendered.Subject, Date: l.now.In(a.Plan().Zone),
		ListID: c.Audience + "." + a.Plan().ID + "." + domain, Head: a.ledger.Head().String(), Language: l.lang, Text: rendered.Text, HTML: rendered.HTML,
	})
	m.Raw = raw
	return m, err
}

// Report implements api.Desk.
func (a *App) Report(ctx context.Context, q api.ReportRequest) (api.ReportReply, error) {
	now := time.Now()
	c := runner.Compose{Plan: a.Plan(), Audience: q.Audience, Report: q.Report, Period: "asked " + now.UTC().Format(time.RFC3339Nano)}
	mails, missing, err := a.compose(ctx, c)
	if err != nil {
		return api.ReportReply{}, err
	}
	if len(mails) == 0 {
		return api.ReportReply{}, &runner.Refusal{Kind: runner.Usage, Message: "nobody of " + q.Audience + " can be told: " + strings.Join(missing, ", "),
			Hints: []string{"staff the seats in the roster, and give their people a mail address in the contacts file"}}
	}
	out := api.ReportReply{Missing: missing, Head: a.ledger.Head().String()}
	for _, m := range mails {
		out.Mails = append(out.Mails, api.Mail{ID: m.message.ID, Recipient: m.message.Recipient, Subject: m.message.Subject,
			Language: m.language, HTML: []byte(m.rendered.HTML), Text: []byte(m.rendered.Text), Raw: m.message.Raw})
	}
	if !q.Send {
		return out, nil
	}
	if a.outbox == nil {
		return out, &runner.Refusal{Kind: runner.Usage, Message: "no mail server is set, so nothing can be sent",
			Hints: []string{"add smtp: to skift.yaml, or use --out DIR"}}
	}
	if _, err := a.runner.Tell(ctx, c, nil, journal.Actor{EnteredBy: q.EnteredBy, Via: journal.ViaConsole}); err != nil {
		return out, err
	}
	out.Head = a.ledger.Head().String()
	return out, nil
}
