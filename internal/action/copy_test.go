package action

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"skift/internal/secret"
	"skift/runbooks"
)

// route is a copy from one server to another, with all that a step needs.
type route struct {
	a        *Actions
	step     *runbooks.Step
	addrs    map[string]string
	from, to string // the directories on disk
}

func newRoute(t *testing.T, old, new *server) *route {
	t.Helper()
	plan := t.TempDir()
	writeKey(t, filepath.Join(plan, "key"))
	key, err := secret.ParseRef("file:key")
	if err != nil {
		t.Fatal(err)
	}
	r := &route{from: old.dir, to: new.dir, addrs: map[string]string{"old": old.addr, "new": new.addr}}
	r.a = newActions(t, Config{PlanDir: plan, Dialer: loopback(), Stall: 2 * time.Second,
		Secrets: secret.NewResolver(plan, func(string) (string, bool) { return "", false }, nil)})
	end := func(side string, k ssh.PublicKey) runbooks.CopyEnd {
		return runbooks.CopyEnd{Service: "sftp", Side: side, User: "skift", Key: key, HostKey: []string{ssh.FingerprintSHA256(k)}, Dir: "/"}
	}
	r.step = &runbooks.Step{ID: "copy", Kind: runbooks.SFTPCopy, CopyBody: runbooks.CopyBody{
		From: end("old", old.key.PublicKey()), To: end("new", new.key.PublicKey())}}
	return r
}

func (r *route) request() Request {
	return Request{Run: "cutover-1", Step: r.step, Attempt: 1, Addr: func(service, side string) (string, string, error) {
		if addr := r.addrs[side]; service == "sftp" && addr != "" {
			return addr, "sftp.example", nil
		}
		return "", "", fmt.Errorf("service %s has no side %s", service, side)
	}}
}

func (r *route) do(t *testing.T) Outcome {
	t.Helper()
	o, err := r.a.Do(t.Context(), r.request())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(b)
	}
	return all
}

// states reads the manifest: state by name.
func states(t *testing.T, o Outcome) map[string]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(o.Output)).ReadAll()
	if err != nil || len(rows) == 0 || !slices.Equal(rows[0], []string{"name", "size", "sha256", "state", "reason"}) {
		t.Fatalf("%v: %q", err, o.Output)
	}
	got := map[string]string{}
	for _, r := range rows[1:] {
		got[r[0]] = r[3]
	}
	return got
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func big(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return string(b)
}

func TestCopyAndRepetition(t *testing.T) {
	t.Parallel()
	old, new := serveSFTP(t), serveSFTP(t)
	r := newRoute(t, old, new)
	files := map[string]string{"a.xml": "alpha", "a.xml.trigger": "<go/>", "b.xml": big(300 << 10), "empty": "", "æ ø\n,\"å": "odd name", "-rf": "dash"}
	put(t, r.from, files)
	put(t, r.from, map[string]string{".skift-0011223344556677.part": "somebody's unfinished file"})
	if err := errors.Join(os.Mkdir(filepath.Join(r.from, "folder"), 0o700), os.Symlink("/etc/passwd", filepath.Join(r.from, "link"))); err != nil {
		t.Fatal(err)
	}
	o := r.do(t)
	if !o.OK || o.Uncertain || o.Summary != "6 of 6 files are on new sftp with the same content as on old sftp" {
		t.Errorf("%s\n%s", o.Summary, o.Output)
	}
	same(t, "files on new", files, content(t, r.to))
	same(t, "facts", map[string]string{"from": "old sftp", "to": "new sftp", "files": "6", "copied": "6", "already_there": "0", "not_copied": "0",
		"bytes": fmt.Sprint(5 + 5 + 300<<10 + 8 + 4)}, o.Facts)
	rows, err := csv.NewReader(bytes.NewReader(o.Output)).ReadAll()
	sum := sha256.Sum256([]byte("alpha"))
	if err != nil || !slices.ContainsFunc(rows, func(r []string) bool {
		return slices.Equal(r, []string{"a.xml", "5", hex.EncodeToString(sum[:]), "copied", ""})
	}) {
		t.Errorf("%v: manifest %q", err, rows)
	}
	if opened := old.opened(); len(opened) != 6 || opened[5] != "r a.xml.trigger" {
		t.Errorf("read from old: %q; want each file once and the trigger last", opened)
	}
	for _, name := range new.opened() {
		if strings.HasPrefix(name, "w ") && !strings.HasPrefix(name, "w .skift-") {
			t.Errorf("%s: written under its own name before it was complete", name)
		}
	}

	before := len(new.opened())
	o = r.do(t)
	if !o.OK || o.Facts["already_there"] != "6" || o.Facts["copied"] != "0" || !strings.HasSuffix(o.Summary, "6 of them were there before") {
		t.Errorf("repetition: %s", o.Summary)
	}
	if again := new.opened()[before:]; slices.ContainsFunc(again, func(s string) bool { return s[0] == 'w' }) {
		t.Errorf("a repetition wrote: %q", again)
	}
	same(t, "files on new", files, content(t, r.to))
}

