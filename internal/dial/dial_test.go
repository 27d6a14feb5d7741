package dial

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestPermits(t *testing.T) {
	t.Parallel()
	everything := prefixes("0.0.0.0/0", "::/0")
	cases := []struct {
		name    string
		allowed []netip.Prefix
		own     string
		to      string
		why     string // "" = permitted
	}{
		{"inside", prefixes("203.0.113.0/24"), "", "203.0.113.10:443", ""},
		{"outside", prefixes("203.0.113.0/24"), "", "198.51.100.10:443", "outside the allowed networks"},
		{"nothing allowed", nil, "", "203.0.113.10:443", "outside the allowed networks"},
		{"mapped form inside", prefixes("203.0.113.0/24"), "", "[::ffff:203.0.113.10]:443", ""},
		{"mapped form outside", prefixes("203.0.113.0/24"), "", "[::ffff:198.51.100.10]:443", "outside the allowed networks"},
		{"mapped prefix", prefixes("::ffff:203.0.113.0/120"), "", "203.0.113.10:443", ""},
		{"mapped form under ::/0 only", prefixes("::/0"), "", "[::ffff:203.0.113.10]:443", "outside the allowed networks"},
		{"ipv6", prefixes("2001:db8::/32"), "", "[2001:db8::1]:443", ""},
		{"loopback under everything", everything, "", "127.0.0.1:443", "outside the allowed networks"},
		{"mapped loopback under everything", everything, "", "[::ffff:127.0.0.1]:443", "outside the allowed networks"},
		{"::1 under everything", everything, "", "[::1]:443", "outside the allowed networks"},
		{"loopback said so", prefixes("127.0.0.0/8"), "", "127.0.0.3:443", ""},
		{"::1 said so", prefixes("::1/128"), "", "[::1]:443", ""},
		{"metadata address, said so", prefixes("169.254.0.0/16"), "", "169.254.169.254:80", "link-local"},
		{"mapped metadata address", prefixes("169.254.0.0/16"), "", "[::ffff:169.254.169.254]:80", "link-local"},
		{"fe80, said so", prefixes("fe80::/10"), "", "[fe80::1]:80", "link-local"},
		{"zone", everything, "", "[2001:db8::1%eth0]:80", "interface"},
		{"unspecified", everything, "", "0.0.0.0:80", "unspecified"},
		{"unspecified 6", everything, "", "[::]:80", "unspecified"},
		{"multicast", everything, "", "224.0.0.1:80", "no single host"},
		{"broadcast", everything, "", "255.255.255.255:80", "no single host"},
		{"port 0", everything, "", "203.0.113.10:0", "not an address and a port"},
		{"own address", prefixes("127.0.0.0/8"), "127.0.0.1:8443", "127.0.0.1:8443", "own address"},
		{"own address mapped", prefixes("127.0.0.0/8"), "127.0.0.1:8443", "[::ffff:127.0.0.1]:8443", "own address"},
		{"own port on another address", prefixes("127.0.0.0/8"), "127.0.0.1:8443", "127.0.0.2:8443", ""},
		{"own wildcard", prefixes("127.0.0.0/8"), "0.0.0.0:8443", "127.0.0.9:8443", "own address"},
		{"own wildcard, other host", prefixes("203.0.113.0/24"), "[::]:8443", "203.0.113.10:8443", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := &Dialer{Allowed: c.allowed}
			if c.own != "" {
				d.Own = []netip.AddrPort{netip.MustParseAddrPort(c.own)}
			}
			err := d.Permits(netip.MustParseAddrPort(c.to))
			if c.why == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Code != CodeLocalPolicy || !strings.Contains(err.Error(), c.why) {
				t.Fatalf("got %v, want %s because %q", err, CodeLocalPolicy, c.why)
			}
		})
	}
}

