package plan

import (
	"skift/internal/diag"
	"skift/runbooks"
)

// WithStep is a runbook of the plan with one step more, whose names are found in the plan. The plan itself, and its hash, stay as they
// are. What is wrong goes to problems, and ok is then false.
func (p *Plan) WithStep(r *runbooks.Runbook, a runbooks.Addition, problems *diag.List) (with *runbooks.Runbook, ok bool) {
	with, ok = r.With(a, problems)
	if !ok {
		return nil, false
	}
	l := &loader{Plan: p, problems: problems}
	with.Standard = false // what is wrong stands in the step's own text
	for _, ref := range with.Refs {
		if ref.Kind == runbooks.FileRef {
			ref.Problemf(problems, CodeBadFilePath, "a step that is added names no file of the plan directory")
			continue
		}
		if !l.resolveRef(with, ref, nil) {
			l.reportRef(with, ref, nil)
		}
	}
	with.Standard = r.Standard
	s := with.Step(a.ID)
	s.Switches, s.Closes = matching(s.Switches, p.ServiceIDs), matching(s.Closes, p.ServiceIDs)
	return with, problems.Errors() == 0
}
