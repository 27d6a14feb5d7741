//go:build linux

package app_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"skift/checks"
	"skift/config"
	"skift/internal/app"
	"skift/internal/matrix"
	"skift/internal/outbox"
	"skift/internal/register"
	"skift/internal/store"
)

// The whole shipped plan is lived through from before its first milestone to after its last: by the loops that `skift serve` runs and an
// SQLite file, in a bubble, where months take seconds. Nothing of the plan is changed; only what answers for the platforms, who takes the
// mails and the people are played.

var (
	wholeBegins = time.Date(2019, 5, 20, 6, 0, 0, 0, time.UTC)
	wholeEnds   = time.Date(2020, 2, 20, 6, 0, 0, 0, time.UTC)
)

// transition is one simulation of the plan: what outlives a process.
type transition struct {
	t     *testing.T
	plan  string // its directory
	data  string
	lives int
	done  int  // how many of the story's deeds
	slept bool // for longer than a person takes
	story story
	fate  func(at time.Time, nth int, after bool) (dies bool, down time.Duration) // nil = nothing ever dies

	mu    sync.Mutex
	mails map[string]int    // by id: how often a server took it
	sent  map[string][]byte // by id, where a story looks at them
	asked int64
	wound func() // ends the process that runs
}

// newTransition puts the shipped plan into a directory, as `skift init` does.
func newTransition(t *testing.T, s story) *transition {
	t.Helper()
	w := &transition{t: t, plan: roomy(t), story: s, mails: map[string]int{}}
	shipped, ok := config.Plan("serviceplatformen")
	if !ok {
		t.Fatal("the plan does not ship")
	}
	if err := os.CopyFS(w.plan, shipped); err != nil {
		t.Fatal(err)
	}
	w.data = filepath.Join(w.plan, "data-1")
	return w
}

// roomy is a folder in memory where there is one: months of commits wait for no disk.
func roomy(t *testing.T) string {
	t.Helper()
	const shm = "/dev/shm"
	var fs unix.Statfs_t
	if err := unix.Statfs(shm, &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < 1<<30 {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(shm, "skift-transition-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Run implements sweeper.Prober: everybody is let in, unless somebody is to be kept out or the story says otherwise.
func (w *transition) Run(_ context.Context, ask checks.Ask) (checks.Result, error) {
	w.mu.Lock()
	w.asked++
	w.mu.Unlock()
	now := time.Now()
	r := checks.Result{Unit: ask.Unit, Outcome: checks.Pass, Code: checks.OK, Want: ask.Want, Facts: map[string]string{checks.FactControl: checks.ControlAnswered},
		StartedAt: now, ValidUntil: now.Add(matrix.MaxAge(ask.Spec)), CheckerVersion: "played/1", ConfigHash: ask.Hash()}
	if ask.Want == checks.Deny {
		r.Outcome, r.Code = checks.Fail, checks.Refused
	}
	if w.story.red != nil && w.story.red(now, ask) {
		r.Outcome, r.Code = checks.Fail, checks.Refused
	}
	r.Verdict = checks.Judge(r.Outcome, r.Code, r.Facts, r.Want)
	return r, nil
}

// Send implements outbox.Sender.
func (w *transition) Send(_ context.Context, m register.Message) outbox.Answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wound == nil { // dead already: nothing leaves any more
		return outbox.Answer{Outcome: outbox.Temporary}
	}
	w.mails[m.ID]++
	if w.sent != nil {
		w.sent[m.ID] = m.Raw
	}
	return outbox.Answer{Outcome: outbox.Sent}
}

// live brings the plan from where it stands to its end, process after process.
func (w *transition) live() {
	w.t.Helper()
	w.liveFrom(wholeBegins)
}

func (w *transition) liveFrom(from time.Time) {
	w.t.Helper()
	for from.Before(w.story.end()) && !w.t.Failed() {
		w.lives++
		next := w.story.end()
		synctest.Test(w.t, func(t *testing.T) {
			time.Sleep(time.Until(from))
			next = w.life(t)
		})
		from = next
	}
}

// life runs one process until the plan's end or its own, and returns when the next begins.
func (w *transition) life(t *testing.T) (next time.Time) {
	next = w.story.end()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dead := make(chan struct{})
	writes, second := 0, int64(0)
	around := func(after bool) func(int64) {
		return func(int64) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.wound == nil || w.fate == nil {
				return
			}
			now := time.Now()
			if writes++; now.Unix() != second {
				writes, second = 0, now.Unix()
			}
			dies, down := w.fate(now, writes, after)
			if !dies {
				return
			}
			left := filepath.Join(w.plan, fmt.Sprintf("data-%d", w.lives+1))
			if err := copyLeft(w.data, left); err != nil {
				t.Error(err)
			}
			next = now.Add(down)
			w.slept = w.slept || down > time.Hour
			w.wound()
		}
	}
	w.mu.Lock()
	w.wound = func() { w.wound = nil; close(dead); cancel() }
	w.mu.Unlock()
	a, err := app.OpenSimulated(ctx, app.Simulated{Options: app.Options{PlanDir: w.plan, DataDir: w.data, Log: slog.New(slog.NewTextHandler(logOf{t}, &slog.HandlerOptions{Level: slog.LevelError}))},
		Copied: true, Before: around(false), After: around(true), Prober: w, Sender: w})
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		return next
	}
	force, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- a.Simulate(ctx, force) }()
	people := &people{t: t, app: a, story: w.story, done: &w.done, arrived: func(mail string) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.mails[mail] > 0
	}}
	people.act(ctx, dead)
	w.mu.Lock()
	died := w.wound == nil
	w.wound = nil
	w.mu.Unlock()
	cancel()
	close(force)
	if err := <-ended; err != nil && !died {
		t.Errorf("the loops ended: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if died {
		os.RemoveAll(w.data)
		w.data = filepath.Join(w.plan, fmt.Sprintf("data-%d", w.lives+1))
	}
	return next
}

