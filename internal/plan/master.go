package plan

import (
	"slices"

	"skift/internal/diag"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// MasterID is what commands call the overall plan. No runbook of a plan may have that name.
const MasterID = "master"

// Master compiles the plan to one runbook, the overall plan: each milestone is a step of it, in the plan's order.
//
// A step is not begun before its milestone's date, and where that is the passing of another milestone it needs that one's step. A date of
// its own is named and not copied ("cutover.start"), so that it moves when the milestone does. Its body is the runbook that the milestone
// starts; without one a person does it who then says so, or time alone. Its Ends say what finishes it beside its body: a date, an event,
// the go of its exit gate. It is validated by the rules of every runbook when the plan is read; what it does is decided by timeline.
//
// A plan that was loaded has it ready: nobody may change it.
func Master(p *Plan) *runbooks.Runbook {
	if p.master != nil {
		return p.master
	}
	return compile(p, new(diag.List))
}

func compile(p *Plan, problems *diag.List) *runbooks.Runbook {
	steps := make([]*runbooks.Step, 0, len(p.MilestoneIDs))
	needs := map[string][]diag.Word{}
	for _, id := range p.MilestoneIDs {
		m := p.Milestones[id]
		steps = append(steps, p.masterStep(m))
		if need := p.need(m); need != "" {
			needs[id] = []diag.Word{{Pos: m.From.Pos, Path: "milestones." + id, Text: need}}
		}
	}
	return runbooks.Compile(runbooks.Runbook{ID: MasterID, Title: p.Title, File: File}, steps, needs, problems)
}

// need is the milestone that must have passed before m begins; "" = none. What passes by the clock is no more than a date, and so is
// what lies before a passing.
func (p *Plan) need(m *Milestone) string {
	of := p.Milestones[m.From.Ref.Milestone]
	if m.From.Kind != Event || of == nil || of.ID == m.ID || !m.From.Offset.forward() || p.passesByDate(of) {
		return ""
	}
	moment := of.Kind == Release || of.Kind == Point
	if hangs := of.From.Kind == Relative || of.From.Kind == Event; moment && hangs && !of.waits() {
		return "" // its date may come with an event: it then passes by the clock
	}
	return of.ID
}

// masterStep is a milestone as a step.
func (p *Plan) masterStep(m *Milestone) *runbooks.Step {
	s := &runbooks.Step{ID: m.ID, Title: m.Title, Owner: m.Owner, Area: m.Area, Change: string(m.Change), OnFailure: runbooks.Hold,
		NotBefore: m.begins(), Ends: p.ending(m), Pos: m.Pos}
	if s.Title.IsZero() {
		s.Title = yamldoc.Text{Da: m.ID, En: m.ID}
	}
	switch {
	case m.Runbook != "":
		s.Kind, s.Runbook = runbooks.Nested, m.Runbook
	case s.Ends.Until == "" && m.Owner != "":
		s.Kind, s.Instruction = runbooks.Manual, s.Title
	default:
		s.Kind = runbooks.Wait
		if s.WaitBody.Until = s.Ends.Until; s.WaitBody.Until == "" {
			s.WaitBody.Until = Ref{m.ID, Passed}.String()
		}
	}
	return s
}

// begins is the date before which the milestone does not begin, as a time expression.
func (m *Milestone) begins() string {
	if m.From.Kind == Relative || m.From.Kind == Event {
		return m.From.expression()
	}
	return Ref{m.ID, Start}.String()
}

// expression writes a date that hangs on another as [ParseWhen] reads it.
func (w When) expression() string {
	if w.Offset.IsZero() {
		return w.Ref.String()
	}
	return w.Ref.String() + " " + w.Offset.String()
}

// ending is what ends a milestone: its exit gate; else what its end hangs on; else its end, where the plan is sure of one. A window that
// starts a runbook ends with the run, and an end that nobody is sure of by a person's word.
func (p *Plan) ending(m *Milestone) runbooks.Ending {
	e := runbooks.Ending{Gate: m.Exit, After: p.awaited(m)}
	switch {
	case m.waits():
	case m.Until.Kind == Event:
		e.Until = m.Until.expression()
	case p.passesByDate(m):
		e.Until = Ref{m.ID, End}.String()
	}
	return e
}

// waits reports whether the milestone does not pass before its exit gate has said go, or the run of its window is done.
func (m *Milestone) waits() bool { return m.Exit != "" || m.Kind == Window && m.Runbook != "" }

// passesByDate reports whether a milestone passes by the clock alone: at a date that the plan is sure of, perhaps by way of another's.
func (p *Plan) passesByDate(m *Milestone) bool {
	if m.waits() {
		return false
	}
	w := m.last()
	for range len(p.MilestoneIDs) + 1 { // no valid plan has a circle of dates
		of := p.Milestones[w.Ref.Milestone]
		switch {
		case w.Kind == Exact, w.Kind == Day, w.Kind == Month:
			return true
		case w.Kind != Relative && w.Kind != Event || of == nil || w.Ref.Point == Passed && of.waits():
			return false
		case w.Ref.Point == End, w.Ref.Point == Passed:
			w = of.last()
		default:
			w = of.From
		}
	}
	return false
}

// last is the date of the milestone's end: what has one date ends with it.
func (m *Milestone) last() When {
	if m.Until.IsZero() {
		return m.From
	}
	return m.Until
}

// awaited lists the milestones that a gate of this one wants passed: its exit gate, or one that its runbook asks in earnest.
func (p *Plan) awaited(m *Milestone) []string {
	gates := append([]string{m.Exit}, p.asked(m)...)
	var out []string
	for _, id := range gates {
		g := p.Gates[id]
		if g == nil {
			continue
		}
		for _, c := range g.Criteria {
			passed := c.Kind == MilestoneCriterion && (c.State == "" || c.State == Passed)
			if passed && c.Milestone != m.ID && p.Milestones[c.Milestone] != nil && !slices.Contains(out, c.Milestone) {
				out = append(out, c.Milestone)
			}
		}
	}
	return out
}

// asked lists the gates that the milestone's runbook asks in earnest.
func (p *Plan) asked(m *Milestone) []string {
	if !p.InEarnest(m) {
		return nil
	}
	return p.gatesOf(m.Runbook, map[string]bool{})
}

// InEarnest reports whether the milestone starts a runbook in production, and no rehearsal of it.
func (p *Plan) InEarnest(m *Milestone) bool {
	return m.Runbook != "" && !m.Rehearsal && (m.Environment == "" || m.Environment == p.Production())
}

// gatesOf lists the gates that a runbook, or one inside it, asks.
func (p *Plan) gatesOf(runbook string, seen map[string]bool) []string {
	rb := p.Runbooks[runbook]
	if rb == nil || seen[runbook] {
		return nil
	}
	seen[runbook] = true
	var out []string
	for _, s := range rb.Steps {
		if s.AfterGate != "" {
			out = append(out, s.AfterGate)
		}
		out = append(out, p.gatesOf(s.Runbook, seen)...)
	}
	return out
}

// forward reports whether nothing is taken away: what is so far from a point does not come before it.
func (o Offset) forward() bool { return o.Days >= 0 && o.WorkingDays >= 0 && o.Clock >= 0 }
