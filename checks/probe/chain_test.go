package probe

import (
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"skift/checks"
)

// authority signs certificates in these tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newAuthority makes one that is its own issuer when by is nil; with a key it is another certificate of the same authority.
func newAuthority(t *testing.T, name string, from, until time.Time, by *authority, key *ecdsa.PrivateKey) *authority {
	t.Helper()
	a := &authority{key: key}
	if a.key == nil {
		a.key = newECDSA(t)
	}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	if by == nil {
		by = &authority{cert: template, key: a.key}
	}
	a.cert = sign(t, template, by.cert, a.key.Public(), by.key)
	return a
}

// leaf issues a server certificate for gateway.example; change may spoil it.
func (a *authority) leaf(t *testing.T, from, until time.Time, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{Subject: pkix.Name{CommonName: gatewayName}, DNSNames: []string{gatewayName}, NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if change != nil {
		change(template)
	}
	return sign(t, template, a.cert, newECDSA(t).Public(), a.key)
}

// What the library says about a chain depends on what it tried last; the code must not.
func TestFindings(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	long, later := noon.AddDate(-5, 0, 0), noon.AddDate(5, 0, 0)
	root := newAuthority(t, "root", long, later, nil, nil)
	stranger := newAuthority(t, "a root nobody knows", long, later, nil, nil)
	issuer := newAuthority(t, "issuer", long, later, root, nil)
	lapsed := newAuthority(t, "issuer", long, noon.Add(-day), root, issuer.key)   // the same issuer's certificate, expired
	crossed := newAuthority(t, "issuer", long, later, stranger, issuer.key)       // and one that leads elsewhere
	renewed := newAuthority(t, "issuer", noon.Add(-day), later, root, issuer.key) // and one that is younger than the leaf
	weak := newAuthority(t, "issuer", long, later, stranger, issuer.key)          // and one that nobody needs, with an old signature
	weak.cert.SignatureAlgorithm = x509.SHA1WithRSA                               // as the library reads it
	self := newAuthority(t, gatewayName, noon.Add(-day), later, nil, nil)         // a server that is its own issuer
	good := issuer.leaf(t, noon.Add(-30*day), noon.Add(365*day), nil)
	expired := issuer.leaf(t, noon.Add(-30*day), noon.Add(-2*day), nil)
	unnamed := issuer.leaf(t, noon.Add(-day), later, func(c *x509.Certificate) { c.DNSNames = nil }) // the name stands in CN only
	forClient := issuer.leaf(t, noon.Add(-day), later, func(c *x509.Certificate) { c.ExtKeyUsage[0] = x509.ExtKeyUsageClientAuth })
	b, err := parseBundle("root.pem", pemOf(root.cert))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		served []*x509.Certificate
		want   string // codes, gravest first
	}{
		{"good", []*x509.Certificate{good, issuer.cert}, ""},
		{"expired", []*x509.Certificate{expired, issuer.cert}, "srv_expired"},
		{"expired, under an issuer renewed since", []*x509.Certificate{expired, renewed.cert}, "srv_expired"},
		{"expired, and nobody knows the issuer", []*x509.Certificate{expired, crossed.cert}, "srv_untrusted,srv_expired"},
		{"issuer expired", []*x509.Certificate{good, lapsed.cert}, "srv_expired"},
		{"issuer expired, its twin leads elsewhere", []*x509.Certificate{good, lapsed.cert, crossed.cert}, "srv_expired"},
		{"issuer expired, its twin leads elsewhere and comes first", []*x509.Certificate{good, crossed.cert, lapsed.cert}, "srv_expired"},
		{"a twin that leads elsewhere does no harm", []*x509.Certificate{good, crossed.cert, issuer.cert}, ""},
		{"a weak certificate that nobody needs does no harm", []*x509.Certificate{good, issuer.cert, weak.cert}, ""},
		{"a weak certificate that is needed", []*x509.Certificate{good, weak.cert}, "srv_weak,srv_untrusted"},
		{"self-signed", []*x509.Certificate{self.cert}, "srv_untrusted,srv_name"},
		{"another root", []*x509.Certificate{good, crossed.cert}, "srv_untrusted"},
		{"a name in CN only", []*x509.Certificate{unnamed, issuer.cert}, "srv_name"},
		{"made for clients", []*x509.Certificate{forClient, issuer.cert}, "srv_untrusted"},
	}
	for _, c := range cases {
		chain := newServedChain(c.served, []bundle{b}, []string{gatewayName}, noon)
		var codes, texts []string
		for _, f := range chain.findings(nil, 0) {
			codes, texts = append(codes, string(f.code)), append(texts, f.text)
			if f.code == checks.SrvUntrusted && strings.Contains(f.text, "expired") {
				t.Errorf("%s: trust is said to be a matter of time: %s", c.name, f.text)
			}
		}
		if got := joined(codes); got != c.want {
			t.Errorf("%s: got %q, want %q: %q", c.name, got, c.want, texts)
		}
	}
}

// Whoever makes a certificate chooses what stands in it: it may neither move a terminal's cursor nor fill the store.
func TestFactsOfAHostileCertificate(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, "root", noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0), nil, nil)
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprintf("host-%d.example", i)
	}
	leaf := root.leaf(t, noon.AddDate(0, -1, 0), noon.AddDate(0, 1, 0), func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "evil\x1b]0;owned\x07\x1b[2J\u202e", Organization: []string{"Rødovre Kommune"}}
		c.DNSNames = many
	})
	s := sighting{facts: map[string]string{}}
	s.set(newServedChain([]*x509.Certificate{leaf}, []bundle{{name: "b", pool: x509.NewCertPool()}}, []string{gatewayName}, noon).facts())
	for k, v := range s.facts {
		if len(v) > evidenceLimit || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u202e' }) {
			t.Errorf("%s has %d bytes: %.80q", k, len(v), v)
		}
	}
	if got := s.facts["subject"]; !strings.Contains(got, "Rødovre Kommune") || !strings.Contains(got, `\x1b]0\;owned`) {
		t.Errorf("subject %q", got)
	}
	slices.Reverse(many)
	many[0] = "another.example"
	if other := fact(joined(many)); other == s.facts["sans"] || len(other) != len(s.facts["sans"]) {
		t.Errorf("two long lists are one: %q", other)
	}
	if got := fact(strings.Repeat("ø", 400)); len(got) > evidenceLimit || !strings.HasPrefix(got, "øø") || strings.ContainsRune(got, '\uFFFD') {
		t.Errorf("cut inside a character: %q", got)
	}
}
