package snapshot

import (
	"slices"

	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

func (b *builder) runs() []Run {
	out := []Run{}
	for i := len(b.Runs.Order) - 1; i >= 0; i-- {
		out = append(out, b.run(b.Runs.Runs[b.Runs.Order[i]]))
	}
	return out
}

func (b *builder) run(r *run.Run) Run {
	book := b.Plan.Runbooks[r.Started.Runbook]
	out := Run{
		ID: r.ID, Runbook: r.Started.Runbook, Environment: r.Started.Environment, Production: r.Started.Production,
		Rehearsal: r.Started.Rehearsal, Speed: r.Started.Speed, State: r.State, Reason: r.Reason, HeldStep: r.HeldStep,
		HeldGate: r.HeldGate, StartedAt: r.StartedAt, EndedAt: r.EndedAt, StartedBy: r.StartedBy, Changed: r.Changed,
		NoReturn: r.NoReturn, BackOut: r.Started.BackOut, Parent: r.Started.Parent, Undoes: r.Started.Undoes, Steps: []Step{},
	}
	if book != nil {
		out.Title = book.Title
	}
	for _, id := range r.Order {
		var def *runbooks.Step
		if book != nil {
			def = book.Step(id)
		}
		step := b.step(r, r.Steps[id], def)
		out.Steps = append(out.Steps, step)
		out.Switches = out.Switches || len(step.Switches) > 0
		if gate := step.AfterGate; step.State == run.Waiting && gate != "" && !r.State.Final() && needsSettled(r, step.Needs) && !slices.Contains(out.Waiting, gate) {
			out.Waiting = append(out.Waiting, gate)
		}
	}
	return out
}

// step shows one step. def is what the plan in use says of it; nil when it no longer knows the step.
func (b *builder) step(r *run.Run, s *run.Step, def *runbooks.Step) Step {
	out := Step{
		ID: s.ID, Name: yamldoc.Text{Da: s.ID, En: s.ID}, Kind: s.Kind, State: s.State, Owner: s.Owner, Person: b.person(s.Owner),
		AfterGate: s.AfterGate, Attempt: s.Attempt, Simulated: s.Simulated, NoReturn: s.NoReturn, Takes: s.Takes, AskedAt: s.AskedAt,
		DueAt: s.DueAt, FinishedAt: s.FinishedAt, By: s.By, Reason: s.Reason, Output: s.Output, Facts: s.Facts,
	}
	switch {
	case len(s.Closes) > 0:
		out.Closes = covered(s, s.Closes)
	case len(s.Switches) > 0:
		out.Switches = covered(s, s.Switches)
	}
	if def != nil {
		out.Name, out.Needs = yamldoc.Text{Da: def.Name("da"), En: def.Name("en")}, def.Needs
	}
	if s.State == run.Waiting && r.State == run.RunRunning && needsSettled(r, out.Needs) && b.gateOpen(r, s.AfterGate) {
		out.State = run.Startable
	}
	return out
}

// covered are the services a step moves: those of the go once it has begun.
func covered(s *run.Step, all []string) []string {
	if s.Attempt > 0 {
		return s.Services
	}
	return all
}

func needsSettled(r *run.Run, needs []string) bool {
	return !slices.ContainsFunc(needs, func(id string) bool { return r.Steps[id] == nil || !r.Steps[id].State.Settled() })
}

// gateOpen reports whether the gate before a step has said go to this run. A live go serves one run only.
func (b *builder) gateOpen(r *run.Run, id string) bool {
	if id == "" {
		return true
	}
	key := register.GateKey{Gate: id}
	if r.Practises() {
		key.Run = r.ID
	}
	f := b.Register.Gate(key)
	return f.Through(r.ID) != nil || f.Decision != nil && f.Decision.Decision == register.Go && f.UsedBy == ""
}
