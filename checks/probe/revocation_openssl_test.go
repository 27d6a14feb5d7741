package probe

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/need"
)

// opensslCA is openssl's own: its database, its list and its responder, all of today.
type opensslCA struct {
	t       *testing.T
	openssl string
	dir     string
	port    string // of the responder, and the list
	host    string
}

const caConfig = `[ca]
default_ca = d
[d]
dir = .
database = index.txt
new_certs_dir = .
serial = serial
crlnumber = crlnumber
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = p
default_days = 30
default_crl_days = 1
[p]
commonName = supplied
[leaf]
authorityInfoAccess = OCSP;URI:http://HOST:PORT/
[appointed]
extendedKeyUsage = OCSPSigning
keyUsage = digitalSignature
`

func newOpenSSLCA(t *testing.T) *opensslCA {
	t.Helper()
	a := &opensslCA{t: t, openssl: need.Program(t, "openssl"), dir: t.TempDir()}
	a.host, a.port = ownPort(t)
	config := regexp.MustCompile("HOST:PORT").ReplaceAllString(caConfig, net.JoinHostPort(a.host, a.port))
	for name, text := range map[string]string{"ca.cnf": config, "index.txt": "", "serial": "1000\n", "crlnumber": "01\n"} {
		if err := os.WriteFile(a.file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=openssl issuer")
	for name, section := range map[string]string{"leaf": "leaf", "responder": "appointed"} {
		a.run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name+".key", "-out", name+".csr", "-subj", "/CN="+name)
		a.run("ca", "-config", "ca.cnf", "-batch", "-notext", "-in", name+".csr", "-out", name+".pem", "-extensions", section)
	}
	return a
}

func (a *opensslCA) file(name string) string { return filepath.Join(a.dir, name) }

func (a *opensslCA) certificate(name string) *x509.Certificate {
	a.t.Helper()
	text, err := os.ReadFile(a.file(name))
	if err != nil {
		a.t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

func (a *opensslCA) run(args ...string) {
	a.t.Helper()
	cmd := exec.Command(a.openssl, args...)
	cmd.Dir = a.dir
	if said, err := cmd.CombinedOutput(); err != nil {
		a.t.Fatalf("openssl %v: %v\n%s", args, err, said)
	}
}

// respond starts openssl's responder for the database as it is now.
func (a *opensslCA) respond() {
	a.t.Helper()
	program(a.t, regexp.MustCompile(`(?i)waiting for (OCSP client) connections`), a.openssl, "ocsp", "-index", a.file("index.txt"), "-CA", a.file("ca.pem"),
		"-rsigner", a.file("responder.pem"), "-rkey", a.file("responder.key"), "-port", a.port, "-nmin", "60", "-ignore_err")
}

// serve starts openssl's TLS server with the leaf, and what it is to staple.
func (a *opensslCA) serve(args ...string) string {
	a.t.Helper()
	return program(a.t, regexp.MustCompile(`^ACCEPT (\S+)$`), a.openssl, append([]string{"s_server", "-accept", "127.0.0.1:0",
		"-cert", a.file("leaf.pem"), "-key", a.file("leaf.key"), "-cert_chain", a.file("ca.pem")}, args...)...)
}

func (a *opensslCA) ask(addr string, require ...checks.StatusSource) checks.Result {
	a.t.Helper()
	q := ask(addr, checks.RevocationOptions{Require: require, Responders: here}, func(q *checks.Ask) { q.Spec.Kind, q.At = checks.Revocation, time.Now() })
	r, err := New(Config{Dialer: loopback()}).Run(a.t.Context(), q)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Logf("%s %s facts %v, evidence %+v", r.Verdict, r.Code, r.Facts, r.Evidence)
	return r
}

// openssl's responder, its stapling server and its own revocation are understood.
func TestRevocationAgainstOpenSSL(t *testing.T) {
	t.Parallel()
	a := newOpenSSLCA(t)
	plain := a.serve()
	wantStatus(t, "the responder is down", a.ask(plain), checks.StatusUnreachable, checks.Fail, a.port)
	a.run("ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "responder.pem", "-rkey", "responder.key", "-issuer", "ca.pem", "-cert", "leaf.pem", "-respout", "good.der", "-nmin", "60")
	stapling := a.serve("-status_file", a.file("good.der"))
	wantStatus(t, "stapled", a.ask(stapling, checks.Stapled), checks.StatusUnreachable, checks.Warn, a.port)
	a.respond()
	wantStatus(t, "good", a.ask(plain, checks.OCSP), checks.OK, checks.Pass, "")
	wantStatus(t, "good twice", a.ask(stapling, checks.Stapled, checks.OCSP), checks.OK, checks.Pass, "")
	wantStatus(t, "not stapled", a.ask(plain, checks.Stapled), checks.StatusAbsent, checks.Fail, "stapled")
}

// What openssl revoked is revoked: by its responder, and by its list as it is fetched.
func TestRevocationByOpenSSL(t *testing.T) {
	t.Parallel()
	a := newOpenSSLCA(t)
	a.run("ca", "-config", "ca.cnf", "-revoke", "leaf.pem", "-crl_reason", "keyCompromise")
	a.run("ca", "-config", "ca.cnf", "-gencrl", "-out", "list.pem")
	a.respond()
	wantStatus(t, "revoked", a.ask(a.serve()), checks.StatusRevoked, checks.Fail, "key compromise")

	list, err := os.ReadFile(a.file("list.pem"))
	if err != nil {
		t.Fatal(err)
	}
	leaf, issuer := a.certificate("leaf.pem"), a.certificate("ca.pem")
	if s := judgeCRL(list, leaf, issuer, time.Now()); s.code != checks.StatusRevoked {
		t.Errorf("by the list: %+v", s)
	}
	block, _ := pem.Decode(list)
	if s := judgeCRL(block.Bytes, a.certificate("responder.pem"), issuer, time.Now()); s.code != checks.OK {
		t.Errorf("another certificate by the list: %+v", s)
	}
	if s := judgeCRL(list, leaf, issuer, time.Now().Add(72*time.Hour)); s.code != checks.StatusStale {
		t.Errorf("by the list in three days: %+v", s)
	}
}
