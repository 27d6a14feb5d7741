//go:build unix && !linux

package action

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// start starts a command with a private umask and no open file but its three.
func start(cmd *exec.Cmd) error {
	if err := sealFiles(); err != nil {
		return fmt.Errorf("close inherited files: %w", err)
	}
	return startShared(cmd)
}

// startedAt is when the process was reported. Here nothing better can be asked for without running a program.
func startedAt(int) string { return time.Now().UTC().Format(time.RFC3339) }

// Alive reports whether a process that was recorded with Started, or any other of its group, may still run. Without a
// way to tell a reused number it errs on the safe side: a living process of that number counts.
func Alive(pid int, startedAt string) bool { return pid > 1 && startedAt != "" && groupLives(pid) }

func groupLives(pid int) bool { return !errors.Is(syscall.Kill(-pid, 0), syscall.ESRCH) }
