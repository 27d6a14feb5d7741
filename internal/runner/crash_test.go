package runner_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/internal/store"
)

// crashBooks is a small run with a step of every kind, a gate, parallel steps, one that is verified, one that is tried again
// by itself and one whose process tells its number.
var crashBooks = map[string]string{
	"small": `
  stop: {owner: sse/operator, manual: Stop, verify: [cert], change: transition}
  turn: {needs: [stop], after_gate: go, owner: ibm/operator, command: [./turn], switches: [gateway]}
  look: {needs: [turn], check: {suite: readiness, pairs: ok}}
  post: {needs: [turn], owner: ibm/operator, http: {method: POST, url: "https://api.example/flip"}}
  poll: {needs: [turn], http: {url: "https://api.example/state"}, repeatable: true, on_failure: retry}
  copy: {needs: [look], owner: sse/operator, repeatable: false, sftp_copy: {from: {service: sftp, side: old, user: u, key: env:K, host_key: ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}, to: {service: sftp, side: new, user: u, key: env:K, host_key: ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}}}
  doze: {needs: [copy, post, poll], wait: 10m}
  in: {needs: [doze], runbook: inner}
  tell: {needs: [in], message: {audience: steering, report: weekly}}
`,
	"inner": "  shut: {owner: ibm/operator, command: [./shut], closes: [gateway]}\n  sign: {needs: [shut], owner: ibm/operator, manual: Sign}\n",
}

// remains is what a crash leaves: the data directory, what had really been done, and what had been acknowledged.
type remains struct {
	at    string
	dir   string
	calls []string
	acked []runner.Reply
	noted []runner.Launch
	now   time.Time
}

// coroner keeps remains at the points where it is asked.
type coroner struct {
	mu   sync.Mutex
	t    *testing.T // outlives the bubble
	root string
	kept []remains
}

func (c *coroner) keep(w *world, at string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	dir := filepath.Join(c.root, fmt.Sprintf("%03d", len(c.kept)))
	if err := os.Mkdir(dir, 0o700); err != nil {
		c.t.Error(err)
	}
	for _, name := range []string{"skift.db", "skift.db-wal"} {
		b, err := os.ReadFile(filepath.Join(w.dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
		}
		if err != nil {
			c.t.Error(err)
		}
	}
	w.ackedMu.Lock()
	defer w.ackedMu.Unlock()
	c.kept = append(c.kept, remains{at, dir, w.actions.made(), slices.Clone(w.acked), w.launches.all(), time.Now()})
}

// life runs the small run from what a crash left to its end, keeping remains at every write and in every effect.
func life(t *testing.T, p *plan.Plan, from remains, c *coroner) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if !from.now.IsZero() {
			time.Sleep(time.Until(from.now.Add(time.Minute))) // a restart takes a moment
		}
		w := newWorld(t, p)
		w.dir, w.actions.calls, w.acked, w.launches.kept = from.dir, slices.Clone(from.calls), slices.Clone(from.acked), slices.Clone(from.noted)
		if c != nil {
			w.options = store.Options{
				BeforeCommit: func(n int64) { c.keep(w, fmt.Sprintf("before write %d", n)) },
				AfterCommit:  func(n int64) { c.keep(w, fmt.Sprintf("after write %d", n)) },
			}
		}
		w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
			if c != nil {
				c.keep(w, "in "+e.Step.ID)
			}
			if e.Step.Kind == "command" {
				if err := e.Launched(4711, "boot"); err != nil {
					return runner.Outcome{Uncertain: true}, err
				}
				if c != nil {
					c.keep(w, "beside the process of "+e.Step.ID)
				}
			}
			return runner.Outcome{OK: true, Summary: "fine", Output: []byte("said")}, nil
		})
		w.start()
		if !w.runState("small-1").Final() || w.runState("small-1") == "" {
			w.begin("small") // the same command goes on with it
		}
		people(w)
		w.wantRun("small-1", run.RunDone)
		w.wantRun("inner-1", run.RunDone)
		done := map[string]int{}
		for _, call := range w.actions.made() {
			done[effectOf(call)]++
		}
		for _, once := range []string{"small-1/turn", "small-1/post", "small-1/copy", "inner-1/shut"} {
			if done[once] != 1 {
				t.Errorf("%s was done %d times: %v", once, done[once], w.actions.made())
			}
		}
		if done["small-1/poll"] < 1 {
			t.Error("poll was never done")
		}
		mails, err := w.store.Messages(context.Background(), register.MessageFilter{})
		if err != nil || len(mails) != 1 {
			t.Errorf("%d mails, %v", len(mails), err)
		}
		if w.phase("prod", "gateway") != "closed" {
			t.Errorf("gateway is %s", w.phase("prod", "gateway"))
		}
		w.end()
	})
}

