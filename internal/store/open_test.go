package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"skift/internal/register"
	"skift/internal/store"
	"skift/internal/storetest"
)

// openErr opens and expects to be refused.
func openErr(t *testing.T, o store.Options, want error) error {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err == nil {
		s.Close()
	}
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
	return err
}

func TestModes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "data dir ?#%41'é")
	s := storetest.Open(t, store.Options{Dir: dir, Plan: storetest.Plan})
	storetest.Must(t, s, register.Batch{Events: storetest.Events(1)})
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		} else {
			names = append(names, d.Name())
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	if want := []string{"lock", "skift.db", "skift.db-shm", "skift.db-wal"}; !slices.Equal(names, want) {
		t.Errorf("files %v, want %v", names, want)
	}
	if entries, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(entries) != 1 {
		t.Errorf("beside the data directory: %v, %v", entries, err)
	}
}

func TestHeld(t *testing.T) {
	t.Parallel()
	o := store.Options{Dir: t.TempDir(), Plan: storetest.Plan, Socket: "/run/x.sock"}
	before := time.Now().Add(-time.Second)
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	err = openErr(t, store.Options{Dir: o.Dir, Plan: storetest.Plan}, store.ErrHeld)
	var held *store.HeldError
	if !errors.As(err, &held) || held.PID != os.Getpid() || held.Socket != o.Socket || held.Since.Before(before) {
		t.Errorf("held %+v", held)
	}
	want := fmt.Sprintf("data directory %s is held by process %d since ", o.Dir, os.Getpid())
	if !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%q does not begin with %q", err, want)
	}

	// Reading needs no lock, and sees what is committed.
	r := storetest.Open(t, store.Options{Dir: o.Dir, ReadOnly: true})
	c := storetest.Must(t, s, register.Batch{Events: storetest.Events(2)})
	if h, err := r.Head(t.Context()); err != nil || h != c.Head || r.Plan() != storetest.Plan {
		t.Errorf("read head %s of %s, %v", h, r.Plan(), err)
	}
	if _, err := r.Commit(t.Context(), register.Batch{Events: storetest.Events(1)}); err == nil || !strings.Contains(err.Error(), "reading only") {
		t.Errorf("a reader committed: %v", err)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	if _, err := s.Commit(t.Context(), register.Batch{}); err == nil || !strings.Contains(err.Error(), "the journal is closed") {
		t.Errorf("committed after closing: %v", err)
	}
	if _, err := s.Head(t.Context()); err == nil {
		t.Error("read after closing")
	}
	if b, err := os.ReadFile(filepath.Join(o.Dir, "lock")); err != nil || len(b) > 0 {
		t.Errorf("the lock still names its holder: %q, %v", b, err)
	}
	storetest.Open(t, o)
}

// TestFenced: an owner whose lock was taken from under it writes nothing more.
func TestFenced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := storetest.Open(t, store.Options{Dir: dir, Plan: storetest.Plan})
	storetest.Must(t, first, register.Batch{Messages: []register.Message{storetest.Message("m1")}})
	if err := os.Remove(filepath.Join(dir, "lock")); err != nil {
		t.Fatal(err)
	}
	second := storetest.Open(t, store.Options{Dir: dir, Plan: storetest.Plan})
	before, err := second.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]register.Batch{
		"events": {Events: storetest.Events(1)},
		"slot":   {Slots: []register.Slot{storetest.Slot(1)}},
		"move":   {MessageMoves: []register.MessageMove{{ID: "m1", From: register.MessageQueued, To: register.MessageSending, At: storetest.Epoch}}},
		"sweep":  {Observations: storetest.Results(1)},
	} {
		if _, err := first.Commit(t.Context(), b); !errors.Is(err, store.ErrFenced) {
			t.Errorf("%s: error %v, want %v", name, err, store.ErrFenced)
		}
	}
	if now, err := second.Head(t.Context()); err != nil || now != before {
		t.Errorf("head went from %s to %s, %v", before, now, err)
	}
	storetest.Must(t, second, register.Batch{Events: storetest.Events(1),
		MessageMoves: []register.MessageMove{{ID: "m1", From: register.MessageQueued, To: register.MessageSending, At: storetest.Epoch}}})
}

