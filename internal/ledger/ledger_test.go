package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/store"
	"skift/internal/storetest"
)

// slowed tells that this program looks for races: no ratio means anything then.
var slowed bool

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// adapter is the real store as the ledger sees it, with a way to fail.
type adapter struct {
	*store.Store
	mu     sync.Mutex
	fail   error
	panics bool // when something is stored
}

func (a *adapter) Commit(ctx context.Context, b register.Batch) (journal.Head, int64, error) {
	a.mu.Lock()
	fail := a.fail
	if a.panics {
		a.mu.Unlock()
		panic("bug")
	}
	a.mu.Unlock()
	if fail != nil {
		return journal.Head{}, 0, fail
	}
	c, err := a.Store.Commit(ctx, b)
	return c.Head, c.FirstSeq, err
}

type storageError struct{ error }

func (storageError) StorageFailed() bool { return true }

func open(t *testing.T) (*ledger.Ledger, *adapter) {
	t.Helper()
	a := &adapter{Store: storetest.New(t)}
	return reopen(t, a), a
}

func reopen(t *testing.T, a *adapter) *ledger.Ledger {
	t.Helper()
	head, err := a.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), storetest.Plan, a, head)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func say(text string) func(*ledger.Tx) error {
	return func(tx *ledger.Tx) error {
		_, err := tx.Emit(register.Logged, "", "", journal.Actor{Via: journal.ViaConsole}, register.Body(register.LogBody{Text: text}))
		return err
	}
}

func lines(l *ledger.Ledger) (out []string) {
	l.Read(func(f *ledger.Facts) {
		for _, e := range f.Register.Log {
			out = append(out, e.Text)
		}
	})
	return out
}

func must(t *testing.T, l *ledger.Ledger, fn func(*ledger.Tx) error) journal.Head {
	t.Helper()
	head, err := l.Decide(t.Context(), fn)
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func TestDecide(t *testing.T) {
	t.Parallel()
	l, a := open(t)
	must(t, l, say("one"))
	head := must(t, l, func(tx *ledger.Tx) error {
		for _, text := range []string{"two", "three"} {
			if err := say(text)(tx); err != nil {
				return err
			}
		}
		if n := len(tx.Facts.Register.Log); n != 3 {
			t.Errorf("a decision does not see what it emitted: %d lines", n)
		}
		return nil
	})
	if head.Size != 3 || head != l.Head() {
		t.Errorf("head %s, ledger has %s", head, l.Head())
	}
	if same := must(t, l, func(*ledger.Tx) error { return nil }); same != head {
		t.Error("a decision of nothing moved the head")
	}
	want := []string{"one", "two", "three"}
	if d := cmp.Diff(want, lines(l)); d != "" {
		t.Errorf("facts (-want +got):\n%s", d)
	}
	if d := cmp.Diff(want, lines(reopen(t, a))); d != "" {
		t.Errorf("facts after reopening (-want +got):\n%s", d)
	}
	if report, err := a.Verify(t.Context(), &head); err != nil || !report.OK() {
		t.Errorf("%s, %v", report, err)
	}
}

// TestNothingHalfDecided: whatever makes a decision fail, facts and store are as before it and the next one works.
func TestNothingHalfDecided(t *testing.T) {
	t.Parallel()
	slot := storetest.Slot(1)
	for name, fn := range map[string]func(*ledger.Tx) error{
		"its own error": func(tx *ledger.Tx) error { return errors.Join(say("half")(tx), errors.New("no")) },
		"an event the facts refuse": func(tx *ledger.Tx) error {
			if err := say("half")(tx); err != nil {
				return err
			}
			_, err := tx.Emit(run.StepStarted, "nowhere", "s", journal.Actor{}, run.Body(run.Begun{}))
			return err
		},
		"an event no journal keeps": func(tx *ledger.Tx) error {
			if err := say("half")(tx); err != nil {
				return err
			}
			_, err := tx.Emit(register.Logged, "", "nul \x00", journal.Actor{}, register.Body(register.LogBody{}))
			return err
		},
		"a slot that is taken": func(tx *ledger.Tx) error {
			tx.Batch().Slots = append(tx.Batch().Slots, slot)
			return say("half")(tx)
		},
		"a slot that is taken, and no event": func(tx *ledger.Tx) error {
			tx.Batch().Slots = append(tx.Batch().Slots, slot)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, a := open(t)
			must(t, l, func(tx *ledger.Tx) error {
				tx.Batch().Slots = append(tx.Batch().Slots, slot)
				return say("whole")(tx)
			})
			before := l.Head()
			if _, err := l.Decide(t.Context(), fn); err == nil || errors.Is(err, ledger.ErrBroken) {
				t.Fatalf("decided, or broken: %v", err)
			}
			if d := cmp.Diff([]string{"whole"}, lines(l)); d != "" || l.Head() != before {
				t.Errorf("something stayed (-want +got):\n%s", d)
			}
			must(t, l, say("next"))
			if d := cmp.Diff(lines(l), lines(reopen(t, a))); d != "" {
				t.Errorf("ledger and store differ (-ledger +store):\n%s", d)
			}
		})
	}
}

func TestPanicLeavesNothing(t *testing.T) {
	t.Parallel()
	l, _ := open(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = l.Decide(t.Context(), func(tx *ledger.Tx) error {
			if err := say("half")(tx); err != nil {
				t.Error(err)
			}
			panic("bug")
		})
	}()
	if got := lines(l); len(got) != 0 {
		t.Errorf("half a decision is visible: %q", got)
	}
	must(t, l, say("next"))
}

