package outbox

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/register"
)

// TestABugInSending: nobody knows whether the message left, so it is uncertain, and the others are sent.
func TestABugInSending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(queued("a", "b")...)
		srv := &server{answer: func(_ context.Context, m register.Message) Answer {
			if m.ID == "a" {
				panic("no line for chair@customer.example")
			}
			return taken
		}}
		loop(t, store, srv, Settings{}, time.Hour)
		if diff := cmp.Diff([]string{"a uncertain 1", "b sent 1"}, store.states()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{`a {"state":"uncertain","error":"a bug in skift ended the sending"}`, `b {"state":"sent"}`}, store.told()); diff != "" {
			t.Error(diff) // nothing personal in the journal
		}
		if text := store.message("a").LastError; !strings.HasPrefix(text, "a bug in skift: no line for chair@customer.example (internal/outbox/bug_test.go:") {
			t.Error(text)
		}
	})
}

// stumbling is a store that panics when it is read for the first times.
type stumbling struct {
	*memory
	times int
}

func (s *stumbling) Messages(ctx context.Context, f register.MessageFilter) ([]register.Message, error) {
	if len(f.States) > 0 && f.States[0] == register.MessageQueued && s.times > 0 {
		s.times--
		panic("index out of range")
	}
	return s.memory.Messages(ctx, f)
}

// TestABugInTheLoop: the queue is looked at again a while later.
func TestABugInTheLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &stumbling{newMemory(queued("a")...), 2}
		srv := &server{answer: always(taken)}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := New(store, srv, Settings{}, nil).Run(ctx); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a sent 1"}, store.states()); diff != "" {
			t.Error(diff)
		}
		if wait := srv.at[0].Sub(began); wait != 90*time.Second { // 30 seconds, then 60
			t.Errorf("sent after %s", wait)
		}
	})
}
