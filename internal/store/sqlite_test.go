package store

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"skift/internal/journal"
	"skift/internal/register"
)

var update = flag.Bool("update", false, "write the golden files")

func openTest(t *testing.T, o Options) *Store {
	t.Helper()
	if o.Plan = "weekend"; o.Dir == "" {
		o.Dir = t.TempDir()
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func batch(n, bodyBytes int) register.Batch {
	var b register.Batch
	for i := range n {
		b.Events = append(b.Events, journal.Event{At: time.Unix(int64(i), 0), Kind: "note", Body: []byte(`"` + strings.Repeat("x", bodyBytes) + `"`)})
	}
	return b
}

// TestFull fills the database at every size: each commit is wholly there or
// reported, and it works again once there is space.
func TestFull(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for spare := range 12 {
		s := openTest(t, Options{})
		limit := func(pages int) {
			t.Helper()
			if _, err := s.db.(*sqliteDB).conn.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
				t.Fatal(err)
			}
		}
		var pages int
		if err := s.db.(*sqliteDB).conn.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
			t.Fatal(err)
		}
		limit(pages + spare)
		var held journal.Head
		for {
			c, err := s.Commit(ctx, batch(2, 3000))
			if err == nil {
				held = c.Head
				continue
			}
			if !errors.Is(err, ErrFull) || !errors.Is(err, ErrStorage) {
				t.Fatalf("error %v, want %v", err, ErrFull)
			}
			break
		}
		if now, err := s.Head(ctx); err != nil || now.Size != held.Size {
			t.Errorf("%d events, acknowledged are %d; %v", now.Size, held.Size, err)
		}
		limit(1 << 20)
		if c, err := s.Commit(ctx, batch(2, 3000)); err != nil || c.Head.Size != held.Size+2 {
			t.Errorf("with space again: %s, %v", c.Head, err)
		}
		if held.Plan == "" {
			continue
		}
		if report, err := s.Verify(ctx, &held); err != nil || !report.OK() {
			t.Errorf("%s, %v", report, err)
		}
	}
}

// TestBroken: after a failure that is not mere lack of space nothing is begun.
func TestBroken(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	failed := fmt.Errorf("%w: disk I/O error", ErrStorage)
	if err := s.db.Write(t.Context(), func(Tx) error { return failed }); err != failed {
		t.Fatal(err)
	}
	err := s.db.Write(t.Context(), func(Tx) error { t.Error("went on"); return nil })
	if err != failed {
		t.Errorf("error %v", err)
	}
	if _, err := s.Commit(t.Context(), batch(1, 1)); !errors.Is(err, ErrStorage) {
		t.Errorf("commit: %v", err)
	}
	if _, err := s.Head(t.Context()); err != nil {
		t.Errorf("reading: %v", err)
	}
}

