package action

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/secret"
	"skift/runbooks"
)

// planDir is a plan directory in which every part of the test binary is a program.
func planDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name := range plays {
		program(t, filepath.Join(dir, name))
	}
	return dir
}

func program(t *testing.T, path string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if os.Link(self, path) == nil {
		return
	}
	b, err := os.ReadFile(self)
	if err == nil {
		err = os.WriteFile(path, b, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func newActions(t *testing.T, cfg Config) *Actions {
	t.Helper()
	if cfg.PlanDir == "" {
		cfg.PlanDir = planDir(t)
	}
	if cfg.Grace == 0 {
		cfg.Grace = 400 * time.Millisecond
	}
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func commandStep(argv ...string) *runbooks.Step {
	return &runbooks.Step{ID: "switch", Kind: runbooks.Command, Argv: argv}
}

func do(t *testing.T, a *Actions, s *runbooks.Step) Outcome {
	t.Helper()
	o, err := a.Do(t.Context(), Request{Run: "cutover-1", Step: s, Attempt: 2})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func told(t *testing.T, o Outcome) seen {
	t.Helper()
	var s seen
	if !o.OK {
		t.Fatalf("the program did not end well: %s\n%s", o.Summary, o.Output)
	}
	if err := json.Unmarshal(o.Output, &s); err != nil {
		t.Fatalf("%v: %s", err, o.Output)
	}
	for i, a := range s.Args {
		raw, err := hex.DecodeString(strings.TrimPrefix(a, "x"))
		if err != nil {
			t.Fatal(err)
		}
		s.Args[i] = string(raw)
	}
	return s
}

func TestArgumentsArriveByteForByte(t *testing.T) {
	t.Parallel()
	payloads := []string{
		"; rm -rf /", "$(id)", "`id`", "${HOME}", "$HOME", "a\nb", "\n", "\r\n", "'", `"`, `\`, `\"`, "a'b\"c", "%2F", "..%2F..", "%252F", "-rf", "--help",
		"-oProxyCommand=id", "&&", "& dir", "a && b", "|", "||", ">", "<", "*", "?", "[a-z]", "~", "~root", "#", "!", "!!", "^", "{a,b}", "{{.}}", "${{ x }}",
		" ", "", "\t", "æøå", "日本", "\u202e", "\ufeff", "\U0001F600", "e\u0301", "1>&2", "=x", "A=B", "%PATH%", "\x7f", "\x01", "\xff\xfe", "\xc3", "a\x80b",
	}
	a := newActions(t, Config{})
	s := told(t, do(t, a, commandStep(append([]string{"./play-tell"}, payloads...)...)))
	if diff := cmp.Diff(payloads, s.Args); diff != "" {
		t.Errorf("arguments (-written +arrived):\n%s", diff)
	}
	if s := told(t, do(t, a, commandStep("./play-tell"))); len(s.Args) != 0 {
		t.Errorf("no argument was written, %q arrived", s.Args)
	}
}

func TestNUL(t *testing.T) {
	t.Parallel()
	a := newActions(t, Config{})
	for _, argv := range [][]string{{"./play-tell", "a\x00b"}, {"./play-tell\x00"}} {
		o := do(t, a, commandStep(argv...))
		if o.OK || !strings.Contains(o.Summary, "NUL") {
			t.Errorf("%q: %v %s", argv, o.OK, o.Summary)
		}
	}
}

func FuzzArgv(f *testing.F) {
	f.Add("a", "b c")
	f.Add("$(id)", "\n;'")
	f.Add("-x", "%2F\u202e")
	dir := f.TempDir()
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(dir, "play-tell"))
	}
	if err != nil {
		f.Fatal(err)
	}
	a, err := New(Config{PlanDir: dir, Path: dir})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, x, y string) {
		if strings.ContainsRune(x+y, 0) {
			t.Skip() // refused, see TestNUL
		}
		if s := told(t, do(t, a, commandStep("play-tell", x, y))); !slices.Equal(s.Args, []string{x, y}) {
			t.Errorf("%q became %q", []string{x, y}, s.Args)
		}
	})
}

func TestACommandKnowsOnlyWhatItIsTold(t *testing.T) {
	t.Setenv("SKIFT_CANARY", "leaked")
	t.Setenv("SSH_AUTH_SOCK", "/nowhere")
	a := newActions(t, Config{Path: "/usr/bin:/bin"})
	inherited, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	fd, err := syscall.Dup(int(inherited.Fd())) // not closed on exec, as what our own parent left open
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)

	step := commandStep("./play-tell")
	step.Env = map[string]string{"ZONE": "sp.example", "SKIFT_RUN": "forged"}
	o, err := a.Do(t.Context(), Request{Run: "cutover-1", Step: step, Attempt: 2, Env: map[string]string{
		"SKIFT_ENVIRONMENT": "prod", "SKIFT_PLAN": "serviceplatformen", "SKIFT_REHEARSAL": "false"}})
	if err != nil {
		t.Fatal(err)
	}
	got := told(t, o)
	got.Dir = ""
	want := seen{
		Args: []string{},
		Env: []string{"LANG=C.UTF-8", "PATH=/usr/bin:/bin", "SKIFT_ATTEMPT=2", "SKIFT_ENVIRONMENT=prod", "SKIFT_PLAN=serviceplatformen",
			"SKIFT_REHEARSAL=false", "SKIFT_RUN=cutover-1", "SKIFT_STEP=switch", "ZONE=sp.example"},
		Stdin: "/dev/null", Umask: 0o077, Group: true,
	}
	if runtime.GOOS == "linux" {
		want.Priv = "1"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a command's surroundings (-want +got):\n%s", diff)
	}
	if o, err := a.Do(t.Context(), Request{Step: step, Env: map[string]string{"LD_PRELOAD": "x"}}); err == nil {
		t.Errorf("an environment beyond SKIFT_ was accepted: %v", o)
	}
}

