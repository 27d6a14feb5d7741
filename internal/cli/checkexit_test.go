package cli

import (
	"testing"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/matrix"
	"skift/internal/snapshot"
)

// A failure decides the exit code also when the pair is shown by another address of its side, and only on the side that was asked for.
func TestCheckExit(t *testing.T) {
	t.Parallel()
	why := func(side checks.Side, v checks.Verdict) matrix.SideWhy { return matrix.SideWhy{Side: side, Verdict: v} }
	both := snapshot.Pair{Old: &snapshot.Side{}, New: &snapshot.Side{}}
	with := func(sides ...matrix.SideWhy) snapshot.Pair {
		p := both
		p.Why.Sides = sides
		return p
	}
	for _, c := range []struct {
		name  string
		pairs []snapshot.Pair
		side  string
		want  int
	}{
		{"nothing", nil, "", ExitNotKnown},
		{"all as wanted", []snapshot.Pair{both}, "", ExitOK},
		{"a warning", []snapshot.Pair{with(why(checks.Old, checks.Warn))}, "", ExitOK},
		{"not seen", []snapshot.Pair{both, with(why(checks.Old, checks.Unverified))}, "", ExitNotKnown},
		{"ours is broken", []snapshot.Pair{with(why(checks.New, checks.Error))}, "", ExitNotKnown},
		{"one address not seen, another fails", []snapshot.Pair{with(why(checks.Old, checks.Unverified), why(checks.Old, checks.Fail))}, "", ExitFailed},
		{"the other side fails", []snapshot.Pair{with(why(checks.Old, checks.Fail))}, "new", ExitOK},
		{"no address on the side", []snapshot.Pair{{New: &snapshot.Side{}}}, "old", ExitNotKnown},
	} {
		if got := checkExit(api.CheckReply{Pairs: c.pairs, Side: c.side}); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}
