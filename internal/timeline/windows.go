package timeline

import (
	"slices"
	"time"

	"skift/internal/plan"
	"skift/internal/run"
)

// Gate is when a gate opens and by when it must be decided; zero = when asked, and no deadline. Its dates are read at the earliest and
// the latest they can mean.
//
// Where several windows start the runbook that asks it, as when a cut-over is split over two weekends, what its dates say of the runbook's
// window is meant of the one that the run is for which stands in front of it; while there is none, of the first that is neither passed nor
// over.
func (t *Timeline) Gate(runs *run.Facts, g *plan.Gate) (opens, decideBy time.Time) {
	if runs != nil {
		if r := runs.Asking(g.ID); r != nil {
			return t.GateOf(runs, r, g)
		}
	}
	return t.gate(g, func(own string) string {
		for _, id := range t.plan.RunbookIDs {
			if t.plan.Runbooks[id].Window == own && t.plan.Asks(id, g.ID) {
				return t.Present(id)
			}
		}
		return own
	})
}

// GateOf is the same for a run: of the window that it is for.
func (t *Timeline) GateOf(runs *run.Facts, r *run.Run, g *plan.Gate) (opens, decideBy time.Time) {
	own, is := runs.Window(t.plan, r)
	return t.gate(g, func(named string) string {
		if named == own {
			return is
		}
		return named
	})
}

func (t *Timeline) gate(g *plan.Gate, meant func(milestone string) string) (opens, decideBy time.Time) {
	read := func(w plan.When) plan.When {
		if w.Ref.Milestone != "" {
			w.Ref.Milestone = meant(w.Ref.Milestone)
		}
		return w
	}
	opens, _ = t.OpensAt(read(g.Opens))
	decideBy, _ = t.DecideBy(read(g.DecideBy))
	return opens, decideBy
}

// Present is the present one of the windows of a runbook: of its own and the others that start it, the first that is neither passed nor
// over, else the last. "" = it has none.
func (t *Timeline) Present(runbook string) string {
	rb := t.plan.Runbooks[runbook]
	if rb == nil || rb.Window == "" {
		return ""
	}
	var all []*Milestone
	for _, m := range t.Milestones {
		if m.ID == rb.Window || m.Kind == plan.Window && m.Runbook == rb.ID && !m.Rehearsal {
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b *Milestone) int { return a.Start.At.Compare(b.Start.At) })
	for _, m := range all {
		over := !m.End.Latest.IsZero() && !t.Now.Before(m.End.Latest)
		if m.State != Passed && m.State != Missed && !over {
			return m.ID
		}
	}
	if len(all) > 1 {
		return all[len(all)-1].ID
	}
	return rb.Window
}

// GatesOf lists the gates that a runbook, or one inside it, asks, in the plan's order.
func (t *Timeline) GatesOf(runbook string) []string {
	var out []string
	for _, id := range t.plan.GateIDs {
		if t.plan.Asks(runbook, id) {
			out = append(out, id)
		}
	}
	return out
}
