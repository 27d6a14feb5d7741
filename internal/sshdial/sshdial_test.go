package sshdial

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"skift/internal/dial"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is an SSH server in this process that accepts one user key and answers as its fields say.
type server struct {
	addr    netip.AddrPort
	pin     string
	user    ssh.Signer
	replies bool // to keep-alives
}

func newSigner(t *testing.T) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newServer(t *testing.T, replies bool) *server {
	t.Helper()
	host := newSigner(t)
	s := &server{user: newSigner(t), pin: ssh.FingerprintSHA256(host.PublicKey()), replies: replies}
	cfg := &ssh.ServerConfig{
		BannerCallback: func(ssh.ConnMetadata) string { return "authorised use only\n" },
		PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
			if string(k.Marshal()) != string(s.user.PublicKey().Marshal()) {
				return nil, errors.New("unknown key")
			}
			return nil, nil
		},
	}
	cfg.AddHostKey(host)
	s.addr = peer(t, func(c net.Conn) {
		conn, chans, reqs, err := ssh.NewServerConn(c, cfg)
		if err != nil {
			return
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			for r := range reqs {
				if s.replies && r.WantReply {
					_ = r.Reply(false, nil)
				}
			}
		})
		wg.Go(func() {
			for ch := range chans {
				_ = ch.Reject(ssh.Prohibited, "nothing here")
			}
		})
		_ = conn.Wait()
		wg.Wait()
	})
	return s
}

// peer serves each connection with fn until the test ends.
func peer(t *testing.T, fn func(net.Conn)) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer context.AfterFunc(ctx, func() { c.Close() })()
				defer c.Close()
				fn(c)
			})
		}
	})
	t.Cleanup(func() { cancel(); ln.Close(); wg.Wait() })
	return netip.MustParseAddrPort(ln.Addr().String())
}

