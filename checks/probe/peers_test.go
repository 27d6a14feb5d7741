package probe

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"skift/checks"
)

// Each way a peer can behave gives its own code and no other, per kind.
func TestEachFaultHasItsCode(t *testing.T) {
	t.Parallel()
	cert := newChain(t, leafSpec{}).serving()
	alerting := func(number byte) func(net.Conn) {
		return saysAndCloses(string([]byte{0x15, 3, 3, 0, 2, 2, number}))
	}
	shakes := func(cfg *tls.Config) func(net.Conn) {
		cfg.Certificates = []tls.Certificate{cert}
		return func(c net.Conn) {
			s := tls.Server(c, cfg)
			if s.Handshake() == nil {
				drain(s)
			}
		}
	}
	type codes struct{ tls, sftp, reachTLS, reachSSH, reachHTTP checks.Code }
	cases := []struct {
		name  string
		serve func(net.Conn) // nil = nothing listens
		want  codes
	}{
		{"nothing listens", nil, codes{checks.Refused, checks.Refused, checks.Refused, checks.Refused, checks.Refused}},
		{"closes before a byte", closes, codes{checks.TLSClosed, checks.ClosedPreBanner, checks.ClosedPreBanner, checks.ClosedPreBanner, checks.ClosedPreBanner}},
		{"resets before a byte", resets, codes{checks.TLSClosed, checks.ClosedPreBanner, checks.ClosedPreBanner, checks.ClosedPreBanner, checks.ClosedPreBanner}},
		{"says nothing", silent, codes{checks.Silent, checks.Silent, checks.Silent, checks.Silent, checks.Silent}},
		{"penalised", saysAndCloses("Not allowed at this time\r\n"), codes{checks.ProtoMismatch, checks.RefusedText, checks.ProtoMismatch, checks.RefusedText, checks.ProtoMismatch}},
		{"another protocol", saysAndCloses("220 mail.example ESMTP ready, please go on\r\n"), codes{checks.ProtoMismatch, checks.ProtoMismatch, checks.ProtoMismatch, checks.ProtoMismatch, checks.ProtoMismatch}},
		{"http", saysAndCloses("HTTP/1.1 400 Bad Request\r\n\r\n"), codes{checks.ProtoMismatch, checks.ProtoMismatch, checks.ProtoMismatch, checks.ProtoMismatch, checks.OK}},
		{"http 403", saysAndCloses("HTTP/1.1 403 Forbidden\r\n\r\n"), codes{checks.ProtoMismatch, checks.ProtoMismatch, checks.ProtoMismatch, checks.ProtoMismatch, checks.HTTPStatus}},
		{"ssh that ends in the key exchange", saysAndCloses("SSH-2.0-gone\r\n"), codes{checks.ProtoMismatch, checks.AuthDisconnect, checks.ProtoMismatch, checks.OK, checks.ProtoMismatch}},
		{"ssh after many other lines", saysAndCloses(strings.Repeat("please wait\r\n", 100) + "SSH-2.0-gone\r\n"), codes{checks.ProtoMismatch, checks.AuthDisconnect, checks.ProtoMismatch, checks.OK, checks.ProtoMismatch}},
		{"ssh that says no more", says("SSH-2.0-mute\r\n"), codes{checks.ProtoMismatch, checks.Silent, checks.ProtoMismatch, checks.OK, checks.ProtoMismatch}},
		{"the beginning of ssh", says("SSH-2.0-Op"), codes{checks.ProtoMismatch, checks.Silent, checks.ProtoMismatch, checks.Silent, checks.ProtoMismatch}},
		{"the beginning of http", says("HTTP/1."), codes{checks.ProtoMismatch, checks.ProtoMismatch, checks.ProtoMismatch, checks.ProtoMismatch, checks.Silent}},
		{"the beginning of tls", says("\x16\x03\x03"), codes{checks.Silent, checks.ProtoMismatch, checks.Silent, checks.ProtoMismatch, checks.ProtoMismatch}},
		{"alert: handshake failure", alerting(40), codes{checks.TLSNoOverlap, checks.ProtoMismatch, checks.OK, checks.ProtoMismatch, checks.ProtoMismatch}},
		{"alert: protocol version", alerting(70), codes{checks.TLSVersion, checks.ProtoMismatch, checks.OK, checks.ProtoMismatch, checks.ProtoMismatch}},
		{"alert: unknown name", alerting(112), codes{checks.TLSClosed, checks.ProtoMismatch, checks.OK, checks.ProtoMismatch, checks.ProtoMismatch}},
		{"tls 1.0 and 1.1 only", shakes(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}), codes{tls: checks.LegacyOnly, reachTLS: checks.OK}},
		{"no common cipher", shakes(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}), codes{tls: checks.TLSNoOverlap, reachTLS: checks.OK}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			addr := refusing(t)
			if c.serve != nil {
				addr = peer(t, c.serve)
			}
			sftp := checks.SFTPOptions{Level: checks.LevelList, User: checks.Text{Literal: "u"}, HostKey: map[checks.Side][]string{checks.New: {newKey(t).fingerprint}}}
			for _, q := range []struct {
				kind string
				o    checks.Options
				want checks.Code
			}{
				{"tls", checks.TLSOptions{}, c.want.tls},
				{"sftp", sftp, c.want.sftp},
				{"reach tls", checks.ReachOptions{Proof: checks.ProofTLS}, c.want.reachTLS},
				{"reach ssh", checks.ReachOptions{Proof: checks.ProofSSH}, c.want.reachSSH},
				{"reach http", checks.ReachOptions{Proof: checks.ProofHTTP}, c.want.reachHTTP},
			} {
				r := run(t, newKey(t).private, ask(addr, q.o, quick))
				if q.want != "" && r.Code != q.want {
					t.Errorf("%s: got %s, want %s", q.kind, r.Code, q.want)
				}
				if r.Outcome != r.Code.Info().Verdict {
					t.Errorf("%s: outcome %s, but %s means %s", q.kind, r.Outcome, r.Code, r.Code.Info().Verdict)
				}
			}
		})
	}
}

