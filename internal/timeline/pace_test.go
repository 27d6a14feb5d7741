package timeline_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/plan"
	"skift/internal/timeline"
)

// jittered is one schedule with a jitter; every process reads it alike.
func jittered(t *testing.T, expr string, jitter time.Duration) timeline.Entry {
	t.Helper()
	s, err := timeline.ParseCron(expr, copenhagen(t))
	if err != nil {
		t.Fatal(err)
	}
	return timeline.Entry{Key: "suite/" + expr, Schedule: s, Pace: plan.Pace{Jitter: jitter}}
}

// TestJitter: around every clock change and for any jitter, a slot begins at its time or within the jitter after it, before the next slot;
// a loop that sleeps until Next and asks Due finds every slot once, in whatever steps it goes and wherever it is started again.
func TestJitter(t *testing.T) {
	t.Parallel()
	for i, p := range append(patterns, pattern{expr: "30 2,3 * * *"}, pattern{expr: "@every 10s"}) {
		t.Run(p.expr, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(i), 25))
			for _, change := range changes(t) {
				e := jittered(t, p.expr, time.Duration(1+random.Int64N(int64(90*time.Minute))))
				around := 30 * time.Hour
				if p.expr == "@every 10s" {
					around = 20 * time.Minute
				}
				from, until := change.Add(-around), change.Add(around)
				want := timeline.Due(e.Schedule, from, until)
				for _, slot := range want {
					if begins, next := e.Begins(slot), e.Schedule.Next(slot); begins.Before(slot) || !begins.Before(slot.Add(e.Jitter)) || !begins.Before(next) {
						t.Fatalf("slot %v begins at %v; jitter %v, next slot %v", slot, begins, e.Jitter, next)
					}
				}
				if d := cmp.Diff(want, awake(e, from, until, random)); d != "" {
					t.Fatalf("around %v with a jitter of %v: %s", change, e.Jitter, d)
				}
			}
		})
	}
}

// awake works an entry as the scheduler does, with wake-ups that have other reasons in between, and gives the slots it worked. What has not
// begun at the end is waited for.
func awake(e timeline.Entry, from, until time.Time, random *rand.Rand) (worked []time.Time) {
	last := from
	for now := from; now.Before(until.Add(2 * time.Hour)); {
		for _, slot := range e.Due(last, now) {
			if !slot.After(until) {
				worked = append(worked, slot)
			}
			last = slot
		}
		now = e.Next(now)
		if random.IntN(3) == 0 {
			now = now.Add(time.Duration(random.Int64N(int64(time.Hour)))) // late
		}
	}
	return worked
}

// TestJitterSpreads: schedules that are due together do not begin together, and a process that starts again has the same moments.
func TestJitterSpreads(t *testing.T) {
	t.Parallel()
	slot := at(t, "2026-03-29 08:00")
	var begins []time.Time
	for i := range 98 {
		e := jittered(t, "0 * * * *", 10*time.Minute)
		e.Key = fmt.Sprint("suite/k", i)
		if again := jittered(t, "0 * * * *", 10*time.Minute); e.Begins(slot).Equal(again.Begins(slot)) {
			t.Errorf("%s begins when another one does", e.Key)
		}
		begins = append(begins, e.Begins(slot))
		if !e.Begins(slot).Equal(e.Begins(slot.UTC())) || e.Begins(slot).Sub(slot) == e.Begins(slot.Add(time.Hour)).Sub(slot.Add(time.Hour)) {
			t.Errorf("%s: %v, %v", e.Key, e.Begins(slot), e.Begins(slot.Add(time.Hour)))
		}
	}
	slices.SortFunc(begins, time.Time.Compare)
	for minute := range 10 {
		n := 0
		for _, b := range begins {
			if int(b.Sub(slot)/time.Minute) == minute {
				n++
			}
		}
		if n < 2 || n > 20 {
			t.Errorf("%d of 98 begin in minute %d", n, minute)
		}
	}
	if e := jittered(t, "0 * * * *", 0); !e.Begins(slot).Equal(slot) || !e.Next(slot.Add(-1)).Equal(slot) {
		t.Error("without jitter a slot does not begin at its time")
	}
}
