package timeline_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"skift/internal/plan"
	"skift/internal/timeline"
)

// wishing is a plan with one milestone of each sort of date, and a gate.
func wishing(t *testing.T, from, until string) *timeline.Timeline {
	t.Helper()
	m := &plan.Milestone{ID: "m", Kind: plan.Window, From: placed(t, from, 1), Until: placed(t, until, 2)}
	g := &plan.Gate{ID: "g", Opens: placed(t, "2019-11-01", 3), DecideBy: placed(t, "2019-11-08 20:00", 4)}
	p := &plan.Plan{Zone: copenhagen(t), Holidays: "dk", MilestoneIDs: []string{"m"}, Milestones: map[string]*plan.Milestone{"m": m}, GateIDs: []string{"g"}, Gates: map[string]*plan.Gate{"g": g}}
	return timeline.At(p, nil, at(t, "2019-06-01"))
}

// placed is a date as the reader gives it, with a place of its own.
func placed(t *testing.T, text string, line int) plan.When {
	t.Helper()
	rough, about := strings.CutPrefix(text, "about ")
	w := written(t, rough)
	if w.Pos.Line = line; about {
		w.Kind = plan.About
	}
	return w
}

// Wishes, and the dates that come of them.
func TestRedate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ from, until, to, end, want string }{
		{"2019-11-09 00:00", "2019-11-10 18:00", "2020-11-07", "", "2020-11-07 00:00 > 2020-11-08 18:00"},
		{"2019-11-09 00:00", "2019-11-10 18:00", "2020-11-07 06:00", "", "2020-11-07 06:00 > 2020-11-09 00:00"},
		{"2019-11-09 00:00", "2019-11-10 18:00", "2020-11-06 22:30", "", "2020-11-06 22:30 > 2020-11-08 16:30"},
		{"2019-11-09 00:00", "2019-11-10 18:00", "+52w", "", "2020-11-07 00:00 > 2020-11-08 18:00"},
		{"2019-11-09 00:00", "2019-11-10 18:00", "-1d", "", "2019-11-08 00:00 > 2019-11-09 18:00"},
		{"2019-11-09 00:00", "2019-11-10 18:00", "", "+1d", " > 2019-11-11 18:00"},
		{"2019-11-09 00:00", "2019-11-10 18:00", "+1d", "2019-11-12", "2019-11-10 00:00 > 2019-11-12 18:00"},
		{"2019-11-09 00:00", "m.start + 42h", "2020-11-07", "", "2020-11-07 00:00 > "},
		{"2019-12-20", "2019-12-23", "+3wd", "", "2019-12-30 > 2020-01-02"}, // over Christmas: 23, 27 and 30 are working days
		{"2019-12-30", "2019-12-30", "-3wd", "", "2019-12-20 > 2019-12-20"},
		{"2019-12-06", "about 2020-02-01..2020-02-10", "2020-12-04", "", "2020-12-04 > 2021-01-30..2021-02-08"},
		{"2019-12-06", "about 2020-02", "2020-12-04", "", "2020-12-04 > 2021-02"},
		{"2019-12-06", "", "unset", "", "unset > "},
		{"", "2019-12-06", "2019-12-01", "", "2019-12-01 > "},
	} {
		got, err := wishing(t, tt.from, tt.until).Redate("m", timeline.Wish{To: tt.to, Until: tt.end})
		if err != nil {
			t.Errorf("%+v: %v", tt, err)
			continue
		}
		if s := got[0].From + " > " + got[0].Until; s != tt.want {
			t.Errorf("%+v: %s", tt, s)
		}
	}
	with, err := wishing(t, "2019-11-09 00:00", "2019-11-10 18:00").Redate("m", timeline.Wish{To: "2020-11-07 06:00", With: []string{"g"}})
	if err != nil || len(with) != 2 || with[1].Gate != "g" || with[1].From != "2020-10-30" || with[1].Until != "2020-11-06 20:00" {
		t.Errorf("with a gate: %+v, %v", with, err)
	}
	var wish *timeline.WishError
	if _, err := wishing(t, "2019-11-09 00:00", "2019-11-10 18:00").Redate("m", timeline.Wish{To: "2020-03-29", With: nil}); err != nil {
		t.Error(err) // 00:00 is there
	}
	if _, err := wishing(t, "2019-11-09 02:30", "2019-11-10 18:00").Redate("m", timeline.Wish{To: "2020-03-29"}); !errors.As(err, &wish) || wish.Hint == "" {
		t.Errorf("a time that clocks skip: %v", err)
	}
}

