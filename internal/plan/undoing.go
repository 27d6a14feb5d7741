package plan

import (
	"slices"

	"skift/runbooks"
)

// undoingOrder reports steps of a back-out that would undo something while what was built upon it still stands: where one step needs
// another, its undoing comes first.
func (l *loader) undoingOrder(back *runbooks.Runbook) {
	undoing := map[string]*runbooks.Step{}
	for _, s := range back.Steps {
		if s.Undoes != "" {
			undoing[s.Undoes] = s
		}
	}
	told := map[*runbooks.Step]bool{}
	for _, forth := range l.twins(back.ID) {
		for _, built := range forth.Steps {
			above := undoing[built.ID]
			if above == nil {
				continue
			}
			for _, on := range builtOn(forth, built, undoing) {
				below := undoing[on]
				if told[below] || below == above || needs(back, below, above.ID) {
					continue
				}
				told[below] = true // what else it would have to wait for is told once this is mended
				at := slices.IndexFunc(back.Refs, func(r runbooks.Ref) bool { return r.Kind == runbooks.UndoneRef && r.Step == below.ID })
				back.Refs[at].Problemf(l.problems, CodeUndoneTooEarly, "%s undoes %s while %s stands, which needs it: it does not wait for %s",
					below.ID, on, built.ID, above.ID).Hintf("add %s to the needs of %s: what was done last is undone first", above.ID, below.ID)
			}
		}
	}
}

// builtOn lists the nearest steps that a step needs, if only by way of others, and that are undone. Those behind them are theirs.
func builtOn(r *runbooks.Runbook, s *runbooks.Step, undoing map[string]*runbooks.Step) (out []string) {
	walk(r, s, func(id string) bool {
		if undoing[id] != nil {
			out = append(out, id)
			return false
		}
		return true
	})
	return out
}

// needs reports whether a step needs another, if only by way of others.
func needs(r *runbooks.Runbook, s *runbooks.Step, id string) (found bool) {
	walk(r, s, func(need string) bool {
		found = found || need == id
		return !found
	})
	return found
}

// walk visits what a step needs, each step once, those it names itself first; visit says whether to go on behind a step.
func walk(r *runbooks.Runbook, s *runbooks.Step, visit func(id string) bool) {
	seen, todo := map[string]bool{}, []*runbooks.Step{s}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		for _, id := range at.Needs {
			if next := r.Step(id); next != nil && !seen[id] {
				seen[id] = true
				if visit(id) {
					todo = append(todo, next)
				}
			}
		}
	}
}
