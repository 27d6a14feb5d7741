package probe

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"skift/checks"
)

// maxLinks is how many certificates of a served chain are kept as facts; an honest one has three. The fact "served" counts them all.
const maxLinks = 8

// nameLimit is how much of a name is kept in a link: two of them and the digests fit into one fact.
const nameLimit = 120

// links describe each served certificate, in the order served.
func (c *servedChain) links() map[string]string {
	facts := map[string]string{}
	for i, cert := range c.certs[:min(len(c.certs), maxLinks)] {
		facts[checks.LinkFact(i+1)] = checks.Link{
			SHA256: hexSum(cert.Raw), SPKI: hexSum(cert.RawSubjectPublicKeyInfo), NotBefore: stamp(cert.NotBefore), NotAfter: stamp(cert.NotAfter),
			Serial:  atMost(fmt.Sprintf("%x", cert.SerialNumber), 48),
			Subject: atMost(fact(cert.Subject.String()), nameLimit), Issuer: atMost(fact(cert.Issuer.String()), nameLimit),
		}.String()
	}
	return facts
}

// atMost cuts a text between its characters. It need not compare: the digest of the certificate stands beside it.
func atMost(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit-len("…")], "") + "…"
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// mispinned finds a leaf or a key that is none of those announced.
func (c *servedChain) mispinned(d demands) []finding {
	var found []finding
	for _, p := range []struct {
		what, seen string
		pins       []string
	}{
		{"certificate", hexSum(c.leaf().Raw), d.fingerprints},
		{"public key", hexSum(c.leaf().RawSubjectPublicKeyInfo), d.spki},
	} {
		if len(p.pins) > 0 && !slices.Contains(p.pins, p.seen) {
			text := fmt.Sprintf("the %s has the SHA-256 digest %s, which is not pinned", p.what, p.seen)
			found = append(found, finding{code: checks.PinMismatch, text: text, facts: map[string]string{"not_pinned": p.what}})
		}
	}
	return found[:min(len(found), 1)]
}

// negativeSerial warns about a serial number that the rules forbid (RFC 5280, section 4.1.2.2): newer clients refuse such a
// certificate as unreadable. It is read here only because go.mod sets x509negativeserial.
func (c *servedChain) negativeSerial() []finding {
	for _, cert := range c.certs {
		if cert.SerialNumber.Sign() < 0 {
			text := fmt.Sprintf("the certificate of %s has a negative serial number, which many clients refuse to read", cert.Subject)
			return []finding{{code: checks.SrvWeak, verdict: checks.Warn, text: text, facts: map[string]string{"negative_serial": "true"}}}
		}
	}
	return nil
}

// responders are the addresses a certificate names for those who ask about it.
func responders(c *x509.Certificate) map[string]string {
	return map[string]string{
		"ocsp_urls":   joined(c.OCSPServer),
		"crl_urls":    joined(c.CRLDistributionPoints),
		"issuer_urls": joined(c.IssuingCertificateURL),
	}
}
