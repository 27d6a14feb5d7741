package probe

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"skift/checks"
)

// servedChain is what a server presented and what it is held against.
type servedChain struct {
	certs   []*x509.Certificate // as served, leaf first
	between *x509.CertPool      // all but the leaf
	bundles []bundle            // each alone must lead to trust
	names   []string            // all must be covered by the leaf
	at      time.Time           // now
	now     []verified          // per bundle, at now
}

// verified is what one verification gave.
type verified struct {
	chains [][]*x509.Certificate
	err    error
}

func newServedChain(certs []*x509.Certificate, bundles []bundle, names []string, at time.Time) *servedChain {
	c := &servedChain{certs: certs, between: x509.NewCertPool(), bundles: bundles, names: names, at: at}
	for _, cert := range certs[1:] {
		c.between.AddCert(cert)
	}
	for _, b := range bundles {
		c.now = append(c.now, c.verify(b, at))
	}
	return c
}

// finding is one thing that is wrong with a chain.
type finding struct {
	code    checks.Code
	verdict checks.Verdict // "" = the code's own
	text    string
	facts   map[string]string
}

func (c *servedChain) leaf() *x509.Certificate { return c.certs[0] }

// findings lists what is wrong, the gravest first. Time hides trust in the library (an expired leaf is never looked up),
// so trust is asked apart from time.
func (c *servedChain) findings(moments []checks.Moment, minDays int) []finding {
	found := slices.Concat(c.weak(), c.untrusted())
	found = append(found, c.outOfTime()...)
	if len(found) == 0 {
		found = c.lapsed()
	}
	if found = append(found, c.misnamed()...); len(found) > 0 {
		return found
	}
	return slices.Concat(c.runsOut(moments), c.smallKey(), c.tooFewDays(minDays))
}

// verify builds chains to one bundle at an instant. Names are judged apart.
func (c *servedChain) verify(b bundle, at time.Time) verified {
	chains, err := c.leaf().Verify(x509.VerifyOptions{Roots: b.pool, Intermediates: c.between, CurrentTime: at})
	return verified{chains, err}
}

// weak finds signatures the library refuses, which it reports as an unknown authority. A root's own signature is not looked at, and
// nor is anything when the chain verifies without it: servers send along what nobody needs.
func (c *servedChain) weak() []finding {
	if !slices.ContainsFunc(c.now, func(v verified) bool { return v.err != nil }) {
		return nil
	}
	for _, cert := range c.certs {
		switch cert.SignatureAlgorithm {
		case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
			if !selfIssued(cert) {
				return []finding{{code: checks.SrvWeak, text: fmt.Sprintf("the certificate of %s is signed with %s", cert.Subject, cert.SignatureAlgorithm)}}
			}
		}
	}
	return nil
}

// smallKey warns about an RSA key that the library still accepts.
func (c *servedChain) smallKey() []finding {
	k, ok := c.leaf().PublicKey.(*rsa.PublicKey)
	if !ok || k.N.BitLen() >= 2048 {
		return nil
	}
	return []finding{{code: checks.SrvWeak, verdict: checks.Warn, text: fmt.Sprintf("the key has %d bits", k.N.BitLen())}}
}

// untrusted finds the bundles that lead to trust at no instant of the leaf's life.
func (c *servedChain) untrusted() []finding {
	var not []string
	var first error
	for i, b := range c.bundles {
		if err := c.trustedEver(b, c.now[i].err); err != nil {
			not = append(not, b.name)
			if first == nil {
				first = err
			}
		}
	}
	if len(not) == 0 {
		return nil
	}
	f := finding{code: checks.SrvUntrusted, text: first.Error(), facts: map[string]string{"untrusted_by": joined(not)}}
	if c.missingIntermediate() {
		f.facts["missing_intermediate"] = "true"
		f.text = fmt.Sprintf("the server does not send the certificate of %s, which issued its own", c.leaf().Issuer)
	}
	return []finding{f}
}

// trustedEver tries, after now, the ends of every served certificate that lie inside the leaf's life. An error is something else
// than a date: when only dates stand in the way, as with an expired leaf under a renewed issuer, it is a matter of time.
func (c *servedChain) trustedEver(b bundle, now error) error {
	leaf := c.leaf()
	instants := []time.Time{leaf.NotBefore, leaf.NotAfter}
	for _, cert := range c.certs[1:] {
		instants = append(instants, cert.NotBefore, cert.NotAfter)
	}
	errs := []error{now}
	for _, at := range instants {
		if now != nil && !at.Before(leaf.NotBefore) && !at.After(leaf.NotAfter) {
			errs = append(errs, c.verify(b, at).err)
		}
	}
	if slices.Contains(errs, nil) {
		return nil
	}
	if i := slices.IndexFunc(errs, func(err error) bool { return !byTime(err) }); i >= 0 {
		return errs[i]
	}
	return nil
}

// byTime reports whether a certificate is refused for its dates.
func byTime(err error) bool {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	return ok && invalid.Reason == x509.Expired
}

// missingIntermediate reports whether the leaf's issuer is neither served nor in any bundle.
func (c *servedChain) missingIntermediate() bool {
	issuer := string(c.leaf().RawIssuer)
	known := slices.Clone(c.certs) // a self-issued leaf is its own issuer
	for _, b := range c.bundles {
		known = append(known, b.certs...)
	}
	return !slices.ContainsFunc(known, func(k *x509.Certificate) bool { return string(k.RawSubject) == issuer })
}