// copyLeft copies what is on the disk when a process dies: the database with its log, and what lies beside it.
func copyLeft(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		if rel == store.FileName+"-shm" {
			return nil // memory that the dead shared
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
}

// logOf is the log of a process, told when a test fails.
type logOf struct{ t *testing.T }

func (l logOf) Write(b []byte) (int, error) { l.t.Log(string(b)); return len(b), nil }

// draw is a number in [0, 1) that depends on a seed and a moment alone: the same seed dies at the same moments.
func draw(seed int, at time.Time, nth int, what string) float64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %d %s", seed, at.Unix(), nth, what)
	return float64(h.Sum64()>>11) / (1 << 53)
}

// dying kills around writes that the seed chooses: seldom while months pass, often in the nights of the cut-over; and the next process comes
// up to a minute and a half later.
func dying(seed int) func(time.Time, int, bool) (bool, time.Duration) {
	night := time.Date(2019, 11, 7, 23, 0, 0, 0, time.UTC)
	return func(at time.Time, nth int, after bool) (bool, time.Duration) {
		odds := 1.0 / 1600
		if !at.Before(night) && at.Before(night.Add(60*time.Hour)) {
			odds = 1.0 / 60
		}
		what := "before"
		if after {
			what = "after"
		}
		return draw(seed, at, nth, what) < odds, time.Duration(90 * draw(seed, at, nth, "down") * float64(time.Second))
	}
}

// asleep is dying now and then, but never in the nights, and coming back hours or days later.
func asleep(seed int) func(time.Time, int, bool) (bool, time.Duration) {
	from, until := time.Date(2019, 11, 5, 0, 0, 0, 0, time.UTC), time.Date(2019, 11, 12, 0, 0, 0, 0, time.UTC)
	exit := time.Date(2019, 12, 2, 0, 0, 0, 0, time.UTC)
	return func(at time.Time, nth int, after bool) (bool, time.Duration) {
		if after || at.After(from) && at.Before(until) || at.After(exit) && at.Before(exit.AddDate(0, 0, 5)) {
			return false, 0
		}
		return draw(seed, at, nth, "asleep") < 1.0/800, time.Duration(48 * draw(seed, at, nth, "long") * float64(time.Hour))
	}
}

// decided leaves out what a long sleep may change: which questions and reports were missed, which their own test knows.
func decided(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasPrefix(l, "mail ") || strings.HasPrefix(l, "slot ") })
}

// lived is a life of the plan, told.
func lived(t *testing.T, name string, fate func(time.Time, int, bool) (bool, time.Duration)) []string {
	t.Helper()
	w := newTransition(t, stories[name])
	w.fate = fate
	return w.told(name)
}

func (w *transition) told(name string) []string {
	t := w.t
	t.Helper()
	began := time.Now()
	w.live()
	k := keptIn(t, w.plan, w.data)
	t.Logf("%s: lived in %v by %d processes: %d events, %d slots, %d questions, %d mails", name, time.Since(began).Round(time.Millisecond), w.lives,
		len(k.events), len(k.slots), w.asked, len(k.mails))
	w.expect(k)
	return k.settled(w.mails)
}

// TestWholePlan lives through the shipped plan twice: undisturbed, and by processes that die at random writes and whose successors have what
// is on the disk. What was decided and done is the same. Then its weekend is given other dates, in copies of what there was in its week. SKIFT_PLANS
// asks for more seeds, of every story, and for everything that can come of other dates: `make soak` does.
func TestWholePlan(t *testing.T) {
	if slowed || testing.Short() {
		t.Skip("looks for races: SQLite is thirteen times slower then; or is to be short")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	seeds, names := 1, []string{lateAndRed}
	if text := os.Getenv("SKIFT_PLANS"); text != "" {
		var err error
		if seeds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
		names = slices.Sorted(maps.Keys(stories))
	}
	long := len(names) > 1 // besides, nobody is there for days
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			w := newTransition(t, stories[name])
			inItsWeek := w.copiedAt(replannedFrom)
			want := w.told(name)
			for seed := 1; seed <= seeds && !t.Failed(); seed++ {
				got := lived(t, name, dying(seed))
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("seed %d comes to something else (-undisturbed +killed):\n%s", seed, d)
				}
				if long {
					if d := cmp.Diff(decided(want), decided(lived(t, name, asleep(seed)))); d != "" {
						t.Errorf("seed %d, asleep for days, decides something else (-undisturbed +asleep):\n%s", seed, d)
					}
				}
				if t.Failed() {
					t.Logf("again: SKIFT_PLANS=%d go test ./internal/app -run 'TestWholePlan/%s' -v", seed, strings.ReplaceAll(name, " ", "_"))
				}
			}
			if name == lateAndRed && !t.Failed() {
				replanned(t, inItsWeek)
				t.Run("a no-go, an extension, a back-out and another weekend", func(t *testing.T) { secondTry(t, inItsWeek, seeds) })
			}
		})
	}
}
