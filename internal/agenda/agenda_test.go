package agenda_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/config"
	"skift/internal/agenda"
	"skift/internal/ics"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/words"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	may  = time.Date(2019, 5, 1, 12, 0, 0, 0, time.UTC)
	june = time.Date(2019, 6, 1, 12, 0, 0, 0, time.UTC)
	july = time.Date(2019, 7, 1, 12, 0, 0, 0, time.UTC)
)

func shipped(t *testing.T, name string) *plan.Plan {
	t.Helper()
	fsys, ok := config.Plan(name)
	if !ok {
		t.Fatalf("%s does not ship", name)
	}
	p, problems := plan.Load(fsys)
	if problems.Errors() > 0 {
		t.Fatal(problems.Sorted())
	}
	return p
}

func danish() *words.Catalogue { return words.In(words.Da) }

func once(p *plan.Plan) []agenda.Revision { return []agenda.Revision{{At: may, Plan: p}} }

func event(t *testing.T, c ics.Calendar, uid string) ics.Event {
	t.Helper()
	i := slices.IndexFunc(c.Events, func(e ics.Event) bool { return strings.HasPrefix(e.UID, uid+"@") })
	if i < 0 {
		t.Fatalf("there is no event %s", uid)
	}
	return c.Events[i]
}

// The calendar of a municipality, as a person gets it.
func TestGolden(t *testing.T) {
	t.Parallel()
	p := shipped(t, "sapa-waves")
	got, err := agenda.Build(once(p), agenda.Member(p, "municipality-hoeje-taastrup"), danish()).Encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "hoeje-taastrup.ics")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("calendar (-want +got):\n%s", d)
	}
}

// Dates are as sure as the plan is of them.
func TestDates(t *testing.T) {
	t.Parallel()
	p := shipped(t, "serviceplatformen")
	c := agenda.Build(once(p), agenda.Member(p, "kombit"), danish())
	local := func(at time.Time) string { return at.In(p.Zone).Format("2006-01-02 15:04") }
	for uid, want := range map[string]string{
		"milestone.cutover":           "2019-11-09 00:00 2019-11-10 18:00 false false Cut over weekend",
		"milestone.hypercare":         "2019-11-09 00:00 2019-12-06 00:00 true false Hypercare periode",
		"milestone.internal-test":     "2019-07-01 00:00 2019-08-01 00:00 true true Intern Test (dato ikke fastlagt)",
		"milestone.frozen-zone-2":     "2019-07-01 00:00 2019-12-06 00:00 true true Frozen zone 2 (slutdato ikke fastlagt)",
		"milestone.operational-trial": "2019-12-06 00:00 2020-02-11 00:00 true true Driftsprøve bestået og godkendt (slutdato ikke fastlagt)",
		"milestone.take-over":         "2019-10-25 00:00 - true false Overtagelsesdag",
		"gate-decided.cutover-go":     "2019-11-08 20:00 - false false Frist: Skal cut over begynde?",
	} {
		e := event(t, c, uid)
		end := "-"
		if e.End.After(e.Start) {
			end = local(e.End)
		}
		if got := fmt.Sprint(local(e.Start), " ", end, " ", e.AllDay, e.Tentative, " ", e.Summary); got != want {
			t.Errorf("%s is\n%s, want\n%s", uid, got, want)
		}
	}
	if e := event(t, c, "milestone.frozen-zone-2"); !strings.Contains(e.Description, "Hypercare periode er bestået") {
		t.Errorf("what ends the zone is not told: %q", e.Description)
	}
	if slices.ContainsFunc(c.Events, func(e ics.Event) bool { return strings.Contains(e.UID, "first-release") }) || !strings.Contains(c.Description, "Første release") {
		t.Errorf("what has no date is in the calendar, or not told of: %q", c.Description)
	}
}

const small = `
plan: small
title: Small
timezone: Europe/Copenhagen
parties: {c: {name: Customer, role: customer}, o: {name: Old, role: old-supplier}, n: {name: New, role: new-supplier}, users: {role: user, members: users.csv}}
environments: {prod: {production: true}}
seats: {c/chair: {}, o/operator: {}, n/operator: {}, u-1/lead: {}}
milestones:
  everybody: {kind: point, date: 2019-08-01, owner: o/operator}
  goes: {kind: point, date: 2019-08-02}
  old-zone: {kind: zone, title: CANARY-O, from: 2019-09-01, until: 2019-09-30, allow: [], parties: [o]}
gates:
  both: {asks: CANARY-ON, opens: 2019-08-03, poll: [o/operator, n/operator], decides: c/chair}
  new-only: {asks: CANARY-N, decide_by: 2019-08-04, criteria: [{attested: a, by: n/operator}], decides: c/chair}
waves:
  party: users
  table: waves.csv
  milestones:
    go: {kind: point, date: {column: day}}
meetings:
  board: {title: CANARY-C, table: board.csv, parties: [c]}
  all: {title: Everybody, table: all.csv}
audiences:
  suppliers: {to: [o/operator, n/operator], report: weekly}
  users: {for_each: users, report: own-flows}
  chair: {to: [c/chair], report: weekly}
`

