package probe

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"skift/checks"
	"skift/internal/reflector"
)

// reflecting runs `skift reflect`'s server for the length of the test.
func reflecting(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = (&reflector.Server{}).Serve(ctx, ln) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return ln.Addr().String()
}

// seenBy makes an ask with a reflector and what it is to see; "" is not said.
func seenBy(at, egress string) func(*checks.Ask) {
	return func(a *checks.Ask) {
		a.Reflector = netip.MustParseAddrPort(at)
		if egress != "" {
			a.Egress = netip.MustParseAddr(egress)
		}
	}
}

// Another egress than the plan says is our error, whatever the target did; a reflector that is silent spoils nothing.
func TestEgress(t *testing.T) {
	t.Parallel()
	real := reflecting(t)
	open, shut := peer(t, saysAndCloses("SSH-2.0-x\r\n")), refusing(t)
	cases := []struct {
		name, target, reflector, egress string
		code                            checks.Code
		verdict                         checks.Verdict
		fact, seen                      string
	}{
		{"as declared", open, real, "127.0.0.41", checks.OK, checks.Pass, "127.0.0.41", ""},
		{"as declared, mapped", open, real, "::ffff:127.0.0.41", checks.OK, checks.Pass, "127.0.0.41", ""},
		{"not declared", open, real, "", checks.OK, checks.Pass, "127.0.0.41", ""},
		{"another, let in", open, real, "192.0.2.1", checks.EgressDiffers, checks.Error, "127.0.0.41", "ok"},
		{"another, turned away", shut, real, "192.0.2.1", checks.EgressDiffers, checks.Error, "127.0.0.41", "refused"},
		{"a listener that just says it", open, peer(t, saysAndCloses("127.0.0.41\n")), "127.0.0.41", checks.OK, checks.Pass, "127.0.0.41", ""},
		{"with a port", open, peer(t, saysAndCloses("127.0.0.41:4711\r\n")), "127.0.0.41", checks.OK, checks.Pass, "127.0.0.41", ""},
		{"nobody there", open, refusing(t), "127.0.0.41", checks.OK, checks.Pass, "unknown", ""},
		{"no reflector", open, peer(t, saysAndCloses("HTTP/1.1 404 Not Found\r\n\r\n127.0.0.41\n")), "192.0.2.1", checks.OK, checks.Pass, "unknown", ""},
		{"outside the allowed networks", open, "192.0.2.1:80", "192.0.2.1", checks.OK, checks.Pass, "unknown", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, "", ask(c.target, reachSSH, source("127.0.0.41"), seenBy(c.reflector, c.egress)))
			if r.Code != c.code || r.Verdict != c.verdict || r.Facts[checks.FactEgress] != c.fact || r.Facts[checks.FactSeen] != c.seen {
				t.Errorf("got %s %s, facts %v; want %s %s, egress %q, seen %q", r.Verdict, r.Code, r.Facts, c.verdict, c.code, c.fact, c.seen)
			}
		})
	}
	r := run(t, "", ask(open, reachSSH, source("192.0.2.9"), seenBy(real, "127.0.0.41")))
	if r.Code != checks.VantageBind || r.Facts[checks.FactEgress] != "" {
		t.Errorf("a source that is not here: %s %v", r.Code, r.Facts)
	}
}

// One source asks the reflector once per sweep.
func TestReflectorIsAskedOncePerSweep(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	at := peer(t, func(c net.Conn) {
		calls.Add(1)
		host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
		_, _ = io.WriteString(c, host+"\n")
	})
	open := peer(t, saysAndCloses("SSH-2.0-x\r\n"))
	p := New(Config{Dialer: loopback()})
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			from := fmt.Sprintf("127.0.0.%d", 50+i%2)
			if r, err := p.Run(t.Context(), ask(open, reachSSH, source(from), seenBy(at, from))); err != nil || r.Code != checks.OK {
				t.Errorf("%v %s %v", err, r.Code, r.Facts)
			}
		})
	}
	wg.Wait()
	if calls.Load() != 2 {
		t.Errorf("two sources asked %d times", calls.Load())
	}
}

func FuzzReflection(f *testing.F) {
	for _, s := range []string{"", "\n", "192.0.2.1\n", "192.0.2.1", "[2001:db8::1]:80\r\n", "2001:db8::1", "fe80::1%eth0", "0.0.0.0", "::ffff:192.0.2.1",
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n192.0.2.1\n", "HTTP/1.0 404 no\r\n\r\n192.0.2.1", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/", strings.Repeat("1", 70000)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := reflection(b)
		if !ok {
			return
		}
		if !a.IsValid() || a.Is4In6() || a.Zone() != "" {
			t.Fatalf("%q gives %v", b, a)
		}
		if again, ok := reflection([]byte(a.String() + "\n")); !ok || again != a {
			t.Errorf("%v is read as %v", a, again)
		}
	})
}