func TestReadCannotWrite(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	err := s.db.Read(t.Context(), func(tx Tx) error {
		_, err := tx.Exec("UPDATE head SET size = 7")
		return err
	})
	if err == nil {
		t.Error("a reader wrote")
	}
	ctx, cancel := context.WithCancel(t.Context())
	for range 2 * readers { // a cancelled reader leaves its connection usable
		err = s.db.Read(ctx, func(tx Tx) error {
			cancel()
			return tx.QueryRow("SELECT size FROM head").Scan(new(int64))
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if _, err := s.Head(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel = context.WithCancel(t.Context())
	}
	cancel()
}

// TestPanicRollsBack: the connection is usable after a function that panicked.
func TestPanicRollsBack(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	func() {
		defer func() { recover() }()
		s.db.Write(t.Context(), func(tx Tx) error {
			tx.Exec("UPDATE head SET size = 7")
			panic("bug")
		})
	}()
	if c, err := s.Commit(t.Context(), batch(1, 1)); err != nil || c.Head.Size != 1 {
		t.Errorf("%s, %v", c.Head, err)
	}
}

// TestPanicWhileOthersWait: who waits for a commit in which somebody else panicked is told, and the next one can lead.
func TestPanicWhileOthersWait(t *testing.T) {
	t.Parallel()
	bad := int64(0)
	s := openTest(t, Options{BeforeCommit: func(n int64) {
		if n == bad {
			panic("bug")
		}
	}})
	s.leader <- struct{}{}
	answers := make(chan error, 2)
	for range 2 {
		go func() {
			defer func() {
				if p := recover(); p != nil {
					answers <- fmt.Errorf("panicked: %v", p)
				}
			}()
			_, err := s.Commit(t.Context(), batch(1, 1))
			answers <- err
		}()
	}
	for waiting := 0; waiting < 2; runtime.Gosched() {
		s.mu.Lock()
		waiting = len(s.waiting)
		s.mu.Unlock()
	}
	bad = s.db.(*sqliteDB).count.Load() + 1
	<-s.leader
	panicked, told := 0, 0
	for range 2 {
		switch err := <-answers; {
		case errors.Is(err, ErrStorage):
			told++
		case err != nil && err.Error() == "panicked: bug":
			panicked++
		}
	}
	if panicked != 1 || told != 1 {
		t.Errorf("%d panicked, %d were told", panicked, told)
	}
	if c, err := s.Commit(t.Context(), batch(1, 1)); err != nil || c.Head.Size != 1 {
		t.Errorf("afterwards: %s, %v", c.Head, err)
	}
}

func TestPragmas(t *testing.T) {
	t.Parallel()
	d := openTest(t, Options{}).db.(*sqliteDB)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
		var got string
		if err := d.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s; %v", pragma, got, want, err)
		}
	}
}

func TestGroupCommit(t *testing.T) {
	t.Parallel()
	commits := 0
	s := openTest(t, Options{AfterCommit: func(int64) { commits++ }})
	// While somebody leads, others gather; the next leader takes them all.
	s.leader <- struct{}{}
	const n = 40
	done := make(chan error)
	for i := range n {
		go func() {
			b := batch(1, 1)
			if i%4 == 0 {
				b.Slots = []register.Slot{{Schedule: "s", At: time.Unix(1, 0), State: register.SlotClaimed}}
			}
			_, err := s.Commit(t.Context(), b)
			done <- err
		}()
	}
	for waiting := 0; waiting < n; {
		s.mu.Lock()
		waiting = len(s.waiting)
		s.mu.Unlock()
	}
	before := commits
	<-s.leader
	refused := 0
	for range n {
		if err := <-done; errors.Is(err, ErrSlotTaken) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if commits != before+1 || refused != n/4-1 {
		t.Errorf("%d transactions for %d commits, %d refused", commits-before, n, refused)
	}
	if h, err := s.Head(t.Context()); err != nil || h.Size != n-n/4+1 {
		t.Errorf("head %s, %v", h, err)
	}
	// A context that ends while nobody has begun takes the batch back.
	s.leader <- struct{}{}
	why := errors.New("shutdown")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { _, err := s.Commit(ctx, batch(1, 1)); done <- err }()
	cancel(why)
	if err := <-done; err != why || len(s.waiting) > 0 {
		t.Errorf("error %v, waiting %d", err, len(s.waiting))
	}
	<-s.leader
}

func TestHooksCount(t *testing.T) {
	t.Parallel()
	var got []string
	s := openTest(t, Options{
		BeforeCommit: func(n int64) { got = append(got, fmt.Sprint("before ", n)) },
		AfterCommit:  func(n int64) { got = append(got, fmt.Sprint("after ", n)) },
	})
	s.Commit(t.Context(), batch(1, 1))
	s.Commit(t.Context(), register.Batch{SlotMoves: []register.SlotMove{{Schedule: "s", From: register.SlotClaimed, To: register.SlotDone, FinishedAt: time.Unix(1, 0)}}}) // refused
	s.Commit(t.Context(), batch(1, 1))
	if want := "before 1,after 1,before 2,after 2,before 3,after 3"; strings.Join(got, ",") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestAtLeast(t *testing.T) {
	t.Parallel()
	for have, want := range map[string]bool{"3.51.3": true, "3.51.10": true, "3.53.0": true, "4.0.0": true,
		"3.51.2": false, "3.6.4": false, "3.51": false, "": false, "3.x.9": false} {
		if atLeast(have, minSQLite) != want {
			t.Errorf("%q: %v", have, !want)
		}
	}
}

func TestCheckFS(t *testing.T) {
	t.Parallel()
	if err := checkFS(t.TempDir()); err != nil {
		t.Error(err)
	}
	if err := checkFS(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a directory that is not there is fit")
	}
}

func dump(t *testing.T, db *sql.DB) string {
	t.Helper()
	rows, err := db.Query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name NOT LIKE 'goose%' AND tbl_name NOT LIKE 'sqlite%' ORDER BY tbl_name, type DESC, name")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		b.WriteString(text + ";\n\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestSchemaGolden(t *testing.T) {
	t.Parallel()
	got := dump(t, openTest(t, Options{}).db.(*sqliteDB).read)
	const golden = "schema.golden.sql"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the migrations make another schema than %s; run with -update and look at the difference\n%s", golden, got)
	}
}

// TestMigrate: an older database is copied, then migrated, and keeps its journal.
func TestMigrate(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	s, err := Open(ctx, Options{Dir: dir, Plan: "weekend"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Commit(ctx, batch(3, 10))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	copies := func() []string {
		found, err := filepath.Glob(filepath.Join(dir, "skift-schema*-*.db"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if len(copies()) > 0 {
		t.Error("a new database was copied")
	}
	ours, err := schemaVersion(migrations())
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"09999_more.sql": {Data: []byte("-- +goose Up\nCREATE TABLE more (n BIGINT NOT NULL);\n")}}
	names, err := fs.Glob(migrations(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	if _, err := Open(ctx, Options{Dir: dir, ReadOnly: true, files: files}); !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), fmt.Sprintf("has schema %d, this program needs 9999", ours)) {
		t.Errorf("reading an older schema: %v", err)
	}
	for range 2 { // the second time there is nothing to do
		s, err = Open(ctx, Options{Dir: dir, Plan: "weekend", files: files})
		if err != nil {
			t.Fatal(err)
		}
		if report, err := s.Verify(ctx, &c.Head); err != nil || !report.OK() {
			t.Errorf("after migrating: %s, %v", report, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	found := copies()
	if len(found) != 1 {
		t.Fatalf("copies: %v", found)
	}
	if info, err := os.Stat(found[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("copy: %v, %v", info, err)
	}
	// The program of before refuses what is newer, and opens the copy.
	if _, err := Open(ctx, Options{Dir: dir, Plan: "weekend"}); !errors.Is(err, ErrSchema) {
		t.Errorf("the older program: %v", err)
	}
	back := t.TempDir()
	if err := os.Rename(found[0], filepath.Join(back, FileName)); err != nil {
		t.Fatal(err)
	}
	old := openTest(t, Options{Dir: back, Moved: true})
	if report, err := old.Verify(ctx, &c.Head); err != nil || !report.OK() {
		t.Errorf("the copy: %s, %v", report, err)
	}
}
