package app_test

import (
	"fmt"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/register"
	"skift/internal/store"
)

// TestPruned: what was followed by other answers longer ago than is kept goes with the next check; what is known now stays.
func TestPruned(t *testing.T) {
	dir := t.TempDir()
	u := checks.Unit{Check: "up", Side: checks.Old, Addr: "127.0.0.1:1", Vantage: "local"}
	func() {
		s, err := store.Open(t.Context(), store.Options{Dir: dir, Plan: "small"})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var results []checks.Result
		for i, days := range []int{100, 41, 39, 35} {
			results = append(results, checks.Result{Unit: u, Outcome: checks.Pass, Verdict: checks.Pass, Code: checks.OK, Want: checks.Allow,
				ConfigHash: fmt.Sprint(i), StartedAt: time.Now().Add(-time.Duration(days) * 24 * time.Hour)})
		}
		if _, err := s.Commit(t.Context(), register.Batch{Observations: results}); err != nil {
			t.Fatal(err)
		}
	}()
	count := func() int {
		t.Helper()
		s, err := store.Open(t.Context(), store.Options{Dir: dir, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		rows, err := s.History(t.Context(), "up", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, i := range rows {
			if i.Unit == u {
				n++
			}
		}
		return n
	}
	s := newSmall(t, nil, fmt.Sprintf("keep: 40d\ndata: %s\n", dir))
	if n := count(); n != 4 {
		t.Fatalf("%d rows", n)
	}
	if _, err := s.Check(t.Context(), api.CheckRequest{Dry: true}); err != nil || count() != 4 {
		t.Errorf("looking removes something: %v, %d", err, count())
	}
	if _, err := s.Check(t.Context(), api.CheckRequest{Patterns: []string{"up"}, Side: checks.New}); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 2 {
		t.Errorf("%d rows are left, want those of 39 and 35 days ago", n)
	}
}
