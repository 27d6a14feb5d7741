package forecast

import (
	"time"

	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/timeline"
	"skift/runbooks"
)

// InPlan is the world of a plan's runs. The timeline is that of the instant for which forecasts are made.
func InPlan(p *plan.Plan, runs *run.Facts, reg *register.Facts, tl *timeline.Timeline) World {
	return World{
		Runs:   runs,
		Book:   func(r *run.Run) *runbooks.Runbook { return p.Runbooks[r.Started.Runbook] },
		Named:  func(id string) *runbooks.Runbook { return p.Runbooks[id] },
		Window: func(id string) Window { return windowIn(tl, id) },
		Moment: tl.WaitUntil,
		Gate:   func(r *run.Run, id string) Deciding { return decidingIn(p, reg, tl, r, id) },
	}
}

// windowIn is when a milestone lies: from the earliest beginning until the latest end that its dates can mean.
func windowIn(tl *timeline.Timeline, id string) Window {
	m := tl.Milestone(id)
	if m == nil {
		return Window{}
	}
	return Window{From: m.Start.Earliest, Until: m.End.Latest}
}

// decidingIn is how a gate stands for a run: one that practises has its own, and no dates bind that. A live go serves one run only.
func decidingIn(p *plan.Plan, reg *register.Facts, tl *timeline.Timeline, r *run.Run, id string) Deciding {
	key, runID := register.GateKey{Gate: id}, ""
	if r != nil {
		runID = r.ID
		if r.Practises() {
			key.Run = r.ID
		}
	}
	f, g := reg.Gate(key), p.Gates[id]
	d := Deciding{Through: runID != "" && f.Through(runID) != nil || f.Decision != nil && f.Decision.Decision == register.Go && f.UsedBy == ""}
	if key.Run != "" || g == nil {
		return d
	}
	d.OpensAt, _ = tl.OpensAt(g.Opens)
	if d.DecideBy, _ = tl.DecideBy(g.DecideBy); !f.Until.IsZero() {
		d.DecideBy = f.Until
	}
	return d
}

// Top is the run that a run is part of: itself, unless it is a step of another.
func Top(runs *run.Facts, r *run.Run) *run.Run {
	for p := runs.Runs[r.Started.Parent]; p != nil; p = runs.Runs[p.Started.Parent] {
		r = p
	}
	return r
}

// Begins is when a runbook is planned to begin: with its window; zero = nobody knows.
func (w World) Begins(book *runbooks.Runbook) time.Time {
	if book.Window == "" || w.Window == nil {
		return time.Time{}
	}
	return w.Window(book.Window).From
}
