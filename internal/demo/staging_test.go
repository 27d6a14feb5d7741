package demo

import (
	"context"
	"os"
	"testing"
	"time"

	"skift/internal/plan"
)

func TestStagedPlanLoads(t *testing.T) {
	shipped, p, err := shippedPlan()
	if err != nil {
		t.Fatal(err)
	}
	theatre, err := raise(context.Background(), p, time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer theatre.down()
	c, err := newClock(p, time.Now(), 1, anchors())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if d := os.Getenv("DEMO_DIR"); d != "" {
		dir = d
	}
	if err := newStager(dir, shipped, p, theatre, c).write(); err != nil {
		t.Fatal(err)
	}
	got, problems := plan.Load(os.DirFS(dir))
	for _, pr := range problems.Sorted() {
		t.Log(pr)
	}
	if problems.Errors() > 0 {
		t.Fatal(got)
	}
}
