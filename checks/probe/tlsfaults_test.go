package probe

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/need"
)

// trusting asks for the gateway's name and trusts a chain's root.
func trusting(c chain) func(*checks.Ask) {
	return func(a *checks.Ask) {
		a.ServerName, a.Trust = gatewayName, map[string][]byte{"root.pem": c.trust()}
	}
}

var byRoot = checks.TLSOptions{TrustedBy: []string{"root.pem"}}

// counted serves as fn does and counts the connections.
func counted(n *atomic.Int32, fn func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) { n.Add(1); fn(c) }
}

// served is a TLS server of Go's own.
func served(cfg *tls.Config) func(net.Conn) {
	return func(c net.Conn) {
		s := tls.Server(c, cfg)
		if s.Handshake() == nil {
			drain(s)
		}
	}
}

// replayed is a connection whose first bytes were read already.
type replayed struct {
	net.Conn
	r io.Reader
}

func (c replayed) Read(b []byte) (int, error) { return c.r.Read(b) }

// intolerant is a server behind a middlebox that drops a hello longer than one packet.
func intolerant(fn func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		head := make([]byte, 5)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		hello := make([]byte, binary.BigEndian.Uint16(head[3:]))
		if _, err := io.ReadFull(c, hello); err != nil {
			return
		}
		if len(hello) > 1400 {
			drain(c)
			return
		}
		fn(replayed{c, io.MultiReader(bytes.NewReader(head), bytes.NewReader(hello), c)})
	}
}

// What only outdated methods or a small hello reach is never a pass, whatever the certificate is worth. Only where a smaller hello is answered is the first asked once more.
func TestDiagnosisOfAFailedHandshake(t *testing.T) {
	t.Parallel()
	rsa, ec := newChain(t, leafSpec{leafKeyRSA: 2048}), newChain(t, leafSpec{})
	expired := newChain(t, leafSpec{until: noon.Add(-24 * time.Hour)})
	only := func(c chain, cfg *tls.Config) *tls.Config {
		cfg.Certificates = []tls.Certificate{c.serving()}
		return cfg
	}
	old := func(c chain) func(net.Conn) {
		return served(only(c, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}))
	}
	cases := []struct {
		name  string
		chain chain
		serve func(net.Conn)
		code  checks.Code
		asked int32
		facts map[string]string
	}{
		{"TLS 1.0", ec, old(ec), checks.LegacyOnly, 2, map[string]string{"version": "TLS 1.0", "attempts": "2", "first_attempt": "tls_version", "subject": "CN=" + gatewayName, "findings": ""}},
		{"TLS 1.0, expired", expired, old(expired), checks.LegacyOnly, 2, map[string]string{"version": "TLS 1.0", "findings": "legacy_only,srv_expired"}},
		{"RSA key exchange", rsa, served(only(rsa, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}})),
			checks.LegacyOnly, 2, map[string]string{"version": "TLS 1.2", "suite": "TLS_RSA_WITH_AES_128_GCM_SHA256", "first_attempt": "tls_no_overlap"}},
		{"3DES", rsa, served(only(rsa, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA}})),
			checks.LegacyOnly, 2, map[string]string{"suite": "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"}},
		{"nothing in common at all", ec, saysAndCloses("\x15\x03\x03\x00\x02\x02\x28"), checks.TLSNoOverlap, 2, map[string]string{"attempts": "2", "second_attempt": "tls_no_overlap"}},
		{"drops a long hello", ec, intolerant(served(only(ec, &tls.Config{}))), checks.PQIntolerant, 3, map[string]string{"attempts": "3", "first_attempt": "silent", "version": "TLS 1.3"}},
		{"never answers", ec, silent, checks.Silent, 2, map[string]string{"attempts": "2", "second_attempt": "silent"}},
		{"good", ec, served(only(ec, &tls.Config{})), checks.OK, 1, map[string]string{"attempts": ""}},
		{"closes", ec, closes, checks.TLSClosed, 1, map[string]string{"attempts": ""}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			r := run(t, "", ask(peer(t, counted(&n, c.serve)), byRoot, trusting(c.chain), func(a *checks.Ask) { a.Spec.Timeout = 2 * time.Second }))
			if r.Code != c.code || n.Load() != c.asked {
				t.Errorf("got %s with %d connections, want %s with %d", r.Code, n.Load(), c.code, c.asked)
			}
			if c.code != checks.OK && r.Verdict != checks.Fail {
				t.Errorf("verdict %s", r.Verdict)
			}
			for k, v := range c.facts {
				if r.Facts[k] != v {
					t.Errorf("fact %s is %q, want %q", k, r.Facts[k], v)
				}
			}
		})
	}
}

