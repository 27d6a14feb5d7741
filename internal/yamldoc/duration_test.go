package yamldoc

import (
	"testing"
	"time"
)

func TestParseSpan(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for s, want := range map[string]Span{
		"0s": {}, "15m": {0, 15 * time.Minute}, "2h": {0, 2 * time.Hour}, "26d": {26, 0}, "3w": {21, 0},
		"1h30m": {0, 90 * time.Minute}, "1w2d3h4m5s6ms": {9, 3*time.Hour + 4*time.Minute + 5*time.Second + 6*time.Millisecond},
		"500ms": {0, 500 * time.Millisecond}, "090m": {0, 90 * time.Minute}, "25h": {0, 25 * time.Hour}, "1d1ms": {1, time.Millisecond},
	} {
		got, err := ParseSpan(s)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", s, got, err, want)
		}
		if d, _ := ParseDuration(s); d != time.Duration(want.Days)*day+want.Clock {
			t.Errorf("%q as a duration: %v", s, d)
		}
	}
	for _, s := range []string{"", "0", "5", "m", "-5m", "+5m", "1.5h", "1h 30m", " 1h", "1h ", "30m1h", "1h1h", "1H", "1M", "5min", "5ms5s",
		"1y", "1µs", "1us", "1h30", "99999999999d", "36601d", "1d2147483647h", "９m", "1mm", "1sm", "1dd"} {
		if got, err := ParseSpan(s); err == nil {
			t.Errorf("%q was read as %+v", s, got)
		}
	}
}

func TestFormatDurationReadsBack(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 90 * time.Minute: "1h30m", 26 * 24 * time.Hour: "26d", 1500 * time.Millisecond: "1s500ms",
		49*time.Hour + time.Second: "2d1h1s", -time.Hour: "-1h", time.Microsecond: "0s",
	} {
		got := FormatDuration(d)
		if got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
		if d >= 0 {
			if back, err := ParseDuration(got); err != nil || back != d.Truncate(time.Millisecond) {
				t.Errorf("%v: %q reads back as %v, %v", d, got, back, err)
			}
		}
	}
}

// Days follow the calendar: noon stays noon over the change to winter time.
func TestSpanFollowsTheCalendar(t *testing.T) {
	t.Parallel()
	cph, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Skip("no time zone data: ", err)
	}
	noon := time.Date(2019, 10, 26, 12, 0, 0, 0, cph)
	for _, tt := range []struct {
		span         string
		after, befor string
	}{
		{"1d", "2019-10-27T12:00:00+01:00", "2019-10-25T12:00:00+02:00"},
		{"24h", "2019-10-27T11:00:00+01:00", "2019-10-25T12:00:00+02:00"},
		{"1d1h", "2019-10-27T13:00:00+01:00", "2019-10-25T11:00:00+02:00"},
	} {
		span, err := ParseSpan(tt.span)
		if err != nil {
			t.Fatal(err)
		}
		if got := span.AddTo(noon).Format(time.RFC3339); got != tt.after {
			t.Errorf("%s after: %s, want %s", tt.span, got, tt.after)
		}
		if got := span.SubFrom(noon).Format(time.RFC3339); got != tt.befor {
			t.Errorf("%s before: %s, want %s", tt.span, got, tt.befor)
		}
	}
}

// A length that is taken is not negative, and reads back as it is printed.
func FuzzParseSpan(f *testing.F) {
	for _, s := range []string{"15m", "1w2d3h4m5s6ms", "36600d", "1.5h", "5ms5s", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		span, err := ParseSpan(s)
		if err != nil {
			return
		}
		d, err := ParseDuration(s)
		if err != nil || d != span.Duration() || d < 0 {
			t.Errorf("%q: %v, %v, %v", s, span, d, err)
		}
		if back, err := ParseDuration(FormatDuration(d)); err != nil || back != d {
			t.Errorf("%q is printed as %s and reads back as %v, %v", s, FormatDuration(d), back, err)
		}
	})
}
