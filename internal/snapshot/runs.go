package snapshot

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/timeline"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// Pause keeps steps of a run, of one stream of it, or further attempts of one step from starting. Without a stream and a step it is the whole run.
type Pause struct {
	Stream string        `json:"stream,omitempty"`
	Step   string        `json:"step,omitempty"`
	Reason string        `json:"reason"`
	By     journal.Actor `json:"by"`
	At     time.Time     `json:"at"`
}

// Issue is what is wrong with a step.
type Issue struct {
	Text  string        `json:"text"`
	Fix   time.Duration `json:"fix,omitempty"` // ns from at on; 0 = nobody knows
	Event int64         `json:"event"`
	By    journal.Actor `json:"by"`
	At    time.Time     `json:"at"`
}

// Note is what somebody wrote down about a step.
type Note struct {
	Text   string        `json:"text"`
	File   string        `json:"file,omitempty"` // in the data directory
	SHA256 string        `json:"sha256,omitempty"`
	Event  int64         `json:"event"`
	By     journal.Actor `json:"by"`
	At     time.Time     `json:"at"`
}

func (b *builder) runs() []Run {
	out := []Run{}
	for i := len(b.Runs.Order) - 1; i >= 0; i-- {
		out = append(out, b.run(b.Runs.Runs[b.Runs.Order[i]]))
	}
	return out
}

func (b *builder) run(r *run.Run) Run {
	book := b.bound(r).Runbooks[r.Started.Runbook]
	heldStep, reason := r.Holder()
	out := Run{
		ID: r.ID, Runbook: r.Started.Runbook, Environment: r.Started.Environment, Production: r.Started.Production,
		Rehearsal: r.Started.Rehearsal, Speed: r.Started.Speed, Parameters: maps.Clone(r.Started.Parameters), State: r.State, Reason: reason, HeldStep: heldStep,
		HeldGate: r.HeldGate, StartedAt: r.StartedAt, EndedAt: r.EndedAt, StartedBy: r.StartedBy, Changed: r.Changed,
		NoReturn: r.NoReturn, BackOut: r.Started.BackOut, Parent: r.Started.Parent, Undoes: r.Started.Undoes, PlanHash: r.Started.PlanHash, Steps: []Step{},
		HeldBy: r.HeldBy, Forecast: b.forecast(r),
	}
	for part, p := range r.Paused {
		if st := r.Steps[part.Step]; st != nil && st.State.Settled() {
			continue // nothing of it begins any more
		}
		out.Paused = append(out.Paused, Pause{part.Stream, part.Step, p.Reason, p.Actor, p.At})
	}
	slices.SortFunc(out.Paused, func(a, b Pause) int { return cmp.Or(cmp.Compare(a.Step, b.Step), cmp.Compare(a.Stream, b.Stream)) })
	if book != nil {
		out.Title = book.Title
	}
	if m := b.Plan.Milestones[r.Started.Milestone]; m != nil && m.Wave != "" {
		out.Wave, out.Title = m.Wave, plan.InWave(b.Plan.Waves[m.Wave], out.Title, out.Runbook)
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

// bound is the revision of the plan that a run goes on with; the one in use where that is not to be had.
func (b *builder) bound(r *run.Run) *plan.Plan {
	if r.Started.PlanHash != b.Plan.Hash && b.Bound != nil {
		if p := b.Bound(r.Started.PlanHash); p != nil {
			return p
		}
	}
	return b.Plan
}

// moment is a date that a run's runbook gives, of the window that the run is for.
func (b *builder) moment(r *run.Run, expr string) (time.Time, bool) {
	p, tl := b.bound(r), b.tl
	if p != b.Plan {
		tl = timeline.At(p, b.Register, b.Now)
	}
	own, is := b.Runs.Window(p, r)
	return tl.WaitUntil(run.Meant(expr, own, is))
}

// step shows one step. def is what the run's revision of the plan says of it; nil when that is not to be had.
func (b *builder) step(r *run.Run, s *run.Step, def *runbooks.Step) Step {
	out := Step{
		ID: s.ID, Name: yamldoc.Text{Da: s.ID, En: s.ID}, Kind: s.Kind, State: s.State, Owner: s.Owner, Person: b.person(s.Owner), Stream: s.Stream,
		AfterGate: s.AfterGate, Attempt: s.Attempt, Simulated: s.Simulated, NoReturn: s.NoReturn, Takes: s.Takes, AskedAt: s.AskedAt,
		DueAt: s.DueAt, FinishedAt: s.FinishedAt, By: s.By, Reason: s.Reason, Output: s.Output, Facts: s.Facts, Contradiction: s.Contradiction,
	}
	if p, flying := b.Progress[r.ID+"/"+s.ID]; flying && s.State == run.Running {
		out.Progress = &p
	}
	switch {
	case len(s.Closes) > 0:
		out.Closes = covered(s, s.Closes)
	case len(s.Switches) > 0:
		out.Switches = covered(s, s.Switches)
	}
	if def != nil {
		out.VerifyOn = def.VerifyOn
		out.Name, out.Needs = yamldoc.Text{Da: def.Name("da"), En: def.Name("en")}, def.Needs
		if s.State == run.Running {
			out.Awaits = def.WaitBody.Awaits()
		}
	}
	out.Needs = r.Needs(s.ID, out.Needs)
	for _, a := range r.Added {
		if a.Step.ID == s.ID {
			out.Name, out.Added = yamldoc.Text{Da: a.Name, En: a.Name}, true
		}
	}
	if i := s.Issue; i != nil {
		out.Issue = &Issue{i.Text, i.Fix, i.Seq, i.Actor, i.At}
	}
	for _, n := range s.Notes {
		out.Notes = append(out.Notes, Note{n.Text, n.File, n.SHA256, n.Seq, n.Actor, n.At})
	}
	early := b.dates(r, s, def, &out)
	if s.State == run.Waiting && r.State == run.RunRunning && !r.Pauses(s.Stream, s.ID) && needsSettled(r, out.Needs) && b.gateOpen(r, s.AfterGate) && !early {
		out.State = run.Startable
	}
	return out
}

// dates shows when a waiting step may begin, and reports whether it has to wait for its time. The plan's dates do not bind those
// who practise.
func (b *builder) dates(r *run.Run, s *run.Step, def *runbooks.Step, out *Step) (early bool) {
	if s.State != run.Waiting {
		return false
	}
	begins := s.AgainAt
	if def != nil && !r.Practises() {
		out.NotBefore, out.NotAfter = def.NotBefore, def.NotAfter
	}
	if out.NotAfter != "" {
		out.BeginsBy, _ = b.moment(r, out.NotAfter)
	}
	if out.NotBefore != "" {
		at, known := b.moment(r, out.NotBefore)
		if !known {
			return true
		}
		if at.After(begins) {
			begins = at
		}
	}
	if early = begins.After(b.Now); early && r.State == run.RunRunning && needsSettled(r, out.Needs) {
		out.BeginsAt = begins
	}
	return early
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