// A deny is proven only by a few codes and a control that answers from the same source.
func TestDenyNeedsProof(t *testing.T) {
	t.Parallel()
	open, control, shut := peer(t, silent), peer(t, greeter), refusing(t)
	cases := []struct {
		name    string
		target  string
		o       checks.Options
		change  []func(*checks.Ask)
		code    checks.Code
		verdict checks.Verdict
		control string
	}{
		{"refused, control answers", shut, reachTLS, mods(wantDeny(control)), checks.Refused, checks.Pass, "answered"},
		{"refused, one of two controls answers", shut, reachTLS, mods(wantDeny(shut, control)), checks.Refused, checks.Pass, "answered"},
		{"refused, control is silent", shut, reachTLS, mods(wantDeny(shut)), checks.Unobserved, checks.Unverified, "silent"},
		{"refused, control only accepts", shut, reachTLS, mods(wantDeny(open), quick), checks.Unobserved, checks.Unverified, "silent"},
		{"refused, control hangs up", shut, reachTLS, mods(wantDeny(peer(t, closes))), checks.Unobserved, checks.Unverified, "silent"},
		{"refused, control waits to be greeted", shut, reachTLS, mods(wantDeny(peer(t, answers))), checks.Refused, checks.Pass, "answered"},
		{"refused, no control", shut, reachTLS, mods(wantDeny()), checks.Refused, checks.Unverified, ""},
		{"closed, control answers", peer(t, closes), reachSSH, mods(wantDeny(control)), checks.ClosedPreBanner, checks.Pass, "answered"},
		{"dropped, control answers", fullQueue(t), reachTLS, mods(wantDeny(control)), checks.FilteredDrop, checks.Pass, "answered"},
		{"403, control answers", peer(t, saysAndCloses("HTTP/1.1 403 No\r\n\r\n")), reachHTTP, mods(wantDeny(control)), checks.HTTPStatus, checks.Pass, "answered"},
		{"silent proves nothing", open, reachTLS, mods(wantDeny(control)), checks.Silent, checks.Unverified, "answered"},
		{"another protocol is no deny", peer(t, saysAndCloses("220 ready to talk\r\n")), reachTLS, mods(wantDeny(control)), checks.ProtoMismatch, checks.Fail, ""},
		{"let in", peer(t, saysAndCloses("SSH-2.0-x\r\n")), reachSSH, mods(wantDeny(control)), checks.OK, checks.Fail, ""},
		{"let in although the control is silent", peer(t, saysAndCloses("SSH-2.0-x\r\n")), reachSSH, mods(wantDeny(shut)), checks.OK, checks.Fail, ""},
		{"allow: refused, control answers", shut, reachTLS, mods(withControl(control)), checks.Refused, checks.Fail, "answered"},
		{"allow: refused, control is silent", shut, reachTLS, mods(withControl(shut)), checks.Unobserved, checks.Unverified, "silent"},
		{"allow: refused, no control", shut, reachTLS, nil, checks.Refused, checks.Fail, ""},
		{"tls: refused, control is silent", shut, checks.TLSOptions{}, mods(withControl(shut)), checks.Unobserved, checks.Unverified, "silent"},
		{"source not on this host", open, reachTLS, mods(wantDeny(control), source("192.0.2.9")), checks.VantageBind, checks.Error, ""},
		{"outside the allowed networks", "192.0.2.1:443", reachTLS, mods(wantDeny(control)), checks.LocalPolicy, checks.Error, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, "", ask(c.target, c.o, append([]func(*checks.Ask){quick}, c.change...)...))
			if r.Code != c.code || r.Verdict != c.verdict || r.Facts[checks.FactControl] != c.control {
				t.Errorf("got %s %s, control %q; want %s %s, control %q", r.Verdict, r.Code, r.Facts[checks.FactControl], c.verdict, c.code, c.control)
			}
			if c.code == checks.Unobserved && r.Facts["seen"] == "" {
				t.Error("what was seen is lost")
			}
		})
	}
}

var (
	reachTLS  = checks.ReachOptions{Proof: checks.ProofTLS}
	reachSSH  = checks.ReachOptions{Proof: checks.ProofSSH}
	reachHTTP = checks.ReachOptions{Proof: checks.ProofHTTP}
)

func mods(f ...func(*checks.Ask)) []func(*checks.Ask) { return f }
