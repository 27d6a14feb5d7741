// Package need is for tests that ask real programs: it finds the program, or ends the test in the way the place demands.
// It is imported by tests only.
package need

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Variable is the environment variable that lists, separated by commas, the programs whose absence is a failure.
const Variable = "SKIFT_REQUIRE"

// systemFolders are searched beside PATH: servers such as sshd are often kept out of a user's PATH.
var systemFolders = []string{"/usr/local/sbin", "/usr/sbin", "/sbin"}

// Program gives the path of a program. When it is missing the test fails if Variable lists it, and is skipped with the
// reason otherwise.
func Program(t testing.TB, name string) string {
	t.Helper()
	if p, err := exec.LookPath(name); err == nil {
		if p, err = filepath.Abs(p); err == nil { // sshd insists on being started by its full path
			return p
		}
	}
	for _, dir := range systemFolders {
		if p, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return p
		}
	}
	Missing(t, name, "the program is not installed")
	return ""
}

// Missing ends a test for which something is lacking: a failure where Variable lists the name, a skip with the reason elsewhere.
func Missing(t testing.TB, name, reason string) {
	t.Helper()
	if Required(name) {
		t.Fatalf("%s: %s, and %s demands it", name, reason, Variable)
	}
	t.Skipf("%s: %s (set %s=%s to make this a failure)", name, reason, Variable, name)
}

// Required reports whether Variable lists the name.
func Required(name string) bool {
	return slices.Contains(strings.Split(strings.ReplaceAll(os.Getenv(Variable), " ", ""), ","), name)
}
