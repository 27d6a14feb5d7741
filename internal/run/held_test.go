package run_test

import (
	"testing"

	"skift/internal/run"
)

// TestHolder: of several steps that hold a run, one that is settled is not named as what holds it still; a person's reason stands.
func TestHolder(t *testing.T) {
	t.Parallel()
	l := &log{}
	l.add(run.RunStarted, "r", "", started(run.StepDef{ID: "slow"}, run.StepDef{ID: "may", MayContinue: true}, run.StepDef{ID: "lost"}, run.StepDef{ID: "bad"}))
	for _, id := range []string{"slow", "may", "lost", "bad"} {
		l.add(run.StepStarted, "r", id, run.Begun{State: run.Running, Attempt: 1})
	}
	l.add(run.StepUncertain, "r", "slow", run.Finished{Attempt: 1, Reason: "unknown"})
	l.add(run.RunWasHeld, "r", "", run.Ended{Step: "slow", Reason: "slow: unknown"})
	l.add(run.StepFinished, "r", "may", run.Finished{Attempt: 1, State: run.Failed, Reason: "no"})
	l.add(run.StepUncertain, "r", "lost", run.Finished{Attempt: 1, Reason: "timed out"})
	l.add(run.StepFinished, "r", "bad", run.Finished{Attempt: 1, State: run.Failed, Reason: "exit 1"})
	f := fold(t, l.events)
	is := func(step, reason string) {
		t.Helper()
		if s, why := f.Runs["r"].Holder(); s != step || why != reason {
			t.Errorf("held by %q: %q; want %q: %q", s, why, step, reason)
		}
	}
	then := func(seat, kind, subject string, body any) {
		t.Helper()
		e := l.by(seat, kind, body)
		e.Subject = subject
		if err := f.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	is("slow", "slow: unknown")
	then("a/b", run.StepFinished, "slow", run.Finished{Attempt: 1, State: run.Skipped})
	is("lost", "lost: timed out")
	then("a/b", run.StepRetried, "lost", run.Finished{Attempt: 1})
	is("bad", "bad failed: exit 1")
	then("c/d", run.RunWasHeld, "", run.Ended{Reason: "we wait"})
	is("bad", "we wait")
}
