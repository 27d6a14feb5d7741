package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skift/internal/queue"
	"skift/internal/register"
	"skift/internal/store"
	"skift/internal/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

// makers are the queues there are.
var makers = map[string]func(testing.TB, *store.Store, queue.Handler) queue.Queue{
	"inline": func(_ testing.TB, _ *store.Store, h queue.Handler) queue.Queue {
		return queue.NewInline(h, slog.New(slog.DiscardHandler))
	},
	"river": func(t testing.TB, s *store.Store, h queue.Handler) queue.Queue {
		q, err := queue.NewRiver(s, h, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return q
	},
}

// process is a store with its queue, and what the queue has done.
type process struct {
	t     testing.TB
	store *store.Store
	queue queue.Queue
	first func(context.Context, register.Job) // before a job is noted; nil = nothing
	stop  func()

	mu   sync.Mutex
	did  []string
	more chan struct{}
}

// open starts nothing yet.
func open(t testing.TB, kind, dir string) *process {
	t.Helper()
	p := &process{t: t, store: storetest.Open(t, store.Options{Dir: dir, Plan: storetest.Plan, Moved: true}), more: make(chan struct{}, 1), stop: func() {}}
	p.queue = makers[kind](t, p.store, p.work)
	p.store.Carry(p.queue)
	return p
}

func name(j register.Job) string { return j.Schedule + j.Message }

func (p *process) work(ctx context.Context, j register.Job) {
	if p.first != nil {
		p.first(ctx, j)
	}
	p.mu.Lock()
	p.did = append(p.did, name(j))
	p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// run starts the queue; stop ends it.
func (p *process) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.queue.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			p.t.Error(err)
		}
		p.store.Carry(nil)
	})
	p.t.Cleanup(p.stop)
}

// put commits jobs that stand for themselves.
func (p *process) put(names ...string) {
	p.t.Helper()
	var b register.Batch
	for _, n := range names {
		b.Jobs = append(b.Jobs, register.Job{Schedule: n, At: storetest.Epoch})
	}
	storetest.Must(p.t, p.store, b)
}

// until waits for something that comes with a job.
func (p *process) until(what string, holds func(did []string) bool) {
	p.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		p.mu.Lock()
		did := slices.Clone(p.did)
		p.mu.Unlock()
		if holds(did) {
			return
		}
		select {
		case <-p.more:
		case <-late.C:
			p.t.Fatalf("%s did not come: %d done, the last %v", what, len(did), did[max(0, len(did)-10):])
		}
	}
}

func (p *process) done(names ...string) {
	p.t.Helper()
	p.until(fmt.Sprint(names), func(did []string) bool {
		for _, n := range names {
			if !slices.Contains(did, n) {
				return false
			}
		}
		return true
	})
}

func (p *process) times(n string) (times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.did {
		if d == n {
			times++
		}
	}
	return times
}

// both runs a test over every queue.
func both(t *testing.T, test func(t *testing.T, kind string)) {
	t.Helper()
	t.Parallel()
	for kind := range makers {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, kind)
		})
	}
}

func claimed(schedule string) register.Slot {
	return register.Slot{Schedule: schedule, At: storetest.Epoch, State: register.SlotClaimed, ClaimedAt: storetest.Epoch}
}

// TestEachRowHasItsJob: a slot that is claimed, a message that is queued or queued again, and what a batch names.
func TestEachRowHasItsJob(t *testing.T) {
	both(t, func(t *testing.T, kind string) {
		p := open(t, kind, t.TempDir())
		missed := claimed("missed")
		missed.State, missed.FinishedAt = register.SlotMissed, storetest.Epoch
		storetest.Must(t, p.store, register.Batch{Slots: []register.Slot{claimed("slot"), missed}, Messages: []register.Message{storetest.Message("mail")}})
		p.put("milestone")
		p.run()
		p.done("slot", "mail", "milestone")
		storetest.Must(t, p.store, register.Batch{MessageMoves: []register.MessageMove{{ID: "mail", From: register.MessageQueued, To: register.MessageSending, At: time.Now()}}})
		storetest.Must(t, p.store, register.Batch{MessageMoves: []register.MessageMove{{ID: "mail", From: register.MessageSending, To: register.MessageQueued, At: time.Now(), NextAt: time.Now()}}})
		p.until("the second job of the mail", func([]string) bool { return p.times("mail") == 2 })
		p.put("last")
		p.done("last")
		for _, n := range []string{"slot", "milestone", "last"} {
			if p.times(n) != 1 {
				t.Errorf("%s was done %d times", n, p.times(n))
			}
		}
		if p.times("missed") != 0 {
			t.Error("a slot that was missed is worked")
		}
	})
}

