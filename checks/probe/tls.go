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
	s, shaken := p.greet(ctx, t, o, nil)
	var diagnosed []finding
	if d, ok := diagnoses[s.code]; ok && shaken.err != nil && !shaken.served() {
		diagnosed = p.diagnose(ctx, t, &s, &shaken, d)
	}
	if !shaken.served() {
		return s
	}
	s.reached = "tls"
	s.set(stateFacts(shaken.state, shaken.asked))
	at := t.At
	if at.IsZero() {
		at = time.Now()
	}
	names := o.Names
	if len(names) == 0 {
		names = []string{t.nameOrAddr()}
	}
	chain := newServedChain(shaken.state.PeerCertificates, bundles, names, at)
	s.set(chain.facts())
	s.set(chain.links())
	s.set(p.leads(ctx, t, o.NameServers))
	s.judge(append(diagnosed, chain.findings(t.demands(o))...))
	return s
}

// demands is what the chain must satisfy on the side that is asked.
func (t target) demands(o checks.TLSOptions) demands {
	return demands{moments: t.ValidAt, minDays: o.MinDays, fingerprints: o.Fingerprint[t.Unit.Side], spki: o.SPKI[t.Unit.Side]}
}

// shaken is what a handshake gave.
type shaken struct {
	state tls.ConnectionState
	asked bool // for a client certificate
	err   error
}

// served reports whether a chain was seen. The state holds it also when the server then refuses us for want of a client
// certificate: the server's own certificate can be judged all the same.
func (h shaken) served() bool {
	return len(h.state.PeerCertificates) > 0 && (h.err == nil || h.asked)
}

// greet makes one connection and shakes hands on it; change may alter what is offered. When nothing was served, the sighting is complete.
func (p *Prober) greet(ctx context.Context, t target, o checks.TLSOptions, change func(*tls.Config)) (sighting, shaken) {
	conn, s, ok := p.connect(ctx, t)
	if s.code == checks.ClosedPreBanner && o.StartTLS == "" {
		s.code = checks.TLSClosed
	}
	if !ok {
		return s, shaken{}
	}
	defer conn.Close()
	defer conn.CloseOn(ctx)()
	if begin := startTLS[o.StartTLS]; begin != nil {
		code, err := begin(conn, t.timeout)
		if code != checks.OK {
			s.heard(conn)
			s.failed(code, err)
			return s, shaken{}
		}
		s.reached = "banner"
	}
	began := time.Now()
	h := shake(ctx, conn, t, change)
	s.heard(conn)
	if !h.served() {
		s.handshakeFailed(conn, h.err)
		return s, h
	}
	s.timings["tls"] = time.Since(began)
	s.evidence.Alert = alertText(h.err) // of a server that ends the handshake because we bring no certificate
	return s, h
}

// shake does the handshake.
func shake(ctx context.Context, conn *dial.Conn, t target, change func(*tls.Config)) (h shaken) {
	if h.err = conn.Phase(t.timeout); h.err != nil {
		return h
	}
	cfg := plainTLS(t)
	cfg.VerifyConnection = func(c tls.ConnectionState) error { h.state = c; return nil }
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		h.asked = true
		return &tls.Certificate{}, nil
	}
	if change != nil {
		change(cfg)
	}
	client := tls.Client(conn, cfg)
	h.err = client.Handshake() // conn is closed when ctx ends; the library would keep a goroutine for the same
	if h.err == nil {
		h.state = client.ConnectionState()
	}
	return h
}

func (s *sighting) handshakeFailed(conn *dial.Conn, err error) {
	if err == nil {
		err = errors.New("the server presented no certificate")
	}
	s.failed(handshakeCode(err, conn), err)
}

// failed says why nothing was had.
func (s *sighting) failed(code checks.Code, err error) {
	s.code = code
	if err != nil {
		s.evidence.Alert = alertText(err)
		s.evidence.Err, s.evidence.Errno = printable([]byte(err.Error())), dial.Errno(err)
	}
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
