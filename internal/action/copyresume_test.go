package action

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestACutCopyGoesOn: what was written before a connection was lost is not written again, and is compared before it is trusted.
func TestACutCopyGoesOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		spoil   func(t *testing.T, part string)
		resumed bool
	}{
		{"as it was left", func(*testing.T, string) {}, true},
		{"changed meanwhile", func(t *testing.T, part string) { rewrite(t, part, func(b []byte) []byte { b[100] ^= 1; return b }) }, false},
		{"longer than the file", func(t *testing.T, part string) {
			rewrite(t, part, func(b []byte) []byte { return append(b, make([]byte, 300<<10)...) })
		}, false},
		{"empty", func(t *testing.T, part string) { rewrite(t, part, func([]byte) []byte { return nil }) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			old, new := serveSFTP(t), serveSFTP(t)
			r := newRoute(t, old, new)
			files := map[string]string{"a": big(250 << 10)}
			put(t, r.from, files)
			new.cutAfter.Store(128 << 10)
			if o := r.do(t); o.OK || o.Uncertain || !strings.Contains(o.Summary, "for a repetition to go on with") {
				t.Fatal(o.Summary)
			}
			new.idle()
			part := filepath.Join(r.to, unfinishedName("cutover-1/copy", "a"))
			c.spoil(t, part)
			was, err := os.Stat(part)
			if err != nil {
				t.Fatal(err)
			}
			before := new.written.Load()
			o := r.do(t)
			wrote := new.written.Load() - before
			if !o.OK {
				t.Fatal(o.Summary)
			}
			same(t, "files on new", files, content(t, r.to))
			want := int64(250 << 10)
			if c.resumed {
				want -= was.Size()
				if o.Facts["resumed_bytes"] != fmt.Sprint(was.Size()) {
					t.Errorf("facts %v; %d bytes were there", o.Facts, was.Size())
				}
			}
			if wrote != want || (o.Facts["resumed_bytes"] != "") != c.resumed {
				t.Errorf("wrote %d bytes, want %d; %v", wrote, want, o.Facts)
			}
		})
	}
}

func rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestAStoppedCopyGoesOnBetweenRealServers: OpenSSH lets us write on where we stopped.
func TestAStoppedCopyGoesOnBetweenRealServers(t *testing.T) {
	t.Parallel()
	r := newRealRoute(t)
	files := map[string]string{"large": big(8 << 20), "large.trigger": "go"}
	put(t, r.from, files)
	ctx, cancel := context.WithCancelCause(t.Context())
	errStop := errors.New("skift is stopping")
	req := r.request()
	req.Progress = func(p Progress) {
		if p.BytesDone > 2<<20 {
			cancel(errStop)
		}
	}
	o, err := r.a.Do(ctx, req)
	if !errors.Is(err, errStop) || !o.Uncertain {
		t.Fatalf("%v %s", err, o.Summary)
	}
	if got := content(t, r.to); len(got) != 1 || len(got[unfinishedName("cutover-1/copy", "large")]) < 2<<20 {
		t.Errorf("%d files on new", len(got))
	}
	o = r.do(t)
	if !o.OK || len(o.Facts["resumed_bytes"]) < len("2097152") {
		t.Errorf("%s %v", o.Summary, o.Facts)
	}
	same(t, "files on new", files, content(t, r.to))
}

