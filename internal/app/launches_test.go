package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/internal/runner"
)

// TestLaunches: what one process noted the next one reads, whatever was cut off, and the file does not grow for ever.
func TestLaunches(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "launched")
	first := &launches{path: path}
	if found, err := first.Noted(); err != nil || len(found) != 0 {
		t.Errorf("before anything was noted: %v, %v", found, err)
	}
	want := []runner.Launch{{Run: "night-1", Step: "one", Attempt: 1, PID: 4711, StartedAt: "boot/99"}, {Run: "night-1", Step: "two", Attempt: 2, PID: 4712, StartedAt: "boot/100"}}
	if err := first.Note(want[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := first.file.WriteString("\nnight-1 cut 1 47"); err != nil { // there was no room for the rest
		t.Fatal(err)
	}
	if err := first.Note(want[1]); err != nil {
		t.Fatal(err)
	}
	first.Forget()
	next := &launches{path: path}
	found, err := next.Noted()
	if d := cmp.Diff(want, found); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}

	long := runner.Launch{Run: "night-1", Step: strings.Repeat("s", 60), Attempt: 1, PID: 1, StartedAt: "boot/1"}
	for i := range 2000 {
		long.PID = i
		if err := next.Note(long); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(path); err != nil || st.Size() > keptLaunches+200 {
			t.Fatalf("after %d: %v, %v", i, st, err)
		}
		if i%2 == 1 { // two in flight, then none
			next.Forget()
			next.Forget()
		}
	}
	again := &launches{path: path}
	if found, err := again.Noted(); err != nil || len(found) == 0 || found[len(found)-1] != long {
		t.Errorf("the last of %d is not %v; %v", len(found), long, err)
	}
	for _, l := range []*launches{first, next, again} {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	}
	if err := (&launches{path: filepath.Join(path, "in a file")}).Note(long); err == nil {
		t.Error("noted where nothing can be written")
	}
}
