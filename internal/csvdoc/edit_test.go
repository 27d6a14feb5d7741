package csvdoc

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/internal/diag"
)

// A row is written in its place: separators, quotes, line ends and everything else stay.
func TestSet(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ src, want string }{
		"there":       {"a,b\n1,2\n3,4\n", "a,b\n1,2\n3,x y\n"},
		"semicolons":  {"a;b;c\r\n1;2;3\r\n3;\"4;5\"  ;6\r\n", "a;b;c\r\n1;2;3\r\n3;x y  ;6\r\n"},
		"no line end": {"\ufeffa,b\n\n1,2\n 3 , 4", "\ufeffa,b\n\n1,2\n 3 , x y"},
		"not there":   {"a,c\n1,2\n3,4 \n", "a,c,b\n1,2,\n3,4,x y \n"},
		"two lines":   {"a,b\n\"1\n\",2\n3,\"4\"\"\"\n", "a,b\n\"1\n\",2\n3,x y\n"},
	} {
		l, err := ParseLayout("f.csv", []byte(tt.src))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tt.want, string(l.Set(2, []Cell{{"b", "x y"}}))); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	l, err := ParseLayout("f.csv", []byte("a,b\n1,2\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(l.Set(1, []Cell{{"a", `say "x", y`}, {"b", ""}, {"c", " z"}})); got != "a,b,c\n\"say \"\"x\"\", y\",,\" z\"\n" {
		t.Errorf("%q", got)
	}
	if row, column, ok := l.Find(diag.Pos{File: "f.csv", Line: 2, Col: 3}); row != 1 || column != "b" || !ok || l.Text(1, "b") != "2" || l.Text(1, "c") != "" {
		t.Errorf("found %d %q %v", row, column, ok)
	}
	if _, _, ok := l.Find(diag.Pos{File: "f.csv", Line: 1, Col: 1}); ok {
		t.Error("a header is no row")
	}
	for _, bad := range []string{"", "a\n\"1", "a\n1\"2\n"} {
		if _, err := ParseLayout("f.csv", []byte(bad)); err == nil {
			t.Errorf("%q has cells", bad)
		}
	}
}