func loopback() *dial.Dialer {
	return &dial.Dialer{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
}

func pins(t *testing.T, texts ...string) Pins {
	t.Helper()
	p, err := ParsePins(texts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func login(t *testing.T, s *server) *Client {
	t.Helper()
	c, trace, err := Dial(t.Context(), loopback(), s.addr, Config{User: "u", Key: s.user, Pins: pins(t, s.pin)})
	if err != nil {
		t.Fatalf("%v, reached %q", err, trace.Reached)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestLoginLeavesATrace(t *testing.T) {
	t.Parallel()
	s := newServer(t, true)
	c := login(t, s)
	tr := c.Trace
	if tr.Reached != "auth" || tr.HostKey != s.pin || tr.HostType != "ssh-ed25519" || !strings.HasPrefix(tr.Version, "SSH-2.0-") ||
		tr.Banner != "authorised use only\n" || !slices.Contains(tr.Offered, "publickey") || tr.Algorithms.KeyExchange == "" {
		t.Errorf("trace %+v", tr)
	}
	for _, phase := range []string{"connect", "first_byte", "kex", "auth"} {
		if tr.Timings[phase] <= 0 {
			t.Errorf("no timing of %s in %v", phase, tr.Timings)
		}
	}
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
}

// The library has no context in the handshake; ours must end it and say why.
func TestHandshakeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	shutdown := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	addr := peer(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "SSH-2.0-mute\r\n")
		_, _ = io.ReadFull(c, make([]byte, 64)) // more than its version line: the key exchange is under way
		cancel(shutdown)
		_, _ = io.Copy(io.Discard, c)
	})
	_, trace, err := Dial(ctx, loopback(), addr, Config{Pins: pins(t, fingerprint('A')), Timeout: time.Hour})
	if !errors.Is(err, shutdown) {
		t.Errorf("got %v, reached %q", err, trace.Reached)
	}
}

// Each phase has its own time: a server may use up most of it for its version line and most of it again for the login.
func TestEachPhaseHasItsOwnTime(t *testing.T) {
	t.Parallel()
	host, user := newSigner(t), newSigner(t)
	slow := func() { <-time.After(1200 * time.Millisecond) }
	cfg := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { slow(); return nil, nil }}
	cfg.AddHostKey(host)
	addr := peer(t, func(c net.Conn) {
		slow()
		if _, chans, reqs, err := ssh.NewServerConn(c, cfg); err == nil {
			go ssh.DiscardRequests(reqs)
			for range chans {
			}
		}
	})
	c, trace, err := Dial(t.Context(), loopback(), addr, Config{User: "u", Key: user, Timeout: 2 * time.Second,
		Pins: pins(t, ssh.FingerprintSHA256(host.PublicKey()))})
	if err != nil {
		t.Fatalf("got %v, reached %q", err, trace.Reached)
	}
	c.Close()
}

func TestKeepAlive(t *testing.T) {
	t.Parallel()
	t.Run("a server that replies is kept", func(t *testing.T) {
		t.Parallel()
		c := login(t, newServer(t, true))
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if err := c.KeepAlive(ctx, 100*time.Millisecond); err != nil {
			t.Errorf("got %v", err)
		}
		if _, _, err := c.SendRequest("still@there", true, nil); err != nil {
			t.Errorf("the connection is gone: %v", err)
		}
	})
	t.Run("a server that does not reply is left", func(t *testing.T) {
		t.Parallel()
		c := login(t, newServer(t, false))
		if err := c.KeepAlive(t.Context(), 20*time.Millisecond); !errors.Is(err, ErrOverdue) {
			t.Errorf("got %v", err)
		}
		if _, err := c.NewSession(); err == nil {
			t.Error("the connection is still there")
		}
	})
}

func TestWithin(t *testing.T) {
	t.Parallel()
	c := login(t, newServer(t, false))
	if err := c.Within(t.Context(), time.Minute, func() error { return nil }); err != nil {
		t.Errorf("got %v", err)
	}
	mine := errors.New("mine")
	if err := c.Within(t.Context(), time.Minute, func() error { return mine }); !errors.Is(err, mine) {
		t.Errorf("got %v, want the operation's own error", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	err := c.Within(ctx, time.Minute, func() error {
		cancel(mine)
		_, _, err := c.SendRequest("never@answered", true, nil)
		return err
	})
	if !errors.Is(err, mine) {
		t.Errorf("got %v, want the cause of the cancelled context", err)
	}
}

// The reasons that only an odd peer gives; OpenSSH gives the others in checks/probe.
func TestReasons(t *testing.T) {
	t.Parallel()
	says := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			_, _ = io.WriteString(c, text)
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, c)
		}
	}
	long := strings.Repeat("no version here\r\n", 60)
	cases := []struct {
		name  string
		serve func(net.Conn)
		stop  Stop
		code  string
	}{
		{"closed", func(net.Conn) {}, AtLogin, CodeClosedPreBanner},
		{"closed, banner wanted", func(net.Conn) {}, AtBanner, CodeClosedPreBanner},
		{"reset", func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }, AtLogin, CodeClosedPreBanner},
		{"penalty", says("Not allowed at this time\r\n"), AtLogin, CodeRefusedText},
		{"penalty, banner wanted", says("Not allowed at this time\r\n"), AtBanner, CodeRefusedText},
		{"too many connections", says("Exceeded MaxStartups\r\n"), AtLogin, CodeRefusedText},
		{"http", says("HTTP/1.1 400 Bad Request\r\n\r\n"), AtLogin, CodeProtoMismatch},
		{"talk without end", says(long), AtBanner, CodeProtoMismatch},
		{"silence", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, AtBanner, CodeSilent},
		{"silence within the version", func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-Op"); _, _ = io.Copy(io.Discard, c) }, AtLogin, CodeSilent},
		{"silence within the version, banner wanted", func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-Op"); _, _ = io.Copy(io.Discard, c) }, AtBanner, CodeSilent},
		{"silence after the version", func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-x\r\n"); _, _ = io.Copy(io.Discard, c) }, AtLogin, CodeSilent},
		{"garbage after the version", says("SSH-2.0-x\r\n" + strings.Repeat("\xff", 64)), AtLogin, CodeProtoMismatch},
		{"closed after the version", says("SSH-2.0-x\r\n"), AtLogin, CodeAuthDisconnect},
		{"a version of old", says("SSH-1.5-x\r\n"), AtLogin, CodeProtoMismatch},
		{"an old version that speaks ours too", says("SSH-1.99-x\r\n"), AtLogin, CodeAuthDisconnect},
		{"talk that never ends a line", func(c net.Conn) {
			for _, err := io.WriteString(c, long); err == nil; _, err = io.WriteString(c, strings.Repeat("x", 4096)) {
			}
		}, AtBanner, CodeProtoMismatch},
		{"version after other lines", says("hello\r\nSSH-2.0-x\r\n"), AtBanner, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, trace, err := Dial(t.Context(), loopback(), peer(t, c.serve), Config{Stop: c.stop, Timeout: 200 * time.Millisecond})
			if c.code == "" {
				if err != nil || trace.Version != "SSH-2.0-x" || trace.Reached != "banner" {
					t.Errorf("got %v, version %q, reached %q", err, trace.Version, trace.Reached)
				}
				return
			}
			if e, ok := errors.AsType[*Error](err); (!ok || e.Code != c.code) && dialCode(err) != c.code {
				t.Errorf("got %v, want %s", err, c.code)
			}
		})
	}
}

// dialCode is the code of a connection that was reset before it was returned.
func dialCode(err error) string {
	if e, ok := errors.AsType[*dial.Error](err); ok {
		return e.Code
	}
	return ""
}

func fingerprint(c byte) string { return "SHA256:" + strings.Repeat(string(c), 43) }

func TestPins(t *testing.T) {
	t.Parallel()
	for _, good := range []string{fingerprint('A'), "ssh-rsa " + fingerprint('A'), " " + fingerprint('A') + " "} {
		if _, err := ParsePins([]string{good}); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "SHA256:", "MD5:00:11", fingerprint('A') + "=", fingerprint('A')[1:], "ssh-dss " + fingerprint('A'), fingerprint('!')} {
		if _, err := ParsePins([]string{bad}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	a, b := fingerprint('A'), "SHA256:"+strings.Repeat("Q", 42)+"E"
	p := pins(t, a, b)
	if p.check(a) != nil || p.check(b) != nil {
		t.Error("a pinned key is refused")
	}
	typed := pins(t, "ssh-rsa "+a)
	if text := p.check("SHA256:other").Error(); !strings.Contains(text, "without a key type") || strings.Contains(typed.check("SHA256:other").Error(), "without") {
		t.Errorf("got %q", text)
	}
	for _, c := range []struct {
		pins Pins
		code string
	}{{p, CodeHostKeyChanged}, {Pins{}, CodeHostKeyUnknown}} {
		if e, ok := errors.AsType[*Error](c.pins.check("SHA256:other")); !ok || e.Code != c.code {
			t.Errorf("got %v, want %s", e, c.code)
		}
	}
}

// The server shows one key, chosen by our order: the pinned type must come first, SHA-1 last.
func TestHostKeyAlgorithms(t *testing.T) {
	t.Parallel()
	plain := Pins{}.algorithms("")
	if plain[0] != ssh.KeyAlgoED25519 || plain[len(plain)-1] != ssh.KeyAlgoRSA {
		t.Errorf("without pins: %v", plain)
	}
	rsa := pins(t, "ssh-rsa "+fingerprint('A')).algorithms("")
	if !slices.Equal(rsa[:2], []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}) || rsa[len(rsa)-1] != ssh.KeyAlgoRSA {
		t.Errorf("rsa pinned: %v", rsa)
	}
	if len(rsa) != len(plain) || len(slices.Compact(slices.Sorted(slices.Values(rsa)))) != len(rsa) {
		t.Errorf("algorithms lost or doubled: %v", rsa)
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("hunter22"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseKey([]byte(strings.TrimSpace(string(pem.EncodeToMemory(plain))))); err != nil {
		t.Errorf("a good key: %v", err)
	}
	if _, err := ParseKey(pem.EncodeToMemory(locked)); err == nil || !strings.Contains(err.Error(), "passphrase") {
		t.Errorf("a locked key: %v", err)
	}
	if _, err := ParseKey([]byte("hunter22")); err == nil || strings.Contains(err.Error(), "hunter22") {
		t.Errorf("no key: %v", err)
	}
}

// A server may say anything before its version (RFC 4253, 4.2), also more than is recorded; what comes after is then told as it is.
func TestLongGreeting(t *testing.T) {
	t.Parallel()
	s := newServer(t, true)
	greeting := strings.Repeat("Maintenance on Sunday, please mind the gap.\r\n", 40) + strings.Repeat("no SSH-2.0 yet ", 14) + "\r\n"
	front := peer(t, func(c net.Conn) {
		back, err := net.Dial("tcp", s.addr.String())
		if err != nil {
			return
		}
		defer back.Close()
		_, _ = io.WriteString(c, greeting[:len(greeting)-1]) // cut between CR and LF
		_, _ = io.WriteString(c, greeting[len(greeting)-1:])
		done := make(chan struct{})
		go func() { _, _ = io.Copy(back, c); back.Close(); close(done) }()
		_, _ = io.Copy(c, back)
		c.Close()
		<-done
	})
	cfg := Config{User: "u", Key: s.user, Pins: pins(t, s.pin)}
	stranger, changed := cfg, cfg
	stranger.Key, changed.Pins = newSigner(t), pins(t, fingerprint('A'))
	for _, c := range []struct {
		name    string
		cfg     Config
		stop    Stop
		code    string
		reached string
	}{
		{"banner", cfg, AtBanner, "", "banner"},
		{"host key", cfg, AtHostKey, "", "hostkey"},
		{"login", cfg, AtLogin, "", "auth"},
		{"unknown key", stranger, AtLogin, CodeAuthFailed, "hostkey"},
		{"another host key", changed, AtLogin, CodeHostKeyChanged, "banner"},
	} {
		c.cfg.Stop = c.stop
		client, trace, err := Dial(t.Context(), loopback(), front, c.cfg)
		if client != nil {
			client.Close()
		}
		code := ""
		if e, ok := errors.AsType[*Error](err); ok {
			code = e.Code
		}
		if code != c.code || trace.Reached != c.reached || trace.Version != "SSH-2.0-Go" {
			t.Errorf("%s: got %v, reached %q, version %q", c.name, err, trace.Reached, trace.Version)
		}
	}
}

// What a server shows before the login is kept in part, however much it is.
func TestBannersAreBounded(t *testing.T) {
	t.Parallel()
	var h handshake
	for range 1000 {
		if err := h.banners(strings.Repeat("x", 300)); err != nil {
			t.Fatal(err)
		}
	}
	if len(h.trace.Banner) != dial.Recorded {
		t.Errorf("%d bytes kept", len(h.trace.Banner))
	}
}
