package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	netmail "net/mail"
	"net/netip"
	"os"
	"strconv"
	"time"

	"skift/internal/dial"
	"skift/internal/mail"
	"skift/internal/outbox"
	"skift/internal/register"
	"skift/internal/secret"
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
	a.outbox = outbox.New(mails{a}, postman{sender, from.Address}, outbox.Settings{Gap: time.Hour / time.Duration(s.PerHour)}, a.log)
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
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read %s: there is no certificate in it", file)
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
		due, err := a.store.Messages(ctx, register.MessageFilter{States: []register.MessageState{register.MessageQueued, register.MessageSending}, DueBy: time.Now()})
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
