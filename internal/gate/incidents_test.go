package gate_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/gate"
	"skift/internal/plan"
	"skift/internal/register"
)

// calm is an input whose gate asks for incidents alone, and at which there are few enough.
func calm() gate.Input {
	in := good()
	in.Gate.Criteria = []plan.Criterion{{Kind: plan.IncidentsCriterion, ID: "incidents", MaxAge: 26 * time.Hour,
		Most: map[plan.Class]int{plan.IncidentA: 0, plan.IncidentB: 0, plan.IncidentC: 2}}}
	in.Facts.Incidents = map[string]*register.IncidentFacts{}
	in.Facts.IncidentLists = map[checks.Side]register.IncidentList{checks.Old: {AsOf: now.Add(-time.Hour), Seq: 4}, checks.New: {AsOf: now.Add(-2 * time.Hour), Seq: 5}}
	report(&in, "C-1", plan.IncidentC, now.Add(-48*time.Hour), time.Time{})
	report(&in, "A-0", plan.IncidentA, now.Add(-96*time.Hour), now.Add(-72*time.Hour))
	return in
}

func report(in *gate.Input, id string, class plan.Class, opened, closed time.Time) {
	in.Facts.Incidents[id] = &register.IncidentFacts{ID: id, Incident: register.Incident{Class: class, Platform: checks.New, OpenedAt: opened, ClosedAt: closed}}
}

func TestIncidents(t *testing.T) {
	t.Parallel()
	list := func(in *gate.Input, side checks.Side, asOf time.Time) {
		in.Facts.IncidentLists[side] = register.IncidentList{AsOf: asOf, Seq: 9}
	}
	criterion := func(in *gate.Input) *plan.Criterion { return &in.Gate.Criteria[0] }
	for _, c := range []struct {
		name          string
		change        func(*gate.Input)
		state, reason string
	}{
		{"few enough", func(*gate.Input) {}, gate.Met, ""},
		{"as many as may be", func(in *gate.Input) { report(in, "C-2", plan.IncidentC, now, time.Time{}) }, gate.Met, ""},
		{"one too many", func(in *gate.Input) {
			report(in, "C-2", plan.IncidentC, now, time.Time{})
			report(in, "C-3", plan.IncidentC, now, time.Time{})
		}, gate.Unmet, "incidents"},
		{"an open A", func(in *gate.Input) { report(in, "A-1", plan.IncidentA, now.Add(-time.Minute), time.Time{}) }, gate.Unmet, "incidents"},
		{"an A that is over", func(in *gate.Input) { report(in, "A-1", plan.IncidentA, now.Add(-time.Hour), now) }, gate.Met, ""},
		{"an A that closes later", func(in *gate.Input) { report(in, "A-1", plan.IncidentA, now.Add(-time.Hour), now.Add(1)) }, gate.Unmet, "incidents"},
		{"an A on the platform that is not asked about", func(in *gate.Input) {
			report(in, "A-1", plan.IncidentA, now, time.Time{})
			criterion(in).Platform = checks.Old
		}, gate.Met, ""},
		{"classes that are not limited", func(in *gate.Input) {
			report(in, "B-1", plan.IncidentB, now, time.Time{})
			delete(criterion(in).Most, plan.IncidentB)
		}, gate.Met, ""},
		{"none within two days", func(in *gate.Input) { criterion(in).For = 48 * time.Hour }, gate.Met, ""},
		{"one within four days", func(in *gate.Input) { criterion(in).For = 96 * time.Hour }, gate.Unmet, "incidents"},
		{"nobody spoke of one platform", func(in *gate.Input) { delete(in.Facts.IncidentLists, checks.Old) }, gate.Unknown, "no-list"},
		{"nobody spoke of the platform that is not asked about", func(in *gate.Input) {
			delete(in.Facts.IncidentLists, checks.Old)
			criterion(in).Platform = checks.New
		}, gate.Met, ""},
		{"a list as old as it may be", func(in *gate.Input) { list(in, checks.New, now.Add(-26*time.Hour)) }, gate.Met, ""},
		{"a list that is older", func(in *gate.Input) { list(in, checks.New, now.Add(-26*time.Hour-1)) }, gate.Unknown, "old-list"},
		{"an old list of the other platform", func(in *gate.Input) { list(in, checks.Old, now.Add(-27*time.Hour)) }, gate.Unknown, "old-list"},
		{"an open A, and an old list", func(in *gate.Input) {
			report(in, "A-1", plan.IncidentA, now, time.Time{})
			list(in, checks.New, now.Add(-99*time.Hour))
		}, gate.Unmet, "incidents"},
	} {
		in := calm()
		c.change(&in)
		j := gate.Judge(in, "p-9", now)
		if got := j.Criteria[0]; got.State != c.state || got.Reason != c.reason {
			t.Errorf("%s: %s (%s), want %s (%s)", c.name, got.State, got.Reason, c.state, c.reason)
		}
		if j.MayGo() != (c.state == gate.Met) || len(j.Stale) > 0 {
			t.Errorf("%s: may go %v, asks again %v", c.name, j.MayGo(), j.Stale)
		}
	}
	in := calm()
	report(&in, "A-1", plan.IncidentA, now, time.Time{})
	seen := gate.Judge(in, "", now).Criteria[0]
	want := []register.ClassCount{{Class: plan.IncidentA, Count: 1, Most: 0}, {Class: plan.IncidentB, Count: 0, Most: 0}, {Class: plan.IncidentC, Count: 1, Most: 2}}
	if d := cmp.Diff(want, seen.Incidents) + cmp.Diff([]string{"A-1", "C-1"}, seen.Open); d != "" || !seen.AsOf.Equal(now.Add(-2*time.Hour)) || seen.Event != 5 {
		t.Errorf("it rests on %+v\n%s", seen, d)
	}
}

