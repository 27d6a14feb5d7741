package probe

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strconv"
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
	usages  []x509.ExtKeyUsage  // what it must be made for; nil = a server
	lacks   string              // how it is said that a certificate is not in it
}

// verified is what one verification gave.
type verified struct {
	chains [][]*x509.Certificate
	err    error
}

func newServedChain(certs []*x509.Certificate, bundles []bundle, names []string, at time.Time) *servedChain {
	c := &servedChain{certs: certs, between: x509.NewCertPool(), bundles: bundles, names: names, at: at, lacks: "the server does not send"}
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

// demands are what a check asks of a chain beside trust and names. The zero value asks nothing.
type demands struct {
	moments            []checks.Moment
	minDays            int
	fingerprints, spki []string // one of each must be presented; none = any
}

func (c *servedChain) leaf() *x509.Certificate { return c.certs[0] }

// findings lists what is wrong, the gravest first.
func (c *servedChain) findings(d demands) []finding {
	if found := slices.Concat(c.broken(), c.misnamed(), c.mispinned(d)); len(found) > 0 {
		return found
	}
	return slices.Concat(c.runsOut(d.moments), c.smallKey(), c.negativeSerial(), c.tooFewDays(d.minDays))
}

// verify builds chains to one bundle at an instant. Names are judged apart.
func (c *servedChain) verify(b bundle, at time.Time) verified {
	chains, err := c.leaf().Verify(x509.VerifyOptions{Roots: b.pool, Intermediates: c.between, CurrentTime: at, KeyUsages: c.usages})
	return verified{chains, err}
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
		if !c.holds(m.At) {
			at = append(at, m.Name)
		}
	}
	if len(at) == 0 {
		return nil
	}
	text := fmt.Sprintf("valid now, but not at %s; the chain ends %s", joined(at), stamp(c.bestMin()))
	return []finding{{code: checks.SrvExpires, text: text, facts: map[string]string{"invalid_at": joined(at)}}}
}

// holds reports whether each bundle leads to trust at an instant. A chain that verifies now does so as long as each of its certificates
// lasts; the signatures are looked at again only when none of the chains known does.
func (c *servedChain) holds(at time.Time) bool {
	for i, b := range c.bundles {
		lasts := func(chain []*x509.Certificate) bool {
			return !slices.ContainsFunc(chain, func(cert *x509.Certificate) bool { return at.Before(cert.NotBefore) || at.After(cert.NotAfter) })
		}
		if !slices.ContainsFunc(c.now[i].chains, lasts) && c.verify(b, at).err != nil {
			return false
		}
	}
	return true
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
