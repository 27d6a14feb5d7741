package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"skift/runbooks"
)

// Parameters gives every parameter of a runbook of the plan its value: the given one, else its default. The error says, for whoever
// gave them, what is wrong.
func (p *Plan) Parameters(r *runbooks.Runbook, given map[string]string) (map[string]string, error) {
	values, err := r.Fill(given)
	if err != nil {
		return nil, err
	}
	for _, x := range r.Parameters {
		if x.Type == runbooks.ServiceParameter && p.Services[values[x.Name]] == nil {
			return nil, fmt.Errorf("%s: the plan has no service %q; there is %s", x.Name, values[x.Name], list(p.ServiceIDs))
		}
	}
	return values, nil
}

// parameters looks whether everything that starts a runbook by itself gives it what it needs.
func (l *loader) parameters() {
	for _, id := range l.RunbookIDs {
		r := l.Runbooks[id]
		for _, s := range r.Steps {
			if to := l.Runbooks[s.Runbook]; to != nil && s.Kind == runbooks.Nested {
				l.given(r, s, to)
			}
		}
		if to := l.Runbooks[r.BackOut]; to != nil {
			l.inherited(r, to)
		}
	}
	for _, id := range l.MilestoneIDs {
		m := l.Milestones[id]
		if to := l.Runbooks[m.Runbook]; to != nil {
			if names := lacking(to, nil); len(names) > 0 {
				l.problems.Addf(m.Pos, CodeParameterMissing, "the runbook %s needs %s, and a milestone gives none", to.ID, strings.Join(names, ", ")).
					At("milestones."+id+".runbook").Hintf("give %s a default in %s", names[0], to.File)
			}
		}
	}
}

// lacking lists the parameters that have neither a default nor a name among the given.
func lacking(to *runbooks.Runbook, given []string) (names []string) {
	for _, p := range to.Parameters {
		if p.Default == "" && !slices.Contains(given, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}

// given compares what a step gives a nested runbook with what that takes.
func (l *loader) given(r *runbooks.Runbook, s *runbooks.Step, to *runbooks.Runbook) {
	for _, name := range slices.Sorted(maps.Keys(s.With)) {
		v := s.With[name]
		p := to.Parameter(name)
		if p == nil {
			v.Word.Problemf(l.problems, runbooks.CodeUnknownParameter, "the runbook %s has no parameter %q", to.ID, name).DidYouMean(name, to.ParameterNames())
			continue
		}
		why := ""
		switch {
		case v.Parameter != "":
			why = unlike(r.Parameter(v.Parameter), p)
		case v.Text != "":
			if why = to.Wrong(p, v.Text); why == "" && p.Type == runbooks.ServiceParameter && l.Services[v.Text] == nil {
				why = fmt.Sprintf("the plan has no service %q", v.Text)
			}
		}
		if why != "" {
			v.Word.Problemf(l.problems, runbooks.CodeBadParameter, "%s of %s cannot be this: %s", name, to.ID, why)
		}
	}
	if names := lacking(to, slices.Collect(maps.Keys(s.With))); len(names) > 0 {
		l.problems.Addf(s.Pos, CodeParameterMissing, "the runbook %s needs %s", to.ID, strings.Join(names, ", ")).At("steps."+s.ID).
			Hintf("add with: {%s: …}", names[0])
	}
}

// inherited compares a runbook with the one that backs it out: parameters of the same name have the same value there.
func (l *loader) inherited(r, back *runbooks.Runbook) {
	for _, p := range back.Parameters {
		if own := r.Parameter(p.Name); own != nil {
			if why := unlike(own, p); why != "" {
				l.problems.Addf(p.Pos, runbooks.CodeBadParameter, "%s cannot be that of %s: %s", p.Name, r.ID, why).At("parameters." + p.Name)
			}
		}
	}
	if names := lacking(back, r.ParameterNames()); len(names) > 0 {
		l.problems.Addf(back.Pos, CodeParameterMissing, "it backs out %s, which has no %s", r.ID, strings.Join(names, ", ")).
			Hintf("give %s a default, or name it under parameters of %s, too", names[0], r.ID)
	}
}

// unlike says why not every value of from is one of to; "" = it is.
func unlike(from, to *runbooks.Parameter) string {
	switch {
	case from == nil, to.Type == runbooks.TextParameter:
		return ""
	case from.Type != to.Type:
		return fmt.Sprintf("%s is of type %s and not %s", from.Name, from.Type, to.Type)
	}
	for _, v := range from.Values {
		if !slices.Contains(to.Values, v) {
			return fmt.Sprintf("%s may be %q", from.Name, v)
		}
	}
	return ""
}
