package plan

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tracer collects the keys that a reader knows.
type tracer map[string]bool

func (tr tracer) see(place string, keys []string) {
	for _, k := range keys {
		if place != "" {
			k = place + "." + k
		}
		tr[k] = true
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	seen := tracer{}
	load(readBundle(t, "testdata/full.txtar").fsys(), seen.see)
	if d := cmp.Diff(Keys(), slices.Sorted(maps.Keys(seen))); d != "" {
		t.Errorf("(-listed +read):\n%s", d)
	}
}
