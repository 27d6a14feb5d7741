package cli_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"skift/internal/term"
)

// console is a pseudo terminal with one command at it.
type console struct {
	t        *testing.T
	pty, tty *os.File
	was      *unix.Termios
	cmd      *exec.Cmd

	mu      sync.Mutex
	out     []byte
	changed chan struct{} // told after more was written
}

// openConsole makes a pseudo terminal of so many rows and columns.
func openConsole(t *testing.T, rows, columns uint16) *console {
	t.Helper()
	c := &console{t: t, changed: make(chan struct{}, 1)}
	var err error
	if c.pty, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	n, err := unix.IoctlGetInt(int(c.pty.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(c.pty.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		c.tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	c.resize(rows, columns)
	if c.was, err = unix.IoctlGetTermios(int(c.tty.Fd()), unix.TCGETS); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *console) resize(rows, columns uint16) {
	c.t.Helper()
	if err := unix.IoctlSetWinsize(int(c.pty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns}); err != nil {
		c.t.Fatal(err)
	}
}

// runs starts the program at the terminal, which becomes its own: Ctrl-C reaches it as at a desk.
func (c *console) runs(args ...string) {
	c.t.Helper()
	program, err := exec.LookPath("skift") // this test binary, see TestMain
	if err != nil {
		c.t.Fatal(err)
	}
	c.cmd = exec.CommandContext(c.t.Context(), program, args...)
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = c.tty, c.tty, c.tty
	c.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.t.TempDir(), "TERM=xterm", "LANG=C.UTF-8", "TZ=UTC"}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for b := make([]byte, 4096); ; {
			n, err := c.pty.Read(b)
			c.mu.Lock()
			c.out = append(c.out, b[:n]...)
			c.mu.Unlock()
			select {
			case c.changed <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	})
	c.t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // an end that was waited for makes this nothing
		_ = c.cmd.Wait()
		c.tty.Close()
		c.pty.Close()
		wg.Wait()
	})
}

// shown is all that was written to the terminal.
func (c *console) shown() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.out)
}

// sees waits until the terminal was sent this, and forgets what stands before it.
func (c *console) sees(expr string) string {
	c.t.Helper()
	want := regexp.MustCompile(expr)
	late := time.After(patience)
	for {
		c.mu.Lock()
		at := want.FindIndex(c.out)
		if at != nil {
			text := string(c.out[:at[1]])
			c.out = c.out[at[1]:]
			c.mu.Unlock()
			return text
		}
		c.mu.Unlock()
		select {
		case <-c.changed:
		case <-late:
			c.t.Fatalf("the terminal was never sent %q; it was sent\n%q", expr, c.shown())
		}
	}
}

func (c *console) types(keys string) {
	c.t.Helper()
	if _, err := c.pty.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

// ends waits for the command, which must end with the exit code, and leave the terminal as it was and itself at the start of a line.
func (c *console) ends(code int) {
	c.t.Helper()
	late := time.AfterFunc(patience, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	err := c.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	if got := c.cmd.ProcessState.ExitCode(); got != code {
		c.t.Errorf("it ended with %d, want %d", got, code)
	}
	now, err := unix.IoctlGetTermios(int(c.tty.Fd()), unix.TCGETS)
	if err != nil || *now != *c.was {
		c.t.Errorf("the terminal is not as it was: %v\n%+v\n%+v", err, c.was, now)
	}
}

var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// fits holds what was sent against a terminal's size: no line is wider, and no page is longer.
func fits(t *testing.T, text string, rows, columns int) {
	t.Helper()
	for _, page := range strings.Split(text, term.ClearScreen) {
		lines := strings.Split(escapes.ReplaceAllString(page, ""), "\r\n")
		if len(lines) > rows {
			t.Errorf("a page has %d lines of %d:\n%s", len(lines), rows, strings.Join(lines, "\n"))
		}
		for _, line := range lines {
			if line = line[strings.LastIndex(line, "\r")+1:]; term.Width(line) > columns {
				t.Errorf("wider than %d: %q", columns, line)
			}
		}
	}
	if strings.Contains(text, "\x1b[?25l") && !strings.HasSuffix(strings.TrimRight(text, "\r\n"), "\x1b[?25h") {
		t.Error("the cursor stays hidden")
	}
}

// patient is a server that greets a caller only when it is told to.
func patient(t *testing.T) (addr string, greet chan<- struct{}) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	now, done := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			select {
			case <-now:
				fmt.Fprint(c, "ready\r\n")
			case <-done:
			}
			c.Close()
		}
	})
	t.Cleanup(func() { close(done); ln.Close(); wg.Wait() })
	return ln.Addr().String(), now
}

