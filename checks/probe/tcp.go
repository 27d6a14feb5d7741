package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"skift/checks"
	"skift/internal/dial"
)

// tcp says a few words to a port and waits for what is expected. A port that merely opens has proven nothing.
func (p *Prober) tcp(ctx context.Context, t target) sighting {
	conn, s, ok := p.connect(ctx, t)
	if !ok {
		return s
	}
	defer conn.Close()
	defer conn.CloseOn(ctx)()
	o, _ := t.Spec.Options.(checks.TCPOptions)
	var err error
	s.code, err = s.talk(ctx, conn, t, o.Steps)
	s.heard(conn)
	s.explain(err)
	return s
}

// explain keeps why a code other than OK was given.
func (s *sighting) explain(err error) {
	if s.code != checks.OK && err != nil {
		s.evidence.Err, s.evidence.Errno, s.evidence.Alert = printable([]byte(err.Error())), dial.Errno(err), alertText(err)
	}
	if s.code == checks.OK {
		s.reached = "first_byte"
	}
}

// Bounds of a talk.
const (
	maxHeard = 64 << 10               // bytes received
	settle   = 250 * time.Millisecond // after which a line without an end is taken as it is, such as a prompt
)

// talker is one end of a talk.
type talker struct {
	conn    *dial.Conn
	rw      io.ReadWriter // conn, or TLS on it
	timeout time.Duration
	rest    []byte // received and not yet held against an expectation
	heard   int
}

// talk plays the steps. Without an expectation the code is that of an open port.
func (s *sighting) talk(ctx context.Context, conn *dial.Conn, t target, steps []checks.Step) (checks.Code, error) {
	k := &talker{conn: conn, rw: conn, timeout: t.timeout}
	code := checks.TCPOnly
	for _, step := range steps {
		if err := conn.Phase(t.timeout); err != nil {
			return checks.TCPOnly, err
		}
		switch {
		case step.StartTLS:
			if c, err := k.startTLS(ctx, t); err != nil {
				return c, err
			}
			s.reached = "tls"
		case step.Send != "":
			if _, err := io.WriteString(k.rw, step.Send); err != nil {
				return k.ended(err, false), fmt.Errorf("send: %w", err)
			}
		default:
			line, c, err := k.expect(step.Expect)
			if c != checks.OK {
				return c, err
			}
			if s.evidence.Banner == "" {
				s.evidence.Banner = printable(line)
			}
			s.reached, code = "first_byte", checks.OK
		}
	}
	return code, nil
}

// startTLS goes on inside TLS, whatever the certificate is worth. What came before and was not waited for must not be taken for
// something said inside.
func (k *talker) startTLS(ctx context.Context, t target) (checks.Code, error) {
	if len(k.rest) > 0 {
		return checks.UnexpectedAnswer, fmt.Errorf("it spoke on before TLS: %.64q", k.rest)
	}
	c := tls.Client(k.conn, plainTLS(t))
	before := k.conn.Received()
	if err := c.HandshakeContext(ctx); err != nil {
		if k.conn.Received() == before {
			return k.ended(err, false), err
		}
		if dial.Hung(err) && alertText(err) == "" {
			return checks.TLSClosed, err
		}
		return handshakeCode(err, k.conn), err
	}
	k.rw = c
	return checks.OK, nil
}

// expect reads lines until one matches. A line that does not end is taken as it is when nothing more comes for a moment.
func (k *talker) expect(expression string) (line []byte, code checks.Code, err error) {
	re, err := regexp.Compile(expression)
	if err != nil {
		return nil, checks.Unobserved, err
	}
	until := time.Now().Add(k.timeout)
	var last []byte
	buf := make([]byte, dial.Recorded)
	for {
		for {
			l, rest, whole := bytes.Cut(k.rest, []byte("\n"))
			if !whole {
				break
			}
			k.rest, last = rest, bytes.TrimSuffix(l, []byte("\r"))
			if re.Match(last) {
				return last, checks.OK, nil
			}
		}
		if k.heard >= maxHeard {
			return nil, checks.UnexpectedAnswer, fmt.Errorf("%d bytes, and none as expected", k.heard)
		}
		n, err := k.read(buf, until)
		k.rest = append(k.rest, buf[:n]...)
		k.heard += n
		if err == nil {
			continue
		}
		if len(k.rest) > 0 && n == 0 && re.Match(k.rest) {
			line, k.rest = k.rest, nil
			return line, checks.OK, nil
		}
		if dial.TimedOut(err) && time.Now().Before(until) {
			continue
		}
		if len(k.rest) > 0 {
			last = k.rest
		}
		return nil, k.ended(err, last != nil), k.reason(err, last)
	}
}

// read reads what comes, until a deadline, or for a moment while a line has no end.
func (k *talker) read(buf []byte, until time.Time) (int, error) {
	if soon := time.Now().Add(settle); len(k.rest) > 0 && soon.Before(until) {
		until = soon
	}
	if err := k.conn.SetReadDeadline(until); err != nil {
		return 0, err
	}
	return k.rw.Read(buf)
}

// ended is the code of a talk that goes no further; answered says whether something came that was not as expected.
func (k *talker) ended(err error, answered bool) checks.Code {
	switch {
	case alertText(err) != "":
		return handshakeCode(err, k.conn)
	case answered:
		return checks.UnexpectedAnswer
	case dial.Hung(err) && k.conn.Received() == 0:
		return checks.ClosedPreBanner
	case dial.Hung(err):
		return checks.UnexpectedAnswer // it hung up instead of answering
	}
	return checks.Silent
}

func (k *talker) reason(err error, last []byte) error {
	if last == nil || alertText(err) != "" {
		return err
	}
	return errors.Join(fmt.Errorf("the last line was %.128q", last), err)
}
