package probe

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"skift/checks"
)

// newHeldChain judges a chain that lies in a file by the rules for one that a server presents, except that it may be made for anything:
// what it must be made for is asked apart, so that it has a code of its own.
func newHeldChain(certs []*x509.Certificate, bundles []bundle, at time.Time) *servedChain {
	c := newServedChain(certs, nil, nil, at)
	c.bundles, c.usages, c.lacks = bundles, []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, "the file does not hold"
	for _, b := range bundles {
		c.now = append(c.now, c.verify(b, at))
	}
	return c
}

// asHeld are the codes of a served chain as they are of one in a file.
var asHeld = map[checks.Code]checks.Code{
	checks.SrvExpired: checks.CertExpired, checks.SrvNotYet: checks.CertNotYet, checks.SrvExpires: checks.CertExpires,
	checks.SrvUntrusted: checks.CertUntrusted, checks.SrvWeak: checks.CertWeak, checks.SrvConstraint: checks.CertConstraint,
	checks.MissingIntermediate: checks.CertIncomplete,
}

// heldFindings are what is wrong with a chain in a file, beside whose it is. Its own signature is looked at also where no chain is built
// that would need it.
func heldFindings(c *servedChain, moments []checks.Moment, o checks.CertFileOptions) []finding {
	var found []finding
	for _, f := range append(c.findings(demands{moments: moments, minDays: o.MinDays}), finding{code: checks.SrvWeak, text: weakSignature(c.leaf())}) {
		delete(f.facts, "missing_intermediate")
		if held := asHeld[f.code]; held != "" {
			f.code = held
		}
		if f.text != "" && !slices.ContainsFunc(found, func(g finding) bool { return g.code == f.code }) {
			found = append(found, f)
		}
	}
	return append(found, c.misused(o.Usage)...)
}

// misused finds a certificate that is not made for its use: by its own words, or by those of an issuer.
func (c *servedChain) misused(usage checks.Usage) []finding {
	want := x509.ExtKeyUsageClientAuth
	if usage == checks.UsageServer {
		want = x509.ExtKeyUsageServerAuth
	}
	for i, b := range c.bundles {
		_, err := c.leaf().Verify(x509.VerifyOptions{Roots: b.pool, Intermediates: c.between, CurrentTime: c.at, KeyUsages: []x509.ExtKeyUsage{want}})
		if err != nil && c.now[i].err == nil || !madeFor(c.leaf(), want) {
			return []finding{{code: checks.CertUsage, text: fmt.Sprintf("the certificate of %s is not made for a %s", c.leaf().Subject, usage)}}
		}
	}
	return nil
}

func madeFor(c *x509.Certificate, want x509.ExtKeyUsage) bool {
	anything := len(c.ExtKeyUsage) == 0 && len(c.UnknownExtKeyUsage) == 0
	return anything || slices.Contains(c.ExtKeyUsage, want) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// gravestFirst puts what fails before what only warns, and keeps the order otherwise.
func gravestFirst(found []finding) []finding {
	slices.SortStableFunc(found, func(a, b finding) int { return gravity(a) - gravity(b) })
	return found
}

func gravity(f finding) int {
	if f.verdict == checks.Warn {
		return 1
	}
	return 0
}
