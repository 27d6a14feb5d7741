package plan

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// A revision leaves a gate as it was unless something is another that a go there rests on, or is for.
func TestUntouched(t *testing.T) {
	t.Parallel()
	shipped := func(file, old, is string) *Plan {
		files := fstest.MapFS{}
		dir := os.DirFS("../../config/serviceplatformen")
		err := fs.WalkDir(dir, ".", func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			src, err := fs.ReadFile(dir, path)
			if path == file {
				if !strings.Contains(string(src), old) {
					t.Fatalf("%s has no %q", file, old)
				}
				src = []byte(strings.Replace(string(src), old, is, 1))
			}
			files[path] = &fstest.MapFile{Data: src}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		p, problems := Load(files)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		return p
	}
	before := shipped("", "", "")
	all := before.GateIDs
	rehearsed := []string{"acceptance-passed", "cutover-go", "switch-go", "open-go"} // those of the weekend, and the one that says that it was practised
	for _, tt := range []struct {
		name, file, old, is string
		touched             []string // nil = none
	}{
		{"what the weekend is called", File, "en: Cut-over weekend}", "en: The weekend}", nil},
		{"a comment", File, "gates:\n", "# About them.\ngates:\n", nil},
		{"what a report is called", File, "{title: {da: Styregruppen,", "{title: {da: Styregruppe,", nil},
		{"who has the watch", "shifts.csv", "2020-03-31", "2020-04-30", nil},
		{"a date of another part", File, "    opens: 2019-07-24", "    opens: 2019-07-25", []string{"internal-test-accepted"}},
		{"a criterion", File, "critical: all, others: 98%, max_age: 2h", "critical: all, others: 97%, max_age: 2h", rehearsed},
		{"its dates", File, "    decide_by: cutover.start - 4h\n    scope:", "    decide_by: cutover.start - 3h\n    scope:", rehearsed},
		{"a check", File, "min_days: 30", "min_days: 31", all},
		{"a threshold", File, "thresholds: {yellow: 5d,", "thresholds: {yellow: 4d,", nil},
		{"the weekend is moved", File, `from: "2019-11-09 00:00"`, `from: "2019-11-09 01:00"`, all},
		{"the weekend is for less", File, "{kind: window, from", "{kind: window, services: [gateway], from", all},
		{"a milestone that nothing hangs on", File, "{kind: release, date: unset, change: scope", "{kind: release, date: 2020-06, change: scope", nil},
		{"a zone", File, "allow: [fix, transition]", "allow: [transition]", all},
	} {
		after := shipped(tt.file, tt.old, tt.is)
		left := Untouched(before, after)
		var touched []string
		for _, id := range all {
			if !slices.Contains(left, id) {
				touched = append(touched, id)
			}
		}
		if !slices.Equal(touched, tt.touched) {
			t.Errorf("%s touches %v, want %v", tt.name, touched, tt.touched)
		}
	}
}

// Beside what a gate names itself, a go at it is for a run: at the dates that its steps say, with the runbooks inside, in the zones that are in
// force then.
func TestUntouchedRun(t *testing.T) {
	t.Parallel()
	const yaml = `plan: p
title: P
timezone: UTC
parties: {c: {role: customer}}
seats: {c/chair: {}}
environments: {prod: {production: true}}
milestones:
  cutover: {kind: window, from: "2030-01-12 20:00", until: "2030-01-13 06:00", runbook: weekend}
  dns: {kind: phase, from: 2030-01-01, until: 2030-01-05}
  told: {kind: point, date: 2030-01-06}
  course: {kind: phase, from: 2030-01-02, until: 2030-01-10}
  zone: {kind: zone, from: 2029-12-01, until: course.end, allow: [transition]}
  dull: {kind: point, date: 2030-01-06}
gates:
  go: {asks: Go?, decides: c/chair, criteria: [{rehearsal: trial}]}
  other: {asks: Done?, decides: c/chair}
`
	books := map[string]string{
		"weekend": "runbook: weekend\nwindow: cutover\nsteps:\n  stop: {after_gate: go, not_before: dns.end, owner: c/chair, manual: Stop}\n  look: {wait: {until: told.start}}\n",
		"trial":   "runbook: trial\nsteps:\n  in: {runbook: deep}\n",
		"deep":    "runbook: deep\nsteps:\n  do: {owner: c/chair, manual: Do}\n",
	}
	load := func(old, is string) *Plan {
		files := fstest.MapFS{File: {Data: []byte(strings.Replace(yaml, old, is, 1))}}
		found := strings.Contains(yaml, old)
		for id, b := range books {
			found = found || strings.Contains(b, old)
			files["runbooks/"+id+".yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(b, old, is, 1))}
		}
		p, problems := Load(files)
		if err := problems.Err(); err != nil || !found {
			t.Fatalf("%q: %v", old, err)
		}
		return p
	}
	before := load("title: P", "title: P")
	for _, tt := range []struct {
		name, old, is string
		stand         []string
	}{
		{"what a step waits for", "2030-01-01, until: 2030-01-05", "2030-01-01, until: 2030-01-12", []string{"other"}},
		{"until when a step waits", "told: {kind: point, date: 2030-01-06", "told: {kind: point, date: 2030-01-16", []string{"other"}},
		{"what ends a zone", "until: 2030-01-10", "until: 2030-01-20", nil},
		{"the beginning of what ends a zone", "from: 2030-01-02", "from: 2030-01-03", []string{"go", "other"}},
		{"a runbook inside what was rehearsed", "manual: Do", "manual: Do it", []string{"other"}},
		{"what nothing hangs on", "dull: {kind: point, date: 2030-01-06", "dull: {kind: point, date: 2030-01-07", []string{"go", "other"}},
	} {
		if stand := Untouched(before, load(tt.old, tt.is)); !slices.Equal(stand, tt.stand) {
			t.Errorf("%s: %v stand, want %v", tt.name, stand, tt.stand)
		}
	}
}
