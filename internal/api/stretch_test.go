package api

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
)

// Missing data is its own state: what no answer holds for is never taken for well, at the beginning, between and at the end.
func TestStretches(t *testing.T) {
	t.Parallel()
	day := time.Date(2019, 11, 9, 0, 0, 0, 0, time.UTC)
	at := func(hours int) time.Time { return day.Add(time.Duration(hours) * time.Hour) }
	band := func(since, until int, v checks.Verdict, n int64) Band {
		return Band{Since: at(since), Until: at(until), Verdict: v, Code: checks.Code(v), Count: n, Current: true,
			Timings: map[string]Timing{"connect": {Mean: time.Duration(n)}, "tls": {Mean: time.Duration(n)}}}
	}
	h := History{MaxAge: 2 * time.Hour, Bands: []Band{band(-10, -8, checks.Fail, 1), band(-1, 1, checks.Pass, 3), band(2, 4, checks.Pass, 1),
		band(4, 5, checks.Fail, 2), band(10, 10, checks.Pass, 1)}}
	got := h.Stretches(at(0), at(14))
	want := []Stretch{
		{at(0), at(4), checks.Pass, "pass", "", 4, 5, true, checks.Brought{}}, // two that answer alike are one
		{at(4), at(7), checks.Fail, "fail", "", 2, 4, true, checks.Brought{}}, // holds two hours
		{From: at(7), Until: at(10)},
		{at(10), at(12), checks.Pass, "pass", "", 1, 2, true, checks.Brought{}},
		{From: at(12), Until: at(14)},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Stretch{{From: at(0), Until: at(1)}}, (History{}).Stretches(at(0), at(1))); d != "" {
		t.Errorf("never asked:\n%s", d)
	}
	if got := h.Stretches(at(20), at(30)); len(got) != 1 || got[0].Verdict != "" {
		t.Errorf("long after: %+v", got)
	}
	// What a party brought is told from what was asked from here, and not by each of its files.
	h = History{MaxAge: 2 * time.Hour, Bands: []Band{band(0, 1, checks.Pass, 1), band(2, 3, checks.Pass, 1), band(4, 5, checks.Pass, 1)}}
	h.Bands[1].Brought, h.Bands[2].Brought = checks.Brought{By: checks.ByProbe, From: "ask-1", Party: "k101"}, checks.Brought{By: checks.ByProbe, From: "ask-2", Party: "k101"}
	if got := h.Stretches(at(0), at(5)); len(got) != 2 || got[1].Brought.Party != "k101" || !got[1].From.Equal(at(2)) {
		t.Errorf("brought: %+v", got)
	}
}
