package plan

import (
	"maps"
	"slices"
	"strings"

	"skift/runbooks"
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
	book, step, ok := strings.Cut(p.StepRef(ref), "/")
	return ok && p.Scheduled()[book] && p.Runbooks[book].Step(step).Change == string(Transition)
}

// StepRef is RUNBOOK/STEP of the step that a reference names: itself, or as RUN/STEP of a run; "" = the plan has no such step.
func (p *Plan) StepRef(ref string) string {
	ref = OfRun(ref, func(book string) bool { return p.Runbooks[book] != nil })
	book, step, _ := strings.Cut(ref, "/")
	rb := p.Runbooks[book]
	if rb == nil || !slices.ContainsFunc(rb.Steps, func(s *runbooks.Step) bool { return s.ID == step }) {
		return ""
	}
	return ref
}

// OfRun makes RUNBOOK/STEP of RUN/STEP: a run's id is its runbook's and a number. What is a runbook's own name, isBook says.
func OfRun(ref string, isBook func(id string) bool) string {
	run, step, ok := strings.Cut(ref, "/")
	n := strings.LastIndexByte(run, '-')
	if !ok || n < 1 || isBook(run) || !Numbered(run) {
		return ref
	}
	return run[:n] + "/" + step
}

// Numbered reports whether an id ends as that of a run does.
func Numbered(id string) bool {
	digits := id[strings.LastIndexByte(id, '-')+1:]
	return len(digits) < len(id) && digits != "" && strings.Trim(digits, "0123456789") == ""
}
