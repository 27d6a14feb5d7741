package probe

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"skift/checks"
	"skift/internal/pemdoc"
)

// held is what a file of certificates holds.
type held struct {
	format string
	certs  []*x509.Certificate // the one it is about first
	key    crypto.PublicKey    // that of the private key in the file; nil = none, or not opened
	clear  bool                // the private key is readable without a password
	alias  string              // of a JKS entry
}

// unlocked is what opens a file.
type unlocked struct {
	password string
	alias    string
}

// unreadable is why a file gives no certificate. It never holds any of the file's content.
type unreadable struct {
	code checks.Code
	text string
}

func (u *unreadable) Error() string { return u.text }

func cannotRead(format string, args ...any) error {
	return &unreadable{checks.CertUnreadable, fmt.Sprintf(format, args...)}
}

// maxCertFile is how large a file of certificates may be.
const maxCertFile = 1 << 20

// maxHeld is how many certificates one file may hold: more are a trust store.
const maxHeld = 50

// readHeld reads a file of certificates in whatever format it is. The error is an *unreadable.
func readHeld(data []byte, with unlocked) (held, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	h, err := readFormat(data, with)
	switch {
	case err != nil:
		return h, err
	case len(h.certs) == 0:
		return h, cannotRead("there is no certificate in it")
	case len(h.certs) > maxHeld:
		return h, cannotRead("it holds %d certificates: a trust store, not somebody's own", len(h.certs))
	}
	return h, h.leafFirst()
}

func readFormat(data []byte, with unlocked) (held, error) {
	switch {
	case bytes.Contains(data, []byte("-----BEGIN ")):
		return readPEM(data)
	case bytes.HasPrefix(data, jksMagic):
		return readJKS(data, with)
	case bytes.HasPrefix(data, jceksMagic):
		return held{}, cannotRead("it is a JCEKS key store; export the entry as PKCS#12")
	case len(data) == 0:
		return held{}, cannotRead("it is empty")
	case data[0] != derSequence:
		return held{}, cannotRead("it is neither PEM, DER, PKCS#12 nor JKS")
	}
	if isPKCS12(data) {
		return readPKCS12(data, with)
	}
	if bytes.Contains(data[:min(len(data), 32)], pkcs7Signed) {
		return held{}, cannotRead("it is PKCS#7; export the certificates as PEM")
	}
	certs, err := x509.ParseCertificates(withoutTail(data))
	if err != nil {
		return held{}, cannotRead("it begins like DER, but is no certificate: %v", err)
	}
	return held{format: "der", certs: certs}, nil
}

const derSequence = 0x30

// withoutTail takes off the line break that copying put behind DER.
func withoutTail(data []byte) []byte {
	var all asn1.RawValue
	if rest, err := asn1.Unmarshal(data, &all); err == nil && len(bytes.Trim(rest, "\r\n")) == 0 {
		return all.FullBytes
	}
	return data
}

// pkcs7Signed is the object identifier of signed data, which p7b files begin with.
var pkcs7Signed = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02}

func readPEM(data []byte) (held, error) {
	h := held{format: "pem"}
	blocks, err := pemdoc.Blocks(data)
	if err != nil {
		return h, cannotRead("%v", err)
	}
	for _, b := range blocks {
		switch {
		case b.Type == pemdoc.Certificate, b.Type == pemdoc.OlderName, b.Type == pemdoc.Trusted:
			der := b.Bytes
			if b.Type == pemdoc.Trusted { // for what OpenSSL trusts it is not asked here
				der = pemdoc.WithoutSettings(der)
			}
			c, err := x509.ParseCertificate(der)
			if err != nil {
				return h, cannotRead("certificate %d in it cannot be read: %v", len(h.certs)+1, err)
			}
			h.certs = append(h.certs, c)
		case b.Type == "PKCS7", b.Type == "CMS":
			return h, cannotRead("it is PKCS#7; export the certificates as PEM")
		case strings.HasSuffix(b.Type, "CERTIFICATE REQUEST"):
			return h, cannotRead("it holds a request for a certificate; what the issuer sent back is wanted")
		case strings.HasSuffix(b.Type, "PRIVATE KEY"):
			if key, err := publicOf(b.Block); err == nil {
				h.key, h.clear = key, true
			}
		}
	}
	return h, nil
}

var errLocked = errors.New("the private key is protected by a password")

// publicOf gives the public half of a private key. An error never holds any of it.
func publicOf(block *pem.Block) (crypto.PublicKey, error) {
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, errLocked
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, errors.New("the private key cannot be read")
	}
	return signer.Public(), nil
}

// leafFirst puts first the certificate the file is about: the one of the private key beside it, else the only one that issued no other.
func (h *held) leafFirst() error {
	own := slices.IndexFunc(h.certs, func(c *x509.Certificate) bool { return h.key != nil && sameKey(c.PublicKey, h.key) })
	if own < 0 {
		var ends []int
		for i, c := range h.certs {
			if !issuedAnother(h.certs, c) {
				ends = append(ends, i)
			}
		}
		if len(ends) != 1 {
			return &unreadable{checks.CertAmbiguous, fmt.Sprintf("it holds %d certificates of which none was issued by another", len(ends))}
		}
		own = ends[0]
	}
	leaf := h.certs[own]
	rest := slices.DeleteFunc(slices.Clone(h.certs), func(c *x509.Certificate) bool { return c.Equal(leaf) })
	h.certs = append([]*x509.Certificate{leaf}, rest...)
	return nil
}

// issuedAnother reports whether a certificate issued another one of the list; a copy of itself is no other.
func issuedAnother(list []*x509.Certificate, c *x509.Certificate) bool {
	return slices.ContainsFunc(list, func(other *x509.Certificate) bool {
		return !other.Equal(c) && bytes.Equal(other.RawIssuer, c.RawSubject)
	})
}

func sameKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}
