package runbooks

import "skift/internal/diag"

// Compile makes a runbook of steps that stand for the milestones of a plan, by the rules by which [Read] judges a file: a need names a
// step, needs lead in no circle, and whoever acts is named. Needs are given as words, so that a problem has the place where the author
// wrote it; the steps get those that name a step.
func Compile(r Runbook, steps []*Step, needs map[string][]diag.Word, problems *diag.List) *Runbook {
	r.Steps, r.index = steps, make(map[string]*Step, len(steps))
	for _, s := range steps {
		r.index[s.ID] = s
		if s.timed() {
			r.timed = append(r.timed, s)
		}
		if s.Kind == Manual && s.Owner == "" {
			problems.Addf(s.Pos, CodeNoOwner, "a manual step needs an owner").Hintf("add owner: party/role, the seat that answers for it")
		}
	}
	checkNeeds(&r, needs, naming{"milestones", "let one of them begin at a date of its own"}, problems)
	r.links = link(r.Steps)
	return &r
}
