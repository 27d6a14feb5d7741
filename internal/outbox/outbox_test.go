package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"skift/internal/journal"
	"skift/internal/register"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDisk = errors.New("the disk is gone")

// memory is a store that holds moves against the same rules as the real one and can break.
type memory struct {
	mu       sync.Mutex
	messages map[string]register.Message
	events   []journal.Event
	commits  int
	breakAt  int // the commit with this number is refused, and every one after it
}

func newMemory(messages ...register.Message) *memory {
	s := &memory{messages: map[string]register.Message{}}
	for _, m := range messages {
		s.messages[m.ID] = m
	}
	return s
}

func (s *memory) Messages(ctx context.Context, f register.MessageFilter) ([]register.Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []register.Message
	for _, m := range s.messages {
		if (len(f.States) == 0 || slices.Contains(f.States, m.State)) && (f.DueBy.IsZero() || !m.NextAt.After(f.DueBy)) {
			found = append(found, m)
		}
	}
	slices.SortFunc(found, func(a, b register.Message) int {
		if c := a.NextAt.Compare(b.NextAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	if f.Limit > 0 && len(found) > f.Limit {
		found = found[:f.Limit]
	}
	return found, nil
}

func (s *memory) Commit(ctx context.Context, b register.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commits++
	if s.breakAt > 0 && s.commits >= s.breakAt {
		return errDisk
	}
	for _, mv := range b.MessageMoves {
		m, ok := s.messages[mv.ID]
		if !ok || m.State != mv.From || !mv.From.May(mv.To) || mv.At.IsZero() {
			return fmt.Errorf("message %s is %q: cannot go from %s to %s", mv.ID, m.State, mv.From, mv.To)
		}
		m.State, m.LastError, m.FinishedAt = mv.To, mv.LastError, time.Time{}
		if mv.To == register.MessageSending {
			m.Attempts++
		}
		if mv.To.Final() {
			m.FinishedAt = mv.At
		}
		if !mv.NextAt.IsZero() {
			m.NextAt = mv.NextAt
		}
		s.messages[mv.ID] = m
	}
	for _, e := range b.Events {
		e.Plan = "p"
		if err := e.Check(); err != nil {
			return err
		}
		s.events = append(s.events, e)
	}
	return nil
}

func (s *memory) message(id string) register.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.messages[id]
}

// states lists "id state attempts", sorted by id.
func (s *memory) states() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, m := range s.messages {
		all = append(all, fmt.Sprintf("%s %s %d", m.ID, m.State, m.Attempts))
	}
	slices.Sort(all)
	return all
}

// told lists the journal as "subject body".
func (s *memory) told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, e := range s.events {
		all = append(all, e.Subject+" "+string(e.Body))
	}
	return all
}

// server answers as told and remembers what it was given and when.
type server struct {
	mu     sync.Mutex
	answer func(ctx context.Context, m register.Message) Answer
	given  []string
	at     []time.Time
}

func (s *server) Send(ctx context.Context, m register.Message) Answer {
	s.mu.Lock()
	s.given, s.at = append(s.given, m.ID), append(s.at, time.Now())
	s.mu.Unlock()
	return s.answer(ctx, m)
}

func always(a Answer) func(context.Context, register.Message) Answer {
	return func(context.Context, register.Message) Answer { return a }
}

var (
	taken   = Answer{Outcome: Sent, Brief: "sent"}
	later   = Answer{Outcome: Temporary, Brief: "temporary at to: 450", Text: "450 chair@customer.example greylisted"}
	down    = Answer{Outcome: Temporary, Brief: "temporary at connect", Text: "connection refused", Unreachable: true}
	refused = Answer{Outcome: Permanent, Brief: "permanent at to: 550", Text: "550 chair@customer.example unknown"}
	lost    = Answer{Outcome: Uncertain, Brief: "uncertain at reply", Text: "connection reset"}
)

func queued(ids ...string) []register.Message {
	var all []register.Message
	for i, id := range ids {
		at := time.Now().Add(time.Duration(i) * time.Millisecond)
		all = append(all, register.Message{ID: id, State: register.MessageQueued, QueuedAt: at, NextAt: at, Address: "chair@customer.example"})
	}
	return all
}

