package probe

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/secret"
)

// client is a client certificate with its key, of an authority.
type client struct {
	issuer    *authority
	cert, key []byte // PEM
}

func newClient(t testing.TB, issuer string, organization ...string) client {
	t.Helper()
	a := &authority{key: newECDSA(t)}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: issuer, Organization: organization}, NotBefore: noon.AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.cert = sign(t, template, template, a.key.Public(), a.key)
	key := newECDSA(t)
	cert := sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "a user system"}, NotBefore: noon.AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, a.cert, key.Public(), a.key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return client{a, pemOf(cert), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}
}

func (c client) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(c.issuer.cert)
	return p
}

// meet asks with a client certificate.
func meet(t *testing.T, addr string, c client, o checks.MTLSOptions, change ...func(*checks.Ask)) checks.Result {
	t.Helper()
	if o.Present == "" {
		o.Present, o.CertFile = checks.PresentCert, "client.pem"
	}
	return run(t, string(c.key), ask(addr, o, append([]func(*checks.Ask){func(a *checks.Ask) {
		a.Spec.Kind, a.ServerName, a.Trust = checks.MTLS, gatewayName, map[string][]byte{"client.pem": c.cert}
	}}, change...)...))
}

// gateway is an HTTP server of Go's own that wants client certificates.
func gateway(t *testing.T, cfg *tls.Config, status int) string {
	t.Helper()
	c := newChain(t, leafSpec{})
	cfg.Certificates = []tls.Certificate{c.serving()}
	return peer(t, func(conn net.Conn) {
		s := tls.Server(conn, cfg)
		if s.Handshake() != nil {
			return
		}
		r := make([]byte, 4096)
		if _, err := s.Read(r); err != nil {
			return
		}
		fmt.Fprintf(s, "HTTP/1.1 %d %s\r\nConnection: close\r\n\r\n", status, http.StatusText(status))
		_ = s.Close()
	})
}

