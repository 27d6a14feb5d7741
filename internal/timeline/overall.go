package timeline

import (
	"time"

	"skift/internal/plan"
	"skift/internal/run"
	"skift/runbooks"
)

// Overall is the overall plan at an instant: the runbook that the plan compiles to, and how far each of its steps has come. Its facts are
// those of the milestones and no others: nothing is journalled of it, so it cannot say anything else than they do.
type Overall struct {
	Book *runbooks.Runbook

	t      *Timeline
	states map[string]run.StepState
	ready  *runbooks.Ready
}

// Why a step of the overall plan was passed over.
const (
	missedReason = "it lay in the past when the plan came into use"
	overReason   = "its time was over before it was entered"
)

// Overall is the overall plan as it stands.
func (t *Timeline) Overall() *Overall {
	o := &Overall{Book: plan.Master(t.plan), t: t, states: map[string]run.StepState{}}
	o.ready = runbooks.NewReady(o.Book)
	for _, s := range o.Book.Steps {
		state, _ := t.stepState(t.byID[s.ID], s.Kind)
		o.states[s.ID] = state
		switch {
		case state.Settled():
			o.ready.Set(s.ID, runbooks.Settled)
		case state != run.Waiting:
			o.ready.Set(s.ID, runbooks.Begun)
		}
	}
	return o
}

// stepState is the one place that says where a milestone's step stands; docs/state-machine.md draws it.
func (t *Timeline) stepState(m *Milestone, kind runbooks.Kind) (state run.StepState, reason string) {
	over := !m.span.until.IsZero() && !t.Now.Before(m.span.until)
	moment := m.Kind == plan.Release || m.Kind == plan.Point
	switch {
	case !m.PassedAt.IsZero():
		return run.Done, ""
	case m.State == Missed:
		return run.Skipped, missedReason
	case over && !m.StartedAt.IsZero():
		return run.Done, ""
	case over && !moment:
		return run.Skipped, overReason
	case m.StartedAt.IsZero():
		return run.Waiting, ""
	case kind == runbooks.Manual:
		return run.WaitingForPerson, ""
	}
	return run.Running, ""
}

// State is where a step stands; startable when what it needs is settled and its date has come. "" = there is no such step.
func (o *Overall) State(id string) run.StepState {
	if state := o.states[id]; state != run.Waiting || !o.startable(id) {
		return state
	}
	return run.Startable
}

// Startable lists the steps that can be started now, in the plan's order: by their needs, as those of any runbook, and by their dates. A
// date that is not certain is read at its earliest.
func (o *Overall) Startable() []*runbooks.Step {
	var out []*runbooks.Step
	for _, s := range o.ready.Steps() {
		if o.startable(s.ID) {
			out = append(out, s)
		}
	}
	return out
}

func (o *Overall) startable(id string) bool {
	from := o.t.byID[id].span.from
	return o.ready.Startable(id) && !from.IsZero() && !from.After(o.t.Now)
}

// Run shows the overall plan as a run, from the facts that there are of its milestones and of the runs that they began; runs may be nil.
func (o *Overall) Run(runs *run.Facts) *run.Run {
	p := o.t.plan
	r := &run.Run{ID: plan.MasterID, State: run.RunRunning, StartedAt: o.t.facts.AdoptedAt, Steps: map[string]*run.Step{},
		Started: run.Started{Runbook: plan.MasterID, Environment: p.Production(), Production: true, PlanHash: p.Hash}}
	open, last := 0, time.Time{}
	for _, s := range o.Book.Steps {
		st := o.step(s, runs)
		r.Started.Steps = append(r.Started.Steps, st.StepDef)
		r.Steps[s.ID], r.Order = st, append(r.Order, s.ID)
		if last = later(last, st.FinishedAt); !st.State.Settled() {
			open++
		}
	}
	if open == 0 && len(r.Order) > 0 {
		r.State, r.EndedAt = run.RunDone, last
	}
	return r
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// step is one step as facts of a run would have it.
func (o *Overall) step(s *runbooks.Step, runs *run.Facts) *run.Step {
	m := o.t.byID[s.ID]
	st := &run.Step{StepDef: run.StepDef{ID: s.ID, Kind: string(s.Kind), Owner: s.Owner, Area: s.Area, Takes: m.length()}}
	st.State, st.Reason = o.t.stepState(m, s.Kind)
	if st.AskedAt = m.StartedAt; !st.AskedAt.IsZero() {
		st.Attempt = 1
	}
	switch {
	case !m.PassedAt.IsZero():
		st.FinishedAt, st.By = m.PassedAt, o.t.facts.Milestone(m.ID).PassedBy
	case st.State.Settled():
		st.FinishedAt = m.span.until
	case st.State.Open():
		st.DueAt = m.End.Latest
	}
	st.Child = begun(runs, m.ID)
	return st
}

// length is how long the milestone lasts as planned; 0 = nobody can say.
func (m *Milestone) length() time.Duration {
	if !m.PlannedStart.Known() || !m.PlannedEnd.Known() {
		return 0
	}
	return max(0, m.PlannedEnd.At.Sub(m.PlannedStart.At))
}

// begun is the newest run that a milestone has begun; "" = none.
func begun(runs *run.Facts, milestone string) string {
	if runs == nil {
		return ""
	}
	for i := len(runs.Order) - 1; i >= 0; i-- {
		if r := runs.Runs[runs.Order[i]]; r.Started.Milestone == milestone {
			return r.ID
		}
	}
	return ""
}
