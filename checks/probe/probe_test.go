package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"skift/checks"
	"skift/internal/dial"
)

// Every kind that can be written can be asked, and nothing else.
func TestRegistryIsThatOfTheKinds(t *testing.T) {
	t.Parallel()
	probes := registry()
	for _, k := range checks.Kinds() {
		if p, ok := probes[k.Kind]; !ok || !strings.HasPrefix(p.version, string(k.Kind)+"/") {
			t.Errorf("kind %s: probe %v, version %q", k.Kind, ok, p.version)
		}
		delete(probes, k.Kind)
	}
	for k := range probes {
		t.Errorf("probe %s is of no kind", k)
	}
}

// A mistake of the caller is an error, never a result that blames a target.
func TestRunRefusesABadAsk(t *testing.T) {
	t.Parallel()
	cases := map[string]checks.Ask{
		"no spec":      {Unit: checks.Unit{Addr: "127.0.0.1:1"}},
		"unknown kind": {Unit: checks.Unit{Addr: "127.0.0.1:1"}, Spec: &checks.Spec{Kind: "dns"}},
		"a name":       {Unit: checks.Unit{Addr: "gateway.example:443"}, Spec: &checks.Spec{Kind: checks.TLS}},
	}
	for name, a := range cases {
		if r, err := New(Config{Dialer: loopback()}).Run(t.Context(), a); err == nil {
			t.Errorf("%s: got %+v", name, r)
		}
	}
}

func TestRunReportsTheCauseOfCancelling(t *testing.T) {
	t.Parallel()
	shutdown := errors.New("shutting down")
	for _, o := range []checks.Options{checks.TLSOptions{}, reachTLS, reachSSH, reachHTTP, checks.SFTPOptions{Level: checks.LevelBanner}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		addr := peer(t, func(c net.Conn) { cancel(shutdown); drain(c) })
		if r, err := New(Config{Dialer: loopback()}).Run(ctx, ask(addr, o)); !errors.Is(err, shutdown) {
			t.Errorf("%T: got %+v, %v", o, r, err)
		}
	}
}

func TestReachOverHTTPS(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]checks.Code{200: checks.OK, 404: checks.OK, 401: checks.OK, 503: checks.OK, 403: checks.HTTPStatus} {
		var mu sync.Mutex
		var seen []string
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			seen = append(seen, r.Method+" "+r.URL.Path+" "+r.Host)
			mu.Unlock()
			w.WriteHeader(status)
		}))
		t.Cleanup(s.Close)
		r := run(t, "", ask(s.Listener.Addr().String(), checks.ReachOptions{Proof: checks.ProofHTTPS}, func(a *checks.Ask) { a.ServerName = gatewayName }))
		if r.Code != want || r.Facts[checks.FactHTTPStatus] != fmt.Sprint(status) {
			t.Errorf("%d: got %s, facts %v", status, r.Code, r.Facts)
		}
		mu.Lock()
		if len(seen) != 1 || seen[0] != "HEAD / "+gatewayName {
			t.Errorf("%d: the server was asked %q, want one harmless request", status, seen)
		}
		mu.Unlock()
	}
}

// A gateway that demands a client certificate shows no HTTP status: that is neither silence nor a deny. TLS 1.3 says so only when
// something is read after the handshake.
func TestReachOverHTTPSWithoutAClientCertificate(t *testing.T) {
	t.Parallel()
	for version, want := range map[uint16]checks.Code{tls.VersionTLS12: checks.TLSNoOverlap, tls.VersionTLS13: checks.CliMissing} {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: version, MaxVersion: version}
		s.StartTLS()
		t.Cleanup(s.Close)
		for _, w := range []checks.Want{checks.Allow, checks.Deny} {
			r := run(t, "", ask(s.Listener.Addr().String(), checks.ReachOptions{Proof: checks.ProofHTTPS}, quick, func(a *checks.Ask) { a.Want = w }))
			if r.Code != want && r.Code != checks.CliMissing || r.Verdict != checks.Fail || r.Evidence.Alert == "" {
				t.Errorf("%s, %s wanted: got %s %s, alert %q", tls.VersionName(version), w, r.Verdict, r.Code, r.Evidence.Alert)
			}
		}
	}
}

