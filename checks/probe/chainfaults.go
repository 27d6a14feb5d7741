package probe

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"skift/checks"
)

// gravities order what keeps a chain from being trusted: who knows no issuer need not hear of dates, and who must renew a certificate
// gets a new signature with it.
var gravities = []checks.Code{checks.SrvUntrusted, checks.MissingIntermediate, checks.SrvConstraint, checks.SrvUsage, checks.SrvExpired,
	checks.SrvNotYet, checks.SrvWeak}

func byGravity(a, b finding) int {
	return cmp.Compare(slices.Index(gravities, a.code), slices.Index(gravities, b.code))
}

// gravestCode compares what is gravest in two lists.
func gravestCode(a, b []finding) int {
	if len(a) == 0 || len(b) == 0 {
		return cmp.Compare(len(a), len(b))
	}
	return byGravity(a[0], b[0])
}

// broken finds why bundles do not lead to trust now, for each bundle alone: what is missing for one may be in another.
func (c *servedChain) broken() []finding {
	var found []finding
	var not []string
	for i, b := range c.bundles {
		if c.now[i].err == nil {
			continue
		}
		for _, f := range c.distrusted(b, c.now[i].err) {
			if f.code == checks.SrvUntrusted || f.code == checks.MissingIntermediate {
				not, f.facts = append(not, b.name), map[string]string{}
			}
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, byGravity)
	found = slices.CompactFunc(found, func(a, b finding) bool { return a.code == b.code })
	for _, f := range found {
		if f.facts != nil {
			f.facts["untrusted_by"] = joined(not)
		}
		if f.code == checks.MissingIntermediate {
			f.facts["missing_intermediate"] = "true"
		}
	}
	return found
}

// distrusted says why one bundle does not lead to trust now; err is what the library says.
func (c *servedChain) distrusted(b bundle, err error) []finding {
	w := c.climb(b)
	found := w.faults
	switch {
	case !w.whole && b.pool == nil && forgeable(w.top().SignatureAlgorithm) && !selfIssued(w.top()):
		// The host's trust store does not tell whether it has the issuer; the signature is refused in any case.
	case !w.whole:
		found = append(found, c.ended(b, w.top()))
	case len(found) == 0:
		found = append(found, finding{code: checks.SrvUntrusted, text: err.Error()})
	}
	return found
}

// ended says what it means that a way ends before the bundle: under an issuer that is not trusted, or for want of a certificate between.
// Both look the same where the issuer above the leaf's is not known; then it is not guessed.
func (c *servedChain) ended(b bundle, top *x509.Certificate) finding {
	untrusted := func(format string, args ...any) finding {
		return finding{code: checks.SrvUntrusted, text: fmt.Sprintf(format, args...)}
	}
	named := func(k *x509.Certificate) bool { return bytes.Equal(k.RawSubject, top.RawIssuer) }
	own := "its own"
	if top != c.leaf() {
		own = fmt.Sprintf("that of %s", top.Subject)
	}
	missing := finding{code: checks.MissingIntermediate, text: fmt.Sprintf("%s the certificate of %s, which issued %s", c.lacks, top.Issuer, own)}
	root, between := c.elsewhere(b, top)
	switch {
	case selfIssued(top):
		return untrusted("the certificate of %s is its own issuer, and is not in %s", top.Subject, b.name)
	case between:
		return missing
	case slices.ContainsFunc(b.certs, named), slices.ContainsFunc(c.certs, named):
		return untrusted("the certificate of %s that is known has another key than the one that issued %s", top.Issuer, own)
	case top == c.leaf() && !root:
		return missing
	case root:
		return untrusted("the chain ends at %s, which is not in %s", top.Issuer, b.name)
	}
	return untrusted("%s the certificate of %s, which issued %s, and nor is it in %s: it is a root that is not trusted, or it is missing in between",
		c.lacks, top.Issuer, own, b.name)
}

// elsewhere looks in the other bundles for the issuer at which a way ends: whether it is a root there, and whether it stands between the
// chain and this bundle.
func (c *servedChain) elsewhere(b bundle, top *x509.Certificate) (root, between bool) {
	more := *c
	for _, other := range c.bundles {
		more.certs = slices.Concat(more.certs, other.certs)
		root = root || slices.ContainsFunc(other.certs, func(k *x509.Certificate) bool { return selfIssued(k) && issued(top, k) })
	}
	return root, len(more.certs) > len(c.certs) && more.climb(b).whole
}

// faults are what is wrong with the certificates of a way, each code once, the gravest first.
func (c *servedChain) faults(w way) []finding {
	var found []finding
	note := func(code checks.Code, text string) {
		if text != "" && !slices.ContainsFunc(found, func(f finding) bool { return f.code == code }) {
			found = append(found, finding{code: code, text: text})
		}
	}
	for i, cert := range w.certs {
		root := w.whole && i == len(w.certs)-1
		note(checks.SrvConstraint, restricted(w.certs, i, root))
		if want := c.wanted(); want != x509.ExtKeyUsageAny && !madeFor(cert, want) {
			note(checks.SrvUsage, fmt.Sprintf("the certificate of %s is not made for a server", cert.Subject))
		}
		if f := c.outOfTime(cert); f != nil {
			note(f.code, f.text)
		}
		if !root {
			note(checks.SrvWeak, weakSignature(cert))
		}
		if i > 0 && tinyRSA(cert) {
			note(checks.SrvWeak, fmt.Sprintf("the key of %s has %d bits", cert.Subject, smallRSA(cert)))
		}
	}
	if w.whole && !slices.ContainsFunc(found, func(f finding) bool { return f.code != checks.SrvExpired && f.code != checks.SrvNotYet }) {
		note(checks.SrvConstraint, c.forbidden(w))
	}
	slices.SortStableFunc(found, byGravity)
	return found
}

// wanted is what the chain must be made for.
func (c *servedChain) wanted() x509.ExtKeyUsage {
	if len(c.usages) == 0 {
		return x509.ExtKeyUsageServerAuth
	}
	return c.usages[0]
}

// outOfTime finds a certificate that is expired or not yet valid now.
func (c *servedChain) outOfTime(cert *x509.Certificate) *finding {
	switch {
	case c.at.Before(cert.NotBefore):
		return &finding{code: checks.SrvNotYet, text: fmt.Sprintf("the certificate of %s begins %s", cert.Subject, stamp(cert.NotBefore))}
	case c.at.After(cert.NotAfter):
		return &finding{code: checks.SrvExpired, text: fmt.Sprintf("the certificate of %s ended %s", cert.Subject, stamp(cert.NotAfter))}
	}
	return nil
}

// restricted says why the certificate at a place of a way may not be used there (RFC 5280, section 6.1.4); "" = it may.
func restricted(certs []*x509.Certificate, i int, root bool) string {
	cert := certs[i]
	switch {
	case len(cert.UnhandledCriticalExtensions) > 0:
		return fmt.Sprintf("the certificate of %s has a critical condition that clients do not know (%s)", cert.Subject, cert.UnhandledCriticalExtensions[0])
	case i == 0:
		return ""
	case !mayIssue(cert, root):
		return fmt.Sprintf("the certificate of %s, which issued that of %s, is not that of an authority", cert.Subject, certs[i-1].Subject)
	case cert.BasicConstraintsValid && cert.MaxPathLen >= 0 && i-1 > cert.MaxPathLen:
		return fmt.Sprintf("the certificate of %s allows at most %d authorities below it, and there are %d", cert.Subject, cert.MaxPathLen, i-1)
	}
	return ""
}

// mayIssue reports whether a certificate is that of an authority. A root may be of a time when that was not yet written down.
func mayIssue(cert *x509.Certificate, root bool) bool {
	switch {
	case cert.BasicConstraintsValid && !cert.IsCA, !cert.BasicConstraintsValid && !(root && cert.Version < 3):
		return false
	}
	return cert.KeyUsage == 0 || cert.KeyUsage&x509.KeyUsageCertSign != 0
}

// forbidden is what the library has against a way by itself at an instant of all its certificates' lives: names that an authority may
// not certify, and policies. "" = nothing.
func (c *servedChain) forbidden(w way) string {
	from := slices.MaxFunc(w.certs, func(a, b *x509.Certificate) int { return a.NotBefore.Compare(b.NotBefore) }).NotBefore
	if from.After(shortest(w.certs)) {
		return ""
	}
	alone := &servedChain{certs: w.certs, between: x509.NewCertPool(), usages: c.usages}
	for _, cert := range w.certs[1:] {
		alone.between.AddCert(cert)
	}
	b := bundle{pool: x509.NewCertPool()}
	b.pool.AddCert(w.top())
	err := alone.verify(b, from).err
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && (invalid.Reason == x509.CANotAuthorizedForThisName || invalid.Reason == x509.NoValidChains) {
		return fmt.Sprintf("an authority may not issue the certificate of %s: %v", c.leaf().Subject, err)
	}
	return ""
}
