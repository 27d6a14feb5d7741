package words_test

import (
	"math"
	"testing"
	"time"
	_ "time/tzdata"

	"skift/internal/words"
)

// What should have been over today is not late by nothing.
func TestLate(t *testing.T) {
	t.Parallel()
	for days, want := range map[int]string{0: "less than a day", 1: "1 day", 12: "12 days"} {
		if got := words.In(words.En).Late(days); got != want {
			t.Errorf("%d days: %q", days, got)
		}
	}
}

func copenhagen(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestDates(t *testing.T) {
	t.Parallel()
	cph := copenhagen(t)
	da, en := words.In(words.Da), words.In(words.En)
	at := time.Date(2019, 11, 9, 2, 14, 7, 0, cph)
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, cph) }
	first := time.Date(2019, 10, 27, 0, 30, 0, 0, time.UTC).In(cph) // the first 02.30 of the night the clock goes back
	for _, c := range []struct{ name, got, want string }{
		{"da full", da.DateTime(at), "lørdag d. 9. november 2019 kl. 02.14 CET"},
		{"en full", en.DateTime(at), "Sat 9 November 2019 02:14 CET"},
		{"utc", en.DateTime(at.UTC()), "Sat 9 November 2019 01:14 UTC"},
		{"summer", da.DateTime(time.Date(2019, 7, 1, 8, 0, 0, 0, cph)), "mandag d. 1. juli 2019 kl. 08.00 CEST"},
		{"first half past two", da.ClockZone(first), "02.30 CEST"},
		{"second half past two", da.ClockZone(first.Add(time.Hour)), "02.30 CET"},
		{"da day", da.Day(at), "lørdag d. 9. november 2019"},
		{"en day", en.Day(at), "Sat 9 November 2019"},
		{"da date", da.Date(at), "9. november 2019"},
		{"en date", en.Date(at), "9 November 2019"},
		{"da short", da.Short(at), "lør. 9. nov. 02.14"},
		{"da short sunday", da.ShortDay(day(2019, 5, 5)), "søn. 5. maj"},
		{"da short monday", da.ShortDay(day(2019, 9, 2)), "man. 2. sep."},
		{"en short", en.Short(at), "Sat 9 Nov 02:14"},
		{"da seconds", da.ClockSeconds(at), "02.14.07"},
		{"en seconds", en.ClockSeconds(at), "02:14:07"},
		{"da month", da.Month(at), "november 2019"},
		{"en weekday", en.Weekday(time.Saturday), "Saturday"},
		{"da week", da.Week(at), "uge 45"},
		{"en week", en.Week(at), "week 45"},
		{"the first week of 2020 begins in 2019", da.WeekYear(day(2019, 12, 30)), "uge 1, 2020"},
		{"53 weeks", en.WeekYear(day(2021, 1, 3)), "week 53, 2020"},
		{"da weekend", da.Days(day(2019, 11, 9), day(2019, 11, 10)), "9.–10. november 2019"},
		{"en weekend", en.Days(day(2019, 11, 9), day(2019, 11, 10)), "9–10 November 2019"},
		{"da two months", da.Days(day(2019, 11, 9), day(2019, 12, 5)), "9. november – 5. december 2019"},
		{"en two years", en.Days(day(2019, 12, 30), day(2020, 1, 2)), "30 December 2019 – 2 January 2020"},
		{"one day", en.Days(day(2019, 11, 9), day(2019, 11, 9)), "9 November 2019"},
		{"same day of two months", en.Days(day(2019, 10, 9), day(2019, 11, 9)), "9 October – 9 November 2019"},
		{"one month", da.Months(day(2019, 7, 1), day(2019, 7, 31)), "juli 2019"},
		{"two months", da.Months(day(2019, 9, 1), day(2019, 10, 31)), "september – oktober 2019"},
		{"months over new year", en.Months(day(2019, 12, 1), day(2020, 1, 31)), "December 2019 – January 2020"},
		{"primo", da.About(day(2020, 2, 1), day(2020, 2, 10)), "primo februar 2020"},
		{"en primo", en.About(day(2020, 2, 1), day(2020, 2, 10)), "early February 2020"},
		{"medio", da.About(day(2020, 2, 11), day(2020, 2, 20)), "medio februar 2020"},
		{"ultimo of a leap February", da.About(day(2020, 2, 21), day(2020, 2, 29)), "ultimo februar 2020"},
		{"not quite ultimo", da.About(day(2020, 2, 21), day(2020, 2, 28)), "ca. 21.–28. februar 2020"},
		{"about", en.About(day(2020, 2, 3), day(2020, 2, 12)), "about 3–12 February 2020"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		d      time.Duration
		da, en string
	}{
		{0, "0 sek.", "0 s"},
		{time.Nanosecond, "1 ms", "1 ms"},
		{340 * time.Millisecond, "340 ms", "340 ms"},
		{12 * time.Second, "12 sek.", "12 s"},
		{1499 * time.Millisecond, "1 sek.", "1 s"},
		{59*time.Second + 600*time.Millisecond, "1 min.", "1 min"},
		{90 * time.Second, "1 min. 30 sek.", "1 min 30 s"},
		{20 * time.Minute, "20 min.", "20 min"},
		{3*time.Hour + 20*time.Minute, "3 t. 20 min.", "3 h 20 min"},
		{3*time.Hour + 20*time.Minute + 31*time.Second, "3 t. 21 min.", "3 h 21 min"},
		{59*time.Minute + 59*time.Second + 600*time.Millisecond, "1 t.", "1 h"},
		{23*time.Hour + 59*time.Minute + 40*time.Second, "1 d.", "1 d"},
		{52 * time.Hour, "2 d. 4 t.", "2 d 4 h"},
		{26 * 24 * time.Hour, "26 d.", "26 d"},
		{1200 * 24 * time.Hour, "1.200 d.", "1,200 d"},
		{-90 * time.Second, "−1 min. 30 sek.", "−1 min 30 s"},
		{math.MinInt64, "−106.751 d. 23 t.", "−106,751 d 23 h"},
		{math.MaxInt64, "106.751 d. 23 t.", "106,751 d 23 h"},
	} {
		if got := words.In(words.Da).Duration(c.d); got != c.da {
			t.Errorf("da %v: got %q, want %q", c.d, got, c.da)
		}
		if got := words.In(words.En).Duration(c.d); got != c.en {
			t.Errorf("en %v: got %q, want %q", c.d, got, c.en)
		}
	}
}