// Some servers hand out a file once: when it was read, or somebody asked for its size, it is gone.
func TestAServerThatHandsOutAFileOnce(t *testing.T) {
	t.Parallel()
	old, new := serveSFTP(t), serveSFTP(t)
	old.readOnce = true
	r := newRoute(t, old, new)
	files := map[string]string{"a": "small", "b": big(200 << 10)}
	put(t, r.from, files)
	if o := r.do(t); !o.OK {
		t.Error(o.Summary)
	}
	same(t, "files on new", files, content(t, r.to))
}

func TestPatternChoosesFiles(t *testing.T) {
	t.Parallel()
	old, new := serveSFTP(t), serveSFTP(t)
	r := newRoute(t, old, new)
	put(t, r.from, map[string]string{"a.xml": "1", "b.xml": "2", "c.txt": "3"})
	r.step.CopyBody.Files = "*.xml"
	if o := r.do(t); !o.OK {
		t.Error(o.Summary)
	}
	same(t, "files on new", map[string]string{"a.xml": "1", "b.xml": "2"}, content(t, r.to))
	for pattern, want := range map[string]string{"*.csv": "no file in / of old sftp matches *.csv", "[": "not a pattern"} {
		r.step.CopyBody.Files = pattern
		if o := r.do(t); o.OK || o.Uncertain || !strings.Contains(o.Summary, want) {
			t.Errorf("%s: %s", pattern, o.Summary)
		}
	}
}

func TestAnotherFileOfTheNameIsLeftAlone(t *testing.T) {
	t.Parallel()
	old, new := serveSFTP(t), serveSFTP(t)
	r := newRoute(t, old, new)
	put(t, r.from, map[string]string{"a": "12345", "a.trigger": "go", "b": "longer", "c": "fine"})
	there := map[string]string{"a": "12346", "b": "short"}
	put(t, r.to, there)
	o := r.do(t)
	if o.OK || o.Uncertain || !strings.Contains(o.Summary, "a differs: another file of that name is there") || !strings.Contains(o.Summary, "b differs") {
		t.Error(o.Summary)
	}
	same(t, "states", map[string]string{"a": "differs", "a.trigger": "held back", "b": "differs", "c": "copied"}, states(t, o))
	there["c"] = "fine"
	same(t, "files on new", there, content(t, r.to))
}

func TestAFileThatComesWhileItIsCopiedIsNotReplaced(t *testing.T) {
	t.Parallel()
	old, new := serveSFTP(t), serveSFTP(t)
	r := newRoute(t, old, new)
	put(t, r.from, map[string]string{"a": "ours"})
	new.onRead = func(string) { put(t, r.to, map[string]string{"a": "theirs"}) } // while the copy is read back
	o := r.do(t)
	if o.OK || states(t, o)["a"] != "differs" {
		t.Errorf("%s", o.Summary)
	}
	same(t, "files on new", map[string]string{"a": "theirs"}, content(t, r.to))
}