// What comes to the dates there are is no move, and a month has no days by which it could move.
func TestNothingMoves(t *testing.T) {
	t.Parallel()
	const begin, end = "2019-11-09 00:00", "2019-11-10 18:00"
	for _, tt := range []struct {
		from, until, to, end, with string
		want                       string // part of the message and of the hint; "" = it moves
	}{
		{from: begin, until: end, to: "2019-11-09", want: "m is there already: 2019-11-09 00:00 – 2019-11-10 18:00"},
		{from: begin, until: end, to: "+0d", want: "m is there already"},
		{from: begin, until: end, end: "2019-11-10 18:00", want: "m is there already"},
		{from: begin, until: end, to: "2019-11-09", end: "+1d"},
		{from: "2019-12-06", until: "about 2020-02", to: "2019-12-06", want: "m is there already"},
		{from: "2019-12-06", until: "about 2020-02", to: "+1d"},
		{from: "2019-12-06", until: "about 2020-02", end: "+3d", want: "2020-02 is a month and does not move by days (+3d): write the month: 2020-03"},
		{from: "2019-05", until: "2019-05", to: "2019-05..2019-05", want: "m is there already"},
		{from: "2019-05", until: "2019-05", to: "+1d", want: "2019-05 is a month and does not move by days (+1d): write the month: 2019-06"},
		{from: "2019-05", until: "2019-05", to: "-1wd", want: "write the month: 2019-04"},
		{from: "2019-09..2019-10", until: "2019-09..2019-10", to: "+12w", want: "write the month: 2019-12..2020-01"},
		{from: "2019-05", until: "2019-05", to: "2019-06"},
		{from: begin, until: end, to: "+7d", with: "month", want: "month is a month, 2019-05: 7 days do not make it another: leave it out of --with, or move it by itself: skift plan move month 2019-06"},
		{from: begin, until: end, to: "+52w", with: "month"},
		{from: begin, until: end, to: "+7d", with: "until-month", want: "until-month is a month, 2019-05"},
	} {
		tl := wishing(t, tt.from, tt.until)
		p := tl.Plan()
		for _, id := range []string{"month", "until-month"} {
			when := placed(t, "2019-05", 9)
			p.MilestoneIDs, p.Milestones[id] = append(p.MilestoneIDs, id), &plan.Milestone{ID: id, Kind: plan.Phase, From: when, Until: when}
		}
		p.Milestones["until-month"].From = plan.When{Kind: plan.Relative, Ref: plan.Ref{Milestone: "m", Point: "end"}}
		w := timeline.Wish{To: tt.to, Until: tt.end}
		if tt.with != "" {
			w.With = []string{tt.with}
		}
		if tt.from == tt.until {
			p.Milestones["m"].Until = p.Milestones["m"].From // as `in` is read
		}
		got, err := tl.Redate("m", w)
		said := ""
		var wish *timeline.WishError
		if errors.As(err, &wish) {
			said = wish.Message + ": " + wish.Hint
		}
		if (err == nil) != (tt.want == "") || !strings.Contains(said, tt.want) {
			t.Errorf("%+v: %v, %q", tt, got, said)
		}
	}
}

// Moved by any number of days and back, by any way to say it, a date is what it was: over clock changes, leap days and the ends of months.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	for day := 0; day < 8000; day += 37 {
		begin := time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, day)
		from, until := begin.Format("2006-01-02 15:04"), begin.AddDate(0, 0, 1).Format("2006-01-02")+" 18:00"
		for _, n := range []int{1, 7, 29, 140, 364, 366} {
			there, err := wishing(t, from, until).Redate("m", timeline.Wish{To: fmt.Sprintf("+%dd", n)})
			if err != nil {
				t.Fatal(err)
			}
			back, err := wishing(t, there[0].From, there[0].Until).Redate("m", timeline.Wish{To: begin.Format(time.DateOnly)})
			if err != nil {
				t.Fatal(err)
			}
			if back[0].From != from || back[0].Until != until {
				t.Errorf("%s to %s by %d days and back: %s to %s", from, until, n, back[0].From, back[0].Until)
			}
			if length := at(t, there[0].Until).Sub(at(t, there[0].From)); n%7 == 0 && (length < 41*time.Hour || length > 43*time.Hour) {
				t.Errorf("%s + %d days lasts %s", from, n, length)
			}
		}
	}
}