// A server that stops answering when all has been seen must not hold the sweep: closing in good order has its time as well.
func TestServerThatHangsAtTheEnd(t *testing.T) {
	t.Parallel()
	host, me := newKey(t), newKey(t)
	cfg := welcoming(t, host)
	var deaf atomic.Bool
	server := peer(t, func(conn net.Conn) { serveSFTP(conn, cfg, files{closed: func() { deaf.Store(true) }}) })
	front := peer(t, func(c net.Conn) {
		back, err := net.Dial("tcp", server)
		if err != nil {
			return
		}
		defer back.Close()
		done := make(chan struct{})
		go func() { _, _ = io.Copy(c, back); close(done) }()
		buf := make([]byte, 4096)
		for n, err := c.Read(buf); err == nil; n, err = c.Read(buf) {
			if !deaf.Load() { // what comes after the end of the listing is never heard
				_, _ = back.Write(buf[:n])
			}
		}
		back.Close()
		<-done
	})
	o := checks.SFTPOptions{Level: checks.LevelList, User: checks.Text{Literal: "u"}, HostKey: map[checks.Side][]string{checks.New: {host.fingerprint}}}
	began := time.Now()
	r := run(t, me.private, ask(front, o, func(a *checks.Ask) { a.Spec.Timeout = 2 * time.Second }))
	if r.Code != checks.OK || r.Reached != "list" || !deaf.Load() {
		t.Errorf("got %s, reached %q", r.Code, r.Reached)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

// The alert's number is unexported; should a new Go hide it otherwise, this fails first.
func TestAlertNumberAgainstTheToolchain(t *testing.T) {
	t.Parallel()
	for number, text := range map[byte]string{40: "handshake failure", 48: "unknown certificate authority", 70: "protocol version not supported", 116: "certificate required"} {
		addr := peer(t, saysAndCloses(string([]byte{0x15, 3, 3, 0, 2, 2, number})))
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		err = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).Handshake()
		conn.Close()
		if n, got, ok := alert(err); !ok || n != int(number) || got != text {
			t.Errorf("alert %d: read as %d %q %v from %v", number, n, got, ok, err)
		}
		if byText, _, ok := alert(&net.OpError{Op: "remote error", Err: errors.New("tls: " + text)}); !ok || byText != int(number) {
			t.Errorf("alert %d: its text is read as %d", number, byText)
		}
	}
	if _, _, ok := alert(&net.OpError{Op: "read", Err: syscall.ECONNRESET}); ok {
		t.Error("a reset was read as an alert")
	}
}

func TestHandshakeCodes(t *testing.T) {
	t.Parallel()
	remote := func(n uint8) error { return &net.OpError{Op: "remote error", Err: tls.AlertError(n)} }
	cases := []struct {
		err  error
		want checks.Code
	}{
		{remote(42), checks.CliBad}, {remote(43), checks.CliUnsupported}, {remote(44), checks.CliRevoked}, {remote(45), checks.CliExpired},
		{remote(46), checks.CliUnknown}, {remote(48), checks.CliUntrustedCA}, {remote(49), checks.CliDenied}, {remote(116), checks.CliMissing},
		{remote(40), checks.TLSNoOverlap}, {remote(70), checks.TLSVersion}, {remote(80), checks.TLSClosed}, {remote(112), checks.TLSClosed},
		{errors.New("tls: server selected unsupported protocol version 301"), checks.TLSVersion},
		{errors.New("tls: server chose an unconfigured cipher suite"), checks.TLSNoOverlap},
		{errors.New("tls: failed to parse certificate from server: x509: negative serial number"), checks.SrvParse},
		{errors.New("crypto/rsa: 768-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)"), checks.SrvWeak},
		{io.EOF, checks.TLSClosed}, {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, checks.TLSClosed},
		{os.ErrDeadlineExceeded, checks.Silent}, {tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, checks.ProtoMismatch},
		{errors.New("tls: unexpected message"), checks.ProtoMismatch},
	}
	for _, c := range cases {
		if got := handshakeCode(c.err, &dial.Conn{}); got != c.want {
			t.Errorf("%v: got %s, want %s", c.err, got, c.want)
		}
	}
}

// A SHA-1 signature is refused by the library as an unknown authority; it must be named as what it is.
func TestWeakSignature(t *testing.T) {
	t.Parallel()
	c := newChain(t, leafSpec{})
	weak := *c.leaf
	weak.SignatureAlgorithm = x509.SHA1WithRSA
	b, err := parseBundle("root.pem", c.trust())
	if err != nil {
		t.Fatal(err)
	}
	found := newServedChain([]*x509.Certificate{&weak, c.between}, []bundle{b}, []string{gatewayName}, noon).findings(demands{})
	if len(found) == 0 || found[0].code != checks.SrvWeak || found[0].verdict != "" {
		t.Errorf("got %+v", found)
	}
	root := *c.root
	root.SignatureAlgorithm = x509.SHA1WithRSA // nobody checks a root's signature of itself
	if found := newServedChain([]*x509.Certificate{c.leaf, c.between, &root}, []bundle{b}, []string{gatewayName}, noon).findings(demands{}); len(found) != 0 {
		t.Errorf("served root: got %+v", found)
	}
}

// files is an SFTP server in this process whose listing gives one error, or is empty and tells when it is closed.
type files struct {
	err    error
	closed func()
}

func (f files) Filelist(*sftp.Request) (sftp.ListerAt, error) {
	if f.err != nil {
		return nil, f.err
	}
	return f, nil
}
func (f files) ListAt([]os.FileInfo, int64) (int, error)     { return 0, io.EOF }
func (f files) Close() error                                 { f.closed(); return nil }
func (f files) Fileread(*sftp.Request) (io.ReaderAt, error)  { panic("a file was opened") }
func (f files) Filewrite(*sftp.Request) (io.WriterAt, error) { panic("a file was written") }
func (f files) Filecmd(*sftp.Request) error                  { panic("something was changed") }

func TestOperationCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		code checks.Code
	}{
		{os.ErrNotExist, checks.PathMissing}, {sftp.ErrSSHFxPermissionDenied, checks.PathDenied},
		{errors.New("disk on fire"), checks.OpFailed}, {sftp.ErrSSHFxOpUnsupported, checks.OpFailed},
	} {
		host, me := newKey(t), newKey(t)
		cfg := welcoming(t, host)
		addr := peer(t, func(conn net.Conn) { serveSFTP(conn, cfg, files{err: c.err}) })
		o := checks.SFTPOptions{Level: checks.LevelList, User: checks.Text{Literal: "u"}, HostKey: map[checks.Side][]string{checks.New: {host.fingerprint}}}
		if r := run(t, me.private, ask(addr, o)); r.Code != c.code || r.Reached != "subsystem" {
			t.Errorf("%v: got %s, reached %q", c.err, r.Code, r.Reached)
		}
	}
}

