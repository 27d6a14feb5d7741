package probe

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"skift/checks"
)

func facts(change ...func(*checks.SSHFactsOptions)) checks.SSHFactsOptions {
	o := checks.SSHFactsOptions{HostKeys: checks.HostKeysOffered, Weak: checks.WeakIgnore}
	for _, f := range change {
		f(&o)
	}
	return o
}

func clients(names ...string) func(*checks.SSHFactsOptions) {
	return func(o *checks.SSHFactsOptions) { o.Clients = names }
}

// OpenSSH's own server in every set-up that shuts somebody out.
func TestSSHFactsAgainstOpenSSH(t *testing.T) {
	t.Parallel()
	more, prints := moreHostKeys(t)
	pinned := func(pins ...string) func(*checks.SSHFactsOptions) {
		return func(o *checks.SSHFactsOptions) { o.HostKey = map[checks.Side][]string{checks.New: pins} }
	}
	stranger := newKey(t).fingerprint
	cases := []struct {
		name    string
		config  []string
		options []func(*checks.SSHFactsOptions)
		code    checks.Code
		verdict checks.Verdict
		says    string // in the evidence
		facts   map[string]string
	}{
		{name: "nothing demanded", config: more, code: checks.OK, verdict: checks.Pass, facts: map[string]string{
			"host_key ssh-rsa": prints["ssh-rsa"], "host_key ecdsa-sha2-nistp256": prints["ecdsa-sha2-nistp256"], "pin": "", "auth_offered": "",
			"client openssh-9": "ok", "client jsch": "ok"}},
		{name: "only the first key", config: more, options: []func(*checks.SSHFactsOptions){func(o *checks.SSHFactsOptions) { o.HostKeys = checks.HostKeysFirst }},
			code: checks.OK, verdict: checks.Pass, facts: map[string]string{"host_key ssh-rsa": "", "host_key ecdsa-sha2-nistp256": ""}},
		{name: "the next key is pinned", config: more, options: []func(*checks.SSHFactsOptions){pinned(stranger, "ssh-rsa "+prints["ssh-rsa"])},
			code: checks.OK, verdict: checks.Pass, facts: map[string]string{"pin": "next", "auth_offered": ""}},
		{name: "none is pinned", config: more, options: []func(*checks.SSHFactsOptions){pinned(stranger)}, code: checks.HostkeyChanged, verdict: checks.Fail, says: stranger},
		{name: "one of two types is another", config: more, options: []func(*checks.SSHFactsOptions){pinned("ssh-rsa "+stranger, "ecdsa-sha2-nistp256 "+prints["ecdsa-sha2-nistp256"])},
			code: checks.HostkeyChanged, verdict: checks.Fail, says: "ssh-rsa"},
		{name: "no old key exchange", config: append([]string{"KexAlgorithms curve25519-sha256", "HostKeyAlgorithms +ssh-rsa"}, more...), options: []func(*checks.SSHFactsOptions){clients("jsch-0.1.54", "openssh-7")},
			code: checks.ClientExcluded, verdict: checks.Fail, says: "jsch-0.1.54 (JSch 0.1.54 for Java, inside many integration products): no key exchange in common",
			facts: map[string]string{"client openssh-7": "ok", "offers_kex": "curve25519-sha256"}},
		{name: "no SHA-1 host key", config: append([]string{"KexAlgorithms +diffie-hellman-group14-sha1"}, more...), options: []func(*checks.SSHFactsOptions){clients("old-winscp")},
			code: checks.ClientExcluded, verdict: checks.Fail, says: "no host key in common"},
		{name: "no cipher without authentication", config: append([]string{"Ciphers aes256-gcm@openssh.com"}, more...), options: []func(*checks.SSHFactsOptions){clients("paramiko-2")},
			code: checks.ClientExcluded, verdict: checks.Fail, says: "no cipher in common", facts: map[string]string{"client jsch": "ok"}},
		{name: "only new MACs", config: append([]string{"MACs hmac-sha2-512-etm@openssh.com"}, more...), options: []func(*checks.SSHFactsOptions){clients("paramiko-2")},
			code: checks.ClientExcluded, verdict: checks.Fail, says: "no MAC in common", facts: map[string]string{"client openssh-7": "ok"}},
		{name: "old algorithms are kept", config: append([]string{"KexAlgorithms +diffie-hellman-group14-sha1", "HostKeyAlgorithms +ssh-rsa"}, more...), options: []func(*checks.SSHFactsOptions){clients("old-winscp", "dotnet-renci", "paramiko-2")},
			code: checks.OK, verdict: checks.Pass, facts: map[string]string{"client old-winscp": "ok"}},
		{name: "old algorithms are a warning", config: []string{"KexAlgorithms +diffie-hellman-group14-sha1", "MACs hmac-sha2-256"}, options: []func(*checks.SSHFactsOptions){func(o *checks.SSHFactsOptions) { o.Weak = checks.WeakWarn }},
			code: checks.SSHWeak, verdict: checks.Warn, says: "diffie-hellman-group14-sha1", facts: map[string]string{"weak": "diffie-hellman-group14-sha1"}},
		{name: "a server of old that we could not log in to", config: []string{"Ciphers 3des-cbc", "MACs hmac-sha1"}, code: checks.OK, verdict: checks.Pass, facts: map[string]string{"offers_cipher_to_client": "3des-cbc"}},
		{name: "no cipher we have", config: []string{"Ciphers aes256-cbc"}, code: checks.SSHNoOverlap, verdict: checks.Fail, facts: map[string]string{"offers_cipher_to_server": "aes256-cbc"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := startSSHD(t, c.config...)
			r := run(t, "", ask(s.addr, facts(c.options...)))
			if r.Code != c.code || r.Verdict != c.verdict || !strings.Contains(r.Evidence.Err, c.says) {
				t.Errorf("got %s %s saying %q; want %s %s saying %q", r.Verdict, r.Code, r.Evidence.Err, c.verdict, c.code, c.says)
			}
			for k, v := range c.facts {
				if r.Facts[k] != v {
					t.Errorf("fact %s is %q, want %q", k, r.Facts[k], v)
				}
			}
			if r.Facts["kex"]+r.Facts["cipher"] != "" {
				t.Error("what happened to be agreed with us is among the facts")
			}
		})
	}
}

