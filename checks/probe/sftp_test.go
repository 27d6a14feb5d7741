package probe

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"skift/checks"
	"skift/internal/need"
)

// keyPair is a fresh ed25519 key: its private text, public line and fingerprint.
type keyPair struct{ private, public, fingerprint string }

func newKey(t *testing.T) keyPair {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(priv, "")
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{string(pem.EncodeToMemory(block)), string(ssh.MarshalAuthorizedKey(public)), ssh.FingerprintSHA256(public)}
}

// sshd is OpenSSH's own server on a loopback port with its own keys.
type sshd struct {
	addr, user string
	host, me   keyPair
}

const withSFTP = "Subsystem sftp internal-sftp"

func startSSHD(t *testing.T, config ...string) sshd {
	t.Helper()
	path := need.Program(t, "sshd")
	if os.Geteuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t)
	s := sshd{user: who.Username, host: newKey(t), me: newKey(t)}
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	host, port := ownPort(t)
	conf := append([]string{ // sshd takes the first value of a keyword, so a case's own come first
		"ListenAddress " + host, "Port " + port}, config...)
	conf = append(conf,
		"HostKey "+write("host", s.host.private), "AuthorizedKeysFile "+write("authorized", s.me.public),
		"StrictModes no", "UsePAM no", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
		"PermitRootLogin prohibit-password", "PidFile none", "LogLevel VERBOSE")
	file := write("config", strings.Join(conf, "\n")+"\n")
	program(t, regexp.MustCompile(`Server listening on`), path, "-D", "-e", "-f", file)
	s.addr = net.JoinHostPort(host, port)
	return s
}

func (s sshd) options(change ...func(*checks.SFTPOptions)) checks.SFTPOptions {
	o := checks.SFTPOptions{Level: checks.LevelList, User: checks.Text{Literal: s.user}, HostKey: map[checks.Side][]string{checks.New: {s.host.fingerprint}}}
	for _, f := range change {
		f(&o)
	}
	return o
}

