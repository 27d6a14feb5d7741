package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/store"
	"skift/internal/storetest"
)

func owned(t *testing.T, o store.Options) {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCopiedOnThisHost: a copy of the file is not gone on with unseen, a file that was only renamed is.
func TestCopiedOnThisHost(t *testing.T) {
	t.Parallel()
	dir, _, _ := written(t)
	copied := copyDB(t, dir)
	o := store.Options{Dir: copied, Plan: storetest.Plan}
	if err := openErr(t, o, store.ErrStranger); !strings.Contains(err.Error(), "it is a copy of the file that was last owned on this host") || !errors.Is(err, store.ErrUnfit) {
		t.Error(err)
	}
	renamed := filepath.Join(t.TempDir(), "renamed")
	if err := os.Rename(dir, renamed); err != nil {
		t.Fatal(err)
	}
	owned(t, store.Options{Dir: renamed, Plan: storetest.Plan})
	o.Moved = true
	owned(t, o)
	o.Moved = false
	owned(t, o)
}

// TestArrival: whoever takes a copy over says so in the journal, in the very transaction; where there is nothing to take over, nothing is written.
func TestArrival(t *testing.T) {
	t.Parallel()
	dir, _, late := written(t)
	told := ""
	o := store.Options{Dir: dir, Plan: storetest.Plan, Moved: true, Arrival: func(why string) journal.Event {
		told = why
		return journal.Event{Plan: storetest.Plan, At: time.Unix(1, 0), Kind: "data.taken-over"}
	}}
	openErr(t, o, store.ErrOurs)
	if ok, said := verify(dir, &late); !ok || told != "" {
		t.Fatal(said, told)
	}
	o.Dir = copyDB(t, dir)
	s := storetest.Open(t, o)
	var last journal.Event
	if err := s.Events(t.Context(), 0, func(e journal.Event) error { last = e; return nil }); err != nil {
		t.Fatal(err)
	}
	if last.Seq != late.Size+1 || last.Kind != "data.taken-over" || !strings.Contains(told, "it is a copy") {
		t.Errorf("%+v, %q", last, told)
	}
	if r, err := s.Verify(t.Context(), &late); err != nil || !r.OK() {
		t.Error(r, err)
	}
}

// TestRestoredAndGivenUp: a restored copy is owned only by someone who takes it over, and the one that was given up for it no more.
func TestRestoredAndGivenUp(t *testing.T) {
	t.Parallel()
	dir, _, late := written(t)
	stands := func(dir string) store.Stands {
		t.Helper()
		s, err := store.Open(t.Context(), store.Options{Dir: dir, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		st, err := s.Stands(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	first := stands(dir)
	if first.Foreign != "" || first.Here.Dir != dir || !first.Here.SameFile() {
		t.Errorf("%+v", first)
	}
	back := copyDB(t, dir)
	if err := store.MarkRestored(t.Context(), back, storetest.Plan, first.Here); err != nil {
		t.Fatal(err)
	}
	if got := stands(back); got.Origin != first.Here || !strings.Contains(got.Foreign, "restored from a backup") || !got.Origin.SameFile() {
		t.Errorf("%+v", got)
	}
	o := store.Options{Dir: back, Plan: storetest.Plan}
	openErr(t, o, store.ErrStranger)
	o.Moved = true
	owned(t, o)
	if err := store.GiveUp(t.Context(), dir, storetest.Plan, "for "+back); err != nil {
		t.Fatal(err)
	}
	if err := openErr(t, store.Options{Dir: dir, Plan: storetest.Plan}, store.ErrStranger); !strings.Contains(err.Error(), "given up for a copy, which goes on instead: for "+back) {
		t.Error(err)
	}
	for _, d := range []string{dir, back} {
		if ok, said := verify(d, &late); !ok {
			t.Error(said)
		}
	}
	// One that somebody owns is not given up behind his back.
	o.Moved = false
	s := storetest.Open(t, o)
	if err := store.GiveUp(t.Context(), back, storetest.Plan, "x"); !errors.Is(err, store.ErrHeld) {
		t.Error(err)
	}
	storetest.Must(t, s, register.Batch{Events: storetest.Events(1)})
}

// TestCopyWhileOwned: a copy is made while the owner writes, and is a whole journal of some moment.
func TestCopyWhileOwned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := storetest.Open(t, store.Options{Dir: dir, Plan: storetest.Plan})
	storetest.Must(t, s, register.Batch{Events: storetest.Events(3)})
	ctx, stop := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		for ctx.Err() == nil {
			if _, err := s.Commit(t.Context(), register.Batch{Events: storetest.Events(1)}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	r, err := store.Open(t.Context(), store.Options{Dir: dir, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 5 {
		to := t.TempDir()
		head, err := r.Copy(t.Context(), to)
		if err != nil {
			t.Fatal(err)
		}
		if ok, said := verify(to, &head); !ok || head.Size < 3 {
			t.Error(said)
		}
		if st, err := os.Stat(filepath.Join(to, "skift.db")); err != nil || st.Mode().Perm() != 0o600 {
			t.Error(st.Mode(), err)
		}
	}
	stop()
	writer.Wait()
	if _, err := r.Copy(t.Context(), filepath.Join(dir, "nowhere")); err == nil {
		t.Error("copied into nowhere")
	}
}

// TestCheck finds a changed decision and a damaged file.
func TestCheck(t *testing.T) {
	t.Parallel()
	dir, _, late := written(t)
	if head, err := store.Check(t.Context(), dir, &late); err != nil || head != late {
		t.Fatal(head, err)
	}
	later := late
	later.Size++
	if _, err := store.Check(t.Context(), dir, &later); !errors.Is(err, store.ErrStorage) || !strings.Contains(err.Error(), "rolled back") {
		t.Error(err)
	}
	changed := copyDB(t, dir)
	raw(t, changed, "UPDATE event SET kind = 'gate.decided' WHERE seq = 4")
	if _, err := store.Check(t.Context(), changed, nil); !errors.Is(err, store.ErrStorage) || !strings.Contains(err.Error(), "event 4 (gate.decided") {
		t.Error(err)
	}
	// An index that lacks a row is something only the database can tell.
	hollow := copyDB(t, dir)
	raw(t, hollow, "PRAGMA writable_schema = ON", "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'outbox_open') WHERE name = 'observation_latest'")
	if _, err := store.Check(t.Context(), hollow, nil); !errors.Is(err, store.ErrStorage) {
		t.Error(err)
	}
}
