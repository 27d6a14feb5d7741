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
	own, is := d.Facts.Runs.Window(p, rn)
	return d.r.cfg.Calendar.Moment(p, &d.Facts.Register, run.Meant(expr, own, is), d.Now)
}

// moves lists the services whose phase a step moves in this run: those that every go it went through covered, and in a
// back-out those that the undone step had really begun to move.
func (d *decision) moves(rn *run.Run, s *runbooks.Step) []string {
	st := rn.Steps[s.ID]
	services := d.inScope(rn, slices.Concat(d.unmoved(rn, st.Switches), st.Closes))
	reverts := st.Reverts
	if undone := d.Facts.Runs.Runs[rn.Started.Undoes]; undone != nil && undone.Steps[s.Undoes] != nil {
		reverts = both(reverts, d.switched(undone, s.Undoes))
	}
	return append(services, reverts...)
}

// inScope keeps the services that the window of the run is for and the go covered, at every gate that the run, the one around it or one inside that went through: they are
// one piece of work.
func (d *decision) inScope(rn *run.Run, services []string) []string {
	if len(services) == 0 {
		return nil
	}
	services = d.inWindow(rn, services)
	for _, o := range d.Facts.Runs.Inside(d.Facts.Runs.Top(rn)) {
		if o.State.Final() && o.State != run.RunDone {
			continue // what it was let through for ended with it
		}
		for _, gid := range d.Facts.Register.GatesUsed(o.ID) {
			if scope := d.Facts.Register.Gate(register.GateKey{Gate: gid}).Through(o.ID).Services; len(scope) > 0 {
				services = both(services, scope)
			}
		}
	}
	return services
}

// windowOf is the window that a run is for, by the run's own revision; nil = none. Rehearsals practise the whole.
func (d *decision) windowOf(rn *run.Run) *plan.Milestone {
	p, err := d.r.planOf(rn)
	if err != nil || rn.Practises() {
		return nil
	}
	_, is := d.Facts.Runs.Window(p, rn)
	return p.Milestones[is]
}

// inWindow keeps the services that the window which a run is for names; all of them where it names none. What a later revision splits off for
// another window is that one's, unless this run has moved it already.
func (d *decision) inWindow(rn *run.Run, services []string) []string {
	is := d.windowOf(rn)
	if is == nil {
		return services
	}
	if len(is.Services) > 0 {
		services = both(services, is.Services)
	}
	if left := d.inUse(is).Services; len(left) > 0 {
		services = slices.DeleteFunc(slices.Clone(services), func(s string) bool { return !slices.Contains(left, s) && !d.movedIn(rn, s) })
	}
	return services
}

// inUse is a window as the plan in use has it; as it was, where that has none of its name.
func (d *decision) inUse(is *plan.Milestone) *plan.Milestone {
	if now := d.r.plan.Milestones[is.ID]; now != nil && now.Kind == plan.Window {
		return now
	}
	return is
}

// movedIn reports whether the piece of work that a run belongs to has moved a service.
func (d *decision) movedIn(rn *run.Run, service string) bool {
	return slices.ContainsFunc(d.Facts.Runs.Inside(d.Facts.Runs.Top(rn)), func(o *run.Run) bool {
		for _, st := range o.Steps {
			if slices.Contains(st.Switches, service) && slices.Contains(st.Services, service) && !st.Simulated {
				return true
			}
		}
		return false
	})
}

// askedOf is the window of which one of the plan's own gates is asked: that of the run in front of it, else the present one of those whose
// runbook asks it; nil = none.
func (d *decision) askedOf(g *plan.Gate) *plan.Milestone {
	if rn := d.Facts.Runs.Asking(g.ID); rn != nil {
		if is := d.windowOf(rn); is != nil {
			return d.inUse(is)
		}
		return nil
	}
	p := d.r.plan
	var ahead []string
	for _, id := range p.MilestoneIDs {
		m := p.Milestones[id]
		if m.Kind == plan.Window && !m.Rehearsal && d.Facts.Register.Milestone(id).PassedAt.IsZero() && p.Asks(m.Runbook, g.ID) {
			ahead = append(ahead, id)
		}
	}
	if len(ahead) == 0 {
		return nil
	}
	return p.Milestones[d.present(ahead)]
}