// The same with openssl as the outdated server.
func TestDiagnosisOfOpenSSL(t *testing.T) {
	t.Parallel()
	c := newChain(t, leafSpec{leafKeyRSA: 2048})
	for version, args := range map[string][]string{
		"TLS 1.0": {"-tls1", "-cipher", "DEFAULT@SECLEVEL=0"},
		"TLS 1.1": {"-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"},
		"TLS 1.2": {"-tls1_2", "-cipher", "AES128-SHA"},
	} {
		r := run(t, "", ask(sServer(t, c, args...), byRoot, trusting(c)))
		if r.Code != checks.LegacyOnly || r.Verdict != checks.Fail || r.Facts["version"] != version || r.Facts["leaf_sha256"] == "" {
			t.Errorf("%s: got %s %s, facts %v", version, r.Verdict, r.Code, r.Facts)
		}
	}
}

// An alert we do not speak of is a closed handshake, and the alert is the evidence.
func TestRareAlerts(t *testing.T) {
	t.Parallel()
	for number, want := range map[byte]struct {
		code  checks.Code
		alert string
	}{
		112: {checks.TLSClosed, "112 unrecognized name"},
		80:  {checks.TLSClosed, "80 internal error"},
		20:  {checks.TLSClosed, "20 bad record MAC"},
		47:  {checks.TLSClosed, "47 illegal parameter"},
		71:  {checks.TLSNoOverlap, "71 insufficient security level"},
		200: {checks.TLSClosed, "200 alert(200)"},
	} {
		r := run(t, "", ask(peer(t, saysAndCloses(string([]byte{0x15, 3, 3, 0, 2, 2, number}))), checks.TLSOptions{}))
		if r.Code != want.code || r.Evidence.Alert != want.alert {
			t.Errorf("alert %d: got %s with evidence %q, want %s with %q", number, r.Code, r.Evidence.Alert, want.code, want.alert)
		}
	}
}

func TestPins(t *testing.T) {
	t.Parallel()
	c := newChain(t, leafSpec{})
	addr := sServer(t, c)
	leaf, key, other := hexSum(c.leaf.Raw), hexSum(c.leaf.RawSubjectPublicKeyInfo), strings.Repeat("ab", 32)
	on := func(side checks.Side, pins ...string) checks.CertPins { return checks.CertPins{side: pins} }
	for name, q := range map[string]struct {
		fingerprint, spki checks.CertPins
		code              checks.Code
		notPinned         string
	}{
		"the current":                  {on(checks.New, leaf), on(checks.New, key), checks.OK, ""},
		"the next":                     {on(checks.New, other, leaf), nil, checks.OK, ""},
		"another certificate":          {on(checks.New, other), nil, checks.PinMismatch, "certificate"},
		"another key":                  {on(checks.New, leaf), on(checks.New, other), checks.PinMismatch, "public key"},
		"the other side's":             {on(checks.Old, other), on(checks.Old, other), checks.OK, ""},
		"a certificate is no key":      {nil, on(checks.New, leaf), checks.PinMismatch, "public key"},
		"another certificate and key":  {on(checks.New, other), on(checks.New, other), checks.PinMismatch, "certificate"},
		"nothing pinned on this side":  {checks.CertPins{}, checks.CertPins{}, checks.OK, ""},
		"the key of both certificates": {nil, on(checks.New, other, key), checks.OK, ""},
	} {
		o := byRoot
		o.Fingerprint, o.SPKI = q.fingerprint, q.spki
		r := run(t, "", ask(addr, o, trusting(c)))
		if r.Code != q.code || r.Facts["not_pinned"] != q.notPinned {
			t.Errorf("%s: got %s, not pinned %q; want %s, %q", name, r.Code, r.Facts["not_pinned"], q.code, q.notPinned)
		}
	}
}

