package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a script waits for something that must happen; a machine that does much else takes its time. What took longer than slow
// is told all the same: a minute is what a wake-up costs that was lost, after which the loops look by themselves.
const (
	patience = 3 * time.Minute
	slow     = 20 * time.Second
)

// took tells of what took long.
func took(ts *testscript.TestScript, since time.Time, what ...string) {
	if d := time.Since(since); d > slow {
		ts.Logf("took %s: %s", d.Round(time.Second), strings.Join(what, " "))
	}
}

// stuck tells, of every process that a script has started, where it is and what it said: once it is killed nobody can find out.
func stuck(ts *testscript.TestScript) {
	for name, c := range of(ts).started {
		_ = c.Process.Signal(syscall.SIGQUIT) // it ends with where each of its goroutines was
		deadline := time.Now().Add(10 * time.Second)
		for ; time.Now().Before(deadline); <-time.After(100 * time.Millisecond) {
			if text, _ := os.ReadFile(ts.MkAbs(name + ".err")); strings.Contains(string(text), "goroutine 1 [") {
				break
			}
		}
		for _, f := range []string{".out", ".err"} {
			text, _ := os.ReadFile(ts.MkAbs(name + f))
			ts.Logf("%s%s:\n%s", name, f, text)
		}
	}
}

// found is a program by the script's own PATH, which is not this process's: there the one that looks for races may come first.
func found(ts *testscript.TestScript, name string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		return ts.MkAbs(name), nil
	}
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no program %q in %s", name, ts.Getenv("PATH"))
}
