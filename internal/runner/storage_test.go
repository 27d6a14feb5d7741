package runner_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
)

// failingAt is a store whose nth write fails, and every one after it.
type failingAt struct {
	ledger.Store
	n   int
	how string // late: the nth is kept nevertheless, as when only the sync failed; panics: a bug of ours instead
}

func (s *failingAt) Commit(ctx context.Context, b register.Batch) (journal.Head, int64, error) {
	s.n--
	if s.n == 0 && s.how == "panics" {
		panic("index out of range")
	}
	if s.n == 0 && s.how == "late" {
		if _, _, err := s.Store.Commit(ctx, b); err != nil {
			return journal.Head{}, 0, err
		}
	}
	if s.n <= 0 {
		return journal.Head{}, 0, storageError{errors.New("input/output error")}
	}
	return s.Store.Commit(ctx, b)
}

// TestStorageFailsAtEveryWrite: wherever a write fails, or a bug of ours is met in it, the process ends and says so, nothing was done that was not intended before,
// and the next process comes to the same end with everything done once.
func TestStorageFailsAtEveryWrite(t *testing.T) {
	t.Parallel()
	p := load(t, base, crashBooks)
	for _, how := range []string{"lost", "late", "panics"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			for n := 1; n < 200; n++ {
				if !failsAt(t, p, n, how) {
					if n < 15 {
						t.Errorf("it came to its end within %d writes: the run is too small", n)
					}
					return
				}
			}
			t.Error("it never came to its end")
		})
	}
}

// failsAt lets the nth write of a small run fail; false means that there was none.
func failsAt(t *testing.T, p *plan.Plan, n int, how string) (failed bool) {
	t.Helper()
	left := remains{dir: t.TempDir()}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p)
		w.dir = left.dir
		w.open()
		head, err := w.store.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		l, err := ledger.Open(t.Context(), p.ID, &failingAt{Store: ledgerStore{w.store}, n: n, how: how}, head)
		if err != nil {
			t.Fatal(err)
		}
		w.ledger, w.r = l, w.runnerOn(l)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.r.Run(ctx, nil) }()
		synctest.Wait()
		_, err = w.try(runner.Command{Do: runner.DoStart, Runbook: "small"})
		for open := true; err == nil && open && l.Broken() == nil; {
			var asked []runner.Command
			if asked, open = wishes(w); len(asked) > 0 {
				_, err = w.try(asked[0])
			} else if open {
				later(time.Minute)
			}
		}
		failed = l.Broken() != nil
		if failed && err != nil && !errors.Is(err, ledger.ErrBroken) {
			t.Errorf("write %d: a command was answered with %v", n, err)
		}
		if !failed {
			cancel()
		}
		later(time.Minute)
		select {
		case err := <-ended:
			if failed != errors.Is(err, ledger.ErrBroken) {
				t.Errorf("write %d: the process ended with %v", n, err)
			}
		default:
			t.Errorf("write %d: the process does not end", n)
		}
		cancel()
		intended := map[string]bool{}
		for _, e := range w.events() {
			if e.Kind == run.StepStarted {
				var b run.Begun
				mustRead(e, &b)
				intended[fmt.Sprintf("%s/%s#%d", e.Run, e.Subject, b.Attempt)] = true
			}
		}
		left.calls, left.acked, left.now = w.actions.made(), slices.Clone(w.acked), time.Now()
		for _, call := range left.calls {
			if !intended[call] {
				t.Errorf("write %d: %s was done, and its intent is not in the journal", n, call)
			}
		}
		if err := w.store.Close(); err != nil {
			t.Error(err)
		}
	})
	if failed {
		life(t, p, left, nil)
		acknowledged(t, p, left)
	}
	return failed
}
