package run_test

import (
	"fmt"
	"slices"
	"testing"

	"skift/internal/journal"
	"skift/internal/run"
)

var allRunStates = []run.State{run.RunRunning, run.RunHeld, run.RunDone, run.RunFailed, run.RunNoGo, run.RunAborted, run.RunBacked}

// by gives an event by somebody.
func (l *log) by(seat, kind string, body any) journal.Event {
	e := l.add(kind, "r", "", body)
	e.Actor.Seat = seat
	l.events[len(l.events)-1] = e
	return e
}

// TestRunTransitions tries every event from every state to every state: what the table has is made, and nothing else.
func TestRunTransitions(t *testing.T) {
	t.Parallel()
	made := 1 // the start of a run
	for _, from := range allRunStates {
		for _, kind := range []string{run.RunWasHeld, run.RunReleased, run.RunPaused, run.RunResumed, run.RunEnded} {
			for _, to := range allRunStates {
				if settled := map[string]run.State{run.RunWasHeld: run.RunHeld, run.RunPaused: from, run.RunResumed: from}[kind]; settled != "" && to != settled {
					continue // such an event says no state: it leads nowhere else
				}
				legal := false
				for _, tr := range run.RunTransitions() {
					legal = legal || tr == run.RunTransition{From: from, Event: kind, To: to}
				}
				l, f := stand(t, from, kind == run.RunResumed)
				var b any = run.Ended{State: to, Reason: "because"}
				seat := "a/b"
				switch {
				case kind == run.RunPaused, kind == run.RunResumed:
					b = run.Pausing{}
				case kind == run.RunWasHeld && from == run.RunHeld:
					seat = "c/d"
				case kind == run.RunReleased && to == run.RunRunning:
					b = run.Ended{}
				}
				if kind == run.RunReleased && from == run.RunHeld {
					if err := f.Apply(l.by("a/b", run.RunWasHeld, run.Ended{})); err != nil {
						t.Fatal(err)
					}
				}
				before := dump(t, f)
				err := f.Apply(l.by(seat, kind, b))
				switch is := f.Runs["r"].State; {
				case legal && err != nil:
					t.Errorf("%s by %s to %s: %v", from, kind, to, err)
				case legal && is != to:
					t.Errorf("%s by %s: is %s, want %s", from, kind, is, to)
				case !legal && err == nil:
					t.Errorf("%s by %s to %s was allowed", from, kind, to)
				case !legal && dump(t, f) != before:
					t.Errorf("%s by %s to %s was refused and changed something", from, kind, to)
				}
				if legal {
					made++
				}
			}
		}
	}
	if made != len(run.RunTransitions()) {
		t.Errorf("%d legal moves were made, the table has %d", made, len(run.RunTransitions()))
	}
}

// stand folds a run that stands in a state.
func stand(t *testing.T, state run.State, paused bool) (*log, *run.Facts) {
	t.Helper()
	l := &log{}
	l.add(run.RunStarted, "r", "", started(run.StepDef{ID: "s"}))
	if paused {
		l.by("a/b", run.RunPaused, run.Pausing{})
	}
	switch {
	case state == run.RunHeld:
		l.by("", run.RunWasHeld, run.Ended{Step: "s"})
	case state.Final():
		l.by("", run.RunEnded, run.Ended{State: state})
	}
	return l, fold(t, l.events)
}

// TestHoldsAndPauses: a person's hold stands beside what holds by itself, and pauses stand beside each other.
func TestHoldsAndPauses(t *testing.T) {
	t.Parallel()
	l, f := stand(t, run.RunHeld, false)
	steps := []struct {
		seat, kind string
		body       any
		want       string // state, held step, who holds, reason, pauses
	}{
		{"c/d", run.RunWasHeld, run.Ended{Reason: "we wait"}, "held s c/d we wait 0"},
		{"c/d", run.RunWasHeld, run.Ended{Reason: "twice"}, "refused"},
		{"", run.RunWasHeld, run.Ended{Reason: "by itself"}, "refused"},
		{"c/d", run.RunReleased, run.Ended{State: run.RunHeld, Reason: "s failed"}, "held s  s failed 0"},
		{"c/d", run.RunReleased, run.Ended{State: run.RunHeld, Reason: "again"}, "refused"},
		{"", run.RunReleased, run.Ended{Reason: "settled"}, "running    0"},
		{"c/d", run.RunPaused, run.Pausing{Stream: "net"}, "running    1"},
		{"c/d", run.RunPaused, run.Pausing{Stream: "net"}, "refused"},
		{"c/d", run.RunPaused, run.Pausing{}, "running    2"},
		{"c/d", run.RunResumed, run.Pausing{Stream: "net"}, "running    1"},
		{"c/d", run.RunResumed, run.Pausing{Stream: "net"}, "refused"},
		{"c/d", run.RunPaused, run.Pausing{Step: "s"}, "running    2"},
		{"c/d", run.RunPaused, run.Pausing{Step: "s"}, "refused"},
		{"c/d", run.RunPaused, run.Pausing{Step: "nobody"}, "refused"},
		{"c/d", run.RunPaused, run.Pausing{Step: "s", Stream: "net"}, "refused"},
		{"c/d", run.RunResumed, run.Pausing{}, "running    1"},
	}
	for i, s := range steps {
		before := dump(t, f)
		err := f.Apply(l.by(s.seat, s.kind, s.body))
		r := f.Runs["r"]
		got := fmt.Sprintf("%s %s %s %s %d", r.State, r.HeldStep, r.HeldBy.Seat, r.Reason, len(r.Paused))
		if err != nil {
			if got = "refused"; dump(t, f) != before {
				t.Errorf("%d: refused, and changed something", i)
			}
		}
		if got != s.want {
			t.Errorf("%d %s: %q, want %q", i, s.kind, got, s.want)
		}
	}
	if r := f.Runs["r"]; !r.Pauses("net", "s") || !r.Pauses("", "s") || r.Pauses("net", "other") || r.Pauses("", "") {
		t.Error("a paused step may begin, or others may not")
	}
}

// TestMarks tries every event that moves no step in every state of a step.
func TestMarks(t *testing.T) {
	t.Parallel()
	ways := reach(t)
	bodies := map[string]any{run.StepChanged: run.Changed{Takes: 1, Owner: "a/b"}, run.StepFlagged: run.Flagged{Reason: "x", Fix: 1}, run.StepCleared: run.Flagged{}, run.StepNoted: run.Noted{Text: "x"}}
	for _, state := range allStates {
		for _, kind := range run.Marked() {
			f, l := along(t, ways[state])
			s := f.Runs["r"].Steps["s"]
			if kind == run.StepCleared {
				s.Issue = &run.Issue{}
			}
			before := dump(t, f)
			err := f.Apply(l.add(kind, "r", "s", bodies[kind]))
			switch legal := slices.Contains(run.Marks(kind), state); {
			case legal && (err != nil || s.State != state || dump(t, f) == before):
				t.Errorf("%s in %s: %v, is %s", kind, state, err, s.State)
			case !legal && (err == nil || dump(t, f) != before):
				t.Errorf("%s in %s was allowed", kind, state)
			}
		}
	}
	f, l := along(t, nil)
	for kind, b := range map[string]any{run.StepChanged: run.Changed{Takes: -1}, run.StepFlagged: run.Flagged{Fix: -1}, run.StepCleared: run.Flagged{}} {
		if err := f.Apply(l.add(kind, "r", "s", b)); err == nil {
			t.Errorf("%s %+v was allowed", kind, b)
		}
	}
}
