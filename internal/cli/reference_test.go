package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestReference takes a complete plan of docs/plan-reference.md to GO on the simulated platforms. Only its addresses and dates are
// replaced: the platforms of the document are nowhere, and its night is years away.
func TestReference(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "plan-reference.md"))
	if err != nil {
		t.Fatal(err)
	}
	commands := stageCommands()
	commands["example"] = func(ts *testscript.TestScript, _ bool, args []string) { example(ts, string(doc), args[0]) }
	testscript.Run(t, testscript.Params{
		Files:               []string{"testdata/reference.txtar"},
		RequireExplicitExec: true,
		Setup:               setUp,
		Cmds:                commands,
	})
}

// example writes the files of one plan of the document.
func example(ts *testscript.TestScript, doc, name string) {
	now := time.Now()
	replace := strings.NewReplacer(
		"198.51.100.0/24", "127.0.0.0/8", "203.0.113.0/24", "127.0.0.0/8",
		"198.51.100.10:443", ts.Getenv("OLD_GATEWAY"), "203.0.113.10:443", ts.Getenv("NEW_GATEWAY"),
		"198.51.100.20:443", ts.Getenv("OLD_GATEWAY"), "203.0.113.20:443", ts.Getenv("NEW_GATEWAY"),
		"Europe/Copenhagen", "UTC",
		"2031-01-11 20:00", now.Add(20*time.Hour).UTC().Format("2006-01-02 15:04"),
		"2031-01-12 06:00", now.Add(30*time.Hour).UTC().Format("2006-01-02 15:04"),
		"2030-12-01", now.AddDate(0, -1, 0).UTC().Format(time.DateOnly),
		"2031-01-31", now.AddDate(0, 1, 0).UTC().Format(time.DateOnly),
	)
	found := false
	for _, m := range fence.FindAllStringSubmatch(doc, -1) {
		dir, file, ok := strings.Cut(m[2], "/")
		if !ok || dir != name {
			continue
		}
		found = true
		path := ts.MkAbs(filepath.FromSlash(file))
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
		ts.Check(os.WriteFile(path, []byte(replace.Replace(m[3])), 0o644))
	}
	if !found {
		ts.Fatalf("the document has no plan %q", name)
	}
}
