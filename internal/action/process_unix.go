//go:build unix

package action

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownSession puts a command in a session, and so in a process group, of its own: it can be signalled as a whole, and it
// has no terminal to ask its questions on or to write escape sequences to.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// signalGroup signals every process of the group that pid leads.
func signalGroup(pid int, s syscall.Signal) error {
	err := syscall.Kill(-pid, s)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// signalOf names the signal that ended a process.
func signalOf(st *os.ProcessState) (string, bool) {
	ws, ok := st.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() {
		return "", false
	}
	return unix.SignalName(ws.Signal()), true
}

// sealFiles makes sure that no file or socket of ours is open in a command. What Go opens is closed on exec anyway;
// this is about what our own parent left open in us.
func sealFiles() error {
	d, err := os.Open("/dev/fd")
	if err != nil {
		return err
	}
	names, err := d.Readdirnames(-1)
	_ = d.Close()
	if err != nil {
		return err
	}
	for _, name := range names {
		if fd, err := strconv.Atoi(name); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}

// umask is the command's: what it writes is its user's alone.
const umask = 0o077

// changing guards the process's umask, of which there is one: nobody may start a command while another puts it back.
var changing sync.Mutex

// startShared starts a command under our umask where threads cannot have one of their own. For a moment every file this
// process creates is private, too, which harms nobody.
func startShared(cmd *exec.Cmd) error {
	changing.Lock()
	defer changing.Unlock()
	defer syscall.Umask(syscall.Umask(umask))
	return cmd.Start()
}
