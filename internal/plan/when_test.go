package plan

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/diag"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func utc(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestParseWhen(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time { return utc(t, s) }
	relative := func(point string, o Offset) When {
		return When{Kind: Relative, Ref: Ref{"cutover", point}, Offset: o}
	}
	for text, want := range map[string]When{
		"2019-11-09 00:00":       {Kind: Exact, At: at("2019-11-08 23:00:00")},
		"2019-11-09T18:30":       {Kind: Exact, At: at("2019-11-09 17:30:00")},
		"2019-06-01 08:00:15":    {Kind: Exact, At: at("2019-06-01 06:00:15")},
		"2019-06-01":             {Kind: Day, At: at("2019-05-31 22:00:00"), From: at("2019-05-31 22:00:00"), Until: at("2019-06-01 22:00:00")},
		"2019-03-31":             {Kind: Day, At: at("2019-03-30 23:00:00"), From: at("2019-03-30 23:00:00"), Until: at("2019-03-31 22:00:00")},
		"2019-12-31":             {Kind: Day, At: at("2019-12-30 23:00:00"), From: at("2019-12-30 23:00:00"), Until: at("2019-12-31 23:00:00")},
		"2019-07":                {Kind: Month, From: at("2019-06-30 22:00:00"), Until: at("2019-07-31 22:00:00")},
		"2019-12":                {Kind: Month, From: at("2019-11-30 23:00:00"), Until: at("2019-12-31 23:00:00")},
		"2019-09..2019-10":       {Kind: Month, From: at("2019-08-31 22:00:00"), Until: at("2019-10-31 23:00:00")},
		"2020-02-01..2020-02-10": {Kind: About, From: at("2020-01-31 23:00:00"), Until: at("2020-02-10 23:00:00")},
		"unset":                  {Kind: Unset},
		"cutover.start":          relative(Start, Offset{}),
		"cutover.start - 3d":     relative(Start, Offset{Days: -3}),
		"cutover.end + 26d":      relative(End, Offset{Days: 26}),
		"cutover.start - 24h":    relative(Start, Offset{Clock: -24 * time.Hour}),
		"cutover.start + 2wd":    relative(Start, Offset{WorkingDays: 2}),
		"cutover.start + 2w1d":   relative(Start, Offset{Days: 15}),
		"cutover.start+1d-2h30m": relative(Start, Offset{Days: 1, Clock: -2*time.Hour - 30*time.Minute}),
		"cutover.start + 3wd 2h": relative(Start, Offset{WorkingDays: 3, Clock: 2 * time.Hour}),
		"cutover.passed":         {Kind: Event, Ref: Ref{"cutover", Passed}},
		"cutover.passed + 5d":    {Kind: Event, Ref: Ref{"cutover", Passed}, Offset: Offset{Days: 5}},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := ParseWhen(text, zone(t, "Europe/Copenhagen"))
			if err != nil {
				t.Fatal(err)
			}
			want.Text = text
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestParseWhenRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		code diag.Code
		hint string // part of it
	}{
		"":                        {CodeBadDate, "2019-11-09"},
		"9 November":              {CodeBadDate, "unset"},
		"2019-02-29":              {CodeBadDate, "year-month-day"},
		"2019-13":                 {CodeBadDate, "year-month-day"},
		"0219-06-01":              {CodeBadDate, "1970"},
		"2019-11-10 24:00":        {CodeBadDate, "00:00 of the next"},
		"2019-11-10 10:60":        {CodeBadDate, "23:59"},
		"2019-11-10T10:00Z":       {CodeBadDate, "offset"},
		"2019-11-10 10:00+01:00":  {CodeBadDate, "offset"},
		"2019-10..2019-09":        {CodeBadDate, "2019-09..2019-10"},
		"2019-10..2019-10-03":     {CodeBadDate, "two days or two months"},
		"2019-03-31 02:30":        {CodeTimeMissing, "2019-03-31 01:59 and 2019-03-31 03:00"},
		"2019-10-27 02:30":        {CodeTimeTwice, `{at: "2019-10-27 02:30", fold: first} (CEST) or fold: second (CET)`},
		"cutover.begin":           {CodeUnknownPoint, "start, end and passed"},
		"cutover.strat":           {CodeUnknownPoint, `"start"`},
		"cutover.start + 2":       {CodeBadOffset, "units"},
		"cutover.start + 2months": {CodeBadOffset, "units"},
		"cutover.start + d":       {CodeBadOffset, "units"},
		"cutover.start + 40000d":  {CodeBadOffset, "units"},
		"cutover.start + 36525d + 36525d + 36525d + 36525d": {CodeBadOffset, "units"},
		"cutover.start + 99999999999999999999h":             {CodeBadOffset, "units"},
		"cutover.start + 99999999999h":                      {CodeBadOffset, "units"},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			_, err := ParseWhen(text, zone(t, "Europe/Copenhagen"))
			var e *WhenError
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Code != want.code || !strings.Contains(e.Hint, want.hint) {
				t.Errorf("got %s: %s (%s)", e.Code, e.Message, e.Hint)
			}
		})
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	z := zone(t, "Europe/Copenhagen")
	for fold, want := range map[string]string{foldFirst: "2019-10-27 00:30:00", foldSecond: "2019-10-27 01:30:00"} {
		w, err := parseWhen("2019-10-27 02:30", z, fold)
		if err != nil || !w.At.Equal(utc(t, want)) {
			t.Errorf("%s: got %v, %v", fold, w.At, err)
		}
	}
}

