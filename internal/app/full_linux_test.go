package app_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"skift/internal/need"
	"skift/internal/run"
)

// disk is a file system of its own below a data directory, and what takes its space away.
type disk struct {
	t       *testing.T
	dir     string
	ballast string
}

// ownDisk gives the weekend's data a file system of a megabyte.
func (w *weekend) ownDisk() *disk {
	w.t.Helper()
	d := &disk{w.t, filepath.Join(w.dir, ".skift"), filepath.Join(w.dir, ".skift", "ballast")}
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", d.dir, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
		need.Missing(w.t, "tmpfs", fmt.Sprintf("no file system can be mounted: %v", err))
	}
	w.t.Cleanup(func() { _ = unix.Unmount(d.dir, unix.MNT_DETACH) })
	return d
}

// fill leaves so many bytes.
func (d *disk) fill(left int) {
	d.t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(d.dir, &st); err != nil {
		d.t.Fatal(err)
	}
	size := int(st.Bavail)*int(st.Bsize) - left
	if err := os.WriteFile(d.ballast, make([]byte, max(size, 0)), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// empty gives the space back.
func (d *disk) empty() {
	d.t.Helper()
	if err := os.Remove(d.ballast); err != nil {
		d.t.Fatal(err)
	}
}

// stopsActing holds that a command ended because nothing can be written any more, and said so.
func (w *weekend) stopsActing(code int, out string) {
	w.t.Helper()
	if code != 5 || !strings.Contains(out, "no space left") || !strings.Contains(out, "hint: ") {
		w.t.Errorf("with a full disk it ended with %d:\n%s", code, out)
	}
}

// TestDiskFull is a file system that is full, from one write or another on: the program says so and does nothing more; what it did is
// known or asked about, and once there is room the same command goes on, everything once.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	skift := build(t)
	t.Run("from the beginning", func(t *testing.T) {
		t.Parallel()
		for _, left := range []int{0, 8 << 10, 40 << 10} {
			w := newWeekend(t, skift)
			d := w.ownDisk()
			d.fill(left)
			w.stopsActing(w.call("run", "small", "--no-wait"))
			if begun := w.lines("begun"); len(begun) != 0 {
				t.Errorf("without room %q was begun", begun)
			}
			d.empty()
			w.work()
		}
	})
	t.Run("in the middle", func(t *testing.T) {
		t.Parallel()
		stopped, through := 0, false
		for left := 0; !through; left += 12 << 10 {
			w := newWeekend(t, skift)
			d := w.ownDisk()
			if code, out := w.call("run", "small", "--no-wait"); code != 4 {
				t.Fatalf("%d\n%s", code, out)
			}
			if through = w.untilFull(d, left); !through {
				stopped++
			}
			w.work()
			if t.Failed() {
				t.Fatalf("with %d bytes left", left)
			}
		}
		if stopped < 3 {
			t.Errorf("it stopped at %d sizes only", stopped)
		}
	})
	t.Run("while it serves", func(t *testing.T) {
		t.Parallel()
		w := newWeekend(t, skift)
		d := w.ownDisk()
		w.fullWhileServing(d)
		d.empty()
		if f, _ := w.facts(); f.Runs.Runs["small-1"].Steps["ask"].State != run.WaitingForPerson {
			t.Error("what was not acknowledged is there all the same")
		}
		w.work()
	})
	t.Run("while a command works", func(t *testing.T) {
		t.Parallel()
		w := newWeekend(t, skift)
		d := w.ownDisk()
		w.fullWhileWorking(d)
		d.empty()
		if code, out := w.call("run", "small", "--no-wait"); code != 4 || !strings.Contains(out, "whether it happened is unknown") {
			t.Errorf("with room again: %d\n%s", code, out)
		}
		if f, _ := w.facts(); f.Runs.Runs["small-1"].Steps["one"].State != run.Uncertain {
			t.Error("what could not be recorded is not uncertain")
		}
		w.work()
	})
}

// fullWhileServing takes all room away from a process that serves: who asks for something is told, and it ends.
func (w *weekend) fullWhileServing(d *disk) {
	w.t.Helper()
	c := w.command("serve")
	var out output
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Wait() // its state says it
	}()
	w.t.Cleanup(func() { _ = c.Process.Kill(); <-ended })
	says := func(what string) {
		w.t.Helper()
		for deadline := time.Now().Add(patience); !strings.Contains(out.String(), what); <-time.After(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				w.t.Fatalf("it never said %q:\n%s", what, out.String())
			}
		}
	}
	says("skift serves")
	if code, said := w.call("start", "small"); code != 0 {
		w.t.Fatalf("%d\n%s", code, said)
	}
	says("ask waits for")
	d.fill(0)
	if code, said := w.call("step", "small-1", "ask", "done", "--as", "olde/operator"); code != 5 || !strings.Contains(said, "nothing more is decided") {
		w.t.Errorf("who asked was told %d:\n%s", code, said)
	}
	select {
	case <-ended:
		w.stopsActing(c.ProcessState.ExitCode(), out.String())
	case <-time.After(patience):
		w.t.Errorf("it serves on:\n%s", out.String())
	}
}

// untilFull works the weekend as people do until a command says that there is no room; true = it came to its end. Each command finds so
// many bytes.
func (w *weekend) untilFull(d *disk, left int) bool {
	w.t.Helper()
	for range 30 {
		args := w.wish()
		if args == nil {
			args = []string{"run", "small", "--no-wait"}
		}
		d.fill(left)
		code, out := w.call(args...)
		d.empty()
		switch {
		case code == 0 && args[0] == "run":
			return true
		case code != 0 && code != 4:
			w.stopsActing(code, out)
			return false
		}
	}
	w.t.Fatal("it does not come to an end")
	return false
}

// fullWhileWorking lets a command begin, takes all room away, and lets it end.
func (w *weekend) fullWhileWorking(d *disk) {
	w.t.Helper()
	gate := filepath.Join(w.dir, "wait-one")
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		w.t.Fatal(err)
	}
	c := w.command("run", "small", "--no-wait")
	var out output
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); !(slices.Contains(w.lines("begun"), "one") && w.launched("one")); <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("it never began:\n%s", out.String())
		}
	}
	d.fill(0)
	if err := os.Remove(gate); err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
	_ = c.Wait() // its state says it
	w.stopsActing(c.ProcessState.ExitCode(), out.String())
	// Whoever writes first meets the full disk: the end of the command, or something beside it, and then the command is ended with all else.
	if done := w.lines("done"); len(done) > 0 && !slices.Equal(done, []string{"one"}) {
		w.t.Errorf("done %q, want one at most and nothing after it", done)
	}
}
