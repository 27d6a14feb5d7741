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
func newAuthority(t testing.TB, name string, from, until time.Time, by *authority, key *ecdsa.PrivateKey) *authority {
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
func (a *authority) leaf(t testing.TB, from, until time.Time, change func(*x509.Certificate)) *x509.Certificate {
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
	needed := newAuthority(t, "issuer", long, later, root, issuer.key)            // and one without which nothing leads to the root
	needed.cert.SignatureAlgorithm = x509.SHA1WithRSA
	self := newAuthority(t, gatewayName, noon.Add(-day), later, nil, nil) // a server that is its own issuer
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
		{"a weak certificate that leads nowhere", []*x509.Certificate{good, weak.cert}, "srv_untrusted,srv_weak"},
		{"a weak certificate that is needed", []*x509.Certificate{good, needed.cert}, "srv_weak"},
		{"self-signed", []*x509.Certificate{self.cert}, "srv_untrusted,srv_name"},
		{"another root", []*x509.Certificate{good, crossed.cert}, "srv_untrusted"},
		{"a name in CN only", []*x509.Certificate{unnamed, issuer.cert}, "srv_name"},
		{"made for clients", []*x509.Certificate{forClient, issuer.cert}, "srv_usage"},
	}
	for _, c := range cases {
		chain := newServedChain(c.served, []bundle{b}, []string{gatewayName}, noon)
		var codes, texts []string
		for _, f := range chain.findings(demands{}) {
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

// What is read from the dates of the chains that are known is what the library says at that instant.
func TestHoldsIsWhatVerifyingAgainSays(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	root := newAuthority(t, "root", noon.Add(-50*day), noon.Add(50*day), nil, nil)
	other := newAuthority(t, "other root", noon.Add(-50*day), noon.Add(25*day), nil, nil)
	issuer := newAuthority(t, "issuer", noon.Add(-40*day), noon.Add(30*day), root, nil)
	renewed := newAuthority(t, "issuer", noon.Add(-5*day), noon.Add(40*day), root, issuer.key)
	ahead := newAuthority(t, "issuer", noon.Add(28*day), noon.Add(60*day), root, issuer.key) // no chain of now goes through it
	crossed := newAuthority(t, "issuer", noon.Add(-40*day), noon.Add(60*day), other, issuer.key)
	leaf := issuer.leaf(t, noon.Add(-20*day), noon.Add(45*day), nil)
	var bundles []bundle
	for _, a := range []*authority{root, other} {
		b, err := parseBundle(a.cert.Subject.CommonName, pemOf(a.cert))
		if err != nil {
			t.Fatal(err)
		}
		bundles = append(bundles, b)
	}
	both := map[bool]int{}
	for _, between := range [][]*authority{{issuer}, {renewed}, {issuer, renewed}, {issuer, ahead}, {crossed}, {issuer, crossed}, {}} {
		served := []*x509.Certificate{leaf}
		for _, a := range between {
			served = append(served, a.cert)
		}
		for _, trusted := range [][]bundle{bundles[:1], bundles} {
			c := newServedChain(served, trusted, []string{gatewayName}, noon)
			for d := -60; d <= 60; d++ {
				at := noon.Add(time.Duration(d) * day)
				want := !slices.ContainsFunc(trusted, func(b bundle) bool { return c.verify(b, at).err != nil })
				if both[want]++; c.holds(at) != want {
					t.Errorf("%d certificates, %d bundles, %d days on: the library says %t", len(served), len(trusted), d, want)
				}
			}
		}
	}
	if both[true] == 0 || both[false] == 0 {
		t.Errorf("%v", both)
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

// A trust bundle is taken whole or not at all.
func FuzzParseBundle(f *testing.F) {
	key := newECDSA(f)
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "root"}, NotBefore: noon, NotAfter: noon.AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true}
	root := sign(f, template, template, key.Public(), key)
	f.Add(pemOf(root))
	f.Add(append([]byte("our partners\n"), append(pemOf(root, root), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"...)...))
	f.Add([]byte("no certificate"))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := parseBundle("ours.pem", text)
		if err != nil {
			if !strings.Contains(err.Error(), "ours.pem") {
				t.Errorf("the error does not name the bundle: %v", err)
			}
			return
		}
		if len(b.certs) == 0 || b.pool.Equal(x509.NewCertPool()) {
			t.Error("an empty bundle was taken: it trusts nobody")
		}
		if again, err := parseBundle("ours.pem", pemOf(b.certs...)); err != nil || !again.pool.Equal(b.pool) {
			t.Errorf("it reads back otherwise: %v", err)
		}
	})
}