// A name is resolved only after it was allowed or refused by nobody, so the final address must be held against the networks.
func TestDialContextChecksTheFinalAddress(t *testing.T) {
	t.Parallel()
	ln := listen(t, "127.0.0.1:0")
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	d := &Dialer{Allowed: prefixes("203.0.113.0/24")}
	for _, name := range []string{"localhost:" + port, "127.0.0.1:" + port, "[::ffff:127.0.0.1]:" + port} {
		c, err := d.DialContext(t.Context(), "tcp", name)
		if err == nil {
			c.Close()
			t.Fatalf("%s was dialled", name)
		}
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != CodeLocalPolicy {
			t.Errorf("%s: got %v, want %s", name, err, CodeLocalPolicy)
		}
	}
	if c, err := loopback().DialContext(t.Context(), "tcp", "localhost:"+port); err != nil {
		t.Errorf("localhost, allowed: %v", err)
	} else {
		c.Close()
	}
	if _, err := loopback().DialContext(t.Context(), "udp", "127.0.0.1:"+port); err == nil {
		t.Error("udp was dialled")
	}
}

func TestDialCodes(t *testing.T) {
	t.Parallel()
	ln := listen(t, "127.0.0.1:0")
	open := netip.MustParseAddrPort(ln.Addr().String())
	cases := []struct {
		name   string
		to     netip.AddrPort
		source string
		code   string
		errno  string
	}{
		{"closed port", closedPort(t), "", CodeRefused, "ECONNREFUSED"},
		{"source not on this host", open, "192.0.2.77", CodeVantageBind, "EADDRNOTAVAIL"},
		{"source of the other family", open, "::1", CodeVantageBind, ""},
		{"backlog full: nothing answers", backlogFull(t), "", CodeFilteredDrop, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var o Options
			o.Timeout = 500 * time.Millisecond
			if c.source != "" {
				o.Source = netip.MustParseAddr(c.source)
			}
			conn, err := loopback().Dial(t.Context(), c.to, o)
			if err == nil {
				conn.Close()
				t.Fatal("connected")
			}
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("%T %v is no *Error", err, err)
			}
			if e.Code != c.code || e.Errno != c.errno {
				t.Errorf("got %s %s (%v), want %s %s", e.Code, e.Errno, err, c.code, c.errno)
			}
		})
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	dialErr := func(n syscall.Errno) error { return &net.OpError{Op: "dial", Err: n} }
	cases := []struct {
		err  error
		took time.Duration
		want string
	}{
		{&net.DNSError{IsNotFound: true}, 0, CodeDNSNXDomain},
		{&net.DNSError{IsTimeout: true, IsTemporary: true}, 0, CodeDNSTimeout},
		{&net.DNSError{IsTemporary: true}, 0, CodeDNSServfail},
		{dialErr(syscall.EACCES), 0, CodeLocalPolicy},
		{dialErr(syscall.EINVAL), 0, CodeLocalPolicy},
		{dialErr(syscall.EPERM), 0, CodeLocalPolicy},
		{dialErr(syscall.ENETUNREACH), 0, CodeNetUnreachable},
		{dialErr(syscall.EHOSTUNREACH), 20 * time.Millisecond, CodeFilteredReject},
		{dialErr(syscall.EHOSTUNREACH), 3 * time.Second, CodeNetUnreachable},
		{dialErr(syscall.ETIMEDOUT), 0, CodeFilteredDrop},
		{dialErr(syscall.ECONNRESET), 0, CodeClosed},
		{dialErr(syscall.EMFILE), 0, CodeUnobserved},
		{errors.New("something new"), 0, CodeUnobserved},
	}
	for _, c := range cases {
		if got := classify(c.err, netip.Addr{}, c.took); got != c.want {
			t.Errorf("%v after %s: got %s, want %s", c.err, c.took, got, c.want)
		}
	}
}

