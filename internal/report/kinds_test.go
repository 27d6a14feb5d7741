package report

import (
	"slices"
	"testing"

	"skift/internal/plan"
)

// A plan can name exactly the reports there are: one more or less would be refused, or fail when it is due.
func TestPlanKnowsEveryKind(t *testing.T) {
	t.Parallel()
	got, want := slices.Sorted(slices.Values(plan.Reports())), slices.Sorted(slices.Values(Kinds()))
	if !slices.Equal(got, want) {
		t.Errorf("plans know the reports %v; there are %v", got, want)
	}
}
