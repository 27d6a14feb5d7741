package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"skift/internal/register"
)

// TestJobTablesAreRepaired: where the tables of River are missing or others, they are made anew when the directory is owned, after a copy; the
// journal is as it was, and reading it never needed them.
func TestJobTablesAreRepaired(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{
		"a table is missing":    "DROP TABLE river_job",
		"all are missing":       "DROP TABLE river_job; DROP TABLE river_leader; DROP TABLE river_queue; DROP TABLE river_notification; DROP TABLE river_migration",
		"a column is missing":   "ALTER TABLE river_job RENAME COLUMN queue TO line",
		"of another version":    "DELETE FROM river_migration WHERE version = 8",
		"one is something else": "DROP TABLE river_queue; CREATE VIEW river_queue AS SELECT 1 AS n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s, err := Open(t.Context(), Options{Dir: dir, Plan: "weekend"})
			if err != nil {
				t.Fatal(err)
			}
			c, err := s.Commit(t.Context(), batch(3, 10))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Guest().Exec(damage); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			r, err := Open(t.Context(), Options{Dir: dir, ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			if report, err := r.Verify(t.Context(), &c.Head); err != nil || !report.OK() {
				t.Errorf("verify: %s, %v", report, err)
			}
			r.Close()
			s = openTest(t, Options{Dir: dir})
			if got := dump(t, s.db.(*sqliteDB).read); got != string(golden(t)) {
				t.Errorf("the schema is\n%s", got)
			}
			if report, err := s.Verify(t.Context(), &c.Head); err != nil || !report.OK() {
				t.Errorf("verify: %s, %v", report, err)
			}
			if found, _ := filepath.Glob(filepath.Join(dir, "skift-schema5-*.db")); len(found) != 1 {
				t.Errorf("copies: %v", found)
			}
		})
	}
}

func golden(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("schema.golden.sql")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOlderProgram: a program without jobs refuses a database that has them.
func TestOlderProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir, Plan: "weekend"})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	for _, readOnly := range []bool{true, false} {
		_, err := Open(t.Context(), Options{Dir: dir, Plan: "weekend", ReadOnly: readOnly, files: upTo(t, "00003")})
		if !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), "has schema 5, this program knows up to 3") {
			t.Errorf("read only %v: %v", readOnly, err)
		}
	}
}

// TestGuest: the guest's transactions and the store's commits take turns, and nobody meets a lock.
func TestGuest(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	guest := s.Guest()
	if _, err := guest.Exec("CREATE TABLE n (n BIGINT NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	const each = 50
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range each {
				if _, err := s.Commit(t.Context(), batch(1, 10)); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for i := range each {
				tx, err := guest.BeginTx(t.Context(), nil)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := tx.Exec("INSERT INTO n (n) VALUES (?)", i); err != nil {
					t.Error(err)
				}
				if i%5 == 0 {
					tx.Rollback()
				} else if err := tx.Commit(); err != nil {
					t.Error(err)
				}
				var n int
				if err := guest.QueryRow("SELECT count(*) FROM n").Scan(&n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var n int
	if err := guest.QueryRow("SELECT count(*) FROM n").Scan(&n); err != nil || n != 4*each*4/5 {
		t.Errorf("%d rows, %v", n, err)
	}
	head, err := s.Head(t.Context())
	if err != nil || head.Size != 4*each {
		t.Errorf("head %s, %v", head, err)
	}
}

// refuses puts nothing.
type refuses struct{ why error }

func (r refuses) Put(Tx, []register.Job) error { return r.why }

func (refuses) Stored([]register.Job) {}

// TestNoRowWithoutItsJob: where the job cannot be put, the row is not stored either.
func TestNoRowWithoutItsJob(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	s.Carry(refuses{context.DeadlineExceeded})
	b := batch(2, 10)
	b.Jobs = []register.Job{{Schedule: "milestone/m"}}
	if _, err := s.Commit(t.Context(), b); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("committed: %v", err)
	}
	if head, err := s.Head(t.Context()); err != nil || head.Size != 0 {
		t.Errorf("head %s, %v", head, err)
	}
}
