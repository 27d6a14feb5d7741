package layers

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	tableRow = regexp.MustCompile("(?m)^\\| (\\S+) \\| `([^`]+)` \\| [^|]+ \\| ([^|]+) \\|$")
	imported = regexp.MustCompile("`([^`]+)`|\\*\\*([a-z]+)\\*\\*")
)

// The table in docs/architecture.md is the one here.
func TestArchitectureDocument(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile(filepath.Join("..", "..", "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	groups := map[string][]string{"facts": facts, "rules": rules, "shown": shown}
	got := map[string][]string{}
	var zero []string
	for _, row := range tableRow.FindAllStringSubmatch(string(src), -1) {
		list := []string{}
		for _, m := range imported.FindAllStringSubmatch(row[3], -1) {
			if m[1] != "" {
				list = append(list, m[1])
			}
			list = append(list, groups[m[2]]...)
		}
		if strings.TrimSpace(row[3]) == "any" {
			list = []string{any}
		}
		slices.Sort(list)
		got[row[2]] = list
		if row[1] == "0" {
			zero = append(zero, row[2])
		}
	}
	want := map[string][]string{}
	for pkg, list := range may {
		want[pkg] = slices.Sorted(slices.Values(append([]string{}, list...)))
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); d != "" {
		t.Fatalf("packages (-table +document):\n%s", d)
	}
	for pkg := range want {
		if d := cmp.Diff(append([]string{}, want[pkg]...), got[pkg]); d != "" {
			t.Errorf("%s may import (-table +document):\n%s", pkg, d)
		}
	}
	if d := cmp.Diff(slices.Sorted(slices.Values(layerZero)), slices.Sorted(slices.Values(zero))); d != "" {
		t.Errorf("layer zero (-table +document):\n%s", d)
	}
}