// loop runs an outbox in a bubble until what is due has been done, for as long as said.
func loop(t *testing.T, store *memory, srv *server, set Settings, for_ time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), for_)
	defer cancel()
	if err := New(store, srv, set, nil).Run(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestSendsInOrderAndNotFasterThanItsRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(queued("c", "a", "b")...)
		srv := &server{answer: always(taken)}
		loop(t, store, srv, Settings{Gap: 6 * time.Second}, time.Hour)
		if diff := cmp.Diff([]string{"c", "a", "b"}, srv.given); diff != "" {
			t.Error(diff)
		}
		for i := 1; i < len(srv.at); i++ {
			if gap := srv.at[i].Sub(srv.at[i-1]); gap != 6*time.Second {
				t.Errorf("gap %s", gap)
			}
		}
		if diff := cmp.Diff([]string{"a sent 1", "b sent 1", "c sent 1"}, store.states()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{`c {"state":"sent"}`, `a {"state":"sent"}`, `b {"state":"sent"}`}, store.told()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhatIsDueLaterWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		m := queued("a")[0]
		m.NextAt = start.Add(10 * time.Minute)
		store, srv := newMemory(m), &server{answer: always(taken)}
		loop(t, store, srv, Settings{}, time.Hour)
		if len(srv.at) != 1 || !srv.at[0].Equal(m.NextAt) {
			t.Errorf("sent at %v", srv.at)
		}
	})
}

// TestRestsIsTold: whoever watches the loop knows until when it will not look, also while a server that cannot be reached holds everything back
// for half an hour; it is never silent beyond that.
func TestRestsIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, srv := newMemory(queued("a")...), &server{answer: always(down)}
		until, longest := time.Now(), time.Duration(0)
		set := Settings{Rests: func(next time.Time) {
			if late := time.Since(until); late > 0 {
				t.Errorf("it looked %s later than it had said", late)
			}
			longest = max(longest, time.Until(next))
			until = next
		}}
		loop(t, store, srv, set, 12*time.Hour)
		if longest != 30*time.Minute || time.Now().After(until) {
			t.Errorf("it rested for %s at most, and last until %s", longest, until)
		}
	})
}

func TestWakeIsHeardAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, srv := newMemory(), &server{answer: always(taken)}
		o := New(store, srv, Settings{Poll: time.Hour}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- o.Run(ctx) }()
		synctest.Wait()
		store.mu.Lock()
		store.messages["a"] = queued("a")[0]
		store.mu.Unlock()
		began := time.Now()
		o.Wake()
		o.Wake()
		synctest.Wait()
		if len(srv.at) != 1 || !srv.at[0].Equal(began) {
			t.Errorf("sent at %v, woken at %v", srv.at, began)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestATemporaryRefusalHoldsBackOnlyItsMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		store := newMemory(queued("a", "b")...)
		srv := &server{answer: func(_ context.Context, m register.Message) Answer {
			if m.ID == "a" && m.Attempts < 5 {
				return later
			}
			return taken
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		o := New(store, srv, Settings{MaxBackoff: 2 * time.Minute}, nil)
		if err := o.Run(ctx); err != nil {
			t.Fatal(err)
		}
		// What a person sees while it waits.
		m := store.message("a")
		if m.State != register.MessageQueued || m.Attempts != 1 || m.LastError != later.Text || !m.NextAt.Equal(start.Add(30*time.Second)) {
			t.Errorf("while waiting: %+v", m)
		}
		if got := store.message("b").State; got != register.MessageSent {
			t.Errorf("b is %s", got)
		}
		loop(t, store, srv, Settings{MaxBackoff: 2 * time.Minute}, time.Hour)
		var gaps []time.Duration
		var last time.Time
		for i, id := range srv.given {
			if id != "a" {
				continue
			}
			if !last.IsZero() {
				gaps = append(gaps, srv.at[i].Sub(last))
			}
			last = srv.at[i]
		}
		want := []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 2 * time.Minute}
		if diff := cmp.Diff(want, gaps); diff != "" {
			t.Errorf("waits: %s", diff)
		}
		if m := store.message("a"); m.State != register.MessageSent || m.Attempts != 5 || m.LastError != "" {
			t.Errorf("in the end: %+v", m)
		}
	})
}

func TestAServerThatIsDownHoldsBackTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		up := start.Add(10 * time.Minute)
		store := newMemory(queued("a", "b", "c", "d")...)
		srv := &server{answer: func(context.Context, register.Message) Answer {
			if time.Now().Before(up) {
				return down
			}
			return taken
		}}
		loop(t, store, srv, Settings{}, 2*time.Hour)
		for id := range store.messages {
			if m := store.message(id); m.State != register.MessageSent {
				t.Errorf("%s is %s", id, m.State)
			}
		}
		// 0, 30 s, 1.5, 3.5, 7.5 minutes find it down; the one at 15.5 minutes finds it up, and then all go at the rate.
		if len(srv.at) != 5+4 {
			t.Fatalf("%d attempts at %v", len(srv.at), srv.at)
		}
		if got := srv.at[5].Sub(start); got != 15*time.Minute+30*time.Second {
			t.Errorf("first success after %s", got)
		}
		if got := srv.at[8].Sub(srv.at[5]); got != 3*time.Second {
			t.Errorf("the rest took %s", got)
		}
	})
}

