package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/textproto"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"skift/internal/secret"
)

// Security says whether the dialogue must be encrypted.
type Security string

// The settings. The zero value is Mandatory, but Opportunistic towards a loopback address.
const (
	Mandatory     Security = "mandatory"     // STARTTLS with a verified certificate, or nothing is sent
	Opportunistic Security = "opportunistic" // STARTTLS when offered; a certificate offered must be good
	None          Security = "none"          // plain text
)

// Securities lists the settings.
func Securities() []Security { return []Security{Mandatory, Opportunistic, None} }

// DialContext opens a connection; in production it is that of the one package that enforces the allowed networks.
type DialContext func(ctx context.Context, network, address string) (net.Conn, error)

// Server is the one SMTP server that messages are handed to.
type Server struct {
	Addr      string // "host:port"; the host is also the name the certificate must have
	Security  Security
	HelloName string         // what we call ourselves; "" = "localhost"
	Roots     *x509.CertPool // issuers trusted for STARTTLS; nil = those of the system
	User      string         // "" = no login
	// Password is fetched when it is needed and kept nowhere. It is called only when User is set.
	Password func() (secret.Value, error)
	// Timeout bounds connecting with greeting and login, and then the commands up to the text. 0 = 1 minute.
	Timeout time.Duration
	// ReplyTimeout bounds sending the text and waiting for the server's word on it. Long, because giving up here leaves
	// the message uncertain. 0 = 5 minutes.
	ReplyTimeout time.Duration
}

// Sender hands messages to one server.
type Sender struct {
	server Server
	host   string
	port   int
	dial   DialContext
}

