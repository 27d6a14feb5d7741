package snapshot

import (
	"cmp"
	"slices"
	"time"

	"skift/internal/register"
)

// Letter is one mail that was decided and has not been sent, by ids only.
type Letter struct {
	ID        string                `json:"id"`
	State     register.MessageState `json:"state"` // queued, uncertain or failed
	Audience  string                `json:"audience"`
	Report    string                `json:"report"`
	Recipient string                `json:"recipient"` // a person's id
	Attempts  int                   `json:"attempts"`
	QueuedAt  time.Time             `json:"queued_at"`
	NextAt    time.Time             `json:"next_at,omitzero"` // when it is tried next
	Error     string                `json:"error,omitempty"`  // of the last attempt
}

// unsent lists the mails that wait: the uncertain ones first, which nobody sends again by himself, then the failed ones.
func unsent(messages []register.Message) []Letter {
	order := []register.MessageState{register.MessageUncertain, register.MessageFailed, register.MessageQueued}
	var out []Letter
	for _, m := range messages {
		if !slices.Contains(order, m.State) {
			continue
		}
		l := Letter{ID: m.ID, State: m.State, Audience: m.Audience, Report: m.Report, Recipient: m.Recipient, Attempts: m.Attempts,
			QueuedAt: m.QueuedAt, Error: address.ReplaceAllString(m.LastError, "(address)")}
		if m.State == register.MessageQueued {
			l.NextAt = m.NextAt
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Letter) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.State), slices.Index(order, b.State)), a.QueuedAt.Compare(b.QueuedAt), cmp.Compare(a.ID, b.ID))
	})
	return out
}
