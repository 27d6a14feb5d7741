package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/store"
	"skift/internal/storetest"
)

// written makes a closed data directory with 11 events and returns the heads
// after 5 and after all of them.
func written(t *testing.T) (dir string, early, late journal.Head) {
	t.Helper()
	dir = t.TempDir()
	s, err := store.Open(t.Context(), store.Options{Dir: dir, Plan: storetest.Plan})
	if err != nil {
		t.Fatal(err)
	}
	early = storetest.Must(t, s, register.Batch{Events: storetest.Events(5)}).Head
	late = storetest.Must(t, s, register.Batch{Events: storetest.Events(6)}).Head
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, early, late
}

// raw changes the database behind the store's back.
func raw(t *testing.T, dir string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "skift.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, text := range statements {
		if _, err := db.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// verify is `skift verify`: everything it can say, whether as a report or as an
// error that keeps it from reading.
func verify(dir string, held *journal.Head) (ok bool, said string) {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{Dir: dir, Plan: storetest.Plan, ReadOnly: true})
	if err != nil {
		return false, err.Error()
	}
	defer s.Close()
	report, err := s.Verify(ctx, held)
	if err != nil {
		return false, err.Error()
	}
	return report.OK(), report.String()
}

func TestTampering(t *testing.T) {
	t.Parallel()
	// flip changes the lowest bit of a column's first byte, whatever its type.
	flip := func(column string) string {
		return "UPDATE event SET " + column + " = CAST(char(unicode(" + column + ") + 1) || substr(" + column + ", 2) AS TEXT) WHERE seq = 4"
	}
	const changed = "event 4 "
	for name, tt := range map[string]struct {
		sql  []string
		want string
	}{
		"plan":       {[]string{"PRAGMA foreign_keys = 0", flip("plan")}, `event 4 belongs to plan "xeekend"`},
		"seq":        {[]string{"UPDATE event SET seq = 14 WHERE seq = 4"}, "event 4 is missing"},
		"at":         {[]string{"UPDATE event SET at = at + 1 WHERE seq = 4"}, changed},
		"kind":       {[]string{flip("kind")}, changed},
		"run":        {[]string{flip("run")}, changed},
		"subject":    {[]string{flip("subject")}, changed},
		"seat":       {[]string{flip("seat")}, changed},
		"person":     {[]string{flip("person")}, changed},
		"entered by": {[]string{flip("entered_by")}, changed},
		"via":        {[]string{flip("via")}, changed},
		"body":       {[]string{"UPDATE event SET body = replace(CAST(body AS TEXT), ' ', '  ') WHERE seq = 4"}, changed},
		"leaf":       {[]string{"UPDATE event SET leaf = zeroblob(32) WHERE seq = 4"}, changed},
		"type":       {[]string{"UPDATE event SET at = 'noon' WHERE seq = 4"}, "event 4 cannot be read"},
		"size":       {[]string{"UPDATE head SET size = size + 1"}, "journal was damaged"},
		"root":       {[]string{"UPDATE head SET frontier = zeroblob(length(frontier))"}, "rewritten together"},
		"head gone":  {[]string{"PRAGMA foreign_keys = 0", "DELETE FROM head"}, "its head was removed"},
		"other head": {[]string{"PRAGMA foreign_keys = 0", "UPDATE head SET plan = 'other'"}, `it is that of "other"`},
		"deleted":    {[]string{"DELETE FROM event WHERE seq = 4"}, "event 4 is missing"},
		"truncated":  {[]string{"DELETE FROM event WHERE seq > 8"}, "events 9–11 are missing at the end"},
		"swapped":    {[]string{"UPDATE event SET seq = 99 WHERE seq = 4", "UPDATE event SET seq = 4 WHERE seq = 5", "UPDATE event SET seq = 5 WHERE seq = 99"}, changed},
		"added": {[]string{`INSERT INTO event SELECT plan, 12, at, kind, run, subject, seat, person, entered_by, via, body, leaf FROM event WHERE seq = 11`},
			"event 12 is stored, but the journal says it has 11"},
		"moved to another plan": {[]string{"PRAGMA foreign_keys = 0", "UPDATE event SET plan = 'other'"}, `event 1 belongs to plan "other"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, early, late := written(t)
			for _, held := range []*journal.Head{nil, &early, &late} {
				if ok, said := verify(dir, held); !ok {
					t.Fatal("before: ", said)
				}
			}
			raw(t, dir, tt.sql...)
			for _, held := range []*journal.Head{nil, &late} {
				if ok, said := verify(dir, held); ok || !strings.Contains(said, tt.want) {
					t.Errorf("verify said %v: %s\nwant …%s…", ok, said, tt.want)
				}
			}
		})
	}
}

// TestFlippedByteInFile changes the bytes of a decision in the file itself.
func TestFlippedByteInFile(t *testing.T) {
	t.Parallel()
	dir, _, _ := written(t)
	path := filepath.Join(dir, "skift.db")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	body := storetest.Event(4).Body
	at := bytes.Index(good, body)
	if at < 0 {
		t.Fatal("the body does not stand in the file byte for byte")
	}
	for i := range body {
		bad := bytes.Clone(good)
		bad[at+i] ^= 0x01
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if ok, said := verify(dir, nil); ok || !strings.Contains(said, "event 4 ") && !strings.Contains(said, "event 9 ") {
			t.Fatalf("byte %d: %v, %s", i, ok, said)
		}
	}
}

// TestRolledBack puts an older copy of the whole database in place: only
// somebody who holds a later head can tell.
func TestRolledBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := storetest.Open(t, store.Options{Dir: dir, Plan: storetest.Plan})
	storetest.Must(t, s, register.Batch{Events: storetest.Events(5)})
	old := copyDB(t, dir)
	held := storetest.Must(t, s, register.Batch{Events: storetest.Events(1)}).Head
	if ok, said := verify(old, nil); !ok || !strings.Contains(said, "only a head held from earlier") {
		t.Errorf("without a head: %v, %s", ok, said)
	}
	if ok, said := verify(old, &held); ok || !strings.Contains(said, "rolled back or truncated: the held head was taken at 6 events, the journal ends at 5") {
		t.Errorf("with a later head: %v, %s", ok, said)
	}
	// Going on from the old copy makes another history.
	o := storetest.Open(t, store.Options{Dir: old, Plan: storetest.Plan, Moved: true})
	storetest.Must(t, o, register.Batch{Events: storetest.Events(3)[1:]})
	if ok, said := verify(old, &held); ok || !strings.Contains(said, "the first 6 events are not those of the held head") {
		t.Errorf("with another history: %v, %s", ok, said)
	}
}

// TestDamagedFile: what is no database any more is the storage's failure.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	dir, _, _ := written(t)
	path := filepath.Join(dir, "skift.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("ruin"), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{true, false} {
		s, err := store.Open(t.Context(), store.Options{Dir: dir, Plan: storetest.Plan, ReadOnly: readOnly})
		if !errors.Is(err, store.ErrStorage) {
			t.Errorf("read only %v: %v", readOnly, err)
		}
		if err == nil {
			s.Close()
		}
	}
}
