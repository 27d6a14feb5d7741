package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/dial"
)

// reach asks whether a connection is let in: the proof is the first answer of the protocol itself. A connection that is
// merely established proves nothing, for a proxy or a load balancer without a backend accepts it too.
func (p *Prober) reach(ctx context.Context, t target) sighting {
	conn, s, ok := p.connect(ctx, t)
	if !ok {
		return s
	}
	defer conn.Close()
	defer conn.CloseOn(ctx)()
	if err := conn.Phase(t.timeout); err != nil {
		s.code, s.evidence.Err = checks.TCPOnly, printable([]byte(err.Error()))
		return s
	}
	o, _ := t.Spec.Options.(checks.ReachOptions)
	var err error
	switch o.Proof {
	case checks.ProofTLS:
		s.code, err = proveTLS(ctx, conn, t)
	case checks.ProofSSH:
		s.code, err = proveSSH(conn)
	case checks.ProofHTTP:
		s.code, err = s.proveHTTP(conn, conn, t)
	case checks.ProofHTTPS:
		s.code, err = s.proveHTTPS(ctx, conn, t)
	case checks.ProofRaw:
		s.code, err = s.talk(ctx, conn, t, o.Steps)
	default:
		s.code, err = checks.TCPOnly, fmt.Errorf("no proof %q", o.Proof)
	}
	s.heard(conn)
	s.explain(err)
	return s
}

// quiet is the code of a connection that gave no byte.
func quiet(conn *dial.Conn, err error) checks.Code {
	if dial.Hung(err) || dial.Hung(conn.Ended()) {
		return checks.ClosedPreBanner
	}
	return checks.Silent
}

// tlsRecord are the record types that answer a hello: an alert or a handshake message.
const (
	recordAlert     = 0x15
	recordHandshake = 0x16
)

// proveTLS sends a hello; any TLS record that comes back, an alert too, proves that we are let in. What the certificate is
// worth is asked by kind tls.
func proveTLS(ctx context.Context, conn *dial.Conn, t target) (checks.Code, error) {
	err := tls.Client(conn, plainTLS(t)).HandshakeContext(ctx)
	first := conn.First()
	switch {
	case len(first) == 0:
		return quiet(conn, err), err
	case answersHello(first):
		return checks.OK, nil
	case begun(first, []byte{recordAlert, 0x03}, err), begun(first, []byte{recordHandshake, 0x03}, err):
		return checks.Silent, err
	}
	return checks.ProtoMismatch, err
}

// begun reports whether what was said is the beginning of what was waited for, and time ran out before the rest: that is no other
// protocol, and no answer either.
func begun(said, start []byte, err error) bool {
	n := min(len(said), len(start))
	return n > 0 && bytes.Equal(said[:n], start[:n]) && dial.TimedOut(err)
}

// maxRecord is the longest record in the clear (RFC 8446, 5.1).
const maxRecord = 1 << 14

// answersHello tells whether first begins with a whole head of a record that may answer a hello, of a length there is.
func answersHello(first []byte) bool {
	if len(first) < 5 || first[0] != recordAlert && first[0] != recordHandshake || first[1] != 0x03 {
		return false
	}
	n := int(first[3])<<8 | int(first[4])
	return n > 0 && n <= maxRecord
}

// plainTLS is a configuration that proves nothing about certificates.
func plainTLS(t target) *tls.Config {
	return &tls.Config{
		ServerName:         t.sni(),
		InsecureSkipVerify: true, // whether a connection is let in does not depend on whom the certificate names
		MinVersion:         tls.VersionTLS12,
	}
}

// maxLines is how much an SSH server may say before its version line.
const maxLines = 64 << 10

// versionLine is the whole line: what ends in the middle of it was cut off by somebody on the way.
var versionLine = regexp.MustCompile(`(?m)^SSH-[^\n]*\n`)

func proveSSH(conn *dial.Conn) (checks.Code, error) {
	var said []byte
	var err error
	buf := make([]byte, dial.Recorded)
	for err == nil && len(said) < maxLines {
		var n int
		n, err = conn.Read(buf)
		if said = append(said, buf[:n]...); versionLine.Match(said) {
			return checks.OK, nil
		}
	}
	switch {
	case len(said) == 0:
		return quiet(conn, err), err
	case throttled(said):
		return checks.RefusedText, err
	case begun(said, []byte("SSH-"), err):
		return checks.Silent, err
	}
	return checks.ProtoMismatch, err
}

// throttled reports whether sshd turned us away because it is asked too often.
func throttled(first []byte) bool {
	return bytes.Contains(first, []byte("Not allowed at this time")) || bytes.Contains(first, []byte("Exceeded MaxStartups"))
}

var statusLine = regexp.MustCompile(`^HTTP/[0-9.]+ ([0-9]{3})(?: |\r|\n)`)

// proveHTTP asks for the head of "/". Any status proves that we are let in, except 403, which is how an allow-list of the
// application says no.
func (s *sighting) proveHTTP(rw io.ReadWriter, conn *dial.Conn, t target) (checks.Code, error) {
	host := t.ServerName
	if host == "" {
		host = t.addr.String()
	}
	_, err := fmt.Fprintf(rw, "HEAD / HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n", host, t.agent)
	var head []byte
	buf := make([]byte, dial.Recorded)
	for err == nil && len(head) < dial.Recorded && !bytes.Contains(head, []byte("\n")) {
		var n int
		n, err = rw.Read(buf)
		head = append(head, buf[:n]...)
	}
	m := statusLine.FindSubmatch(head)
	switch {
	case m != nil:
		s.facts[checks.FactHTTPStatus] = string(m[1])
		if string(m[1]) == "407" || string(m[1]) == "511" {
			s.outcome = checks.Unverified // only a proxy on the way says that, so the target was not seen
			return checks.HTTPStatus, errors.New("a proxy answered " + strings.TrimSpace(string(m[0])))
		}
		if string(m[1]) == "403" {
			return checks.HTTPStatus, errors.New("the server answered " + strings.TrimSpace(string(m[0])))
		}
		return checks.OK, nil
	case alertText(err) != "": // TLS 1.3 tells only now that it wants a client certificate
		return handshakeCode(err, conn), err
	case begun(head, []byte("HTTP/"), err):
		return checks.Silent, err
	case len(head) > 0:
		return checks.ProtoMismatch, errors.New("no HTTP status line: " + strconv.QuoteToASCII(string(head[:min(len(head), 64)])))
	}
	return quiet(conn, err), err
}

// proveHTTPS is proveHTTP inside TLS. A server that ends the handshake with an alert has let the connection in, but an HTTP answer
// was not had: whether the application lets us in stays unknown, and the alert says why.
func (s *sighting) proveHTTPS(ctx context.Context, conn *dial.Conn, t target) (checks.Code, error) {
	c := tls.Client(conn, plainTLS(t))
	began := time.Now()
	if err := c.HandshakeContext(ctx); err != nil {
		if conn.Received() == 0 {
			return quiet(conn, err), err
		}
		return handshakeCode(err, conn), err
	}
	s.timings["tls"] = time.Since(began)
	s.reached = "tls"
	return s.proveHTTP(c, conn, t)
}
