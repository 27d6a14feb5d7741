package run

import (
	"slices"
	"strings"

	"skift/internal/plan"
)

// UnderWay lists the runs that have not ended, as they were started.
func (f *Facts) UnderWay() []string {
	out := []string{}
	for _, id := range f.Order {
		if !f.Runs[id].State.Final() {
			out = append(out, id)
		}
	}
	return out
}

// Above is the run that a run is a step of, else the one it undoes; nil = it stands alone.
func (f *Facts) Above(r *Run) *Run {
	if p := f.Runs[r.Started.Parent]; p != nil {
		return p
	}
	return f.Runs[r.Started.Undoes]
}

// Top is the run that a run is part of: itself, unless it is a step of another.
func (f *Facts) Top(r *Run) *Run {
	for p := f.Runs[r.Started.Parent]; p != nil; p = f.Runs[p.Started.Parent] {
		r = p
	}
	return r
}

// Inside lists a run and the runs of its steps, those of earlier attempts too, in the order in which they were started.
func (f *Facts) Inside(r *Run) []*Run {
	out, in := []*Run{r}, map[string]bool{r.ID: true}
	for _, id := range f.Order { // a run is started before those inside it
		if o := f.Runs[id]; in[o.Started.Parent] && !in[id] {
			out, in[id] = append(out, o), true
		}
	}
	return out
}

// Window is the stretch of the plan that a run is for. A cut-over that is split in two has one runbook and a window for each part: what
// is said of the window that its runbook names, its own, is meant of the one that the run was begun for. Runs inside it, and the
// one that backs it out, are for the same. Both are "" when nothing bounds it.
func (f *Facts) Window(p *plan.Plan, r *Run) (own, is string) {
	top := r
	for o := r; o != nil; o = f.Above(o) {
		top = o
		if book := p.Runbooks[o.Started.Runbook]; book != nil && book.Window != "" {
			own = book.Window
		}
	}
	if m := p.Milestones[top.Started.Milestone]; own != "" && m != nil && m.Kind == plan.Window {
		return own, m.ID
	}
	return own, own
}

// Meant reads a date that a run's runbook gives, such as "cutover.start + 1h", as one of the window that the run is for.
func Meant(expr, own, is string) string {
	if rest, ok := strings.CutPrefix(expr, own+"."); ok && own != "" {
		return is + "." + rest
	}
	return expr
}

// Asking is the live run that a gate of the plan is asked for now: the last one begun that has not ended and is not through the gate;
// nil = none.
func (f *Facts) Asking(gate string) *Run {
	for _, id := range slices.Backward(f.Order) {
		r := f.Runs[id]
		if r.State.Final() || r.Practises() {
			continue
		}
		if slices.ContainsFunc(r.Gated, func(id string) bool {
			s := r.Steps[id]
			return s.AfterGate == gate && s.Attempt == 0 && !s.State.Settled()
		}) {
			return r
		}
	}
	return nil
}
