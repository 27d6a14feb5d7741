//go:build !unix

package action

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

var errNoGroups = errors.New("commands are run on Unix systems only, where a program can be stopped together with what it started")

func start(*exec.Cmd) error                    { return errNoGroups }
func ownSession() *syscall.SysProcAttr         { return nil }
func signalGroup(int, syscall.Signal) error    { return errNoGroups }
func signalOf(*os.ProcessState) (string, bool) { return "", false }
func startedAt(int) string                     { return "" }
func groupLives(int) bool                      { return false }

// Alive reports whether a recorded process still runs. No process can have been recorded on this system.
func Alive(int, string) bool { return false }