func TestAChangedByteIsFound(t *testing.T) {
	t.Parallel()
	old, new := serveSFTP(t), serveSFTP(t)
	r := newRoute(t, old, new)
	put(t, r.from, map[string]string{"a": big(100 << 10), "a.trigger": "go", "b": "sound"})
	new.corrupt = func(_ string, off int64, p []byte) {
		if off == 64<<10 {
			p[17] ^= 1
		}
	}
	o := r.do(t)
	if o.OK || !strings.Contains(o.Summary, "a failed: what new sftp has is not what was written") {
		t.Error(o.Summary)
	}
	same(t, "states", map[string]string{"a": "failed", "a.trigger": "held back", "b": "copied"}, states(t, o))
	same(t, "files on new", map[string]string{"b": "sound"}, content(t, r.to))
	new.corrupt = nil
	if o := r.do(t); !o.OK || o.Facts["copied"] != "2" {
		t.Errorf("repeated: %s", o.Summary)
	}
}

func TestRefusalsAreNamedAndNothingIsLeft(t *testing.T) {
	t.Parallel()
	t.Run("quota", func(t *testing.T) {
		t.Parallel()
		old, new := serveSFTP(t), serveSFTP(t)
		r := newRoute(t, old, new)
		put(t, r.from, map[string]string{"a": "small", "b": big(200 << 10)})
		new.quota = 100 << 10
		o := r.do(t)
		if o.OK || o.Uncertain || !strings.Contains(o.Summary, "b failed: write to new sftp: the server says") || !strings.Contains(o.Summary, "disk quota of account ******-****") {
			t.Error(o.Summary)
		}
		same(t, "files on new", map[string]string{"a": "small"}, content(t, r.to))
	})
	t.Run("denied", func(t *testing.T) {
		t.Parallel()
		old, new := serveSFTP(t), serveSFTP(t)
		r := newRoute(t, old, new)
		put(t, r.from, map[string]string{"a": "1", "010190-1234.xml": "2"})
		old.deny = "010190"
		o := r.do(t)
		if o.OK || !strings.Contains(o.Summary, "******-****.xml failed: read from old sftp: permission denied") {
			t.Error(o.Summary)
		}
		if bytes.Contains(o.Output, []byte("010190")) {
			t.Errorf("manifest %s", o.Output)
		}
		same(t, "files on new", map[string]string{"a": "1"}, content(t, r.to))
	})
	t.Run("changing", func(t *testing.T) {
		t.Parallel()
		old, new := serveSFTP(t), serveSFTP(t)
		r := newRoute(t, old, new)
		put(t, r.from, map[string]string{"a": "1"})
		old.onRead = func(name string) { put(t, r.from, map[string]string{name: "12"}) }
		if o := r.do(t); o.OK || !strings.Contains(o.Summary, "changed while it was copied: 1 bytes were listed, 2 were read") {
			t.Error(o.Summary)
		}
		same(t, "files on new", map[string]string{}, content(t, r.to))
	})
}

func TestACopyCutInTheMiddleConverges(t *testing.T) {
	t.Parallel()
	old, new := serveSFTP(t), serveSFTP(t)
	r := newRoute(t, old, new)
	files := map[string]string{"a": big(50 << 10), "b": big(200 << 10), "b.trigger": "go", "c": big(10 << 10)}
	put(t, r.from, files)
	new.cutAfter.Store(120 << 10)
	o := r.do(t)
	if o.OK || o.Uncertain || !strings.Contains(o.Summary, "the connection was lost") || !strings.Contains(o.Summary, "left unfinished on new sftp, for a repetition to go on with: /.skift-") {
		t.Error(o.Summary)
	}
	same(t, "states", map[string]string{"a": "copied", "b": "failed", "b.trigger": "not tried", "c": "not tried"}, states(t, o))
	if got := content(t, r.to); len(got) != 2 || got["a"] != files["a"] {
		t.Errorf("%d files on new", len(got))
	}
	o = r.do(t)
	if !o.OK || o.Facts["already_there"] != "1" || o.Facts["copied"] != "3" {
		t.Errorf("repeated: %s", o.Summary)
	}
	same(t, "files on new", files, content(t, r.to))
}

