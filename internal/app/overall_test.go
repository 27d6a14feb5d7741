//go:build linux

package app_test

import (
	"testing"

	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/timeline"
)

// expectOverall: what was begun was startable in the overall plan, by what the journal had until then and at that instant; and the overall plan
// has each milestone that began, with its newest run.
func (k *kept) expectOverall(t *testing.T) {
	t.Helper()
	var known register.Facts
	begun := map[string]bool{}
	for _, e := range k.events {
		if e.Kind == register.MilestoneStarted {
			begun[e.Subject] = true
			if is := timeline.At(k.plan, &known, e.At).Overall().State(e.Subject); is != run.Startable {
				t.Errorf("event %d begins %s at %s, whose step was %s", e.Seq, e.Subject, e.At, is)
			}
		}
		if err := known.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	if len(begun) == 0 {
		t.Error("no milestone was begun")
	}
	newest := map[string]string{}
	for _, id := range k.facts.Runs.Order {
		newest[k.facts.Runs.Runs[id].Started.Milestone] = id
	}
	last := k.events[len(k.events)-1].At
	r := timeline.At(k.plan, &k.facts.Register, last).Overall().Run(&k.facts.Runs)
	for _, id := range r.Order {
		st := r.Steps[id]
		if asked := !st.AskedAt.IsZero(); asked != begun[id] || st.Child != newest[id] {
			t.Errorf("the overall plan has %s begun: %v, as %q, and the journal: %v, as %q", id, asked, st.Child, begun[id], newest[id])
		}
	}
}
