package sim

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"net/smtp"
	"net/textproto"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const mailText = "Subject: status\r\n\r\nAll is well.\r\n.dot\r\n"

func startMail(t *testing.T, user, password string) (*Mail, *PKI) {
	t.Helper()
	pki, err := NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMail(MailOptions{PKI: pki, User: user, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m, pki
}

// sendMail sends mailText to two recipients with the standard library's client.
func sendMail(m *Mail, trust *PKI, auth smtp.Auth, within time.Duration) error {
	conn, err := net.Dial("tcp", m.Addr().String())
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(within))
	client, err := smtp.NewClient(conn, "127.0.0.1")
	if err != nil {
		return err
	}
	if trust != nil {
		if err := client.StartTLS(&tls.Config{RootCAs: trust.Pool(), ServerName: "127.0.0.1"}); err != nil {
			return err
		}
	}
	if auth != nil {
		if err := client.Auth(auth); err != nil {
			return err
		}
	}
	if err := client.Mail("skift@sender.example"); err != nil {
		return err
	}
	for _, to := range []string{"chair@customer.example", "manager@customer.example"} {
		if err := client.Rcpt(to); err != nil {
			return err
		}
	}
	body, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := body.Write([]byte(mailText)); err != nil {
		return err
	}
	if err := body.Close(); err != nil {
		return err
	}
	return client.Quit()
}

// loginAuth is AUTH LOGIN, which net/smtp does not have.
type loginAuth struct{ user, password string }

func (a loginAuth) Start(*smtp.ServerInfo) (string, []byte, error) { return "LOGIN", nil, nil }

func (a loginAuth) Next(challenge []byte, more bool) ([]byte, error) {
	switch {
	case !more:
		return nil, nil
	case strings.HasPrefix(string(challenge), "User"):
		return []byte(a.user), nil
	}
	return []byte(a.password), nil
}

func wantCode(t *testing.T, err error, code int) {
	t.Helper()
	var reply *textproto.Error
	if !errors.As(err, &reply) || reply.Code != code {
		t.Errorf("error is %v, want reply %d", err, code)
	}
}

func TestMailTakesAndKeeps(t *testing.T) {
	t.Parallel()
	m, pki := startMail(t, "", "")
	if err := sendMail(m, nil, nil, patience); err != nil {
		t.Fatal(err)
	}
	if err := sendMail(m, pki, nil, patience); err != nil {
		t.Fatal(err)
	}
	messages, err := m.Wait(testContext(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	want := Message{
		From: "skift@sender.example", To: []string{"chair@customer.example", "manager@customer.example"},
		Raw: []byte(mailText), Acknowledged: true,
	}
	overTLS := want
	overTLS.TLS = true
	if diff := cmp.Diff([]Message{want, overTLS}, messages, cmpopts.IgnoreFields(Message{}, "At")); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestMailAuthentication(t *testing.T) {
	t.Parallel()
	m, pki := startMail(t, "skift", "a secret")
	for name, auth := range map[string]smtp.Auth{
		"plain": smtp.PlainAuth("", "skift", "a secret", "127.0.0.1"),
		"login": loginAuth{"skift", "a secret"},
	} {
		if err := sendMail(m, pki, auth, patience); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, auth := range map[string]smtp.Auth{
		"plain, wrong password": smtp.PlainAuth("", "skift", "another", "127.0.0.1"),
		"plain, wrong user":     smtp.PlainAuth("", "other", "a secret", "127.0.0.1"),
		"login, wrong password": loginAuth{"skift", ""},
	} {
		t.Log(name)
		wantCode(t, sendMail(m, pki, auth, patience), 535)
	}
	wantCode(t, sendMail(m, pki, nil, patience), 530)
	wantCode(t, sendMail(m, nil, loginAuth{"skift", "a secret"}, patience), 523) // not without TLS
	messages := m.Messages()
	if len(messages) != 2 || messages[0].User != "skift" || !messages[1].TLS {
		t.Errorf("kept %v", messages)
	}
	other, err := NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, sendMail(m, other, nil, patience), "certificate")
}

func TestMailFaults(t *testing.T) {
	t.Parallel()
	tests := map[MailFault]struct {
		check func(t *testing.T, err error)
		kept  int
	}{
		MailDown: {func(t *testing.T, err error) {
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("error is %v", err)
			}
		}, 0},
		MailTemporary: {func(t *testing.T, err error) { wantCode(t, err, 451) }, 0},
		MailPermanent: {func(t *testing.T, err error) { wantCode(t, err, 550) }, 0},
		MailDrop: {func(t *testing.T, err error) {
			var reply *textproto.Error
			if err == nil || errors.As(err, &reply) {
				t.Errorf("error is %v", err)
			}
		}, 1},
	}
	for fault, test := range tests {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			m, pki := startMail(t, "", "")
			if err := m.SetFault(fault); err != nil {
				t.Fatal(err)
			}
			test.check(t, sendMail(m, pki, nil, patience))
			messages := m.Messages()
			if len(messages) != test.kept {
				t.Fatalf("%d messages were kept", len(messages))
			}
			if test.kept == 1 && (messages[0].Acknowledged || string(messages[0].Raw) != mailText) {
				t.Errorf("kept %+v", messages[0])
			}
			if err := m.SetFault(MailSound); err != nil {
				t.Fatal(err)
			}
			if err := sendMail(m, pki, nil, patience); err != nil {
				t.Errorf("once mended: %v", err)
			}
		})
	}
}

func TestMailHang(t *testing.T) {
	t.Parallel()
	m, pki := startMail(t, "", "")
	if err := m.SetFault(MailHang); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() { result <- sendMail(m, pki, nil, patience) }()
	messages, err := m.Wait(testContext(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	if messages[0].Acknowledged || string(messages[0].Raw) != mailText {
		t.Errorf("kept %+v", messages[0])
	}
	select {
	case err := <-result:
		t.Errorf("the sender got an answer: %v", err)
	case <-time.After(impatience):
	}
	if err := m.SetFault(MailSound); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err == nil {
		t.Error("the message was acknowledged after all")
	}
	if err := sendMail(m, pki, nil, patience); err != nil {
		t.Errorf("once mended: %v", err)
	}
}

func TestMailMistakes(t *testing.T) {
	t.Parallel()
	m, _ := startMail(t, "", "")
	wantError(t, m.SetFault("lost"), `unknown fault "lost"`)
	_, err := NewMail(MailOptions{})
	wantError(t, err, "needs a PKI")
	pki, err := NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewMail(MailOptions{PKI: pki, Addr: netip.MustParseAddr("192.0.2.1")})
	wantError(t, err, "start mail server")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Wait(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// TestMailCloseDuringHang holds that a session that never gets its reply does
// not keep the server from closing.
func TestMailCloseDuringHang(t *testing.T) {
	t.Parallel()
	m, pki := startMail(t, "", "")
	if err := m.SetFault(MailHang); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() { result <- sendMail(m, pki, nil, patience) }()
	if _, err := m.Wait(testContext(t), 1); err != nil {
		t.Fatal(err)
	}
	m.Close()
	if err := <-result; err == nil {
		t.Error("the message was acknowledged")
	}
}
