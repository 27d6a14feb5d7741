//go:build unix

package forecast_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"skift/internal/figure"
	"skift/internal/forecast"
	"skift/internal/journal"
	"skift/internal/run"
	"skift/runbooks"
)

// slowed tells that this program looks for races, which slows both sides of a ratio by different amounts. `make test` runs this
// package without it as well.
var slowed bool

// long is a journal of a run of many steps and what it is made of.
type long struct {
	events     []journal.Event
	book, back *runbooks.Runbook
}

// longRun makes ten chains side by side, every second step undone by one of the back-out. The first ones are done.
func longRun(tb testing.TB, steps, done int) long {
	const chains = 10
	var book, back strings.Builder
	book.WriteString("runbook: weekend\nwindow: cutover\nback_out: back\nsteps:\n")
	back.WriteString("runbook: back\nsteps:\n")
	for i := range steps {
		needs, undone := "", ""
		if i >= chains {
			needs = fmt.Sprintf("needs: [step-%05d], ", i-chains)
		}
		if i >= 2*chains {
			undone = fmt.Sprintf("needs: [back-%05d], ", i-2*chains)
		}
		fmt.Fprintf(&book, "  step-%05d: {%sowner: ibm/operator, takes: %dm, change: transition, manual: Do it}\n", i, needs, 1+i%7)
		if i/chains%2 == 1 {
			continue
		}
		fmt.Fprintf(&back, "  back-%05d: {%sowner: ibm/operator, takes: 1m, undoes: step-%05d, change: transition, manual: Undo it}\n", i, undone, i)
	}
	read := books(tb, book.String(), back.String())
	l := long{book: read["weekend"], back: read["back"]}
	body := run.Started{Runbook: "weekend", BackOut: "back", Environment: "prod", Production: true, PlanHash: "h"}
	for _, s := range l.book.Steps {
		body.Steps = append(body.Steps, run.StepDef{ID: s.ID, Kind: string(s.Kind), Owner: s.Owner, Area: "sftp", Takes: s.Takes, Changes: true})
	}
	l.add(run.RunStarted, "", body)
	for _, s := range l.book.Steps[:done] {
		l.add(run.StepStarted, s.ID, run.Begun{State: run.WaitingForPerson, Attempt: 1})
		l.add(run.StepFinished, s.ID, run.Finished{State: run.Done, Attempt: 1})
	}
	return l
}

func (l *long) add(kind, step string, body any) {
	l.events = append(l.events, journal.Event{Plan: "p", Seq: int64(len(l.events) + 1), At: now, Kind: kind, Run: "w", Subject: step,
		Actor: journal.Actor{Seat: "ibm/operator", Person: "p1", Via: "console"}, Body: run.Body(body)})
}

func (l *long) fold(tb testing.TB) *run.Facts {
	f := &run.Facts{}
	for _, e := range l.events {
		if err := f.Apply(e); err != nil {
			tb.Fatal(err)
		}
	}
	return f
}

func (l *long) forecast(f *run.Facts) *forecast.Forecast {
	w := forecast.World{
		Runs: f, Book: func(*run.Run) *runbooks.Runbook { return l.book }, Named: func(*run.Run, string) *runbooks.Runbook { return l.back },
		Window: func(forecast.For) forecast.Window { return forecast.Window{From: now, Until: now.Add(48 * time.Hour)} },
	}
	return forecast.Of(w, f.Runs["w"], now)
}

// since is how much of the processor fn takes, with the clearing up that goes on beside it: on a busy host the clock tells little.
func since(fn func()) time.Duration {
	spent := func() time.Duration {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	began := spent()
	fn()
	return spent() - began
}

// ratio is how long a forecast takes beside folding the events of a run with so many steps done: the best of some rounds of each, as
// others use the processor too.
func ratio(tb testing.TB, steps, done, rounds int) float64 {
	l := longRun(tb, steps, done)
	var folds, costs []time.Duration
	for range rounds {
		var facts *run.Facts
		folds = append(folds, since(func() { facts = l.fold(tb) }))
		var f *forecast.Forecast
		costs = append(costs, since(func() { f = l.forecast(facts) }))
		if len(f.Steps) != steps || f.Gauge.BackLast == nil {
			tb.Fatalf("%d steps, gauge %+v", len(f.Steps), f.Gauge)
		}
	}
	return float64(slices.Min(costs)) / float64(slices.Min(folds))
}

// BenchmarkForecast prints how long the forecast of 10,000 steps takes beside folding their events, of which 0.2 is promised; and in the
// middle of the run, when there are half as many.
func BenchmarkForecast(b *testing.B) {
	for b.Loop() {
		figure.AtMost(b, "x-fold", ratio(b, 10_000, 9_990, 9), 0.2, "a forecast of 10,000 steps beside folding their events")
		figure.Told(b, "x-fold-half-way", ratio(b, 10_000, 5_000, 9), "the same in the middle of the run, when there are half as many events")
	}
}

// TestForecastIsCheap holds the promise with room for a busy host.
func TestForecastIsCheap(t *testing.T) {
	if slowed {
		t.Skip("looks for races")
	}
	if r := ratio(t, 10_000, 9_990, 5); r > 0.3 {
		t.Errorf("a forecast takes %.2f of folding its events", r)
	}
}

// TestCostGrowsAsTheSteps: ten times as many steps cost about ten times as much.
func TestCostGrowsAsTheSteps(t *testing.T) {
	if slowed {
		t.Skip("looks for races")
	}
	cost := func(steps int) time.Duration {
		l := longRun(t, steps, steps/2)
		facts := l.fold(t)
		var all []time.Duration
		for range 15 {
			all = append(all, since(func() { l.forecast(facts) }))
		}
		return slices.Min(all)
	}
	if few, many := cost(2_000), cost(20_000); many > 60*few {
		t.Errorf("2,000 steps take %s, 20,000 take %s", few, many)
	}
}
