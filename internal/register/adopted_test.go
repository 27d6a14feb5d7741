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
		plan.Change{Section: "milestones", ID: "d", How: plan.Removed}, plan.Change{Section: "audiences", ID: "x", How: plan.Changed}), Along: []string{"e"}})
	dated := map[string]bool{}
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		dated[id] = !c.f.Milestone(id).DatedAt.IsZero()
	}
	if !dated["a"] || !dated["b"] || dated["c"] || dated["d"] || !dated["e"] || len(c.f.Added) != 1 || c.f.Added["suites/s"].IsZero() || c.f.PlanHash != "2" {
		t.Errorf("dated %v, added %v", dated, c.f.Added)
	}
	if copied := c.f.Dates(); !copied.Milestone("b").DatedAt.Equal(c.f.Milestone("b").DatedAt) {
		t.Error("dates lack it")
	}
}

// What was said at a gate counts on as long as each revision leaves the gate as it was, and no longer.
func TestCountsOn(t *testing.T) {
	t.Parallel()
	c := newChronicle(t)
	c.add(register.PlanAdopted, "", "", "", register.Adopted{Hash: "1", First: true})
	c.add(register.GateOpened, "", "go", "", register.Opened{Round: 1})
	counts := func(on, now string) bool { return c.f.Gate(register.GateKey{Gate: "go"}).Counts(on, now) }
	if !counts("1", "1") || counts("1", "2") || counts("", "2") {
		t.Error("before there is another revision")
	}
	c.add(register.PlanAdopted, "", "", "", register.Adopted{Hash: "2", Was: "1", Stand: []string{"go", "other"}})
	c.add(register.PlanAdopted, "", "", "", register.Adopted{Hash: "3", Was: "2", Stand: []string{"go"}})
	if !counts("1", "3") || !counts("2", "3") || counts("1", "4") {
		t.Error("what two revisions leave as it was is another")
	}
	c.add(register.PlanAdopted, "", "", "", register.Adopted{Hash: "4", Was: "3", Stand: []string{"other"}})
	c.add(register.PlanAdopted, "", "", "", register.Adopted{Hash: "5", Was: "4", Stand: []string{"go"}})
	if counts("1", "5") || counts("3", "5") || !counts("4", "5") {
		t.Error("what a revision made another counts on")
	}
}
