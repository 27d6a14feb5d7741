package probe

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"skift/checks"
)

func talk(steps ...checks.Step) checks.TCPOptions { return checks.TCPOptions{Steps: steps} }

func expect(s string) checks.Step { return checks.Step{Expect: s} }
func send(s string) checks.Step   { return checks.Step{Send: s} }

var goTLS = checks.Step{StartTLS: true}

// mailbox is a mail server as far as STARTTLS and one word inside it.
func mailbox(t *testing.T, before string) func(net.Conn) {
	cert := newChain(t, leafSpec{}).serving()
	return func(c net.Conn) {
		_, _ = io.WriteString(c, "220-mail.example\r\n220 ready\r\n")
		r := bufio.NewReader(c)
		if l, _ := r.ReadString('\n'); l != "EHLO skift.example\r\n" {
			_, _ = io.WriteString(c, "500 what\r\n")
			return
		}
		_, _ = io.WriteString(c, "250-mail.example\r\n250-SIZE 1\r\n250 STARTTLS\r\n")
		if l, _ := r.ReadString('\n'); l != "STARTTLS\r\n" {
			return
		}
		_, _ = io.WriteString(c, "220 go ahead\r\n"+before)
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		if s.Handshake() != nil {
			return
		}
		_, _ = io.WriteString(s, "250 inside\r\n")
		drain(s)
	}
}

var mailSteps = talk(expect("^220 "), send("EHLO skift.example\r\n"), expect("^250 STARTTLS$"), send("STARTTLS\r\n"), expect("^220 "), goTLS, expect("inside$"))

