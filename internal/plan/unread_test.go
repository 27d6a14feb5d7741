package plan

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"skift/internal/diag"
)

const tabled = `plan: p
title: P
timezone: Europe/Copenhagen
parties: {c: {role: customer}, users: {role: user, members: users.csv}}
seats: {c/chair: {}, user-1/operator: {}}
contacts: contacts.csv
roster: shifts.csv
flows: flows.csv
environments: {prod: {production: true}}
platforms: {old: {party: c, networks: [198.51.100.0/24]}, new: {party: c, networks: [203.0.113.0/24]}}
services: {web: {in: {prod: {new: {addr: "203.0.113.1:443"}}}}}
`

func tables() fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range map[string]string{
		File:           tabled,
		"users.csv":    "id,name\nuser-1,One\nuser-2,Two\n",
		"contacts.csv": "person,name\np-1,One\np-2,Two\n",
		"shifts.csv":   "seat,from,until,person\nc/chair,2030-01-01,2030-01-02,p-1\n",
		"flows.csv":    "party,service,contact\nuser-1,web,p-1\nuser-2,web,p-2\n",
	} {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func told(problems diag.List) []string {
	var out []string
	for _, p := range problems.Sorted() {
		out = append(out, p.String())
	}
	return out
}

// TestUnreadTableIsToldOnce: who names somebody in a table that cannot be read is not wrong as well.
func TestUnreadTableIsToldOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(fstest.MapFS)
		want  []string
	}{
		"nothing":          {func(fstest.MapFS) {}, nil},
		"contacts missing": {func(f fstest.MapFS) { delete(f, "contacts.csv") }, []string{`plan.yaml:6:11: contacts: there is no file "contacts.csv" in the plan directory`}},
		"contacts in Latin-1": {func(f fstest.MapFS) { f["contacts.csv"].Data = []byte("person,name\np-1,\xc6gir\n") },
			[]string{"contacts.csv:2:5: byte 0xc6 is not UTF-8"}},
		"contacts without people": {func(f fstest.MapFS) { f["contacts.csv"].Data = []byte("person,name\np-2,Two\n") }, []string{
			`flows.csv:2:12: contact: unknown person "p-1"`, `shifts.csv:2:31: person: unknown person "p-1"`}},
		"members missing": {func(f fstest.MapFS) { delete(f, "users.csv") }, []string{`plan.yaml:4:61: parties.users.members: there is no file "users.csv" in the plan directory`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := tables()
			c.spoil(files)
			_, problems := Load(files)
			if diff := cmp.Diff(c.want, told(problems)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhatIsNoFile reads real directories: links that lead out, and directories where files are expected.
func TestWhatIsNoFile(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), filepath.Join(t.TempDir(), "contacts.csv")
	for name, f := range tables() {
		if err := os.WriteFile(filepath.Join(dir, name), f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{
		os.Rename(filepath.Join(dir, "contacts.csv"), other),
		os.Symlink(other, filepath.Join(dir, "contacts.csv")),
		os.MkdirAll(filepath.Join(dir, "runbooks/night.yaml"), 0o700),
		os.MkdirAll(filepath.Join(dir, "runbooks/drafts"), 0o700),
		os.WriteFile(filepath.Join(dir, "runbooks/Night Two.yaml"), []byte("runbook: two\nsteps: {a: {wait: 1s}}\n"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	_, problems := Load(root.FS())
	want := []string{
		`plan.yaml:6:11: contacts: "contacts.csv" is a link that leads out of the plan directory`,
		`runbooks/Night Two.yaml:1:1: runbook: the runbook is called "two" and its file "Night Two.yaml"`,
		`runbooks/night.yaml: "runbooks/night.yaml" is not a file`,
	}
	if diff := cmp.Diff(want, told(problems)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	i := slices.IndexFunc(problems.Sorted(), func(p diag.Problem) bool { return p.Code == CodeRunbookName })
	if i >= 0 && problems.Sorted()[i].Hint != "rename the file to two.yaml" {
		t.Errorf("the hint proposes a name that no runbook can have: %s", problems.Sorted()[i].Hint)
	}
}
