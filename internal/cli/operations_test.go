package cli_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// hostPath is a folder of the host that a command of the documentation names.
var hostPath = regexp.MustCompile(`(^|[\s"'=]-?)(/(?:etc|var|run|usr/local)/)`)

// TestOperations types what docs/operations.md says under "Step by step", on a host that is a folder: there sudo, systemctl and journalctl do
// what they must for that, by the unit that ships, and nothing belongs to anybody else.
func TestOperations(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, steps, ok := strings.Cut(string(doc), "\n## Step by step\n")
	if !ok {
		t.Fatal("docs/operations.md has no steps")
	}
	steps, _, _ = strings.Cut(steps, "\n## ")
	testscript.Run(t, testscript.Params{
		Files:               []string{"testdata/operations.txtar"},
		RequireExplicitExec: true,
		Setup:               setHost,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"follow": func(ts *testscript.TestScript, _ bool, _ []string) { follow(ts, onHost(steps, ts.Getenv)) },
			"place":  place,
		},
	})
}

// onHost is a text with the paths and the port of a script's host.
func onHost(text string, env func(string) string) string {
	text = strings.ReplaceAll(text, ":8620", ":"+env("PORT"))
	return hostPath.ReplaceAllString(text, "${1}"+env("WORK")+"${2}")
}

// place puts a file of the repository, or of the script, where the operator has it; its paths are those of the host.
func place(ts *testscript.TestScript, _ bool, args []string) {
	from := filepath.FromSlash(args[0])
	if strings.HasPrefix(args[0], "packaging/") {
		wd, err := os.Getwd()
		ts.Check(err)
		from = filepath.Join(wd, "..", "..", from)
	} else {
		from = ts.MkAbs(from)
	}
	text, err := os.ReadFile(from)
	ts.Check(err)
	to := ts.MkAbs(filepath.FromSlash(args[1]))
	ts.Check(os.MkdirAll(filepath.Dir(to), 0o755))
	ts.Check(os.WriteFile(to, []byte(onHost(string(text), ts.Getenv)), 0o755))
}

// setHost gives the script folders that the host has, the plain program in the operator's hands, and sees to it that nothing is left running.
func setHost(env *testscript.Env) error {
	if err := setUp(env); err != nil {
		return err
	}
	program, err := plain()
	if err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	env.Setenv("PORT", port)
	env.Setenv("PROGRAM", filepath.Join(program, "skift"))
	work := env.Getenv("WORK")
	env.Setenv("PATH", strings.Join([]string{filepath.Join(work, "stubs"), filepath.Join(work, "usr", "local", "bin"), program, env.Getenv("PATH")}, string(os.PathListSeparator)))
	env.Defer(func() {
		if text, err := os.ReadFile(filepath.Join(work, "pid")); err == nil {
			if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && pid > 1 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	})
	for _, dir := range []string{"etc/systemd/system", "var/lib", "var/backups", "usr/local/bin", "run"} {
		if err := os.MkdirAll(filepath.Join(work, filepath.FromSlash(dir)), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// fetch prints what a URL answers, its last argument; what is not 200 is a failure.
func fetch(args []string) int {
	res, err := http.Get(args[len(args)-1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 7
	}
	defer res.Body.Close()
	_, _ = io.Copy(os.Stdout, res.Body)
	if res.StatusCode != http.StatusOK {
		return 22
	}
	return 0
}
