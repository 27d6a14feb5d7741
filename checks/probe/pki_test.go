package probe

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// leafSpec says how a test's chain differs from a good one: root → intermediate → leaf for gateway.example.
type leafSpec struct {
	name           string    // default gateway.example
	from, until    time.Time // of the leaf; default a month before noon to a year after
	betweenUntil   time.Time // of the intermediate; default ten years
	leafKeyRSA     int       // bits; default an ECDSA key
	withoutBetween bool      // served without the intermediate
	backwards      bool      // served in the wrong order, with the root in between
}

// chain is a certificate chain with the leaf's key.
type chain struct {
	root, between, leaf *x509.Certificate
	key                 crypto.Signer
	served              []*x509.Certificate
}

const gatewayName = "gateway.example"

func newChain(t *testing.T, s leafSpec) chain {
	t.Helper()
	year := 365 * 24 * time.Hour
	if s.name == "" {
		s.name = gatewayName
	}
	s.from, s.until = orTime(s.from, noon.AddDate(0, -1, 0)), orTime(s.until, noon.Add(year))
	authority := func(name string, until time.Time) *x509.Certificate {
		return &x509.Certificate{
			Subject: pkix.Name{CommonName: name}, NotBefore: noon.Add(-5 * year), NotAfter: until,
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		}
	}
	rootKey, betweenKey := newECDSA(t), newECDSA(t)
	var c chain
	rootTemplate := authority("test root", noon.Add(20*year))
	c.root = sign(t, rootTemplate, rootTemplate, rootKey.Public(), rootKey)
	c.between = sign(t, authority("test issuer", orTime(s.betweenUntil, noon.Add(10*year))), c.root, betweenKey.Public(), rootKey)
	c.key = newECDSA(t)
	if s.leafKeyRSA > 0 {
		k, err := rsa.GenerateKey(rand.Reader, s.leafKeyRSA)
		if err != nil {
			t.Fatal(err)
		}
		c.key = k
	}
	c.leaf = sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: s.name}, DNSNames: []string{s.name}, NotBefore: s.from, NotAfter: s.until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, c.between, c.key.Public(), betweenKey)
	switch {
	case s.withoutBetween:
		c.served = []*x509.Certificate{c.leaf}
	case s.backwards:
		c.served = []*x509.Certificate{c.leaf, c.root, c.between}
	default:
		c.served = []*x509.Certificate{c.leaf, c.between}
	}
	return c
}

func orTime(t, other time.Time) time.Time {
	if t.IsZero() {
		return other
	}
	return t
}

func newECDSA(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sign(t testing.TB, template, parent *x509.Certificate, public crypto.PublicKey, by crypto.Signer) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func (c chain) serving() tls.Certificate {
	out := tls.Certificate{PrivateKey: c.key}
	for _, cert := range c.served {
		out.Certificate = append(out.Certificate, cert.Raw)
	}
	return out
}

// trust is the root as a PEM bundle.
func (c chain) trust() []byte { return pemOf(c.root) }

func pemOf(certs ...*x509.Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

// files writes what openssl s_server is started with: the leaf, what is served after it ("" for nothing), and the key.
func (c chain) files(t *testing.T) (leaf, rest, key string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.served) > 1 {
		rest = write("rest.pem", pemOf(c.served[1:]...))
	}
	return write("leaf.pem", pemOf(c.leaf)), rest, write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
