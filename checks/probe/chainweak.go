package probe

import (
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"

	"skift/checks"
)

// forgeable reports whether a signature is of a kind that can be forged, so that nobody accepts it any more. The library calls it an unknown authority.
func forgeable(a x509.SignatureAlgorithm) bool {
	switch a {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return true
	}
	return false
}

// weakSignature tells of a signature that nobody accepts any more; "" = it is none. An authority's signature of itself is not looked at.
func weakSignature(c *x509.Certificate) string {
	if !forgeable(c.SignatureAlgorithm) || selfIssued(c) {
		return ""
	}
	return fmt.Sprintf("the certificate of %s is signed with %s", c.Subject, c.SignatureAlgorithm)
}

// smallKey warns about an RSA key that the library still accepts: the leaf's, or that of an authority without which a bundle is not
// reached, for whoever breaks that one can issue the leaf anew.
func (c *servedChain) smallKey() []finding {
	if bits := smallRSA(c.leaf()); bits > 0 {
		return []finding{{code: checks.SrvWeak, verdict: checks.Warn, text: fmt.Sprintf("the key has %d bits", bits)}}
	}
	for _, v := range c.now {
		var small *x509.Certificate
		for _, chain := range v.chains {
			i := slices.IndexFunc(chain, func(cert *x509.Certificate) bool { return smallRSA(cert) > 0 })
			if i < 0 {
				small = nil
				break
			}
			small = chain[i]
		}
		if small != nil {
			text := fmt.Sprintf("the key of %s has %d bits", small.Subject, smallRSA(small))
			return []finding{{code: checks.SrvWeak, verdict: checks.Warn, text: text}}
		}
	}
	return nil
}

// smallRSA is the size of an RSA key that is too small; 0 = it is not.
func smallRSA(c *x509.Certificate) int {
	if k, ok := c.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() < 2048 {
		return k.N.BitLen()
	}
	return 0
}

// tinyRSA reports whether a key is so small that the library does not even look at what it signed.
func tinyRSA(c *x509.Certificate) bool {
	bits := smallRSA(c)
	return bits > 0 && bits < 1024
}