func effectOf(call string) string {
	for i := range call {
		if call[i] == '#' {
			return call[:i]
		}
	}
	return call
}

// people do what is asked of them until nothing is left: they answer, vote, and say of an uncertain step whether it happened,
// which they can see and skift cannot.
func people(w *world) {
	for range 100 {
		asked, open := wishes(w)
		if !open {
			return
		}
		if len(asked) == 0 {
			time.Sleep(time.Minute)
			synctest.Wait()
			continue
		}
		w.do(asked[0])
	}
	w.t.Error("it does not come to an end")
}

func wishes(w *world) (asked []runner.Command, open bool) {
	w.facts(func(f *ledger.Facts) {
		if g := f.Register.Gate(register.GateKey{Gate: "go"}); g.Round > 0 && g.Decision == nil {
			for _, seat := range []string{ibm, sse} {
				if g.Votes[seat].Answer == "" {
					asked = append(asked, vote("go", "ready", seat))
				}
			}
			asked = append(asked, vote("go", "go", chair))
		}
		for _, id := range f.Runs.Order {
			r := f.Runs.Runs[id]
			open = open || !r.State.Final()
			for _, sid := range r.Order {
				st, seat := r.Steps[sid], r.Steps[sid].Owner
				if seat == "" {
					seat = manager
				}
				switch st.State {
				case run.WaitingForPerson:
					asked = append(asked, w.step(id, sid, "done", seat, ""))
				case run.Uncertain:
					answer := "retry"
					if slices.Contains(w.actions.made(), fmt.Sprintf("%s/%s#%d", id, sid, st.Attempt)) {
						answer = "done"
					}
					asked = append(asked, w.step(id, sid, answer, seat, "looked at it"))
				case run.Failed:
					asked = append(asked, w.step(id, sid, "retry", seat, "again"))
				}
			}
		}
	})
	return asked, open
}

// TestCrash ends the process before and after every write and inside every effect, and lets the next one go on: whatever was
// acknowledged is there, nothing is done twice, and every life ends in the same place.
func TestCrash(t *testing.T) {
	t.Parallel()
	p := load(t, base, crashBooks)
	c := &coroner{t: t, root: t.TempDir()}
	life(t, p, remains{dir: t.TempDir()}, c)
	if len(c.kept) < 40 {
		t.Errorf("only %d crashes: the run is too small", len(c.kept))
	}
	for _, left := range c.kept {
		t.Run(left.at, func(t *testing.T) {
			t.Parallel()
			life(t, p, left, nil)
			acknowledged(t, p, left)
		})
	}
}

// acknowledged holds that what was promised before a crash is in the journal after it, as it was promised.
func acknowledged(t *testing.T, p *plan.Plan, left remains) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: left.dir, Plan: p.ID, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	heads := map[string]bool{}
	for _, reply := range left.acked {
		heads[reply.Head] = true
	}
	for head := range heads {
		h, err := journal.ParseHead(head)
		if err != nil {
			t.Fatal(err)
		}
		if report, err := s.Verify(t.Context(), &h); err != nil || !report.OK() {
			t.Errorf("the head %s that was given out: %s, %v", head, report, err)
		}
	}
}

// TestCrashOften lets processes die again and again on the way.
func TestCrashOften(t *testing.T) {
	t.Parallel()
	p := load(t, base, crashBooks)
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 11))
			left := remains{dir: t.TempDir()}
			for range 4 {
				c := &coroner{t: t, root: t.TempDir()}
				life(t, p, left, c)
				left = c.kept[r.IntN(len(c.kept))]
			}
			life(t, p, left, nil)
			acknowledged(t, p, left)
		})
	}
}