// outOfTime finds the certificate that is expired or not yet valid now: any served one that a chain needs.
func (c *servedChain) outOfTime() []finding {
	for _, v := range c.now {
		if byTime(v.err) {
			invalid, _ := errors.AsType[x509.CertificateInvalidError](v.err)
			return []finding{c.dated(invalid.Cert)}
		}
	}
	return nil
}

func (c *servedChain) dated(cert *x509.Certificate) finding {
	if c.at.Before(cert.NotBefore) {
		return finding{code: checks.SrvNotYet, text: fmt.Sprintf("the certificate of %s begins %s", cert.Subject, stamp(cert.NotBefore))}
	}
	return finding{code: checks.SrvExpired, text: fmt.Sprintf("the certificate of %s ended %s", cert.Subject, stamp(cert.NotAfter))}
}

// lapsed explains a chain that has led to trust and does not now, although the library blames no date: of two issuers with one name
// it reports the last it tried, which may be the one that is merely unknown.
func (c *servedChain) lapsed() []finding {
	i := slices.IndexFunc(c.now, func(v verified) bool { return v.err != nil })
	if i < 0 {
		return nil
	}
	for _, cert := range c.certs {
		if c.at.Before(cert.NotBefore) || c.at.After(cert.NotAfter) {
			return []finding{c.dated(cert)}
		}
	}
	return []finding{{code: checks.SrvUntrusted, text: c.now[i].err.Error(), facts: map[string]string{"untrusted_by": c.bundles[i].name}}}
}

func (c *servedChain) misnamed() []finding {
	var not []string
	for _, n := range c.names {
		if c.leaf().VerifyHostname(n) != nil {
			not = append(not, n)
		}
	}
	if len(not) == 0 {
		return nil
	}
	text := fmt.Sprintf("the certificate does not name %s; it names %s", joined(not), orNothing(sans(c.leaf())))
	return []finding{{code: checks.SrvName, text: text, facts: map[string]string{"not_named": joined(not)}}}
}

// runsOut finds the moments ahead at which no chain verifies any more. Moments in the past are not asked:
// a certificate renewed since then did not exist yet.
func (c *servedChain) runsOut(moments []checks.Moment) []finding {
	var at []string
	for _, m := range moments {
		if m.At.Before(c.at) {
			continue
		}
		if slices.ContainsFunc(c.bundles, func(b bundle) bool { return c.verify(b, m.At).err != nil }) {
			at = append(at, m.Name)
		}
	}
	if len(at) == 0 {
		return nil
	}
	text := fmt.Sprintf("valid now, but not at %s; the chain ends %s", joined(at), stamp(c.bestMin()))
	return []finding{{code: checks.SrvExpires, text: text, facts: map[string]string{"invalid_at": joined(at)}}}
}

func (c *servedChain) tooFewDays(minDays int) []finding {
	end := c.bestMin()
	if minDays <= 0 || end.IsZero() || !end.Before(c.at.AddDate(0, 0, minDays)) {
		return nil
	}
	text := fmt.Sprintf("the chain ends %s, less than %d days from now", stamp(end), minDays)
	return []finding{{code: checks.SrvExpires, verdict: checks.Warn, text: text, facts: map[string]string{"min_days": strconv.Itoa(minDays)}}}
}

// bestMin is how long the longest-lived chain lasts, in the bundle where that is shortest. Zero when none verifies now.
func (c *servedChain) bestMin() time.Time {
	var worst time.Time
	for _, v := range c.now {
		if v.err != nil {
			return time.Time{}
		}
		var best time.Time
		for _, chain := range v.chains {
			if end := shortest(chain); end.After(best) {
				best = end
			}
		}
		if worst.IsZero() || best.Before(worst) {
			worst = best
		}
	}
	return worst
}

func shortest(certs []*x509.Certificate) time.Time {
	return slices.MinFunc(certs, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) }).NotAfter
}

// facts describe the served chain, comparable between the sides.
func (c *servedChain) facts() map[string]string {
	leaf := c.leaf()
	sum := sha256.Sum256(leaf.Raw)
	return map[string]string{
		"leaf_sha256":    hex.EncodeToString(sum[:]),
		"serial":         fmt.Sprintf("%x", leaf.SerialNumber),
		"subject":        leaf.Subject.String(),
		"sans":           sans(leaf),
		"issuer":         leaf.Issuer.String(),
		"not_before":     stamp(leaf.NotBefore),
		"not_after":      stamp(leaf.NotAfter),
		"key":            keyName(leaf.PublicKey),
		"sigalg":         leaf.SignatureAlgorithm.String(),
		"served":         strconv.Itoa(len(c.certs)),
		"served_min":     stamp(shortest(c.certs)),
		"served_order":   c.order(),
		"best_chain_min": stamp(c.bestMin()),
	}
}

// order reports whether each served certificate was issued by the next one.
func (c *servedChain) order() string {
	for i := 1; i < len(c.certs); i++ {
		if string(c.certs[i-1].RawIssuer) != string(c.certs[i].RawSubject) {
			return "wrong"
		}
	}
	return "right"
}

func selfIssued(c *x509.Certificate) bool { return string(c.RawIssuer) == string(c.RawSubject) }

func sans(c *x509.Certificate) string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	slices.Sort(names)
	return joined(names)
}

func keyName(key any) string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return "rsa-" + strconv.Itoa(k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ecdsa-" + strconv.Itoa(k.Curve.Params().BitSize)
	case ed25519.PublicKey:
		return "ed25519"
	}
	return "other"
}

// stamp writes an instant of a certificate; certificates know no fractions of a second.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func joined(list []string) string { return strings.Join(list, ",") }

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}
