package snapshot_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/snapshot"
)

// weekendOn is a small plan; milestones are lines of it.
func weekendOn(t testing.TB, milestones ...string) *plan.Plan {
	t.Helper()
	text := "plan: moving\ntitle: The move\ntimezone: Europe/Copenhagen\nlanguage: en\nparties: {customer: {name: The customer, role: customer}}\nenvironments: {prod: {production: true}}\nmilestones:\n  " + strings.Join(milestones, "\n  ") + "\n"
	p, problems := plan.Load(fstest.MapFS{"plan.yaml": &fstest.MapFile{Data: []byte(text)}})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestLastWeek: how a date stood a week ago is what the revision said that was in use then, and without one what the plan keeps of the move.
func TestLastWeek(t *testing.T) {
	t.Parallel()
	const first = `cutover: {kind: window, from: "2019-11-30 00:00", until: "2019-12-01 18:00"}`
	const after = `care: {kind: phase, from: cutover.end, until: "cutover.end + 7d"}`
	moved := func(day string) string {
		return `cutover: {kind: window, from: "2019-12-07 00:00", until: "2019-12-08 18:00", was: [{from: "2019-11-30 00:00", until: "2019-12-01 18:00", moved: ` + day + `, reason: network}]}`
	}
	const silent = `cutover: {kind: window, from: "2019-12-07 00:00", until: "2019-12-08 18:00"}`
	const second = `second: {kind: point, date: 2019-12-14}`
	before := weekendOn(t, first, after)
	type adoption struct {
		p   *plan.Plan
		ago time.Duration
	}
	for _, tt := range []struct {
		name     string
		p        *plan.Plan
		used     []adoption
		lastWeek string // of the cut-over's end; "" = it was not there
		care     string // of what hangs on it
		slip     [2]int // now, last week
	}{
		{"never in use, moved today", weekendOn(t, moved("2019-11-09"), after), nil, "2019-12-01", "2019-12-08", [2]int{7, 0}},
		{"never in use, moved long ago", weekendOn(t, moved("2019-10-09"), after), nil, "2019-12-08", "2019-12-15", [2]int{7, 7}},
		{"in use since yesterday", weekendOn(t, moved("2019-10-09"), after), []adoption{{before, 30 * day}, {nil, day}}, "2019-12-01", "2019-12-08", [2]int{7, 0}},
		{"moved on the same day a week ago, in use before", weekendOn(t, moved("2019-11-02"), after), []adoption{{before, 30 * day}, {nil, 7*day + time.Hour}}, "2019-12-08", "2019-12-15", [2]int{7, 7}},
		{"moved by hand and nothing kept", weekendOn(t, silent, after), []adoption{{before, 30 * day}, {nil, day}}, "2019-12-01", "2019-12-08", [2]int{0, 0}},
		{"first in use within the week", weekendOn(t, moved("2019-11-07"), after), []adoption{{before, 5 * day}, {nil, 2 * day}}, "2019-12-01", "2019-12-08", [2]int{7, 0}},
		{"the revision is not kept", weekendOn(t, moved("2019-11-07"), after), []adoption{{&plan.Plan{Hash: "gone"}, 30 * day}, {nil, 2 * day}}, "2019-12-01", "2019-12-08", [2]int{7, 0}},
		{"one more since", weekendOn(t, first, after, second), []adoption{{before, 30 * day}, {nil, day}}, "2019-12-01", "2019-12-08", [2]int{0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &facts{}
			kept := map[string]*plan.Plan{before.Hash: before, tt.p.Hash: tt.p}
			for _, a := range tt.used {
				if a.p == nil {
					a.p = tt.p
				}
				f.add(t, a.ago, register.PlanAdopted, "", "", "", register.Adopted{Hash: a.p.Hash, Changes: []plan.Change{{Section: "milestones", ID: "cutover", How: plan.Moved}}})
			}
			s := snapshot.Build(snapshot.In{Plan: tt.p, Bound: func(hash string) *plan.Plan { return kept[hash] }, Register: &f.register, Now: now})
			got := map[string]snapshot.Milestone{}
			for _, m := range s.Milestones {
				got[m.ID] = m
			}
			last := func(id string) string { return got[id].LastWeek.At.In(tt.p.Zone).Format(time.DateOnly) }
			if last("cutover") != tt.lastWeek || last("care") != tt.care {
				t.Errorf("a week ago the cut-over ended on %s and the care on %s, want %s and %s", last("cutover"), last("care"), tt.lastWeek, tt.care)
			}
			if m := got["cutover"]; [2]int{m.SlipDays, m.SlipLastWeek} != tt.slip {
				t.Errorf("slip now and then: %d, %d, want %v", m.SlipDays, m.SlipLastWeek, tt.slip)
			}
			if m, ok := got["second"]; ok && (m.LastWeek != snapshot.Date{} || m.SlipLastWeek != m.SlipDays) {
				t.Errorf("what was not in the plan a week ago: %+v", m)
			}
		})
	}
}
