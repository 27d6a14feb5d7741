package cli_test

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"skift/internal/cli"
)

var update = flag.Bool("update", false, "rewrite what the scripts compare output with")

// TestMain makes this test binary the program itself when a script runs it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"skift": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs testdata/script/*.txtar: each is a session at a terminal, in a directory of its own. Beside what testscript knows,
//
//	exits N COMMAND [ARG …]
//
// runs a command that must end with exit code N; stage_test.go has the others.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup:               setUp,
		Cmds:                stageCommands(),
	})
}

// setUp gives a script a short folder for sockets, whose paths have at most 107 bytes, and an output that is the same everywhere.
func setUp(env *testscript.Env) error {
	dir, err := os.MkdirTemp("", "skift-s")
	if err != nil {
		return err
	}
	env.Defer(func() { os.RemoveAll(dir) })
	plans, err := filepath.Abs("testdata/plans")
	if err != nil {
		return err
	}
	env.Setenv("PLANS", plans)
	hand(env)
	for key, value := range map[string]string{"XDG_RUNTIME_DIR": dir, "TMPDIR": dir, "LANG": "C.UTF-8", "TZ": "UTC", "NO_COLOR": "1", "COLUMNS": "80"} {
		env.Setenv(key, value)
	}
	return nil
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N COMMAND [ARG …]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
