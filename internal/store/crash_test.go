package store_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/store"
	"skift/internal/storetest"
)

const (
	crashDir  = "SKIFT_TEST_CRASH_DIR"
	crashAt   = "SKIFT_TEST_CRASH_AT"   // the write to die at; negative: just before its commit
	crashSize = "SKIFT_TEST_CRASH_SIZE" // or: the largest file the kernel allows
)

// crashChild is the process that is killed, or that meets a failing disk, while
// it commits; it reports every acknowledged head. False: this is no child.
func crashChild() bool {
	dir := os.Getenv(crashDir)
	if dir == "" {
		return false
	}
	at, _ := strconv.ParseInt(os.Getenv(crashAt), 10, 64)
	die := func(when int64) func(int64) {
		return func(n int64) {
			if n == when {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}
	}
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{Dir: dir, Plan: storetest.Plan, BeforeCommit: die(-at), AfterCommit: die(at)})
	if err != nil {
		fmt.Println("open:", err)
		return true
	}
	if size, err := strconv.ParseUint(os.Getenv(crashSize), 10, 64); err == nil {
		signal.Ignore(syscall.SIGXFSZ)
		syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: 1 << 40})
	}
	for n := range 200 {
		c, err := s.Commit(ctx, register.Batch{Events: storetest.Events(3), Slots: []register.Slot{storetest.Slot(n)}})
		if err != nil {
			fmt.Printf("error storage=%v full=%v %v\n", errors.Is(err, store.ErrStorage), errors.Is(err, store.ErrFull), err)
			syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 40, Max: 1 << 40})
			_, err = s.Commit(ctx, register.Batch{Events: storetest.Events(1)})
			fmt.Printf("after storage=%v %v\n", errors.Is(err, store.ErrStorage), err)
			return true
		}
		fmt.Println("acknowledged", c.Head)
	}
	return true
}

// runChild returns what the child printed.
func runChild(t *testing.T, dir string, env ...string) []byte {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^$")
	cmd.Env = append(os.Environ(), append(env, crashDir+"="+dir)...)
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out
}

func acknowledged(t *testing.T, out []byte) []journal.Head {
	t.Helper()
	var heads []journal.Head
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if word, ok := bytes.CutPrefix(lines.Bytes(), []byte("acknowledged ")); ok {
			h, err := journal.ParseHead(string(word))
			if err != nil {
				t.Fatal(err)
			}
			heads = append(heads, h)
		}
	}
	return heads
}

// TestKilled kills the process at every write of a small run, just before and
// just after its commit. What was acknowledged is there, and nothing is half there.
func TestKilled(t *testing.T) {
	t.Parallel()
	for at := int64(-6); at <= 6; at++ {
		if at == 0 {
			continue
		}
		t.Run(strconv.FormatInt(at, 10), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			heads := acknowledged(t, runChild(t, dir, fmt.Sprintf("%s=%d", crashAt, at)))
			// The first write is that of opening.
			durable := max(at, -at) - 1
			if want := max(durable-1, 0); int64(len(heads)) != want {
				t.Fatalf("%d commits were acknowledged, want %d", len(heads), want)
			}
			if at < 0 {
				durable--
			}
			durable = max(durable, 0)
			s := storetest.Open(t, store.Options{Dir: dir, Plan: storetest.Plan})
			head, err := s.Head(t.Context())
			if err != nil || head.Size != 3*durable {
				t.Errorf("%d events after the crash, want %d; %v", head.Size, 3*durable, err)
			}
			slots, err := s.Slots(t.Context(), "", storetest.Epoch, storetest.Slot(1000).At)
			if err != nil || int64(len(slots)) != durable {
				t.Errorf("%d slots after the crash, want %d; %v", len(slots), durable, err)
			}
			for _, h := range heads {
				if report, err := s.Verify(t.Context(), &h); err != nil || !report.OK() {
					t.Errorf("%s, %v", report, err)
				}
			}
			storetest.Must(t, s, register.Batch{Events: storetest.Events(1)})
		})
	}
}

// TestFailingDisk lets the kernel refuse to extend the files: the store says
// that the storage failed, and acts no more even when the disk works again.
func TestFailingDisk(t *testing.T) {
	t.Parallel()
	for _, size := range []int{400_000, 430_000, 471_111} { // what the migrations of an empty database write fits into less
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			out := runChild(t, dir, fmt.Sprintf("%s=%d", crashSize, size))
			heads := acknowledged(t, out)
			if !bytes.Contains(out, []byte("\nerror storage=true full=false ")) || !bytes.Contains(out, []byte("\nafter storage=true ")) || len(heads) == 0 {
				t.Fatalf("child said:\n%s", out)
			}
			s := storetest.Open(t, store.Options{Dir: dir, Plan: storetest.Plan})
			if report, err := s.Verify(t.Context(), &heads[len(heads)-1]); err != nil || !report.OK() {
				t.Errorf("%s, %v", report, err)
			}
		})
	}
}

// TestCrashCopy copies database and WAL as a crash would leave them, at the end
// of every write transaction.
func TestCrashCopy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copies := map[string]string{}
	keep := func(when string) func(int64) {
		return func(n int64) {
			copies[fmt.Sprintf("%s %d", when, n)] = copyDB(t, dir)
		}
	}
	s := storetest.Open(t, store.Options{Dir: dir, Plan: storetest.Plan, BeforeCommit: keep("before"), AfterCommit: keep("after")})
	heads := []journal.Head{{Plan: storetest.Plan, Root: journal.Frontier{}.Root()}}
	for range 5 {
		heads = append(heads, storetest.Must(t, s, register.Batch{Events: storetest.Events(2), Messages: []register.Message{storetest.Message(fmt.Sprint("m", len(heads)))}}).Head)
	}
	for n := 2; n <= 6; n++ {
		for when, head := range map[string]journal.Head{"before": heads[n-2], "after": heads[n-1]} {
			c := storetest.Open(t, store.Options{Dir: copies[fmt.Sprintf("%s %d", when, n)], Plan: storetest.Plan, Moved: true})
			if got, err := c.Head(t.Context()); err != nil || got != head {
				t.Errorf("%s write %d: head %s, want %s; %v", when, n, got, head, err)
			}
			messages, err := c.Messages(t.Context(), register.MessageFilter{})
			if err != nil || int64(len(messages)) != head.Size/2 {
				t.Errorf("%s write %d: %d messages for %d events; %v", when, n, len(messages), head.Size, err)
			}
			if report, err := c.Verify(t.Context(), &head); err != nil || !report.OK() {
				t.Errorf("%s write %d: %s, %v", when, n, report, err)
			}
		}
	}
}

// copyDB copies the database with its WAL into a new directory.
func copyDB(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{"skift.db", "skift.db-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}
