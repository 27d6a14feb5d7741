package action

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// process is one started command and its group.
type process struct {
	name    string
	cmd     *exec.Cmd
	grace   time.Duration
	output  *os.File      // the reading end of what it says
	copied  chan struct{} // closed when that has been read to its end
	stopped atomic.Bool   // by us
	left    bool          // processes were left behind in its group
	alive   bool          // and could not be ended
	held    bool          // something outside the group holds its output
}

// start starts the command with both its outputs in one pipe, so that they stay in the order they were written. The
// pipe is read here and not by package exec, whose Wait would wait for whoever holds the other end.
func (p *process) start(to io.Writer) error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("open pipe: %w", err)
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	err = start(p.cmd)
	_ = w.Close()
	if err != nil {
		_ = r.Close()
		return err
	}
	p.output, p.copied = r, make(chan struct{})
	go func() {
		defer close(p.copied)
		_, _ = io.Copy(onlyWriter{to}, r) // ends with the last writer, or when wait closes our end
	}()
	return nil
}

// onlyWriter hides every method but Write.
type onlyWriter struct{ io.Writer }

// stop asks the whole group to end. Package exec calls it when the context is done, and kills the program itself after
// the grace; wait sees to the others.
func (p *process) stop() error {
	p.stopped.Store(true)
	return signalGroup(p.cmd.Process.Pid, syscall.SIGTERM)
}

// wait returns when the program has ended, its group is gone and its output is read.
func (p *process) wait() {
	_ = p.cmd.Wait() // what it would say is read from ProcessState
	if !p.stopped.Load() {
		p.drained(p.grace) // what it started may still be finishing
	}
	p.endGroup()
	if !p.drained(p.grace) {
		p.held = true
	}
	_ = p.output.Close()
	<-p.copied
}

// drained waits until the output is at its end.
func (p *process) drained(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.copied:
		return true
	case <-timer.C:
		return false
	}
}

// endGroup ends what the program left behind in its group: a step's processes end with the step.
func (p *process) endGroup() {
	pid := p.cmd.Process.Pid
	if !groupLives(pid) {
		return
	}
	p.left = true
	_ = signalGroup(pid, syscall.SIGTERM)
	if gone(pid, p.grace) {
		return
	}
	_ = signalGroup(pid, syscall.SIGKILL)
	p.alive = !gone(pid, 2*time.Second)
}

// gone waits until the group has no living member.
func gone(pid int, limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for pause := time.Millisecond; groupLives(pid); pause = min(2*pause, 50*time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
	return true
}

func (p *process) outcome(ctx context.Context) Outcome {
	st := p.cmd.ProcessState
	o := Outcome{ExitCode: st.ExitCode(), Facts: map[string]string{"pid": strconv.Itoa(st.Pid())}}
	name, signal := signalOf(st)
	switch {
	case p.stopped.Load():
		why := "skift was told to stop"
		if t := timedOut(ctx); t != nil {
			why = t.Error()
			o.Facts["stopped"] = "time-out"
		}
		o.Summary = fmt.Sprintf("%s was stopped: %s; part of its work may be done", p.name, why)
		o.Uncertain = timedOut(ctx) == nil
	case signal:
		o.Summary = fmt.Sprintf("%s was ended by %s, which skift did not send; part of its work may be done", p.name, name)
	case o.ExitCode != 0:
		o.Summary = fmt.Sprintf("%s ended with exit code %d", p.name, o.ExitCode)
	default:
		o.OK = true
		o.Summary = fmt.Sprintf("%s ended with exit code 0", p.name)
	}
	if signal {
		o.Facts["signal"] = name
	} else {
		o.Facts["exit_code"] = strconv.Itoa(o.ExitCode)
	}
	p.leftBehind(&o)
	return o
}

// leftBehind says what became of processes that outlived the program.
func (p *process) leftBehind(o *Outcome) {
	switch {
	case p.alive:
		o.OK, o.Uncertain = false, true
		o.Facts["left_behind"] = "alive"
		o.Summary += fmt.Sprintf("; a process of group %d could not be ended, look at it before doing anything else", p.cmd.Process.Pid)
	case p.left && !p.stopped.Load():
		o.Facts["left_behind"] = "stopped"
		o.Summary += "; processes it left behind were stopped"
	case p.held:
		o.Facts["left_behind"] = "detached"
		o.Summary += "; a process it left behind runs on in a session of its own"
	}
}
