package app_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"skift/internal/app"
	"skift/internal/journal"
	"skift/internal/runner"
	"skift/internal/store"
)

// wrote is a data directory in use with three events and a file, and a backup of it that was made meanwhile.
func wrote(t *testing.T) (s *small, file string, b app.Backup) {
	t.Helper()
	s = newSmall(t, nil, "")
	for _, text := range []string{"one", "two", "three"} {
		s.do(t, runner.Command{Do: runner.DoLog, Reason: text})
	}
	for name, text := range map[string]string{"evidence/abc-note.txt": "seen", "output/.new-half": "half", "stray": "x"} {
		path := filepath.Join(s.Data(), filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, b, err := app.MakeBackup(t.Context(), s.Data(), filepath.Join(t.TempDir(), "b"), time.Date(2019, 11, 9, 2, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return s, file, b
}

// empty fails when anything is left in the folder.
func empty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("%s is left behind", e.Name())
	}
}

// TestBackup: what was backed up while somebody worked comes back whole, and does nothing before it is taken over; then the first one
// acts no more.
func TestBackup(t *testing.T) {
	s, file, b := wrote(t)
	if b.Head != s.Head() || b.Head.Size != 3 {
		t.Fatalf("%s, want %s", b.Head, s.Head())
	}
	var names []string
	for _, f := range b.Files {
		names = append(names, f.Name)
	}
	if len(names) != 3 || names[0] != "skift.db" || names[1] != "evidence/abc-note.txt" || !strings.HasPrefix(names[2], "revisions/") {
		t.Errorf("%q", names)
	}
	s.do(t, runner.Command{Do: runner.DoLog, Reason: "four"}) // only the original has it

	back := filepath.Join(t.TempDir(), "back")
	early := b.Head
	if got, err := app.Restore(t.Context(), file, back, &early); err != nil || got.Head != b.Head {
		t.Fatal(got, err)
	}
	if data, err := os.ReadFile(filepath.Join(back, "evidence", "abc-note.txt")); err != nil || string(data) != "seen" {
		t.Errorf("%q, %v", data, err)
	}
	open := func(data string) error {
		a, err := app.Open(t.Context(), app.Options{PlanDir: s.dir, DataDir: data, Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			err = a.Close()
		}
		return err
	}
	if err := open(back); !errors.Is(err, store.ErrStranger) {
		t.Fatalf("a restored copy acts: %v", err)
	}

	why := app.TakingOver{Reason: "the host burnt down; 010203-1234 called", As: "customer/manager", Via: journal.ViaPhone, EnteredBy: "uid-7"}
	if _, err := app.TakeOver(t.Context(), s.Plan(), back, why); !errors.Is(err, store.ErrHeld) {
		t.Fatalf("taken over while the original is at work: %v", err)
	}
	if err := open(back); !errors.Is(err, store.ErrStranger) {
		t.Fatal(err)
	}
	if err := s.App.Close(); err != nil {
		t.Fatal(err)
	}
	wrong := why
	wrong.As = "customer/manger"
	var refusal *runner.Refusal
	if _, err := app.TakeOver(t.Context(), s.Plan(), back, wrong); !errors.As(err, &refusal) || refusal.Hints[0] != `did you mean "customer/manager"?` {
		t.Fatal(err)
	}
	out, err := app.TakeOver(t.Context(), s.Plan(), back, why)
	if err != nil || out.GivenUp != s.Data() || out.Lost != 1 || out.Head.Size != 4 {
		t.Fatalf("%+v, %v", out, err)
	}
	if err := open(back); err != nil {
		t.Error(err)
	}
	if err := open(s.Data()); !errors.Is(err, store.ErrStranger) || !strings.Contains(err.Error(), "given up for a copy, which goes on instead: "+back) {
		t.Errorf("the one that came back acts: %v", err)
	}
	if _, err := app.TakeOver(t.Context(), s.Plan(), back, why); !errors.Is(err, store.ErrOurs) {
		t.Error(err)
	}
	last := lastEvent(t, back)
	if last.Kind != "data.taken-over" || last.Actor.Seat != "customer/manager" || last.Actor.EnteredBy != "uid-7" || strings.Contains(string(last.Body), "1234") ||
		!strings.Contains(string(last.Body), "the host burnt down") {
		t.Errorf("%+v %s", last, last.Body)
	}
	if _, err := store.Check(t.Context(), back, &early); err != nil {
		t.Error(err)
	}
}

func lastEvent(t *testing.T, data string) (last journal.Event) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{Dir: data, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := st.Events(t.Context(), 0, func(e journal.Event) error { last = e; return nil }); err != nil {
		t.Fatal(err)
	}
	return last
}

// TestBackupIntoADirectory gets a name of its own.
func TestBackupIntoADirectory(t *testing.T) {
	s, _, _ := wrote(t)
	dir := t.TempDir()
	name, _, err := app.MakeBackup(t.Context(), s.Data(), dir, time.Date(2019, 11, 9, 2, 0, 0, 0, time.UTC))
	if err != nil || name != filepath.Join(dir, "skift-small-20191109T020000Z.backup") {
		t.Error(name, err)
	}
	if st, err := os.Stat(name); err != nil || st.Mode().Perm() != 0o600 {
		t.Error(st, err)
	}
}

// TestBackupOverAnother: a file that is there stays as it is, also one that comes while the backup is made, and a link to nothing.
func TestBackupOverAnother(t *testing.T) {
	s, file, _ := wrote(t)
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if name, _, err := app.MakeBackup(t.Context(), s.Data(), file, time.Now()); !errors.Is(err, app.ErrThere) || name != file {
		t.Error(name, err)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
		t.Error("the backup before it is not what it was", err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("nowhere", link); err != nil {
		t.Fatal(err)
	}
	if _, _, err := app.MakeBackup(t.Context(), s.Data(), link, time.Now()); !errors.Is(err, app.ErrThere) {
		t.Error(err)
	}
	dir, now := t.TempDir(), time.Now()
	made := make(chan error)
	for range 2 { // both begin before one of them has its name
		go func() { _, _, err := app.MakeBackup(t.Context(), s.Data(), dir, now); made <- err }()
	}
	if one, two := <-made, <-made; (one == nil) == (two == nil) || !errors.Is(errors.Join(one, two), app.ErrThere) {
		t.Errorf("of two under one name: %v, %v", one, two)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Error(entries, err)
	}
}

// What is no file is not replaced by a backup: that could be /dev/null.
func TestBackupToADevice(t *testing.T) {
	s := newSmall(t, nil, "")
	device := filepath.Join(t.TempDir(), "device")
	if err := os.Symlink(os.DevNull, device); err != nil {
		t.Fatal(err)
	}
	if _, _, err := app.MakeBackup(t.Context(), s.Data(), device, time.Now()); err == nil {
		t.Error("it was written")
	}
	if st, err := os.Stat(device); err != nil || st.Mode().IsRegular() {
		t.Errorf("where the device was lies %v, %v", st, err)
	}
}

// TestBackupThatIsBrokenOff leaves nothing: neither when somebody stops it nor when the disk is full.
func TestBackupThatIsBrokenOff(t *testing.T) {
	s, file, b := wrote(t)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	dir := t.TempDir()
	if _, _, err := app.MakeBackup(stopped, s.Data(), dir, time.Now()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := app.Restore(stopped, file, filepath.Join(dir, "back"), nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	empty(t, dir)

	whole, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []int64{4 << 10, 64 << 10, b.Size(), b.Size() + whole.Size() - 4096} {
		full := t.TempDir()
		if err := unix.Mount("tmpfs", full, "tmpfs", 0, "size="+strconv.FormatInt(room, 10)); err != nil {
			t.Skipf("no file system of a given size can be made here: %v", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(full, unix.MNT_DETACH) })
		if name, _, err := app.MakeBackup(t.Context(), s.Data(), full, time.Now()); err == nil {
			t.Errorf("%d bytes of room: %s", room, name)
		}
		empty(t, full)
	}
	full := t.TempDir()
	if err := unix.Mount("tmpfs", full, "tmpfs", 0, "size="+strconv.FormatInt(b.Size()/2, 10)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(full, unix.MNT_DETACH) })
	if _, err := app.Restore(t.Context(), file, filepath.Join(full, "back"), nil); err == nil {
		t.Error("restored without room")
	}
	empty(t, full)
}

// TestRestoreRefuses: a byte that was changed, a file that was cut off, and what was made to do harm leave nothing behind.
func TestRestoreRefuses(t *testing.T) {
	_, file, b := wrote(t)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	restore := func(data []byte, held *journal.Head) error {
		t.Helper()
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := app.Restore(t.Context(), path, filepath.Join(dir, "back"), held)
		return err
	}
	for at := range len(good) {
		if at >= 300 && at < len(good)-300 && at%max(1, len(good)/200) != 0 { // every byte where the headers are, some of the others
			continue
		}
		bad := bytes.Clone(good)
		bad[at] ^= 1 << (at % 8)
		if err := restore(bad, nil); !errors.Is(err, app.ErrDamaged) {
			t.Fatalf("byte %d changed: %v", at, err)
		}
		if err := restore(good[:at], nil); !errors.Is(err, app.ErrDamaged) {
			t.Fatalf("cut off at %d: %v", at, err)
		}
	}
	if err := restore(append(bytes.Clone(good), good...), nil); !errors.Is(err, app.ErrDamaged) {
		t.Errorf("twice: %v", err)
	}
	later := b.Head
	later.Size++
	if err := restore(good, &later); !errors.Is(err, app.ErrDamaged) || !strings.Contains(err.Error(), "rolled back") {
		t.Errorf("older than the head: %v", err)
	}
	for name, want := range map[string]string{
		"../outside": "is no name of a file", "/etc/outside": "is no name of a file", ".": "is no name of a file", "a/../b": "is no name of a file",
		"twice": "is no name of a file", "link": "stands where", "unlisted": "there is more in it", "no-journal": "there is no journal in it",
		"changed": "skift.db was changed",
	} {
		if err := restore(crafted(t, b, name), nil); !errors.Is(err, app.ErrDamaged) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	empty(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var refusal *runner.Refusal
	if _, err := app.Restore(t.Context(), file, dir, nil); !errors.As(err, &refusal) || !strings.Contains(err.Error(), "is not empty") {
		t.Error(err)
	}
}

// TestRestoreIntoAFolder: a folder that is there stays the folder it is: a mount point cannot be replaced, and a service's user may write in
// its data directory and not beside it.
func TestRestoreIntoAFolder(t *testing.T) {
	_, file, b := wrote(t)
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	later := b.Head
	later.Size++
	if _, err := app.Restore(t.Context(), file, dir, &later); err == nil {
		t.Error("restored what does not hold the head")
	}
	empty(t, dir)
	if _, err := app.Restore(t.Context(), file, dir, &b.Head); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(dir)
	if err != nil || !os.SameFile(before, after) || after.Mode() != before.Mode() {
		t.Errorf("%v is another folder than %v: %v", after, before, err)
	}
	var names []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	for _, f := range b.Files {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(f.Name))); err != nil {
			t.Error(err)
		}
	}
	if !slices.Contains(names, "skift.db") || slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, ".skift-restore") }) {
		t.Errorf("in it: %q", names)
	}
}

// crafted is a backup that was made by somebody who means harm.
func crafted(t *testing.T, b app.Backup, kind string) []byte {
	t.Helper()
	const hash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" // of "x"
	x := app.BackupFile{Name: "skift.db", Size: 1, SHA256: hash}
	b.Files = []app.BackupFile{x}
	y := x
	switch kind {
	case "twice":
		b.Files = append(b.Files, x)
	case "no-journal":
		b.Files[0].Name = "other"
	case "link", "unlisted", "changed":
	default:
		y.Name = kind
		b.Files = append(b.Files, y)
	}
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	put := func(h tar.Header, data string) {
		h.Size = int64(len(data))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	put(tar.Header{Name: "manifest.json"}, string(text))
	if kind == "link" {
		put(tar.Header{Name: "skift.db", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, "")
	} else {
		data := "x"
		if kind == "changed" {
			data = "y"
		}
		for _, f := range b.Files {
			put(tar.Header{Name: f.Name}, data)
		}
	}
	if kind == "unlisted" {
		put(tar.Header{Name: "more"}, "x")
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return sealed(out.Bytes())
}

// sealed ends what somebody made up as a backup ends, so that it is what is in it that is refused.
func sealed(packed []byte) []byte {
	out := bytes.NewBuffer(bytes.Clone(packed))
	z := gzip.NewWriter(out)
	z.Comment = fmt.Sprintf("sha256 %x", sha256.Sum256(packed))
	_ = z.Close()
	return out.Bytes()
}

// FuzzRestore: whatever is said to be a backup, nothing is made of it unless it is one.
func FuzzRestore(f *testing.F) {
	f.Add([]byte("no backup"))
	f.Add([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0})
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	_ = w.WriteHeader(&tar.Header{Name: "manifest.json", Size: 2})
	_, _ = w.Write([]byte("{}"))
	_, _ = w.Close(), z.Close()
	f.Add(out.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		file := filepath.Join(dir, "x")
		if err := os.WriteFile(file, sealed(data), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := app.Restore(t.Context(), file, filepath.Join(dir, "back"), nil); err == nil {
			t.Error("it was restored")
		}
	})
}