// TestRecovery: what each kind of step in flight becomes.
func TestRecovery(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"all": `
  once: {owner: ibm/operator, command: [./x]}
  twice: {owner: ibm/operator, command: [./y], repeatable: true}
  look: {check: cert}
  proof: {owner: ibm/operator, manual: Do, verify: [cert]}
  ask: {owner: ibm/operator, manual: Do}
  doze: {wait: 1h}
`}, func(w *world) {
		w.actions.will(blocking("once", "twice"))
		w.sweeper.will(func(ctx context.Context, _ runner.Sweep) (runner.Swept, error) {
			<-ctx.Done()
			return runner.Swept{}, context.Cause(ctx)
		})
		id := w.begin("all")
		w.say(id, "proof", "done", ibm)
		w.wantSteps(id, "once", "running", "twice", "running", "look", "running", "proof", "verifying", "ask", "waiting-for-person", "doze", "running")
		before := w.stepFacts(id, "doze").DueAt
		w.crash()
		w.actions.will(nil)
		w.sweeper.will(nil)
		w.start()
		w.wantSteps(id, "once", "uncertain", "twice", "done", "look", "done", "proof", "done", "ask", "waiting-for-person", "doze", "running")
		w.wantRun(id, run.RunHeld)
		if !w.stepFacts(id, "doze").DueAt.Equal(before) || w.stepFacts(id, "twice").Attempt != 2 || w.stepFacts(id, "proof").By.Seat != ibm {
			t.Error("a restart changed what was settled before it")
		}
		w.say(id, "once", "done", ibm)
		w.wantRun(id, run.RunRunning)
	})
}

// TestCommandWhileStarting: a command that arrives while a process takes up what was left starts nothing that it then takes
// for left behind.
func TestCommandWhileStarting(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  go: {owner: ibm/operator, command: [./x]}\n  more: {needs: [go], owner: ibm/operator, command: [./y]}\n"}, func(w *world) {
		for range 20 {
			if err := w.kill(); err != nil {
				t.Fatal(err)
			}
			w.open()
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- w.r.Run(ctx, nil) }()
			reply, err := w.r.Do(ctx, runner.Command{Do: runner.DoStart, Runbook: "one"})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			w.wantRun(reply.Run, run.RunDone)
			cancel()
			s := w.store
			w.kill = func() error { return errors.Join(<-ended, s.Close()) }
		}
	})
}

// TestRecoveryBesideALivingProcess: a repeatable step is not begun again while the process of its last attempt lives.
func TestRecoveryBesideALivingProcess(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  twice: {owner: ibm/operator, command: [./y], repeatable: true}\n"}, func(w *world) {
		w.actions.will(func(ctx context.Context, e runner.Effect) (runner.Outcome, error) {
			if err := e.Launched(42, "boot"); err != nil {
				return runner.Outcome{}, err
			}
			<-ctx.Done()
			return runner.Outcome{Uncertain: true}, context.Cause(ctx)
		})
		id := w.begin("one")
		w.crash()
		w.actions.alive.Store(true)
		w.start()
		w.wantSteps(id, "twice", "uncertain")
		if n := len(w.actions.made()); n != 1 {
			t.Errorf("begun %d times", n)
		}
	})
}

// crash leaves the data directory as it is at this instant and goes on with a copy of it.
func (w *world) crash() {
	w.t.Helper()
	c := &coroner{t: w.t, root: w.t.TempDir()}
	c.keep(w, "now")
	if err := w.kill(); err != nil {
		w.t.Fatal(err)
	}
	w.dir = c.kept[0].dir
}

// TestStorageFails: a process that cannot write does nothing more.
func TestStorageFails(t *testing.T) {
	t.Parallel()
	p := load(t, base, map[string]string{"two": "  a: {owner: ibm/operator, manual: A}\n  b: {needs: [a], owner: ibm/operator, command: [./b]}\n"})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p)
		w.open()
		s := &brittle{Store: ledgerStore{w.store}}
		head, err := w.store.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		l, err := ledger.Open(t.Context(), p.ID, s, head)
		if err != nil {
			t.Fatal(err)
		}
		w.ledger = l
		w.r = w.runnerOn(l)
		ended := make(chan error, 1)
		go func() { ended <- w.r.Run(t.Context(), nil) }()
		synctest.Wait()
		id := w.begin("two")
		s.broken.Store(true)
		if _, err := w.try(w.step(id, "a", "done", ibm, "")); !errors.Is(err, ledger.ErrBroken) {
			t.Errorf("acknowledged, or another error: %v", err)
		}
		time.Sleep(time.Minute)
		if err := <-ended; !errors.Is(err, ledger.ErrBroken) {
			t.Errorf("the runner ended with %v", err)
		}
		if n := len(w.actions.made()); n != 0 {
			t.Errorf("%d effects after the journal broke", n)
		}
	})
}

// brittle is a store that fails from some moment on.
type brittle struct {
	ledger.Store
	broken atomic.Bool
}

func (b *brittle) Commit(ctx context.Context, batch register.Batch) (journal.Head, int64, error) {
	if b.broken.Load() {
		return journal.Head{}, 0, storageError{errors.New("no disk")}
	}
	return b.Store.Commit(ctx, batch)
}

type storageError struct{ error }

func (storageError) StorageFailed() bool { return true }