func TestSFTPAgainstOpenSSH(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	if err := os.WriteFile(filepath.Join(dir, "in.xml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mumbles := filepath.Join(t.TempDir(), "mumbles")
	if err := os.WriteFile(mumbles, []byte("#!/bin/sh\nprintf xx\nexec sleep 60\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name    string
		config  []string
		options func(*testing.T) func(*checks.SFTPOptions)
		key     func(*testing.T, sshd) string
		code    checks.Code
		reached string
		facts   map[string]string
		quick   bool // what is asked for never comes
		root    bool // only root's sshd can do it
	}{
		{name: "list", config: []string{withSFTP}, code: checks.OK, reached: "list",
			options: option(func(o *checks.SFTPOptions) { o.Dir.Literal = dir }), facts: map[string]string{"path": dir, "auth_offered": "publickey", "host_key_type": "ssh-ed25519"}},
		{name: "subsystem", config: []string{withSFTP}, options: level(checks.LevelSubsystem), code: checks.OK, reached: "subsystem", facts: map[string]string{"posix_rename": "true"}},
		{name: "auth", options: level(checks.LevelAuth), code: checks.OK, reached: "auth"},
		{name: "host key", options: level(checks.LevelHostKey), code: checks.OK, reached: "hostkey"},
		{name: "banner", options: level(checks.LevelBanner), code: checks.OK, reached: "banner"},
		{name: "next key is pinned too", config: []string{withSFTP}, code: checks.OK, reached: "list", options: func(t *testing.T) func(*checks.SFTPOptions) {
			return func(o *checks.SFTPOptions) {
				o.HostKey[checks.New] = append([]string{newKey(t).fingerprint}, o.HostKey[checks.New]...)
			}
		}},
		{name: "another host key", config: []string{withSFTP}, code: checks.HostkeyChanged, reached: "banner", options: func(t *testing.T) func(*checks.SFTPOptions) {
			return func(o *checks.SFTPOptions) { o.HostKey[checks.New] = []string{newKey(t).fingerprint} }
		}},
		{name: "no pinned host key", options: option(func(o *checks.SFTPOptions) { o.HostKey = nil }), code: checks.HostkeyUnknown, reached: "banner"},
		{name: "another user key", config: []string{withSFTP}, key: func(t *testing.T, _ sshd) string { return newKey(t).private }, code: checks.AuthFailed, reached: "hostkey"},
		{name: "keys are not offered", config: []string{"PubkeyAuthentication no", "PasswordAuthentication yes"}, code: checks.AuthMethod, reached: "hostkey", facts: map[string]string{"auth_offered": "password"}},
		{name: "disconnected while logging in", config: []string{"MaxAuthTries 1"}, key: func(t *testing.T, _ sshd) string { return newKey(t).private }, code: checks.AuthDisconnect, reached: "hostkey"},
		{name: "no common cipher", config: []string{"Ciphers aes256-cbc"}, code: checks.SSHNoOverlap, reached: "banner", facts: map[string]string{"peer_offers": "aes256-cbc"}},
		{name: "no subsystem", code: checks.SubsystemRefused, reached: "auth"},
		{name: "subsystem is a shell", config: []string{"Subsystem sftp /bin/echo Welcome, please use the menu"}, code: checks.SFTPGarbage, reached: "auth"},
		{name: "subsystem says little and waits", config: []string{"Subsystem sftp " + mumbles}, code: checks.SFTPGarbage, reached: "auth", quick: true},
		{name: "subsystem never answers", config: []string{"Subsystem sftp /bin/sleep 60"}, code: checks.SFTPSilent, reached: "auth", quick: true},
		{name: "missing path", config: []string{withSFTP}, options: option(func(o *checks.SFTPOptions) { o.Dir.Literal = filepath.Join(dir, "OUT") }), code: checks.PathMissing, reached: "subsystem"},
		{name: "path is a file", config: []string{withSFTP}, options: option(func(o *checks.SFTPOptions) { o.Dir.Literal = filepath.Join(dir, "in.xml") }), code: checks.PathMissing, reached: "subsystem"}, // sshd answers ENOTDIR with "no such file"
		{name: "listing is not allowed", config: []string{"Subsystem sftp internal-sftp -P opendir"}, code: checks.PathDenied, reached: "subsystem"},
		{name: "a password is demanded beside the key", config: []string{"AuthenticationMethods publickey,password", "PasswordAuthentication yes"}, code: checks.AuthMethod, reached: "hostkey", facts: map[string]string{"auth_offered": "publickey"}},
		{name: "the account is shut out", config: []string{withSFTP, "DenyUsers *"}, code: checks.AuthFailed, reached: "hostkey"},
		{name: "in a chroot", config: []string{withSFTP, "ChrootDirectory /", "ForceCommand internal-sftp"}, root: true, options: option(func(o *checks.SFTPOptions) { o.Dir.Literal = "/" }), code: checks.OK, reached: "list", facts: map[string]string{"path": "/"}},
		{name: "our own key is missing", key: func(*testing.T, sshd) string { return "" }, code: checks.Credential},
		{name: "our own key is garbage", key: func(*testing.T, sshd) string { return "no key" }, code: checks.Credential},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.root && os.Geteuid() != 0 {
				t.Skip("only root's sshd changes its root directory")
			}
			s := startSSHD(t, c.config...)
			o := s.options()
			if c.options != nil {
				c.options(t)(&o)
			}
			key := s.me.private
			if c.key != nil {
				key = c.key(t, s)
			}
			a := ask(s.addr, o)
			if c.quick {
				a.Spec.Timeout = 8 * time.Second // the login must still fit, on a busy host too
			}
			r := run(t, key, a)
			if r.Code != c.code || r.Reached != c.reached {
				t.Errorf("got %s, reached %q; want %s, reached %q", r.Code, r.Reached, c.code, c.reached)
			}
			for k, v := range c.facts {
				if r.Facts[k] != v {
					t.Errorf("fact %s is %q, want %q", k, r.Facts[k], v)
				}
			}
			if strings.Contains(fmt.Sprintf("%+v", r), "PRIVATE KEY") {
				t.Error("the result holds the private key")
			}
		})
	}
}

func option(f func(*checks.SFTPOptions)) func(*testing.T) func(*checks.SFTPOptions) {
	return func(*testing.T) func(*checks.SFTPOptions) { return f }
}

func level(l checks.Level) func(*testing.T) func(*checks.SFTPOptions) {
	return option(func(o *checks.SFTPOptions) { o.Level = l })
}

// A server that has several host keys shows one of them, chosen by what the client asks for first. The pinned one must be it.
func TestPinnedKeyAmongSeveral(t *testing.T) {
	t.Parallel()
	config, prints := moreHostKeys(t)
	s := startSSHD(t, config...)
	prints["ssh-ed25519"] = s.host.fingerprint
	for kind, print := range prints {
		pin := kind + " " + print
		if kind == "ssh-ed25519" {
			pin = print // found without being told the type
		}
		r := run(t, s.me.private, ask(s.addr, s.options(func(o *checks.SFTPOptions) {
			o.Level, o.HostKey[checks.New] = checks.LevelHostKey, []string{pin}
		})))
		if r.Code != checks.OK || r.Facts["host_key_type"] != kind {
			t.Errorf("pin %q: got %s with a %s key", pin, r.Code, r.Facts["host_key_type"])
		}
	}
}

// A server that turns connections away because it has too many is not a server that fails.
func TestMaxStartups(t *testing.T) {
	t.Parallel()
	s := startSSHD(t, "MaxStartups 1:100:1", "LoginGraceTime 60")
	held, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if _, err := held.Read(make([]byte, 8)); err != nil { // its version line: the connection counts now
		t.Fatal(err)
	}
	var r checks.Result
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		if r = run(t, s.me.private, ask(s.addr, s.options(), quick)); r.Code == checks.RefusedText {
			break
		}
	}
	if r.Code != checks.RefusedText || r.Verdict != checks.Unverified || !strings.Contains(r.Evidence.FirstBytes, "Exceeded MaxStartups") {
		t.Errorf("got %s %s with %q", r.Verdict, r.Code, r.Evidence.FirstBytes)
	}
	if r := run(t, "", ask(s.addr, checks.ReachOptions{Proof: checks.ProofSSH})); r.Code != checks.RefusedText {
		t.Errorf("reach got %s", r.Code)
	}
}

// moreHostKeys makes an RSA and an ECDSA host key beside the ed25519 one: lines for sshd, and fingerprints by key type.
func moreHostKeys(t *testing.T) (config []string, prints map[string]string) {
	t.Helper()
	keygen := need.Program(t, "ssh-keygen")
	dir := folder(t)
	prints = map[string]string{}
	for kind, name := range map[string]string{"rsa": "ssh-rsa", "ecdsa": "ecdsa-sha2-nistp256"} {
		file := filepath.Join(dir, kind)
		if out, err := command(keygen, "-q", "-t", kind, "-N", "", "-f", file); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		public, err := os.ReadFile(file + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey(public)
		if err != nil {
			t.Fatal(err)
		}
		prints[name] = ssh.FingerprintSHA256(key)
		config = append(config, "HostKey "+file)
	}
	return config, prints
}
