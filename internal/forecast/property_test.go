package forecast_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/forecast"
	"skift/internal/run"
)

func TestEndsAreThoseOfTheRules(t *testing.T) {
	scenes(t, func(t *testing.T, _ *rand.Rand, s *scene) {
		o, f := oracle{scene: s}, s.forecast()
		for _, st := range f.Steps {
			if !st.Start.Equal(o.start(st.ID)) || !st.End.Equal(o.end(st.ID)) {
				t.Errorf("%s: %s–%s, by the rules %s–%s", st.ID, st.Start, st.End, o.start(st.ID), o.end(st.ID))
			}
		}
		if !f.End.Equal(o.runEnd()) {
			t.Errorf("the run ends %s, by the rules %s", f.End, o.runEnd())
		}
	})
}

// TestSlackIsWhatMovesNothing lets each step take as much longer as its slack, and a minute more.
func TestSlackIsWhatMovesNothing(t *testing.T) {
	scenes(t, func(t *testing.T, _ *rand.Rand, s *scene) {
		f := s.forecast()
		for _, st := range f.Steps {
			if st.Ended {
				continue
			}
			end := func(longer time.Duration) time.Time {
				s.changes = map[forecast.Ref]forecast.Change{{Run: s.run.ID, Step: st.ID}: {By: longer}}
				return s.forecast().End
			}
			if st.Slack < 0 || st.Critical != (st.Slack == 0) {
				t.Errorf("%s: slack %s, critical %v", st.ID, st.Slack, st.Critical)
			}
			if got := end(st.Slack); !got.Equal(f.End) {
				t.Errorf("%s: %s more is its slack, and moves the end from %s to %s", st.ID, st.Slack, f.End, got)
			}
			if got := end(st.Slack + time.Minute); !got.Equal(f.End.Add(time.Minute)) {
				t.Errorf("%s: a minute more than its slack %s moves the end from %s to %s", st.ID, st.Slack, f.End, got)
			}
		}
	})
}

// TestPathIsAChainToTheEnd looks at every chain of unfinished steps that ends with the run: the path is one of them, and it cannot be
// made longer at its beginning.
func TestPathIsAChainToTheEnd(t *testing.T) {
	scenes(t, func(t *testing.T, _ *rand.Rand, s *scene) {
		o, f := oracle{scene: s}, s.forecast()
		open := slices.ContainsFunc(s.run.Order, o.open)
		if len(f.Path) == 0 {
			if open {
				t.Error("there is no path, and a step is open")
			}
			return
		}
		if last := f.Path[len(f.Path)-1]; !o.end(last).Equal(f.End) {
			t.Errorf("the path ends with %s at %s, the run at %s", last, o.end(last), f.End)
		}
		hangsOn := func(id, need string) bool {
			return o.toCome(id) && slices.Contains(s.book.Step(id).Needs, need) && o.open(need) && o.end(need).Equal(o.start(id)) &&
				o.end(id).Equal(o.start(id).Add(o.takes(id)))
		}
		for i, id := range f.Path {
			if st, _ := f.Step(id); !st.Critical {
				t.Errorf("%s is on the path and not critical", id)
			}
			if i > 0 && !hangsOn(id, f.Path[i-1]) {
				t.Errorf("%s does not hang on %s", id, f.Path[i-1])
			}
		}
		if i := slices.IndexFunc(s.run.Order, func(id string) bool { return hangsOn(f.Path[0], id) }); i >= 0 {
			t.Errorf("the path begins with %s, which hangs on %s", f.Path[0], s.run.Order[i])
		}
	})
}

func TestGaugeIsThatOfTheRules(t *testing.T) {
	seen := map[forecast.Back]int{}
	scenes(t, func(t *testing.T, _ *rand.Rand, s *scene) {
		g := s.forecast().Gauge
		seen[g.Back]++
		if s.run.NoReturn {
			if g.Back != forecast.NoReturn || g.BackNow != nil || g.BackLast != nil {
				t.Errorf("after the point of no return: %+v", g)
			}
			return
		}
		o := oracle{scene: s, deadlines: true}
		still := now
		for _, id := range s.run.Order {
			if st := o.state(id); (st == run.Running || st == run.Verifying) && o.flies(id) {
				still = later(still, o.end(id))
			}
		}
		turn := o.turn()
		begun := func(id string) bool {
			return o.wasBegun(id) || o.toCome(id) && !o.after(id) && !o.start(id).After(turn)
		}
		from := later(turn, still)
		for _, id := range s.run.Order {
			if o.open(id) && o.flies(id) && !o.after(id) && !o.start(id).After(turn) {
				from = later(from, o.end(id))
			}
		}
		if g.Back != forecast.CanBack || !g.TurnAt.Equal(turn) {
			t.Errorf("back %s, turn %s, by the rules %s", g.Back, g.TurnAt, turn)
		}
		wantNow, wantLast := now, turn
		if o.undoes(o.wasBegun) {
			wantNow = o.back(still, o.wasBegun)
		}
		if o.undoes(begun) {
			wantLast = o.back(from, begun)
		}
		if !g.BackNow.At.Equal(wantNow) || !g.BackLast.At.Equal(wantLast) {
			t.Errorf("back %s and %s, by the rules %s and %s", g.BackNow.At, g.BackLast.At, wantNow, wantLast)
		}
		if g.BackLast.At.Before(g.BackNow.At) {
			t.Errorf("the worst case %s is better than turning now %s", g.BackLast.At, g.BackNow.At)
		}
		for _, m := range []forecast.Mark{g.End, *g.BackNow, *g.BackLast} {
			if m.Margin != s.window.Until.Sub(m.At) || m.Holds != !m.At.After(s.window.Until) {
				t.Errorf("%+v against %s", m, s.window.Until)
			}
		}
	})
	t.Cleanup(func() {
		if seen[forecast.CanBack] < 100 || seen[forecast.NoReturn] < 20 {
			t.Errorf("the scenes are too much alike: %v", seen)
		}
	})
}

