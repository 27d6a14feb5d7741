package runbooks

import (
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/internal/diag"
)

// TestKeys reads a runbook with every kind of step and compares the keys its readers ask for with those listed.
func TestKeys(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/every-kind.yaml")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	problems := &diag.List{}
	read("every-kind.yaml", src, problems, func(place string, keys []string) {
		for _, k := range keys {
			if place != "" {
				k = place + "." + k
			}
			seen[k] = true
		}
	})
	if problems.Len() > 0 {
		t.Fatal(problems.Sorted())
	}
	if d := cmp.Diff(Keys(), slices.Sorted(maps.Keys(seen))); d != "" {
		t.Errorf("(-listed +read):\n%s", d)
	}
}
