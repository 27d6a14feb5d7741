package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/dial"
)

// mtls presents a client certificate, sends a harmless request and reads the answer: in TLS 1.3 a server that refuses a certificate says
// so only to who reads after the handshake.
func (p *Prober) mtls(ctx context.Context, t target) sighting {
	o, _ := t.Spec.Options.(checks.MTLSOptions)
	cert, err := p.presented(o, t)
	if err != nil {
		return sighting{code: checks.Credential, evidence: checks.Evidence{Err: printable([]byte(err.Error()))}}
	}
	conn, s, ok := p.connect(ctx, t)
	if s.code == checks.ClosedPreBanner {
		s.code = checks.TLSClosed
	}
	if !ok {
		return s
	}
	defer conn.Close()
	defer conn.CloseOn(ctx)()
	m := &meeting{options: o, cert: cert}
	answer, err := m.meet(ctx, conn, t, &s)
	s.heard(conn)
	s.set(m.facts())
	m.conclude(&s, conn, answer, err)
	return s
}

// meeting is one connection on which a certificate is presented.
type meeting struct {
	options checks.MTLSOptions
	cert    *tls.Certificate
	state   tls.ConnectionState
	asked   *tls.CertificateRequestInfo // nil = the server did not ask
	shaken  bool
}

// meet shakes hands, sends the request and reads the beginning of the answer. The error is how it ended when there was none.
func (m *meeting) meet(ctx context.Context, conn *dial.Conn, t target, s *sighting) ([]byte, error) {
	if err := conn.Phase(t.timeout); err != nil {
		return nil, err
	}
	began := time.Now()
	client := tls.Client(conn, m.config(t))
	if err := client.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	m.shaken, m.state = true, client.ConnectionState()
	s.reached, s.timings["tls"] = "tls", time.Since(began)
	if err := conn.Phase(t.timeout); err != nil {
		return nil, err
	}
	began = time.Now()
	answer, err := exchange(client, m.request(t))
	if len(answer) > 0 {
		s.reached, s.timings["op"] = "first_byte", time.Since(began)
	}
	return answer, err
}

// config returns the certificate whatever issuers the server names. With Config.Certificates the library would withhold one that
// does not match, and the server would say that none was sent.
func (m *meeting) config(t target) *tls.Config {
	cfg := plainTLS(t)
	cfg.VerifyConnection = func(c tls.ConnectionState) error { m.state = c; return nil }
	cfg.GetClientCertificate = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		m.asked = asked
		return m.cert, nil
	}
	if m.options.Renegotiation == checks.RenegotiateOnce {
		cfg.MaxVersion, cfg.Renegotiation = tls.VersionTLS12, tls.RenegotiateOnceAsClient
	}
	return cfg
}

func (m *meeting) request(t target) []byte {
	if text := m.options.Send; text != "" {
		text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
		return []byte(strings.ReplaceAll(text, "\n", "\r\n") + "\r\n\r\n")
	}
	host := t.ServerName
	if host == "" {
		host = t.addr.String()
	}
	return fmt.Appendf(nil, "HEAD / HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n", host, t.agent)
}

// maxAnswer is how much of an answer is read; more than the first bytes only of one that may tell why a certificate was refused.
const maxAnswer = 4 << 10

// exchange sends a request and reads the beginning of the answer. What was read counts, however it ended.
func exchange(rw io.ReadWriter, request []byte) ([]byte, error) {
	_, _ = rw.Write(request) // when it fails the server has hung up, and reading tells why
	answer := make([]byte, 0, maxAnswer)
	for len(answer) < maxAnswer {
		n, err := rw.Read(answer[len(answer):maxAnswer])
		answer = answer[:len(answer)+n]
		if err != nil && len(answer) == 0 {
			return nil, err
		}
		if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/")[:min(len(answer), 5)]) {
			break
		}
		if m := statusLine.FindSubmatch(answer); m != nil && string(m[1]) != "400" {
			break
		}
	}
	return answer, nil
}

// conclude says what the answer, or its want, means.
func (m *meeting) conclude(s *sighting, conn *dial.Conn, answer []byte, err error) {
	switch {
	case err != nil && strings.Contains(err.Error(), "no renegotiation"):
		s.failed(checks.CliRenegotiation, err)
	case len(answer) > 0:
		m.answered(s, answer)
	case m.shaken && (dial.TimedOut(err) || dial.TimedOut(conn.Ended())):
		m.unanswered(s)
	default:
		m.refused(s, m.refusal(conn, err), err)
	}
}

// unanswered is a handshake that went well and nothing after it.
func (m *meeting) unanswered(s *sighting) {
	s.code, s.evidence.Err = checks.AcceptedUnconfirmed, "nothing came back within the time"
	switch {
	case m.options.Present != checks.PresentCert: // unverified
	case m.asked == nil:
		s.code = checks.CliNotRequested
	default:
		s.outcome = checks.Warn
	}
}

