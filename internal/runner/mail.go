package runner

import (
	"context"
	"fmt"
	"time"

	"skift/internal/register"
)

// mailAnswers are what can be said of a mail: what it is from then on, and how that is told.
var mailAnswers = map[string]struct {
	to   register.MessageState
	told string
}{
	"sent":  {register.MessageSent, "it was sent"},
	"again": {register.MessageQueued, "it is sent again"},
	"drop":  {register.MessageFailed, "it is not sent any more"},
}

// mail takes a person's word on a mail that is uncertain, failed or waits: such a mail is never sent again by itself.
func (r *Runner) mail(ctx context.Context, c Command) (Reply, error) {
	answer, ok := mailAnswers[c.Answer]
	switch {
	case c.Mail == "":
		return Reply{}, refuse(Usage, "skift mail lists those that were not sent", "say which mail is meant")
	case !ok:
		return Reply{}, refuse(Usage, "sent: it has arrived · again: send it once more · drop: do not send it", "it is sent, again or drop, not %q", c.Answer)
	case c.Reason == "":
		return Reply{}, refuse(Usage, "add --reason: how do you know?", "%s needs a reason", c.Answer)
	}
	who, err := r.actor(c, time.Now())
	if err != nil {
		return Reply{}, err
	}
	id, err := r.cfg.Mails.Settle(ctx, c.Mail, answer.to, who, c.Reason)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Message: fmt.Sprintf("mail %.12s: %s", id, answer.told), Head: r.cfg.Ledger.Head().String()}, nil
}
