package sim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"time"
)

// How far around now the authorities and ordinary leaves are valid. The
// authorities must outlive every leaf a test asks for, in both directions.
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 365 * 24 * time.Hour
	leafBackdate  = time.Hour
)

// PKI is a root, an intermediate that issues, and a second root with its own
// intermediate that nobody trusts. It is immutable; make it with NewPKI.
type PKI struct {
	root, issuing           *authority
	otherRoot, otherIssuing *authority
}

// Leaf says what certificate to issue. The zero value is a server certificate
// without names, valid from an hour ago and for a year, served with its
// intermediate.
type Leaf struct {
	Names     []string     // DNS names; the first is also the common name
	IPs       []netip.Addr // addresses the certificate is valid for
	NotBefore time.Time    // zero: an hour ago, or a day before NotAfter if that is earlier
	NotAfter  time.Time    // zero: a year after NotBefore; the certificate holds whole seconds

	OmitIntermediate  bool      // serve the leaf alone
	OtherIssuer       bool      // issued under the root nobody trusts
	IntermediateUntil time.Time // not zero: under an intermediate that ends then, whatever the leaf says
	Client            bool      // for client instead of server authentication
}

type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// NewPKI makes fresh keys and authorities.
func NewPKI() (*PKI, error) {
	p := &PKI{}
	var err error
	if p.root, err = newAuthority("Simulated Root CA", nil, time.Time{}); err != nil {
		return nil, err
	}
	if p.issuing, err = newAuthority("Simulated Issuing CA", p.root, time.Time{}); err != nil {
		return nil, err
	}
	if p.otherRoot, err = newAuthority("Unknown Root CA", nil, time.Time{}); err != nil {
		return nil, err
	}
	if p.otherIssuing, err = newAuthority("Unknown Issuing CA", p.otherRoot, time.Time{}); err != nil {
		return nil, err
	}
	return p, nil
}

// Issue makes a key and its certificate.
func (p *PKI) Issue(leaf Leaf) (tls.Certificate, error) {
	issuer, root := p.issuing, p.root
	if leaf.OtherIssuer {
		issuer, root = p.otherIssuing, p.otherRoot
	}
	if !leaf.IntermediateUntil.IsZero() {
		short, err := newAuthority("Simulated Issuing CA, ending", root, leaf.IntermediateUntil)
		if err != nil {
			return tls.Certificate{}, err
		}
		issuer = short
	}
	template, err := leaf.template(time.Now())
	if err != nil {
		return tls.Certificate{}, err
	}
	signed, err := sign(template, issuer)
	if err != nil {
		return tls.Certificate{}, err
	}
	issued := tls.Certificate{Certificate: [][]byte{signed.cert.Raw}, PrivateKey: signed.key, Leaf: signed.cert}
	if !leaf.OmitIntermediate {
		issued.Certificate = append(issued.Certificate, issuer.cert.Raw)
	}
	return issued, nil
}

// RootPEM is the trust bundle a partner of the platforms holds: the root.
func (p *PKI) RootPEM() []byte { return certificatePEM(p.root.cert.Raw) }

// IntermediatePEM is the issuing certificate, for who wants to complete a chain.
func (p *PKI) IntermediatePEM() []byte { return certificatePEM(p.issuing.cert.Raw) }

// OtherRootPEM is the root of the authority that platforms should not use.
func (p *PKI) OtherRootPEM() []byte { return certificatePEM(p.otherRoot.cert.Raw) }

// Pool holds the trusted root alone.
func (p *PKI) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.root.cert)
	return pool
}

// PEM writes a certificate with its chain, and its key in PKCS #8.
func PEM(issued tls.Certificate) (chain, key []byte, err error) {
	for _, raw := range issued.Certificate {
		chain = append(chain, certificatePEM(raw)...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(issued.PrivateKey)
	if err != nil {
		return nil, nil, fmt.Errorf("encode private key: %w", err)
	}
	return chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func certificatePEM(raw []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
}

func (l Leaf) template(now time.Time) (*x509.Certificate, error) {
	from, until := l.NotBefore, l.NotAfter
	if from.IsZero() {
		from = now.Add(-leafBackdate)
		if !until.IsZero() && !from.Before(until) {
			from = until.Add(-24 * time.Hour)
		}
	}
	if until.IsZero() {
		until = from.Add(leafLife)
	}
	if !from.Before(until) {
		return nil, fmt.Errorf("issue certificate: it would end %s, before it begins %s", until, from)
	}
	usage := x509.ExtKeyUsageServerAuth
	if l.Client {
		usage = x509.ExtKeyUsageClientAuth
	}
	t := &x509.Certificate{
		NotBefore:   from,
		NotAfter:    until,
		DNSNames:    slices.Clone(l.Names),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	if len(l.Names) > 0 {
		t.Subject.CommonName = l.Names[0]
	}
	for _, ip := range l.IPs {
		t.IPAddresses = append(t.IPAddresses, ip.AsSlice())
	}
	return t, nil
}

// newAuthority makes a CA under parent, or a root when parent is nil. A zero
// until means the ordinary life.
func newAuthority(name string, parent *authority, until time.Time) (*authority, error) {
	now := time.Now()
	if until.IsZero() {
		until = now.Add(authorityLife)
	}
	return sign(&x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-authorityLife),
		NotAfter:              until,
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, parent)
}

// sign gives the template a new P-256 key and a random serial; a nil issuer
// signs itself.
func sign(template *x509.Certificate, issuer *authority) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100)); err != nil {
		return nil, fmt.Errorf("make serial: %w", err)
	}
	parent, signer := template, crypto.Signer(key)
	if issuer != nil {
		parent, signer = issuer.cert, issuer.key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("read signed certificate: %w", err)
	}
	return &authority{cert: cert, key: key}, nil
}