func TestMTLS(t *testing.T) {
	t.Parallel()
	mine, other := newClient(t, "issuer of generation 3", "Example Trust"), newClient(t, "issuer of generation 2", "Example Trust")
	verify := func(c client) *tls.Config {
		return &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: c.pool()}
	}
	only12 := func(cfg *tls.Config) *tls.Config { cfg.MaxVersion = tls.VersionTLS12; return cfg }
	none, wrong := checks.MTLSOptions{Present: checks.PresentNone}, checks.MTLSOptions{Present: checks.PresentWrongCA}
	expects := func(names ...string) checks.MTLSOptions {
		return checks.MTLSOptions{Present: checks.PresentCert, CertFile: "client.pem", AcceptableCAs: names}
	}
	cases := []struct {
		name    string
		server  *tls.Config
		status  int
		o       checks.MTLSOptions
		code    checks.Code
		verdict checks.Verdict
		facts   map[string]string
	}{
		{"accepted", verify(mine), 200, checks.MTLSOptions{}, checks.Accepted, checks.Pass, map[string]string{"issuer_listed": "yes", "client_cert": "requested",
			"acceptable_cas": "CN=issuer of generation 3,O=Example Trust", "acceptable_cas_count": "1", "version": "TLS 1.3", "cert_subject": "CN=a user system", "http_status": "200"}},
		{"accepted in TLS 1.2", only12(verify(mine)), 500, checks.MTLSOptions{}, checks.Accepted, checks.Pass, map[string]string{"version": "TLS 1.2", "http_status": "500"}},
		{"another generation is wanted", verify(other), 200, checks.MTLSOptions{}, checks.CliUntrustedCA, checks.Fail, map[string]string{"issuer_listed": "no",
			"cert_issuer": "CN=issuer of generation 3,O=Example Trust", "acceptable_cas": "CN=issuer of generation 2,O=Example Trust"}},
		{"another generation is wanted, in TLS 1.2", only12(verify(other)), 200, checks.MTLSOptions{}, checks.CliUntrustedCA, checks.Fail, nil},
		{"not asked for", &tls.Config{}, 200, checks.MTLSOptions{}, checks.CliNotRequested, checks.Fail, map[string]string{"client_cert": "not requested"}},
		{"403", verify(mine), 403, checks.MTLSOptions{}, checks.HTTPStatus, checks.Fail, map[string]string{"http_status": "403"}},
		{"400", verify(mine), 400, checks.MTLSOptions{}, checks.AcceptedUnconfirmed, checks.Warn, nil},
		{"404", verify(mine), 404, checks.MTLSOptions{}, checks.AcceptedUnserved, checks.Warn, map[string]string{"http_status": "404"}},
		{"421", verify(mine), 421, checks.MTLSOptions{}, checks.AcceptedUnserved, checks.Warn, map[string]string{"http_status": "421"}},
		{"502", verify(mine), 502, checks.MTLSOptions{}, checks.AcceptedUnserved, checks.Warn, nil},
		{"503", verify(mine), 503, checks.MTLSOptions{}, checks.AcceptedUnserved, checks.Warn, nil},
		{"405, which the service itself says", verify(mine), 405, checks.MTLSOptions{}, checks.Accepted, checks.Pass, nil},
		{"503, without being asked", &tls.Config{}, 503, checks.MTLSOptions{}, checks.CliNotRequested, checks.Fail, nil},
		{"503, and a list without one", verify(mine), 503, expects("CN=x"), checks.CAsMismatch, checks.Fail, nil},
		{"a wrong issuer and a 503", &tls.Config{ClientAuth: tls.RequireAnyClientCert}, 503, wrong, checks.AcceptedUnconfirmed, checks.Unverified, nil},
		{"a wrong issuer and a 404 of who never asks", &tls.Config{}, 404, wrong, checks.CliUnchecked, checks.Fail, nil},
		{"none is refused", verify(mine), 200, none, checks.CliRefused, checks.Pass, map[string]string{"refusal": "cli_missing", "presented": "none"}},
		{"none is refused in TLS 1.2", only12(verify(mine)), 200, none, checks.CliRefused, checks.Pass, map[string]string{"refusal": "cli_missing"}},
		{"none is refused in HTTP", &tls.Config{ClientAuth: tls.RequestClientCert}, 403, none, checks.CliRefused, checks.Pass, map[string]string{"refusal": "http_status"}},
		{"none is let in", &tls.Config{ClientAuth: tls.RequestClientCert}, 200, none, checks.CliUnchecked, checks.Fail, nil},
		{"none is let in by who never asks", &tls.Config{}, 200, none, checks.CliUnchecked, checks.Fail, nil},
		{"a wrong issuer is refused", verify(mine), 200, wrong, checks.CliRefused, checks.Pass, map[string]string{"refusal": "cli_untrusted_ca"}},
		{"a wrong issuer is let in", &tls.Config{ClientAuth: tls.RequireAnyClientCert}, 200, wrong, checks.CliUnchecked, checks.Fail, nil},
		{"a wrong issuer and a bare 400", &tls.Config{ClientAuth: tls.RequireAnyClientCert}, 400, wrong, checks.AcceptedUnconfirmed, checks.Unverified, nil},
		{"the expected list", verify(mine), 200, expects("O=Example Trust, CN = issuer of generation 3"), checks.Accepted, checks.Pass, nil},
		{"a list without one", verify(mine), 200, expects("CN=issuer of generation 3,O=Example Trust", "CN=x"), checks.CAsMismatch, checks.Fail, map[string]string{"cas_missing": "CN=x", "cas_extra": ""}},
		{"no list", &tls.Config{ClientAuth: tls.RequireAnyClientCert}, 200, expects("CN=x"), checks.CAsMismatch, checks.Warn, map[string]string{"acceptable_cas_count": "0"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := meet(t, gateway(t, c.server, c.status), mine, c.o)
			if r.Code != c.code || r.Verdict != c.verdict {
				t.Errorf("got %s %s, want %s %s", r.Verdict, r.Code, c.verdict, c.code)
			}
			for k, v := range c.facts {
				if r.Facts[k] != v {
					t.Errorf("fact %s is %q, want %q", k, r.Facts[k], v)
				}
			}
			if c.code == checks.CliUntrustedCA && !strings.HasPrefix(r.Evidence.Err, "another generation: CN=issuer of generation 2") {
				t.Errorf("the evidence is %q", r.Evidence.Err)
			}
		})
	}
}

// rewriting changes the number of the one alert that its server sends in clear, as TLS 1.2 does before its Finished.
type rewriting struct {
	net.Conn
	number byte
}

func (c rewriting) Write(b []byte) (int, error) {
	if len(b) == 7 && b[0] == recordAlert {
		b = append(bytes.Clone(b[:6]), c.number)
	}
	return c.Conn.Write(b)
}

