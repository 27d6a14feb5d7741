package plan

import (
	"maps"
	"slices"
	"strings"
)

// Scheduled are the runbooks of the work the plan itself lists: a milestone starts one, or one of them contains it or is undone by it.
// Only their steps are the transition.
func (p *Plan) Scheduled() map[string]bool {
	seen := map[string]bool{}
	var visit func(id string)
	visit = func(id string) {
		rb := p.Runbooks[id]
		if rb == nil || seen[id] {
			return
		}
		seen[id] = true
		visit(rb.BackOut)
		for _, s := range rb.Steps {
			visit(s.Runbook)
		}
	}
	for _, m := range p.Milestones {
		visit(m.Runbook)
	}
	return seen
}

// Transitions lists the changes of class transition that the plan lists for a party: its own, and those that are nobody's in particular. A
// milestone is named by its id, a step as RUNBOOK/STEP.
func (p *Plan) Transitions(party string) []string {
	var out []string
	own := func(seat string) bool { return seat == "" || SeatParty(seat) == party }
	for _, id := range p.MilestoneIDs {
		if m := p.Milestones[id]; m.Change == Transition && own(m.Owner) {
			out = append(out, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.Scheduled())) {
		for _, s := range p.Runbooks[id].Steps {
			if s.Change == string(Transition) && own(s.Owner) {
				out = append(out, id+"/"+s.ID)
			}
		}
	}
	return out
}

// ListsChange reports whether the plan itself lists a change as the transition's own: ref is a milestone with `change: transition`, or
// RUNBOOK/STEP (RUN/STEP, too) of a scheduled runbook whose step has it.
func (p *Plan) ListsChange(ref string) bool {
	if m := p.Milestones[ref]; m != nil {
		return m.Change == Transition
	}
	book, step, ok := strings.Cut(ref, "/")
	if !ok {
		return false
	}
	if p.Runbooks[book] == nil { // a run's id is its runbook's and a number
		book = book[:max(strings.LastIndexByte(book, '-'), 0)]
	}
	rb := p.Runbooks[book]
	if rb == nil || !p.Scheduled()[book] {
		return false
	}
	s := rb.Step(step)
	return s != nil && s.Change == string(Transition) && slices.Contains(rb.Steps, s)
}
