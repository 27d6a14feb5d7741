package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"skift/internal/report"
	"skift/internal/runner"
	"skift/internal/snapshot"
	"skift/internal/words"
)

// composeContradiction makes the mails that tell of one contradiction: one to each person, in the plan's language. Who may not see the step is
// left out. Without a mail server nothing is made: the screens tell, and the mail is made once there is one.
func (a *App) composeContradiction(ctx context.Context, c runner.Compose) (out []composed, missing []string, err error) {
	if a.outbox == nil {
		return nil, nil, nil
	}
	p, now := a.Plan(), time.Now()
	var done []string
	for _, seat := range c.Seats {
		to := inSeat(p, seat, now)
		s, err := a.snapshot(ctx, to.party)
		if err != nil {
			return nil, nil, err
		}
		if !shows(s, c.Run, c.Step) || to.person != "" && slices.Contains(done, to.person) {
			continue
		}
		person, ok := p.Contacts.Person(to.person)
		if !ok || person.Mail == "" {
			missing = append(missing, strings.TrimSpace(to.person+" "+seat))
			continue
		}
		done = append(done, to.person)
		rendered, err := report.Render(report.Contradiction, s, report.Options{Lang: words.Lang(p.Language), Party: to.party, BaseURL: a.settings.BaseURL, Words: p.Words,
			Run: c.Run, Step: c.Step})
		if err != nil {
			return nil, nil, fmt.Errorf("render %s for %s: %w", c.Report, seat, err)
		}
		c.Audience = runner.Followers
		m, err := a.build(letter{c, c.Report, to, person.Mail, rendered, p.Language, now})
		if err != nil {
			return nil, nil, err
		}
		out = append(out, composed{m, rendered, p.Language, s.Status.Light()})
	}
	return out, missing, nil
}

// shows reports whether a snapshot has a step: a viewer sees those of its own party.
func shows(s snapshot.Snapshot, runID, step string) bool {
	return slices.ContainsFunc(s.Runs, func(r snapshot.Run) bool {
		return r.ID == runID && slices.ContainsFunc(r.Steps, func(st snapshot.Step) bool { return st.ID == step })
	})
}