// TestRolledBack: what was refused leaves no job, alone or beside others in one transaction.
func TestRolledBack(t *testing.T) {
	both(t, func(t *testing.T, kind string) {
		p := open(t, kind, t.TempDir())
		p.run()
		storetest.Must(t, p.store, register.Batch{Slots: []register.Slot{claimed("taken")}})
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				b := register.Batch{Jobs: []register.Job{{Schedule: fmt.Sprintf("good-%d", i)}}}
				if i%2 == 0 {
					b = register.Batch{Slots: []register.Slot{claimed("taken")}, Messages: []register.Message{storetest.Message(fmt.Sprintf("bad-%d", i))},
						Jobs: []register.Job{{Schedule: "bad"}}}
				}
				if _, err := p.store.Commit(t.Context(), b); (i%2 == 0) != errors.Is(err, store.ErrSlotTaken) {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		wg.Wait()
		p.put("last")
		p.until("the good ones", func(did []string) bool { return len(did) >= 22 })
		p.stop()
		for _, d := range p.did {
			if d[:3] == "bad" {
				t.Errorf("%s was done, and was never stored", d)
			}
		}
		if len(p.did) != 22 {
			t.Errorf("%d jobs were done, want 22", len(p.did))
		}
	})
}

// TestTheSameJobTwice: both come, and the row decides.
func TestTheSameJobTwice(t *testing.T) {
	both(t, func(t *testing.T, kind string) {
		p := open(t, kind, t.TempDir())
		won := make(chan error, 3)
		p.first = func(ctx context.Context, j register.Job) {
			if j.Schedule != "slot" {
				return
			}
			_, err := p.store.Commit(context.WithoutCancel(ctx), register.Batch{SlotMoves: []register.SlotMove{{Schedule: j.Schedule, At: j.At,
				From: register.SlotClaimed, To: register.SlotDone, FinishedAt: time.Now()}}})
			won <- err
		}
		p.run()
		storetest.Must(t, p.store, register.Batch{Slots: []register.Slot{claimed("slot")}})
		p.put("slot", "slot")
		p.until("three", func([]string) bool { return p.times("slot") == 3 })
		ok := 0
		for range 3 {
			switch err := <-won; {
			case err == nil:
				ok++
			case !errors.Is(err, store.ErrConflict):
				t.Error(err)
			}
		}
		if ok != 1 {
			t.Errorf("the row was done %d times", ok)
		}
	})
}

// TestWhatIsPutOff: a message comes when it is due and not before, however they were put.
func TestWhatIsPutOff(t *testing.T) {
	both(t, func(t *testing.T, kind string) {
		p := open(t, kind, t.TempDir())
		p.run()
		due := map[string]time.Time{}
		var b register.Batch
		for n, after := range map[string]time.Duration{"late": 3 * time.Second, "soon": 500 * time.Millisecond, "now": 0} {
			m := storetest.Message(n)
			m.NextAt = time.Now().Add(after)
			due[n] = m.NextAt
			b.Messages = append(b.Messages, m)
		}
		p.first = func(_ context.Context, j register.Job) {
			if early := time.Until(due[j.Message]); early > 5*time.Millisecond { // River keeps milliseconds
				t.Errorf("%s came %s too early", j.Message, early)
			}
		}
		storetest.Must(t, p.store, b)
		p.done("late", "soon", "now")
		if !slices.Equal(p.did, []string{"now", "soon", "late"}) {
			t.Errorf("they came as %v", p.did)
		}
	})
}

// TestStop: who is at work is told and waited for, and nothing is begun any more.
func TestStop(t *testing.T) {
	both(t, func(t *testing.T, kind string) {
		p := open(t, kind, t.TempDir())
		begun, told := make(chan struct{}), false
		p.first = func(ctx context.Context, j register.Job) {
			if j.Schedule == "long" {
				close(begun)
				<-ctx.Done()
				told = true
			}
		}
		p.run()
		p.put("long")
		<-begun
		p.stop()
		if !told || p.times("long") != 1 {
			t.Error("the queue ended before its job")
		}
		p.store.Carry(p.queue)
		p.put("after")
		if p.times("after") != 0 {
			t.Error("a job was done after the end")
		}
	})
}

// TestAPanic: a bug in a job spoils that one.
func TestAPanic(t *testing.T) {
	both(t, func(t *testing.T, kind string) {
		p := open(t, kind, t.TempDir())
		p.first = func(_ context.Context, j register.Job) {
			if j.Schedule == "bug" {
				panic("index out of range")
			}
		}
		p.run()
		p.put("bug", "one")
		p.put("two")
		p.done("one", "two")
	})
}

// TestAThousandJobs: from many at once, each once.
func TestAThousandJobs(t *testing.T) {
	both(t, func(t *testing.T, kind string) {
		p := open(t, kind, t.TempDir())
		p.run()
		var wg sync.WaitGroup
		for g := range 10 {
			wg.Go(func() {
				for c := range 10 {
					var b register.Batch
					for n := range 10 {
						b.Jobs = append(b.Jobs, register.Job{Schedule: fmt.Sprintf("%d", 100*g+10*c+n)})
					}
					if _, err := p.store.Commit(t.Context(), b); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		p.until("the thousandth", func(did []string) bool { return len(did) >= 1000 })
		p.stop()
		slices.Sort(p.did)
		if n := len(slices.Compact(p.did)); n != 1000 {
			t.Errorf("%d different jobs were done", n)
		}
	})
}

// TestCrash copies the database between commit and work, and between work and its end, and goes on with the copy: a job of a process that is
// gone does not come by itself, is not in the way, and comes when its row has it put again.
func TestCrash(t *testing.T) {
	both(t, func(t *testing.T, kind string) {
		dir := t.TempDir()
		p := open(t, kind, dir)
		copies := map[string]string{}
		p.first = func(context.Context, register.Job) { copies["between work and its end"] = copied(t, dir) }
		storetest.Must(t, p.store, register.Batch{Slots: []register.Slot{claimed("slot")}})
		copies["between commit and work"] = copied(t, dir)
		p.run()
		p.done("slot")
		p.stop()
		for when, at := range copies {
			q := open(t, kind, at)
			q.run()
			q.put("beside")
			q.done("beside")
			if q.times("slot") != 0 {
				t.Errorf("%s: the job of a process that is gone came by itself", when)
			}
			open, err := q.store.Claimed(t.Context())
			if err != nil || len(open) != 1 {
				t.Fatalf("%s: claimed %v, %v", when, open, err)
			}
			q.put(open[0].Schedule)
			q.done("slot")
			q.stop()
		}
	})
}

// copied is the database as a crash would leave it now.
func copied(t testing.TB, dir string) string {
	to := t.TempDir()
	for _, name := range []string{"skift.db", "skift.db-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), b, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}
	return to
}
