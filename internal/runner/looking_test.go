package runner_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"skift/internal/run"
	"skift/internal/runner"
)

// TestWaitForACheck: asked again and again until it agrees, over a restart, and not for longer than it says.
func TestWaitForACheck(t *testing.T) {
	t.Parallel()
	books := map[string]string{"one": "  agree: {wait: {check: [cert], side: new, every: 10m, timeout: 2h}}\n  next: {needs: [agree], owner: ibm/operator, manual: Next}\n"}
	story(t, books, func(w *world) {
		w.sweeper.will(red)
		id := w.begin("one")
		later(35 * time.Minute)
		w.wantSteps(id, "agree", "running", "next", "waiting")
		if n := len(w.sweeper.asked); n != 4 {
			t.Errorf("asked %d times in 35 minutes, want 4", n)
		}
		if s := w.sweeper.asked[0]; s.Side != "new" || !s.Scheduled || s.Checks[0] != "cert" {
			t.Errorf("asked %+v", s)
		}
		w.restart()
		if n := len(w.sweeper.asked); n != 5 {
			t.Errorf("asked %d times, want once more after the restart", n)
		}
		w.sweeper.will(nil)
		later(10 * time.Minute)
		w.wantSteps(id, "agree", "done", "next", "waiting-for-person")
		if w.stepFacts(id, "agree").Attempt != 1 {
			t.Error("a restart began it again")
		}
	})
	story(t, books, func(w *world) {
		w.sweeper.will(red)
		id := w.begin("one")
		later(time.Hour)
		w.restart()
		later(time.Hour - time.Second)
		w.wantSteps(id, "agree", "running")
		later(2 * time.Second)
		w.wantSteps(id, "agree", "failed")
		if why := w.stepFacts(id, "agree").Reason; why != "not found within 2h; at last: 1 of 2" {
			t.Errorf("failed because %q", why)
		}
		asked := len(w.sweeper.asked)
		w.say(id, "agree", "retry", chair)
		w.wantSteps(id, "agree", "running")
		w.do(w.step(id, "agree", "done", chair, "it is fine"))
		later(3 * time.Hour)
		w.wantSteps(id, "agree", "done")
		if n := len(w.sweeper.asked); n > asked+1 {
			t.Errorf("asked %d more times for what nobody waits for", n-asked-1)
		}
	})
}

// TestWaitForAFile: it counts once it has looked the same twice.
func TestWaitForAFile(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  file: {wait: {file: inbox/list.csv, every: 1m, timeout: 1h}}\n"}, func(w *world) {
		var size atomic.Value
		size.Store("")
		w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
			if e.Step.WaitBody.File != "inbox/list.csv" {
				t.Errorf("looked for %q", e.Step.WaitBody.File)
			}
			s := size.Load().(string)
			return runner.Outcome{OK: s != "", Summary: "has " + s, Facts: map[string]string{"size": s, "modified": "now"}}, nil
		})
		id := w.begin("one")
		for _, s := range []string{"", "10", "20", "30"} { // it grows
			size.Store(s)
			later(time.Minute)
			w.wantSteps(id, "file", "running")
		}
		later(time.Minute)
		w.wantSteps(id, "file", "done")
		w.wantRun(id, run.RunDone)
		if why := w.stepFacts(id, "file").Reason; why != "has 30" {
			t.Errorf("done because %q", why)
		}
	})
	story(t, map[string]string{"one": "  file: {wait: {file: list.csv, every: 1m, timeout: 1h}}\n"}, func(w *world) {
		w.actions.will(func(context.Context, runner.Effect) (runner.Outcome, error) {
			return runner.Outcome{Summary: "list.csv is not there"}, nil
		})
		id := w.begin("one")
		later(time.Hour + time.Second)
		w.wantSteps(id, "file", "failed")
		if why := w.stepFacts(id, "file").Reason; !strings.HasSuffix(why, "at last: list.csv is not there") {
			t.Errorf("failed because %q", why)
		}
	})
}

// TestACopyGoesOnAfterACrash: a copy converges, so it is begun again by itself; how far it is can be seen while it lasts.
func TestACopyGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	const end = `{service: sftp, side: old, user: u, key: env:K, host_key: ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}`
	story(t, map[string]string{"one": "  copy: {owner: sse/operator, sftp_copy: {from: " + end + ", to: " + end + "}}\n"}, func(w *world) {
		w.actions.will(func(ctx context.Context, e runner.Effect) (runner.Outcome, error) {
			e.Progress(run.Progress{Files: 4, Bytes: 4000})
			time.Sleep(10 * time.Second)
			e.Progress(run.Progress{Files: 4, FilesDone: 1, Bytes: 4000, BytesDone: 1000})
			<-ctx.Done()
			return runner.Outcome{Uncertain: true}, context.Cause(ctx)
		})
		id := w.begin("one")
		later(10 * time.Second)
		got := w.r.Progress(time.Now())[id+"/copy"]
		if ends := time.Until(got.EndsAt); got.FilesDone != 1 || got.BytesDone != 1000 || ends != 30*time.Second {
			t.Errorf("%+v, which ends in %v", got, ends)
		}
		w.crash()
		w.actions.will(nil)
		w.start()
		w.wantRun(id, run.RunDone)
		if n := len(w.r.Progress(time.Now())); n != 0 || w.stepFacts(id, "copy").Attempt != 2 {
			t.Errorf("%d steps still tell, attempt %d", n, w.stepFacts(id, "copy").Attempt)
		}
	})
}
