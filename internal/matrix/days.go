package matrix

import (
	"slices"
	"time"

	"skift/checks"
	"skift/internal/register"
)

// Days says how the critical units of the scope stood on the last n whole local days, the newest first. intervals are those of the units from
// at least [DaysFrom] on. What was answered counts as it was judged then: what was asked, and in which phase, was right for that day.
//
// A unit is red on a day on which it was seen failing, be it by an answer of the day before that nothing had contradicted yet. It is blind when
// for a part of the day there was no answer, or none that held any more, or one that says that nothing could be observed.
func (s Scope) Days(intervals []register.Interval, n int) []register.Day {
	var tracks []Track
	for _, t := range s.Tracks(intervals) {
		if t.Spec.Critical {
			tracks = append(tracks, t)
		}
	}
	out := make([]register.Day, 0, n)
	until := s.midnight(0)
	for i := 1; i <= n; i++ {
		from := s.midnight(i)
		d := register.Day{Day: from.Format(time.DateOnly), Units: len(tracks)}
		for _, t := range tracks {
			red, blind := t.during(from, until)
			f := register.Finding{Check: t.Check, Side: t.Side, Service: t.Spec.Service, Party: t.Party(), Flow: t.Flow, Addr: t.Addr, Owner: t.Owner}
			switch {
			case red != "":
				f.Code = red
				d.Red = append(d.Red, f)
			case blind != "":
				f.Code = blind
				d.Blind = append(d.Blind, f)
			}
		}
		out = append(out, d)
		until = from
	}
	return out
}

// DaysFrom is from when on intervals are needed to say how n days were.
func (s Scope) DaysFrom(n int) time.Time { return s.midnight(n) }

// midnight is the beginning of the local day so many days ago.
func (s Scope) midnight(ago int) time.Time {
	y, m, d := s.Now.In(s.Plan.Zone).Date()
	return time.Date(y, m, d-ago, 0, 0, 0, 0, s.Plan.Zone)
}

// during says with which code the unit was seen failing in [from, until), and with which it was not observed in a part of it; "" = it was not.
func (t Track) during(from, until time.Time) (red, blind checks.Code) {
	known := from // from the beginning of the day up to here something is known
	for n, i := range t.Intervals {
		end := i.Until.Add(MaxAge(t.Spec) + register.Lapse)
		if n+1 < len(t.Intervals) && t.Intervals[n+1].Since.Before(end) {
			end = t.Intervals[n+1].Since
		}
		if !end.After(from) || !i.Since.Before(until) {
			continue
		}
		if i.Since.After(known) {
			blind = checks.Stale
		}
		if end.After(known) {
			known = end
		}
		switch {
		case i.Verdict == checks.Fail:
			red = i.Code
		case !slices.Contains([]checks.Verdict{checks.Pass, checks.Warn}, i.Verdict):
			blind = i.Code
		}
	}
	if known.Before(until) {
		blind = checks.Stale
		if known.Equal(from) {
			blind = checks.Unobserved
		}
	}
	return red, blind
}