// TestOrderOfACopy: files are copied side by side; what sets them in motion comes when all of them are there, receipts last.
func TestOrderOfACopy(t *testing.T) {
	t.Parallel()
	old, new := serveSFTP(t), serveSFTP(t)
	r := newRoute(t, old, new)
	r.step.CopyBody.Parallel = 4
	files, data := map[string]string{}, []string{}
	for i := range 8 {
		name := fmt.Sprintf("f%d.xml", i)
		data = append(data, name)
		files[name], files[name+".trigger"], files[name+".sftpreceipt"] = big(100<<10), "go", "got it"
	}
	files["a.sftpreceipt"] = "of a file that is not here"
	put(t, r.from, files)
	old.onRead = func(name string) {
		want := data
		switch {
		case strings.HasSuffix(name, ".sftpreceipt"):
			want = nil
			for _, d := range data {
				want = append(want, d, d+".trigger")
			}
		case !strings.HasSuffix(name, ".trigger"):
			return
		}
		for _, w := range want {
			if _, err := os.Stat(filepath.Join(r.to, w)); err != nil {
				t.Errorf("%s was read before %s had its name", name, w)
			}
		}
	}
	var mu sync.Mutex
	most := 0
	new.corrupt = func(string, int64, []byte) {
		mu.Lock()
		defer mu.Unlock()
		parts, _ := filepath.Glob(filepath.Join(r.to, ".skift-*.part"))
		most = max(most, len(parts))
	}
	if o := r.do(t); !o.OK {
		t.Fatal(o.Summary)
	}
	same(t, "files on new", files, content(t, r.to))
	if most < 2 || most > 4 {
		t.Errorf("%d files were copied at once, want 2 to 4", most)
	}
}

// TestProgressOfACopy: it only grows, and ends where the copy ends.
func TestProgressOfACopy(t *testing.T) {
	t.Parallel()
	old, new := serveSFTP(t), serveSFTP(t)
	r := newRoute(t, old, new)
	r.step.CopyBody.Parallel = 3
	put(t, r.from, map[string]string{"a": big(90 << 10), "b": big(70 << 10), "c": "", "d": "there"})
	put(t, r.to, map[string]string{"d": "there"})
	var told []Progress
	req := r.request()
	req.Progress = func(p Progress) { told = append(told, p) }
	if o, err := r.a.Do(t.Context(), req); err != nil || !o.OK {
		t.Fatal(err, o.Summary)
	}
	want := Progress{Files: 4, FilesDone: 4, Bytes: 160<<10 + 5, BytesDone: 160<<10 + 5}
	if len(told) < 4 || told[0] != (Progress{Files: 4, Bytes: want.Bytes}) || told[len(told)-1] != want {
		t.Errorf("%d times, first %+v, last %+v", len(told), told[0], told[len(told)-1])
	}
	if !slices.IsSortedFunc(told, func(x, y Progress) int { return int(x.BytesDone-y.BytesDone) + x.FilesDone - y.FilesDone }) {
		t.Error("it went back")
	}
}

// TestLook: a file that is waited for, here and on a server.
func TestLook(t *testing.T) {
	t.Parallel()
	old, new := serveSFTP(t), serveSFTP(t)
	r := newRoute(t, old, new)
	plan := r.a.cfg.PlanDir
	if err := errors.Join(os.Mkdir(filepath.Join(plan, "in"), 0o700), os.Symlink("/etc/passwd", filepath.Join(plan, "in", "out"))); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(plan, "in"), map[string]string{"here": "12345"})
	put(t, new.dir, map[string]string{"there": "123"})
	new.readOnce = true // who opens it, or asks for more than its size, takes it away
	on := r.step.CopyBody.To
	for name, want := range map[string]string{"in/here": "5 true", "in/none": "is not there", "in": "is there and is no file", "in/out": "could not be looked at"} {
		r.step.Kind, r.step.WaitBody.File, r.step.WaitBody.On = "wait", name, nil
		if o := r.do(t); o.Uncertain || !strings.Contains(o.Summary+fmt.Sprint(" ", o.Facts["size"], " ", o.OK), want) {
			t.Errorf("%s: %+v", name, o)
		}
	}
	for name, want := range map[string]string{"there": "3 true", "none": "none on new sftp is not there"} {
		r.step.WaitBody.File, r.step.WaitBody.On = name, &on
		if o := r.do(t); o.Uncertain || !strings.Contains(o.Summary+fmt.Sprint(" ", o.Facts["size"], " ", o.OK), want) {
			t.Errorf("%s: %+v", name, o)
		}
	}
	if opened := new.opened(); len(opened) != 0 {
		t.Errorf("opened %q", opened)
	}
	new.cut()
	r.addrs["new"] = "127.0.0.1:1"
	if o := r.do(t); o.OK || o.Uncertain || !strings.Contains(o.Summary, "the connection is refused") {
		t.Errorf("%+v", o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.a.Do(ctx, r.request()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
