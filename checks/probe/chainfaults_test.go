package probe

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"regexp"
	"strings"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/need"
)

// spoilt issues a certificate that change has made other than a good one: that of an authority unless its name is the gateway's.
func (a *authority) spoilt(t testing.TB, name string, change func(*x509.Certificate)) *authority {
	t.Helper()
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	if name == gatewayName {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = false, false, x509.KeyUsageDigitalSignature
		template.DNSNames, template.ExtKeyUsage = []string{gatewayName}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	if change != nil {
		change(template)
	}
	key := newECDSA(t)
	return &authority{cert: sign(t, template, a.cert, key.Public(), a.key), key: key}
}

// spoiltChain is a chain under a root that is trusted, with one fault.
type spoiltChain struct {
	name   string
	group  string // of the fault table
	code   checks.Code
	says   string
	server *authority
	rest   []*x509.Certificate
}

// spoiltChains are the ways in which a chain under the root is not as it should be although its names and signatures are.
func spoiltChains(t testing.TB, root *authority) []spoiltChain {
	t.Helper()
	forClients := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	critical := func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
	}
	issuer := root.spoilt(t, "issuer", nil)
	issuerForClients := root.spoilt(t, "issuer for clients", forClients)
	noAuthority := root.spoilt(t, "no authority", func(c *x509.Certificate) { c.IsCA = false })
	noSigning := root.spoilt(t, "no signing", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature })
	lowest := root.spoilt(t, "lowest", func(c *x509.Certificate) { c.MaxPathLenZero = true })
	belowLowest := lowest.spoilt(t, "below the lowest", nil)
	elsewhere := root.spoilt(t, "for other names", func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"other.example"}
	})
	strict := root.spoilt(t, "strict", critical)
	old := root.spoilt(t, "of old", func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 })
	under := func(a *authority, change func(*x509.Certificate), above ...*x509.Certificate) (*authority, []*x509.Certificate) {
		return a.spoilt(t, gatewayName, change), append([]*x509.Certificate{a.cert}, above...)
	}
	const usage, constraint = "not for a server", "may not be used so"
	var list []spoiltChain
	add := func(name, group string, code checks.Code, says string, a *authority, change func(*x509.Certificate), above ...*x509.Certificate) {
		c := spoiltChain{name: name, group: group, code: code, says: says}
		c.server, c.rest = under(a, change, above...)
		list = append(list, c)
	}
	add("a leaf for clients only", usage, checks.SrvUsage, "CN="+gatewayName+" is not made for a server", issuer, forClients)
	add("an issuer for clients only", usage, checks.SrvUsage, "CN=issuer for clients is not made", issuerForClients, nil)
	add("an issuer that is no authority", constraint, checks.SrvConstraint, "not that of an authority", noAuthority, nil)
	add("an issuer that may not sign certificates", constraint, checks.SrvConstraint, "not that of an authority", noSigning, nil)
	add("more authorities than are allowed", constraint, checks.SrvConstraint, "at most 0 authorities", belowLowest, nil, lowest.cert)
	add("a name that the issuer may not certify", constraint, checks.SrvConstraint, "not permitted", elsewhere, nil)
	add("a condition nobody knows", constraint, checks.SrvConstraint, "1.2.3.4", issuer, critical)
	add("a condition nobody knows, of the issuer", constraint, checks.SrvConstraint, "CN=strict has", strict, nil)
	add("a signature of old that is needed", "", checks.SrvWeak, "ECDSA-SHA1", old, nil)
	return list
}

// serving is the chain as a server of Go's own presents it.
func (c spoiltChain) serving() tls.Certificate {
	cert := tls.Certificate{PrivateKey: c.server.key, Certificate: [][]byte{c.server.cert.Raw}}
	for _, r := range c.rest {
		cert.Certificate = append(cert.Certificate, r.Raw)
	}
	return cert
}

