package app_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestNoSpace takes the space away at one size after another: the program stops acting, says so, and leaves a journal with which it
// goes on once there is space, everything once.
func TestNoSpace(t *testing.T) {
	t.Parallel()
	w := newWeekend(t, build(t))
	said := 0
	for kb := 60; kb <= 480; kb += 4 {
		run := w.command("run", "small", "--no-wait")
		c := exec.Command("sh", append([]string{"-c", fmt.Sprintf(`ulimit -f %d; exec "$0" "$@"`, 2*kb)}, run.Args...)...)
		c.Env = run.Env
		var out bytes.Buffer
		c.Stdout, c.Stderr = &out, &out
		err := c.Run()
		code := c.ProcessState.ExitCode()
		if code == 0 || code == 4 {
			break // there was space enough
		}
		if code != 5 || !strings.Contains(out.String(), "storage failed") {
			t.Errorf("with %d kB it ended with %v:\n%s", kb, err, &out)
		}
		if strings.Contains(out.String(), "nothing more is decided") {
			said++
		}
		for _, m := range headLine.FindAllStringSubmatch(out.String(), -1) {
			w.heads = append(w.heads, m[1])
		}
	}
	if said == 0 {
		t.Error("the space never ended while something was done")
	}
	w.work()
	if _, err := os.Stat(w.dir + "/done"); err != nil {
		t.Error(err)
	}
}
