//go:build unix

package report_test

import (
	"os/exec"
	"syscall"
)

// ownGroup has the browser ended with everything it started, which is a dozen processes.
func ownGroup(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