func TestRefusedDirectories(t *testing.T) {
	t.Parallel()
	dir, _, _ := written(t)
	empty := filepath.Join(t.TempDir(), "none")

	openErr(t, store.Options{Dir: empty, ReadOnly: true}, store.ErrNone)
	if _, err := os.Stat(empty); !errors.Is(err, fs.ErrNotExist) {
		t.Error("reading made the directory")
	}
	err := openErr(t, store.Options{Dir: dir, Plan: "other"}, store.ErrOtherPlan)
	if !strings.Contains(err.Error(), `it is that of "weekend", not of "other"`) {
		t.Error(err)
	}
	openErr(t, store.Options{Dir: dir, Plan: "other", ReadOnly: true}, store.ErrOtherPlan)
	if _, err := store.Open(t.Context(), store.Options{Dir: dir}); err == nil {
		t.Error("owned without a plan")
	}

	shorter := copyDB(t, dir)
	raw(t, shorter, "DELETE FROM event WHERE seq > 8")
	err = openErr(t, store.Options{Dir: shorter, Plan: storetest.Plan}, store.ErrStorage)
	if !strings.Contains(err.Error(), "the journal ends with event 8, but says it has 11") {
		t.Error(err)
	}

	newer := copyDB(t, dir)
	raw(t, newer, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9001, 1)")
	for _, readOnly := range []bool{true, false} {
		err := openErr(t, store.Options{Dir: newer, Plan: storetest.Plan, ReadOnly: readOnly}, store.ErrSchema)
		if !strings.Contains(err.Error(), "has schema 9001, this program knows up to ") || !strings.Contains(err.Error(), "use the newer program") {
			t.Error(err)
		}
	}
}

// TestMovedHost: a copy on another host can be read, but owned only by someone
// who says that the first one will not act again.
func TestMovedHost(t *testing.T) {
	t.Parallel()
	if b, err := os.ReadFile("/etc/machine-id"); err != nil || len(strings.TrimSpace(string(b))) == 0 {
		t.Skip("this host has no machine id")
	}
	dir, _, late := written(t)
	raw(t, dir, "UPDATE head SET host = 'another'")
	o := store.Options{Dir: dir, Plan: storetest.Plan}
	err := openErr(t, o, store.ErrUnfit)
	if !strings.Contains(err.Error(), "last owned on another host") {
		t.Error(err)
	}
	if ok, said := verify(dir, &late); !ok {
		t.Error(said)
	}
	o.Moved = true
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	o.Moved = false
	storetest.Open(t, o)
}

// TestBusy: another program keeps the database locked for longer than we wait.
func TestBusy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := storetest.Open(t, store.Options{Dir: dir, Plan: storetest.Plan})
	other, err := sql.Open("sqlite", filepath.Join(dir, "skift.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_, err = s.Commit(t.Context(), register.Batch{Events: storetest.Events(1)})
	if took := time.Since(start); !errors.Is(err, store.ErrBusy) || errors.Is(err, store.ErrStorage) || took > 15*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if c := storetest.Must(t, s, register.Batch{Events: storetest.Events(1)}); c.Head.Size != 1 {
		t.Errorf("head %s: something of the refused batch is there", c.Head)
	}
}

// TestUnborn: a data directory whose first owner died before it had made anything holds no journal, and the next owner makes it.
func TestUnborn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "skift.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	openErr(t, store.Options{Dir: dir, ReadOnly: true}, store.ErrNone)
	storetest.Open(t, store.Options{Dir: dir, Plan: storetest.Plan})
}

// TestRemovedWhileInUse: nothing is acknowledged that goes into a file which is no longer there for the next process.
func TestRemovedWhileInUse(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(dir string) error{
		"directory removed": os.RemoveAll,
		"directory moved":   func(dir string) error { return os.Rename(dir, dir+"-moved") },
		"file replaced": func(dir string) error {
			other := copyDB(t, dir)
			return os.Rename(filepath.Join(other, "skift.db"), filepath.Join(dir, "skift.db"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			s := storetest.Open(t, store.Options{Dir: dir, Plan: storetest.Plan})
			storetest.Must(t, s, register.Batch{Events: storetest.Events(1)})
			if err := remove(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Commit(t.Context(), register.Batch{Events: storetest.Events(1)}); !errors.Is(err, store.ErrStorage) {
				t.Errorf("error %v, want %v", err, store.ErrStorage)
			}
		})
	}
}
