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
	weekend := []string{"cutover-go", "switch-go", "open-go"}
	for _, tt := range []struct {
		name, file, old, is string
		touched             []string // nil = none
	}{
		{"what the weekend is called", File, "en: Cut-over weekend}", "en: The weekend}", nil},
		{"a comment", File, "gates:\n", "# About them.\ngates:\n", nil},
		{"what a report is called", File, "{title: {da: Styregruppen,", "{title: {da: Styregruppe,", nil},
		{"who has the watch", "shifts.csv", "2020-03-31", "2020-04-30", nil},
		{"a date of another part", File, "    opens: 2019-07-24", "    opens: 2019-07-25", []string{"internal-test-accepted"}},
		{"a criterion", File, "critical: all, others: 98%, max_age: 2h", "critical: all, others: 97%, max_age: 2h", weekend},
		{"its dates", File, "    decide_by: cutover.start - 4h\n    scope:", "    decide_by: cutover.start - 3h\n    scope:", weekend},
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