// alerting12 refuses every client certificate with this alert.
func alerting12(cert tls.Certificate, cas *x509.CertPool, number byte) func(net.Conn) {
	return func(c net.Conn) {
		_ = tls.Server(rewriting{c, number}, &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: tls.VersionTLS12, ClientCAs: cas, ClientAuth: tls.RequireAnyClientCert,
			VerifyPeerCertificate: func([][]byte, [][]*x509.Certificate) error { return io.ErrUnexpectedEOF }}).Handshake()
		drain(c)
	}
}

// alerting13 does it after the handshake, as TLS 1.3 does. The library sends few alerts, so the record is sealed here (RFC 8446, section 5.2).
func alerting13(cert tls.Certificate, cas *x509.CertPool, number byte) func(net.Conn) {
	return func(c net.Conn) {
		var secrets bytes.Buffer
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13, ClientCAs: cas, ClientAuth: tls.RequireAnyClientCert,
			SessionTicketsDisabled: true, KeyLogWriter: &secrets})
		if s.Handshake() != nil {
			return
		}
		m := regexp.MustCompile(`SERVER_TRAFFIC_SECRET_0 \S+ (\S+)`).FindSubmatch(secrets.Bytes())
		traffic, err := hex.DecodeString(string(m[1]))
		if err != nil || s.ConnectionState().CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
			return
		}
		block, err := aes.NewCipher(expand(traffic, "key", 16))
		if err != nil {
			return
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return
		}
		head := []byte{0x17, 3, 3, 0, 3 + 16}
		_, _ = c.Write(aead.Seal(head, expand(traffic, "iv", 12), []byte{2, number, recordAlert}, head))
		drain(c)
	}
}

// expand is HKDF-Expand-Label with an empty context.
func expand(key []byte, label string, n int) []byte {
	label = "tls13 " + label
	info := append([]byte{byte(n >> 8), byte(n), byte(len(label))}, label...)
	out, _ := hkdf.Expand(sha256.New, key, string(append(info, 0)), n)
	return out
}

// Each alert about a client certificate has its own code, in both versions, also when the server lists other issuers.
func TestEachClientAlertHasItsCode(t *testing.T) {
	t.Parallel()
	cert := newChain(t, leafSpec{}).serving()
	mine, other := newClient(t, "mine"), newClient(t, "other")
	type want struct{ code, unlisted checks.Code }
	for number, w := range map[byte]want{
		42:  {checks.CliBad, checks.CliBad},
		43:  {checks.CliUnsupported, checks.CliUnsupported},
		44:  {checks.CliRevoked, checks.CliRevoked},
		45:  {checks.CliExpired, checks.CliExpired},
		46:  {checks.CliUnknown, checks.CliOtherIssuer},
		48:  {checks.CliUntrustedCA, checks.CliUntrustedCA},
		49:  {checks.CliDenied, checks.CliDenied},
		116: {checks.CliMissing, checks.CliMissing},
		40:  {checks.CliUnknown, checks.CliOtherIssuer}, // after a certificate was asked for it is about that
		80:  {checks.TLSClosed, checks.CliOtherIssuer},
		71:  {checks.TLSNoOverlap, checks.TLSNoOverlap},
	} {
		for version, serve := range map[string]func(tls.Certificate, *x509.CertPool, byte) func(net.Conn){"TLS 1.2": alerting12, "TLS 1.3": alerting13} {
			for list, cas := range map[string]*x509.CertPool{"listed": mine.pool(), "any": nil, "unlisted": other.pool()} {
				expected := w.code
				if list == "unlisted" {
					expected = w.unlisted
				}
				r := meet(t, peer(t, serve(cert, cas, number)), mine, checks.MTLSOptions{})
				if r.Code != expected || r.Verdict != checks.Fail || !strings.HasPrefix(r.Evidence.Alert, fmt.Sprint(number, " ")) || r.Facts["version"] != version {
					t.Errorf("alert %d in %s, %s: got %s %s, evidence %q; want %s", number, version, list, r.Verdict, r.Code, r.Evidence.Alert, expected)
				}
				if expected == checks.CliOtherIssuer && (!strings.Contains(r.Evidence.Err, "CN=other") || !strings.Contains(r.Evidence.Err, "CN=mine")) {
					t.Errorf("alert %d: evidence %q names not both issuers", number, r.Evidence.Err)
				}
			}
		}
	}
}