// askedFor are the services that a go at one of the plan's own gates is for where it names none: of the gate's scope those that its window
// names. Empty = all, so a gate and a window that have nothing in common can have no go.
func (d *decision) askedFor(g *plan.Gate) ([]string, error) {
	is := d.askedOf(g)
	if is == nil || len(is.Services) == 0 {
		return g.Scope, nil
	}
	services := both(d.r.scope(g), is.Services)
	if len(services) == 0 {
		return nil, refuse(Refused, "let the gate's scope, or the window's services, name what the go is to be for", "%s decides about %s, and %s is for %s: a go would be for nothing",
			g.ID, strings.Join(g.Scope, ", "), is.ID, strings.Join(is.Services, ", "))
	}
	return services, nil
}

// scope lists the services that a gate decides about.
func (r *Runner) scope(g *plan.Gate) []string {
	if len(g.Scope) == 0 {
		return r.plan.ServiceIDs
	}
	return g.Scope
}

// both keeps what is in a and in b, in the order of a.
func both(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}

// unmoved leaves out of the services a step switches those that an earlier run has brought over already. What a run brought over that was
// given up is taken over with it: it is moved, and taken back, by the run that goes on in its place. Elsewhere than in production the
// platforms are set up anew for each run.
func (d *decision) unmoved(rn *run.Run, services []string) []string {
	if !rn.Started.Production {
		return services
	}
	return slices.DeleteFunc(slices.Clone(services), func(s string) bool {
		ph := d.Facts.Register.Phase(rn.Started.Environment, s, "")
		return (ph == checks.Fallback || ph == checks.Closed) && !d.givenUp(rn.Started.Environment, s)
	})
}

// givenUp reports whether the run that last moved a service ended without being done.
func (d *decision) givenUp(env, service string) bool {
	for _, id := range slices.Backward(d.Facts.Runs.Order) {
		o := d.Facts.Runs.Runs[id]
		if o.Started.Environment != env || o.Started.Rehearsal {
			continue
		}
		for _, st := range o.Steps {
			if slices.Contains(st.Switches, service) && slices.Contains(st.Services, service) && !st.Simulated {
				top := d.Facts.Runs.Top(o)
				return top.State == run.RunAborted || top.State == run.RunFailed
			}
		}
	}
	return false
}

// milestoneOf is the milestone that a run started by hand fulfils: of the windows that start the runbook, the first that is neither
// passed nor over, else the last that has not passed; else the runbook's own window, or the only milestone that would start it so.
func (d *decision) milestoneOf(rb *runbooks.Runbook, env *plan.Environment, rehearsal bool) string {
	p, f := d.r.plan, &d.Facts.Register
	var found, ahead []string
	for _, id := range p.MilestoneIDs {
		m := p.Milestones[id]
		where := m.Environment
		if where == "" {
			where = p.Production()
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
	case slices.Contains(found, rb.Window) && len(ahead) > 0:
		return d.present(ahead)
	case slices.Contains(found, rb.Window):
		return rb.Window
	case len(found) == 1:
		return found[0]
	}
	return ""
}

// moreToCome reports whether the run that a gate is asked for now is one part of a cut-over, and a later part will ask the gate again.
func (d *decision) moreToCome(g *plan.Gate) bool {
	rn := d.Facts.Runs.Asking(g.ID)
	if rn == nil {
		return false
	}
	p, top := d.r.plan, d.Facts.Runs.Top(rn)
	_, is := d.Facts.Runs.Window(p, rn)
	for _, id := range p.MilestoneIDs {
		m := p.Milestones[id]
		if is != "" && id != is && m.Kind == plan.Window && m.Runbook == top.Started.Runbook && !m.Rehearsal && d.edge(id, "start").After(d.edge(is, "start")) {
			return true
		}
	}
	return false
}

// present is the first of some windows that is not over, else the last.
func (d *decision) present(windows []string) string {
	slices.SortStableFunc(windows, func(a, b string) int { return d.edge(a, "start").Compare(d.edge(b, "start")) })
	for _, id := range windows {
		if d.edge(id, "end").After(d.Now) {
			return id
		}
	}
	return windows[len(windows)-1]
}

// edge is an end of a milestone; what has no date yet comes after all else.
func (d *decision) edge(milestone, point string) time.Time {
	at, ok := d.r.cfg.Calendar.Moment(d.r.plan, &d.Facts.Register, milestone+"."+point, d.Now)
	if !ok {
		return d.Now.AddDate(1000, 0, 0)
	}
	return at
}
