package timeline

import (
	"slices"
	"time"

	"skift/internal/plan"
)

// Gate is when a gate opens and by when it must be decided; zero = when asked, and no deadline. Its dates are read at the earliest and
// the latest they can mean.
//
// Where several windows start the runbook that asks it, as when a cut-over is split over two weekends, what its dates say of the runbook's
// window is meant of the first of these that is neither passed nor over.
func (t *Timeline) Gate(g *plan.Gate) (opens, decideBy time.Time) {
	opens, _ = t.OpensAt(t.meant(g, g.Opens))
	decideBy, _ = t.DecideBy(t.meant(g, g.DecideBy))
	return opens, decideBy
}

// meant is a date of a gate as it is to be read now.
func (t *Timeline) meant(g *plan.Gate, w plan.When) plan.When {
	if w.Ref.Milestone == "" {
		return w
	}
	for _, id := range t.plan.RunbookIDs {
		rb := t.plan.Runbooks[id]
		if rb.Window != w.Ref.Milestone {
			continue
		}
		for _, s := range rb.Steps {
			if s.AfterGate == g.ID {
				w.Ref.Milestone = t.window(rb.Window, id)
				return w
			}
		}
	}
	return w
}

// window is the present one of the windows of a runbook: its own, and the others that start it.
func (t *Timeline) window(own, runbook string) string {
	var all []*Milestone
	for _, m := range t.Milestones {
		if m.ID == own || m.Kind == plan.Window && m.Runbook == runbook && !m.Rehearsal {
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
	return own
}