// NewSender makes a sender. The error says what in the settings cannot be meant.
func NewSender(server Server, dial DialContext) (*Sender, error) {
	host, portText, err := net.SplitHostPort(server.Addr)
	if err != nil || host == "" {
		return nil, fmt.Errorf("mail server %q: write host:port", server.Addr)
	}
	port, err := strconv.Atoi(portText)
	if err != nil || port < 1 || port > 65535 {
		return nil, fmt.Errorf("mail server %q: %q is not a port", server.Addr, portText)
	}
	local := loopback(host)
	switch server.Security {
	case "":
		server.Security = Mandatory
		if local {
			server.Security = Opportunistic
		}
	case Mandatory, Opportunistic, None:
	default:
		return nil, fmt.Errorf("mail server: security %q is not one of %s, %s, %s", server.Security, Mandatory, Opportunistic, None)
	}
	if server.User != "" && server.Password == nil {
		return nil, errors.New("mail server: a user without a password")
	}
	if server.User != "" && server.Security != Mandatory && !local {
		return nil, fmt.Errorf("mail server: a login needs security: %s, or the password could leave in plain text", Mandatory)
	}
	if server.HelloName == "" {
		server.HelloName = "localhost"
	}
	if server.Timeout <= 0 {
		server.Timeout = time.Minute
	}
	if server.ReplyTimeout <= 0 {
		server.ReplyTimeout = 5 * time.Minute
	}
	return &Sender{server: server, host: host, port: port, dial: dial}, nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// Envelope is who a message is from and for, as the server is told.
type Envelope struct{ From, To string }

// Send hands the bytes to the server, once. Cancelling ctx closes the connection; the result then says how far the
// dialogue had come.
func (s *Sender) Send(ctx context.Context, to Envelope, raw []byte) Result {
	for _, a := range []string{to.From, to.To} {
		if !oneAddress(a) {
			return Result{Outcome: Permanent, Phase: PhaseConnect, Text: oneLine(fmt.Sprintf("%q is not one plain mail address", a))}
		}
	}
	if err := checkRaw(raw); err != nil {
		return Result{Outcome: Permanent, Phase: PhaseConnect, Text: oneLine(err.Error())}
	}
	conn := &holder{}
	stop := context.AfterFunc(ctx, conn.close)
	defer func() {
		stop()
		conn.close()
	}()
	client, err := s.connect(ctx, conn)
	if err != nil {
		return failed(ctx, PhaseConnect, err)
	}
	if phase, err := s.transact(client, to, raw); err != nil {
		return failed(ctx, phase, err)
	}
	// The message is the server's now; how the farewell goes changes nothing.
	_ = client.UpdateDeadline(min(s.server.Timeout, 5*time.Second))
	_ = client.Quit()
	return Result{Outcome: Sent, Phase: PhaseDone}
}

// connect opens the connection and brings it to the point where a message can be given.
func (s *Sender) connect(ctx context.Context, conn *holder) (*smtp.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(s.server.Timeout), gomail.WithHELO(s.server.HelloName),
		gomail.WithTLSPolicy(s.policy()), gomail.WithoutSMTPUTF8(),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.host, RootCAs: s.server.Roots, MinVersion: tls.VersionTLS12}),
		gomail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := s.dial(ctx, network, address)
			if err == nil {
				conn.hold(c) // the library leaves the connection open when the login fails
			}
			return c, err
		}),
	}
	if s.server.User != "" {
		password, err := s.server.Password()
		if err != nil {
			return nil, fmt.Errorf("password of the mail server: %w", err)
		}
		options = append(options, gomail.WithUsername(s.server.User), gomail.WithPassword(password.Reveal()),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256PLUS, gomail.SMTPAuthSCRAMSHA256,
				gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	client, err := gomail.NewClient(s.host, options...)
	if err != nil {
		return nil, err
	}
	return client.DialToSMTPClientWithContext(ctx)
}

func (s *Sender) policy() gomail.TLSPolicy {
	switch s.server.Security {
	case None:
		return gomail.NoTLS
	case Opportunistic:
		return gomail.TLSOpportunistic
	}
	return gomail.TLSMandatory
}

// transact gives one message. The library's own sending is not used: it does not tell an end of text that may have
// arrived from one that cannot have, and it ends with a command whose failure looks like that of the message.
func (s *Sender) transact(c *smtp.Client, to Envelope, raw []byte) (Phase, error) {
	if err := c.UpdateDeadline(s.server.Timeout); err != nil {
		return PhaseFrom, err
	}
	if err := c.Mail("<" + to.From + ">"); err != nil {
		return PhaseFrom, err
	}
	if err := c.Rcpt("<" + to.To + ">"); err != nil {
		return PhaseTo, err
	}
	text, err := c.Data()
	if err != nil {
		return PhaseData, err
	}
	if err := c.UpdateDeadline(s.server.ReplyTimeout); err != nil {
		return PhaseText, err
	}
	// Until the closing dot leaves, a server has no message: RFC 5321, 4.1.1.4. Close sends what is buffered and the dot.
	if _, err := text.Write(raw); err != nil {
		return PhaseText, err
	}
	if err := text.Close(); err != nil {
		return PhaseReply, err
	}
	return PhaseDone, nil
}

// failed reads what an error in a phase means for the message.
func failed(ctx context.Context, phase Phase, err error) Result {
	r := Result{Outcome: Temporary, Phase: phase, Text: oneLine(err.Error())}
	var reply *textproto.Error
	switch {
	case errors.As(err, &reply):
		r.Code = reply.Code
		r.Outcome = judge(phase, reply.Code)
	case phase == PhaseReply:
		r.Outcome = Uncertain
	}
	if cause := context.Cause(ctx); cause != nil && r.Code == 0 {
		r.Text = oneLine(cause.Error())
	}
	if r.Outcome == Sent {
		r.Phase, r.Text = PhaseDone, ""
	}
	return r
}

// judge reads a reply code. Refusals before the recipient is named are about our access and are worth another attempt
// once somebody has mended it, however final they sound.
func judge(phase Phase, code int) Outcome {
	switch {
	case phase == PhaseReply && code >= 200 && code < 300:
		return Sent
	case phase == PhaseConnect, phase == PhaseFrom:
		return Temporary
	case code >= 500 && code < 600:
		return Permanent
	case code >= 400 && code < 500:
		return Temporary
	case phase == PhaseReply:
		return Uncertain // a reply that means neither yes nor no
	}
	return Temporary
}