// TestLatestMomentIsTheLatest lets each gate decide at the latest moment, and a minute later.
func TestLatestMomentIsTheLatest(t *testing.T) {
	gates := 0
	scenes(t, func(t *testing.T, _ *rand.Rand, s *scene) {
		f := s.forecast()
		all := oracle{scene: s}
		reversible := func(id string) bool { return all.wasBegun(id) || all.toCome(id) && !all.after(id) }
		for _, g := range f.Gates {
			gates++
			decided := func(when time.Time) oracle { return oracle{scene: s, gateNot: map[string]time.Time{g.ID: when}} }
			if f.Gauge.End.Holds {
				if !g.EndBy.Before(now) && decided(g.EndBy).runEnd().After(s.window.Until) {
					t.Errorf("%s: a go at %s is in time, and the run ends %s", g.ID, g.EndBy, decided(g.EndBy).runEnd())
				}
				if next := g.EndBy.Add(time.Minute); !next.Before(now) && !decided(next).runEnd().After(s.window.Until) {
					t.Errorf("%s: a go at %s is too late, and the run ends %s", g.ID, next, decided(next).runEnd())
				}
			}
			wantLatest := g.EndBy
			if !g.BackBy.IsZero() && g.BackBy.Before(wantLatest) {
				wantLatest = g.BackBy
			}
			if !g.Latest.Equal(wantLatest) {
				t.Errorf("%s: latest %s of %s and %s", g.ID, g.Latest, g.EndBy, g.BackBy)
			}
			if g.BackBy.IsZero() || g.BackBy.Before(now) || f.Gauge.Back != forecast.CanBack {
				continue
			}
			free := func(o oracle) time.Time { return later(o.turn(), g.BackBy) }
			if o := decided(g.BackBy); all.back(all.turn(), reversible).Before(s.window.Until) {
				if end := o.back(free(o), reversible); end.After(s.window.Until) {
					t.Errorf("%s: a go at %s leaves time to come back, and that ends %s", g.ID, g.BackBy, end)
				}
			}
			next := g.BackBy.Add(time.Minute)
			if o := decided(next); !o.back(later(o.turn(), next), reversible).After(s.window.Until) {
				t.Errorf("%s: a go at %s leaves no time to come back, and that ends %s", g.ID, next, o.back(o.turn(), reversible))
			}
		}
	})
	t.Cleanup(func() {
		if gates < 150 {
			t.Errorf("only %d gates were looked at", gates)
		}
	})
}

// TestLongerNeverEndsEarlier: a longer duration of any step moves no step and no mark to an earlier time.
func TestLongerNeverEndsEarlier(t *testing.T) {
	scenes(t, func(t *testing.T, r *rand.Rand, s *scene) {
		before := s.forecast()
		step := s.run.Order[r.IntN(len(s.run.Order))]
		s.changes = map[forecast.Ref]forecast.Change{{Run: s.run.ID, Step: step}: {By: minutes(1 + r.IntN(200))}}
		after := s.forecast()
		for i, was := range before.Steps {
			if is := after.Steps[i]; is.End.Before(was.End) || is.Start.Before(was.Start) {
				t.Errorf("%s takes longer, and %s moves from %s–%s to %s–%s", step, is.ID, was.Start, was.End, is.Start, is.End)
			}
		}
		if after.End.Before(before.End) {
			t.Errorf("%s takes longer, and the run ends %s instead of %s", step, after.End, before.End)
		}
		if b := before.Gauge.BackNow; b != nil && after.Gauge.BackNow.At.Before(b.At) {
			t.Errorf("%s takes longer, and the way back ends %s instead of %s", step, after.Gauge.BackNow.At, b.At)
		}
		for i, g := range before.Gates {
			for _, h := range after.Gates {
				if h.ID == g.ID && h.Latest.After(g.Latest) {
					t.Errorf("%s takes longer, and the latest moment of gate %d moves from %s to %s", step, i, g.Latest, h.Latest)
				}
			}
		}
	})
}

// TestSameFactsSameForecast: nothing is left behind in the facts, and the order of a runbook's file changes no time.
func TestSameFactsSameForecast(t *testing.T) {
	scenes(t, func(t *testing.T, _ *rand.Rand, s *scene) {
		first := s.forecast()
		if d := cmp.Diff(first, s.forecast(), cmp.AllowUnexported(), cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".steps" }, cmp.Ignore())); d != "" {
			t.Errorf("asked twice (-first +second):\n%s", d)
		}
		slices.Reverse(s.book.Steps)
		slices.Reverse(s.run.Order)
		slices.Reverse(s.run.Started.Steps)
		other := s.forecast()
		for _, st := range first.Steps {
			if o, ok := other.Step(st.ID); !ok || o != st {
				t.Errorf("%s in another order: %+v, before %+v", st.ID, o, st)
			}
		}
		if !other.End.Equal(first.End) || other.Gauge.Back != first.Gauge.Back {
			t.Errorf("in another order the run ends %s instead of %s", other.End, first.End)
		}
	})
}
