package api

import (
	"time"

	"skift/checks"
)

// Stretch is a part of a unit's past in which it always answered alike, or in which nothing is known.
type Stretch struct {
	From, Until time.Time
	Verdict     checks.Verdict // "" = no observation that holds
	Code        checks.Code
	Seen        checks.Code    // see [Band]
	Count       int64          // answers
	Took        time.Duration  // of an answer, on average over all its phases
	Current     bool           // the same is asked today
	Brought     checks.Brought // by whom; of several, the first
}

// Stretches are the bands between two instants, oldest first, with neighbours that answer alike made one, and with what is not known
// between them. An answer holds until the next one, and no longer than the check says: what comes after is not known, never well.
func (h History) Stretches(from, until time.Time) []Stretch {
	var out []Stretch
	at := from
	for i, b := range h.Bands {
		holds := b.Until.Add(h.MaxAge)
		if i+1 < len(h.Bands) && h.Bands[i+1].Since.Before(holds) {
			holds = h.Bands[i+1].Since
		}
		begin, end := later(b.Since, at), earlier(holds, until)
		if !begin.Before(end) {
			continue
		}
		if at.Before(begin) {
			out = append(out, Stretch{From: at, Until: begin})
		}
		out = merge(out, Stretch{From: begin, Until: end, Verdict: b.Verdict, Code: b.Code, Seen: b.Seen, Count: b.Count, Took: b.took(), Current: b.Current, Brought: b.Brought})
		at = end
	}
	if at.Before(until) {
		out = append(out, Stretch{From: at, Until: until})
	}
	return out
}

// merge adds a stretch, to the last one when it says the same.
func merge(out []Stretch, s Stretch) []Stretch {
	if n := len(out); n > 0 && out[n-1].alike(s) && out[n-1].Until.Equal(s.From) {
		last := &out[n-1]
		if all := last.Count + s.Count; all > 0 {
			last.Took = (last.Took*time.Duration(last.Count) + s.Took*time.Duration(s.Count)) / time.Duration(all)
		}
		last.Until, last.Count = s.Until, last.Count+s.Count
		return out
	}
	return append(out, s)
}

// alike reports whether two stretches say the same, and in the same way: what a party brought is not what was asked from here.
func (s Stretch) alike(t Stretch) bool {
	return s.Verdict == t.Verdict && s.Code == t.Code && s.Seen == t.Seen && s.Current == t.Current && s.Brought.By == t.Brought.By && s.Brought.Party == t.Brought.Party
}

// took is how long an answer took on average.
func (b Band) took() time.Duration {
	var all time.Duration
	for _, t := range b.Timings {
		all += t.Mean
	}
	return all
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
