package runbooks

import (
	"maps"
	"slices"
	"strings"

	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// Addition is a step that is added to a runbook while a run of it is under way.
type Addition struct {
	ID     string
	Src    []byte   // what would stand under steps.ID
	Before []string // steps that then need it, too
}

// With is the runbook with one step more; r stays as it is. What is wrong with the step goes to problems, with places in its own text,
// and ok is then false. Refs of the result are those of the new step alone.
func (r *Runbook) With(a Addition, problems *diag.List) (with *Runbook, ok bool) {
	file := a.ID + ".yaml"
	root, ok := yamldoc.Parse(file, a.Src, problems)
	if !ok {
		return nil, false
	}
	out := *r
	out.Steps, out.timed, out.index, out.Refs = slices.Clone(r.Steps), slices.Clone(r.timed), maps.Clone(r.index), nil
	if out.index == nil {
		out.index = map[string]*Step{}
		for _, s := range out.Steps {
			out.index[s.ID] = s
		}
	}
	if out.index[a.ID] != nil {
		problems.Addf(diag.Pos{File: file}, CodeTwice, "the runbook has a step %q already", a.ID)
		return nil, false
	}
	rd := reader{r: &out, problems: problems, needs: map[string][]diag.Word{}}
	rd.step(a.ID, root)
	checkNames(&out, rd.needs, problems)
	for _, id := range a.Before {
		if !out.precede(a.ID, id) {
			problems.Addf(diag.Pos{File: file}, CodeUnknownNeed, "unknown step %q, which would need %s", id, a.ID)
		}
	}
	if problems.Errors() > 0 {
		return nil, false
	}
	if found := cycles(&out); len(found) > 0 {
		var names []string
		for _, s := range found[0] {
			names = append(names, s.ID)
		}
		problems.Addf(diag.Pos{File: file}, CodeCycle, "steps would need each other in a circle: %s", strings.Join(append(names, names[0]), " → "))
		return nil, false
	}
	out.links = link(out.Steps)
	return &out, true
}

// precede lets step id need first, on a copy: the step of the runbook itself stays as it is.
func (r *Runbook) precede(first, id string) bool {
	i := slices.IndexFunc(r.Steps, func(s *Step) bool { return s.ID == id })
	if i < 0 {
		return false
	}
	s := *r.Steps[i]
	if !slices.Contains(s.Needs, first) {
		s.Needs = append(slices.Clone(s.Needs), first)
	}
	r.Steps[i], r.index[id] = &s, &s
	for j, timed := range r.timed {
		if timed.ID == id {
			r.timed[j] = &s
		}
	}
	return true
}
