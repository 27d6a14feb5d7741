package register_test

import (
	"testing"

	"skift/internal/plan"
	"skift/internal/register"
)

// A later revision tells which milestones have dates of its own, and which schedules begin with it; the first one tells nothing.
func TestRevisions(t *testing.T) {
	t.Parallel()
	c := newChronicle(t)
	first := []plan.Change{{Section: "milestones", ID: "a", How: plan.Added}, {Section: "suites", ID: "s", How: plan.Added}}
	c.add(register.PlanAdopted, "", "", "", register.Adopted{Hash: "1", First: true, Changes: first})
	if !c.f.Milestone("a").DatedAt.IsZero() || len(c.f.Added) > 0 {
		t.Error("the first revision is news")
	}
	c.add(register.PlanAdopted, "", "", "", register.Adopted{Hash: "2", Was: "1", Changes: append(first,
		plan.Change{Section: "milestones", ID: "b", How: plan.Moved}, plan.Change{Section: "milestones", ID: "c", How: plan.Changed},
		plan.Change{Section: "milestones", ID: "d", How: plan.Removed}, plan.Change{Section: "audiences", ID: "x", How: plan.Changed})})
	dated := map[string]bool{}
	for _, id := range []string{"a", "b", "c", "d"} {
		dated[id] = !c.f.Milestone(id).DatedAt.IsZero()
	}
	if !dated["a"] || !dated["b"] || dated["c"] || dated["d"] || len(c.f.Added) != 1 || c.f.Added["suites/s"].IsZero() || c.f.PlanHash != "2" {
		t.Errorf("dated %v, added %v", dated, c.f.Added)
	}
	if copied := c.f.Dates(); !copied.Milestone("b").DatedAt.Equal(c.f.Milestone("b").DatedAt) {
		t.Error("dates lack it")
	}
}
