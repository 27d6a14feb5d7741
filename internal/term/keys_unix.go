//go:build linux || darwin

package term

import (
	"context"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// OnKey calls fn for every key pressed at the terminal in, without waiting for a line, until ctx ends. Ctrl-C stays a signal. The
// function returned waits for that end and gives the terminal back as it was. Of what is no terminal nothing is read.
func OnKey(ctx context.Context, in *os.File, fn func(key byte)) (done func()) {
	fd := int(in.Fd())
	was, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return func() {}
	}
	now := *was
	now.Lflag &^= unix.ICANON | unix.ECHO
	now.Cc[unix.VMIN], now.Cc[unix.VTIME] = 0, 1 // a read ends after a tenth of a second, so that the end is seen
	if err := unix.IoctlSetTermios(fd, setTermios, &now); err != nil {
		return func() {}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for key := []byte{0}; ctx.Err() == nil; {
			n, err := unix.Read(fd, key)
			if err != nil && err != unix.EINTR && err != unix.EAGAIN {
				return
			}
			if n == 1 {
				fn(key[0])
			}
		}
	})
	return func() {
		wg.Wait()
		_ = unix.IoctlSetTermios(fd, setTermios, was)
	}
}