// What a server can do beside answering.
func TestMTLSFaults(t *testing.T) {
	t.Parallel()
	cert := newChain(t, leafSpec{}).serving()
	mine, other := newClient(t, "mine"), newClient(t, "other")
	after := func(cas *x509.CertPool, auth tls.ClientAuthType, then func(net.Conn)) func(net.Conn) {
		return func(c net.Conn) {
			s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: auth, ClientCAs: cas})
			if s.Handshake() == nil {
				then(s)
			}
		}
	}
	body := func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n<center>No required SSL certificate was sent</center>")
		_ = c.Close()
	}
	none := checks.MTLSOptions{Present: checks.PresentNone}
	cases := []struct {
		name    string
		serve   func(net.Conn)
		o       checks.MTLSOptions
		code    checks.Code
		verdict checks.Verdict
	}{
		{"says nothing after it", after(nil, tls.RequireAnyClientCert, drain), checks.MTLSOptions{}, checks.AcceptedUnconfirmed, checks.Warn},
		{"says nothing after it, to none", after(nil, tls.RequestClientCert, drain), none, checks.AcceptedUnconfirmed, checks.Unverified},
		{"asks for none and says nothing", after(nil, tls.NoClientCert, drain), checks.MTLSOptions{}, checks.CliNotRequested, checks.Fail},
		{"hangs up after it", after(nil, tls.RequireAnyClientCert, closes), checks.MTLSOptions{}, checks.TLSClosed, checks.Fail},
		{"hangs up after it, to none", after(nil, tls.RequestClientCert, closes), none, checks.TLSClosed, checks.Unverified},
		{"hangs up, and lists another issuer", after(other.pool(), tls.RequireAnyClientCert, closes), checks.MTLSOptions{}, checks.CliOtherIssuer, checks.Fail},
		{"says in HTTP that there was none", after(nil, tls.RequestClientCert, body), none, checks.CliRefused, checks.Pass},
		{"says in HTTP that ours was none", after(nil, tls.RequestClientCert, body), checks.MTLSOptions{}, checks.CliMissing, checks.Fail},
		{"never shakes hands", silent, checks.MTLSOptions{}, checks.Silent, checks.Fail},
		{"never shakes hands, with none", silent, none, checks.Silent, checks.Fail},
		{"hangs up at once", closes, checks.MTLSOptions{}, checks.TLSClosed, checks.Fail},
		{"another protocol", saysAndCloses("SSH-2.0-x\r\n"), checks.MTLSOptions{}, checks.ProtoMismatch, checks.Fail},
		{"nothing in common, with none", saysAndCloses("\x15\x03\x03\x00\x02\x02\x28"), none, checks.TLSNoOverlap, checks.Fail},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := meet(t, peer(t, c.serve), mine, c.o, func(a *checks.Ask) { a.Spec.Timeout = time.Second })
			if r.Code != c.code || r.Verdict != c.verdict {
				t.Errorf("got %s %s, want %s %s", r.Verdict, r.Code, c.verdict, c.code)
			}
		})
	}
}

// What cannot be used of ours is ours, and nothing is asked.
func TestMTLSCredential(t *testing.T) {
	t.Parallel()
	mine, other := newClient(t, "mine"), newClient(t, "other")
	touched := peer(t, func(net.Conn) { t.Error("the target was asked") })
	for name, c := range map[string]client{
		"a key of another": {mine.issuer, mine.cert, other.key},
		"no certificate":   {mine.issuer, []byte("text"), mine.key},
		"no key":           {mine.issuer, mine.cert, []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")},
		"no secret":        {mine.issuer, mine.cert, nil},
		"half an issuer":   {mine.issuer, append(bytes.Clone(mine.cert), pemOf(mine.issuer.cert)[:200]...), mine.key},
	} {
		r := meet(t, touched, c, checks.MTLSOptions{})
		if r.Code != checks.Credential || r.Verdict != checks.Error || r.Evidence.Err == "" {
			t.Errorf("%s: got %s %s, %q", name, r.Verdict, r.Code, r.Evidence.Err)
		}
	}
	ref, err := secret.ParseRef("env:CLIENT")
	if err != nil {
		t.Fatal(err)
	}
	both := client{mine.issuer, nil, append(bytes.Clone(mine.cert), mine.key...)} // certificate and key in one secret
	r := meet(t, gateway(t, &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: mine.pool()}, 200), both,
		checks.MTLSOptions{Present: checks.PresentCert, Cert: ref, Key: ref})
	if r.Code != checks.Accepted {
		t.Errorf("got %s, %q", r.Code, r.Evidence.Err)
	}
}

