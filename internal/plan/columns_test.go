package plan

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"skift/internal/diag"
)

// columnPlan is a service whose check logs in as each flow's own user, or another column in its place.
func columnPlan(column, flows string) fstest.MapFS {
	return fstest.MapFS{
		File: {Data: []byte(`plan: p
title: P
timezone: UTC
parties: {c: {role: customer}, m: {role: user}}
environments: {prod: {production: true}}
services: {files: {in: {}}}
flows: flows.csv
checks:
  login: {kind: sftp, service: files, for_each: flows, level: auth, user: {column: ` + column + `}, key: file:k, host_key: {new: ["SHA256:` + strings.Repeat("A", 43) + `"]}}
`)},
		"flows.csv": {Data: []byte(flows)},
	}
}

func TestColumnsAreThere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ column, flows, want string }{
		{"sftp_user", "party,service,sftp_user\nm,files,u\n", ""},
		{"user_system", "party,service,user_system\nm,files,u\n", ""},
		{"sftp_user", "party,service,note\nm,files,x\n", `flows.csv has no column "sftp_user" [add it to the header of flows.csv; there are the columns party, service and note]`},
		{"sftp_usr", "party,service,sftp_user\nm,files,u\n", `flows.csv has no column "sftp_usr" [did you mean "sftp_user"?]`},
		{"login", "party,service,sftp_user\nm,files,u\n", `flows.csv has no column "login" [there are the columns party, service and sftp_user]`},
	} {
		_, problems := Load(columnPlan(c.column, c.flows))
		var got []string
		for _, p := range problems.Sorted() {
			got = append(got, p.Message+" ["+p.Hint+"]")
			if p.Line != 9 || p.Severity != diag.Error {
				t.Errorf("%s: reported as %s at %s", c.column, p.Severity, p.Pos)
			}
		}
		if d := cmp.Diff(c.want, strings.Join(got, "\n")); d != "" {
			t.Errorf("%s with %q (-want +got):\n%s", c.column, c.flows, d)
		}
	}
}

// A table that cannot be read is told of once, not at every check that needs it.
func TestColumnsOfATableThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, flows := range []string{"", "service\nfiles\n"} {
		_, problems := Load(columnPlan("sftp_user", flows))
		for _, p := range problems.Sorted() {
			if p.Code == CodeNoColumn {
				t.Errorf("%q: %s", flows, p)
			}
		}
		if problems.Errors() != 1 {
			t.Errorf("%q: %v", flows, problems.Sorted())
		}
	}
}

// A column nobody filled in is told of, and does not crowd out what else is wrong.
func TestManyEmptyColumns(t *testing.T) {
	t.Parallel()
	var flows strings.Builder
	flows.WriteString("party,service,sftp_user\n")
	for range mostEmpty + 50 {
		fmt.Fprintln(&flows, "m,files,")
	}
	_, problems := Load(columnPlan("sftp_user", flows.String()))
	all := problems.Sorted()
	if len(all) != mostEmpty || problems.Errors() != 0 {
		t.Fatalf("%d problems, %d errors", len(all), problems.Errors())
	}
	last := all[len(all)-1]
	if last.Code != CodeEmptyColumn || last.Severity != diag.Warning || last.Hint != "so it is in 50 more rows" {
		t.Errorf("the last is %s (%s)", last, last.Hint)
	}
}
