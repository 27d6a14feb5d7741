package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"skift/config"
	"skift/internal/diag"
	"skift/internal/lint"
	"skift/internal/plan"
)

func shipped(t *testing.T, name string) (fs.FS, *plan.Plan) {
	t.Helper()
	files, ok := config.Plan(name)
	if !ok {
		t.Fatalf("no plan %s is shipped", name)
	}
	p, problems := plan.Load(files)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return files, p
}

// moved is the plan with every date moved by weeks.
func moved(t *testing.T, files fs.FS, p *plan.Plan, weeks int) (*plan.Plan, diag.List) {
	t.Helper()
	out, err := movedFiles(files, p, weeks)
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for name, data := range out {
		fsys[name] = &fstest.MapFile{Data: data}
	}
	return plan.Load(fsys)
}

// TestEveryCutoverIsRefusedOrValid tries every day of some years: it is refused with good dates near by, or the plan is valid then.
func TestEveryCutoverIsRefusedOrValid(t *testing.T) {
	t.Parallel()
	for _, name := range config.Plans() {
		files, p := shipped(t, name)
		if p.Milestones["cutover"] == nil {
			continue // nothing a new date could be counted from: refused for every date
		}
		accepted, refused := 0, 0
		for day := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2028; day = day.AddDate(0, 0, 1) {
			wish := day.Format(time.DateOnly)
			weeks, err := moveWeeks(p, wish)
			if err != nil {
				refused++
				var wrong *usageError
				if !errors.As(err, &wrong) || !strings.Contains(wrong.hint, "nearest good dates: ") {
					t.Errorf("%s %s: refused without an alternative: %v", name, wish, err)
				}
				continue
			}
			accepted++
			q, problems := moved(t, files, p, weeks)
			if problems.Err() == nil {
				lint.Check(q, lint.Known{Now: day.AddDate(-1, 0, 0)}, &problems)
			}
			if problems.Len() > 0 {
				t.Fatalf("%s %s: moved there the plan is not sound: %v", name, wish, problems.Sorted())
			}
			sameShape(t, p, q, weeks)
			if at := q.Milestones["cutover"].From.At.In(q.Zone); at.Format(time.DateOnly) != wish || at.Weekday() != p.Milestones["cutover"].From.At.In(p.Zone).Weekday() {
				t.Errorf("%s %s: the cut-over begins %s", name, wish, at)
			}
		}
		if accepted < 40 || refused < 6*accepted {
			t.Errorf("%s: %d days accepted, %d refused", name, accepted, refused)
		}
	}
}

// sameShape demands that every date is as sure as it was, and every sure one has moved by the weeks on the local clock.
func sameShape(t *testing.T, p, q *plan.Plan, weeks int) {
	t.Helper()
	for _, id := range p.MilestoneIDs {
		was, is := p.Milestones[id], q.Milestones[id]
		for _, d := range [][2]plan.When{{was.From, is.From}, {was.Until, is.Until}} {
			if d[0].Kind != d[1].Kind || d[0].Assumed != d[1].Assumed || d[0].Ref != d[1].Ref || d[0].Offset != d[1].Offset {
				t.Errorf("%s: %q became %q", id, d[0].Text, d[1].Text)
			}
			if d[0].Kind == plan.Exact || d[0].Kind == plan.Day {
				want := d[0].At.In(p.Zone).AddDate(0, 0, 7*weeks)
				if !want.Equal(d[1].At) {
					t.Errorf("%s: %q became %q, want %s", id, d[0].Text, d[1].Text, want)
				}
			}
		}
	}
	for i, sh := range q.Roster.Shifts() {
		if want := p.Roster.Shifts()[i].From.In(p.Zone).AddDate(0, 0, 7*weeks); !want.Equal(sh.From) {
			t.Errorf("shift %d begins %s, want %s", i+1, sh.From, want)
		}
	}
}