// Every certificate of the chain is told of, in the order served.
func TestChainFacts(t *testing.T) {
	t.Parallel()
	c := newChain(t, leafSpec{backwards: true})
	r := run(t, "", ask(sServer(t, c), byRoot, trusting(c)))
	links := checks.Links(r.Facts)
	if len(links) != 3 {
		t.Fatalf("got %d links: %v", len(links), r.Facts)
	}
	for i, cert := range c.served {
		want := checks.Link{SHA256: hexSum(cert.Raw), SPKI: hexSum(cert.RawSubjectPublicKeyInfo), NotBefore: stamp(cert.NotBefore), NotAfter: stamp(cert.NotAfter),
			Serial: fmt.Sprintf("%x", cert.SerialNumber), Subject: cert.Subject.String(), Issuer: cert.Issuer.String()}
		if links[i] != want {
			t.Errorf("%d: got %+v, want %+v", i+1, links[i], want)
		}
	}
}

// A certificate with a negative serial number is read, so that it can be said what is wrong with it.
func TestNegativeSerial(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, cert := filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")
	openssl := need.Program(t, "openssl")
	if out, err := command(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-set_serial", "-5", "-days", "2",
		"-subj", "/CN="+gatewayName, "-addext", "subjectAltName=DNS:"+gatewayName, "-keyout", key, "-out", cert); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	addr := program(t, regexp.MustCompile(`^ACCEPT (\S+)$`), openssl, "s_server", "-accept", "127.0.0.1:0", "-cert", cert, "-key", key)
	out, err := command("cat", cert)
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, "", ask(addr, byRoot, func(a *checks.Ask) {
		a.ServerName, a.At, a.Trust = gatewayName, time.Now(), map[string][]byte{"root.pem": out}
	}))
	if r.Code != checks.SrvWeak || r.Verdict != checks.Warn || r.Facts["serial"] != "-5" || r.Facts["negative_serial"] != "true" {
		t.Errorf("got %s %s, facts %v", r.Verdict, r.Code, r.Facts)
	}
}

// Whatever is served stays inert and bounded.
func TestHostileChains(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, "root\x1b[31m|pipe", noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0), nil, nil)
	key := newECDSA(t)
	leaf := sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "a | b\x1b]0;x\x07" + strings.Repeat("ø", 300)}, DNSNames: slices.Repeat([]string{"a.example"}, 500),
		NotBefore: noon.AddDate(0, -1, 0), NotAfter: noon.AddDate(0, 1, 0), OCSPServer: slices.Repeat([]string{"http://\x1b[2J.example"}, 100)}, root.cert, key.Public(), root.key)
	long := func(bytes int) tls.Certificate {
		cert := tls.Certificate{PrivateKey: (*ecdsa.PrivateKey)(key), Certificate: [][]byte{leaf.Raw}}
		for size := 0; size < bytes; size += len(root.cert.Raw) {
			cert.Certificate = append(cert.Certificate, root.cert.Raw)
		}
		return cert
	}
	for name, want := range map[string]struct {
		size int
		code checks.Code
	}{"long": {100 << 10, checks.SrvName}, "too long to be read": {1 << 20, checks.SrvParse}} {
		addr := peer(t, served(&tls.Config{Certificates: []tls.Certificate{long(want.size)}}))
		r := run(t, "", ask(addr, byRoot, func(a *checks.Ask) {
			a.ServerName, a.Trust = gatewayName, map[string][]byte{"root.pem": pemOf(root.cert)}
		}))
		if r.Code != want.code || len(r.Facts) > 40 {
			t.Errorf("%s: got %s with %d facts, %q", name, r.Code, len(r.Facts), r.Evidence.Err)
		}
		for k, v := range r.Facts {
			if len(v) > evidenceLimit || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("%s: fact %s has %d bytes: %.80q", name, k, len(v), v)
			}
		}
		if name == "long" {
			if links := checks.Links(r.Facts); len(links) != maxLinks || links[0].Subject == "" || links[0].SHA256 != hexSum(leaf.Raw) {
				t.Errorf("links %+v", links)
			}
		}
	}
}