func TestSourceIsBound(t *testing.T) {
	t.Parallel()
	ln := listen(t, "127.0.0.1:0")
	conn, err := loopback().Dial(t.Context(), netip.MustParseAddrPort(ln.Addr().String()), Options{Source: netip.MustParseAddr("127.0.0.7")})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	seen, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer seen.Close()
	if host, _, _ := net.SplitHostPort(seen.RemoteAddr().String()); host != "127.0.0.7" {
		t.Errorf("the target saw %s", host)
	}
	if seen.RemoteAddr().String() != conn.LocalAddr().String() {
		t.Errorf("local address %s, the target saw %s", conn.LocalAddr(), seen.RemoteAddr())
	}
}

func TestRecording(t *testing.T) {
	t.Parallel()
	ln := listen(t, "127.0.0.1:0")
	sent := strings.Repeat("0123456789", 100)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.ReadFull(c, make([]byte, 5))
		_, _ = io.WriteString(c, sent)
	}()
	conn, err := loopback().Dial(t.Context(), netip.MustParseAddrPort(ln.Addr().String()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != sent {
		t.Fatalf("read %d bytes, %v", len(got), err)
	}
	if string(conn.First()) != sent[:Recorded] {
		t.Errorf("recorded %q", conn.First())
	}
	if conn.Received() != int64(len(sent)) || conn.Sent() != 5 {
		t.Errorf("counted %d received, %d sent", conn.Received(), conn.Sent())
	}
	if conn.FirstByte() <= 0 || conn.Connected() <= 0 || !Hung(conn.Ended()) {
		t.Errorf("first byte after %s, connected after %s, ended %v", conn.FirstByte(), conn.Connected(), conn.Ended())
	}
}

func TestPhaseEndsAndCloseOn(t *testing.T) {
	t.Parallel()
	ln := listen(t, "127.0.0.1:0")
	to := netip.MustParseAddrPort(ln.Addr().String())
	conn, err := loopback().Dial(t.Context(), to, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Phase(20 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !TimedOut(err) || Hung(err) {
		t.Errorf("got %v, want a time-out", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	if err := conn.Phase(0); err != nil {
		t.Fatal(err)
	}
	defer conn.CloseOn(ctx)()
	cancel()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want a closed connection", err)
	}
}

func TestDialReportsTheCauseOfCancelling(t *testing.T) {
	t.Parallel()
	shutdown := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(shutdown)
	ln := listen(t, "127.0.0.1:0")
	if _, err := loopback().Dial(ctx, netip.MustParseAddrPort(ln.Addr().String()), Options{}); !errors.Is(err, shutdown) {
		t.Errorf("got %v", err)
	}
}

func loopback() *Dialer { return &Dialer{Allowed: prefixes("127.0.0.0/8", "::1/128")} }

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// bound gives a loopback port that is taken but not listened on, for the length of the test.
func bound(t *testing.T) (to netip.AddrPort, fd int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(name.(*syscall.SockaddrInet4).Port)), fd
}

func closedPort(t *testing.T) netip.AddrPort {
	t.Helper()
	to, _ := bound(t)
	return to
}

// backlogFull gives a port that drops connections as a firewall does: its queue is full and nobody takes from it.
func backlogFull(t *testing.T) netip.AddrPort {
	t.Helper()
	to, fd := bound(t)
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		c, err := net.DialTimeout("tcp", to.String(), 200*time.Millisecond)
		if err != nil {
			return to
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("the queue never filled")
	return to
}

// Other networks hold for what begins from now on.
func TestAllow(t *testing.T) {
	t.Parallel()
	d := &Dialer{Allowed: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	was, is := netip.MustParseAddrPort("192.0.2.1:443"), netip.MustParseAddrPort("198.51.100.1:443")
	if d.Permits(was) != nil || d.Permits(is) == nil {
		t.Fatal("as made")
	}
	d.Allow([]netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")})
	if d.Permits(was) == nil || d.Permits(is) != nil {
		t.Error("as it was")
	}
}
