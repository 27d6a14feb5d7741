package reflector

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a reflector for the length of the test; told gives the callers it has answered so far.
func serve(t *testing.T, network, addr string) (at string, told func() []netip.Addr) {
	t.Helper()
	ln, err := net.Listen(network, addr)
	if err != nil {
		t.Skip(err)
	}
	var mu sync.Mutex
	var callers []netip.Addr
	s := &Server{Told: func(a netip.Addr) { mu.Lock(); callers = append(callers, a); mu.Unlock() }}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return ln.Addr().String(), func() []netip.Addr { mu.Lock(); defer mu.Unlock(); return callers }
}

// call connects from an address of loopback.
func call(t *testing.T, at, from string) net.Conn {
	t.Helper()
	d := net.Dialer{}
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	c, err := d.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

func ask(t *testing.T, at, from, request string) (status int, header http.Header, body string) {
	t.Helper()
	c := call(t, at, from)
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(b)
}

// Whatever callers say about themselves, they are told what the connection says.
func TestCallersAreToldHowTheyAreSeen(t *testing.T) {
	t.Parallel()
	at, told := serve(t, "tcp", "127.0.0.1:0")
	const lies = "X-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\n"
	for _, c := range []struct {
		name, request string
		status        int
		body          string
	}{
		{"curl", "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n", 200, "127.0.0.77\n"},
		{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200, "127.0.0.77\n"},
		{"lies in headers", "GET / HTTP/1.1\r\nHost: x\r\n" + lies + "\r\n", 200, "127.0.0.77\n"},
		{"elsewhere", "GET /other HTTP/1.1\r\nHost: x\r\n\r\n", 404, ""},
		{"not asking", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 405, ""},
		{"headers without end", "GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", 431, ""},
		{"no HTTP", "\x16\x03\x01\x02\x00\r\n\r\n", 400, ""},
	} {
		status, header, body := ask(t, at, "127.0.0.77", c.request)
		if status != c.status || c.body != "" && (body != c.body || header.Get("Cache-Control") != "no-store" || header.Get("Content-Type") != "text/plain; charset=utf-8") {
			t.Errorf("%s: %d %q %v", c.name, status, body, header)
		}
	}
	status, header, body := ask(t, at, "127.0.0.78", "GET /json HTTP/1.1\r\nHost: x\r\n\r\n")
	if status != 200 || !strings.HasPrefix(body, `{"address":"127.0.0.78","port":`) || header.Get("Content-Type") != "application/json" {
		t.Errorf("json: %d %q %v", status, body, header)
	}
	if got := fmt.Sprint(told()); got != "[127.0.0.77 127.0.0.77 127.0.0.77 127.0.0.78]" {
		t.Errorf("answered: %s", got)
	}
}

func TestWhoSaysNothingIsToldToo(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"127.0.0.1:0", "[::]:0"} {
		at, _ := serve(t, "tcp", listen)
		_, port, _ := net.SplitHostPort(at)
		b, err := io.ReadAll(call(t, "127.0.0.1:"+port, "127.0.0.79"))
		if err != nil || string(b) != "127.0.0.79\n" {
			t.Errorf("%s: %q, %v", listen, b, err)
		}
	}
}

// One caller who never ends a request keeps nobody waiting, and more than there are places for are turned away.
func TestCallersCannotTakeItUp(t *testing.T) {
	t.Parallel()
	at, _ := serve(t, "tcp", "127.0.0.1:0")
	var slow []net.Conn
	for range maxCallers {
		c := call(t, at, "")
		_, _ = io.WriteString(c, "GET / HT")
		slow = append(slow, c)
	}
	turned := call(t, at, "")
	if b, err := io.ReadAll(turned); len(b) > 0 || err == nil && len(b) > 0 {
		t.Errorf("one too many is told %q, %v", b, err)
	}
	for _, c := range slow { // they are turned out when their time is up
		_, _ = io.ReadAll(c)
	}
	if status, _, body := ask(t, at, "", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); status != 200 || body != "127.0.0.1\n" {
		t.Errorf("afterwards: %d %q", status, body)
	}
}

func TestServeSaysWhyItCannot(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := (&Server{}).Serve(t.Context(), ln); err == nil {
		t.Error("a closed listener is served")
	}
}