// refusal is the code of a connection that ended. A handshake failure after a certificate was asked for is about that certificate:
// TLS 1.2 has no alert for one that is missing.
func (m *meeting) refusal(conn *dial.Conn, err error) checks.Code {
	if m.asked == nil {
		return handshakeCode(err, conn)
	}
	if n, _, ok := alert(err); ok && n == alertHandshakeFailure {
		if m.options.Present == checks.PresentNone {
			return checks.CliMissing
		}
		return checks.CliUnknown
	}
	if strings.Contains(err.Error(), "signature algorithms") { // the library's: none of those the server takes fits the key
		return checks.CliUnsupported
	}
	return handshakeCode(err, conn)
}

// refused weighs a refusal: when something that must be refused was presented it is well, and a refusal without a reason is explained by
// the issuers the server listed.
func (m *meeting) refused(s *sighting, code checks.Code, err error) {
	s.failed(code, err)
	if m.options.Present != checks.PresentCert {
		switch {
		case m.asked != nil && aboutClient[code]:
			s.code, s.facts["refusal"] = checks.CliRefused, string(code)
		case m.shaken && code == checks.TLSClosed: // it hung up, perhaps for the request alone
			s.outcome = checks.Unverified
		}
		return
	}
	if m.asked != nil && !madeFor(m.cert.Leaf, x509.ExtKeyUsageClientAuth) && vague[code] {
		s.code, s.facts["refusal"] = checks.CliUnsupported, string(code)
		s.evidence.Err = printable(fmt.Appendf(nil, "the certificate presented, of %s, is not made for a client", m.cert.Leaf.Subject))
		return
	}
	if m.asked == nil || m.listed() != "no" {
		return
	}
	if code == checks.CliUnknown || code == checks.TLSClosed {
		s.code, s.facts["refusal"] = checks.CliOtherIssuer, string(code)
	}
	if code != s.code || code == checks.CliUntrustedCA {
		s.evidence.Err = printable([]byte(m.explained()))
	}
}

// vague are refusals for which a certificate that is not made for a client is reason enough.
var vague = map[checks.Code]bool{checks.CliBad: true, checks.CliUnsupported: true, checks.CliUnknown: true, checks.TLSClosed: true}

// aboutClient are the codes that speak about a client certificate.
var aboutClient = map[checks.Code]bool{
	checks.CliMissing: true, checks.CliBad: true, checks.CliUnsupported: true, checks.CliRevoked: true, checks.CliExpired: true,
	checks.CliUnknown: true, checks.CliUntrustedCA: true, checks.CliDenied: true,
}

// answered weighs an answer. Some servers let every certificate in and refuse it in HTTP; a bare 400 says nothing either way.
func (m *meeting) answered(s *sighting, answer []byte) {
	status := ""
	if found := statusLine.FindSubmatch(answer); found != nil {
		status = string(found[1])
		s.facts[checks.FactHTTPStatus] = status
	}
	code := inHTTP(status, answer)
	if m.options.Present != checks.PresentCert {
		m.letIn(s, code, status)
		return
	}
	switch {
	case m.asked == nil && (code == checks.OK || code == checks.AcceptedUnserved):
		s.code = checks.CliNotRequested
	case code == checks.AcceptedUnconfirmed:
		s.code, s.outcome, s.evidence.Err = code, checks.Warn, bare400
	case code == checks.OK, code == checks.AcceptedUnserved:
		s.code = checks.Accepted
		m.compare(s)
		if s.code == checks.Accepted && code == checks.AcceptedUnserved {
			s.code, s.outcome, s.evidence.Err = code, checks.Warn, "the server answered "+status+" after it had taken the certificate"
		}
	default:
		s.code, s.evidence.Err = code, "the server answered "+status
	}
}

const bare400 = "the server answered 400, with which some refuse a certificate and others the request"

// letIn weighs an answer to who had to be refused. One that is not the service's own says nothing about the service, where a certificate
// was asked for at all.
func (m *meeting) letIn(s *sighting, code checks.Code, status string) {
	switch {
	case code == checks.AcceptedUnconfirmed:
		s.code, s.evidence.Err = code, bare400
	case code == checks.AcceptedUnserved && m.asked != nil:
		s.code, s.evidence.Err = checks.AcceptedUnconfirmed, "the server answered "+status+", which need not be the service's own answer"
	case code == checks.OK, code == checks.AcceptedUnserved:
		s.code = checks.CliUnchecked
	default:
		s.code, s.facts["refusal"] = checks.CliRefused, string(code)
	}
}

// inHTTP is what an HTTP answer says about the certificate: OK when it says nothing against it.
func inHTTP(status string, answer []byte) checks.Code {
	switch status {
	case "400": // nginx says so in the body
		switch {
		case bytes.Contains(answer, []byte("No required SSL certificate")):
			return checks.CliMissing
		case bytes.Contains(answer, []byte("SSL certificate error")):
			return checks.CliUnknown
		}
		return checks.AcceptedUnconfirmed
	case "496":
		return checks.CliMissing
	case "495":
		return checks.CliUnknown
	case "401", "403":
		return checks.HTTPStatus
	case "404", "410", "421", "429", "502", "503", "504": // a gateway's words: there is nothing of that name, or nobody behind it
		return checks.AcceptedUnserved
	}
	return checks.OK
}
