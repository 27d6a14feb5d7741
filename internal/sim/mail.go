package sim

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// MailFault names one way in which the mail server can be broken.
type MailFault string

// The mail faults; one at a time.
const (
	MailSound     MailFault = ""
	MailDown      MailFault = "down" // connections are refused
	MailTemporary MailFault = "4xx"  // every sender is refused for now
	MailPermanent MailFault = "5xx"  // every recipient is refused for good
	MailHang      MailFault = "hang" // the whole message is taken, the reply never comes
	MailDrop      MailFault = "drop" // the whole message is taken, the connection ends without a reply
)

// MailOptions describes a mail server. The zero value needs a PKI only and
// takes mail from anyone.
type MailOptions struct {
	PKI      *PKI
	Addr     netip.Addr // zero: 127.0.0.1
	User     string     // not empty: mail is taken only after AUTH PLAIN or LOGIN, offered after STARTTLS
	Password string
}

// Message is one mail the server took the whole of. Under MailHang and MailDrop
// the sender cannot know that it did: then Acknowledged is false.
type Message struct {
	At           time.Time
	From         string
	To           []string
	User         string // who authenticated, or ""
	TLS          bool   // came over STARTTLS
	Raw          []byte
	Acknowledged bool
}

// Mail is a running SMTP server. Make it with NewMail and Close it.
type Mail struct {
	opts   MailOptions
	door   *door
	server *smtp.Server
	served sync.WaitGroup
	closed sync.Once

	mu       sync.Mutex
	fault    MailFault
	changed  chan struct{} // closed and replaced whenever what follows changes
	messages []Message
	ending   bool
}

// NewMail starts a mail server. Its certificate is for the name "localhost",
// "mail.example" and its address.
func NewMail(opts MailOptions) (*Mail, error) {
	if !opts.Addr.IsValid() {
		opts.Addr = loopback(1)
	}
	if opts.PKI == nil {
		return nil, errors.New("start mail server: it needs a PKI")
	}
	cert, err := opts.PKI.Issue(Leaf{Names: []string{"mail.example", "localhost"}, IPs: []netip.Addr{opts.Addr}})
	if err != nil {
		return nil, fmt.Errorf("start mail server: %w", err)
	}
	m := &Mail{opts: opts, changed: make(chan struct{})}
	if m.door, err = newDoor(opts.Addr, func(netip.AddrPort) reception { return serve }); err != nil {
		return nil, fmt.Errorf("start mail server: %w", err)
	}
	m.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &mailSession{mail: m, conn: c}, nil
	}))
	m.server.Domain = "mail.example"
	m.server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
	m.server.ErrorLog = log.New(io.Discard, "", 0)
	m.served.Go(func() { m.server.Serve(m.door) })
	return m, nil
}

// Addr is where the server listens, also while it is down.
func (m *Mail) Addr() netip.AddrPort { return m.door.addr }

// SetFault breaks the server in one way, or mends it with MailSound. A session
// that hangs is released by any change.
func (m *Mail) SetFault(f MailFault) error {
	if !slices.Contains([]MailFault{MailSound, MailDown, MailTemporary, MailPermanent, MailHang, MailDrop}, f) {
		return fmt.Errorf("set mail fault: unknown fault %q", f)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = f
	m.announce()
	if f == MailDown {
		m.door.shut()
		return nil
	}
	return m.door.open()
}

// Messages has what arrived so far, in order.
func (m *Mail) Messages() []Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.messages)
}

// Wait returns once n messages have arrived; the error is the context's.
func (m *Mail) Wait(ctx context.Context, n int) ([]Message, error) {
	for {
		m.mu.Lock()
		messages, changed := slices.Clone(m.messages), m.changed
		m.mu.Unlock()
		if len(messages) >= n {
			return messages, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return messages, fmt.Errorf("wait for %d messages, have %d: %w", n, len(messages), context.Cause(ctx))
		}
	}
}

// Close ends every session and waits for it. It may be called again.
func (m *Mail) Close() {
	m.closed.Do(func() {
		m.mu.Lock()
		m.ending = true
		m.announce()
		m.mu.Unlock()
		// The door ends the connections, because the server's own Close races
		// with a session that is upgrading to TLS; Shutdown then only waits.
		m.door.Close()
		m.served.Wait()
		m.server.Shutdown(context.Background())
	})
}

// announce wakes who waits for a change; the lock is held.
func (m *Mail) announce() {
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *Mail) currentFault() MailFault {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fault
}

// keep stores a message and returns the fault it met.
func (m *Mail) keep(msg Message) MailFault {
	m.mu.Lock()
	defer m.mu.Unlock()
	msg.Acknowledged = m.fault != MailHang && m.fault != MailDrop
	m.messages = append(m.messages, msg)
	m.announce()
	return m.fault
}

// hang waits until the fault changes or the server closes.
func (m *Mail) hang() {
	for {
		m.mu.Lock()
		over, changed := m.fault != MailHang || m.ending, m.changed
		m.mu.Unlock()
		if over {
			return
		}
		<-changed
	}
}

// mailSession is one SMTP session; go-smtp calls it from one goroutine.
type mailSession struct {
	mail *Mail
	conn *smtp.Conn
	user string
	from string
	to   []string
}

// AuthMechanisms implements smtp.AuthSession.
func (s *mailSession) AuthMechanisms() []string {
	if s.mail.opts.User == "" {
		return nil
	}
	return []string{sasl.Plain, sasl.Login}
}

// Auth implements smtp.AuthSession.
func (s *mailSession) Auth(mechanism string) (sasl.Server, error) {
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, user, password string) error { return s.login(user, password) }), nil
	case sasl.Login:
		return &loginServer{login: s.login}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

func (s *mailSession) login(user, password string) error {
	right := subtle.ConstantTimeCompare([]byte(user+"\x00"+password), []byte(s.mail.opts.User+"\x00"+s.mail.opts.Password))
	if s.mail.opts.User == "" || right != 1 {
		return smtp.ErrAuthFailed
	}
	s.user = user
	return nil
}

// Mail implements smtp.Session.
func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	if s.mail.opts.User != "" && s.user == "" {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	if s.mail.currentFault() == MailTemporary {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Try again later"}
	}
	s.from = from
	return nil
}

// Rcpt implements smtp.Session.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.mail.currentFault() == MailPermanent {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox"}
	}
	s.to = append(s.to, to)
	return nil
}

// Data implements smtp.Session.
func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, overTLS := s.conn.TLSConnectionState()
	msg := Message{At: time.Now(), From: s.from, To: slices.Clone(s.to), User: s.user, TLS: overTLS, Raw: raw}
	switch s.mail.keep(msg) {
	case MailHang:
		s.mail.hang()
		s.conn.Conn().Close()
	case MailDrop:
		s.conn.Conn().Close()
	}
	return nil
}

// Reset implements smtp.Session.
func (s *mailSession) Reset() { s.from, s.to = "", nil }

// Logout implements smtp.Session.
func (s *mailSession) Logout() error { return nil }

// loginServer is the server's half of AUTH LOGIN: it asks for the user, then
// for the password. A client may send the user with the command.
type loginServer struct {
	login func(user, password string) error
	user  *string
}

// Next implements sasl.Server.
func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case response == nil:
		return []byte("Username:"), false, nil
	case l.user == nil:
		user := string(response)
		l.user = &user
		return []byte("Password:"), false, nil
	}
	return nil, true, l.login(*l.user, string(response))
}