// openssl as the server: it answers a GET, and refuses with the alerts of its own.
func TestMTLSAgainstOpenSSL(t *testing.T) {
	t.Parallel()
	mine, other := newClient(t, "mine"), newClient(t, "other")
	ca := func(c client) string {
		file := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(file, pemOf(c.issuer.cert), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	get := checks.MTLSOptions{Present: checks.PresentCert, CertFile: "client.pem", Send: "GET / HTTP/1.0"}
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		for _, q := range []struct {
			ca      client
			o       checks.MTLSOptions
			code    checks.Code
			refusal string
		}{
			{mine, get, checks.Accepted, ""},
			{other, get, checks.CliUntrustedCA, ""},
			{mine, checks.MTLSOptions{Present: checks.PresentNone}, checks.CliRefused, "cli_missing"},
			{mine, checks.MTLSOptions{Present: checks.PresentWrongCA}, checks.CliRefused, "cli_untrusted_ca"},
		} {
			file := ca(q.ca)
			addr := sServer(t, newChain(t, leafSpec{}), version, "-www", "-Verify", "2", "-verify_return_error", "-CAfile", file)
			r := meet(t, addr, mine, q.o)
			if r.Code != q.code || r.Facts["refusal"] != q.refusal {
				t.Errorf("%s, %s: got %s, refusal %q; want %s, %q", version, q.o.Present, r.Code, r.Facts["refusal"], q.code, q.refusal)
			}
		}
	}
}

// FuzzAcceptableCAs: whatever a server lists as issuers is written, bounded and inert.
func FuzzAcceptableCAs(f *testing.F) {
	mine := newClient(f, "mine")
	cert, err := tls.X509KeyPair(mine.cert, mine.key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(mine.issuer.cert.RawSubject, "CN=mine")
	f.Add([]byte{0x30, 0}, "")
	f.Add([]byte("\x1b[2J"), `CN=a\,b, O = c`)
	f.Fuzz(func(t *testing.T, name []byte, expected string) {
		m := &meeting{cert: &cert, options: checks.MTLSOptions{Present: checks.PresentCert, AcceptableCAs: []string{expected}},
			asked: &tls.CertificateRequestInfo{AcceptableCAs: [][]byte{name, name}}}
		s := sighting{facts: map[string]string{}, code: checks.Accepted}
		s.set(m.facts())
		m.compare(&s)
		s.evidence.Err = printable([]byte(m.explained()))
		if s.facts["acceptable_cas_count"] != "1" {
			t.Errorf("one name twice is counted %s", s.facts["acceptable_cas_count"])
		}
		for k, v := range s.facts {
			if len(v) > evidenceLimit || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("%s: %q", k, v)
			}
		}
	})
}

// A certificate that is made for servers is refused for that, whatever the server says; Go's and openssl's say two things.
func TestMTLSWithACertificateForServers(t *testing.T) {
	t.Parallel()
	mine := newClient(t, "mine")
	wrong := mine.issuer.spoilt(t, gatewayName, func(c *x509.Certificate) { c.NotAfter = time.Now().AddDate(1, 0, 0) })
	mine.cert, mine.key = pemOf(wrong.cert), keyPEM(t, wrong.key)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pemOf(mine.issuer.cert), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, addr := range map[string]string{
		"go":      gateway(t, &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: mine.pool()}, 200),
		"openssl": sServer(t, newChain(t, leafSpec{}), "-www", "-Verify", "2", "-verify_return_error", "-CAfile", file),
	} {
		r := meet(t, addr, mine, checks.MTLSOptions{})
		if r.Code != checks.CliUnsupported || r.Verdict != checks.Fail || r.Facts["cert_usage"] != "not client" || !strings.Contains(r.Evidence.Err, "not made for a client") {
			t.Errorf("%s: got %s %s, refusal %q, %q", name, r.Verdict, r.Code, r.Facts["refusal"], r.Evidence.Err)
		}
	}
}