func TestPermanentAndUncertainAreNeverSentAgainByThemselves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(queued("gone", "lost", "odd", "fine")...)
		answers := map[string]Answer{"gone": refused, "lost": lost, "odd": {Outcome: "no such outcome", Brief: "odd"}, "fine": taken}
		srv := &server{answer: func(_ context.Context, m register.Message) Answer { return answers[m.ID] }}
		loop(t, store, srv, Settings{}, 24*time.Hour)
		loop(t, store, srv, Settings{}, 24*time.Hour)
		if diff := cmp.Diff([]string{"fine sent 1", "gone failed 1", "lost uncertain 1", "odd uncertain 1"}, store.states()); diff != "" {
			t.Error(diff)
		}
		if len(srv.given) != 4 {
			t.Errorf("given %v", srv.given)
		}
		if m := store.message("gone"); m.LastError != refused.Text || m.FinishedAt.IsZero() {
			t.Errorf("%+v", m)
		}
		// The server's words name the recipient: they stay with the message and never reach the journal.
		if all := strings.Join(store.told(), "\n"); strings.Contains(all, "customer.example") || !strings.Contains(all, "permanent at to: 550") {
			t.Errorf("journal: %s", all)
		}
	})
}

func TestALostWordSlowsTheQueueDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		for i := range 50 {
			ids = append(ids, fmt.Sprintf("m%02d", i))
		}
		store, srv := newMemory(queued(ids...)...), &server{answer: always(lost)}
		loop(t, store, srv, Settings{}, time.Hour)
		if n := len(srv.given); n > 7 {
			t.Errorf("%d messages became uncertain within an hour", n)
		}
	})
}

func TestGivenUpAfterItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, answer := range map[string]Answer{"message": later, "server": down} {
			store, srv := newMemory(queued("a")...), &server{answer: always(answer)}
			loop(t, store, srv, Settings{GiveUpAfter: 3 * time.Hour}, 24*time.Hour)
			m := store.message("a")
			if m.State != register.MessageFailed || !strings.HasPrefix(m.LastError, fmt.Sprintf("given up after %d attempts", m.Attempts)) || m.Attempts < 5 {
				t.Errorf("%s: %+v", name, m)
			}
			if told := store.told(); len(told) != 1 || !strings.Contains(told[0], "given up") {
				t.Errorf("%s: journal %v", name, told)
			}
		}
	})
}

func TestStoppingLetsTheAttemptUnderWayFinish(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		need time.Duration // how long the server needs
		want string
	}{
		{"within the grace", 5 * time.Second, "a sent 1"},
		{"beyond the grace", time.Minute, "a uncertain 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newMemory(queued("a", "b")...)
				srv := &server{answer: func(ctx context.Context, _ register.Message) Answer {
					select {
					case <-time.After(c.need):
						return taken
					case <-ctx.Done():
						return lost
					}
				}}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				if err := New(store, srv, Settings{}, nil).Run(ctx); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took > 11*time.Second {
					t.Errorf("stopping took %s", took)
				}
				if diff := cmp.Diff([]string{c.want, "b queued 0"}, store.states()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestNothingIsSentThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, srv := newMemory(queued("a", "b")...), &server{answer: always(taken)}
		store.breakAt = 1
		if err := New(store, srv, Settings{}, nil).Run(t.Context()); !errors.Is(err, errDisk) {
			t.Errorf("got %v", err)
		}
		if len(srv.given) != 0 {
			t.Errorf("sent %v", srv.given)
		}
		store.commits, store.breakAt = 0, 2
		if err := New(store, srv, Settings{}, nil).Run(t.Context()); !errors.Is(err, errDisk) {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff([]string{"a"}, srv.given); diff != "" {
			t.Error(diff)
		}
	})
}

// The program ends at every single write, again and again: no message is handed over twice, none is lost, and a person
// is asked about exactly those that were cut off.
func TestCrashAtEveryWrite(t *testing.T) {
	t.Parallel()
	for crashAt := 1; crashAt <= 12; crashAt++ {
		synctest.Test(t, func(t *testing.T) {
			store := newMemory(queued("a", "b", "c", "d", "e")...)
			srv := &server{answer: always(taken)}
			restarts := 0
			for ; restarts < 50; restarts++ {
				store.commits, store.breakAt = 0, crashAt
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				err := New(store, srv, Settings{}, nil).Run(ctx)
				cancel()
				if err == nil {
					break
				}
				if !errors.Is(err, errDisk) {
					t.Fatal(err)
				}
				if crashAt < 2 {
					break // nothing can ever be written
				}
			}
			given := map[string]int{}
			for _, id := range srv.given {
				if given[id]++; given[id] > 1 {
					t.Errorf("crash at write %d: %s was handed over twice", crashAt, id)
				}
			}
			for id := range store.messages {
				m := store.message(id)
				switch {
				case crashAt < 2 && m.State == register.MessageQueued && given[id] == 0:
				case m.State == register.MessageSent && given[id] == 1:
				case m.State == register.MessageUncertain && m.Attempts == 1:
				default:
					t.Errorf("crash at write %d after %d restarts: %s is %s, handed over %d times", crashAt, restarts, id, m.State, given[id])
				}
			}
		})
	}
}

func TestWhatWasInFlightBecomesUncertain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := queued("a")[0]
		m.State, m.Attempts = register.MessageSending, 1
		store, srv := newMemory(m), &server{answer: always(taken)}
		for range 3 {
			loop(t, store, srv, Settings{}, time.Hour)
		}
		if diff := cmp.Diff([]string{"a uncertain 1"}, store.states()); diff != "" {
			t.Error(diff)
		}
		if len(srv.given) != 0 || len(store.told()) != 1 || !strings.Contains(store.told()[0], `"uncertain"`) {
			t.Errorf("given %v, told %v", srv.given, store.told())
		}
	})
}