// FuzzChain judges whatever can be parsed as a certificate.
func FuzzChain(f *testing.F) {
	root := newAuthority(f, "root", noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0), nil, nil)
	good := root.leaf(f, noon.AddDate(0, -1, 0), noon.AddDate(0, 1, 0), nil)
	f.Add(good.Raw, root.cert.Raw)
	f.Add(root.cert.Raw, root.cert.Raw)
	f.Add([]byte{}, []byte{0x30})
	b, err := parseBundle("root.pem", pemOf(root.cert))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, leaf, next []byte) {
		var certs []*x509.Certificate
		for _, der := range [][]byte{leaf, next} {
			if c, err := x509.ParseCertificate(der); err == nil {
				certs = append(certs, c)
			}
		}
		if len(certs) == 0 {
			return
		}
		c := newServedChain(certs, []bundle{b}, []string{gatewayName}, noon)
		s := sighting{facts: map[string]string{}}
		s.set(c.facts())
		s.set(c.links())
		s.judge(c.findings(demands{moments: []checks.Moment{{Name: "m", At: noon.AddDate(0, 2, 0)}}, minDays: 3, fingerprints: []string{"x"}}))
		if s.code == checks.OK {
			t.Error("a pin that fits nothing was found")
		}
		if got := len(checks.Links(s.facts)); got != len(certs) {
			t.Errorf("%d of %d certificates can be read from the facts %v", got, len(certs), s.facts)
		}
		for k, v := range s.facts {
			if len(v) > evidenceLimit {
				t.Errorf("%s has %d bytes", k, len(v))
			}
		}
	})
}

// mailServer speaks as an SMTP server does: a greeting, then the reply to each command.
func mailServer(greeting, ehlo, start string, then func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		for _, answer := range []string{greeting, ehlo, start} {
			if answer != greeting {
				if _, err := r.ReadString('\n'); err != nil {
					return
				}
			}
			if answer == "hangs up" {
				return
			}
			_, _ = io.WriteString(c, answer)
		}
		then(c)
	}
}

// afterHello answers a TLS hello with a text.
func afterHello(text string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := c.Read(make([]byte, 1)); err == nil {
			says(text)(c)
		}
	}
}

