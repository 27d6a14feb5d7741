package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"skift/internal/dial"
	"skift/internal/journal"
	"skift/internal/mail"
	"skift/internal/outbox"
	"skift/internal/pemdoc"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/secret"
	"skift/internal/store"
)

// anywhere is where a mail server may be unless the settings say; link-local and the like stay forbidden.
var anywhere = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"),
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"),
}

// wireMail makes the outbox and its server.
func (a *App) wireMail(secrets *secret.Resolver) error {
	s := a.settings.SMTP
	from, err := netmail.ParseAddress(s.From)
	if err != nil {
		return fmt.Errorf("read smtp.from: %w", err)
	}
	server := mail.Server{Addr: net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), Security: mail.Security(s.StartTLS), User: s.User,
		Password: func() (secret.Value, error) { return secrets.Resolve(s.Password) }}
	if s.CA != "" {
		if server.Roots, err = a.pool(s.CA); err != nil {
			return err
		}
	}
	allowed := s.Networks
	if len(allowed) == 0 {
		allowed = anywhere
	}
	sender, err := mail.NewSender(server, (&dial.Dialer{Allowed: allowed, Own: own(a.settings)}).DialContext)
	if err != nil {
		return fmt.Errorf("set up mail: %w", err)
	}
	a.outbox = outbox.New(mails{a}, postman{sender, from.Address}, outbox.Settings{Gap: time.Hour / time.Duration(s.PerHour), Rests: a.pulse.rests}, a.log)
	return nil
}

func (a *App) pool(file string) (*x509.CertPool, error) {
	root, err := os.OpenRoot(a.dir)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	defer root.Close()
	pem, err := root.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	pool, err := pemdoc.Pool(pem)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return pool, nil
}

// mails is the store as the outbox sees it; its commits go through the ledger.
type mails struct{ a *App }

// Messages implements outbox.Store.
func (m mails) Messages(ctx context.Context, f register.MessageFilter) ([]register.Message, error) {
	return m.a.store.Messages(ctx, f)
}

// Commit implements outbox.Store.
func (m mails) Commit(ctx context.Context, b register.Batch) error { return m.a.commit(ctx, b) }

// Settle implements runner.Mails. A mail can be spoken of without a server, too.
func (m mails) Settle(ctx context.Context, id string, to register.MessageState, who journal.Actor, why string) (string, error) {
	full, err := m.find(ctx, id)
	if err != nil {
		return "", err
	}
	box := m.a.outbox
	if box == nil {
		box = outbox.New(m, nil, outbox.Settings{}, m.a.log)
	}
	err = box.Settle(ctx, full, outbox.Word{To: to, By: who, Why: why}, time.Now())
	switch {
	case errors.Is(err, outbox.ErrNotNow), errors.Is(err, store.ErrConflict):
		return "", &runner.Refusal{Kind: runner.Conflict, Message: err.Error(), Hints: []string{"skift mail shows how it stands"}}
	case errors.Is(err, outbox.ErrNoMessage):
		return "", noMail(id)
	}
	return full, err
}

// find completes the beginning of an id.
func (m mails) find(ctx context.Context, id string) (string, error) {
	all, err := m.a.store.Messages(ctx, register.MessageFilter{Brief: true})
	if err != nil {
		return "", err
	}
	var found []string
	for _, msg := range all {
		if msg.ID == id {
			return id, nil
		}
		if strings.HasPrefix(msg.ID, id) {
			found = append(found, msg.ID)
		}
	}
	switch len(found) {
	case 0:
		return "", noMail(id)
	case 1:
		return found[0], nil
	}
	return "", &runner.Refusal{Kind: runner.Usage, Message: fmt.Sprintf("%d mails begin with %q", len(found), id), Hints: []string{"write more of the id"}}
}

func noMail(id string) error {
	return &runner.Refusal{Kind: runner.NotFound, Message: fmt.Sprintf("there is no mail %q that was not sent", id), Hints: []string{"skift mail lists those that were not sent"}}
}

// postman is mail as the outbox sees it.
type postman struct {
	sender *mail.Sender
	from   string
}

// Send implements outbox.Sender.
func (p postman) Send(ctx context.Context, m register.Message) outbox.Answer {
	r := p.sender.Send(ctx, mail.Envelope{From: p.from, To: m.Address}, m.Raw)
	return outbox.Answer{Outcome: outbox.Outcome(r.Outcome), Brief: r.Brief(), Text: r.String(), Unreachable: r.Unreachable()}
}

// Drain gives queued mails a moment to leave before a foreground run ends: whoever started it waits for its report.
func (a *App) Drain(ctx context.Context, patience time.Duration) {
	if a.outbox == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		due, err := a.store.Messages(ctx, register.MessageFilter{States: []register.MessageState{register.MessageQueued, register.MessageSending}, DueBy: time.Now(), Brief: true})
		if err != nil || len(due) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
