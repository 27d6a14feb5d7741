package cli_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestTutorial types what docs/tutorial.md says, in an empty folder, and compares what comes back with what it says.
func TestTutorial(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "tutorial.md"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Files:               []string{"testdata/tutorial.txtar"},
		RequireExplicitExec: true,
		Setup:               setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"follow": func(ts *testscript.TestScript, _ bool, _ []string) { follow(ts, string(doc)) },
		},
	})
}

// fence is a block of the tutorial: a file, whose name stands after file:, or what is typed at a console.
var fence = regexp.MustCompile("(?ms)^```([a-z]*)(?: file:(\\S+))?\n(.*?)^```$")

func follow(ts *testscript.TestScript, doc string) {
	typed := 0
	for _, m := range fence.FindAllStringSubmatch(doc, -1) {
		kind, file, text := m[1], m[2], m[3]
		switch {
		case file != "":
			name := ts.MkAbs(filepath.FromSlash(file))
			ts.Check(os.MkdirAll(filepath.Dir(name), 0o755))
			ts.Check(os.WriteFile(name, []byte(text), 0o644))
		case kind == "console":
			for _, session := range strings.Split("\n"+text, "\n$ ")[1:] {
				command, want, _ := strings.Cut(session, "\n")
				typeIn(ts, command, want)
				typed++
			}
		}
	}
	if typed == 0 {
		ts.Fatalf("the tutorial has no commands")
	}
}

// exitLine is how a session of the tutorial says that a command does not end with exit code 0.
var exitLine = regexp.MustCompile(`(?m)^\[exit (\d+)\]\n?\z`)

func typeIn(ts *testscript.TestScript, command, want string) {
	code := 0
	if m := exitLine.FindStringSubmatch(want); m != nil {
		code, _ = strconv.Atoi(m[1])
		want = exitLine.ReplaceAllString(want, "")
	}
	err := ts.Exec("sh", "-c", command+" 2>&1")
	got := ts.ReadFile("stdout")
	ended := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		ended = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if ended != code {
		ts.Fatalf("$ %s\nended with exit code %d, the tutorial says %d", command, ended, code)
	}
	if line, ok := says(got, want); !ok {
		ts.Fatalf("$ %s\nsays:\n%s\nand not, as the tutorial has it: %s", command, got, line)
	}
}

// says compares output with what the tutorial shows: a line … stands for any lines, … within a line for any text.
func says(got, want string) (missing string, ok bool) {
	lines := strings.Split(strings.TrimRight(got, "\n"), "\n")
	if got == "" {
		lines = nil
	}
	skip := false
	for _, w := range strings.Split(strings.TrimRight(want, "\n"), "\n") {
		if want == "" {
			break
		}
		if w == "…" {
			skip = true
			continue
		}
		at := -1
		for i, line := range lines {
			if sameLine(line, w) {
				at = i
				break
			}
			if !skip {
				break
			}
		}
		if at < 0 {
			return w, false
		}
		lines, skip = lines[at+1:], false
	}
	if len(lines) > 0 && !skip {
		return fmt.Sprintf("nothing after that, but %q comes", lines[0]), false
	}
	return "", true
}

func sameLine(got, want string) bool {
	parts := strings.Split(strings.TrimRight(want, " "), "…")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(strings.TrimSpace(p))
	}
	ok, err := regexp.MatchString(`^\s*`+strings.Join(parts, ".*")+`\s*$`, got)
	return ok && err == nil
}

func TestSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		got, want string
		ok        bool
	}{
		{"a\n", "a\n", true},
		{"a\nb\n", "a\n", false},
		{"a\nb\n", "a\n…\n", true},
		{"a\nb\nc\n", "…\nb\n…\n", true},
		{"a\nc\n", "…\nb\n…\n", false},
		{"", "…\n", true},
		{"", "a\n", false},
		{"x", "", false},
		{"head skift1:p:3:abc\n", "head skift1:…\n", true},
		{"■  cert !  ■ fail refused\n", "■ …cert … fail refused\n", true},
		{"● cert\n", "■ …cert\n", false},
	} {
		if _, ok := says(c.got, c.want); ok != c.ok {
			t.Errorf("says(%q, %q) = %v", c.got, c.want, ok)
		}
	}
}
