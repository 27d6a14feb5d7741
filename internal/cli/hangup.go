package cli

import (
	"os"
	"sync/atomic"
)

// hangup tells a terminal that went away from somebody who sends SIGHUP to have the plan taken up anew.
type hangup struct {
	terminal bool // there was one at the start
	wanted   atomic.Bool
	asked    chan struct{}
}

func newHangup() *hangup { return &hangup{terminal: hasTerminal(), asked: make(chan struct{}, 1)} }

// hasTerminal reports whether this process has a terminal that controls it.
func hasTerminal() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	tty.Close()
	return true
}

// catch is told of every SIGHUP from now on that is no terminal's end; several at once are one.
func (h *hangup) catch() <-chan struct{} {
	h.wanted.Store(true)
	return h.asked
}

// taken reports whether a SIGHUP was meant for who catches it; else it asks to stop.
func (h *hangup) taken() bool {
	if !h.wanted.Load() || h.terminal && !hasTerminal() {
		return false
	}
	select {
	case h.asked <- struct{}{}:
	default:
	}
	return true
}
