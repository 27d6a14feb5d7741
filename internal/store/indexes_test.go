package store

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/register"
)

// upTo is the schema as it was up to a number.
func upTo(t *testing.T, last string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(migrations(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		if name[:len(last)] <= last {
			files[name] = &fstest.MapFile{Data: text}
		}
	}
	return files
}

var begin = time.Date(2019, 11, 9, 0, 0, 0, 0, time.UTC)

// answers is what so many units of two checks say in a minute; every third says something else each time.
func answers(units, minute int) register.Batch {
	var b register.Batch
	for n := range units {
		r := checks.Result{
			Unit:    checks.Unit{Check: fmt.Sprint("check-", n%2), Side: checks.New, Addr: fmt.Sprintf("203.0.113.%d:%d", n%250, 1000+n), Vantage: "local"},
			Outcome: checks.Pass, Verdict: checks.Pass, Code: checks.OK, Facts: map[string]string{"serial": "7B"},
			StartedAt: begin.Add(time.Duration(minute) * time.Minute), ValidUntil: begin.Add(24 * time.Hour),
		}
		if n%3 == 0 {
			r.Facts["serial"] = fmt.Sprint(minute)
		}
		b.Observations = append(b.Observations, r)
	}
	return b
}

func commit(t *testing.T, s *Store, b register.Batch) {
	t.Helper()
	if _, err := s.Commit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// known is all that is read of observations.
func known(t *testing.T, s *Store) (all [][]register.Interval) {
	t.Helper()
	keep := func(is []register.Interval, err error) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, is)
	}
	keep(s.Latest(t.Context()))
	keep(s.Recent(t.Context(), begin.Add(2*time.Minute), 2))
	keep(s.History(t.Context(), "check-1", begin.Add(time.Minute)))
	return all
}

// TestObservationsMigrate: a database of before the indexes were parted says the same after it, and goes on.
func TestObservationsMigrate(t *testing.T) {
	t.Parallel()
	dir, files := t.TempDir(), upTo(t, "00003")
	old, err := Open(t.Context(), Options{Dir: dir, Plan: "weekend", files: files})
	if err != nil {
		t.Fatal(err)
	}
	for minute := range 5 {
		commit(t, old, answers(60, minute))
	}
	before := known(t, old)
	if n := len(before[1]); n != 80 {
		t.Fatalf("%d recent intervals of 60 units of which 20 change", n)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	s := openTest(t, Options{Dir: dir})
	if d := cmp.Diff(before, known(t, s)); d != "" {
		t.Errorf("after migrating (-before +after):\n%s", d)
	}
	commit(t, s, answers(60, 5))
	if now := known(t, s); len(now[2]) != 20+6*10-10 {
		t.Errorf("%d intervals of a check of which 10 units change", len(now[2]))
	}
	if n, err := s.Prune(t.Context(), begin.Add(3*time.Minute)); err != nil || n != 3*20 {
		t.Errorf("%d were removed, %v", n, err)
	}
}

// TestNothingNewTouchesNoIndex: a sweep that finds nothing new writes the rows of its units and no index beside them.
func TestNothingNewTouchesNoIndex(t *testing.T) {
	t.Parallel()
	const units = 1000
	written := func(files fs.FS) (pages int64) {
		dir := t.TempDir()
		s := openTest(t, Options{Dir: dir, files: files})
		same := answers(units, 0)
		commit(t, s, same)
		db := s.db.(*sqliteDB).conn
		if _, err := db.ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			t.Fatal(err)
		}
		for i := range same.Observations {
			same.Observations[i].StartedAt = same.Observations[i].StartedAt.Add(time.Minute)
		}
		commit(t, s, same)
		info, err := os.Stat(filepath.Join(dir, FileName+"-wal"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size() / 4096
	}
	before, now := written(upTo(t, "00003")), written(nil)
	if before-now < 20 { // two indexes of a thousand entries each
		t.Errorf("%d pages were written, %d while the indexes held what is answered now", now, before)
	}
}

// TestQuestionsUseIndexes: no question of every day reads all observations that are kept.
func TestQuestionsUseIndexes(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	for minute := range 4 {
		commit(t, s, answers(60, minute))
	}
	for name, question := range map[string]string{
		"what a check answered": "SELECT unit FROM observation WHERE plan = 'weekend' AND NOT latest AND check_id = 'check-1' AND until >= 5",
		"what a check answers":  "SELECT unit FROM observation WHERE plan = 'weekend' AND latest AND check_id = 'check-1' AND until >= 5",
		"what was answered":     "SELECT facts FROM observation WHERE plan = 'weekend' AND NOT latest AND until >= 5",
		"what is too old":       "SELECT unit, since FROM observation WHERE plan = 'weekend' AND until < 5 AND NOT latest ORDER BY until LIMIT 10",
	} {
		var plan strings.Builder
		rows, err := s.db.(*sqliteDB).read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+question)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(detail + "\n")
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		if text := plan.String(); strings.Contains(text, "SCAN") || strings.Contains(text, "autoindex") {
			t.Errorf("%s is found by:\n%s", name, text)
		}
	}
}

// TestRememberedIsAsked: what is remembered of a unit is not believed where the database says otherwise, and after a commit that failed it
// is what was stored before it.
func TestRememberedIsAsked(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	same := func(minute int) register.Batch {
		b := answers(1, 0) // says the same each time
		b.Observations[0].StartedAt = begin.Add(time.Duration(minute) * time.Minute)
		return b
	}
	commit(t, s, same(0))
	commit(t, s, same(1))
	refused := same(2)
	refused.MessageMoves = []register.MessageMove{{ID: "nobody", From: register.MessageQueued, To: register.MessageSending, At: begin}}
	if _, err := s.Commit(t.Context(), refused); err == nil {
		t.Fatal("a mail that is not there was moved")
	}
	commit(t, s, same(3))
	now := func() register.Interval {
		rows, err := s.Latest(t.Context())
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		return rows[0]
	}
	if i := now(); i.Count != 3 || !i.Until.Equal(begin.Add(3*time.Minute)) {
		t.Errorf("after a commit that failed: %d answers until %s", i.Count, i.Until)
	}
	if _, err := s.db.(*sqliteDB).conn.ExecContext(t.Context(), "UPDATE observation SET answers = 40, until = until + 60000000"); err != nil {
		t.Fatal(err)
	}
	commit(t, s, same(5))
	if i := now(); i.Count != 41 || !i.Until.Equal(begin.Add(5*time.Minute)) {
		t.Errorf("after somebody else changed it: %d answers until %s", i.Count, i.Until)
	}
}