// consolePlan has eight questions to one server, asked one by one, and one that fails at once.
func consolePlan(t *testing.T, addr string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	var b strings.Builder
	fmt.Fprintf(&b, `plan: console
title: At a terminal
timezone: UTC
language: en
parties: {newe: {role: new-supplier}}
environments: {prod: {production: true}}
platforms: {new: {party: newe, networks: [127.0.0.0/8]}}
services:
  port: {in: {prod: {new: {addr: %q}}}}
  closed: {in: {prod: {new: {addr: "127.0.0.1:1"}}}}
checks:
  shut: {kind: tcp, service: closed, steps: [{expect: ready}]}
`, addr)
	for i := range 8 {
		fmt.Fprintf(&b, "  greets-%d: {kind: tcp, service: port, steps: [{expect: ready}], timeout: 50s}\n", i+1)
	}
	for name, text := range map[string]string{"plan.yaml": b.String(), "skift.yaml": "budget: {parallel: 1}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// How far a sweep is, with count and time left, on a terminal; nothing of it stays.
func TestProgressAtATerminal(t *testing.T) {
	t.Parallel()
	addr, greet := patient(t)
	dir := consolePlan(t, addr)
	c := openConsole(t, 24, 80)
	c.runs("-C", dir, "check", "greets-*")
	var all strings.Builder
	for range 8 {
		greet <- struct{}{}
	}
	all.WriteString(c.sees(`● 8 OK`))
	c.ends(0)
	all.WriteString(c.shown())
	fits(t, all.String(), 24, 80)
	if !strings.Contains(all.String(), "asking") || !strings.Contains(all.String(), "/8") {
		t.Errorf("no progress in\n%q", all.String())
	}

	// Ctrl-C in the middle: the bar goes away, and the terminal is as it was.
	c = openConsole(t, 24, 80)
	c.runs("-C", dir, "check", "greets-*")
	for range 3 {
		greet <- struct{}{}
	}
	text := c.sees(`asking +\d+% \|[^|]*\| \([1-3]/8.*\) \[\d+s:\d+s\]`)
	c.types("\x03")
	text += c.sees(`skift: nothing of this check is stored.*\r\nskift: stopped\r\n`)
	c.ends(4)
	fits(t, text, 24, 80)
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\r")
	if last := escapes.ReplaceAllString(lines[len(lines)-1], ""); strings.TrimSpace(last) != "skift: stopped" {
		t.Errorf("on the line of the bar: %q", last)
	}
}

// A watch draws its page again, follows the size of the terminal, keeps the worst in sight, and ends with q or Ctrl-C.
func TestWatchAtATerminal(t *testing.T) {
	t.Parallel()
	addr, greet := patient(t)
	dir := consolePlan(t, addr)
	go func() {
		for range 8 {
			greet <- struct{}{}
		}
	}()
	ran(t, 1, "-C", dir, "check")
	for _, key := range []string{"\x03", "q"} {
		c := openConsole(t, 24, 80)
		c.runs("-C", dir, "check", "--watch", "1s")
		first := c.sees(`q or Ctrl-C ends`)
		again := c.sees(`q or Ctrl-C ends`)
		for _, page := range []string{first, again} {
			if !strings.Contains(page, term.ClearScreen) || !strings.Contains(page, "greets-8") || !strings.Contains(page, "■") {
				t.Errorf("no page:\n%q", page)
			}
			fits(t, page, 24, 80)
		}
		c.resize(11, 80)
		c.sees(`more lines that do not fit`)
		small := c.sees(`q or Ctrl-C ends`) + c.sees(`q or Ctrl-C ends`)
		if !strings.Contains(small, "shut") || strings.Contains(small, "greets-8") || !strings.Contains(small, "1 failed") {
			t.Errorf("what does not fit is not the best:\n%q", small)
		}
		_, small, _ = strings.Cut(small, term.ClearScreen)
		fits(t, small, 11, 80)
		c.types(key)
		c.ends(1)
		if rest := c.shown(); strings.Contains(rest, "^C") {
			t.Errorf("after the end: %q", rest)
		}
	}
}
