package probe

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"

	"skift/checks"
)

// What may be read, and how much a stranger's certificates may have asked.
const (
	maxOCSP    = 64 << 10
	maxCRL     = 8 << 20
	maxURLs    = 3 // per certificate and source
	maxAsked   = 4 // certificates of the chain
	askingOCSP = "application/ocsp-request"
)

// statusOf is what one source says of one certificate of the chain.
type statusOf struct {
	source checks.StatusSource
	index  int    // in the chain; 0 = the server's own
	url    string // "" = stapled
	status
}

// revocation takes the chain a server presents and asks about each of its certificates the way a partner would: what the server staples,
// the responders and the lists that the certificates name.
func (p *Prober) revocation(ctx context.Context, t target) sighting {
	o, _ := t.Spec.Options.(checks.RevocationOptions)
	bundles, err := p.trust.bundles(o.TrustedBy, t.Trust)
	if err != nil {
		return sighting{}.ours(err)
	}
	s, shaken := p.greet(ctx, t, checks.TLSOptions{}, nil)
	if !shaken.served() {
		return s
	}
	state := shaken.state
	s.reached = "tls"
	at := t.At
	if at.IsZero() {
		at = time.Now()
	}
	q := inquiry{p: p, t: t, o: o, at: at, known: slices.Clone(state.PeerCertificates)}
	for _, b := range bundles {
		q.known = append(q.known, b.certs...)
	}
	leaf := state.PeerCertificates[0]
	if mustStaple(leaf) && !o.Requires(checks.Stapled) {
		q.o.Require = append(slices.Clone(o.Require), checks.Stapled)
	}
	for i, cert := range state.PeerCertificates[:min(len(state.PeerCertificates), maxAsked)] {
		q.about(i, cert, state.OCSPResponse)
	}
	q.await(ctx)
	s.set(q.facts(leaf))
	s.set((&servedChain{certs: state.PeerCertificates}).links())
	s.judge(q.findings())
	return s
}

// inquiry is what is asked about one chain.
type inquiry struct {
	p     *Prober
	t     target
	o     checks.RevocationOptions
	at    time.Time
	known []*x509.Certificate // among which issuers are found
	open  []question
	told  []statusOf
}

// question is one that a responder is still to be asked.
type question struct {
	place int // of its answer among those told
	fetch fetch
	judge func(data []byte) status
}

// about asks every source of one certificate's status.
func (q *inquiry) about(index int, cert *x509.Certificate, stapled []byte) {
	issuer := q.issuerOf(cert)
	offers := index == 0 && stapled != nil || len(cert.OCSPServer)+len(cert.CRLDistributionPoints) > 0
	switch {
	case selfIssued(cert), !offers:
		return
	case issuer == nil:
		q.tell(statusOf{checks.OCSP, index, "", statusf(checks.StatusNoIssuer, "the certificate of %s is neither sent nor in trusted_by", cert.Issuer)})
		return
	}
	if index == 0 && stapled != nil {
		q.tell(statusOf{checks.Stapled, 0, "", judgeOCSP(stapled, cert, issuer, q.at)})
	}
	for _, u := range webURLs(cert.OCSPServer) {
		asks, err := ocsp.CreateRequest(cert, issuer, nil)
		if err != nil {
			continue
		}
		q.ask(checks.OCSP, index, fetch{u, asks, askingOCSP, maxOCSP}, func(data []byte) status { return judgeOCSP(data, cert, issuer, q.at) })
	}
	for _, u := range webURLs(cert.CRLDistributionPoints) {
		q.ask(checks.CRL, index, fetch{url: u, most: maxCRL}, func(data []byte) status { return judgeCRL(data, cert, issuer, q.at) })
	}
}

// ask keeps a place for an answer that await fetches.
func (q *inquiry) ask(source checks.StatusSource, index int, f fetch, judge func([]byte) status) {
	q.open = append(q.open, question{len(q.told), f, judge})
	q.tell(statusOf{source: source, index: index, url: f.url})
}

// await asks everybody at the same time, so that slow responders together take no longer than the slowest. A list that two
// certificates name is fetched once.
func (q *inquiry) await(ctx context.Context) {
	first := func(o question) int {
		return slices.IndexFunc(q.open, func(a question) bool { return a.fetch.url == o.fetch.url && bytes.Equal(a.fetch.body, o.fetch.body) })
	}
	got := make([]fetched, len(q.open))
	var all sync.WaitGroup
	for i, o := range q.open {
		if first(o) == i {
			all.Go(func() { got[i] = q.p.fetch(ctx, q.t, q.o.Responders, o.fetch) })
		}
	}
	all.Wait()
	for _, o := range q.open {
		answer := got[first(o)]
		if answer.code == checks.OK {
			answer.status = o.judge(answer.data)
		}
		q.told[o.place].status = answer.status
	}
}

