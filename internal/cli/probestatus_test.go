package cli_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/cli"
)

// statusPlan asks a server for the status of its certificates, from the host of a party; the responder is no address of the plan.
const statusPlan = `plan: status
title: Whose certificates are revoked
timezone: UTC
language: en
parties:
  newe: {role: new-supplier}
  k1: {role: user}
environments: {prod: {production: true}}
platforms:
  new: {party: newe, networks: [127.0.0.1/32]}
services:
  gateway: {in: {prod: {new: {addr: "GATEWAY"}}}}
vantages:
  there: {party: k1, source_ip: 127.0.0.1}
checks:
  status: {kind: revocation, service: gateway, require: [ocsp], responders: [127.0.0.53/32], vantage: there, timeout: 4s}
`

// responder tells the status of every certificate of one issuer.
type responder struct {
	status atomic.Int32 // as package ocsp counts; -1 = HTTP error
	asked  atomic.Int32
	cert   *x509.Certificate
	key    crypto.Signer
}

func (r *responder) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	r.asked.Add(1)
	status := int(r.status.Load())
	if status < 0 {
		http.Error(w, "not here", http.StatusServiceUnavailable)
		return
	}
	answer, err := ocsp.CreateResponse(r.cert, r.cert, ocsp.Response{Status: status, SerialNumber: big.NewInt(7), IssuerHash: crypto.SHA1,
		ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour), RevokedAt: time.Now().Add(-time.Minute)}, r.key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(answer)
}

// certified is a TLS server whose certificate names a responder, and that responder on an address of its own.
func certified(t *testing.T) (gateway string, r *responder) {
	t.Helper()
	fatal := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fatal(err)
	from, until := time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Status CA"}, NotBefore: from, NotAfter: until, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	raw, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	fatal(err)
	r = &responder{key: key}
	r.cert, err = x509.ParseCertificate(raw)
	fatal(err)

	ln, err := net.Listen("tcp", "127.0.0.53:0")
	fatal(err)
	server := &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() { server.Close() })

	leaf := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "gateway"}, NotBefore: from, NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, OCSPServer: []string{"http://" + ln.Addr().String() + "/"}}
	own, err := x509.CreateCertificate(rand.Reader, leaf, r.cert, key.Public(), key)
	fatal(err)
	tl, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{own, raw}, PrivateKey: key}}})
	fatal(err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := tl.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).Handshake() // the client says how it went
			c.Close()
		}
	}()
	t.Cleanup(func() { tl.Close(); <-done })
	return tl.Addr().String(), r
}

// ran is what a command of the program printed, which must end with the given exit code.
func ran(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	if got := cli.Main(args, strings.NewReader(""), &out, &errs); got != code {
		t.Fatalf("skift %s ended with %d, want %d\n%s%s", strings.Join(args, " "), got, code, &out, &errs)
	}
	return out.String()
}

// Responders named in certificates are asked from the party's host too, where the check says that they may be.
func TestStatusAsBrought(t *testing.T) {
	t.Parallel()
	gateway, r := certified(t)
	top := t.TempDir()
	dir := filepath.Join(top, "plan")
	plan := strings.Replace(statusPlan, "GATEWAY", gateway, 1)
	write := func(text string) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "plan.yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, plan string
		status     int
		exit       int
		code       checks.Code
		asked      int32
	}{
		{"good", plan, ocsp.Good, cli.ExitOK, checks.OK, 1},
		{"revoked", plan, ocsp.Revoked, cli.ExitFailed, checks.StatusRevoked, 1},
		{"error", plan, -1, cli.ExitFailed, checks.StatusRefused, 1},
		{"elsewhere", strings.Replace(plan, "127.0.0.53/32", "127.0.0.54/32", 1), ocsp.Good, cli.ExitNotKnown, checks.LocalPolicy, 0},
	} {
		write(tt.plan)
		r.status.Store(int32(tt.status))
		r.asked.Store(0)
		ask, answer := filepath.Join(top, tt.name+".json"), filepath.Join(top, tt.name+"-result.json")
		ran(t, cli.ExitOK, "-C", dir, "probe", "export", "status", "--for", "k1", "--out", ask)
		ran(t, tt.exit, "probe", "run", ask)
		if got := r.asked.Load(); got != tt.asked {
			t.Errorf("%s: the responder was asked %d times, want %d", tt.name, got, tt.asked)
		}
		ran(t, tt.exit, "-C", dir, "probe", "import", answer)
		var reply api.CheckReply
		if err := json.Unmarshal([]byte(ran(t, tt.exit, "-C", dir, "check", "--dry", "--json")), &reply); err != nil {
			t.Fatal(err)
		}
		if s := reply.Pairs[0].New; s == nil || s.Code != tt.code {
			t.Errorf("%s: %+v, want %s", tt.name, s, tt.code)
		}
	}
}
