package config

import (
	"embed"
	"io/fs"
)

// shipped holds the plans that `skift init` copies: one directory each, complete.
//
//go:embed serviceplatformen minimal sapa-waves
var shipped embed.FS

// Plans lists the names of the shipped plans, sorted.
func Plans() []string {
	entries, err := fs.ReadDir(shipped, ".")
	if err != nil {
		panic("config: the embedded plans cannot be listed: " + err.Error())
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names // ReadDir sorts
}

// Plan is the plan directory of that name, false when no such plan ships. It can be given to plan.Load.
func Plan(name string) (fs.FS, bool) {
	entries, err := fs.ReadDir(shipped, ".")
	if err != nil {
		return nil, false
	}
	for _, e := range entries {
		if e.Name() != name {
			continue
		}
		sub, err := fs.Sub(shipped, name)
		return sub, err == nil
	}
	return nil, false
}
