package plan

import (
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
