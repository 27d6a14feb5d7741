package matrix

import (
	"slices"
	"time"

	"skift/checks"
	"skift/internal/register"
)

// Track is what one unit of the scope answered over time, oldest first; none = nothing.
type Track struct {
	Unit
	Intervals []register.Interval
}

// Asks reports whether an interval answers what the unit is asked today: answers to another address book, bundle or date are
// history and prove nothing.
func (u Unit) Asks(i register.Interval) bool { return i.ConfigHash == u.ask.Hash() }

// Tracks sorts intervals under the units of the scope, in the scope's order; those of other units are left out.
func (s Scope) Tracks(intervals []register.Interval) []Track {
	units := s.Units()
	out := make([]Track, len(units))
	index := make(map[string]int, len(units))
	for i, u := range units {
		out[i].Unit = u
		index[u.Key()] = i
	}
	for _, in := range intervals {
		if i, ok := index[in.Unit.Key()]; ok {
			out[i].Intervals = append(out[i].Intervals, in)
		}
	}
	for i := range out {
		slices.SortStableFunc(out[i].Intervals, func(a, b register.Interval) int { return a.Since.Compare(b.Since) })
	}
	return out
}

// Concluded tells what an interval of a track is shown as: the code that was stored, or what follows from it beside what other vantages got
// of the same address, as the matrix has it. An interval is read when it last held, so that an answer that came later is heard too.
type Concluded struct {
	now time.Time
	at  map[place][]Track
}

// Conclude takes all tracks of the scope in.
func (s Scope) Conclude(tracks []Track) Concluded {
	c := Concluded{now: s.Now, at: map[place][]Track{}}
	for _, t := range tracks {
		if t.Spec.Sourced() && len(t.Intervals) > 0 {
			k := place{t.Check, t.Addr, t.Side}
			c.at[k] = append(c.at[k], t)
		}
	}
	return c
}

// Code is that of one interval of a track.
func (c Concluded) Code(t Track, n int) checks.Code {
	in := t.Intervals[n]
	if in.Outcome != checks.Fail || !t.Asks(in) || !t.Spec.Sourced() {
		return in.Code
	}
	end := t.holds(n)
	if c.now.Before(end) {
		end = c.now
	}
	var views []view
	for _, other := range c.at[place{t.Check, t.Addr, t.Side}] {
		if m, ok := other.when(end); ok && other.Asks(other.Intervals[m]) {
			views = append(views, viewOf(other.Intervals[m]))
		}
	}
	return viewOf(in).beside(glimpses(views))
}

func viewOf(i register.Interval) view {
	return view{i.Unit.Vantage, i.Outcome, i.Want, i.Code, i.Facts}
}

// holds is until when an interval counts: as long as the check says, and no longer than the next one.
func (t Track) holds(n int) time.Time {
	end := t.Intervals[n].Until.Add(MaxAge(t.Spec))
	if n+1 < len(t.Intervals) && t.Intervals[n+1].Since.Before(end) {
		return t.Intervals[n+1].Since
	}
	return end
}

// when finds the interval that counts at an instant.
func (t Track) when(at time.Time) (n int, ok bool) {
	for n := len(t.Intervals) - 1; n >= 0; n-- {
		if !t.Intervals[n].Since.After(at) {
			return n, !t.holds(n).Before(at)
		}
	}
	return 0, false
}
