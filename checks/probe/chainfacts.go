package probe

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// facts describe the served chain, comparable between the sides.
func (c *servedChain) facts() map[string]string {
	leaf := c.leaf()
	facts := map[string]string{
		"leaf_sha256":    hexSum(leaf.Raw),
		"spki_sha256":    hexSum(leaf.RawSubjectPublicKeyInfo),
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
	maps.Copy(facts, responders(leaf))
	return facts
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
