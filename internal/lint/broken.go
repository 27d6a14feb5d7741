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
func brokenIn(problems *diag.List) broken {
	if problems.Errors() == 0 {
		return nil
	}
	b := broken{}
	for _, p := range problems.Sorted() {
		if p.Severity != diag.Error {
			continue
		}
		if dir, file := path.Split(p.File); dir == "runbooks/" {
			b["runbooks"], b["runbooks."+strings.TrimSuffix(file, ".yaml")] = true, true
			continue
		}
		if p.File != plan.File {
			b[p.File] = true
			continue
		}
		section, rest, _ := strings.Cut(p.Path, ".")
		section, _, _ = strings.Cut(section, "[")
		id, _, _ := strings.Cut(rest, ".")
		b[section], b[section+"."+id] = true, true
	}
	return b
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
