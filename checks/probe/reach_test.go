package probe

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"skift/checks"
)

// An allow-list lets one source in and not another: the same target, asked from two sources.
func TestReachFromTheDeclaredSource(t *testing.T) {
	t.Parallel()
	target := peer(t, func(c net.Conn) {
		if strings.HasPrefix(c.RemoteAddr().String(), "127.0.0.21:") {
			saysAndCloses("SSH-2.0-x\r\n")(c)
		}
	})
	listed := run(t, "", ask(target, reachSSH, source("127.0.0.21")))
	other := run(t, "", ask(target, reachSSH, source("127.0.0.22")))
	if listed.Code != checks.OK || listed.Reached != "first_byte" || !strings.HasPrefix(listed.LocalAddr, "127.0.0.21:") {
		t.Errorf("listed source: %s from %s, reached %q", listed.Code, listed.LocalAddr, listed.Reached)
	}
	if other.Code != checks.ClosedPreBanner || other.Reached != "connect" || !strings.HasPrefix(other.LocalAddr, "127.0.0.22:") {
		t.Errorf("other source: %s from %s, reached %q", other.Code, other.LocalAddr, other.Reached)
	}
}

// With proof raw the expected answer is the proof, and a deny is proven as with any other.
func TestReachByWhatIsExpected(t *testing.T) {
	t.Parallel()
	smtp := checks.ReachOptions{Proof: checks.ProofRaw, Steps: []checks.Step{{Expect: "^220 "}, {Send: "QUIT\r\n"}}}
	control := peer(t, greeter)
	cases := []struct {
		name    string
		serve   func(net.Conn)
		deny    bool
		code    checks.Code
		verdict checks.Verdict
	}{
		{"let in", saysAndCloses("220 mail.example ESMTP\r\n"), false, checks.OK, checks.Pass},
		{"let in where a deny is wanted", saysAndCloses("220 mail.example ESMTP\r\n"), true, checks.OK, checks.Fail},
		{"closed", closes, true, checks.ClosedPreBanner, checks.Pass},
		{"reset", resets, true, checks.ClosedPreBanner, checks.Pass},
		{"refused", nil, true, checks.Refused, checks.Pass},
		{"silent proves no deny", silent, true, checks.Silent, checks.Unverified},
		{"another answer proves no deny", saysAndCloses("554 no service for you\r\n"), true, checks.UnexpectedAnswer, checks.Fail},
		{"another answer", saysAndCloses("554 no service for you\r\n"), false, checks.UnexpectedAnswer, checks.Fail},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			addr := refusing(t)
			if c.serve != nil {
				addr = peer(t, c.serve)
			}
			r := run(t, "", ask(addr, smtp, quick, withControl(control), func(a *checks.Ask) {
				if c.deny {
					a.Want = checks.Deny
				}
			}))
			if r.Code != c.code || r.Verdict != c.verdict {
				t.Errorf("got %s %s, want %s %s", r.Verdict, r.Code, c.verdict, c.code)
			}
		})
	}
}

// Who is asked over HTTP learns who asks and whom to write to; a contact cannot begin a header of its own.
func TestProbesNameThemselves(t *testing.T) {
	t.Parallel()
	names := make(chan string, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		names <- r.UserAgent() + "|" + r.Header.Get("Evil")
	}))
	defer server.Close()
	addr := server.Listener.Addr().String()
	p := New(Config{Dialer: loopback(), Agent: "skift/1.2; contact=ops@kombit.example\r\nEvil: 1"})
	a := ask(addr, reachHTTP, func(a *checks.Ask) { a.Reflector = netip.MustParseAddrPort(addr) })
	if _, err := p.Run(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	close(names)
	asked := 0
	for got := range names {
		if asked++; got != "skift/1.2; contact=ops@kombit.exampleEvil: 1|" {
			t.Errorf("a request came from %q", got)
		}
	}
	if asked != 2 {
		t.Errorf("%d requests, want the proof and the reflector's", asked)
	}
}

// What a proxy says for itself, and half a version line, do not prove that the target lets us in.
func TestWhatSomebodyOnTheWaySays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		says    string
		o       checks.Options
		code    checks.Code
		verdict checks.Verdict
	}{
		{"SSH-2", reachSSH, checks.ProtoMismatch, checks.Fail},
		{"SSH-2.0-whole\r\n", reachSSH, checks.OK, checks.Pass},
		{"one more line\r\nSSH-2.0-whole\n", reachSSH, checks.OK, checks.Pass},
		{"\x15\x03\x01\x00\x02\x02\x28", reachTLS, checks.OK, checks.Pass},
		{"\x16\x03", reachTLS, checks.ProtoMismatch, checks.Fail},
		{"\x16\x03\x03\xff\xff\x02\x00", reachTLS, checks.ProtoMismatch, checks.Fail}, // no record is as long
		{"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", reachHTTP, checks.HTTPStatus, checks.Unverified},
		{"HTTP/1.1 511 Network Authentication Required\r\n\r\n", reachHTTP, checks.HTTPStatus, checks.Unverified},
		{"HTTP/1.1 404 Not Found\r\n\r\n", reachHTTP, checks.OK, checks.Pass},
	} {
		if r := run(t, "", ask(peer(t, saysAndCloses(c.says)), c.o)); r.Code != c.code || r.Verdict != c.verdict {
			t.Errorf("%q: got %s %s, want %s %s", c.says, r.Verdict, r.Code, c.verdict, c.code)
		}
	}
}