// Each way a port can answer has its own code, and no other.
func TestWhatAPortAnswers(t *testing.T) {
	t.Parallel()
	hello := talk(expect("^220 "))
	cases := []struct {
		name    string
		serve   func(net.Conn) // nil = nothing listens
		o       checks.TCPOptions
		code    checks.Code
		reached string
		says    string // in the error kept as evidence
	}{
		{"as expected", saysAndCloses("220 ready\r\n"), hello, checks.OK, "first_byte", ""},
		{"after other lines", saysAndCloses("one\ntwo\r\n220 ready\n"), hello, checks.OK, "first_byte", ""},
		{"in pieces", func(c net.Conn) {
			for _, p := range []string{"2", "20", " rea", "dy\r", "\n"} {
				_, _ = io.WriteString(c, p)
			}
			drain(c)
		}, talk(expect("^220 ready$")), checks.OK, "first_byte", ""},
		{"a prompt without an end", says("login: "), talk(expect("^login: $"), send("x\r\n")), checks.OK, "first_byte", ""},
		{"a line without an end, then closed", saysAndCloses("220 ready"), hello, checks.OK, "first_byte", ""},
		{"no end of the line is part of it", saysAndCloses("220 ready\r\n"), talk(expect("ready$")), checks.OK, "first_byte", ""},
		{"another answer, then closed", saysAndCloses("554 no\r\n"), hello, checks.UnexpectedAnswer, "connect", `last line was "554 no"`},
		{"another answer, then nothing", says("554 no\r\n"), hello, checks.UnexpectedAnswer, "connect", `"554 no"`},
		{"half an answer, then nothing", says("55"), hello, checks.UnexpectedAnswer, "connect", `"55"`},
		{"hangs up later", saysAndCloses("220 ready\r\n"), talk(expect("^220 "), send("x\r\n"), expect("^250 ")), checks.UnexpectedAnswer, "first_byte", ""},
		{"falls silent later", says("220 ready\r\n"), talk(expect("^220 "), send("x\r\n"), expect("^250 ")), checks.Silent, "first_byte", ""},
		{"says nothing", silent, hello, checks.Silent, "connect", ""},
		{"closes", closes, hello, checks.ClosedPreBanner, "connect", ""},
		{"resets", resets, hello, checks.ClosedPreBanner, "connect", ""},
		{"nothing listens", nil, hello, checks.Refused, "", ""},
		{"never ends", func(c net.Conn) {
			for line := strings.Repeat("a", 999) + "\n"; ; {
				if _, err := io.WriteString(c, line); err != nil {
					return
				}
			}
		}, hello, checks.UnexpectedAnswer, "connect", "none as expected"},
		{"never ends a line", func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, strings.Repeat("a", 999)); err != nil {
					return
				}
			}
		}, hello, checks.UnexpectedAnswer, "connect", "none as expected"},
		{"starttls", mailbox(t, ""), mailSteps, checks.OK, "first_byte", ""},
		{"starttls, with words slipped in before it", mailbox(t, "250 inside\r\n"), mailSteps, checks.UnexpectedAnswer, "first_byte", "before TLS"},
		{"starttls answered in clear", says("220 ready\r\n250 STARTTLS\r\n220 go\r\n"), talk(expect("^220 go"), goTLS), checks.Silent, "first_byte", ""},
		{"starttls with another protocol", func(c net.Conn) {
			_, _ = io.WriteString(c, "220 go\r\n")
			_, _ = c.Read(make([]byte, 1))
			_, _ = io.WriteString(c, "what is this?\r\n")
			drain(c)
		}, talk(expect("^220 "), goTLS), checks.ProtoMismatch, "first_byte", ""},
		{"TLS from the start", func(c net.Conn) {
			_ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{newChain(t, leafSpec{}).serving()}}).Handshake()
			drain(c)
		}, talk(goTLS), checks.TCPOnly, "tls", ""},
		{"TLS that closes", closes, talk(goTLS), checks.ClosedPreBanner, "connect", ""},
		{"nothing is expected", saysAndCloses("220 ready\r\n"), talk(), checks.TCPOnly, "connect", ""},
		{"nothing is expected of what is said", saysAndCloses("220 ready\r\n"), talk(send("x")), checks.TCPOnly, "connect", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			addr := refusing(t)
			if c.serve != nil {
				addr = peer(t, c.serve)
			}
			r := run(t, "", ask(addr, c.o, func(a *checks.Ask) { a.Spec.Timeout = time.Second }))
			if r.Code != c.code || r.Reached != c.reached || !strings.Contains(r.Evidence.Err, c.says) {
				t.Errorf("got %s, reached %q, %q; want %s, %q, %q", r.Code, r.Reached, r.Evidence.Err, c.code, c.reached, c.says)
			}
			if r.Outcome != r.Code.Info().Verdict {
				t.Errorf("outcome %s", r.Outcome)
			}
		})
	}
}

// What strangers send cannot become a terminal's orders.
func TestTCPEvidenceIsInert(t *testing.T) {
	t.Parallel()
	for _, o := range []checks.TCPOptions{talk(expect("^220 ")), talk(expect("."))} {
		r := run(t, "", ask(peer(t, saysAndCloses("\x1b]0;owned\x07 0101701234\r\n")), o))
		for _, s := range []string{r.Evidence.Banner, r.Evidence.Err, r.Evidence.FirstBytes} {
			if strings.ContainsAny(s, "\x1b\x07") || strings.Contains(s, "0101701234") {
				t.Errorf("kept as %q", s)
			}
		}
	}
}

// A peer that trickles a line byte by byte costs no more than the time of its phase.
func TestTCPTrickle(t *testing.T) {
	t.Parallel()
	addr := peer(t, func(c net.Conn) {
		for {
			if _, err := fmt.Fprint(c, "a"); err != nil {
				return
			}
			c.(*net.TCPConn).SetNoDelay(true)
		}
	})
	began := time.Now()
	r := run(t, "", ask(addr, talk(expect("^(a+)+$|x")), func(a *checks.Ask) { a.Spec.Timeout = time.Second }))
	if r.Code != checks.UnexpectedAnswer && r.Code != checks.OK || time.Since(began) > 30*time.Second {
		t.Errorf("got %s after %s", r.Code, time.Since(began))
	}
}
