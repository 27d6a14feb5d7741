package action

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary plays the programs that steps run: a directory of links to it, each named after what it is to do,
// keeps the arguments and the environment of a step exactly as they are.
func TestMain(m *testing.M) {
	if play, ok := plays[filepath.Base(os.Args[0])]; ok {
		play(os.Args[1:])
		syscall.Exit(0) // without what the race detector and the coverage add to an end
	}
	if os.Getenv("SKIFT_STEP") != "" {
		syscall.Exit(98) // started by a step under another name: running the tests again would start it again
	}
	goleak.VerifyTestMain(m)
}

// seen is what a program can tell about how it was started.
type seen struct {
	Args  []string // as "x" and hex: what is printed passes the mask and the stripper
	Env   []string
	Dir   string
	Files []string // open ones above 2
	Stdin string
	Umask int
	Priv  string // NoNewPrivs of /proc/self/status
	TTY   bool
	Group bool // leads its own process group
}

var plays = map[string]func(args []string){
	"play-tell":  tell,
	"play-exit":  func(args []string) { code, _ := strconv.Atoi(args[0]); syscall.Exit(code) },
	"play-say":   say,
	"play-flood": flood,
	"play-hold":  hold,
	"play-leave": leave,
	"play-deaf":  deaf,
	"play-hear":  hear,
	"play-die":   func([]string) { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) },
	"play-sleep": func([]string) { time.Sleep(time.Hour) },
}

func tell([]string) {
	s := seen{Args: []string{}, Env: os.Environ(), Umask: syscall.Umask(0)}
	for _, a := range os.Args[1:] {
		s.Args = append(s.Args, "x"+hex.EncodeToString([]byte(a)))
	}
	s.Dir, _ = os.Getwd()
	s.Files = openFiles()
	s.Stdin, _ = os.Readlink("/proc/self/fd/0")
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "NoNewPrivs:"); ok {
			s.Priv = strings.TrimSpace(v)
		}
	}
	if f, err := os.Open("/dev/tty"); err == nil {
		s.TTY = true
		_ = f.Close()
	}
	s.Group = syscall.Getpgrp() == os.Getpid()
	slices.Sort(s.Env)
	_ = json.NewEncoder(os.Stdout).Encode(s)
}

// openFiles lists what is open above 2 and is not the runtime's own (its poller, the limits of its group, and the listing itself).
func openFiles() []string {
	var open []string
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		fd, _ := strconv.Atoi(e.Name())
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil || fd <= 2 || strings.HasPrefix(to, "anon_inode:") || strings.HasPrefix(to, "/sys/fs/cgroup/") || strings.HasSuffix(to, "/fd") {
			continue
		}
		open = append(open, to)
	}
	return open
}

// say writes each argument by a write of its own, those that begin with "2:" to stderr.
func say(args []string) {
	for _, a := range args {
		if text, ok := strings.CutPrefix(a, "2:"); ok {
			fmt.Fprint(os.Stderr, text)
			continue
		}
		fmt.Print(a)
	}
}

func flood(args []string) {
	size, _ := strconv.Atoi(args[0])
	fmt.Println("the beginning")
	line := []byte(strings.Repeat("y\n", 16<<10))
	for sent := 0; sent < size; sent += len(line) {
		_, _ = os.Stdout.Write(line)
	}
	fmt.Println("the end")
}

// again starts this binary in another part. Its output is ours.
func again(play string, setsid bool, args ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", args...)
	c.Args[0] = play
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: setsid}
	if err := c.Start(); err != nil {
		fmt.Println(err)
		syscall.Exit(99)
	}
	fmt.Println(c.Process.Pid)
	return c
}

// hold waits for ever, and so does a child that has the same output.
func hold([]string) { _ = again("play-sleep", false).Wait() }

// leave ends at once and leaves a child with the same output behind, "out" in a session of its own.
func leave(args []string) {
	if slices.Contains(args, "hear") {
		ready, said, err := os.Pipe()
		if err != nil {
			fmt.Println(err)
			syscall.Exit(99)
		}
		again("play-hear", false, fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), said.Fd()))
		_, _ = ready.Read(make([]byte, 1)) // until it hears
		return
	}
	again("play-sleep", slices.Contains(args, "out"))
}

// hear tidies up when it is asked to end. It says where it was told to that it hears.
func hear(args []string) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	_ = os.WriteFile(args[0], []byte("1"), 0)
	<-asked
	fmt.Println("tidied up")
}

// deaf does not hear SIGTERM, nor does its child.
func deaf(args []string) {
	signal.Ignore(syscall.SIGTERM)
	if len(args) == 0 {
		again("play-deaf", false, "child")
	}
	time.Sleep(time.Hour)
}
