package forecast

import (
	"time"

	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/timeline"
	"skift/runbooks"
)

// inPlan is what is known of a plan's runs at an instant.
type inPlan struct {
	plan  *plan.Plan
	runs  *run.Facts
	reg   *register.Facts
	tl    *timeline.Timeline
	bound func(hash string) *plan.Plan
	tls   map[string]*timeline.Timeline // of other revisions, by hash
}

// InPlan is the world of a plan's runs. The timeline is that of the instant for which forecasts are made. Steps are those of the revision
// that a run is bound to, as far as bound finds it, and so are their dates; windows and gates are those of the plan in use. All are of the
// window that the run is for.
func InPlan(p *plan.Plan, runs *run.Facts, reg *register.Facts, tl *timeline.Timeline, bound func(hash string) *plan.Plan) World {
	in := inPlan{p, runs, reg, tl, bound, map[string]*timeline.Timeline{}}
	return World{
		Runs:   runs,
		Book:   func(r *run.Run) *runbooks.Runbook { return in.revision(r).Runbooks[r.Started.Runbook] },
		Named:  func(r *run.Run, id string) *runbooks.Runbook { return in.revision(r).Runbooks[id] },
		Window: in.window,
		Moment: func(f For, expr string) (time.Time, bool) {
			own, is := in.bounding(f)
			return in.timeline(f.Run).WaitUntil(run.Meant(expr, own, is))
		},
		Gate: in.deciding,
	}
}

// revision is the plan that a run is bound to; the one in use where the run has not begun, or where its own is not to be had.
func (in inPlan) revision(r *run.Run) *plan.Plan {
	if r == nil || in.bound == nil || r.Started.PlanHash == in.plan.Hash {
		return in.plan
	}
	if own := in.bound(r.Started.PlanHash); own != nil {
		return own
	}
	return in.plan
}

// timeline is that of the revision a run is bound to.
func (in inPlan) timeline(r *run.Run) *timeline.Timeline {
	p := in.revision(r)
	if p == in.plan {
		return in.tl
	}
	if in.tls[p.Hash] == nil {
		in.tls[p.Hash] = timeline.At(p, in.reg, in.tl.Now)
	}
	return in.tls[p.Hash]
}

// bounding is the window that a runbook names, and the one that is meant: that for which the run of it is, or the present one.
func (in inPlan) bounding(f For) (own, is string) {
	if f.Run != nil {
		return in.runs.Window(in.revision(f.Run), f.Run)
	}
	return f.Book.Window, in.tl.Present(f.Book.ID)
}

// window is when the window lies that bounds a runbook: from the earliest beginning until the latest end that its dates can mean.
func (in inPlan) window(f For) Window {
	id := f.Book.Window
	if own, is := in.bounding(f); id == own {
		id = is
	}
	m := in.tl.Milestone(id)
	if m == nil {
		return Window{}
	}
	return Window{From: m.Start.Earliest, Until: m.End.Latest}
}

// deciding is how a gate stands for a run: one that practises has its own, and no dates bind that. A live go serves one run only.
func (in inPlan) deciding(r *run.Run, id string) Deciding {
	key, runID := register.GateKey{Gate: id}, ""
	if r != nil {
		runID = r.ID
		if r.Practises() {
			key.Run = r.ID
		}
	}
	f, g := in.reg.Gate(key), in.plan.Gates[id]
	d := Deciding{Through: runID != "" && f.Through(runID) != nil || f.Decision != nil && f.Decision.Decision == register.Go && f.UsedBy == ""}
	switch {
	case key.Run != "" || g == nil:
		return d
	case r != nil:
		d.OpensAt, d.DecideBy = in.tl.GateOf(in.runs, r, g)
	default:
		d.OpensAt, d.DecideBy = in.tl.Gate(in.runs, g)
	}
	if !f.Until.IsZero() {
		d.DecideBy = f.Until
	}
	return d
}

// Begins is when a runbook is planned to begin: with its window; zero = nobody knows.
func (w World) Begins(book *runbooks.Runbook) time.Time {
	if book.Window == "" || w.Window == nil {
		return time.Time{}
	}
	return w.Window(For{Book: book}).From
}
