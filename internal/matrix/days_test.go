package matrix_test

import (
	"fmt"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/matrix"
	"skift/internal/register"
)

// swept is what is stored of a scope that is asked every half hour from 25 October 2019 on until noon of the 30th: three whole local days lie
// behind, one of them of 25 hours. change turns an answer into another or, by returning false, leaves it out.
func swept(s matrix.Scope, change func(u matrix.Unit, at time.Time, r *checks.Result) bool) (out []register.Interval) {
	for _, u := range s.Units() {
		var last *register.Interval
		for at := time.Date(2019, 10, 25, 0, 0, 0, 0, time.UTC); at.Before(s.Now); at = at.Add(30 * time.Minute) {
			r := checks.Result{Unit: u.Unit, Outcome: checks.Pass, Code: checks.OK, Want: u.Want, StartedAt: at, ValidUntil: at.Add(matrix.MaxAge(u.Spec)), ConfigHash: "then"}
			if change != nil && !change(u, at, &r) {
				continue
			}
			r.Verdict = r.Judged(u.Want)
			if last != nil && last.Continues(r) {
				*last = last.Extend(r)
				continue
			}
			out = append(out, register.Begin(r))
			last = &out[len(out)-1]
		}
	}
	return out
}

func TestDays(t *testing.T) {
	t.Parallel()
	p := testPlan()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	p.Zone = zone
	s := scope(p, "cert", "files")
	s.Now = time.Date(2019, 10, 30, 12, 0, 0, 0, zone)
	local := func(day, hour, minute int) time.Time { return time.Date(2019, 10, day, hour, minute, 0, 0, zone) }
	one := func(u matrix.Unit) bool { return u.Addr == "203.0.113.74:443" }
	between := func(at, from, until time.Time) bool { return !at.Before(from) && at.Before(until) }
	for _, c := range []struct {
		name   string
		change func(u matrix.Unit, at time.Time, r *checks.Result) bool
		want   string // of 29, 28 and 27 October: units seen failing, units not looked at
	}{
		{"all as it must be", nil, "0 0|0 0|0 0"},
		{"one answer fails", func(u matrix.Unit, at time.Time, r *checks.Result) bool {
			return !one(u) || !at.Equal(local(28, 14, 0)) || fails(r, checks.Refused)
		}, "0 0|1 0|0 0"},
		{"fails over midnight", func(u matrix.Unit, at time.Time, r *checks.Result) bool {
			return !one(u) || !between(at, local(28, 23, 30), local(29, 1, 0)) || fails(r, checks.Refused)
		}, "1 0|1 0|0 0"},
		{"fails in the last answer of a day, mended in the first of the next", func(u matrix.Unit, at time.Time, r *checks.Result) bool {
			return !one(u) || !at.Equal(local(27, 23, 30)) || fails(r, checks.Refused)
		}, "0 0|0 0|1 0"},
		{"fails today", func(u matrix.Unit, at time.Time, r *checks.Result) bool {
			return at.Before(local(30, 1, 0)) || fails(r, checks.Refused)
		}, "0 0|0 0|0 0"},
		{"a warning", func(_ matrix.Unit, _ time.Time, r *checks.Result) bool {
			r.Outcome, r.Code = checks.Warn, "srv_expires_soon"
			return true
		}, "0 0|0 0|0 0"},
		{"a check that is not critical fails", func(u matrix.Unit, _ time.Time, r *checks.Result) bool {
			return u.Check != "files" || fails(r, checks.Refused)
		}, "0 0|0 0|0 0"},
		{"not asked for as long as an answer holds", func(u matrix.Unit, at time.Time, _ *checks.Result) bool {
			return !between(at, local(28, 10, 30), local(28, 12, 0))
		}, "0 0|0 0|0 0"},
		{"not asked for longer", func(u matrix.Unit, at time.Time, _ *checks.Result) bool {
			return !between(at, local(28, 10, 30), local(28, 13, 0))
		}, "0 0|0 3|0 0"},
		{"not asked all day", func(u matrix.Unit, at time.Time, _ *checks.Result) bool {
			return !between(at, local(28, 0, 0), local(29, 0, 0))
		}, "0 0|0 3|0 0"},
		{"not asked in the evening", func(u matrix.Unit, at time.Time, _ *checks.Result) bool {
			return !between(at, local(27, 18, 0), local(28, 4, 0))
		}, "0 0|0 3|0 3"},
		{"nothing could be observed", func(u matrix.Unit, at time.Time, r *checks.Result) bool {
			if one(u) && at.Equal(local(27, 12, 0)) {
				r.Outcome, r.Code = checks.Unverified, checks.Unobserved
			}
			return true
		}, "0 0|0 0|0 1"},
		{"never asked", func(matrix.Unit, time.Time, *checks.Result) bool { return false }, "0 3|0 3|0 3"},
		{"begun in the middle", func(_ matrix.Unit, at time.Time, _ *checks.Result) bool { return at.After(local(27, 12, 0)) }, "0 0|0 0|0 3"},
	} {
		days := s.Days(swept(s, c.change), 3)
		got := ""
		for i, d := range days {
			if i > 0 {
				got += "|"
			}
			got += fmt.Sprintf("%d %d", len(d.Red), len(d.Blind))
			if want := fmt.Sprintf("2019-10-%d", 29-i); d.Day != want || d.Units != 3 {
				t.Errorf("%s: day %d is %s with %d units, want %s with 3", c.name, i, d.Day, d.Units, want)
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if from := s.DaysFrom(3); !from.Equal(local(27, 0, 0)) || local(28, 0, 0).Sub(from) != 25*time.Hour {
		t.Errorf("three days begin %s", from)
	}
}
