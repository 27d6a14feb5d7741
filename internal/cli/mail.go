package cli

import (
	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/snapshot"
	"skift/internal/term"
)

// mailCommand lists the mails that were not sent, or takes a person's word on one.
func (s *session) mailCommand() *cobra.Command {
	var a act
	c := acting(&cobra.Command{
		Use: "mail [ID sent|again|drop --reason …]", Short: "List the mails that were not sent, or say what becomes of one",
		Long: "A mail that was in flight when the process or the connection ended is uncertain, and is not sent twice by itself. sent: it has\n" +
			"arrived · again: send it once more, an uncertain or failed one · drop: do not send it, an uncertain or waiting one. Each needs a\n" +
			"reason. The beginning of an ID is enough.",
		Args: func(c *cobra.Command, got []string) error {
			if len(got) == 0 {
				return nil
			}
			return args("ID", "sent|again|drop")(c, got)
		},
		RunE: func(c *cobra.Command, got []string) error {
			if len(got) == 0 {
				return s.withDesk(c.Context(), func(d api.Desk, p *plan.Plan) error {
					snap, err := d.Snapshot(c.Context())
					if err != nil {
						return err
					}
					return s.listMails(p, snap.Outbox)
				})
			}
			a.Do, a.Mail, a.Answer = runner.DoMail, got[0], got[1]
			return s.send(c, a)
		},
	}, &a)
	return s.asJSON(c)
}

// mailStates are the screen's states of mails.
var mailStates = map[register.MessageState]term.State{register.MessageUncertain: term.Unknown, register.MessageFailed: term.Fail, register.MessageQueued: term.Running}

func (s *session) listMails(p *plan.Plan, o snapshot.Outbox) error {
	if s.json {
		if o.Unsent == nil {
			o.Unsent = []snapshot.Letter{}
		}
		return s.printJSON(o.Unsent)
	}
	c := speak(p)
	if len(o.Unsent) == 0 {
		s.printf("%s\n", c.T("mail.none"))
		return nil
	}
	t := term.NewTable("", "id", c.T("mail.col.state"), c.T("mail.col.to"), c.T("mail.col.report"), c.T("mail.col.queued"), c.T("mail.col.why"))
	for _, l := range o.Unsent {
		state := mailStates[l.State]
		t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: l.ID[:min(8, len(l.ID))]}, term.Cell{Text: c.T("mail.state." + string(l.State)), State: state},
			term.Cell{Text: l.Recipient}, term.Cell{Text: l.Report}, term.Cell{Text: l.QueuedAt.In(p.Zone).Format("2006-01-02 15:04")}, term.Cell{Text: l.Error})
	}
	if err := t.Write(s.out, s.screen); err != nil {
		return err
	}
	for _, l := range o.Unsent {
		switch l.State {
		case register.MessageUncertain:
			s.printf("→ skift mail %s sent|again|drop --reason …\n", l.ID[:min(8, len(l.ID))])
		case register.MessageFailed:
			s.printf("→ skift mail %s again --reason …\n", l.ID[:min(8, len(l.ID))])
		}
	}
	return nil
}
