// Package pemdoc reads PEM the strict way. The library passes over a block that it cannot decode, such as a certificate that was cut off
// when it was copied; here that is an error, since what follows from the rest would be wrong. Errors speak of the text as "it" and hold
// none of its content.
package pemdoc

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
)

// Block is a block of PEM and the line in which it begins.
type Block struct {
	*pem.Block
	Line int
}

// The names under which certificates stand in PEM.
const (
	Certificate = "CERTIFICATE"
	OlderName   = "X509 CERTIFICATE"
	// OpenSSL writes settings behind the certificate: for what it is trusted, and for what it is not.
	Trusted = "TRUSTED CERTIFICATE"
)

// Blocks reads every block of a text; text between them is left out, and none at all is no error.
func Blocks(text []byte) ([]Block, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	begun, line := begins(text), 1
	var blocks []Block
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		read := text[:len(text)-len(rest)]
		before := read[:max(bytes.LastIndex(read, []byte("-----BEGIN ")), 0)]
		blocks = append(blocks, Block{block, line + bytes.Count(before, []byte("\n"))})
		line += bytes.Count(read, []byte("\n"))
		text = rest
	}
	if len(blocks) < begun {
		return nil, fmt.Errorf("of %d PEM blocks that begin in it only %d are whole: one is cut off or spoilt", begun, len(blocks))
	}
	return blocks, nil
}

// begins counts where a block begins or was meant to: also behind blanks, and behind the end of another for want of a line break.
func begins(text []byte) int {
	n := 0
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("-----BEGIN ")) {
			n++
		}
		n += bytes.Count(line, []byte("----------BEGIN "))
	}
	return n
}

// Cert is a certificate and the line in which it begins.
type Cert struct {
	*x509.Certificate
	Line int
}

// ErrNone is the error of a text without a certificate.
var ErrNone = errors.New("it holds no certificate")

// Certificates reads every certificate of a bundle; there is at least one. One that cannot be read makes the whole of it unusable: a trust
// store with a hole gives wrong answers. So does one that carries settings, which would be lost.
func Certificates(text []byte) ([]Cert, error) {
	blocks, err := Blocks(text)
	if err != nil {
		return nil, err
	}
	var certs []Cert
	for _, b := range blocks {
		switch b.Type {
		case Trusted:
			return nil, fmt.Errorf("the certificate in line %d is a TRUSTED CERTIFICATE of OpenSSL, with settings of what it is trusted for; write it anew: openssl x509 -in FILE -out FILE", b.Line)
		case Certificate, OlderName:
			c, err := x509.ParseCertificate(b.Bytes)
			if err != nil {
				return nil, fmt.Errorf("the certificate in line %d cannot be read", b.Line)
			}
			certs = append(certs, Cert{c, b.Line})
		}
	}
	if len(certs) == 0 {
		return nil, ErrNone
	}
	return certs, nil
}

// Pool is a bundle as a set of roots.
func Pool(text []byte) (*x509.CertPool, error) {
	certs, err := Certificates(text)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c.Certificate)
	}
	return pool, nil
}

// WithoutSettings is the certificate of a TRUSTED CERTIFICATE of OpenSSL, as DER.
func WithoutSettings(der []byte) []byte {
	var first asn1.RawValue
	if _, err := asn1.Unmarshal(der, &first); err != nil {
		return der
	}
	return first.FullBytes
}
