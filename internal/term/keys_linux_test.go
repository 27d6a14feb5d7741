package term

import (
	"context"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Keys arrive one by one, without a line's end; afterwards the terminal is as it was.
func TestOnKey(t *testing.T) {
	t.Parallel()
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	defer pty.Close()
	n, err := unix.IoctlGetInt(int(pty.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(pty.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	defer tty.Close()
	was, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(chan byte, 2)
	done := OnKey(ctx, tty, func(key byte) { got <- key })
	if _, err := pty.WriteString("xq"); err != nil {
		t.Fatal(err)
	}
	if a, b := <-got, <-got; a != 'x' || b != 'q' {
		t.Errorf("got %q %q", a, b)
	}
	cancel()
	done()
	now, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil || *now != *was {
		t.Errorf("the terminal is not as it was: %v", err)
	}
}

// Of what is no terminal nothing is read.
func TestOnKeyReadsNoFile(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fmt.Fprint(w, "q")
	w.Close()
	OnKey(t.Context(), r, func(byte) { t.Error("a key was read") })()
	if b := make([]byte, 1); func() int { n, _ := r.Read(b); return n }() != 1 {
		t.Error("the file was eaten")
	}
}
