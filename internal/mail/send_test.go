package mail

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skift/internal/secret"
	"skift/internal/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "canary-password-7f3a"

func dialDirect(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

func startServer(t *testing.T, opts sim.MailOptions) (*sim.Mail, Server) {
	t.Helper()
	pki, err := sim.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	opts.PKI = pki
	m, err := sim.NewMail(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m, Server{Addr: m.Addr().String(), Security: Mandatory, Roots: pki.Pool(), Timeout: 5 * time.Second, ReplyTimeout: 5 * time.Second}
}

func sender(t *testing.T, s Server) *Sender {
	t.Helper()
	out, err := NewSender(s, dialDirect)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func built(t *testing.T) []byte {
	t.Helper()
	raw, err := Build(message())
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

var envelope = Envelope{From: "skift@programme.example", To: "chair@customer.example"}

func TestSendDeliversTheSameBytesToOneRecipient(t *testing.T) {
	t.Parallel()
	server, settings := startServer(t, sim.MailOptions{User: "skift", Password: password})
	settings.User = "skift"
	settings.Password = func() (secret.Value, error) { return secret.NewValue(password), nil }
	raw := built(t)
	if r := sender(t, settings).Send(t.Context(), envelope, raw); r.Outcome != Sent || r.Unreachable() {
		t.Fatalf("got %s", r)
	}
	got := server.Messages()
	if len(got) != 1 {
		t.Fatalf("%d messages arrived", len(got))
	}
	m := got[0]
	if m.From != envelope.From || len(m.To) != 1 || m.To[0] != envelope.To || m.User != "skift" || !m.TLS {
		t.Errorf("from %s to %v as %s, TLS %v", m.From, m.To, m.User, m.TLS)
	}
	if !bytes.Equal(m.Raw, raw) {
		t.Errorf("the bytes were changed on the way:\n%q\n%q", raw, m.Raw)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault       sim.MailFault
		want        Outcome
		phase       Phase
		code        int
		unreachable bool
		arrives     int
	}{
		{sim.MailDown, Temporary, PhaseConnect, 0, true, 0},
		{sim.MailTemporary, Temporary, PhaseFrom, 451, true, 0},
		{sim.MailPermanent, Permanent, PhaseTo, 550, false, 0},
		{sim.MailHang, Uncertain, PhaseReply, 0, false, 1},
		{sim.MailDrop, Uncertain, PhaseReply, 0, false, 1},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			t.Parallel()
			server, settings := startServer(t, sim.MailOptions{})
			settings.ReplyTimeout = 300 * time.Millisecond
			if err := server.SetFault(c.fault); err != nil {
				t.Fatal(err)
			}
			r := sender(t, settings).Send(t.Context(), envelope, built(t))
			if r.Outcome != c.want || r.Phase != c.phase || r.Code != c.code || r.Unreachable() != c.unreachable || r.Text == "" {
				t.Errorf("got %s, code %d, unreachable %v", r, r.Code, r.Unreachable())
			}
			if n := len(server.Messages()); n != c.arrives {
				t.Errorf("%d messages arrived, want %d", n, c.arrives)
			}
			if strings.Contains(r.Brief(), "example") || !strings.HasPrefix(r.Brief(), string(c.want)) {
				t.Errorf("brief %q", r.Brief())
			}
		})
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	server, settings := startServer(t, sim.MailOptions{User: "skift", Password: password})
	for name, c := range map[string]struct {
		user     string
		password func() (secret.Value, error)
		text     string
	}{
		"none":     {"", nil, "Authentication required"},
		"wrong":    {"skift", func() (secret.Value, error) { return secret.NewValue("another-canary"), nil }, "535"},
		"not set":  {"skift", func() (secret.Value, error) { return secret.Value{}, errors.New("secret env:MAIL is not set") }, "env:MAIL"},
		"bad user": {"other", func() (secret.Value, error) { return secret.NewValue(password), nil }, "535"},
	} {
		settings := settings
		settings.User, settings.Password = c.user, c.password
		r := sender(t, settings).Send(t.Context(), envelope, built(t))
		// Our access is mended by a person and the message then goes: it must not be given up.
		if r.Outcome != Temporary || !r.Unreachable() || !strings.Contains(r.Text, c.text) {
			t.Errorf("%s: got %s", name, r)
		}
		if strings.Contains(r.String(), "canary") {
			t.Errorf("%s: the password is in %s", name, r)
		}
	}
	if n := len(server.Messages()); n != 0 {
		t.Errorf("%d messages arrived", n)
	}
}

func TestTheCertificateMustBeGood(t *testing.T) {
	t.Parallel()
	for _, security := range []Security{Mandatory, Opportunistic, ""} {
		server, settings := startServer(t, sim.MailOptions{})
		settings.Roots, settings.Security = x509.NewCertPool(), security
		r := sender(t, settings).Send(t.Context(), envelope, built(t))
		if r.Outcome != Temporary || !r.Unreachable() || !strings.Contains(r.Text, "certificate") {
			t.Errorf("%q: got %s", security, r)
		}
		if n := len(server.Messages()); n != 0 {
			t.Errorf("%q: %d messages arrived", security, n)
		}
	}
	server, settings := startServer(t, sim.MailOptions{})
	settings.Security, settings.Roots = None, nil
	if r := sender(t, settings).Send(t.Context(), envelope, built(t)); r.Outcome != Sent || server.Messages()[0].TLS {
		t.Errorf("plain text was asked for: %s", r)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	pw := func() (secret.Value, error) { return secret.Value{}, nil }
	for _, c := range []struct {
		server Server
		want   string // part of the error; "" = none
	}{
		{Server{Addr: "mail.example:25"}, ""},
		{Server{Addr: "127.0.0.1:25", User: "u", Password: pw}, ""},
		{Server{Addr: "mail.example:587", User: "u", Password: pw}, ""},
		{Server{Addr: "mail.example"}, "write host:port"},
		{Server{Addr: ":25"}, "write host:port"},
		{Server{Addr: "mail.example:smtp"}, "not a port"},
		{Server{Addr: "mail.example:0"}, "not a port"},
		{Server{Addr: "mail.example:25", Security: "maybe"}, "not one of"},
		{Server{Addr: "mail.example:25", User: "u"}, "without a password"},
		{Server{Addr: "mail.example:25", User: "u", Password: pw, Security: Opportunistic}, "plain text"},
		{Server{Addr: "mail.example:25", User: "u", Password: pw, Security: None}, "plain text"},
	} {
		_, err := NewSender(c.server, dialDirect)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v", c.server, err)
		}
	}
	for addr, want := range map[string]Security{"mail.example:25": Mandatory, "192.0.2.1:25": Mandatory, "127.0.0.9:25": Opportunistic, "[::1]:25": Opportunistic, "localhost:25": Opportunistic} {
		if s := sender(t, Server{Addr: addr}); s.server.Security != want {
			t.Errorf("%s: %s, want %s", addr, s.server.Security, want)
		}
	}
}

func TestSendRefusesWhatBuildWouldNotMake(t *testing.T) {
	t.Parallel()
	server, settings := startServer(t, sim.MailOptions{})
	raw := built(t)
	for name, c := range map[string]struct {
		envelope Envelope
		raw      []byte
	}{
		"two recipients":    {Envelope{envelope.From, "a@b.example,c@d.example"}, raw},
		"command injection": {Envelope{envelope.From, "a@b.example>\r\nRCPT TO:<c@d.example"}, raw},
		"no sender":         {Envelope{"", envelope.To}, raw},
		"no header":         {envelope, []byte("hello\r\n")},
		"bare line feeds":   {envelope, bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))},
		"a Bcc":             {envelope, append([]byte("Bcc: x@y.example\r\n"), raw...)},
		"two Message-IDs":   {envelope, append([]byte("Message-ID: <x@y.example>\r\n"), raw...)},
		"empty":             {envelope, nil},
	} {
		if r := sender(t, settings).Send(t.Context(), c.envelope, c.raw); r.Outcome != Permanent || r.Text == "" {
			t.Errorf("%s: got %s", name, r)
		}
	}
	if n := len(server.Messages()); n != 0 {
		t.Errorf("%d messages arrived", n)
	}
}