// TestPanicWhileStoring: whether it is stored is not known, so nothing more is decided.
func TestPanicWhileStoring(t *testing.T) {
	t.Parallel()
	l, a := open(t)
	must(t, l, say("one"))
	a.panics = true
	for _, text := range []string{"two", "three"} {
		if _, err := l.Decide(t.Context(), say(text)); !errors.Is(err, ledger.ErrBroken) || !strings.Contains(err.Error(), "a bug in skift: bug (internal/ledger") {
			t.Errorf("%s: %v", text, err)
		}
		a.panics = false
	}
}

func TestBroken(t *testing.T) {
	t.Parallel()
	l, a := open(t)
	must(t, l, say("one"))
	a.fail = fmt.Errorf("commit: %w", storageError{errors.New("disk gone")})
	if _, err := l.Decide(t.Context(), say("two")); !errors.Is(err, ledger.ErrBroken) || !strings.Contains(err.Error(), "disk gone") {
		t.Errorf("a storage error gives %v", err)
	}
	a.fail = nil
	ran := false
	if _, err := l.Decide(t.Context(), func(*ledger.Tx) error { ran = true; return nil }); !errors.Is(err, ledger.ErrBroken) || ran {
		t.Errorf("after a storage error something was decided: %v", err)
	}
	if l.Broken() == nil {
		t.Error("it does not say that it is broken")
	}
}

// TestSomebodyElseWrites: a number other than expected means a second owner.
func TestSomebodyElseWrites(t *testing.T) {
	t.Parallel()
	l, a := open(t)
	must(t, l, say("one"))
	storetest.Must(t, a.Store, register.Batch{Events: []journal.Event{storetest.Event(1)}})
	if _, err := l.Decide(t.Context(), say("two")); !errors.Is(err, ledger.ErrBroken) {
		t.Errorf("decided beside somebody else: %v", err)
	}
}

func TestCallerGone(t *testing.T) {
	t.Parallel()
	l, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Decide(ctx, say("one")); err != nil {
		t.Errorf("a decision failed because whoever asked went away: %v", err)
	}
}

func TestConcurrentDecisions(t *testing.T) {
	t.Parallel()
	l, a := open(t)
	sub := l.Subscribe()
	defer sub.Close()
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				_, err := l.Decide(t.Context(), func(tx *ledger.Tx) error {
					if i%5 == 4 { // now and then one fails after it has emitted
						return errors.Join(say("lost")(tx), errors.New("no"))
					}
					return say(fmt.Sprintf("%d.%d of %d", w, i, len(tx.Facts.Register.Log)))(tx)
				})
				if (err != nil) != (i%5 == 4) {
					t.Error(err)
				}
				l.Read(func(f *ledger.Facts) {
					if int(f.Size) != len(f.Register.Log) {
						t.Error("a reader saw an event that is not durable")
					}
				})
			}
		})
	}
	wg.Wait()
	got := lines(l)
	for i, line := range got {
		if !strings.HasSuffix(line, fmt.Sprintf(" of %d", i)) {
			t.Fatalf("line %d was decided on other facts: %q", i, line)
		}
	}
	if len(got) != writers*each*4/5 {
		t.Errorf("%d lines", len(got))
	}
	if d := cmp.Diff(got, lines(reopen(t, a))); d != "" {
		t.Errorf("ledger and store differ:\n%s", d)
	}
	events := sub.Take()
	if !slices.IsSortedFunc(events, func(a, b journal.Event) int { return int(a.Seq - b.Seq) }) || len(events) != len(got) {
		t.Errorf("a subscriber saw %d events, sorted or not", len(events))
	}
}

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	l, _ := open(t)
	must(t, l, say("before"))
	a, b := l.Subscribe(), l.Subscribe()
	must(t, l, say("one"))
	must(t, l, func(tx *ledger.Tx) error { return errors.Join(say("two")(tx), say("three")(tx)) })
	b.Close()
	must(t, l, say("four"))
	var seen []int64
	for len(seen) < 4 {
		events, err := a.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			seen = append(seen, e.Seq)
		}
	}
	if d := cmp.Diff([]int64{2, 3, 4, 5}, seen); d != "" {
		t.Errorf("seen (-want +got):\n%s", d)
	}
	if n := len(b.Take()); n != 3 {
		t.Errorf("a closed subscription got %d events", n)
	}
	if n := len(a.Take()); n != 0 {
		t.Errorf("%d events twice", n)
	}
	select { // the signal may be left over, the queue is empty
	case <-a.C():
	default:
	}
	a.Close()
}

func TestNextWaits(t *testing.T) {
	t.Parallel()
	l, _ := open(t)
	sub := l.Subscribe()
	defer sub.Close()
	got := make(chan int, 1)
	go func() {
		events, err := sub.Next(t.Context())
		if err != nil {
			t.Error(err)
		}
		got <- len(events)
	}()
	must(t, l, say("one"))
	if n := <-got; n != 1 {
		t.Errorf("%d events", n)
	}
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	go cancel(gone)
	if _, err := sub.Next(ctx); !errors.Is(err, gone) {
		t.Errorf("Next gave %v", err)
	}
}

// TestLatestAreKept: a long journal keeps only its latest events in memory.
func TestLatestAreKept(t *testing.T) {
	t.Parallel()
	l, _ := open(t)
	for range 5 {
		must(t, l, func(tx *ledger.Tx) error {
			for range 200 {
				if err := say("x")(tx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	l.Read(func(f *ledger.Facts) {
		n := len(f.Last)
		if n < 200 || n > 400 || f.Last[n-1].Seq != 1000 || f.Last[0].Seq != int64(1000-n+1) {
			t.Errorf("%d events kept, from %d to %d", n, f.Last[0].Seq, f.Last[n-1].Seq)
		}
	})
}
