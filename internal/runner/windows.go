package runner

import (
	"slices"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/runbooks"
)

// A cut-over that is split in two has one runbook and a window for each part: what the runbook says of its window is meant of the one
// that the run is for, and what an earlier part has moved is not moved again.

// moment resolves a date that a run's runbook gives.
func (d *decision) moment(p *plan.Plan, rn *run.Run, expr string) (time.Time, bool) {
	root := rn
	for o := rn; o != nil; o = d.Facts.Runs.Runs[o.Started.Parent] {
		root = o
	}
	window := p.Runbooks[rn.Started.Runbook].Window
	if own := p.Milestones[root.Started.Milestone]; own != nil && own.Kind == plan.Window && window != "" && own.ID != window {
		if rest, ok := strings.CutPrefix(expr, window+"."); ok {
			expr = own.ID + "." + rest
		}
	}
	return d.r.cfg.Calendar.Moment(p, &d.Facts.Register, expr, d.Now)
}

// unmoved leaves out of the services a step switches those that an earlier run has brought over already. Elsewhere than in production the
// platforms are set up anew for each run.
func (d *decision) unmoved(rn *run.Run, services []string) []string {
	if !rn.Started.Production {
		return services
	}
	return slices.DeleteFunc(slices.Clone(services), func(s string) bool {
		ph := d.Facts.Register.Phase(rn.Started.Environment, s, "")
		return ph == checks.Fallback || ph == checks.Closed
	})
}

// milestoneOf is the milestone that a run started by hand fulfils: the runbook's window, or the next where that has passed; else the only
// one that would start it so.
func (r *Runner) milestoneOf(f *register.Facts, rb *runbooks.Runbook, env *plan.Environment, rehearsal bool) string {
	var found, ahead []string
	for _, id := range r.plan.MilestoneIDs {
		m := r.plan.Milestones[id]
		where := m.Environment
		if where == "" {
			where = r.plan.Production()
		}
		if m.Runbook != rb.ID || where != env.ID || m.Rehearsal != rehearsal {
			continue
		}
		found = append(found, id)
		if m.Kind == plan.Window && f.Milestone(id).PassedAt.IsZero() {
			ahead = append(ahead, id)
		}
	}
	switch {
	case slices.Contains(ahead, rb.Window):
		return rb.Window
	case slices.Contains(found, rb.Window) && len(ahead) > 0:
		return ahead[0]
	case slices.Contains(found, rb.Window):
		return rb.Window
	case len(found) == 1:
		return found[0]
	}
	return ""
}
