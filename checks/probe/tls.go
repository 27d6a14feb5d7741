package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"skift/checks"
	"skift/internal/dial"
)

// tls shakes hands without letting the library judge, collects what was served, and judges it here: against each bundle
// alone, now and at the plan's moments.
func (p *Prober) tls(ctx context.Context, t target) sighting {
	o, _ := t.Spec.Options.(checks.TLSOptions)
	bundles, err := p.trust.bundles(o.TrustedBy, t.Trust)
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
	state, asked, err := shake(ctx, conn, t)
	s.heard(conn)
	if len(state.PeerCertificates) == 0 || err != nil && !asked {
		s.handshakeFailed(conn, err)
		return s
	}
	s.reached = "tls"
	s.timings["tls"] = time.Since(conn.Established())
	s.set(stateFacts(state, asked))
	s.evidence.Alert = alertText(err) // of a server that ends the handshake because we bring no certificate

	at := t.At
	if at.IsZero() {
		at = time.Now()
	}
	names := o.Names
	if len(names) == 0 {
		names = []string{t.nameOrAddr()}
	}
	chain := newServedChain(state.PeerCertificates, bundles, names, at)
	s.set(chain.facts())
	s.judge(chain.findings(t.ValidAt, o.MinDays))
	return s
}

// shake does the handshake. The state holds the served certificates also when the server then refuses us for want of a
// client certificate, which asked reports: the server's own certificate can be judged all the same.
func shake(ctx context.Context, conn *dial.Conn, t target) (state tls.ConnectionState, asked bool, err error) {
	if err := conn.Phase(t.timeout); err != nil {
		return state, false, err
	}
	cfg := plainTLS(t)
	cfg.VerifyConnection = func(c tls.ConnectionState) error { state = c; return nil }
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked = true
		return &tls.Certificate{}, nil
	}
	client := tls.Client(conn, cfg)
	err = client.HandshakeContext(ctx)
	if err == nil {
		state = client.ConnectionState()
	}
	return state, asked, err
}

func (s *sighting) handshakeFailed(conn *dial.Conn, err error) {
	if err == nil {
		err = errors.New("the server presented no certificate")
	}
	s.code = handshakeCode(err, conn)
	s.evidence.Alert = alertText(err)
	s.evidence.Err, s.evidence.Errno = printable([]byte(err.Error())), dial.Errno(err)
}

// judge takes the first finding as the code and keeps the names of the others as a fact.
func (s *sighting) judge(found []finding) {
	s.code = checks.OK
	if len(found) == 0 {
		return
	}
	s.code, s.outcome = found[0].code, found[0].verdict
	s.evidence.Err = printable([]byte(found[0].text))
	var codes []string
	for _, f := range found {
		codes = append(codes, string(f.code))
		s.set(f.facts)
	}
	if len(found) > 1 {
		s.facts["findings"] = joined(codes)
	}
}

func stateFacts(c tls.ConnectionState, asked bool) map[string]string {
	return map[string]string{
		"version":     tls.VersionName(c.Version),
		"suite":       tls.CipherSuiteName(c.CipherSuite),
		"alpn":        c.NegotiatedProtocol,
		"client_cert": map[bool]string{true: "requested", false: "not requested"}[asked],
	}
}

// sni is the name sent in the hello; addresses are never sent.
func (t target) sni() string { return t.ServerName }

// nameOrAddr is whom the certificate must name.
func (t target) nameOrAddr() string {
	if t.ServerName != "" {
		return t.ServerName
	}
	return t.addr.Addr().String()
}