func TestNumbersAndLists(t *testing.T) {
	t.Parallel()
	da, en := words.In(words.Da), words.In(words.En)
	for _, c := range []struct{ name, got, want string }{
		{"da thousands", da.Number(1234567), "1.234.567"},
		{"en thousands", en.Number(1234567), "1,234,567"},
		{"hundreds", da.Number(999), "999"},
		{"negative", da.Number(-1000), "−1.000"},
		{"least", en.Number(math.MinInt64), "−9,223,372,036,854,775,808"},
		{"all", da.Percent(200, 200), "100 %"},
		{"half a percent missing", da.Percent(199, 200), "99,5 %"},
		{"rounded down, never up to all", en.Percent(9999, 10000), "99.9%"},
		{"none of none", en.Percent(0, 0), "–"},
		{"ago da", da.Ago(12 * time.Second), "for 12 sek. siden"},
		{"ago en", en.Ago(12 * time.Second), "12 s ago"},
		{"ahead", da.Ahead(200 * time.Minute), "om 3 t. 20 min."},
		{"slip", da.Slip(3), "+3 dage"},
		{"slip one back", en.Slip(-1), "−1 day"},
		{"no slip", da.Slip(0), "uændret"},
		{"list of none", da.List(nil), ""},
		{"list of one", da.List([]string{"a"}), "a"},
		{"list", da.List([]string{"a", "b", "c"}), "a, b og c"},
		{"en list", en.List([]string{"a", "b"}), "a and b"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
}