// TestOneMoreIncidentNeverHelps: incidents come, grow graver, are opened again, lists grow old: once that stands in the way, no more of it makes a go.
func TestOneMoreIncidentNeverHelps(t *testing.T) {
	t.Parallel()
	stopped := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 5))
		in, at := calm(), now
		in.Gate.Criteria[0].For = time.Duration(r.IntN(3)) * 24 * time.Hour
		in.Gate.Criteria[0].Platform = []checks.Side{"", checks.New}[r.IntN(2)]
		may := gate.Judge(in, "p-9", at).MayGo()
		for step := range 6 {
			switch r.IntN(5) {
			case 0:
				report(&in, fmt.Sprint("N-", step), register.IncidentClasses()[r.IntN(3)], at.Add(-time.Duration(r.IntN(90))*time.Hour), time.Time{})
			case 1:
				report(&in, fmt.Sprint("A-", step+1), plan.IncidentA, at, time.Time{})
			case 2:
				in.Facts.Incidents["A-0"].ClosedAt = time.Time{}
			case 3:
				delete(in.Facts.IncidentLists, checks.Sides()[r.IntN(2)])
			case 4:
				for side, l := range in.Facts.IncidentLists {
					l.AsOf = l.AsOf.Add(-time.Duration(r.IntN(20)) * time.Hour)
					in.Facts.IncidentLists[side] = l
				}
			}
			still := gate.Judge(in, "p-9", at).MayGo()
			if still && !may {
				t.Fatalf("seed %d, step %d: no-go became go", seed, step)
			}
			if may && !still {
				stopped++
			}
			may = still
		}
	}
	if stopped < 200 {
		t.Errorf("only %d walks met a no-go: the walk shows nothing", stopped)
	}
}

// TestLoweredIncidentIsNamed: whoever puts an incident into a lesser class alone does not make it go unseen where it would have counted.
func TestLoweredIncidentIsNamed(t *testing.T) {
	t.Parallel()
	lower := func(id string, from plan.Class, opened, closed time.Time) func(*gate.Input) {
		return func(in *gate.Input) {
			report(in, id, plan.IncidentC, opened, closed)
			in.Facts.Incidents[id].Lowered = &register.Lowered{ID: id, From: from, To: plan.IncidentC, Seat: "ibm/operator", Event: 7}
		}
	}
	for _, c := range []struct {
		name   string
		change func(*gate.Input)
		want   []string
	}{
		{"an A that is a C now", lower("A-1", plan.IncidentA, now.Add(-time.Hour), time.Time{}), []string{"A-1"}},
		{"one that is over", lower("A-1", plan.IncidentA, now.Add(-time.Hour), now), nil},
		{"a class that is not limited", func(in *gate.Input) {
			lower("B-1", plan.IncidentB, now.Add(-time.Hour), time.Time{})(in)
			delete(in.Gate.Criteria[0].Most, plan.IncidentB)
		}, nil},
		{"a platform that is not asked about", func(in *gate.Input) {
			lower("A-1", plan.IncidentA, now.Add(-time.Hour), time.Time{})(in)
			in.Gate.Criteria[0].Platform = checks.Old
		}, nil},
	} {
		in := calm()
		c.change(&in)
		var got []string
		for _, l := range gate.Judge(in, "", now).Criteria[0].Lowered {
			got = append(got, l.ID)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
