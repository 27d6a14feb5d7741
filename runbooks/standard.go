package runbooks

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
)

// The standard runbooks. They name seats by the role of the party (old-supplier/operator, new-supplier/operator,
// customer/cutover-manager), gates, suites and audiences by the names in the plan reference, and services with the glob "*";
// a plan resolves them to its own, or has a runbook of the same name that takes their place.
//
//go:embed *.yaml
var standard embed.FS

// StandardNames lists the ids of the standard runbooks, sorted.
func StandardNames() []string {
	entries, err := fs.ReadDir(standard, ".")
	if err != nil {
		panic("runbooks: the embedded files cannot be listed: " + err.Error())
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}

// Standard gives the file of a standard runbook, as [Read] takes it; false when there is none of that name.
func Standard(id string) (src []byte, ok bool) {
	src, err := standard.ReadFile(id + ".yaml")
	return src, err == nil
}