// welcoming is the configuration of an SSH server that takes every key.
func welcoming(t *testing.T, host keyPair) *ssh.ServerConfig {
	t.Helper()
	signer, err := ssh.ParsePrivateKey([]byte(host.private))
	if err != nil {
		t.Fatal(err)
	}
	cfg := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }}
	cfg.AddHostKey(signer)
	return cfg
}

// sshd takes the key and then ends the connection when it cannot give the account its root directory. That is neither a garbled SFTP
// nor something we did not see, however early it comes.
func TestHungUpAfterTheLogin(t *testing.T) {
	t.Parallel()
	host, me := newKey(t), newKey(t)
	cfg := welcoming(t, host)
	moments := map[string]func(*ssh.ServerConn, <-chan ssh.NewChannel){
		"at once":         func(*ssh.ServerConn, <-chan ssh.NewChannel) {},
		"at the session":  func(_ *ssh.ServerConn, chans <-chan ssh.NewChannel) { <-chans },
		"at the question": func(_ *ssh.ServerConn, chans <-chan ssh.NewChannel) { acceptOne(chans) },
	}
	for name, until := range moments {
		addr := peer(t, func(conn net.Conn) {
			c, chans, reqs, err := ssh.NewServerConn(conn, cfg)
			if err != nil {
				return
			}
			go ssh.DiscardRequests(reqs)
			until(c, chans)
			_ = conn.Close()
			for range chans { // the library's reader ends with them
			}
		})
		for range 10 {
			o := checks.SFTPOptions{Level: checks.LevelList, User: checks.Text{Literal: "u"}, HostKey: map[checks.Side][]string{checks.New: {host.fingerprint}}}
			if r := run(t, me.private, ask(addr, o)); r.Code != checks.AuthDisconnect || r.Verdict != checks.Fail || r.Reached != "auth" {
				t.Errorf("%s: got %s %s, reached %q", name, r.Verdict, r.Code, r.Reached)
			}
		}
	}
}

