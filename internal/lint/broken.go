package lint

import (
	"path"
	"slices"
	"strings"

	"skift/internal/diag"
	"skift/internal/plan"
)

// broken is what could not be read, by section ("gates"), thing ("gates.cutover-go") and file ("shifts.csv"). It is nil
// for a plan that was read without errors.
type broken map[string]bool

// brokenIn sorts the errors of a reading by what they leave unknown. An error with neither section nor thing, such as an unknown key
// at the top, leaves things missing, not wrong.
func brokenIn(p *plan.Plan, problems *diag.List) broken {
	if problems.Errors() == 0 {
		return nil
	}
	b := broken{}
	for _, found := range problems.Sorted() {
		if found.Severity != diag.Error {
			continue
		}
		if dir, file := path.Split(found.File); dir == "runbooks/" {
			b["runbooks"], b["runbooks."+strings.TrimSuffix(file, ".yaml")] = true, true
			continue
		}
		if found.File != plan.File {
			b[found.File] = true
			b.waves(p)
			continue
		}
		section, rest, _ := strings.Cut(found.Path, ".")
		section, _, _ = strings.Cut(section, "[")
		id, _, _ := strings.Cut(rest, ".")
		b[section], b[section+"."+id] = true, true
		if section == "waves" {
			b.waves(p)
		}
	}
	return b
}

// waves marks what is repeated for each wave: its dates stand in a table that could not be read, or in a block with an error.
func (b broken) waves(p *plan.Plan) {
	mark := func(section, id, wave string) {
		if wave != "" {
			b[section], b[section+"."+id] = true, true
		}
	}
	for id, m := range p.Milestones {
		mark("milestones", id, m.Wave)
	}
	for id, g := range p.Gates {
		mark("gates", id, g.Wave)
	}
	for id, a := range p.Audiences {
		mark("audiences", id, a.Wave)
	}
}

// sound reports whether these things of a section were read without errors.
func (b broken) sound(section string, ids ...string) bool {
	return !slices.ContainsFunc(ids, func(id string) bool { return b[section+"."+id] })
}

// whole reports whether these sections or files were read without errors, and so say everything they were meant to.
func (b broken) whole(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return b[name] })
}

// keep adds to problems what was found. Beside errors of the reading only errors are worth telling: a warning that is one still comes
// when they are gone.
func (b broken) keep(found *diag.List, problems *diag.List) {
	for _, p := range found.Sorted() {
		if b == nil || p.Severity == diag.Error {
			problems.Add(p)
		}
	}
}
