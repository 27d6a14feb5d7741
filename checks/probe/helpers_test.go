package probe

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skift/checks"
	"skift/internal/dial"
	"skift/internal/secret"
)

// The one goroutine given up is the library's that waits for ever: see sshdial.Client.Session.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(whole{m}, goleak.IgnoreAnyFunction("golang.org/x/crypto/ssh.(*mux).openChannel"))
}

// noon is far from any test's run: what is valid is decided by the ask's instant, never by the clock.
var noon = time.Date(2019, 11, 9, 12, 0, 0, 0, time.UTC)

// secrets gives the same private key for every reference; an empty one gives none.
type secrets string

func (s secrets) Resolve(ref secret.Ref) (secret.Value, error) {
	if s == "" {
		return secret.Value{}, &secret.ResolveError{Ref: ref, Reason: secret.NotSet}
	}
	return secret.NewValue(string(s)), nil
}

func loopback() *dial.Dialer {
	return &dial.Dialer{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
}

// ask makes the ask of a check with these options at addr.
func ask(addr string, o checks.Options, change ...func(*checks.Ask)) checks.Ask {
	kind := checks.Reach
	switch o.(type) {
	case checks.TLSOptions:
		kind = checks.TLS
	case checks.SFTPOptions:
		kind = checks.SFTP
	case checks.ManifestOptions:
		kind = checks.Manifest
	case checks.SSHFactsOptions:
		kind = checks.SSHFacts
	case checks.TCPOptions:
		kind = checks.TCP
	}
	a := checks.Ask{
		Unit: checks.Unit{Check: "c", Side: checks.New, Addr: addr, Vantage: "local"},
		Spec: &checks.Spec{ID: "c", Kind: kind, Service: "s", Timeout: 10 * time.Second, Options: o},
		Want: checks.Allow, At: noon,
	}
	for _, f := range change {
		f(&a)
	}
	return a
}

func quick(a *checks.Ask) { a.Spec.Timeout = 300 * time.Millisecond }

// dropTime is long enough for a full queue to show on a busy host.
const dropTime = 200 * time.Millisecond

func source(addr string) func(*checks.Ask) {
	return func(a *checks.Ask) { a.Source = netip.MustParseAddr(addr) }
}

func wantDeny(control ...string) func(*checks.Ask) {
	return func(a *checks.Ask) {
		a.Want = checks.Deny
		withControl(control...)(a)
	}
}

func withControl(control ...string) func(*checks.Ask) {
	return func(a *checks.Ask) {
		for _, c := range control {
			a.Control = append(a.Control, netip.MustParseAddrPort(c))
		}
	}
}

func run(t *testing.T, key string, a checks.Ask) checks.Result {
	t.Helper()
	r, err := New(Config{Dialer: loopback(), Secrets: secrets(key)}).Run(t.Context(), a)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	t.Logf("%s %s reached %q, facts %v, evidence %+v", r.Verdict, r.Code, r.Reached, r.Facts, r.Evidence)
	saw(r)
	return r
}

// peer serves each connection with fn until the test ends.
func peer(t *testing.T, fn func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
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
	return ln.Addr().String()
}

// says answers every connection with text and hangs up when the other end does.
func says(text string) func(net.Conn) {
	return func(c net.Conn) { _, _ = io.WriteString(c, text); drain(c) }
}

// saysAndCloses answers and closes in good order, so that the text is not lost to a reset.
func saysAndCloses(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, text)
		_ = c.(*net.TCPConn).CloseWrite()
		drain(c)
	}
}

func drain(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// folder is a temporary directory whose name holds nothing that looks like a civil registration number: such a one is masked in facts.
// t.TempDir draws its random part once per test, so asking it again never helps.
func folder(t *testing.T) string {
	t.Helper()
	for range 100 {
		dir, err := os.MkdirTemp("", "probe")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		if secret.MaskCivil(dir) == dir {
			return dir
		}
	}
	t.Fatal("no temporary directory without a civil registration number in its name")
	return ""
}

func silent(c net.Conn) { drain(c) }

// answers says something as soon as it is told something.
func answers(c net.Conn) {
	if _, err := c.Read(make([]byte, 1)); err == nil {
		says("HTTP/1.1 400 Bad Request\r\n\r\n")(c)
	}
}

// greeter is a control: it says something to everybody.
func greeter(c net.Conn) { says("220 control.example ready\r\n")(c) }

func closes(net.Conn)   {}
func resets(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }

// refusing gives an address where nothing listens, and keeps it so: the port is bound for the length of the test.
func refusing(t *testing.T) string {
	t.Helper()
	addr, _ := bound(t)
	return addr
}

// bound gives a port on loopback that is taken but not listened on.
func bound(t *testing.T) (addr string, fd int) {
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
	return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}).String(), fd
}

// fullQueue gives an address that drops connections as a firewall does: its queue is full and nobody takes from it.
func fullQueue(t *testing.T) string {
	t.Helper()
	addr, fd := bound(t)
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		c, err := net.DialTimeout("tcp", addr, dropTime)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("the queue never filled")
	return ""
}

// ownPort gives a host and port for a server that must be told them. The address is one nobody else on loopback uses, and the port none that
// a client is given (RFC 6335 §6 calls those dynamic; Linux starts at 32768), so that both are still free when the server comes to them, be it
// at every address.
func ownPort(t *testing.T) (host, port string) {
	t.Helper()
	host = fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250))
	for range 100 {
		port = strconv.Itoa(10_000 + rand.IntN(22_000))
		if ln, err := net.Listen("tcp", ":"+port); err == nil {
			ln.Close()
			return host, port
		}
	}
	t.Fatal("no port is free")
	return "", ""
}

// program runs a server for the length of the test and returns the first group of the line that says it is ready.
func program(t *testing.T, ready *regexp.Regexp, path string, args ...string) string {
	t.Helper()
	cmd := exec.Command(path, args...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	stdin, err := cmd.StdinPipe() // s_server ends when its input does
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	found := make(chan string, 1)
	var log strings.Builder
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(found)
		lines := bufio.NewScanner(r)
		for sent := false; lines.Scan(); {
			fmt.Fprintln(&log, lines.Text())
			if m := ready.FindStringSubmatch(lines.Text()); m != nil && !sent {
				sent = true
				found <- m[len(m)-1]
			}
		}
	})
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		r.Close()
		wg.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", path, log.String())
		}
	})
	select {
	case s, ok := <-found:
		if !ok {
			t.Fatalf("%s ended before it was ready", path)
		}
		return s
	case <-time.After(10 * time.Second):
		t.Fatalf("%s was not ready within 10 s", path)
	}
	return ""
}

func command(path string, args ...string) ([]byte, error) {
	return exec.Command(path, args...).CombinedOutput()
}