func TestASilentServerAndAStop(t *testing.T) {
	t.Parallel()
	old, new := serveSFTP(t), serveSFTP(t)
	r := newRoute(t, old, new)
	put(t, r.from, map[string]string{"a": "1"})
	new.hang.Store(true)
	r.a.cfg.Stall = 200 * time.Millisecond
	if o := r.do(t); o.OK || !strings.Contains(o.Summary, "no answer within the time") {
		t.Error(o.Summary)
	}
	r.a.cfg.Stall = time.Minute
	r.step.Timeout = 300 * time.Millisecond
	if o := r.do(t); o.OK || o.Uncertain || !strings.Contains(o.Summary, "it took longer than 300ms") {
		t.Error(o.Summary)
	}
	r.step.Timeout = 0
	ctx, cancel := context.WithCancelCause(t.Context())
	errStop := errors.New("aborted by the manager")
	time.AfterFunc(300*time.Millisecond, func() { cancel(errStop) })
	o, err := r.a.Do(ctx, r.request())
	if !errors.Is(err, errStop) || !o.Uncertain || o.OK || !strings.Contains(o.Summary, "aborted by the manager") {
		t.Errorf("%v %+v", err, o)
	}
}

func TestMemoryStaysSmallWhileALargeFileIsCopied(t *testing.T) { // alone: it measures the whole process
	old, new := serveSFTP(t), serveSFTP(t)
	r := newRoute(t, old, new)
	f, err := os.Create(filepath.Join(r.from, "large"))
	if err == nil {
		err = errors.Join(f.Truncate(24<<20), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	o := r.do(t)
	runtime.ReadMemStats(&after)
	if !o.OK {
		t.Fatal(o.Summary)
	}
	if grown := int64(after.Sys) - int64(before.Sys); grown > 16<<20 {
		t.Errorf("memory grew by %d MB", grown>>20)
	}
}

func TestEndsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	old, new := serveSFTP(t), serveSFTP(t)
	put(t, old.dir, map[string]string{"a": "1"})
	for _, c := range []struct {
		name   string
		change func(*route)
		want   string
	}{
		{"changed key", func(r *route) { r.step.CopyBody.To.HostKey = r.step.CopyBody.From.HostKey }, "new sftp: ssh: the server presents SHA256:"},
		{"no pin", func(r *route) { r.step.CopyBody.From.HostKey = nil }, "old sftp: no host key is pinned"},
		{"bad pin", func(r *route) { r.step.CopyBody.From.HostKey = []string{"SHA256:x"} }, "ssh-keygen"},
		{"no key", func(r *route) { r.step.CopyBody.To.Key = secret.Ref{} }, "new sftp: secret"},
		{"no such side", func(r *route) { r.step.CopyBody.To.Side = "other" }, "service sftp has no side other"},
		{"no address", func(r *route) { r.addrs["new"] = "sftp.example:22" }, "is not an address and a port"},
		{"outside", func(r *route) { r.addrs["new"] = "192.0.2.1:22" }, "outside the allowed networks"},
		{"refused", func(r *route) { r.addrs["new"] = "127.0.0.1:1" }, "the connection is refused"},
		{"no source directory", func(r *route) { r.step.CopyBody.From.Dir = "/absent" }, "old sftp: list /absent: it does not exist"},
		{"no target directory", func(r *route) { r.step.CopyBody.To.Dir = "/absent" }, "new sftp: directory /absent: it does not exist"},
		{"target is a file", func(r *route) {
			put(t, r.to, map[string]string{"plain": ""})
			r.step.CopyBody.To.Dir = "/plain"
		}, "/plain is not a directory"},
	} {
		r := newRoute(t, old, new)
		c.change(r)
		if o := r.do(t); o.OK || o.Uncertain || !strings.HasPrefix(o.Summary, "nothing was copied: ") || !strings.Contains(o.Summary, c.want) {
			t.Errorf("%s: %s; want %q", c.name, o.Summary, c.want)
		}
	}
	if opened := append(old.opened(), new.opened()...); len(opened) != 0 {
		t.Errorf("opened %q", opened)
	}
}
