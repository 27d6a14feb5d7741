package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"skift/internal/figure"
	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/store"
	"skift/internal/storetest"
)

// floor is the least that storing the same bytes durably costs: the same
// engine and settings, one plain table, no journal.
type floor struct {
	db     *sql.DB
	insert *sql.Stmt
}

func openFloor(b *testing.B) floor {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "floor.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE row (n INTEGER PRIMARY KEY, body BLOB)"); err != nil {
		b.Fatal(err)
	}
	insert, err := db.Prepare("INSERT INTO row (body) VALUES ($1)")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { insert.Close() })
	return floor{db, insert}
}

func (f floor) commit(b *testing.B, bodies [][]byte) {
	tx, err := f.db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	insert := tx.Stmt(f.insert)
	for _, body := range bodies {
		if _, err := insert.Exec(body); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

// timed is how long fn took, for the ratio of two things done in turn.
func timed(sum *time.Duration, fn func()) {
	start := time.Now()
	fn()
	*sum += time.Since(start)
}

// BenchmarkAppend reports how many times as long as the bare commit of the same
// rows it takes to append events; rounds of both are interleaved.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 16, 256} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, f := storetest.New(b), openFloor(b)
			batch := register.Batch{Events: storetest.Events(size)}
			var bodies [][]byte
			for _, e := range batch.Events {
				bodies = append(bodies, e.Body)
			}
			var ours, bare time.Duration
			for b.Loop() {
				timed(&ours, func() { storetest.Must(b, s, batch) })
				timed(&bare, func() { f.commit(b, bodies) })
			}
			figure.Told(b, "x-floor", float64(ours)/float64(bare), fmt.Sprintf("a commit of %d events, hashed, beside a bare one of the same rows", size))
			b.ReportMetric(float64(b.N*size)/ours.Seconds(), "events/s")
		})
	}
}

// BenchmarkGroup reports how many times as many commits are stored in the time
// of one bare commit when 64 wait at once.
func BenchmarkGroup(b *testing.B) {
	const waiting = 64
	s, f := storetest.New(b), openFloor(b)
	batch := register.Batch{Events: storetest.Events(1)}
	var ours, bare time.Duration
	for b.Loop() {
		timed(&ours, func() {
			done := make(chan struct{})
			for range waiting {
				go func() { storetest.Must(b, s, batch); done <- struct{}{} }()
			}
			for range waiting {
				<-done
			}
		})
		timed(&bare, func() { f.commit(b, [][]byte{batch.Events[0].Body}) })
	}
	figure.Told(b, "x-floor/commit", float64(ours)/float64(bare)/waiting, "each of 64 commits that wait at once, beside a bare one")
}

// BenchmarkSweep reports the cost of storing the second, identical sweep of
// 1,000 units against the first, which inserts.
func BenchmarkSweep(b *testing.B) {
	s := storetest.New(b)
	var first, again time.Duration
	at := storetest.Epoch
	for round := 0; b.Loop(); round++ {
		sweep := storetest.Results(1000)
		for i := range sweep {
			sweep[i].ConfigHash = fmt.Sprint(round)
			sweep[i].StartedAt = at.Add(time.Duration(2*round) * time.Minute)
		}
		timed(&first, func() { storetest.Must(b, s, register.Batch{Observations: sweep}) })
		for i := range sweep {
			sweep[i].StartedAt = sweep[i].StartedAt.Add(time.Minute)
		}
		timed(&again, func() { storetest.Must(b, s, register.Batch{Observations: sweep}) })
	}
	figure.Told(b, "x-first", again.Seconds()/first.Seconds(), "storing a second, identical sweep of 1,000 units beside the first")
	b.ReportMetric(float64(b.N)*1000/again.Seconds(), "answers/s")
}

// BenchmarkVerify reports how many times as long as reading 100,000 events it
// takes to verify them.
func BenchmarkVerify(b *testing.B) {
	const events = 100_000
	s := storetest.New(b)
	for range events / 1000 {
		storetest.Must(b, s, register.Batch{Events: storetest.Events(1000)})
	}
	held, err := s.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var verifying, reading time.Duration
	for b.Loop() {
		timed(&verifying, func() { verifyWhole(b, s, held) })
		timed(&reading, func() {
			if err := s.Events(b.Context(), 0, func(journal.Event) error { return nil }); err != nil {
				b.Fatal(err)
			}
		})
	}
	figure.Told(b, "x-read", float64(verifying)/float64(reading), "verifying 100,000 events beside reading them")
	b.ReportMetric(float64(b.N*events)/verifying.Seconds(), "events/s")
}

func verifyWhole(b *testing.B, s *store.Store, held journal.Head) {
	report, err := s.Verify(b.Context(), &held)
	if err != nil || !report.OK() || !strings.Contains(report.String(), "100000 events") {
		b.Fatal(report, err)
	}
}
