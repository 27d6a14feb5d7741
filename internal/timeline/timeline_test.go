package timeline_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/register"
	"skift/internal/timeline"
)

// The transition as published, seen on the day after its plan was made.
func TestSampleDates(t *testing.T) {
	t.Parallel()
	now := at(t, "2019-06-07 12:00")
	tl := timeline.At(sample(t), facts(at(t, "2019-06-05 09:00"), nil), now)
	got := map[string]string{}
	for _, m := range tl.Milestones {
		got[m.ID] = shown(t, m.Start) + " → " + shown(t, m.End) + " " + string(m.State)
	}
	want := map[string]string{
		"clarification":   "day 2019-06-06 00:00 → day 2019-06-07 00:00 passed",
		"release-2019-7":  "day 2019-07-01 00:00 → day 2019-07-02 00:00 upcoming",
		"frozen-zone-1":   "day 2019-06-01 00:00 → event 2020-02-11 00:00 [2020-02-01 00:00, ] active",
		"frozen-zone-2":   "day 2019-07-01 00:00 → event 2019-12-06 00:00 [2019-12-06 00:00, ] upcoming",
		"internal-test":   "month 2019-07-01 00:00 [2019-07-01 00:00, 2019-08-01 00:00] → month 2019-08-01 00:00 [2019-07-01 00:00, 2019-08-01 00:00] upcoming",
		"delivery-test":   "month 2019-08-01 00:00 [2019-08-01 00:00, 2019-09-01 00:00] → month 2019-09-01 00:00 [2019-08-01 00:00, 2019-09-01 00:00] upcoming",
		"acceptance-test": "month 2019-09-01 00:00 [2019-09-01 00:00, 2019-11-01 00:00] → month 2019-11-01 00:00 [2019-09-01 00:00, 2019-11-01 00:00] upcoming",
		"take-over-day":   "day 2019-10-25 00:00 → day 2019-10-26 00:00 upcoming",
		// 26 days after 9 November is 5 December, and a day lasts to its end.
		"hypercare":         "exact 2019-11-09 00:00 → day 2019-12-06 00:00 upcoming",
		"cutover":           "exact 2019-11-09 00:00 → exact 2019-11-10 18:00 assumed upcoming",
		"in-operation":      "day 2019-11-11 00:00 → day 2019-11-12 00:00 upcoming",
		"operational-trial": "day 2019-12-06 00:00 assumed → about 2020-02-11 00:00 [2020-02-01 00:00, 2020-02-11 00:00] upcoming",
		"first-release":     "unset  → unset  unset",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRelativeDates(t *testing.T) {
	t.Parallel()
	base := []ms{
		{id: "night", kind: "window", from: "2026-10-24 22:00", until: "2026-10-25 06:00"},
		{id: "days", kind: "phase", from: "2026-10-20", until: "2026-10-24"},
		{id: "rough", kind: "phase", from: "2026-03-01..2026-03-10", until: "2026-04-01..2026-04-10"},
		{id: "gap", kind: "window", from: "2026-03-28 02:30", until: "2026-03-28 05:00"},
		{id: "twice", kind: "window", from: "2026-10-24 02:30", until: "2026-10-24 05:00"},
		{id: "none", kind: "phase", from: "unset", until: "unset"},
		{id: "easter", kind: "point", from: "2026-04-01"},
		{id: "friday", kind: "window", from: "2026-06-04 10:00", until: "2026-06-04 12:00"},
		{id: "trial", kind: "phase", from: "2026-01-01", until: "2026-02-01", exit: "g"},
	}
	tests := []struct{ from, until, want string }{
		{"night.start + 1d", "night.end", "exact 2026-10-25 22:00 → exact 2026-10-25 06:00"},        // 25 hours later by the clock
		{"night.start + 24h", "night.end + 24h", "exact 2026-10-25 21:00 → exact 2026-10-26 06:00"}, // 24 hours are 24 hours
		{"night.start - 3d", "night.start - 4h", "exact 2026-10-21 22:00 → exact 2026-10-24 18:00"},
		{"days.end", "days.end + 1d", "day 2026-10-25 00:00 → day 2026-10-26 00:00"}, // the day after the 24th is the 25th
		{"days.end + 1d", "days.end + 2d", "day 2026-10-25 00:00 → day 2026-10-27 00:00"},
		{"days.start - 1d", "days.start", "day 2026-10-19 00:00 → day 2026-10-20 00:00"},
		{"days.start + 6h", "days.end - 6h", "exact 2026-10-20 06:00 → exact 2026-10-24 18:00"},
		{"gap.start + 1d", "gap.end", "exact 2026-03-29 03:00 → exact 2026-03-28 05:00"},     // 02:30 does not exist that day
		{"twice.start + 1d", "twice.end", "exact 2026-10-25 02:30 → exact 2026-10-24 05:00"}, // 02:30 exists twice: the first
		{"rough.start + 2d", "rough.end + 2d", "about 2026-03-03 00:00 [2026-03-03 00:00, 2026-03-13 00:00] → about 2026-04-13 00:00 [2026-04-03 00:00, 2026-04-13 00:00]"},
		{"none.start + 2d", "none.end", "unset  → unset "},
		// Maundy Thursday, Good Friday, the weekend and Easter Monday lie between.
		{"easter.start + 1wd", "easter.start + 2wd", "day 2026-04-07 00:00 → day 2026-04-09 00:00"},
		// 5 June is a half day and does not count.
		{"friday.start + 1wd", "friday.start - 1wd", "exact 2026-06-08 10:00 → exact 2026-06-03 10:00"},
		{"trial.passed + 2d", "trial.passed", "event 2026-10-03 12:00 [2026-10-03 12:00, ] → event 2026-10-01 12:00 [2026-10-01 12:00, ]"},
		{"nobody.start", "x.start + 1d", "unset  → unset "},
	}
	now := at(t, "2026-10-01 12:00")
	for _, tt := range tests {
		t.Run(tt.from+" "+tt.until, func(t *testing.T) {
			t.Parallel()
			tl := timeline.At(testPlan(t, append(base, ms{id: "x", kind: "phase", from: tt.from, until: tt.until})...), nil, now)
			m := tl.Milestone("x")
			if tt.until == "x.start + 1d" { // the end hangs on a beginning that hangs on nothing known
				if m.End.Known() {
					t.Errorf("end = %v", m.End)
				}
				return
			}
			if got := shown(t, m.Start) + " → " + shown(t, m.End); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestCircularDatesAreUnknown(t *testing.T) {
	t.Parallel()
	p := testPlan(t,
		ms{id: "a", kind: "phase", from: "b.end", until: "2026-01-01"},
		ms{id: "b", kind: "phase", from: "2025-01-01", until: "a.start + 1d"},
		ms{id: "c", kind: "phase", from: "c.end - 1d", until: "c.start + 1d"})
	tl := timeline.At(p, nil, at(t, "2025-06-01"))
	for _, id := range []string{"a", "c"} {
		if m := tl.Milestone(id); m.State != timeline.Unset {
			t.Errorf("%s: %s at %s", id, m.State, shown(t, m.Start))
		}
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	type fact = register.MilestoneFacts
	gated := ms{id: "m", kind: "phase", from: "2026-03-02", until: "2026-03-31", exit: "g"}
	plain := ms{id: "m", kind: "phase", from: "2026-03-02", until: "2026-03-31"}
	rough := ms{id: "m", kind: "phase", from: "2026-03-02", until: "2026-03-20..2026-03-31"}
	window := ms{id: "m", kind: "window", from: "2026-03-07 00:00", until: "2026-03-08 18:00", runbook: "r"}
	point := ms{id: "m", kind: "release", from: "2026-03-02 10:00"}
	tests := []struct {
		name    string
		m       ms
		adopted string
		fact    fact
		now     string
		want    timeline.State
	}{
		{"before it begins", plain, "2026-01-01", fact{}, "2026-03-01 23:59", timeline.Upcoming},
		{"from the first minute of its day", plain, "2026-01-01", fact{}, "2026-03-02 00:00", timeline.Active},
		{"to the last minute of its day", plain, "2026-01-01", fact{}, "2026-03-31 23:59", timeline.Active},
		{"the clock passes what has no exit", plain, "2026-01-01", fact{}, "2026-04-01 00:00", timeline.Passed},
		{"an exit gate is waited for", gated, "2026-01-01", fact{}, "2026-04-01 00:00", timeline.Late},
		{"passed early", gated, "2026-01-01", fact{PassedAt: at(t, "2026-03-20")}, "2026-03-21", timeline.Passed},
		{"passed late", gated, "2026-01-01", fact{PassedAt: at(t, "2026-05-01")}, "2026-06-01", timeline.Passed},
		{"reopened", plain, "2026-01-01", fact{ReopenedAt: at(t, "2026-04-02")}, "2026-04-03", timeline.Late},
		{"entered before its time", plain, "2026-01-01", fact{StartedAt: at(t, "2026-02-20")}, "2026-02-21", timeline.Active},
		{"wholly past at adoption", plain, "2026-04-01", fact{}, "2026-04-02", timeline.Missed},
		{"wholly past at adoption, though gated", gated, "2026-05-01", fact{}, "2026-05-02", timeline.Missed},
		{"partly past at adoption", plain, "2026-03-31", fact{}, "2026-03-31 10:00", timeline.Active},
		{"past at adoption yet passed by a person", gated, "2026-05-01", fact{PassedAt: at(t, "2026-05-02")}, "2026-05-03", timeline.Passed},
		{"a rough end is not passed by the clock", rough, "2026-01-01", fact{}, "2026-04-01 00:00", timeline.Late},
		{"inside a rough end", rough, "2026-01-01", fact{}, "2026-03-25", timeline.Active},
		{"a window is over when its run is", window, "2026-01-01", fact{StartedAt: at(t, "2026-03-07")}, "2026-03-08 18:00", timeline.Late},
		{"a window whose run ended", window, "2026-01-01", fact{StartedAt: at(t, "2026-03-07"), PassedAt: at(t, "2026-03-08 12:00")}, "2026-03-08 13:00", timeline.Passed},
		{"a point in time", point, "2026-01-01", fact{}, "2026-03-02 09:59", timeline.Upcoming},
		{"a point in time, come", point, "2026-01-01", fact{}, "2026-03-02 10:00", timeline.Passed},
		{"a point in time before adoption", point, "2026-03-03", fact{}, "2026-03-04", timeline.Missed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tl := timeline.At(testPlan(t, tt.m), facts(at(t, tt.adopted), map[string]fact{"m": tt.fact}), at(t, tt.now))
			if got := tl.Milestone("m").State; got != tt.want {
				t.Errorf("state %s, want %s", got, tt.want)
			}
			if got := tl.StateOf("m"); got != string(tt.want) {
				t.Errorf("StateOf = %q", got)
			}
		})
	}
}

func TestEntering(t *testing.T) {
	t.Parallel()
	p := testPlan(t,
		ms{id: "zone", kind: "zone", from: "2026-01-01", until: "trial.passed"},
		ms{id: "trial", kind: "phase", from: "2026-06-01", until: "2026-07-01", exit: "g"},
		ms{id: "over", kind: "phase", from: "2026-03-01", until: "2026-03-02"},
		ms{id: "release", kind: "release", from: "2026-03-01"},
		ms{id: "window", kind: "window", from: "2026-03-07 00:00", until: "2026-03-08 18:00", runbook: "r"},
		ms{id: "done", kind: "phase", from: "2026-03-01", until: "2026-12-01"},
		ms{id: "past", kind: "release", from: "2026-01-15"},
		ms{id: "undated", kind: "release", from: "unset"},
	)
	f := facts(at(t, "2026-02-01"), map[string]register.MilestoneFacts{"done": {StartedAt: at(t, "2026-03-01")}})
	tl := timeline.At(p, f, at(t, "2026-03-20"))
	var got []string
	for _, m := range tl.Entering() {
		got = append(got, m.ID)
	}
	// A zone begun before adoption but not over is entered; what was over while nobody looked is not begun any more, but for a
	// release, a point or a window, for which somebody waits.
	if d := cmp.Diff([]string{"zone", "release", "window"}, got); d != "" {
		t.Error(d)
	}
	if next := tl.Milestone("trial").Next(tl.Now); !next.Equal(at(t, "2026-06-01")) {
		t.Errorf("trial is entered at %v", next)
	}
	for _, id := range []string{"over", "done", "past", "undated"} {
		if next := tl.Milestone(id).Next(time.Time{}); !next.IsZero() {
			t.Errorf("%s is entered at %v", id, next)
		}
	}
}

func TestZones(t *testing.T) {
	t.Parallel()
	p := sample(t)
	adopted := at(t, "2019-05-01")
	type fact = map[string]register.MilestoneFacts
	tests := []struct {
		name, now, at string
		facts         fact
		want          []string
	}{
		{"before", "2019-05-31", "2019-05-31 23:59", nil, nil},
		{"the first", "2019-06-01", "2019-06-01 00:00", nil, []string{"frozen-zone-1 kombit/chair|kombit/cutover-manager"}},
		{"both overlap", "2019-07-01", "2019-07-01 00:00", nil, []string{"frozen-zone-1 kombit/chair|kombit/cutover-manager", "frozen-zone-2 kombit/chair"}},
		{"the estimate ends no zone", "2020-03-01", "2020-03-01", nil, []string{"frozen-zone-1 kombit/chair|kombit/cutover-manager", "frozen-zone-2 kombit/chair"}},
		{"hypercare passed lifts the second", "2019-12-10", "2019-12-10", fact{"hypercare": {PassedAt: at(t, "2019-12-09 14:00")}}, []string{"frozen-zone-1 kombit/chair|kombit/cutover-manager"}},
		{"not before it was passed", "2019-12-10", "2019-12-09 13:59", fact{"hypercare": {PassedAt: at(t, "2019-12-09 14:00")}}, []string{"frozen-zone-1 kombit/chair|kombit/cutover-manager", "frozen-zone-2 kombit/chair"}},
		{"everything passed", "2020-02-08", "2020-02-08", fact{"hypercare": {PassedAt: at(t, "2019-12-09")}, "operational-trial": {PassedAt: at(t, "2020-02-07")}}, nil},
		{"a later instant, as known now", "2019-05-15", "2019-08-01", nil, []string{"frozen-zone-1 kombit/chair|kombit/cutover-manager", "frozen-zone-2 kombit/chair"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tl := timeline.At(p, facts(adopted, tt.facts), at(t, tt.now))
			var got []string
			for _, z := range tl.Zones(at(t, tt.at)) {
				line := z.ID + " "
				for i, seat := range z.MayLift {
					if i > 0 {
						line += "|"
					}
					line += seat
				}
				got = append(got, line)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMissedZoneIsNotInForce(t *testing.T) {
	t.Parallel()
	p := testPlan(t, ms{id: "z", kind: "zone", from: "2026-01-01", until: "2026-01-31", exit: "g"})
	tl := timeline.At(p, facts(at(t, "2026-03-01"), nil), at(t, "2026-03-02"))
	if z := tl.Zones(tl.Now); len(z) != 0 {
		t.Errorf("in force: %v", z[0].ID)
	}
	// Adopted in its middle, it stays until its gate lets it go.
	tl = timeline.At(p, facts(at(t, "2026-01-10"), nil), at(t, "2026-03-02"))
	if z := tl.Zones(tl.Now); len(z) != 1 {
		t.Errorf("%d zones in force, want 1", len(z))
	}
}

// What begins with an event has not begun while the event has not come, however overdue it is.
func TestZoneThatBeginsWithAnEvent(t *testing.T) {
	t.Parallel()
	p := testPlan(t,
		ms{id: "trial", kind: "phase", from: "2026-01-01", until: "2026-02-01", exit: "g"},
		ms{id: "z", kind: "zone", from: "trial.passed", until: "2026-12-31"})
	now := at(t, "2026-06-01")
	tl := timeline.At(p, nil, now)
	if z := tl.Zones(now); len(z) != 0 || tl.StateOf("z") != "upcoming" || len(tl.Entering()) != 1 {
		t.Errorf("in force %d, %s, entering %d", len(z), tl.StateOf("z"), len(tl.Entering()))
	}
	tl = timeline.At(p, facts(time.Time{}, map[string]register.MilestoneFacts{"trial": {StartedAt: at(t, "2026-01-01"), PassedAt: at(t, "2026-03-01")}}), now)
	if z := tl.Zones(now); len(z) != 1 || tl.StateOf("z") != "active" || len(tl.Zones(at(t, "2026-02-28"))) != 0 {
		t.Errorf("in force %d, %s", len(z), tl.StateOf("z"))
	}
}

func TestNextAndActive(t *testing.T) {
	t.Parallel()
	tl := timeline.At(sample(t), facts(at(t, "2019-05-01"), nil), at(t, "2019-11-09 12:00"))
	var got []string
	for _, h := range tl.Next(4) {
		got = append(got, h.Milestone.ID+"."+string(h.Edge)+" "+local(t, h.When.At))
	}
	want := []string{"cutover.end 2019-11-10 18:00", "in-operation.start 2019-11-11 00:00", "in-operation.end 2019-11-12 00:00", "frozen-zone-2.end 2019-12-06 00:00"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got = nil
	for _, m := range tl.Active() {
		got = append(got, m.ID+" "+string(m.State))
	}
	want = []string{"frozen-zone-1 active", "frozen-zone-2 active", "internal-test late", "acceptance-test late", "hypercare active", "cutover active"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestSlip(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	tests := []struct {
		name  string
		id    string
		facts map[string]register.MilestoneFacts
		want  time.Duration
		known bool
	}{
		{"late so far", "hypercare", nil, 14 * day, true},
		{"what waits for it slips along", "frozen-zone-2", nil, 14 * day, true},
		{"passed late", "hypercare", map[string]register.MilestoneFacts{"hypercare": {PassedAt: at(t, "2019-12-08")}}, 2 * day, true},
		{"passed early", "hypercare", map[string]register.MilestoneFacts{"hypercare": {PassedAt: at(t, "2019-12-04")}}, -2 * day, true},
		{"in time", "operational-trial", nil, 0, true},
		{"without a date", "first-release", nil, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			now := at(t, "2019-12-20")
			tl := timeline.At(sample(t), facts(at(t, "2019-05-01"), tt.facts), now)
			got, known := tl.Milestone(tt.id).Slip(now)
			if got != tt.want || known != tt.known {
				t.Errorf("slip %v %v, want %v %v", got, known, tt.want, tt.known)
			}
		})
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	passed := map[string]register.MilestoneFacts{"hypercare": {PassedAt: at(t, "2019-12-09 14:30")}}
	tests := []struct {
		expr, now string
		facts     map[string]register.MilestoneFacts
		want      string // "" = no date
		wait      string // what a wait for it waits for; "" = unknown
	}{
		{"cutover.start", "2019-06-01", nil, "2019-11-09 00:00", "2019-11-09 00:00"},
		{"cutover.end", "2019-06-01", nil, "2019-11-10 18:00", "2019-11-10 18:00"},
		{"cutover.start - 4h", "2019-06-01", nil, "2019-11-08 20:00", "2019-11-08 20:00"},
		{"hypercare.end", "2019-06-01", nil, "2019-12-06 00:00", "2019-12-06 00:00"},
		{"operational-trial.end", "2019-06-01", nil, "2020-02-11 00:00", "2020-02-11 00:00"},
		{"acceptance-test.start", "2019-06-01", nil, "2019-11-01 00:00", "2019-11-01 00:00"},
		{"hypercare.passed", "2019-06-01", nil, "2019-12-06 00:00", ""},
		{"hypercare.passed", "2019-12-20 10:00", passed, "2019-12-09 14:30", "2019-12-09 14:30"},
		{"hypercare.passed + 1d", "2019-12-20 10:00", passed, "2019-12-10 14:30", "2019-12-10 14:30"},
		{"hypercare.passed", "2019-12-20 10:00", nil, "2019-12-21 00:00", ""},              // overdue: never the past, and the same all day
		{"hypercare.end", "2019-12-20 23:59", nil, "2019-12-21 00:00", "2019-12-06 00:00"}, // late: a wait for the planned end is over
		{"frozen-zone-2.end", "2019-06-01", nil, "2019-12-06 00:00", ""},
		{"2019-11-09 12:00", "2019-06-01", nil, "2019-11-09 12:00", "2019-11-09 12:00"},
		{"first-release.start", "2019-06-01", nil, "", ""},
		{"nobody.end", "2019-06-01", nil, "", ""},
		{"rubbish", "2019-06-01", nil, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.expr+" at "+tt.now, func(t *testing.T) {
			t.Parallel()
			tl := timeline.At(sample(t), facts(at(t, "2019-05-01"), tt.facts), at(t, tt.now))
			got, ok := tl.Moment(tt.expr)
			if local(t, got) != tt.want || ok != (tt.want != "") {
				t.Errorf("Moment = %s %v, want %s", local(t, got), ok, tt.want)
			}
			got, ok = tl.WaitUntil(tt.expr)
			if local(t, got) != tt.wait || ok != (tt.wait != "") {
				t.Errorf("WaitUntil = %s %v, want %s", local(t, got), ok, tt.wait)
			}
		})
	}
}

// What a certificate is asked about is part of what was asked: it must not differ between two askings of the same day.
func TestMomentIsTheSameAllDay(t *testing.T) {
	t.Parallel()
	for _, expr := range []string{"hypercare.passed", "frozen-zone-1.end", "operational-trial.passed + 3d", "hypercare.end"} {
		a, _ := timeline.At(sample(t), facts(at(t, "2019-05-01"), nil), at(t, "2020-03-20 08:00")).Moment(expr)
		b, _ := timeline.At(sample(t), facts(at(t, "2019-05-01"), nil), at(t, "2020-03-20 22:00")).Moment(expr)
		if a.IsZero() || !a.Equal(b) {
			t.Errorf("%s: %v, then %v", expr, a, b)
		}
	}
}

func TestOpensAndDeadlines(t *testing.T) {
	t.Parallel()
	tl := timeline.At(sample(t), nil, at(t, "2019-06-01"))
	tests := []struct{ text, opens, by string }{
		{"cutover.start - 24h", "2019-11-08 00:00", "2019-11-08 00:00"},
		{"2019-11-08", "2019-11-08 00:00", "2019-11-09 00:00"}, // a deadline on a day lasts to its end
		{"2019-11", "2019-11-01 00:00", "2019-12-01 00:00"},
		{"hypercare.passed", "", ""},
		{"unset", "", ""},
		{"", "", ""},
	}
	for _, tt := range tests {
		opens, ok := tl.OpensAt(written(t, tt.text))
		if local(t, opens) != tt.opens || ok != (tt.opens != "") {
			t.Errorf("%q opens %s %v, want %s", tt.text, local(t, opens), ok, tt.opens)
		}
		by, ok := tl.DecideBy(written(t, tt.text))
		if local(t, by) != tt.by || ok != (tt.by != "") {
			t.Errorf("%q by %s %v, want %s", tt.text, local(t, by), ok, tt.by)
		}
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	hypercare := map[string]register.MilestoneFacts{"hypercare": {PassedAt: at(t, "2019-12-09")}}
	tests := []struct {
		name, from, until, now string
		facts                  map[string]register.MilestoneFacts
		want                   bool
	}{
		{"no bounds", "", "", "2019-06-01", nil, true},
		{"before", "2019-07-01", "", "2019-06-30", nil, false},
		{"after", "", "2019-07-01", "2019-07-02", nil, false},
		{"on the last day", "", "2019-07-01", "2019-07-01 23:00", nil, true},
		{"until an event that has not come", "", "hypercare.passed", "2020-06-01", nil, true},
		{"until an event that has come", "", "hypercare.passed", "2019-12-10", hypercare, false},
		{"from an event that has not come", "hypercare.passed", "", "2020-06-01", nil, false},
		{"from an event that has come", "hypercare.passed", "", "2019-12-10", hypercare, true},
		{"from a date not set", "unset", "", "2019-12-10", nil, false},
		{"until the end of what is late", "", "hypercare.end", "2019-12-20", nil, true},
		{"until the end of what was passed", "", "hypercare.end", "2019-12-20", hypercare, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tl := timeline.At(sample(t), facts(at(t, "2019-05-01"), tt.facts), at(t, tt.now))
			if got := tl.Within(written(t, tt.from), written(t, tt.until)); got != tt.want {
				t.Errorf("within = %v", got)
			}
		})
	}
}

// The same question has the same answer, also asked by many at once.
func TestConcurrentReading(t *testing.T) {
	t.Parallel()
	tl := timeline.At(sample(t), nil, at(t, "2019-11-09 12:00"))
	want := tl.Chart(60)
	done := make(chan timeline.Chart)
	for range 8 {
		go func() {
			tl.Zones(tl.Now)
			tl.Moment("hypercare.passed")
			done <- tl.Chart(60)
		}()
	}
	for range 8 {
		got := <-done
		for i := range got.Rows {
			if d := cmp.Diff(want.Rows[i].Cells, got.Rows[i].Cells); d != "" {
				t.Error(d)
			}
		}
	}
}
