package action

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"skift/internal/need"
	"skift/internal/secret"
	"skift/runbooks"
)

// sshd starts OpenSSH's server for the user who runs the tests and gives its address and host key.
func sshd(t *testing.T, authorized ssh.PublicKey, subsystem string) (addr string, key ssh.PublicKey) {
	t.Helper()
	program := need.Program(t, "sshd")
	dir := t.TempDir()
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // where Debian's package lets it drop its privileges
			need.Missing(t, "sshd", err.Error())
		}
	}
	key = writeKey(t, filepath.Join(dir, "host"))
	if err := os.WriteFile(filepath.Join(dir, "authorized"), ssh.MarshalAuthorizedKey(authorized), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(addr)
	config := fmt.Sprintf("ListenAddress 127.0.0.1\nPort %s\nHostKey %s/host\nAuthorizedKeysFile %s/authorized\nStrictModes no\nUsePAM no\n"+
		"PidFile none\nPasswordAuthentication no\nPermitRootLogin yes\nSubsystem sftp %s\n", port, dir, dir, subsystem)
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	c := exec.Command(program, "-D", "-e", "-f", filepath.Join(dir, "config"))
	c.Stderr = &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if t.Failed() {
			t.Logf("sshd: %s", log.String())
		}
	})
	listens(t, addr)
	return addr, key
}

// listens waits until something answers at the address.
func listens(t *testing.T, addr string) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		var c net.Conn
		if c, err = net.DialTimeout("tcp", addr, time.Second); err == nil {
			_ = c.Close()
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatal(err)
}

// newRealRoute is a route between two OpenSSH servers.
func newRealRoute(t *testing.T) *route {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	plan := t.TempDir()
	public := writeKey(t, filepath.Join(plan, "key"))
	ref, err := secret.ParseRef("file:key")
	if err != nil {
		t.Fatal(err)
	}
	oldAddr, oldKey := sshd(t, public, "internal-sftp")
	newAddr, newKey := sshd(t, public, "internal-sftp")
	r := &route{from: t.TempDir(), to: t.TempDir(), addrs: map[string]string{"old": oldAddr, "new": newAddr}}
	r.a = newActions(t, Config{PlanDir: plan, Dialer: loopback(), Secrets: secret.NewResolver(plan, os.LookupEnv, nil)})
	r.step = &runbooks.Step{ID: "copy", Kind: runbooks.SFTPCopy, CopyBody: runbooks.CopyBody{
		From: runbooks.CopyEnd{Service: "sftp", Side: "old", User: me.Username, Key: ref, HostKey: []string{ssh.FingerprintSHA256(oldKey)}, Dir: r.from},
		To:   runbooks.CopyEnd{Service: "sftp", Side: "new", User: me.Username, Key: ref, HostKey: []string{ssh.FingerprintSHA256(newKey)}, Dir: r.to}}}
	return r
}

func TestCopyBetweenRealServers(t *testing.T) {
	t.Parallel()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	plan, from, to := t.TempDir(), t.TempDir(), t.TempDir()
	public := writeKey(t, filepath.Join(plan, "key"))
	ref, err := secret.ParseRef("file:key")
	if err != nil {
		t.Fatal(err)
	}
	oldAddr, oldKey := sshd(t, public, "internal-sftp")
	newAddr, newKey := sshd(t, public, "internal-sftp")
	frozenAddr, frozenKey := sshd(t, public, "internal-sftp -R") // read-only
	r := &route{from: from, to: to, addrs: map[string]string{"old": oldAddr, "new": newAddr}}
	r.a = newActions(t, Config{PlanDir: plan, Dialer: loopback(), Secrets: secret.NewResolver(plan, os.LookupEnv, nil)})
	end := func(side, dir string, k ssh.PublicKey) runbooks.CopyEnd {
		return runbooks.CopyEnd{Service: "sftp", Side: side, User: me.Username, Key: ref, HostKey: []string{ssh.FingerprintSHA256(k)}, Dir: dir}
	}
	r.step = &runbooks.Step{ID: "copy", Kind: runbooks.SFTPCopy, CopyBody: runbooks.CopyBody{
		From: end("old", from, oldKey), To: end("new", to, newKey)}}
	files := map[string]string{"a.xml": big(70 << 10), "a.xml.trigger": "<go/>", "b.xml": "", "æøå 1.xml": "1"}
	put(t, from, files)
	// What an earlier attempt of this step left behind is replaced.
	put(t, to, map[string]string{unfinishedName("cutover-1/copy", "a.xml"): "half"})

	if o := r.do(t); !o.OK || o.Facts["copied"] != "4" {
		t.Errorf("%s\n%s", o.Summary, o.Output)
	}
	same(t, "files on new", files, content(t, to))
	if o := r.do(t); !o.OK || o.Facts["already_there"] != "4" {
		t.Errorf("repeated: %s", o.Summary)
	}

	b := []byte(files["a.xml"])
	b[40<<10] ^= 1
	put(t, to, map[string]string{"a.xml": string(b)})
	if o := r.do(t); o.OK || states(t, o)["a.xml"] != "differs" || states(t, o)["b.xml"] != "already there" {
		t.Errorf("a changed byte: %s\n%s", o.Summary, o.Output)
	}

	r.addrs["new"], r.step.CopyBody.To.HostKey = frozenAddr, []string{ssh.FingerprintSHA256(frozenKey)}
	put(t, from, map[string]string{"c.xml": "new"})
	if o := r.do(t); o.OK || !strings.Contains(o.Summary, "c.xml failed: write to new sftp: permission denied") {
		t.Errorf("read-only: %s", o.Summary)
	}
	if len(content(t, to)) != len(files) {
		t.Error("something was left on new")
	}
	r.step.CopyBody.To.HostKey = []string{ssh.FingerprintSHA256(oldKey)}
	if o := r.do(t); o.OK || !strings.Contains(o.Summary, "hostkey_changed") {
		t.Errorf("changed key: %s", o.Summary)
	}
}

func TestARealServersRenameDoesNotReplace(t *testing.T) {
	t.Parallel()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	plan, dir := t.TempDir(), t.TempDir()
	public := writeKey(t, filepath.Join(plan, "key"))
	ref, err := secret.ParseRef("file:key")
	if err != nil {
		t.Fatal(err)
	}
	addr, key := sshd(t, public, "internal-sftp")
	a := newActions(t, Config{PlanDir: plan, Dialer: loopback(), Secrets: secret.NewResolver(plan, os.LookupEnv, nil)})
	e, err := a.open(t.Context(), func(string, string) (string, string, error) { return addr, "", nil },
		copyEnd{Service: "sftp", Side: "new", User: me.Username, Key: ref, HostKey: []string{ssh.FingerprintSHA256(key)}, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	want := map[string]string{"half": "ours", "whole": "theirs"}
	put(t, dir, want)
	if err := e.rename(t.Context(), path.Join(dir, "half"), path.Join(dir, "whole")); err == nil || e.gone() {
		t.Errorf("a rename over a file: %v", err)
	}
	same(t, "files", want, content(t, dir))
}
