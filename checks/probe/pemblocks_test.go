package probe

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"skift/checks"
)

// A certificate that was cut off when it was copied is not passed over.
func TestACertificateThatIsCutOff(t *testing.T) {
	t.Parallel()
	c := newClientChain(t, "OCES3", nil)
	whole, half := pemOf(c.root), pemOf(c.issuer)[:300]
	for name, text := range map[string][]byte{
		"last": bytes.Join([][]byte{whole, half}, nil), "first": bytes.Join([][]byte{half, {'\n'}, whole}, nil),
	} {
		if _, err := parseBundle("ours.pem", text); err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("%s: bundle: %v", name, err)
		}
		if r := (inventory{}).of(text).look(t); r.Code != checks.CertUnreadable {
			t.Errorf("%s: file: %s", name, r.Code)
		}
	}
	if b, err := parseBundle("ours.pem", append([]byte("\ufeff"), whole...)); err != nil || len(b.certs) != 1 {
		t.Errorf("with a byte order mark: %v", err)
	}
}

// An authority's small key is as bad as the leaf's: whoever breaks it issues the leaf anew.
func TestSmallKeyOfAnAuthority(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, "root", noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0), nil, nil)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	issuer := sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "issuer"}, NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, root.cert, small.Public(), root.key)
	leaf := sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: gatewayName}, DNSNames: []string{gatewayName},
		NotBefore: noon.AddDate(0, -1, 0), NotAfter: noon.AddDate(0, 1, 0)}, issuer, newECDSA(t).Public(), small)
	b, err := parseBundle("root.pem", pemOf(root.cert))
	if err != nil {
		t.Fatal(err)
	}
	found := newServedChain([]*x509.Certificate{leaf, issuer}, []bundle{b}, []string{gatewayName}, noon).findings(demands{})
	if len(found) != 1 || found[0].code != checks.SrvWeak || found[0].verdict != checks.Warn {
		t.Errorf("served: %+v", found)
	}
	if r := (inventory{}).of(pemOf(leaf, issuer)).look(t); !strings.Contains(r.Facts["findings"]+string(r.Code), "cert_weak") {
		t.Errorf("in a file: %s %v", r.Code, r.Facts["findings"])
	}
}

// One name is written in many ways.
func TestPlainName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"CN=Inter,O=Ex", "O = Ex, CN = Inter", "/O=Ex/CN=Inter", "o=Ex,cn=Inter"} {
		if got := plainName(name); got != plainName("CN=Inter,O=Ex") {
			t.Errorf("%s is read as %s", name, got)
		}
	}
	if plainName("/O=Ex/CN=Other") == plainName("/O=Ex/CN=Inter") {
		t.Error("two names are one")
	}
}

// A server that was silent once and then takes the same hello is not intolerant of it.
func TestSilentOnceIsNotIntolerant(t *testing.T) {
	t.Parallel()
	c := newChain(t, leafSpec{})
	var n atomic.Int32
	good := served(&tls.Config{Certificates: []tls.Certificate{c.serving()}})
	first := func(conn net.Conn) {
		if n.Add(1) == 1 {
			silent(conn)
			return
		}
		good(conn)
	}
	r := run(t, "", ask(peer(t, first), byRoot, trusting(c), func(a *checks.Ask) { a.Spec.Timeout = time.Second }))
	if r.Code != checks.SilentOnce || r.Verdict != checks.Warn || r.Facts[factAttempts] != "3" {
		t.Errorf("%s %s after %s attempts", r.Verdict, r.Code, r.Facts[factAttempts])
	}
}
