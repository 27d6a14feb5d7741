package timeline_test

import (
	"strings"
	"testing"
	"time"

	"skift/internal/timeline"
)

func TestHolidays(t *testing.T) {
	t.Parallel()
	c := timeline.NewCalendar(copenhagen(t), "dk")
	tests := []struct {
		day, name     string
		half, workday bool
	}{
		{"2026-01-01", "Nytårsdag", false, false},
		{"2026-04-02", "Skærtorsdag", false, false},
		{"2026-04-03", "Langfredag", false, false},
		{"2026-04-06", "Anden påskedag", false, false},
		{"2023-05-05", "Store bededag", false, false},
		{"2024-04-26", "", false, true}, // abolished
		{"2026-05-14", "Kristi Himmelfartsdag", false, false},
		{"2026-05-24", "Pinsedag", false, false},
		{"2026-05-25", "Anden Pinsedag", false, false},
		{"2026-06-05", "Grundlovsdag", true, false},
		{"2026-12-24", "Juleaftensdag", true, false},
		{"2026-12-25", "Juledag", false, false},
		{"2026-12-31", "Nytårsaftensdag", true, false},
		{"2026-06-08", "", false, true},
		{"2026-06-06", "", false, false}, // Saturday
	}
	for _, tt := range tests {
		name, half := c.Holiday(at(t, tt.day+" 23:30"))
		if name != tt.name || half != tt.half || c.Workday(at(t, tt.day)) != tt.workday {
			t.Errorf("%s: %q half=%v workday=%v", tt.day, name, half, c.Workday(at(t, tt.day)))
		}
	}
	plain := timeline.NewCalendar(copenhagen(t), "")
	if name, _ := plain.Holiday(at(t, "2026-12-25")); name != "" || !plain.Workday(at(t, "2026-12-25")) {
		t.Errorf("a calendar without holidays has %q", name)
	}
}

// Days keep their time of day over every clock change, and adding days one by one never goes backwards.
func TestAddDaysOverClockChanges(t *testing.T) {
	t.Parallel()
	c := timeline.NewCalendar(copenhagen(t), "dk")
	for _, change := range changes(t) {
		day := c.AddDays(c.Day(change), -2)
		for _, clock := range []string{"00:00", "01:59", "02:00", "02:30", "03:00", "23:59"} {
			start := at(t, local(t, day)[:10]+" "+clock)
			last := start
			for n := 1; n <= 4; n++ {
				got := c.AddDays(start, n)
				if !got.After(last) {
					t.Errorf("%s + %dd = %s, not after %s", local(t, start), n, local(t, got), local(t, last))
				}
				shown := local(t, got)
				if shown[11:] != clock && !got.Equal(change) {
					t.Errorf("%s + %dd = %s", local(t, start), n, shown)
				}
				last = got
			}
			if back := c.AddDays(c.AddDays(start, 4), -4); !back.Equal(start) {
				t.Errorf("%s there and back is %s", local(t, start), local(t, back))
			}
		}
	}
}

func TestJudgeMove(t *testing.T) {
	t.Parallel()
	c := timeline.NewCalendar(copenhagen(t), "dk")
	tests := []struct {
		wish, problems, nearest string
		weeks                   int
	}{
		{"2026-11-14", "", "", 366},
		{"2019-11-09", "", "", 0},
		{"2019-11-02", "", "", -1},
		{"2026-11-13", "weekday 2026-11-13", "2026-10-31 2026-11-07 2026-11-14 2026-11-21", 365},
		// clocks are set back in the night to Sunday 25 October
		{"2026-10-24", "clock-change 2026-10-25", "2026-10-10 2026-10-17 2026-10-31 2026-11-07", 363},
		{"2026-03-28", "clock-change 2026-03-29", "2026-03-07 2026-03-14 2026-03-21 2026-04-11", 333},
		{"2026-04-04", "holiday 2026-04-05", "2026-03-14 2026-03-21 2026-04-11 2026-04-18", 334},
		{"2027-12-25", "holiday 2027-12-25 holiday 2027-12-26", "2027-12-04 2027-12-11 2027-12-18 2028-01-08", 424},
		{"2027-06-05", "half-day 2027-06-05", "2027-05-22 2027-05-29 2027-06-12 2027-06-19", 395},
		{"2022-12-31", "half-day 2022-12-31 holiday 2023-01-01", "2022-12-10 2022-12-17 2023-01-07 2023-01-14", 164},
	}
	for _, tt := range tests {
		t.Run(tt.wish, func(t *testing.T) {
			t.Parallel()
			m := c.JudgeMove(at(t, "2019-11-09 00:00"), at(t, tt.wish+" 10:00"), 2)
			var problems, nearest []string
			for _, p := range m.Problems {
				problems = append(problems, string(p.Objection)+" "+local(t, p.Day)[:10])
			}
			for _, d := range m.Nearest {
				nearest = append(nearest, local(t, d)[:10])
				if again := c.JudgeMove(at(t, "2019-11-09"), d, 2); !again.OK() {
					t.Errorf("proposes %s, which it refuses", local(t, d))
				}
			}
			if got := strings.Join(problems, " "); got != tt.problems || m.Weeks != tt.weeks || m.OK() != (tt.problems == "") {
				t.Errorf("%d weeks, problems %q; want %d, %q", m.Weeks, got, tt.weeks, tt.problems)
			}
			if got := strings.Join(nearest, " "); got != tt.nearest && tt.nearest != "" {
				t.Errorf("nearest %s, want %s", got, tt.nearest)
			}
		})
	}
}