// Where threads cannot have an umask of their own the process's is changed for a moment.
func TestSharedUmask(t *testing.T) {
	before := umaskOf(t)
	var out bytes.Buffer
	c := exec.Command(filepath.Join(planDir(t), "play-tell"))
	c.Stdout = &out
	err := startShared(c)
	if after := umaskOf(t); after != before {
		t.Errorf("umask was %s, is %s", before, after)
	}
	if err == nil {
		err = c.Wait()
	}
	var s seen
	if err = errors.Join(err, json.Unmarshal(out.Bytes(), &s)); err != nil || s.Umask != 0o077 {
		t.Errorf("%v: umask of the command %03o", err, s.Umask)
	}
}

func TestOurOwnUmaskStays(t *testing.T) {
	t.Parallel()
	a := newActions(t, Config{})
	before := umaskOf(t)
	do(t, a, commandStep("./play-exit", "0"))
	if after := umaskOf(t); after != before {
		t.Errorf("umask was %s, is %s", before, after)
	}
	if b, _ := os.ReadFile("/proc/self/status"); strings.Contains(string(b), "NoNewPrivs:\t1") {
		t.Error("this process lost its privileges")
	}
}

// umaskOf reads the umask without changing it, as syscall.Umask would for a moment.
func umaskOf(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc here")
	}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "Umask:") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

func TestWherePrograms(t *testing.T) {
	t.Parallel()
	dir, outside, onPath := planDir(t), t.TempDir(), t.TempDir()
	program(t, filepath.Join(outside, "play-exit"))
	program(t, filepath.Join(onPath, "play-exit"))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(filepath.Join(dir, "bin"), 0o700))
	program(t, filepath.Join(dir, "bin", "play-exit"))
	must(os.Symlink("bin", filepath.Join(dir, "link")))
	must(os.Symlink(outside, filepath.Join(dir, "away")))
	must(os.Symlink(filepath.Join(outside, "play-exit"), filepath.Join(dir, "escape")))
	must(os.WriteFile(filepath.Join(dir, "plain"), []byte("#!/bin/true\n"), 0o600))
	must(os.WriteFile(filepath.Join(dir, "lost"), []byte("#!/no/such/interpreter\n"), 0o700))
	must(os.WriteFile(filepath.Join(dir, "junk"), []byte("not a program\n"), 0o700))
	a := newActions(t, Config{PlanDir: dir, Path: "relative:" + onPath})
	for _, c := range []struct {
		program, dir string
		want         string // part of the summary; "" = runs
	}{
		{program: "./play-exit"},
		{program: "bin/play-exit"},
		{program: "bin/../play-exit"},
		{program: "link/play-exit"}, // a link inside the plan directory is followed
		{program: "play-exit"},      // on PATH, not in the plan directory
		{program: filepath.Join(outside, "play-exit")},
		{program: "./play-exit", dir: "bin"}, // relative to the plan directory, not to dir
		{program: "../" + filepath.Base(outside) + "/play-exit", want: "outside the plan directory"},
		{program: "./../play-exit", want: "outside the plan directory"},
		{program: "./escape", want: "may not lead out"},
		{program: "away/play-exit", want: "may not lead out"},
		{program: "./absent", want: "is not in the plan directory"},
		{program: "play-tell", want: "written ./play-tell"},
		{program: "./plain", want: "chmod +x"},
		{program: "./bin", want: "is a directory"},
		{program: "./lost", want: "interpreter"},
		{program: "./junk", want: "neither a program"},
		{program: "./play-exit", dir: "..", want: "outside the plan directory"},
		{program: "./play-exit", dir: "away", want: "may not lead out"},
		{program: "./play-exit", dir: "plain", want: "is not a directory"},
		{program: "", want: "names no program"},
	} {
		s := commandStep(c.program, "0")
		s.Dir = c.dir
		o := do(t, a, s)
		if o.OK != (c.want == "") || !strings.Contains(o.Summary, c.want) {
			t.Errorf("%q in %q: ok=%v %s; want %q", c.program, c.dir, o.OK, o.Summary, c.want)
		}
	}
}

