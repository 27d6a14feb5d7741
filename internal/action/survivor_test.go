package action

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A command survives us as long as anything does that it started in its group, even when its own process has ended.
func TestASurvivorIsFound(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := exec.Command(filepath.Join(planDir(t), "play-leave"))
	c.Stdout, c.WaitDelay, c.SysProcAttr = &out, 10*time.Millisecond, ownSession()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	pid := c.Process.Pid
	at := startedAt(pid)
	t.Cleanup(func() { _ = signalGroup(pid, syscall.SIGKILL) })
	if !Alive(pid, at) {
		t.Error("a process that was just started is not found")
	}
	_ = c.Wait() // what holds its output is the survivor
	if _, ok := readStat(pid); ok {
		t.Fatalf("process %d has not ended", pid)
	}
	if !Alive(pid, at) {
		t.Error("what it left in its group is not found")
	}
	if err := signalGroup(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if !gone(pid, 10*time.Second) || Alive(pid, at) {
		t.Error("it is found when it is gone")
	}
}