func TestSettle(t *testing.T) {
	t.Parallel()
	person := journal.Actor{Seat: "kombit/cutover-manager", Person: "p-1", EnteredBy: "p-1", Via: journal.ViaConsole}
	for _, c := range []struct {
		from, to register.MessageState
		after    register.MessageState // once the loop has run on; "" = Settle refuses
	}{
		{register.MessageUncertain, register.MessageQueued, register.MessageSent},
		{register.MessageUncertain, register.MessageSent, register.MessageSent},
		{register.MessageUncertain, register.MessageFailed, register.MessageFailed},
		{register.MessageFailed, register.MessageQueued, register.MessageSent},
		{register.MessageQueued, register.MessageFailed, register.MessageFailed},
		{register.MessageQueued, register.MessageSending, ""},
		{register.MessageQueued, register.MessageSent, ""},
		{register.MessageSending, register.MessageQueued, ""},
		{register.MessageSent, register.MessageQueued, ""},
		{register.MessageFailed, register.MessageUncertain, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := queued("a")[0]
			m.State = c.from
			store, srv := newMemory(m), &server{answer: always(taken)}
			err := New(store, srv, Settings{}, nil).Settle(t.Context(), "a", Word{c.to, person, "asked them"}, time.Now())
			if (err == nil) != (c.after != "") {
				t.Fatalf("%s to %s: %v", c.from, c.to, err)
			}
			if err != nil && !errors.Is(err, ErrNotNow) && c.from != register.MessageSent {
				t.Errorf("%s to %s: %v", c.from, c.to, err)
			}
			if c.after == "" {
				if got := store.message("a").State; got != c.from || len(store.events) != 0 {
					t.Errorf("%s to %s was refused and yet it is %s", c.from, c.to, got)
				}
				return
			}
			if e := store.events[0]; e.Kind != register.MessageSettled || e.Actor != person || e.Subject != "a" || !strings.Contains(string(e.Body), `"asked them"`) {
				t.Errorf("event %+v", e)
			}
			loop(t, store, srv, Settings{}, time.Hour)
			if got := store.message("a").State; got != c.after {
				t.Errorf("%s to %s: in the end %s", c.from, c.to, got)
			}
		})
	}
	err := New(newMemory(), &server{}, Settings{}, nil).Settle(t.Context(), "x", Word{register.MessageQueued, person, "asked them"}, time.Unix(1, 0))
	if !errors.Is(err, ErrNoMessage) {
		t.Errorf("unknown message: %v", err)
	}
}

func TestAMessageSettledMeanwhileIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, srv := newMemory(queued("a", "b")...), &server{answer: always(taken)}
		racing := &racingStore{memory: store}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := New(racing, srv, Settings{}, nil).Run(ctx); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a failed 0", "b sent 1"}, store.states()); diff != "" {
			t.Error(diff)
		}
	})
}

// racingStore lets somebody give up message a between the loop's look at it and its move.
type racingStore struct {
	*memory
	once sync.Once
}

func (s *racingStore) Commit(ctx context.Context, b register.Batch) error {
	s.once.Do(func() {
		_ = s.memory.Commit(ctx, register.Batch{MessageMoves: []register.MessageMove{
			{ID: "a", From: register.MessageQueued, To: register.MessageFailed, At: time.Now()}}})
	})
	return s.memory.Commit(ctx, b)
}