// What keeps a chain from being trusted is said, and not that an issuer is unknown.
func TestSpoiltChainsOfOpenSSL(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, "root", noon.AddDate(-2, 0, 0), noon.AddDate(2, 0, 0), nil, nil)
	for _, c := range spoiltChains(t, root) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			leaf, rest, key := chain{leaf: c.server.cert, key: c.server.key, served: append([]*x509.Certificate{c.server.cert}, c.rest...)}.files(t)
			addr := program(t, regexp.MustCompile(`^ACCEPT (\S+)$`), need.Program(t, "openssl"), "s_server", "-accept", "127.0.0.1:0", "-cert", leaf, "-key", key,
				"-cert_chain", rest, "-cipher", "DEFAULT@SECLEVEL=0")
			r := run(t, "", ask(addr, byRoot, func(a *checks.Ask) {
				a.ServerName, a.Trust = gatewayName, map[string][]byte{"root.pem": pemOf(root.cert)}
			}))
			if r.Code != c.code || r.Verdict != checks.Fail || !strings.Contains(r.Evidence.Err, c.says) || r.Facts["findings"] != "" {
				t.Errorf("got %s %s (%s), findings %s; want %s (%s)", r.Verdict, r.Code, r.Evidence.Err, r.Facts["findings"], c.code, c.says)
			}
			f := (inventory{options: checks.CertFileOptions{Usage: checks.UsageServer, TrustedBy: []string{"root.pem"}}, trust: map[string][]byte{"root.pem": pemOf(root.cert)}}).
				of(pemOf(append([]*x509.Certificate{c.server.cert}, c.rest...)...)).look(t)
			if want := inFile[c.code]; f.Code != want || f.Facts["findings"] != "" {
				t.Errorf("as a file: %s (%s), findings %s; want %s", f.Code, f.Evidence.Err, f.Facts["findings"], want)
			}
		})
	}
}

// inFile are the same faults of a certificate in a file.
var inFile = map[checks.Code]checks.Code{checks.SrvUsage: checks.CertUsage, checks.SrvConstraint: checks.CertConstraint, checks.SrvWeak: checks.CertWeak}

