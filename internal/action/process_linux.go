package action

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// start starts a command with a private umask, no way to gain privileges (a setuid program stays what its caller is),
// and no open file but its three.
//
// umask and no_new_privs are set on a thread that is made for this and ends with its goroutine, because the command
// inherits them from the thread that starts it and nothing else in this process should change.
func start(cmd *exec.Cmd) error {
	if err := seal(); err != nil {
		return fmt.Errorf("close inherited files: %w", err)
	}
	started := make(chan error, 1)
	onOwnThread(func() {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			started <- fmt.Errorf("forbid new privileges: %w", err)
			return
		}
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			started <- startShared(cmd) // some container hosts refuse unshare
			return
		}
		syscall.Umask(umask)
		started <- cmd.Start()
	})
	return <-started
}

// seal is sealFiles in one call; Linux before 5.11 and some container hosts do not have it.
func seal() error {
	if unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	return sealFiles()
}

// onOwnThread runs fn on a thread that ends with it. The main thread cannot end, so it is never used: while it is held
// here, the next try is bound to get another one.
func onOwnThread(fn func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != os.Getpid() {
			fn()
			return // locked still: the runtime ends the thread
		}
		done := make(chan struct{})
		onOwnThread(func() { fn(); close(done) })
		<-done
		runtime.UnlockOSThread()
	}()
}

// startedAt identifies a process beyond its number, which is used again: the boot it belongs to and the clock ticks
// after that boot at which it began (proc(5), field 22). Neither depends on the wall clock. "" when it is gone.
func startedAt(pid int) string {
	st, ok := readStat(pid)
	if !ok {
		return ""
	}
	return bootID() + "/" + st.ticks
}

// Alive reports whether a process that was recorded with Started, or any other of its group, still runs. It holds across
// restarts of this program and of the machine. A process that has ended but was not waited for does not count.
func Alive(pid int, startedAt string) bool {
	boot, ticks, _ := strings.Cut(startedAt, "/")
	if pid <= 1 || boot != bootID() {
		return false
	}
	if st, ok := readStat(pid); ok && st.ticks != ticks {
		return false // the number was given to another process, which can only be when the whole group was gone
	}
	return groupLives(pid)
}

// groupLives reports whether the group that pid leads has a member that still runs.
func groupLives(pid int) bool {
	if syscall.Kill(-pid, 0) == syscall.ESRCH {
		return false
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return true
	}
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			if st, ok := readStat(n); ok && st.group == pid && st.state != "Z" && st.state != "X" {
				return true
			}
		}
	}
	return false
}

// bootID stays what it is for as long as this process lives.
var bootID = sync.OnceValue(func() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown-boot"
	}
	return string(bytes.TrimSpace(b))
})

type procStat struct {
	state string
	group int
	ticks string
}

// readStat reads /proc/PID/stat. The program's name stands in parentheses and may hold spaces and parentheses itself, so
// fields are counted from the last one.
func readStat(pid int) (procStat, bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return procStat{}, false
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 20 {
		return procStat{}, false
	}
	group, err := strconv.Atoi(fields[2])
	return procStat{state: fields[0], group: group, ticks: fields[19]}, err == nil
}