func (q *inquiry) tell(s statusOf) { q.told = append(q.told, s) }

func (q *inquiry) issuerOf(cert *x509.Certificate) *x509.Certificate {
	i := slices.IndexFunc(q.known, func(k *x509.Certificate) bool {
		return bytes.Equal(k.RawSubject, cert.RawIssuer) && cert.CheckSignatureFrom(k) == nil
	})
	if i < 0 {
		return nil
	}
	return q.known[i]
}

// webURLs are the addresses a partner's program would ask. Directories (ldap) are named beside them by habit, and asked by nobody outside;
// what cannot be asked at all is left in, for that is a fault of the certificate.
func webURLs(named []string) []string {
	var out []string
	for _, n := range named {
		if u, err := url.Parse(n); (err != nil || u.Scheme != "ldap") && len(out) < maxURLs {
			out = append(out, n)
		}
	}
	return out
}

// findings are what is not as it must be, the gravest first: a certificate that is revoked, whoever says so; then what is required and
// does not say good; then, as a warning, what does not say good although another source does.
func (q *inquiry) findings() []finding {
	var revoked, hard, soft []finding
	for _, s := range q.told {
		if s.code == checks.StatusRevoked {
			revoked = append(revoked, s.finding(""))
		}
	}
	for _, source := range q.o.Require {
		hard = append(hard, q.lacking(source)...)
	}
	good := slices.ContainsFunc(q.told, func(s statusOf) bool { return s.index == 0 && s.code == checks.OK })
	if len(q.o.Require) == 0 && !good {
		hard = q.lacking("")
	}
	for _, s := range q.told {
		if s.code != checks.OK && s.code != checks.StatusRevoked && !q.unasked(s) {
			soft = append(soft, s.finding(checks.Warn))
		}
	}
	var found []finding
	for _, f := range slices.Concat(revoked, hard, soft) {
		if !slices.ContainsFunc(found, func(g finding) bool { return g.code == f.code }) {
			found = append(found, f)
		}
	}
	return found
}

// lacking says what a source ("" = any) gives for the server's own certificate in place of good.
func (q *inquiry) lacking(source checks.StatusSource) []finding {
	var first *statusOf
	for i, s := range q.told {
		if s.index != 0 || source != "" && s.source != source && s.code != checks.StatusNoIssuer {
			continue
		}
		if s.code == checks.OK {
			return nil
		}
		if first == nil && s.code != checks.StatusRevoked {
			first = &q.told[i]
		}
	}
	switch {
	case first != nil:
		return []finding{first.finding("")}
	case source == "" && len(q.told) > 0 && slices.ContainsFunc(q.told, func(s statusOf) bool { return s.index == 0 }):
		return nil // revoked, and told already
	case source == "":
		return []finding{{code: checks.StatusAbsent, verdict: checks.Warn, text: "nothing is stapled, and the certificate names neither a responder nor a list"}}
	}
	return []finding{{code: checks.StatusAbsent, text: fmt.Sprintf("required is %s, and it is not offered", source)}}
}

// unasked reports a source that the plan allows no network for: it was left out on purpose.
func (q *inquiry) unasked(s statusOf) bool {
	return s.code == checks.LocalPolicy && len(q.o.Responders) == 0
}

func (s statusOf) finding(verdict checks.Verdict) finding {
	text := s.text
	if s.index > 0 {
		text = fmt.Sprintf("issuer %d of the chain: %s", s.index, text)
	}
	return finding{code: s.code, verdict: verdict, text: text, facts: map[string]string{string(s.source) + "_url": s.url}}
}

// facts say what each source told of the server's own certificate.
func (q *inquiry) facts(leaf *x509.Certificate) map[string]string {
	_, sum := sums(leaf)
	facts := map[string]string{"leaf_sha256": sum, "serial": fmt.Sprintf("%x", leaf.SerialNumber), "issuer": leaf.Issuer.String()}
	for _, source := range checks.StatusSources() {
		facts[string(source)] = string(checks.StatusAbsent)
	}
	for _, s := range slices.Backward(q.told) {
		if s.index == 0 {
			facts[string(s.source)] = string(s.code)
		}
	}
	if mustStaple(leaf) {
		facts["must_staple"] = "true"
	}
	return facts
}

// mustStaple reports a certificate that says itself that the server always staples (RFC 7633).
func mustStaple(cert *x509.Certificate) bool {
	const statusRequest = 5
	for _, e := range cert.Extensions {
		var features []int
		if e.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}) {
			_, err := asn1.Unmarshal(e.Value, &features)
			return err == nil && slices.Contains(features, statusRequest)
		}
	}
	return false
}