// Each bundle is judged alone, and what is not needed is not blamed.
func TestWhatIsMissingForEachBundle(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	from, until := noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0)
	root, other := newAuthority(t, "root", from, until, nil, nil), newAuthority(t, "other root", from, until, nil, nil)
	upper := newAuthority(t, "upper", from, until, root, nil)
	issuer := newAuthority(t, "issuer", from, until, upper, nil)
	leaf := issuer.leaf(t, noon.Add(-day), noon.Add(day), nil)
	byRootItself := root.leaf(t, noon.Add(-day), noon.Add(day), nil)
	expired := issuer.leaf(t, noon.Add(-9*day), noon.Add(-day), nil)
	cross := func(of *authority, by *authority) *x509.Certificate { // an old certificate of the same authority, by another
		return sign(t, &x509.Certificate{Subject: of.cert.Subject, NotBefore: from, NotAfter: until, IsCA: true, BasicConstraintsValid: true,
			SignatureAlgorithm: x509.ECDSAWithSHA1}, by.cert, of.key.Public(), by.key)
	}
	forged := newAuthority(t, "issuer", from, until, root, nil) // of the same name, with another key
	certs := func(list ...*x509.Certificate) []*x509.Certificate { return list }
	bundles := map[string][]byte{"root.pem": pemOf(root.cert), "other.pem": pemOf(other.cert), "issuer.pem": pemOf(issuer.cert),
		"upper.pem": pemOf(upper.cert), "all.pem": pemOf(root.cert, upper.cert, issuer.cert)}
	cases := []struct {
		name      string
		served    []*x509.Certificate
		bundles   []string
		codes     string
		untrusted string
		says      string
	}{
		{"whole", certs(leaf, issuer.cert, upper.cert), []string{"root.pem"}, "", "", ""},
		{"the issuer is in another bundle only", certs(leaf, upper.cert), []string{"root.pem", "issuer.pem"}, "missing_intermediate", "root.pem", "CN=issuer, which issued its own"},
		{"and in the same one", certs(leaf), []string{"all.pem"}, "", "", ""},
		{"a second one is missing, and another bundle has it", certs(leaf, issuer.cert), []string{"root.pem", "upper.pem"}, "missing_intermediate", "root.pem", "CN=upper, which issued that of CN=issuer"},
		{"a second one is missing, or the root is not trusted", certs(leaf, issuer.cert), []string{"root.pem"}, "srv_untrusted", "root.pem", "or it is missing in between"},
		{"for one bundle it is missing, the other knows no root of it", certs(leaf, issuer.cert), []string{"upper.pem", "other.pem"}, "srv_untrusted", "other.pem", "CN=upper"},
		{"the issuer is a root that one bundle lacks", certs(byRootItself), []string{"root.pem", "other.pem"}, "srv_untrusted", "other.pem", "CN=root, which is not in other.pem"},
		{"missing for one and unknown to the other", certs(leaf, issuer.cert), []string{"root.pem", "upper.pem", "other.pem"}, "srv_untrusted,missing_intermediate", "root.pem,other.pem", "other.pem"},
		{"one of the same name with another key", certs(leaf, forged.cert), []string{"root.pem"}, "srv_untrusted", "root.pem", "another key"},
		{"expired, and an unneeded signature of old beside it", certs(expired, cross(issuer, other), issuer.cert, upper.cert), []string{"root.pem"}, "srv_expired", "", "ended"},
		{"an issuer missing, and an unneeded signature of old beside it", certs(leaf, cross(upper, other)), []string{"root.pem"}, "missing_intermediate", "root.pem", "CN=issuer"},
		{"only the way over a signature of old", certs(leaf, cross(issuer, upper), upper.cert), []string{"root.pem"}, "srv_weak", "", "CN=issuer is signed"},
		{"expired, and that way only", certs(expired, cross(issuer, upper), upper.cert), []string{"root.pem"}, "srv_expired,srv_weak", "", "ended"},
	}
	for _, c := range cases {
		var trusted []bundle
		for _, name := range c.bundles {
			b, err := parseBundle(name, bundles[name])
			if err != nil {
				t.Fatal(err)
			}
			trusted = append(trusted, b)
		}
		s := sighting{facts: map[string]string{}}
		found := newServedChain(c.served, trusted, []string{gatewayName}, noon).findings(demands{})
		s.judge(found)
		var codes []string
		for _, f := range found {
			codes = append(codes, string(f.code))
		}
		if joined(codes) != c.codes || s.facts["untrusted_by"] != c.untrusted || !strings.Contains(s.evidence.Err, c.says) {
			t.Errorf("%s: got %q by %q (%s), want %q by %q (%s)", c.name, joined(codes), s.facts["untrusted_by"], s.evidence.Err, c.codes, c.untrusted, c.says)
		}
	}
}

// Who serves a chain chooses its length and its names: looking for a way ends.
func TestLookingForAWayEnds(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, "root", noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0), nil, nil)
	key := newECDSA(t)
	served := []*x509.Certificate{}
	for range 60 { // each of them issued each other
		a := newAuthority(t, "same", noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0), &authority{cert: &x509.Certificate{Subject: pkix.Name{CommonName: "same"}}, key: key}, key)
		served = append(served, a.cert)
	}
	b, err := parseBundle("root.pem", pemOf(root.cert))
	if err != nil {
		t.Fatal(err)
	}
	c := newServedChain(served, []bundle{b}, nil, noon)
	if w := c.climb(b); w.whole || len(w.certs) > mostLooks+1 {
		t.Errorf("a way of %d certificates, whole %t", len(w.certs), w.whole)
	}
}
