package main

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"skift/internal/need"
)

const root = "../.."

// A patch that no longer fits, or names a test that is gone, would be noticed only when somebody runs them all.
func TestEveryPatchFits(t *testing.T) {
	t.Parallel()
	need.Program(t, "git")
	list, err := mutants(root, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if err := apply(t.Context(), root, m.diff, "--check"); err != nil {
			t.Errorf("%s %v", m.name, err)
		}
		if !slices.Contains(tests(t, m.pkg), m.test()) {
			t.Errorf("%s: package %s has no %s", m.name, m.pkg, m.test())
		}
	}
}

// tests are the top-level tests of a package.
func tests(t *testing.T, pkg string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				names = append(names, fn.Name.Name)
			}
		}
	}
	return names
}

// docs/defences.md has a row for everything a patch is against, and each row has its patches or says why there is none.
func TestDefencesAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs/defences.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{} // what it is against → its last cell
	for _, r := range regexp.MustCompile(`(?m)^\| ((?:pitfall|threat) \d+|behaviour of [a-z ]+) \|.*\| ([^|]*) \|$`).FindAllStringSubmatch(string(page), -1) {
		rows[r[1]] = r[2]
	}
	list, err := mutants(root, "*")
	if err != nil {
		t.Fatal(err)
	}
	has := map[string][]string{}
	for _, m := range list {
		for _, a := range m.against {
			has[a] = append(has[a], "`"+m.name+"`")
		}
	}
	for a, names := range has {
		if want := strings.Join(names, " "); rows[a] != want {
			t.Errorf("the row of %s lists %s, its patches are %s", a, rows[a], want)
		}
	}
	for a, cell := range rows {
		if has[a] == nil && !strings.HasPrefix(cell, "none: ") {
			t.Errorf("%s has no patch and its row does not say why: %q", a, cell)
		}
	}
}

const header = "Defence: It is so.\nAgainst: pitfall 3, threat 5\nTest: ./x TestX$\n"

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	diff := "\ndiff --git a/x b/x\n"
	for text, want := range map[string]string{
		"":                                                    "an empty line and a diff",
		header + "\n--- x\n":                                  "an empty line and a diff",
		header + "who\n" + diff:                               `"who"`,
		header + "Test: ./x TestX$\n" + diff:                  "each key once",
		header + "Colour: red\n" + diff:                       `"Colour" is unknown`,
		header + "Ends: badly\n" + diff:                       "want panic, leak or time-out",
		header + "Ends: time-out\n" + diff:                    "want panic, leak or time-out",
		header + "Ends: time-out soon\n" + diff:               "no length",
		header + "Ends: panic 3s\n" + diff:                    "want panic, leak or time-out",
		strings.Replace(header, "so.", "so", 1) + diff:        "no whole sentence",
		strings.Replace(header, "threat 5", "x", 1) + diff:    `neither "pitfall N" nor "threat N"`,
		strings.Replace(header, "TestX$", "TestX", 1) + diff:  "want a package and a test",
		strings.Replace(header, "./x", "x", 1) + diff:         "want a package and a test",
		strings.Replace(header, "Test: ", "Ends: ", 1) + diff: "want panic",
		"Defence: It is so.\nTest: ./x TestX$\n" + diff:       "lacks Against",
	} {
		if _, err := parse("01-x", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	m, err := parse("01-x", []byte(header+"Ends: time-out 20s\nRequire: sshd\n"+diff))
	if err != nil || m.test() != "TestX" || m.within.Seconds() != 20 || m.ends != byTimeout || m.require != "sshd" || len(m.against) != 2 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	failed := &exec.ExitError{ProcessState: &os.ProcessState{}}
	for _, c := range []struct {
		ends ending
		out  string
		err  error
		want outcome
	}{
		{byJudgement, "--- PASS: TestX (0.0s)\nPASS\n", nil, survived},
		{byJudgement, "--- FAIL: TestX (0.0s)\nFAIL\n", failed, killed},
		{byJudgement, "--- FAIL: TestXtra (0.0s)\nFAIL\n", failed, unfit},
		{byJudgement, "--- FAIL: TestX (0.0s)\npanic: nil map\n", failed, unfit},
		{byPanic, "--- FAIL: TestX (0.0s)\npanic: nil map\n", failed, killed},
		{byPanic, "--- FAIL: TestX (0.0s)\nFAIL\n", failed, unfit},
		{byTimeout, "panic: test timed out after 20s\n", failed, killed},
		{byJudgement, "panic: test timed out after 20s\n", failed, unfit},
		{byLeak, "--- PASS: TestX (0.0s)\ngoleak: found\n", failed, killed},
		{byJudgement, "", errors.New("no such file"), unfit},
	} {
		m := mutant{run: "TestX$", ends: c.ends}
		if got, why := judge(m, c.out, c.err); got != c.want || (got == killed) != (why == "") {
			t.Errorf("%q ending by %q: got %s %q, want %s", c.out, c.ends, got, why, c.want)
		}
	}
}

// The whole way, on a module of one function: its defence is missed, is not missed, and does not compile without.
func TestTry(t *testing.T) {
	t.Parallel()
	need.Program(t, "git")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":      "module x\n\ngo 1.26\n",
		"x/x.go":      "package x\n\nfunc positive(n int) bool {\n\tif n == 0 {\n\t\treturn false\n\t}\n\treturn n > 0\n}\n",
		"x/x_test.go": "package x\n\nimport \"testing\"\n\nfunc TestX(t *testing.T) {\n\tif positive(-1) {\n\t\tt.Error(\"-1\")\n\t}\n}\n",
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	b := bench{dir}
	without := func(old, new string) []byte {
		return []byte("diff --git a/x/x.go b/x/x.go\n--- a/x/x.go\n+++ b/x/x.go\n@@ -6,3 +6,3 @@\n \t}\n-" + old + "\n+" + new + "\n }\n")
	}
	m := mutant{pkg: "./x", run: "TestX$", within: usual, diff: without("\treturn n > 0", "\treturn n != 0")}
	if err := errors.Join(b.build(t.Context(), m.pkg), b.unharmed(t.Context(), m)); err != nil {
		t.Fatal(err)
	}
	if err := b.unharmed(t.Context(), mutant{pkg: "./x", run: "TestY$", within: usual}); err == nil || !strings.Contains(err.Error(), "runs nothing") {
		t.Errorf("a test that is not there: %v", err)
	}
	for _, c := range []struct {
		name string
		diff []byte
		want outcome
		why  string
	}{
		{"missed", m.diff, killed, ""},
		{"not missed", without("\treturn n > 0", "\treturn n >= 0"), survived, "still passes"},
		{"no Go", without("\treturn n > 0", "\treturn n >"), unfit, "does not compile"},
		{"of another time", without("\treturn n > 1", "\treturn n != 0"), unfit, "does not apply"},
	} {
		m.diff = c.diff
		if f := b.try(t.Context(), m); f.outcome != c.want || !strings.Contains(f.why, c.why) {
			t.Errorf("%s: got %s, %q; want %s, %q", c.name, f.outcome, f.why, c.want, c.why)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if f := b.try(ended, m); f.outcome != unfit {
		t.Errorf("interrupted: got %s", f.outcome)
	}
}