func TestHowItEnded(t *testing.T) {
	t.Parallel()
	a := newActions(t, Config{})
	for _, c := range []struct {
		argv    []string
		ok      bool
		code    int
		facts   map[string]string
		summary string
	}{
		{[]string{"./play-exit", "0"}, true, 0, map[string]string{"exit_code": "0"}, "./play-exit ended with exit code 0"},
		{[]string{"./play-exit", "3"}, false, 3, map[string]string{"exit_code": "3"}, "./play-exit ended with exit code 3"},
		{[]string{"./play-die"}, false, -1, map[string]string{"signal": "SIGKILL"},
			"./play-die was ended by SIGKILL, which skift did not send; part of its work may be done"},
	} {
		o := do(t, a, commandStep(c.argv...))
		for k := range o.Facts {
			if k != "exit_code" && k != "signal" {
				delete(o.Facts, k)
			}
		}
		if o.OK != c.ok || o.ExitCode != c.code || o.Summary != c.summary || !maps.Equal(o.Facts, c.facts) || o.Uncertain {
			t.Errorf("%q: %+v", c.argv, o)
		}
	}
}

func TestOutputKeepsItsOrderAndEndsTheSummaryOfAFailure(t *testing.T) {
	t.Parallel()
	a := newActions(t, Config{})
	o := do(t, a, commandStep("./play-say", "one\n", "2:two\n", "three\n", "2:four\n"))
	if got := string(o.Output); got != "one\ntwo\nthree\nfour\n" {
		t.Errorf("output %q", got)
	}
	dir := a.cfg.PlanDir
	script := "#!/bin/sh\necho 'zone sp.example: serial not raised' >&2\necho\nexit 7\n"
	if err := os.WriteFile(filepath.Join(dir, "fail"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	o = do(t, a, commandStep("./fail"))
	if want := "./fail ended with exit code 7; its last words: zone sp.example: serial not raised"; o.Summary != want {
		t.Errorf("summary %q, want %q", o.Summary, want)
	}
}

func TestStartedIsToldBeforeTheEndAndAliveAgrees(t *testing.T) {
	t.Parallel()
	a := newActions(t, Config{})
	ctx, cancel := context.WithCancelCause(t.Context())
	errShutdown := errors.New("shutdown")
	var pid int
	var at string
	o, err := a.Do(ctx, Request{Run: "r", Step: commandStep("./play-sleep"), Started: func(p int, s string) error {
		pid, at = p, s
		if !Alive(p, s) {
			t.Error("a running process is not alive")
		}
		_, ticks, _ := strings.Cut(s, "/")
		if Alive(p, s+"0") || Alive(p, "") || Alive(p, "other-boot/"+ticks) {
			t.Error("a process of that number that began at another time is taken for it")
		}
		cancel(errShutdown)
		return nil
	}})
	if !errors.Is(err, errShutdown) {
		t.Errorf("error %v, want the cause of the cancellation", err)
	}
	if o.OK || !o.Uncertain {
		t.Errorf("a command that was interrupted: %+v", o)
	}
	if pid == 0 || at == "" || Alive(pid, at) {
		t.Errorf("process %d (%s) is alive after Do", pid, at)
	}
}

func TestAProcessThatCannotBeRecordedIsStopped(t *testing.T) {
	t.Parallel()
	a := newActions(t, Config{})
	errFull := errors.New("disk full")
	var pid int
	o, err := a.Do(t.Context(), Request{Step: commandStep("./play-sleep"), Started: func(p int, _ string) error { pid = p; return errFull }})
	if !errors.Is(err, errFull) || o.OK || !o.Uncertain || groupLives(pid) {
		t.Errorf("%v %+v lives=%v", err, o, groupLives(pid))
	}
}

func TestDoneContextStartsNothing(t *testing.T) {
	t.Parallel()
	a := newActions(t, Config{})
	ctx, cancel := context.WithCancelCause(t.Context())
	errLost := errors.New("ownership lost")
	cancel(errLost)
	o, err := a.Do(ctx, Request{Step: commandStep("./play-exit", "0"), Started: func(int, string) error { t.Error("started"); return nil }})
	if !errors.Is(err, errLost) || o.Uncertain || o.OK {
		t.Errorf("%v %+v", err, o)
	}
}

// children reads the process numbers that hold, leave and deaf print.
func children(t *testing.T, o Outcome) []int {
	t.Helper()
	var pids []int
	for f := range strings.FieldsSeq(string(o.Output)) {
		pid, err := strconv.Atoi(f)
		if err != nil {
			t.Fatalf("output %q", o.Output)
		}
		pids = append(pids, pid)
	}
	if len(pids) != 1 {
		t.Fatalf("output %q, want one process", o.Output)
	}
	return pids
}

func lives(pid int) bool {
	st, ok := readStat(pid)
	return ok && st.state != "Z" && st.state != "X"
}

func TestTimeoutEndsTheWholeGroup(t *testing.T) {
	t.Parallel()
	a := newActions(t, Config{})
	for _, c := range []struct {
		play  string
		limit time.Duration // how long it may take at most
	}{
		{"./play-hold", 3500 * time.Millisecond}, // dies of SIGTERM, as does its child that holds the output
		{"./play-deaf", 5500 * time.Millisecond},
	} {
		s := commandStep(c.play)
		s.Timeout = 2 * time.Second // enough to begin on a busy host
		began := time.Now()
		o := do(t, a, s)
		if took := time.Since(began); took > c.limit {
			t.Errorf("%s took %v", c.play, took)
		}
		if o.OK || o.Uncertain || o.Facts["stopped"] != "time-out" || !strings.Contains(o.Summary, "was stopped: it took longer than 2s") {
			t.Errorf("%s: %+v", c.play, o)
		}
		pid, _ := strconv.Atoi(o.Facts["pid"])
		for _, child := range children(t, o) {
			if lives(child) || groupLives(pid) {
				t.Errorf("%s: child %d lives on", c.play, child)
			}
		}
	}
}

func TestWhatAProgramLeavesBehindDoesNotKeepUsWaiting(t *testing.T) {
	t.Parallel()
	a := newActions(t, Config{})
	began := time.Now()
	o := do(t, a, commandStep("./play-leave"))
	if !o.OK || o.Facts["left_behind"] != "stopped" || lives(children(t, o)[0]) || time.Since(began) > 2*time.Second {
		t.Errorf("in the group: %+v after %v", o, time.Since(began))
	}
	if o := do(t, a, commandStep("./play-leave", "hear")); !o.OK || !strings.HasSuffix(string(o.Output), "tidied up\n") {
		t.Errorf("one that hears: %+v: %q", o, o.Output)
	}
	began = time.Now()
	o = do(t, a, commandStep("./play-leave", "out"))
	child := children(t, o)[0]
	defer func() { _ = syscall.Kill(child, syscall.SIGKILL) }()
	if !o.OK || o.Facts["left_behind"] != "detached" || !lives(child) || time.Since(began) > 3*time.Second {
		t.Errorf("in a session of its own: %+v after %v", o, time.Since(began))
	}
}

func TestFloodKeepsMemoryFlat(t *testing.T) { // alone: it measures the whole process
	a := newActions(t, Config{OutputCap: 256 << 10})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	o := do(t, a, commandStep("./play-flood", strconv.Itoa(16<<20)))
	runtime.ReadMemStats(&after)
	if !o.OK {
		t.Fatal(o.Summary)
	}
	if n := len(o.Output); n > 256<<10+100 || n < 256<<10 {
		t.Errorf("kept %d bytes", n)
	}
	text := string(o.Output)
	if !strings.HasPrefix(text, "the beginning\n") || !strings.HasSuffix(text, "the end\n") || !strings.Contains(text, " bytes left out here …\n") {
		t.Errorf("kept %.40q … %.40q", text, text[len(text)-40:])
	}
	if cut, _ := strconv.Atoi(o.Facts["output_cut"]); cut < 15<<20 {
		t.Errorf("output_cut %s", o.Facts["output_cut"])
	}
	if grown := int64(after.Sys) - int64(before.Sys); grown > 10<<20 {
		t.Errorf("memory grew by %d MB", grown>>20)
	}
}

func TestSecretsAndEscapesDoNotLeave(t *testing.T) {
	t.Parallel()
	const canary = "canary-Zx9/+quux"
	masker := &secret.Masker{}
	masker.Add(secret.NewValue(canary))
	masker.Add(secret.NewValue("password\x1b[3mwith escapes\r"))
	a := newActions(t, Config{Masker: masker})
	for i := range len(canary) + 1 { // cut at every byte
		o := do(t, a, commandStep("./play-say", "a "+canary[:i], canary[i:]+" z"))
		if string(o.Output) != "a *** z" {
			t.Fatalf("cut at %d: %q", i, o.Output)
		}
	}
	for in, want := range map[string]string{
		"a\x1b[2Jb":                        "ab",
		"a\x1b]52;c;Zm9v\x07b":             "ab",
		"a\x1b]8;;http://x.example\x1b\\b": "ab",
		"good\rbad":                        "good\nbad",
		"a\u202eb":                         "a<U+202E>b",
		"a\u009b31mb":                      "ab",
		"cana\x1b[0mry-Zx9/+quux":          "***",    // a secret with an escape sequence in it
		"is password\x1b[3mwith escapes\r": "is ***", // a secret that is not left whole by the stripper
		"number 010190-1234 ok":            "number ******-**** ok",
		"0101901234":                       "******-****",
		"sha 0101901234abcdef":             "sha 0101901234abcdef",
	} {
		if o := do(t, a, commandStep("./play-say", in)); string(o.Output) != want {
			t.Errorf("%q became %q, want %q", in, o.Output, want)
		}
	}
	// A failing program's last words come into the summary; they are masked, too. So is the program's own name.
	if err := os.WriteFile(filepath.Join(a.cfg.PlanDir, "fail"), []byte("#!/bin/sh\necho \"$1 010190-1234\"\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	o := do(t, a, commandStep("./fail", canary))
	if strings.Contains(o.Summary, canary) || strings.Contains(o.Summary, "010190") || !strings.Contains(o.Summary, "*** ******-****") {
		t.Error(o.Summary)
	}
	o = do(t, a, commandStep("./"+canary))
	if strings.Contains(o.Summary, canary) {
		t.Error(o.Summary)
	}
}

func TestCaptureKeepsBothEnds(t *testing.T) {
	t.Parallel()
	whole := []byte("0abcdefghi1abcdefghi2abcdefghi3abcdefghi")
	for step := 1; step <= len(whole); step++ {
		for size := 0; size <= len(whole); size++ {
			c := newCapture(20)
			for rest := whole[:size]; len(rest) > 0; rest = rest[min(step, len(rest)):] {
				if _, err := c.Write(rest[:min(step, len(rest))]); err != nil {
					t.Fatal(err)
				}
			}
			got := c.bytes(func(s string) string { return s })
			if size <= 20 {
				if !bytes.Equal(got, whole[:size]) {
					t.Fatalf("step %d size %d: %q", step, size, got)
				}
				continue
			}
			tail := bytes.TrimLeft(whole[size-10:size], "0123456789")
			if !bytes.HasPrefix(got, whole[:10]) || !bytes.HasSuffix(got, append([]byte("…\n"), tail...)) {
				t.Fatalf("step %d size %d: %q", step, size, got)
			}
		}
	}
}

func TestANumberCutInTwoIsNotShown(t *testing.T) {
	t.Parallel()
	for cut := range 12 {
		c := newCapture(40)
		_, _ = io.WriteString(c, strings.Repeat("x", 19-cut)+" 010190-1234 "+strings.Repeat("y", 200))
		if got := string(c.bytes(secret.MaskCivil)); strings.Contains(got, "0190") {
			t.Errorf("cut after %d: %q", cut, got)
		}
	}
}