func files(edit ...string) fstest.MapFS {
	text := small
	if len(edit) > 0 {
		text = strings.NewReplacer(edit...).Replace(text)
	}
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	return fstest.MapFS{
		"plan.yaml": file(text),
		"waves.csv": file("wave,name,day\nw-1,CANARY-W1,2019-08-05\nw-2,CANARY-W2,2019-08-06\n"),
		"users.csv": file("id,name,wave\nu-1,One,w-1\nu-2,Two,w-2\nu-3,Three,w-2\n"),
		"board.csv": file("id,date,from,until\n1,2019-08-07,10:00,11:00\n"),
		"all.csv":   file("id,date,from,until,status\n1,2019-10-28,10:00,11:00,\n2,2019-11-04,10:00,11:00,cancelled\n"),
	}
}

func load(t *testing.T, fsys fstest.MapFS) *plan.Plan {
	t.Helper()
	p, problems := plan.Load(fsys)
	if problems.Errors() > 0 {
		t.Fatal(problems.Sorted())
	}
	return p
}

// Who reads what: nothing of another party, of another wave, or of a decision one has no part in. An audience reads what all of its
// readers may know.
func TestNothingOfOthers(t *testing.T) {
	t.Parallel()
	p := load(t, files())
	readers := map[string]agenda.Reader{}
	for _, party := range []string{"c", "o", "n", "users", "u-1", "u-2"} {
		readers[party] = agenda.Member(p, party)
	}
	for _, id := range p.AudienceIDs {
		readers["audience "+id] = agenda.Audience(p, p.Audiences[id], "en")
	}
	want := map[string]string{ // reader → the canaries it may find
		"c":                  "C N O ON W1 W2",
		"audience chair":     "C N O ON W1 W2",
		"o":                  "O ON W1 W2",
		"n":                  "N ON W1 W2",
		"audience suppliers": "ON W1 W2",
		"users":              "W1 W2",
		"u-1":                "W1",
		"u-2":                "W2",
		"audience users":     "",
	}
	for name, r := range readers {
		data, err := agenda.Build(once(p), r, words.In(words.En)).Encode()
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(data), "\r\n ", "")
		var found []string
		for _, canary := range []string{"C", "N", "O", "ON", "W1", "W2"} {
			if strings.Contains(text, "CANARY-"+canary+"\r") || strings.Contains(text, "CANARY-"+canary+":") {
				found = append(found, canary)
			}
		}
		if got := strings.Join(found, " "); got != want[name] {
			t.Errorf("%s finds %q, want %q", name, got, want[name])
		}
		if sees := strings.Contains(text, "o/operator"); sees != slices.Contains([]string{"c", "audience chair", "o"}, name) {
			t.Errorf("%s is told of the seat o/operator: %v", name, sees)
		}
		if !strings.Contains(text, "milestone.everybody@") || !strings.Contains(text, "meeting.all-1@") {
			t.Errorf("%s lacks what is everybody's", name)
		}
	}
}

// A date that moves stays the event it was; what is gone, and what is called off, is cancelled. It is so for whoever exports, however often.
func TestMovedAndGone(t *testing.T) {
	t.Parallel()
	first := load(t, files())
	second := load(t, files("date: 2019-08-01", "date: 2020-08-01", "  goes: {kind: point, date: 2019-08-02}\n", ""))
	revisions := []agenda.Revision{{At: may, Plan: first}, {At: june, Plan: second}, {At: july, Plan: second, Facts: &register.Facts{}}}
	c := agenda.Build(revisions, agenda.Member(second, "o"), danish())
	was := agenda.Build(revisions[:1], agenda.Member(second, "o"), danish())

	moved, before := event(t, c, "milestone.everybody"), event(t, was, "milestone.everybody")
	if moved.UID != before.UID || moved.Sequence != before.Sequence+1 || !moved.Modified.Equal(june) || moved.Start.Year() != 2020 || moved.Cancelled {
		t.Errorf("%+v became\n%+v", before, moved)
	}
	if gone := event(t, c, "milestone.goes"); !gone.Cancelled || gone.Sequence != 1 || gone.Start.Year() != 2019 {
		t.Errorf("what is gone is %+v", gone)
	}
	if off := event(t, was, "meeting.all-2"); !off.Cancelled {
		t.Errorf("the meeting that was called off is %+v", off)
	}
	if kept := event(t, c, "meeting.all-1"); kept.Sequence != 0 || !kept.Modified.Equal(may) {
		t.Errorf("what nobody touched is %+v", kept)
	}
	again := agenda.Build(revisions, agenda.Member(second, "o"), danish())
	if d := cmp.Diff(c, again, cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })); d != "" {
		t.Errorf("a second export differs:\n%s", d)
	}
}

// Whoever reads, and whatever the day is, every thing of the plan has one UID, and the same in every calendar.
func TestUIDs(t *testing.T) {
	t.Parallel()
	for _, name := range config.Plans() {
		p := shipped(t, name)
		whole := agenda.Build(once(p), agenda.Reader{}, danish())
		known := map[string]ics.Event{}
		for _, e := range whole.Events {
			if _, twice := known[e.UID]; twice {
				t.Errorf("%s: %s is there twice", name, e.UID)
			}
			known[e.UID] = e
		}
		for _, id := range p.PartyIDs {
			for _, m := range append(slices.Clone(p.Parties[id].Members), plan.Member{ID: id}) {
				c := agenda.Build([]agenda.Revision{{At: july, Plan: p}}, agenda.Member(p, m.ID), danish())
				for _, e := range c.Events {
					if was, ok := known[e.UID]; !ok || !was.Start.Equal(e.Start) || was.Summary != e.Summary {
						t.Errorf("%s: %s reads %+v, the customer %+v", name, m.ID, e, was)
					}
				}
			}
		}
	}
}
