package plan

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"skift/internal/diag"
)

// The block stands once for each wave, in the order of the table, with the wave's dates and names; what a wave has no date for, and
// what hangs on that, it does not have.
func TestWaves(t *testing.T) {
	t.Parallel()
	p := full(t)
	var repeated []string
	for _, id := range p.MilestoneIDs {
		if p.Milestones[id].Wave != "" {
			repeated = append(repeated, id)
		}
	}
	equal(t, "milestones", []string{"pilot-invoicing", "wave-1-course", "wave-1-follow-up", "wave-1-invoicing"}, repeated)
	equal(t, "waves", []string{"pilot", "wave-1"}, p.WaveIDs)
	pilot, one := p.Waves["pilot"], p.Waves["wave-1"]
	equal(t, "members of the pilot", []string{"municipality-101"}, pilot.Members)
	equal(t, "note", "its course was held before the plan", pilot.Note)
	equal(t, "course", []string{"", "wave-1-course"}, []string{pilot.Milestone("course"), one.Milestone("course")})
	equal(t, "wave of a member", one, p.WaveOf("municipality-102"))

	course := p.Milestones["wave-1-course"]
	equal(t, "title", []string{"Wave 1: Kursus", "Wave 1: Course"}, []string{course.Title.In("da"), course.Title.In("en")})
	equal(t, "exit", "wave-1-course-held", course.Exit)
	equal(t, "dates", []string{"2019-03-18", "2019-04-01"}, []string{course.From.Text, course.Until.Text})
	if !course.Until.Assumed || course.From.Pos.File != "waves.csv" || course.From.Pos.Line != 3 {
		t.Errorf("the dates of the course are %+v and %+v", course.From, course.Until)
	}
	equal(t, "what hangs on it", Ref{"wave-1-course", End}, p.Milestones["wave-1-follow-up"].From.Ref)
	equal(t, "gate's opening", Ref{"wave-1-course", End}, p.Gates["wave-1-course-held"].Opens.Ref)
	if p.Gates["pilot-course-held"] != nil {
		t.Error("a wave without a course decides whether it was held")
	}
	criteria := func(gate string) (ids []string) {
		for _, c := range p.Gates[gate].Criteria {
			ids = append(ids, c.ID)
		}
		return ids
	}
	equal(t, "criteria", []string{"wave-1-course", "users-set-up"}, criteria("wave-1-invoicing-go"))
	equal(t, "criteria without a course", []string{"users-set-up"}, criteria("pilot-invoicing-go"))
	var told []string
	for _, m := range p.Told(p.Audiences["wave-1-wave"]) {
		told = append(told, m.ID)
	}
	equal(t, "told", []string{"municipality-102"}, told)
}

func TestMeetings(t *testing.T) {
	t.Parallel()
	p := full(t)
	if len(p.Meetings) != 2 {
		t.Fatalf("%d meetings", len(p.Meetings))
	}
	m := p.Meetings[0]
	equal(t, "id", "klik-october-1", m.ID)
	equal(t, "from", time.Date(2019, 10, 28, 12, 0, 0, 0, time.UTC), m.From) // the day after clocks were set back
	equal(t, "until", time.Date(2019, 10, 28, 13, 0, 0, 0, time.UTC), m.Until)
	equal(t, "parties", []string{"kombit", "municipalities"}, m.Parties)
}

// Half a stretch is none: a row that has one date of a milestone and not the other is refused, at the cell that is empty.
func TestHalfDated(t *testing.T) {
	t.Parallel()
	for _, row := range []string{"wave-1,Wave 1,2030-03-18,,2030-07-01", "wave-1,Wave 1,,2030-03-18,2030-07-01"} {
		fsys := readBundle(t, lintdata+"/base/waves.txtar").fsys()
		fsys["waves.csv"] = &fstest.MapFile{Data: []byte("wave,name,course_start,course_end,start\npilot,Pilot,,,2030-07-01\n" + row + "\n")}
		p, problems := Load(fsys)
		if !slices.ContainsFunc(problems.Sorted(), func(x diag.Problem) bool { return x.Code == CodeHalfDated && x.File == "waves.csv" && x.Line == 3 }) {
			t.Errorf("%s is read as\n%s", row, rendered(p, &problems))
		}
	}
}