// TestOnlyDatesMove: everything that is not a date of the plan stays to the byte.
func TestOnlyDatesMove(t *testing.T) {
	t.Parallel()
	src := strings.Join([]string{
		"plan: p # from 2019-11-09 on",
		`title: "2019-11-09"`,
		"timezone: Europe/Copenhagen",
		"roster: who.csv",
		"parties: {c: {role: customer, consent: {levels: [sftp-login], from: 2019-06-01, ref: 2019-05-01}}}",
		"seats: {c/chair: {title: 'æøå 2019-11-09', answer_within: 15m}}",
		"environments: {prod: {production: true}}",
		"milestones:",
		`  release-2019-07: {kind: point, title: {da: "æøå", en: 2019-07}, date: '2019-07-01'}`,
		`  night: {kind: window, from: "2019-11-09 00:00", until: {at: 2019-11-10 18:00, assumed: true}}`,
		"  trial: {kind: phase, from: night.end, until: {about: 2020-02-01..2020-02-10}}",
		"  test: {kind: phase, in: 2019-09..2019-10}",
	}, "\n") + "\n"
	want := strings.NewReplacer(
		"from: 2019-06-01", "from: 2019-06-08", "'2019-07-01'", "'2019-07-08'", `"2019-11-09 00:00"`, `"2019-11-16 00:00"`,
		"at: 2019-11-10 18:00", "at: 2019-11-17 18:00", "2020-02-01..2020-02-10", "2020-02-08..2020-02-17").Replace(src)
	roster := "seat,from,until,person\n\"c/chair\",\"2019-11-09 06:00\",2019-11-10,p-1\n"
	files := fstest.MapFS{plan.File: {Data: []byte(src)}, "who.csv": {Data: []byte(roster)}, "other.csv": {Data: []byte("id,name\na,2019-11-09\n")}}
	p, problems := plan.Load(files)
	for _, problem := range problems.Sorted() {
		if problem.File != "who.csv" {
			t.Fatal(problem)
		}
	}
	out, err := movedFiles(files, p, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(out[plan.File]); got != want {
		t.Errorf("plan.yaml is\n%s\nwant\n%s", got, want)
	}
	if got, want := string(out["who.csv"]), strings.NewReplacer("2019-11-09", "2019-11-16", "2019-11-10", "2019-11-17").Replace(roster); got != want {
		t.Errorf("who.csv is\n%s\nwant\n%s", got, want)
	}
	if got := string(out["other.csv"]); got != "id,name\na,2019-11-09\n" {
		t.Errorf("other.csv is\n%s", got)
	}
}

// TestSettleIsWholeOrNothing: when the last file cannot be placed, those before it are taken away again.
func TestSettleIsWholeOrNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, err := newTarget(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := target.stage(map[string][]byte{"a.csv": []byte("a"), plan.File: []byte("plan: p\n"), "pki/b.pem": []byte("b")}, "a.csv"); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(dir, plan.File) // somebody writes a plan of their own meanwhile
	if err := os.WriteFile(mine, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := target.settle(); err == nil {
		t.Fatal("a file that came into being meanwhile was written over")
	}
	target.discard()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(mine); err != nil || string(data) != "mine" || len(entries) != 1 {
		t.Errorf("left behind: %v, %q, %v", entries, data, err)
	}
}

func TestContactsAreNotForEverybody(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	target, err := newTarget(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"contacts.csv": []byte("person,name\n"), "switch": []byte("#!/bin/sh\n"), plan.File: []byte("plan: p\n")}
	if err := target.stage(files, "contacts.csv"); err != nil {
		t.Fatal(err)
	}
	if err := target.settle(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{"contacts.csv": 0o600, "switch": 0o755, plan.File: 0o644, ".": 0o755 | fs.ModeDir} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %s, want %s", name, info.Mode(), want)
		}
	}
}

// TestInitWantsItsWords: an empty variable of a script is neither the present directory nor the shipped date.
func TestInitWantsItsWords(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	for want, args := range map[string][]string{
		"DIR is empty": {"init", ""}, "--cutover names no day": {"init", dir, "--cutover", ""},
	} {
		code, _, stderr := skift(t, args...)
		if code != ExitUsage || !strings.Contains(stderr, want) || !strings.Contains(stderr, "hint: ") {
			t.Errorf("%v: exit %d: %s", args, code, stderr)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a plan was written")
	}
}
