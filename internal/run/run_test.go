package run_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/journal"
	"skift/internal/run"
)

var epoch = time.Date(2019, 11, 9, 0, 0, 0, 0, time.UTC)

// log builds a journal of events, numbered and one second apart.
type log struct{ events []journal.Event }

func (l *log) add(kind, runID, step string, body any) journal.Event {
	n := int64(len(l.events) + 1)
	e := journal.Event{Plan: "p", Seq: n, At: epoch.Add(time.Duration(n) * time.Second), Kind: kind, Run: runID, Subject: step, Body: run.Body(body)}
	l.events = append(l.events, e)
	return e
}

func fold(t testing.TB, events []journal.Event) *run.Facts {
	t.Helper()
	f := &run.Facts{}
	for _, e := range events {
		if err := f.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func started(steps ...run.StepDef) run.Started {
	return run.Started{Runbook: "weekend", Environment: "prod", PlanHash: "h", Steps: steps}
}

var allStates = []run.StepState{run.Waiting, run.Running, run.WaitingForPerson, run.Verifying, run.Done, run.Failed, run.Skipped, run.Uncertain, run.Cancelled, run.Held}

// body gives the body with which an event of that kind leads to a state, if it says so itself.
func body(kind string, to run.StepState, attempt int) any {
	if kind == run.StepStarted {
		return run.Begun{State: to, Attempt: attempt + 1}
	}
	b := run.Finished{Attempt: attempt}
	if kind == run.StepFinished {
		b.State = to
	}
	return b
}

// reach lists the shortest ways to every state, found by walking the table.
func reach(t *testing.T) map[run.StepState][]run.Transition {
	t.Helper()
	ways := map[run.StepState][]run.Transition{run.Waiting: nil}
	for todo := []run.StepState{run.Waiting}; len(todo) > 0; todo = todo[1:] {
		for _, tr := range run.Transitions() {
			if _, seen := ways[tr.To]; tr.From == todo[0] && !seen {
				ways[tr.To] = append(slices.Clone(ways[tr.From]), tr)
				todo = append(todo, tr.To)
			}
		}
	}
	return ways
}

// along folds a run with one repeatable step along a way.
func along(t *testing.T, way []run.Transition) (*run.Facts, *log) {
	t.Helper()
	l := &log{}
	l.add(run.RunStarted, "r", "", started(run.StepDef{ID: "s", Repeatable: true}))
	f := fold(t, l.events)
	for _, tr := range way {
		e := l.add(tr.Event, "r", "s", body(tr.Event, tr.To, f.Runs["r"].Steps["s"].Attempt))
		if err := f.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	return f, l
}

// TestTransitions takes every legal move and tries every other from every state: the one is made, the other is refused and
// leaves everything as it was.
func TestTransitions(t *testing.T) {
	t.Parallel()
	ways := reach(t)
	kinds := []string{run.StepStarted, run.StepVerifying, run.StepFinished, run.StepUncertain, run.StepRetried, run.StepWasHeld, run.StepReleased}
	fixed := map[string]run.StepState{run.StepVerifying: run.Verifying, run.StepUncertain: run.Uncertain, run.StepRetried: run.Waiting,
		run.StepWasHeld: run.Held, run.StepReleased: run.Waiting}
	made := 0
	for _, from := range allStates {
		way, ok := ways[from]
		if !ok {
			t.Errorf("no way leads to %s", from)
			continue
		}
		for _, kind := range kinds {
			for _, to := range allStates {
				if is, only := fixed[kind]; only && to != is {
					continue
				}
				f, l := along(t, way)
				before := dump(t, f)
				attempt := f.Runs["r"].Steps["s"].Attempt
				err := f.Apply(l.add(kind, "r", "s", body(kind, to, attempt)))
				legal := run.Legal(from, kind, to)
				switch {
				case legal && err != nil:
					t.Errorf("%s by %s to %s: %v", from, kind, to, err)
				case legal && f.Runs["r"].Steps["s"].State != to:
					t.Errorf("%s by %s: is %s, want %s", from, kind, f.Runs["r"].Steps["s"].State, to)
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
	if made != len(run.Transitions()) {
		t.Errorf("%d legal moves were made, the table has %d", made, len(run.Transitions()))
	}
}

func dump(t testing.TB, f *run.Facts) string {
	t.Helper()
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRefusedEvents(t *testing.T) {
	t.Parallel()
	once := run.StepDef{ID: "once", Changes: true}
	begun := func(l *log) {
		l.add(run.RunStarted, "r", "", started(once))
		l.add(run.StepStarted, "r", "once", run.Begun{State: run.Running, Attempt: 1})
	}
	for _, c := range []struct {
		name string
		prep func(*log)
		kind string
		run  string
		step string
		body any
	}{
		{"a run without a name", nil, run.RunStarted, "", "", started(once)},
		{"a run twice", begun, run.RunStarted, "r", "", started(once)},
		{"two steps of one name", nil, run.RunStarted, "r", "", started(once, once)},
		{"a child of nobody", nil, run.RunStarted, "r", "", run.Started{Parent: "x"}},
		{"a child of itself", nil, run.RunStarted, "r", "", run.Started{Parent: "r"}},
		{"a step of no run", nil, run.StepStarted, "r", "once", run.Begun{State: run.Running, Attempt: 1}},
		{"no such step", begun, run.StepStarted, "r", "twice", run.Begun{State: run.Running, Attempt: 1}},
		{"the second start of a step that may not be done twice", begun, run.StepStarted, "r", "once", run.Begun{State: run.Running, Attempt: 2}},
		{"a jump in the attempts", func(l *log) { l.add(run.RunStarted, "r", "", started(once)) }, run.StepStarted, "r", "once", run.Begun{State: run.Running, Attempt: 2}},
		{"the end of another attempt", begun, run.StepFinished, "r", "once", run.Finished{State: run.Done, Attempt: 2}},
		{"the process of another attempt", begun, run.StepLaunched, "r", "once", run.Launched{Attempt: 2, PID: 7}},
		{"a start into done", func(l *log) { l.add(run.RunStarted, "r", "", started(once)) }, run.StepStarted, "r", "once", run.Begun{State: run.Done, Attempt: 1}},
		{"releasing what is not held", begun, run.RunReleased, "r", "", run.Ended{}},
		{"holding what is held", func(l *log) { begun(l); l.add(run.RunWasHeld, "r", "", run.Ended{Step: "once"}) }, run.RunWasHeld, "r", "", run.Ended{Reason: "again"}},
		{"an end that is none", begun, run.RunEnded, "r", "", run.Ended{State: run.RunHeld}},
		{"an unknown end", begun, run.RunEnded, "r", "", run.Ended{State: "gone"}},
		{"anything after the end", func(l *log) { begun(l); l.add(run.RunEnded, "r", "", run.Ended{State: run.RunAborted}) }, run.StepFinished, "r", "once", run.Finished{State: run.Done, Attempt: 1}},
		{"a body of another shape", begun, run.StepFinished, "r", "once", []int{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := &log{}
			if c.prep != nil {
				c.prep(l)
			}
			f := fold(t, l.events)
			before := dump(t, f)
			if err := f.Apply(l.add(c.kind, c.run, c.step, c.body)); err == nil {
				t.Error("it was allowed")
			}
			if d := cmp.Diff(before, dump(t, f)); d != "" {
				t.Errorf("it was refused and changed something:\n%s", d)
			}
		})
	}
}

func TestFoldKeepsAttempts(t *testing.T) {
	t.Parallel()
	l := &log{}
	due := epoch.Add(time.Hour)
	l.add(run.RunStarted, "r", "", started(run.StepDef{ID: "s"}))
	l.add(run.StepStarted, "r", "s", run.Begun{State: run.Running, Attempt: 1, DueAt: &due})
	l.add(run.StepLaunched, "r", "s", run.Launched{Attempt: 1, PID: 42, StartedAt: "x"})
	l.add(run.StepFinished, "r", "s", run.Finished{State: run.Failed, Attempt: 1, Reason: "exit 1", Output: "o", SHA256: "h", Facts: map[string]string{"a": "b"}})
	l.add(run.StepRetried, "r", "s", run.Finished{Attempt: 1, Reason: "try"})
	l.add(run.StepStarted, "r", "s", run.Begun{State: run.WaitingForPerson, Attempt: 2})
	s := fold(t, l.events).Runs["r"].Steps["s"]
	want := []run.Attempt{{Number: 1, StartedAt: epoch.Add(2 * time.Second), FinishedAt: epoch.Add(4 * time.Second), State: run.Failed, Reason: "exit 1"}}
	if d := cmp.Diff(want, s.Attempts); d != "" {
		t.Errorf("earlier attempts (-want +got):\n%s", d)
	}
	if s.PID != 0 || !s.DueAt.IsZero() || s.Output != "" || s.Facts != nil || s.Reason != "" || !s.FinishedAt.IsZero() {
		t.Errorf("the second attempt still carries the first: %+v", s)
	}
}

// TestParentsKnow holds that what a nested run did to the world counts for the run around it.
func TestParentsKnow(t *testing.T) {
	t.Parallel()
	l := &log{}
	l.add(run.RunStarted, "top", "", started(run.StepDef{ID: "inner"}))
	l.add(run.StepStarted, "top", "inner", run.Begun{State: run.Running, Attempt: 1, Child: "mid"})
	mid := started(run.StepDef{ID: "inner"})
	mid.Parent = "top"
	l.add(run.RunStarted, "mid", "", mid)
	low := started(run.StepDef{ID: "s", Changes: true, NoReturn: true}, run.StepDef{ID: "asked", Changes: true})
	low.Parent = "mid"
	l.add(run.RunStarted, "low", "", low)
	l.add(run.StepStarted, "low", "asked", run.Begun{State: run.WaitingForPerson, Attempt: 1, Simulated: true})
	f := fold(t, l.events)
	if top := f.Runs["top"]; top.Changed || top.NoReturn || !top.Simulated {
		t.Errorf("after a simulated step: %+v", top)
	}
	if err := f.Apply(l.add(run.StepStarted, "low", "s", run.Begun{State: run.Running, Attempt: 1})); err != nil {
		t.Fatal(err)
	}
	if top := f.Runs["top"]; !top.Changed || !top.NoReturn {
		t.Errorf("after a real step: %+v", top)
	}
	if err := f.Apply(l.add(run.RunEnded, "top", "", run.Ended{State: run.RunDone})); err != nil {
		t.Fatal(err)
	}
	if f.Runs["top"].Proves() {
		t.Error("a run with a simulated step inside proves something")
	}
}

func TestProves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		speed float64
		sim   bool
		state run.State
		want  bool
	}{
		{"done", 0, false, run.RunDone, true},
		{"at speed 1", 1, false, run.RunDone, true},
		{"speeded", 60, false, run.RunDone, false},
		{"simulated", 0, true, run.RunDone, false},
		{"backed out", 0, false, run.RunBacked, false},
		{"not ended", 0, false, "", false},
	} {
		l := &log{}
		b := started(run.StepDef{ID: "s"})
		b.Speed = c.speed
		l.add(run.RunStarted, "r", "", b)
		l.add(run.StepStarted, "r", "s", run.Begun{State: run.WaitingForPerson, Attempt: 1, Simulated: c.sim})
		if c.state != "" {
			l.add(run.RunEnded, "r", "", run.Ended{State: c.state})
		}
		if got := fold(t, l.events).Runs["r"].Proves(); got != c.want {
			t.Errorf("%s: proves %v, want %v", c.name, got, c.want)
		}
	}
}

// TestSameEventsSameFacts walks at random through legal and illegal events: the facts depend on the accepted events alone.
func TestSameEventsSameFacts(t *testing.T) {
	t.Parallel()
	kinds := run.Kinds()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 7))
		l, accepted, f := &log{}, []journal.Event{}, &run.Facts{}
		for range 200 {
			id, step := fmt.Sprintf("r%d", r.IntN(2)), fmt.Sprintf("s%d", r.IntN(3))
			kind := kinds[r.IntN(len(kinds))]
			attempt := 0
			if rn := f.Runs[id]; rn != nil {
				attempt = rn.Steps[step].Attempt
			}
			var b any = body(kind, allStates[r.IntN(len(allStates))], attempt)
			switch kind {
			case run.RunStarted:
				b = started(run.StepDef{ID: "s0", Changes: true}, run.StepDef{ID: "s1", Repeatable: true}, run.StepDef{ID: "s2"})
			case run.RunEnded:
				b = run.Ended{State: run.RunHeld} // refused: the walk goes on
			}
			e := l.add(kind, id, step, b)
			if f.Apply(e) == nil {
				accepted = append(accepted, e)
			}
		}
		if d := cmp.Diff(dump(t, fold(t, accepted)), dump(t, f)); d != "" {
			t.Fatalf("seed %d: the refused events left something (-accepted alone +all):\n%s", seed, d)
		}
	}
}

// FuzzApply feeds bodies of any shape: nothing panics, and what is refused changes nothing.
func FuzzApply(f *testing.F) {
	for i, kind := range run.Kinds() {
		f.Add(i, []byte(`{"state":"done","attempt":1,"steps":[{"id":"s"}],"parent":"r","due_at":"2019-11-09T00:00:00Z"}`), kind)
		f.Add(i, []byte(`null`), kind)
		f.Add(i, []byte(`{"attempt":-1,"facts":null}`), kind)
	}
	f.Fuzz(func(t *testing.T, n int, b []byte, kind string) {
		l := &log{}
		l.add(run.RunStarted, "r", "", started(run.StepDef{ID: "s", Repeatable: true}))
		l.add(run.StepStarted, "r", "s", run.Begun{State: run.Running, Attempt: 1})
		facts := fold(t, l.events)
		before := dump(t, facts)
		ids := []string{"r", "q", ""}
		e := journal.Event{Plan: "p", Seq: 3, At: epoch, Kind: kind, Run: ids[uint(n)%3], Subject: "s", Body: b}
		if err := facts.Apply(e); err != nil && dump(t, facts) != before {
			t.Error("refused, and changed something")
		}
	})
}
