package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestLineDiff(t *testing.T) {
	t.Parallel()
	a := "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n"
	b := strings.NewReplacer("two", "2", "nine\n", "nine\nnine and a half\n").Replace(a)
	want := `--- a
+++ b
@@ -1,4 +1,4 @@
 one
-two
+2
 three
 four
@@ -8,3 +8,4 @@
 eight
 nine
+nine and a half
 ten
`
	if got := lineDiff("a", "b", a, b); got != want {
		t.Errorf("got\n%s", got)
	}
	if got := lineDiff("a", "b", a, a); got != "" {
		t.Error(got)
	}
	if got := lineDiff("a", "b", "x\x1b[2J\n", "y\n"); strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}

// FuzzLineDiff: what is printed turns the one text into the other, says the program patch.
func FuzzLineDiff(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nc\nd\n")
	f.Add("", "a\n")
	f.Add("a\n", "")
	f.Add("a\na\na\nb\na\n", "a\nb\na\na\n")
	patch, err := exec.LookPath("patch")
	if err != nil {
		f.Skip("the program patch is not here")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, s := range []*string{&a, &b} {
			var lines []string
			for _, l := range strings.Split(*s, "\n") {
				if l != "" && len(lines) < 40 {
					lines = append(lines, string("abcdefgh"[int(l[0])%8]))
				}
			}
			*s = strings.Join(append(lines, ""), "\n")
		}
		dir := t.TempDir()
		file := filepath.Join(dir, "f")
		if err := os.WriteFile(file, []byte(a), 0o600); err != nil {
			t.Fatal(err)
		}
		diff := lineDiff("f", "f", a, b)
		if diff == "" {
			return
		}
		c := exec.Command(patch, "--fuzz=0", "--posix", "-s", file)
		c.Stdin = strings.NewReader(diff)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s\n%s", err, out, diff)
		}
		got, _ := os.ReadFile(file) // an empty result is no file
		if string(got) != b && !(len(got) == 0 && b == "\n") {
			t.Errorf("patched to %q, want %q\n%s", got, b, diff)
		}
	})
}