func TestShiftDates(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text  string
		weeks int
		want  string
	}{
		{`from: "2019-11-09 00:00"`, 366, `from: "2026-11-14 00:00"`},
		{"until: {at: 2019-11-10T18:00, assumed: true}", 1, "until: {at: 2019-11-17T18:00, assumed: true}"},
		{"in: 2019-07", 366, "in: 2026-07"},
		{"in: 2019-09..2019-10", 366, "in: 2026-09..2026-10"},
		{"in: 2019-01..2019-03", 2, "in: 2019-01..2019-03"}, // three months stay three months
		{"in: 2019-11..2020-02", 53, "in: 2020-11..2021-02"},
		{"about: 2020-02-01..2020-02-10", -52, "about: 2019-02-02..2019-02-11"},
		{"release-2019-07-01: {date: 2019-07-01}", 1, "release-2019-07-01: {date: 2019-07-08}"},
		{"release-2019-7: {date: unset}", 9, "release-2019-7: {date: unset}"},
		{"uuid: 3f2a-2019-07-01-9c", 1, "uuid: 3f2a-2019-07-01-9c"},
		{"2019-13-40 and 2019-13", 1, "2019-13-40 and 2019-13"},
		{"kombit/chair,2019-11-08 22:00,2019-11-09 06:00,p1", 1, "kombit/chair,2019-11-15 22:00,2019-11-16 06:00,p1"},
		{"addr: 198.51.100.10:443", 1, "addr: 198.51.100.10:443"},
		{"cutover.start + 26d", 1, "cutover.start + 26d"},
		{"2024-02-29", 52, "2025-02-27"},
	}
	for _, tt := range tests {
		if got := timeline.ShiftDates(tt.text, tt.weeks); got != tt.want {
			t.Errorf("%q by %d weeks: %q, want %q", tt.text, tt.weeks, got, tt.want)
		}
	}
}

// Days come back from a move there and back, and keep their weekday.
func FuzzShiftDates(f *testing.F) {
	f.Add("from: 2019-11-09, until: \"2019-11-10 18:00\"", 366)
	f.Add("2020-02-29..2020-03-01", -1)
	f.Fuzz(func(t *testing.T, text string, weeks int) {
		weeks %= 2000
		moved := timeline.ShiftDates(text, weeks)
		if day, err := time.Parse("2006-01-02", text); err == nil && day.Year() > 100 && day.Year() < 9900 {
			to, err := time.Parse("2006-01-02", moved)
			if err != nil || to.Weekday() != day.Weekday() || timeline.ShiftDates(moved, -weeks) != text {
				t.Errorf("%q by %d weeks: %q", text, weeks, moved)
			}
		}
		if same := timeline.ShiftDates(text, 0); strings.Count(same, "-") != strings.Count(text, "-") {
			t.Errorf("%q by nothing: %q", text, same)
		}
	})
}

func TestChart(t *testing.T) {
	t.Parallel()
	tl := timeline.At(sample(t), facts(at(t, "2019-05-01"), nil), at(t, "2019-11-09 12:00"))
	c := tl.Chart(72)
	var b strings.Builder
	ticks := []rune(strings.Repeat(" ", 72))
	for _, tick := range c.Ticks {
		ticks[tick.Column] = '|'
	}
	ticks[c.Now] = 'v'
	b.WriteString(strings.TrimRight(string(ticks), " ") + "\n")
	for _, r := range c.Rows {
		line := make([]byte, len(r.Cells))
		for i, cell := range r.Cells {
			line[i] = byte(cell)
		}
		b.WriteString(strings.TrimRight(string(line)+" "+r.Milestone.ID+" "+string(r.Milestone.State), " ") + "\n")
	}
	golden(t, "testdata/chart.txt", b.String())
	if from, until := local(t, c.From), local(t, c.Until); from != "2019-06-01 00:00" || until != "2020-03-01 00:00" {
		t.Errorf("drawn from %s until %s", from, until)
	}
}

func TestChartWithoutDates(t *testing.T) {
	t.Parallel()
	tl := timeline.At(testPlan(t, ms{id: "m", kind: "release", from: "unset"}), nil, at(t, "2019-11-09"))
	c := tl.Chart(40)
	if c.Now != -1 || len(c.Ticks) != 0 || len(c.Rows) != 1 || len(c.Rows[0].Cells) != 0 {
		t.Errorf("drawn: %+v", c)
	}
	// Every cell stays inside the chart, whatever its width.
	for _, width := range []int{0, 10, 11, 500} {
		c := timeline.At(sample(t), nil, at(t, "2030-01-01")).Chart(width)
		for _, r := range c.Rows {
			if len(r.Cells) != max(width, 10) {
				t.Errorf("width %d: %d cells", width, len(r.Cells))
			}
		}
		if c.Now != -1 {
			t.Errorf("now, long after, stands in column %d", c.Now)
		}
	}
}