// What stands in the table counts for the plan: a vote for other dates is no vote for these.
func TestWavesAreHashed(t *testing.T) {
	t.Parallel()
	fsys := readBundle(t, lintdata+"/base/waves.txtar").fsys()
	for _, file := range []string{"waves.csv", "meetings.csv"} {
		was := mustLoad(t, fsys)
		other := maps.Clone(fsys)
		other[file] = &fstest.MapFile{Data: []byte(strings.Replace(string(fsys[file].Data), "2030-0", "2031-0", 1))}
		if p, _ := Load(other); p.Hash == was.Hash {
			t.Errorf("another date in %s leaves the hash as it was", file)
		}
	}
}

// A wave that was moved keeps what its dates were, when and why, so that its slip is told. Half of that is refused.
func TestWaveMoved(t *testing.T) {
	t.Parallel()
	table := func(rows string) fstest.MapFS {
		fsys := readBundle(t, lintdata+"/base/waves.txtar").fsys()
		fsys["waves.csv"] = &fstest.MapFile{Data: []byte("wave,name,course_start,course_end,start,course_start_was,course_end_was,moved,reason\npilot,Pilot,,,2030-07-01,,,,\n" + rows)}
		return fsys
	}
	p := mustLoad(t, table("wave-1,Wave 1,2030-03-25,2030-04-08,2030-07-01,2030-03-18,2030-04-01,2030-02-01,no room\n"))
	from, until := p.Milestones["wave-1-course"].First()
	equal(t, "first dates", []string{"2030-03-18", "2030-04-01"}, []string{from.Text, until.Text})
	for _, was := range p.Milestones["wave-1-course"].Was {
		equal(t, "why and when", []string{"no room", "2030-02-01"}, []string{was.Reason, was.Moved.Text})
	}
	for _, id := range []string{"wave-1-start", "pilot-start"} {
		if len(p.Milestones[id].Was) > 0 {
			t.Errorf("%s was moved: %+v", id, p.Milestones[id].Was)
		}
	}
	own := table("wave-1,Wave 1,2030-03-25,2030-04-08,2030-07-02,2030-03-18,2030-04-01,2030-02-01,no room\n")
	text := string(own["waves.csv"].Data)
	text = strings.Replace(text, "moved,reason\n", "moved,reason,start_was,start_moved,start_by,start_reason\n", 1)
	text = strings.Replace(text, "no room\n", "no room,2030-07-01,2030-06-01,SEAT,no money\n", 1)
	seat := mustLoad(t, own).SeatIDs[0]
	text = strings.Replace(strings.Replace(text, "SEAT", seat, 1), "2030-07-01,,,,\n", "2030-07-01,,,,,,,,\n", 1)
	own["waves.csv"] = &fstest.MapFile{Data: []byte(text)}
	p = mustLoad(t, own)
	for id, want := range map[string][]string{"wave-1-course": {"2030-02-01", "", "no room"}, "wave-1-start": {"2030-06-01", seat, "no money"}} {
		was := p.Milestones[id].Was
		if len(was) != 1 {
			t.Fatalf("%s was moved: %+v", id, was)
		}
		equal(t, id, want, []string{was[0].Moved.Text, was[0].By, was[0].Reason})
	}
	for _, rows := range []string{
		"wave-1,Wave 1,2030-03-25,2030-04-08,2030-07-01,2030-03-18,2030-04-01,,no room\n",
		"wave-1,Wave 1,2030-03-25,2030-04-08,2030-07-01,2030-03-18,2030-04-01,2030-02,no room\n",
		"wave-1,Wave 1,2030-03-25,2030-04-08,2030-07-01,2030-03-18,2030-04-01,2030-02-01,\n",
		"wave-1,Wave 1,2030-03-25,2030-04-08,2030-07-01,2030-03-32,2030-04-01,2030-02-01,no room\n",
	} {
		p, problems := Load(table(rows))
		if problems.Errors() != 1 || problems.Sorted()[0].File != "waves.csv" {
			t.Errorf("%s gives\n%s", rows, rendered(p, &problems))
		}
	}
}
