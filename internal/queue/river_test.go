package queue_test

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"skift/internal/register"
	"skift/internal/store"
	"skift/internal/storetest"
)

// jobs counts the rows of River's table in a database that nobody writes.
func jobs(t testing.TB, dir, where string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "skift.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT count(*) FROM river_job WHERE " + where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAJobIsStoredWithItsRow: at no write a crash leaves the row without its job, or the job without its row.
func TestAJobIsStoredWithItsRow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var before, after []string
	s := storetest.Open(t, store.Options{Dir: dir, Plan: storetest.Plan,
		BeforeCommit: func(n int64) {
			if n > 1 { // the first is that of opening
				before = append(before, copied(t, dir))
			}
		},
		AfterCommit: func(n int64) {
			if n > 1 {
				after = append(after, copied(t, dir))
			}
		}})
	s.Carry(makers["river"](t, s, func(context.Context, register.Job) {}))
	storetest.Must(t, s, register.Batch{Slots: []register.Slot{claimed("slot")}})
	storetest.Must(t, s, register.Batch{Messages: []register.Message{storetest.Message("a"), storetest.Message("b")}})
	for i, want := range []int{0, 1} {
		if got := jobs(t, before[i], "true"); got != want {
			t.Errorf("before write %d there are %d jobs, want %d", i+1, got, want)
		}
	}
	for i, want := range []int{1, 3} {
		if got := jobs(t, after[i], "state = 'available'"); got != want {
			t.Errorf("after write %d there are %d jobs, want %d", i+1, got, want)
		}
	}
}

// TestFinishedJobsLeave: with the next one that is put, and when it is tidied up.
func TestFinishedJobsLeave(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := open(t, "river", dir)
	p.run()
	p.put("one", "two")
	p.done("one", "two")
	p.stop() // whoever is at work ends before
	if n := jobs(t, copied(t, dir), "state = 'completed'"); n != 2 {
		t.Fatalf("%d jobs are over, want 2", n)
	}
	p.store.Carry(p.queue)
	p.put("three")
	if n := jobs(t, copied(t, dir), "true"); n != 1 {
		t.Errorf("%d jobs are left, want the one that was put", n)
	}
	if _, err := p.store.Guest().Exec("UPDATE river_job SET state = 'completed', finalized_at = CURRENT_TIMESTAMP"); err != nil {
		t.Fatal(err)
	}
	if err := p.store.PruneJobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := jobs(t, copied(t, dir), "true"); n != 0 {
		t.Errorf("%d jobs are left after tidying up", n)
	}
}

// TestStrangeJobs: what others wrote into the table is nobody's job, and holds up none.
func TestStrangeJobs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := open(t, "river", dir)
	for _, insert := range []string{
		"INSERT INTO river_job (kind, args) VALUES ('other', jsonb('{}'))",
		"INSERT INTO river_job (kind, args) VALUES ('row', '{')",
		`INSERT INTO river_job (kind, args) VALUES ('row', jsonb('{"at": "noon"}'))`,
	} {
		if _, err := p.store.Guest().Exec(insert); err != nil {
			t.Fatal(err)
		}
	}
	p.run()
	p.put("one")
	p.done("one")
	p.stop()
	if len(p.did) != 1 {
		t.Errorf("done: %q", p.did)
	}
}

// TestClockSetBack: a job that is put now is due now, also when the clock is set back before somebody takes it.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := open(t, "river", dir)
	p.put("one")
	if n := jobs(t, copied(t, dir), "scheduled_at > '1999-12-31'"); n != 0 {
		t.Error("it is due by the clock as it was")
	}
}

// TestIdle: with nothing to do nothing is written, however long.
func TestIdle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := open(t, "river", dir)
	p.run()
	p.put("one")
	p.done("one")
	all := func() []byte {
		var b []byte
		for _, name := range []string{"skift.db", "skift.db-wal"} {
			f, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			b = append(b, f...)
		}
		return b
	}
	// The end of the job is written within a second.
	last := all()
	late := time.Now().Add(patience)
	for quiet := 0; quiet < 7; { // a leader writes every five seconds
		<-time.After(time.Second)
		now := all()
		if quiet++; !bytes.Equal(last, now) {
			quiet = 0
		}
		if last = now; time.Now().After(late) {
			t.Fatal("something is written again and again")
		}
	}
}

// TestAtOnce: a job that is put now does not wait until somebody looks.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	p := open(t, "river", t.TempDir())
	p.run()
	p.put("first") // the queue is up
	p.done("first")
	best := time.Hour
	for i := range 5 { // a busy machine may be late, but not each time
		began := time.Now()
		n := strings.Repeat("x", i+1)
		p.put(n)
		p.done(n)
		best = min(best, time.Since(began))
	}
	if best > 500*time.Millisecond {
		t.Errorf("the soonest began after %s", best)
	}
}