func TestStartTLS(t *testing.T) {
	t.Parallel()
	ec := newChain(t, leafSpec{})
	tlsServer := served(&tls.Config{Certificates: []tls.Certificate{ec.serving()}})
	const hello, offer, ready = "220 mail.example ESMTP\r\n", "250-mail.example\r\n250-SIZE 1000\r\n250 starttls\r\n", "220 go ahead\r\n"
	cases := []struct {
		name    string
		serve   func(net.Conn)
		code    checks.Code
		reached string
	}{
		{"good", mailServer(hello, offer, ready, tlsServer), checks.OK, "tls"},
		{"a greeting of several lines", mailServer("220-welcome\r\n220 mail.example\r\n", offer, ready, tlsServer), checks.OK, "tls"},
		{"not offered", mailServer(hello, "250-mail.example\r\n250 SIZE 1000\r\n", "", drain), checks.StartTLSNotOffered, "connect"},
		{"a host called starttls", mailServer(hello, "250 STARTTLS\r\n", "", drain), checks.StartTLSNotOffered, "connect"},
		{"refused", mailServer(hello, offer, "454 TLS not available due to temporary reason\r\n", drain), checks.StartTLSRefused, "connect"},
		{"does not serve us", mailServer("554 no mail service here\r\n", "", "", drain), checks.UnexpectedAnswer, "connect"},
		{"too many connections", mailServer("421 too many connections from here\r\n", "", "", drain), checks.RefusedText, "connect"},
		{"silent at once", silent, checks.Silent, "connect"},
		{"silent after the greeting", says(hello), checks.Silent, "connect"},
		{"silent after STARTTLS", mailServer(hello, offer, "", drain), checks.Silent, "connect"},
		{"silent after the reply", mailServer(hello, offer, ready, drain), checks.Silent, "banner"},
		{"closes at once", closes, checks.ClosedPreBanner, "connect"},
		{"closes after EHLO", mailServer(hello, "hangs up", "", drain), checks.TLSClosed, "connect"},
		{"closes after the reply", mailServer(hello, offer, ready, func(net.Conn) {}), checks.TLSClosed, "banner"},
		{"another protocol", saysAndCloses("SSH-2.0-x\r\n"), checks.ProtoMismatch, "connect"},
		{"another protocol, without a line's end", saysAndCloses("HTTP/1.1 400 Bad"), checks.ProtoMismatch, "connect"},
		{"a line without an end", saysAndCloses("220 " + strings.Repeat("x", 2*maxReplyLine)), checks.ProtoMismatch, "connect"},
		{"lines without an end", saysAndCloses(strings.Repeat("220-x\r\n", 2*maxReplyLines)), checks.ProtoMismatch, "connect"},
		{"goes on in clear", mailServer(hello, offer, ready+"250 done\r\n", drain), checks.ProtoMismatch, "connect"},
		{"garbage after the reply", mailServer(hello, offer, ready, afterHello("no TLS here at all\r\n")), checks.ProtoMismatch, "banner"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := byRoot
			o.StartTLS = checks.StartSMTP
			r := run(t, "", ask(peer(t, c.serve), o, trusting(ec), func(a *checks.Ask) { a.Spec.Timeout = time.Second }))
			if r.Code != c.code || r.Reached != c.reached {
				t.Errorf("got %s, reached %q; want %s, %q", r.Code, r.Reached, c.code, c.reached)
			}
			if r.Outcome != c.code.Info().Verdict {
				t.Errorf("outcome %s, but %s means %s", r.Outcome, c.code, c.code.Info().Verdict)
			}
		})
	}
	t.Run("an outdated mail server", func(t *testing.T) {
		t.Parallel()
		o := byRoot
		o.StartTLS = checks.StartSMTP
		old := served(&tls.Config{Certificates: []tls.Certificate{ec.serving()}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
		r := run(t, "", ask(peer(t, mailServer(hello, offer, ready, old)), o, trusting(ec)))
		if r.Code != checks.LegacyOnly || r.Facts["version"] != "TLS 1.1" {
			t.Errorf("got %s, facts %v", r.Code, r.Facts)
		}
	})
}

// FuzzReply: what is read ends within its bounds, and what was accepted is accepted again.
func FuzzReply(f *testing.F) {
	for _, s := range []string{"220 x\r\n", "250-a\r\n250 STARTTLS\r\n", "250\r\n", "250-a\n251 b\n", "2", "", "999 x\r\n", "250 \x00\x1b[2J\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := readReply(bufio.NewReaderSize(bytes.NewReader(data), maxReplyLine))
		if err != nil {
			return
		}
		_ = a.offers("STARTTLS")
		var again bytes.Buffer
		for i, l := range a.lines {
			sep := "-"
			if i == len(a.lines)-1 {
				sep = " "
			}
			fmt.Fprintf(&again, "%d%s%s\r\n", a.code, sep, l)
		}
		b, err := readReply(bufio.NewReaderSize(&again, 2*maxReplyLine))
		if err != nil || b.code != a.code || !slices.EqualFunc(a.lines, b.lines, func(x, y string) bool { return strings.TrimRight(x, "\r") == strings.TrimRight(y, "\r") }) {
			t.Errorf("%q was read as %+v, and then as %+v, %v", data, a, b, err)
		}
	})
}
