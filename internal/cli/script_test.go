package cli_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"skift/internal/cli"
)

var update = flag.Bool("update", false, "rewrite what the scripts compare output with")

// TestMain makes this test binary the program itself when a script runs it.
func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){
		"skift": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
		"curl":  func() { os.Exit(fetch(os.Args[1:])) }, // as far as operations.md needs it
	})
}

// tidy takes away what the tests built.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	code := m.M.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	return code
}

// slowed tells that this program looks for races.
var slowed bool

// built is the folder of the plain program; "" = it was not built.
var built string

// plain builds the program without the race detector: a session is dozens of processes, each of which starts many times slower with it, and
// what is tested there is what people see. `make check` looks for races there too.
var plain = sync.OnceValues(func() (dir string, err error) {
	if built, err = os.MkdirTemp("", "skift-p"); err != nil {
		return "", err
	}
	if out, err := exec.Command("go", "build", "-o", filepath.Join(built, "skift"), "skift/cmd/skift").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return built, nil
})

// TestScripts runs testdata/script/*.txtar: each is a session at a terminal, in a directory of its own. Beside what testscript knows,
//
//	exits N COMMAND [ARG …]
//
// runs a command that must end with exit code N; stage_test.go has the others.
func TestScripts(t *testing.T) {
	t.Parallel()
	// That a terminal's end is ignored (nohup) is handed on to programs; a handler is not: each of them begins as at a terminal.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
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
	if slowed && os.Getenv("SKIFT_RACE_SCRIPTS") == "" {
		dir, err := plain()
		if err != nil {
			return err
		}
		env.Setenv("PATH", dir+string(os.PathListSeparator)+env.Getenv("PATH"))
	}
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
