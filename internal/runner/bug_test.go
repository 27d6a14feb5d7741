package runner_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"skift/internal/bug"
	"skift/internal/freeze"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
)

// stumbling is a calendar that panics while it is told to.
type stumbling struct {
	calendar
	broken *atomic.Bool
}

func (c stumbling) step() {
	if c.broken.Load() {
		panic("index out of range")
	}
}

func (c stumbling) Freeze(p *plan.Plan, f *register.Facts, q freeze.Question) freeze.Answer {
	c.step()
	return c.calendar.Freeze(p, f, q)
}

func (c stumbling) Moment(p *plan.Plan, f *register.Facts, expr string, now time.Time) (time.Time, bool) {
	c.step()
	return c.calendar.Moment(p, f, expr, now)
}

// stumbles tells a story in a world whose calendar can be broken.
func stumbles(t *testing.T, books map[string]string, fn func(w *world, broken *atomic.Bool)) {
	t.Helper()
	p := load(t, base, books)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p)
		broken := &atomic.Bool{}
		w.dates = stumbling{broken: broken}
		w.start()
		fn(w, broken)
		w.end()
	})
}

func aBug(err error) bool {
	var b *bug.Error
	return errors.As(err, &b)
}

// TestABugInADecision: nothing was decided, who asked is told, and the same command works once the bug is met no more.
func TestABugInADecision(t *testing.T) {
	t.Parallel()
	stumbles(t, map[string]string{"two": "  a: {owner: ibm/operator, manual: A}\n  b: {needs: [a], owner: ibm/operator, command: [./b], change: fix}\n"}, func(w *world, broken *atomic.Bool) {
		id := w.begin("two")
		before := w.ledger.Head()
		broken.Store(true)
		if _, err := w.try(w.step(id, "a", "done", ibm, "")); !aBug(err) || !strings.HasPrefix(err.Error(), "a bug in skift: index out of range (internal/runner_test/bug_test.go:") {
			t.Errorf("told %v", err)
		}
		if after := w.ledger.Head(); after != before {
			t.Error("something was decided")
		}
		w.wantSteps(id, "a", "waiting-for-person", "b", "waiting")
		broken.Store(false)
		w.say(id, "a", "done", ibm)
		w.wantRun(id, run.RunDone)
	})
}

// TestABugInWhatIsDue: the loop goes on, and what became due meanwhile is done afterwards.
func TestABugInWhatIsDue(t *testing.T) {
	t.Parallel()
	stumbles(t, map[string]string{"two": "  a: {wait: {until: \"2000-01-01 01:00\"}}\n  b: {owner: ibm/operator, manual: B}\n"}, func(w *world, broken *atomic.Bool) {
		id := w.begin("two")
		broken.Store(true)
		later(2 * time.Hour)
		w.wantSteps(id, "a", "running")
		w.say(id, "b", "done", ibm) // which asks nothing of the calendar
		broken.Store(false)
		later(time.Minute)
		w.wantRun(id, run.RunDone)
	})
}

// TestABugInSettling: an effect that ended is known to have ended, even where what follows from it cannot be worked out.
func TestABugInSettling(t *testing.T) {
	t.Parallel()
	stumbles(t, map[string]string{"two": "  a: {owner: ibm/operator, command: [./a]}\n  b: {needs: [a], owner: ibm/operator, command: [./b], change: fix}\n"}, func(w *world, broken *atomic.Bool) {
		w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
			broken.Store(e.Step.ID == "a")
			return runner.Outcome{OK: true}, nil
		})
		id := w.begin("two")
		later(time.Minute)
		w.wantSteps(id, "a", "uncertain", "b", "waiting")
		w.wantRun(id, run.RunHeld)
		if why := w.stepFacts(id, "a").Reason; !strings.HasPrefix(why, "it ended done (), but what follows cannot be worked out: a bug in skift: index out of range") {
			t.Error(why)
		}
		broken.Store(false)
		w.say(id, "a", "done", ibm)
		w.wantRun(id, run.RunDone)
		if made := w.actions.made(); len(made) != 2 {
			t.Errorf("done %v", made)
		}
	})
}

// TestABugAroundAnEffect: work that a bug ends before it has told anything is not waited for in vain: it is uncertain where it
// changes something, and failed where it does not.
func TestABugAroundAnEffect(t *testing.T) {
	t.Parallel()
	p := load(t, base, map[string]string{"three": `
  go: {owner: ibm/operator, command: [./go]}
  keep: {owner: ibm/operator, command: [./keep]}
  look: {check: cert}
  sign: {owner: ibm/operator, manual: Sign, verify: [cert]}
`})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p)
		w.start()
		bad := map[string]bool{"step look of three-1": true, "step sign of three-1": true}
		w.sweeper.will(func(_ context.Context, s runner.Sweep) (runner.Swept, error) {
			if bad[s.Cause] {
				panic("index out of range")
			}
			return runner.Swept{OK: true, Observed: true}, nil
		})
		w.drawer.broken = true
		w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
			if e.Step.ID == "keep" {
				return runner.Outcome{OK: true, Output: []byte("said")}, nil
			}
			panic("no line")
		})
		id := w.begin("three")
		w.say(id, "sign", "done", ibm)
		later(time.Minute)
		w.wantSteps(id, "go", "uncertain", "keep", "uncertain", "look", "failed", "sign", "failed")
		for _, step := range []string{"go", "keep", "look", "sign"} {
			if why := w.stepFacts(id, step).Reason; !strings.HasPrefix(why, "a bug in skift: ") || strings.Contains(why, "goroutine") {
				t.Errorf("%s: %q", step, why)
			}
		}
		w.end()
	})
}
