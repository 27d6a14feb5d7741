package cli_test

import (
	"regexp"

	"github.com/rogpeppe/go-internal/testscript"
)

// keep puts what the first group of an expression matches in a file into the environment.
func keep(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile(args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if m == nil {
		ts.Fatalf("%s has no %s", args[1], args[2])
	}
	ts.Setenv(args[0], m[1])
}
