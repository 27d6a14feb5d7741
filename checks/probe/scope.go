package probe

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"slices"
)

// pointsNamed is the extension of a certificate that says where its lists are (RFC 5280, 4.2.1.13).
var pointsNamed = asn1.ObjectIdentifier{2, 5, 29, 31}

// issuedFor reports whether a list that says for which distribution point it is was issued for one that the certificate names: an issuer
// with several lists signs them all, and not being in another one's list means nothing (RFC 5280, 6.3.3 (b)(2)(i)). A list that names
// no point is for every certificate.
func issuedFor(point asn1.RawValue, cert *x509.Certificate) bool {
	if len(point.FullBytes) == 0 {
		return true
	}
	ours := pointNames(point.Bytes)
	for _, e := range cert.Extensions {
		var points []struct {
			Name    asn1.RawValue  `asn1:"optional,tag:0"`
			Reasons asn1.BitString `asn1:"optional,tag:1"`
			Issuer  asn1.RawValue  `asn1:"optional,tag:2"`
		}
		if !e.Id.Equal(pointsNamed) {
			continue
		}
		if _, err := asn1.Unmarshal(e.Value, &points); err != nil {
			return false
		}
		for _, p := range points {
			for _, name := range pointNames(p.Name.Bytes) {
				if slices.ContainsFunc(ours, func(n []byte) bool { return bytes.Equal(n, name) }) {
					return true
				}
			}
		}
	}
	return false
}

// pointNames are the names of a distribution point as they are encoded: each of its full names, or the one relative to the issuer.
func pointNames(der []byte) [][]byte {
	const full = 0
	var choice asn1.RawValue
	if _, err := asn1.Unmarshal(der, &choice); err != nil {
		return nil
	}
	if choice.Tag != full {
		return [][]byte{choice.FullBytes}
	}
	var names [][]byte
	for rest := choice.Bytes; len(rest) > 0; {
		var name asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &name); err != nil {
			return nil
		}
		names = append(names, name.FullBytes)
	}
	return names
}
