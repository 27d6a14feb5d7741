package storetest

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/register"
	"skift/internal/store"
)

func latest(t testing.TB, s *store.Store) []register.Interval {
	t.Helper()
	got, err := s.Latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func history(t testing.TB, s *store.Store, since time.Time) []register.Interval {
	t.Helper()
	got, err := s.History(t.Context(), "gateway-cert", since)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func sweep(units int, at time.Time) []checks.Result {
	var rs []checks.Result
	for n := range units {
		rs = append(rs, Result(n+1, at))
	}
	return rs
}

// testSecondSweep: the same answers again add no row, only times and counts.
func testSecondSweep(t *testing.T, s *store.Store) {
	const units = 9
	Must(t, s, register.Batch{Observations: sweep(units, Epoch)})
	for n := 1; n <= 4; n++ {
		again := sweep(units, Epoch.Add(time.Duration(n)*time.Minute))
		for i := range again {
			again[i].Timings = map[string]time.Duration{"connect": time.Duration(n) * time.Millisecond}
			again[i].LocalAddr = "192.0.2.10:50000"
			again[i].Evidence.Banner = "hello again"
		}
		Must(t, s, register.Batch{Observations: again})
	}
	rows := history(t, s, Epoch)
	if len(rows) != units {
		t.Fatalf("%d rows for %d units", len(rows), units)
	}
	until := Epoch.Add(4 * time.Minute)
	want := register.Interval{
		Result: Result(1, until), Since: Epoch, Until: until, Count: 5,
		Timings: map[string]register.Timing{
			"connect": {Count: 5, Min: time.Millisecond, Max: 4 * time.Millisecond, Sum: 13 * time.Millisecond},
			"tls":     {Count: 1, Min: 9 * time.Millisecond, Max: 9 * time.Millisecond, Sum: 9 * time.Millisecond},
		},
	}
	want.Result.Timings = nil
	want.LocalAddr = "192.0.2.10:50000"
	if diff := cmp.Diff(want, rows[0]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(rows, latest(t, s)); diff != "" {
		t.Error(diff)
	}
}

// testChangedAnswers: whatever else changes begins a new row.
func testChangedAnswers(t *testing.T, s *store.Store) {
	changes := []func(*checks.Result){
		func(r *checks.Result) {},
		func(r *checks.Result) { r.Facts["serial"] = "7C" },
		func(r *checks.Result) { r.Outcome, r.Verdict, r.Code = checks.Fail, checks.Fail, "refused" },
		func(r *checks.Result) { r.Want, r.Verdict = checks.Deny, checks.Pass },
		func(r *checks.Result) { r.Reached = "connect" },
		func(r *checks.Result) { r.ConfigHash = "beef" },
		func(r *checks.Result) { r.CheckerVersion = "2" },
		func(r *checks.Result) { delete(r.Facts, "serial") },
		func(r *checks.Result) { r.Brought = checks.Brought{By: checks.ByLog, From: "0a1b", Party: "k101"} },
	}
	r := Result(1, Epoch)
	for n, change := range changes {
		change(&r)
		r.StartedAt = Epoch.Add(time.Duration(n) * time.Minute)
		Must(t, s, register.Batch{Observations: []checks.Result{r}})
		now := latest(t, s)
		if len(now) != 1 || !now[0].Continues(r) || now[0].Count != 1 || !now[0].Since.Equal(r.StartedAt) {
			t.Fatalf("change %d: now %+v", n, now)
		}
	}
	if rows := history(t, s, Epoch); len(rows) != len(changes) || !rows[0].Until.Equal(Epoch) {
		t.Errorf("%d rows for %d changes", len(rows), len(changes))
	}
	if rows := history(t, s, Epoch.Add(5*time.Minute)); len(rows) != len(changes)-5 {
		t.Errorf("%d rows since the fifth change", len(rows))
	}
	if rows, err := s.History(t.Context(), "files", Epoch); err != nil || len(rows) > 0 {
		t.Errorf("another check has %v, %v", rows, err)
	}
}

// testLapsedAnswers: the same answer after a time in which it held no more begins a new row. Nobody knows what was in between.
func testLapsedAnswers(t *testing.T, s *store.Store) {
	rows := 1
	r := Result(1, Epoch)
	r.ValidUntil = r.StartedAt.Add(time.Hour)
	Must(t, s, register.Batch{Observations: []checks.Result{r}})
	for n, apart := range []time.Duration{time.Hour, time.Hour + register.Lapse, time.Hour + register.Lapse + time.Second, time.Minute, 48 * time.Hour} {
		r.StartedAt = r.StartedAt.Add(apart)
		r.ValidUntil = r.StartedAt.Add(time.Hour)
		Must(t, s, register.Batch{Observations: []checks.Result{r}})
		if apart > time.Hour+register.Lapse {
			rows++
		}
		if got := history(t, s, Epoch); len(got) != rows {
			t.Errorf("answer %d, %s later: %d rows, want %d", n, apart, len(got), rows)
		}
	}
}

// testLateAnswers: what arrives twice counts once, and what arrives late is
// history and does not change what is known now.
func testLateAnswers(t *testing.T, s *store.Store) {
	at := func(minutes int) time.Time { return Epoch.Add(time.Duration(minutes) * time.Minute) }
	for _, m := range []int{10, 20} {
		Must(t, s, register.Batch{Observations: []checks.Result{Result(1, at(m))}})
	}
	now := latest(t, s)
	for _, m := range []int{20, 15, 10} {
		Must(t, s, register.Batch{Observations: []checks.Result{Result(1, at(m))}})
	}
	if diff := cmp.Diff(now, latest(t, s)); diff != "" {
		t.Error("the same again:", diff)
	}
	other := Result(1, at(15))
	other.Outcome, other.Verdict, other.Code = checks.Fail, checks.Fail, "refused"
	Must(t, s, register.Batch{Observations: []checks.Result{other, other, Result(1, at(5))}})
	if diff := cmp.Diff(now, latest(t, s)); diff != "" {
		t.Error("late:", diff)
	}
	if rows := history(t, s, Epoch); len(rows) != 3 {
		t.Errorf("%d rows", len(rows))
	}
}

// testManyAtOnce: what a sweep of many units stores is what its answers store one by one, whichever units are new, asked twice, or left out.
func testManyAtOnce(t *testing.T, s *store.Store) {
	const units = 60
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 8 {
		var batch []checks.Result
		for _, n := range r.Perm(units)[:units*2/3] {
			answer := Result(n+1, Epoch.Add(time.Duration(round)*time.Minute+time.Duration(n)*time.Second))
			answer.Facts["serial"] = strconv.Itoa(r.IntN(2))
			batch = append(batch, answer)
			if r.IntN(4) == 0 {
				again := Result(n+1, answer.StartedAt.Add(time.Duration(r.IntN(3)-1)*time.Millisecond))
				again.Facts["serial"] = strconv.Itoa(r.IntN(2))
				batch = append(batch, again)
			}
		}
		Must(t, s, register.Batch{Observations: batch})
		for _, answer := range batch {
			answer.Unit.Check = "single"
			Must(t, s, register.Batch{Observations: []checks.Result{answer}})
		}
	}
	single, err := s.History(t.Context(), "single", Epoch)
	if err != nil {
		t.Fatal(err)
	}
	for i := range single {
		single[i].Unit.Check = "gateway-cert"
	}
	if diff := cmp.Diff(single, history(t, s, Epoch)); diff != "" {
		t.Errorf("one by one, and at once: %s", diff)
	}
	if now := latest(t, s); len(now) != 2*units {
		t.Errorf("%d units have a newest answer, want %d", len(now), 2*units)
	}
}
