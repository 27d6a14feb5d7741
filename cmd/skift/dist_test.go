package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestDist: built in two folders, the program is the same to the byte; and it builds for Windows, from where a party may have to look.
func TestDist(t *testing.T) {
	t.Parallel()
	if os.Getenv("SKIFT_DIST") == "" {
		t.Skip("builds the program three times from nothing, which takes minutes: SKIFT_DIST=1 go test ./cmd/skift")
	}
	if runtime.GOOS != "linux" {
		t.Skip("is built on Linux")
	}
	here, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for _, folder := range []string{"a", "a/longer/way"} {
		dir := filepath.Join(t.TempDir(), folder, "skift")
		copySource(t, here, dir)
		// Each with nothing built before: what is taken from a cache is the same without saying anything.
		sums[folder] = dist(t, dir, "linux/amd64", "GOCACHE="+t.TempDir())
	}
	if sums["a"] == "" || sums["a"] != sums["a/longer/way"] {
		t.Errorf("the folder shows in what is built:\n%v", sums)
	}
	if got := dist(t, here, "windows/amd64"); !strings.HasSuffix(got, "_windows_amd64.exe\n") {
		t.Errorf("for Windows: %q", got)
	}
}

// TestEverySystem: whatever else is changed, the program compiles for the systems it is offered on. Nothing is linked, so that it is cheap
// enough to be asked each time.
func TestEverySystem(t *testing.T) {
	t.Parallel()
	for _, system := range []string{"darwin/arm64", "windows/amd64"} {
		goos, goarch, _ := strings.Cut(system, "/")
		c := exec.Command("go", "build", "skift/internal/cli")
		c.Env = append(os.Environ(), "GOTOOLCHAIN=local", "CGO_ENABLED=0", "GOFLAGS=", "GOOS="+goos, "GOARCH="+goarch)
		if text, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", system, err, text)
		}
	}
}

// dist builds in a folder and gives the sums.
func dist(t *testing.T, dir, target string, env ...string) string {
	t.Helper()
	out := t.TempDir()
	c := exec.Command(filepath.Join(dir, ".ci", "dist"), out, target)
	c.Env = append(append(os.Environ(), "GOTOOLCHAIN=local"), env...)
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	sums, err := os.ReadFile(filepath.Join(out, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	return string(sums)
}

// copySource copies what a build needs.
func copySource(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			if n := e.Name(); n == ".git" || n == "dist" || n == "testdata" && !strings.HasPrefix(rel, "config") {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		if !e.Type().IsRegular() || strings.HasSuffix(e.Name(), "_test.go") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
}
