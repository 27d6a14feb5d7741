package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"skift/internal/freeze"
	"skift/internal/report"
	"skift/internal/runner"
	"skift/internal/words"
)

// composeDrift makes the mail that asks an owner what changed in frozen zones, in the plan's language, as that party sees it. Without a mail server
// nothing is made: screens and reports ask, and the mail is made once there is one.
func (a *App) composeDrift(ctx context.Context, c runner.Compose) (out []composed, missing []string, err error) {
	if a.outbox == nil {
		return nil, nil, nil
	}
	p, now := a.Plan(), time.Now()
	c.Audience = runner.Owners
	for _, seat := range c.Seats {
		to := inSeat(p, seat, now)
		s, err := a.snapshot(ctx, to.party)
		if err != nil {
			return nil, nil, err
		}
		if !slices.ContainsFunc(s.Drifts, func(d freeze.Drift) bool { return d.Owner == c.Owner && d.Open() }) {
			continue
		}
		person, ok := p.Contacts.Person(to.person)
		if !ok || person.Mail == "" {
			missing = append(missing, strings.TrimSpace(to.person+" "+seat))
			continue
		}
		rendered, err := report.Render(report.Difference, s, report.Options{Lang: words.Lang(p.Language), Party: to.party, BaseURL: a.settings.BaseURL, Words: p.Words, Owner: c.Owner})
		if err != nil {
			return nil, nil, fmt.Errorf("render %s for %s: %w", c.Report, seat, err)
		}
		m, err := a.build(letter{c, c.Report, to, person.Mail, rendered, p.Language, now})
		if err != nil {
			return nil, nil, err
		}
		out = append(out, composed{m, rendered, p.Language, s.Status.Light()})
	}
	return out, missing, nil
}
