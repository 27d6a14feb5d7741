package matrix_test

import (
	"testing"
	"time"

	"skift/checks"
	"skift/internal/matrix"
	"skift/internal/register"
)

// TestTracks: every unit of the scope has its track, in order of time, and nobody else's answers are in it.
func TestTracks(t *testing.T) {
	t.Parallel()
	s := scope(testPlan(), "cert")
	stored := answers(s, nil)
	later := stored[0]
	later.Since, later.Until, later.ConfigHash = later.Since.Add(time.Hour), later.Until.Add(time.Hour), "another"
	foreign := stored[0]
	foreign.Unit.Addr = "192.0.2.99:443"
	tracks := s.Tracks(append([]register.Interval{later, foreign}, stored[:2]...))
	if len(tracks) != 3 {
		t.Fatalf("%d tracks, want one per unit", len(tracks))
	}
	for i, want := range []int{2, 1, 0} {
		if got := len(tracks[i].Intervals); got != want {
			t.Errorf("%s has %d intervals, want %d", tracks[i].Unit.Unit, got, want)
		}
	}
	first := tracks[0]
	if !first.Intervals[0].Since.Before(first.Intervals[1].Since) {
		t.Error("not in order of time")
	}
	if !first.Asks(first.Intervals[0]) || first.Asks(first.Intervals[1]) {
		t.Error("an answer to another question is taken for one to today's, or the other way round")
	}
	if first.Side != checks.Old || matrix.LocalVantage != first.Vantage {
		t.Errorf("%+v", first.Unit.Unit)
	}
}

// TestConclude: what an interval is shown as follows from what other vantages got while it held, also later, and not from what they got
// another time, to another question, or when they were meant to be kept out.
func TestConclude(t *testing.T) {
	t.Parallel()
	s := scope(testPlan(), "allow")
	var f1, f2 matrix.Unit
	for _, u := range s.Units() {
		if u.Side == checks.New && u.Addr == "203.0.113.10:443" && u.Flow == "f1" {
			f1 = u
		}
		if u.Side == checks.New && u.Addr == "203.0.113.10:443" && u.Flow == "f2" {
			f2 = u
		}
	}
	age := matrix.MaxAge(f1.Spec)
	from := func(u matrix.Unit, code checks.Code, since time.Duration) register.Interval {
		r := checks.Result{Unit: u.Unit, Outcome: code.Info().Verdict, Verdict: code.Info().Verdict, Code: code, Want: checks.Allow, ConfigHash: u.Ask().Hash(),
			Facts: map[string]string{checks.FactControl: checks.ControlAnswered}}
		return register.Interval{Result: r, Since: s.Now.Add(since), Until: s.Now.Add(since), Count: 1}
	}
	another := from(f2, checks.OK, -age/2)
	another.ConfigHash = "another"
	kept := from(f2, checks.Refused, -age/2)
	kept.Want = checks.Deny
	for _, c := range []struct {
		name  string
		other register.Interval
		want  checks.Code
	}{
		{"let in elsewhere", from(f2, checks.OK, -age/2), checks.WhitelistMissing},
		{"let in elsewhere, learnt later", from(f2, checks.OK, -age/10), checks.WhitelistMissing},
		{"turned away elsewhere", from(f2, checks.Refused, -age/2), checks.TargetDown},
		{"let in elsewhere, long before", from(f2, checks.OK, -3*age), checks.FilteredDrop},
		{"let in elsewhere, by another question", another, checks.FilteredDrop},
		{"kept out elsewhere, as it is meant", kept, checks.FilteredDrop},
		{"asked from the same vantage", from(f1, checks.OK, -2*age), checks.FilteredDrop},
	} {
		tracks := s.Tracks([]register.Interval{from(f1, checks.FilteredDrop, -age*3/4), c.other})
		concluded := s.Conclude(tracks)
		for _, track := range tracks {
			if track.Key() != f1.Key() {
				continue
			}
			n := len(track.Intervals) - 1
			if got := concluded.Code(track, n); got != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
		}
	}
	// Mended: what was let in stays what it is, and the failure before it keeps the conclusion of its time.
	tracks := s.Tracks([]register.Interval{from(f1, checks.FilteredDrop, -age/2), from(f1, checks.OK, -age/4), from(f2, checks.OK, -age*3/4)})
	for _, track := range tracks {
		if track.Key() != f1.Key() {
			continue
		}
		if c := s.Conclude(tracks); c.Code(track, 0) != checks.WhitelistMissing || c.Code(track, 1) != checks.OK {
			t.Errorf("mended: %s, %s", c.Code(track, 0), c.Code(track, 1))
		}
	}
}
