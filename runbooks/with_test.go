package runbooks_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/internal/diag"
	"skift/runbooks"
)

const three = "runbook: r\nsteps:\n  a: {owner: x/y, manual: A}\n  b: {needs: [a], owner: x/y, manual: B, timeout: 5m}\n  c: {needs: [b], owner: x/y, manual: C}\n"

func threeSteps(t testing.TB) *runbooks.Runbook {
	t.Helper()
	problems := &diag.List{}
	r, ok := runbooks.Read("r.yaml", []byte(three), problems)
	if !ok || problems.Len() > 0 {
		t.Fatal(problems.Sorted())
	}
	return r
}

// needs tells of each step what it needs.
func needs(r *runbooks.Runbook) map[string][]string {
	out := map[string][]string{}
	for _, s := range r.Steps {
		out[s.ID] = slices.Clone(s.Needs)
	}
	return out
}

func TestWith(t *testing.T) {
	t.Parallel()
	r := threeSteps(t)
	before := needs(r)
	problems := &diag.List{}
	with, ok := r.With(runbooks.Addition{ID: "x", Src: []byte("{needs: [a], wait: 5m}"), Before: []string{"b", "c"}}, problems)
	if !ok {
		t.Fatal(problems.Sorted())
	}
	if d := cmp.Diff(map[string][]string{"a": nil, "b": {"a", "x"}, "c": {"b", "x"}, "x": {"a"}}, needs(with)); d != "" {
		t.Errorf("needs (-want +got):\n%s", d)
	}
	if with.Step("x").Kind != runbooks.Wait || with.Step("b") != with.Steps[1] {
		t.Error("a step is not found by its name")
	}
	if timed := with.Timed(); len(timed) != 2 || timed[0] != with.Step("b") || timed[1] != with.Step("x") {
		t.Errorf("time ends %v", timed)
	}
	if l := with.Links(); len(l.Order) != 4 || len(l.Needs[1]) != 2 || l.Place["x"] != 3 || len(r.Links().Order) != 3 {
		t.Errorf("by number it is another runbook: %+v", l)
	}
	if d := cmp.Diff(before, needs(r)); d != "" || len(r.Timed()) != 1 || r.Step("x") != nil {
		t.Errorf("the runbook itself was changed:\n%s", d)
	}
}

func FuzzWith(f *testing.F) {
	for _, src := range []string{"{needs: [a], wait: 5m}", "manual: x\nowner: x/y\n", "needs: [c]\nmanual: x\n", "[]", "x", "", "{needs: [x], wait: 1m}", "{command: [./x], on_failure: back-out}", "{runbook: r}"} {
		f.Add([]byte(src), "b")
		f.Add([]byte(src), "x")
		f.Add([]byte(src), "nothing")
	}
	r := threeSteps(f)
	before := needs(r)
	f.Fuzz(func(t *testing.T, src []byte, first string) {
		problems := &diag.List{}
		with, ok := r.With(runbooks.Addition{ID: "x", Src: src, Before: []string{first}}, problems)
		if ok != (problems.Errors() == 0) {
			t.Errorf("ok %v with %v", ok, problems.Sorted())
		}
		if d := cmp.Diff(before, needs(r)); d != "" {
			t.Fatalf("the runbook itself was changed:\n%s", d)
		}
		if ok && (len(with.Steps) != 4 || with.Step("x") == nil || len(runbooks.NewReady(with).Steps()) == 0) {
			t.Error("a step is missing, or nothing can begin any more")
		}
	})
}