// Which ways of logging in there are is asked only of a server that is known, and no way is tried.
func TestSSHFactsAsksForMethods(t *testing.T) {
	t.Parallel()
	s := startSSHD(t, "PasswordAuthentication yes", "Banner /etc/hostname")
	for pin, want := range map[string]string{s.host.fingerprint: "publickey,password", newKey(t).fingerprint: ""} {
		r := run(t, "", ask(s.addr, facts(func(o *checks.SSHFactsOptions) {
			o.User = checks.Text{Literal: s.user}
			o.HostKey = map[checks.Side][]string{checks.New: {pin}}
		})))
		if got := strings.ReplaceAll(r.Facts["auth_offered"], " ", ""); got != want || (r.Evidence.Banner != "") != (want != "") {
			t.Errorf("pinned %s: offered %q after banner %q, want %q", pin, got, r.Evidence.Banner, want)
		}
	}
}

// rawKexInit is a first packet with these lists.
func rawKexInit(lists ...string) string {
	payload := append([]byte{20}, make([]byte, 16)...)
	for i := range 10 {
		text := ""
		if i < len(lists) {
			text = lists[i]
		}
		payload = binary.BigEndian.AppendUint32(payload, uint32(len(text)))
		payload = append(payload, text...)
	}
	payload = append(payload, 0, 0, 0, 0, 0)
	const padding = 8
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload)+1+padding))
	return string(append(append(append(b, padding), payload...), make([]byte, padding)...))
}

// What sshd does not do is said by a peer that sends the exact bytes. Nobody is asked again who turned us away.
func TestSSHFactsAgainstOddServers(t *testing.T) {
	t.Parallel()
	more, _ := moreHostKeys(t)
	several := startSSHD(t, more...)
	through := func(c net.Conn) {
		back, err := net.Dial("tcp", several.addr)
		if err != nil {
			return
		}
		defer back.Close()
		go func() { _, _ = io.Copy(back, c); back.Close() }()
		_, _ = io.Copy(c, back)
	}
	cases := []struct {
		name  string
		first func(net.Conn) // the first connection
		next  func(net.Conn) // those after it
		code  checks.Code
		conns int32
		key   string // a fact that must be there
	}{
		{"penalised at once", saysAndCloses("Not allowed at this time\r\n"), nil, checks.RefusedText, 1, ""},
		{"penalised after the first key", through, saysAndCloses("Not allowed at this time\r\n"), checks.RefusedText, 2, "offers_kex"},
		{"as many handshakes as there are types", through, through, checks.OK, 3, "host_key ssh-rsa"},
		{"silent after the version", says("SSH-2.0-mute\r\n"), nil, checks.Silent, 1, "ssh_version"},
		{"garbage for lists", saysAndCloses("SSH-2.0-x\r\n" + strings.Repeat("\xff", 64)), nil, checks.ProtoMismatch, 1, ""},
		{"a packet without end", saysAndCloses("SSH-2.0-x\r\n\x7f\xff\xff\xff\x08\x14" + strings.Repeat("a", 1<<16)), nil, checks.ProtoMismatch, 1, ""},
		{"nothing in common", saysAndCloses("SSH-2.0-x\r\n" + rawKexInit("a", "b", "c", "d", "e", "f", "g", "h")), nil, checks.SSHNoOverlap, 1, "offers_mac_to_client"},
		{"closed before the version", closes, nil, checks.ClosedPreBanner, 1, ""},
		{"another protocol", saysAndCloses("HTTP/1.1 400 Bad Request\r\n\r\n"), nil, checks.ProtoMismatch, 1, ""},
		{"escapes in the version", saysAndCloses("SSH-2.0-\x1b]0;owned\x07\x1b[2J\r\n"), nil, checks.AuthDisconnect, 1, "ssh_version"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			addr := peer(t, func(conn net.Conn) {
				if n.Add(1) == 1 {
					c.first(conn)
				} else if c.next != nil {
					c.next(conn)
				}
			})
			a := ask(addr, facts())
			if c.code == checks.Silent {
				quick(&a)
			}
			r := run(t, "", a)
			if r.Code != c.code || n.Load() != c.conns || r.Outcome != c.code.Info().Verdict {
				t.Errorf("got %s %s after %d connections, want %s after %d", r.Outcome, r.Code, n.Load(), c.code, c.conns)
			}
			if c.key != "" && r.Facts[c.key] == "" {
				t.Errorf("no fact %s in %v", c.key, r.Facts)
			}
			for k, v := range r.Facts {
				if strings.ContainsFunc(k+v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
					t.Errorf("fact %s holds control characters: %q", k, v)
				}
			}
		})
	}
}