// Clocks have been changed at midnight, by half an hour, and by a day.
func TestLocalTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, text string
		code       diag.Code // "" = accepted
		at, hint   string
	}{
		{"America/Sao_Paulo", "2018-11-04 00:30", CodeTimeMissing, "", "2018-11-03 23:59 and 2018-11-04 01:00"},
		{"America/Sao_Paulo", "2018-11-04", "", "2018-11-04 03:00:00", ""},
		{"Australia/Lord_Howe", "2019-10-06 02:15", CodeTimeMissing, "", "2019-10-06 01:59 and 2019-10-06 02:30"},
		{"Australia/Lord_Howe", "2019-04-07 01:45", CodeTimeTwice, "", "fold"},
		{"Pacific/Apia", "2011-12-30 12:00", CodeTimeMissing, "", "2011-12-29 23:59 and 2011-12-31 00:00"},
		{"America/Havana", "2019-11-03", "", "2019-11-03 04:00:00", ""}, // its midnight comes twice: the day begins with the first
		{"Pacific/Kiritimati", "2019-11-03 12:00", "", "2019-11-02 22:00:00", ""},
		{"UTC", "2019-03-31 02:30", "", "2019-03-31 02:30:00", ""},
	} {
		w, err := ParseWhen(c.text, zone(t, c.zone))
		var e *WhenError
		switch {
		case c.code == "" && (err != nil || !w.At.Equal(utc(t, c.at))):
			t.Errorf("%s %s: got %v, %v", c.zone, c.text, w.At, err)
		case c.code != "" && (!errors.As(err, &e) || e.Code != c.code || !strings.Contains(e.Hint, c.hint)):
			t.Errorf("%s %s: got %v, %v", c.zone, c.text, w.At, err)
		}
	}
}

// TestInstants compares with the definition, hour by hour over years in which clocks were changed in every odd way.
func TestInstants(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Copenhagen", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "Africa/Casablanca"} {
		z := zone(t, name)
		readings := map[local][]time.Time{}
		start := time.Date(2011, 11, 1, 0, 0, 0, 0, time.UTC)
		for at := start; at.Before(start.AddDate(0, 13, 0)); at = at.Add(30 * time.Minute) {
			in := at.In(z)
			l := local{in.Year(), in.Month(), in.Day(), in.Hour(), in.Minute(), in.Second()}
			readings[l] = append(readings[l], at)
		}
		for wall := start.AddDate(0, 0, 2); wall.Before(start.AddDate(0, 12, 0)); wall = wall.Add(30 * time.Minute) {
			l := local{wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second()}
			if d := cmp.Diff(readings[l], l.instants(z)); d != "" {
				t.Fatalf("%s %v (-counted +computed):\n%s", name, l, d)
			}
			if before, after := l.skipped(z); len(readings[l]) == 0 && !(before.Before(after) && after.Sub(before) == time.Minute) {
				t.Fatalf("%s %v: skipped between %v and %v", name, l, before, after)
			}
		}
	}
}

func FuzzParseWhen(f *testing.F) {
	for _, s := range []string{"2019-11-09 00:00", "2019-06-01", "2019-07..2019-08", "unset", "cutover.start - 3d", "a.passed + 1w2d3h4m5s", "2019-10-27 02:30"} {
		f.Add(s)
	}
	z := zone(f, "Europe/Copenhagen")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := ParseWhen(text, z)
		if err != nil {
			var e *WhenError
			if !errors.As(err, &e) || e.Code == "" || e.Message == "" {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		if w.Kind == NoWhen || w.Text != text {
			t.Fatalf("%q: %#v", text, w)
		}
		if w.Ref == (Ref{}) {
			return
		}
		printed := strings.TrimSpace(w.Ref.String() + " " + w.Offset.String())
		again, err := ParseWhen(printed, z)
		again.Text = w.Text
		if err != nil || again != w {
			t.Fatalf("%q printed as %q: %v, %+v", text, printed, err, again)
		}
	})
}
