package snapshot

import (
	"time"

	"skift/internal/forecast"
	"skift/internal/plan"
	"skift/internal/run"
	"skift/internal/timeline"
)

// overall is the overall plan as a run; nil = the plan has no milestones.
func (b *builder) overall() *Run {
	o := b.tl.Overall()
	if len(o.Book.Steps) == 0 {
		return nil
	}
	r := o.Run(b.Runs)
	out := Run{ID: r.ID, Runbook: r.Started.Runbook, Title: o.Book.Title, Environment: r.Started.Environment, Production: true,
		State: r.State, StartedAt: r.StartedAt, EndedAt: r.EndedAt, PlanHash: r.Started.PlanHash, Steps: []Step{}}
	for _, def := range o.Book.Steps {
		st := r.Steps[def.ID]
		s := b.step(r, st, def)
		s.State, s.Exit, s.Until, s.After, s.Run = o.State(def.ID), def.Ends.Gate, def.Ends.Until, def.Ends.After, st.Child
		s.NotBefore, s.BeginsAt = def.NotBefore, b.begins(def.ID, s.State)
		if s.NotBefore == def.ID+"."+plan.Start {
			s.NotBefore = "" // its own date, which BeginsAt tells
		}
		out.Steps = append(out.Steps, s)
	}
	if r.State == run.RunRunning {
		out.Forecast = forecast.Overall(b.tl)
	}
	return &out
}

// begins is when a milestone that was not entered yet is entered; zero = nobody knows, or it was.
func (b *builder) begins(id string, state run.StepState) (at time.Time) {
	if start := b.tl.Milestone(id).Start; state == run.Waiting && start.Certainty != timeline.Event {
		return start.Earliest
	}
	return at
}