// acceptOne accepts a session and waits for the first request on it.
func acceptOne(chans <-chan ssh.NewChannel) {
	c, ok := <-chans
	if !ok {
		return
	}
	if _, reqs, err := c.Accept(); err == nil {
		<-reqs
	}
}

func serveSFTP(conn net.Conn, cfg *ssh.ServerConfig, f files) {
	_, chans, reqs, err := ssh.NewServerConn(conn, cfg)
	if err != nil {
		return
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { ssh.DiscardRequests(reqs) })
	for c := range chans {
		ch, reqs, err := c.Accept()
		if err != nil {
			return
		}
		wg.Go(func() {
			for r := range reqs {
				_ = r.Reply(r.Type == "subsystem", nil)
			}
		})
		_ = sftp.NewRequestServer(ch, sftp.Handlers{FileGet: f, FilePut: f, FileCmd: f, FileList: f}).Serve()
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"SSH-2.0-x\r\n":              `SSH-2.0-x\r\n`,
		"\x1b]8;;http://x\x07 \"q\"": `\x1b]8;;http://x\a "q"`,
		`a\b`:                        `a\\b`,
		"æ":                          `\xc3\xa6`,
		"cpr 010203-1234!":           "cpr ***!",
	}
	for in, want := range cases {
		got := printable([]byte(in))
		if strings.HasPrefix(in, "cpr") {
			if strings.Contains(got, "0203") {
				t.Errorf("%q became %q", in, got)
			}
			continue
		}
		if got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if got := printable([]byte(strings.Repeat("\x00", 600))); len(got) > evidenceLimit || len(got)%4 != 0 {
		t.Errorf("%d bytes, cut inside an escape: %q", len(got), got[len(got)-6:])
	}
}

func TestResultOfAPass(t *testing.T) {
	t.Parallel()
	a := ask(peer(t, saysAndCloses("SSH-2.0-x\r\n")), reachSSH, func(a *checks.Ask) { a.Want, a.Spec.MaxAge = "", 2*time.Hour })
	r := run(t, "", a)
	if r.Unit != a.Unit || r.Want != checks.Allow || r.Outcome != checks.Pass || r.Verdict != checks.Pass ||
		!r.StartedAt.Equal(noon) || !r.ValidUntil.Equal(noon.Add(2*time.Hour)) || r.CheckerVersion != "reach/2" || r.ConfigHash != a.Hash() {
		t.Errorf("got %+v", r)
	}
	if r.Timings["connect"] <= 0 || r.Timings["first_byte"] <= 0 || r.Evidence.FirstBytes != `SSH-2.0-x\r\n` {
		t.Errorf("timings %v, evidence %+v", r.Timings, r.Evidence)
	}
}
