package probe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/dial"
)

// startTLS asks a server to begin TLS, per protocol. The answer is OK, or says why TLS cannot begin.
var startTLS = map[checks.StartTLS]func(*dial.Conn, time.Duration) (checks.Code, error){
	checks.StartSMTP: startSMTP,
}

// startSMTP speaks SMTP until the server is ready for TLS (RFC 3207).
func startSMTP(conn *dial.Conn, timeout time.Duration) (checks.Code, error) {
	m := &mail{conn: conn, r: bufio.NewReaderSize(conn, maxReplyLine), timeout: timeout}
	greeting, err := m.say("")
	if err != nil {
		return m.failed(err)
	}
	if greeting.code != 220 {
		return greeting.refusal(checks.UnexpectedAnswer)
	}
	offer, err := m.say("EHLO " + addressLiteral(conn.LocalAddr()))
	if err != nil {
		return m.failed(err)
	}
	if offer.code != 250 {
		return offer.refusal(checks.UnexpectedAnswer)
	}
	if !offer.offers("STARTTLS") {
		return checks.StartTLSNotOffered, errors.New("the server does not offer STARTTLS: " + offer.text())
	}
	ready, err := m.say("STARTTLS")
	if err != nil {
		return m.failed(err)
	}
	if ready.code != 220 {
		return checks.StartTLSRefused, errors.New("STARTTLS was answered: " + ready.text())
	}
	if m.r.Buffered() > 0 { // whatever was put between the reply and TLS would be taken for part of it
		return checks.ProtoMismatch, errors.New("the server went on in clear after STARTTLS")
	}
	return checks.OK, nil
}

// mail is a conversation in SMTP.
type mail struct {
	conn    *dial.Conn
	r       *bufio.Reader
	timeout time.Duration
}

// say sends a command, none if it is empty, and reads the reply. Each has its own time.
func (m *mail) say(command string) (reply, error) {
	if err := m.conn.Phase(m.timeout); err != nil {
		return reply{}, err
	}
	if command != "" {
		if _, err := m.conn.Write([]byte(command + "\r\n")); err != nil {
			return reply{}, err
		}
	}
	return readReply(m.r)
}

// failed says what it means that no reply was had.
func (m *mail) failed(err error) (checks.Code, error) {
	switch {
	case errors.Is(err, errNoReply):
		return checks.ProtoMismatch, err
	case dial.TimedOut(err):
		return checks.Silent, err
	case m.conn.Received() == 0:
		return checks.ClosedPreBanner, err
	}
	return checks.TLSClosed, err
}

// reply is what an SMTP server answers: a code and one or more lines.
type reply struct {
	code  int
	lines []string
}

// Bounds of a reply: RFC 5321 allows lines of 512 bytes, servers send more.
const (
	maxReplyLine  = 4 << 10
	maxReplyLines = 200
)

var errNoReply = errors.New("not a reply of SMTP")

// readReply reads one reply (RFC 5321, section 4.2).
func readReply(r *bufio.Reader) (reply, error) {
	var out reply
	for len(out.lines) < maxReplyLines {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return reply{}, fmt.Errorf("%w: a line is longer than %d bytes", errNoReply, maxReplyLine)
		}
		if err != nil && len(line) > 0 && !plausible(line) {
			return reply{}, fmt.Errorf("%w: %q", errNoReply, line[:min(len(line), 64)])
		}
		if err != nil {
			return reply{}, err
		}
		line = bytes.TrimRight(line, "\r\n")
		code, last, ok := replyLine(line)
		if !ok || len(out.lines) > 0 && code != out.code {
			return reply{}, fmt.Errorf("%w: %q", errNoReply, line[:min(len(line), 64)])
		}
		out.code = code
		out.lines = append(out.lines, string(line[min(len(line), 4):]))
		if last {
			return out, nil
		}
	}
	return reply{}, fmt.Errorf("%w: more than %d lines", errNoReply, maxReplyLines)
}

// replyLine splits "250-SIZE" into its code and whether it is the last.
func replyLine(line []byte) (code int, last, ok bool) {
	if len(line) < 3 || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		return 0, false, false
	}
	for _, c := range line[:3] {
		if c < '0' || c > '9' {
			return 0, false, false
		}
	}
	code, _ = strconv.Atoi(string(line[:3])) // three digits
	return code, len(line) == 3 || line[3] == ' ', code >= 200 && code < 600
}

// plausible reports whether a line that never ended began as a reply does.
func plausible(line []byte) bool {
	_, _, ok := replyLine(line)
	return ok || len(line) < 3
}

// offers reports whether a reply to EHLO names the extension.
func (a reply) offers(extension string) bool {
	return slices.ContainsFunc(a.lines[1:], func(l string) bool {
		name, _, _ := strings.Cut(strings.TrimSpace(l), " ")
		return strings.EqualFold(name, extension)
	})
}

// refusal is a reply that ends the conversation: one of the 400s asks to come back later, as a throttle does.
func (a reply) refusal(code checks.Code) (checks.Code, error) {
	if a.code >= 400 && a.code < 500 {
		code = checks.RefusedText
	}
	return code, errors.New("the server answered " + a.text())
}

func (a reply) text() string { return strconv.Itoa(a.code) + " " + strings.Join(a.lines, " / ") }

// addressLiteral is how a host without a name greets (RFC 5321, section 4.1.3).
func addressLiteral(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	switch {
	case !ok:
		return "[127.0.0.1]"
	case tcp.IP.To4() != nil:
		return "[" + tcp.IP.To4().String() + "]"
	}
	return "[IPv6:" + tcp.IP.String() + "]"
}
