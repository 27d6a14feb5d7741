package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"

	"skift/checks"
	"skift/internal/pemdoc"
)

// presented is the certificate that a check shows; one without bytes stands for none.
func (p *Prober) presented(o checks.MTLSOptions, t target) (*tls.Certificate, error) {
	switch o.Present {
	case checks.PresentNone:
		return &tls.Certificate{}, nil
	case checks.PresentWrongCA:
		return stranger()
	}
	if p.secrets == nil {
		return nil, errors.New("no secrets are given to this prober")
	}
	text := t.Trust[o.CertFile]
	if o.CertFile == "" {
		v, err := p.secrets.Resolve(o.Cert)
		if err != nil {
			return nil, err
		}
		text = []byte(v.Reveal())
	}
	key, err := p.secrets.Resolve(o.Key)
	if err != nil {
		return nil, err
	}
	if _, err := pemdoc.Blocks(text); err != nil { // the library would leave out what it cannot decode
		return nil, fmt.Errorf("client certificate: %w", err)
	}
	cert, err := tls.X509KeyPair(text, []byte(key.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("client certificate: %w", err)
	}
	return &cert, nil
}

// stranger makes a client certificate of an issuer that nobody can know: its key is gone when this returns.
func stranger() (*tls.Certificate, error) {
	issuerKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	issuer := &x509.Certificate{Subject: pkix.Name{CommonName: "skift: an issuer nobody knows"}}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "skift: must be refused"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	if err != nil {
		return nil, fmt.Errorf("make a certificate that must be refused: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
