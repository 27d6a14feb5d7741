package plan

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/internal/diag"
)

var update = flag.Bool("update", false, "rewrite what the bad plans are wanted to say")

const lintdata = "../lint/testdata"

// TestBad reads every tiny bad plan and compares what is said about it, line by line.
func TestBad(t *testing.T) {
	t.Parallel()
	for _, code := range codes(t, ".", "../../runbooks") {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(lintdata, "bad", string(code)+".txtar")
			b := readBundle(t, file)
			p, problems := Load(withBase(t, b).fsys())
			var got strings.Builder
			raised := false
			for _, problem := range problems.Sorted() {
				got.WriteString(problem.String() + "\n")
				raised = raised || problem.Code == code
				inside(t, p, problem)
			}
			if *update {
				b.set(wantFile, got.String())
				if err := os.WriteFile(file, b.bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(b.files[wantFile], got.String()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if !raised {
				t.Errorf("no problem has the code %s:\n%s", code, rendered(p, &problems))
			}
		})
	}
}

// withBase puts the files of a bad plan over those of the base its first line names.
func withBase(t testing.TB, b *bundle) *bundle {
	t.Helper()
	first, _, _ := strings.Cut(b.comment, "\n")
	name, ok := strings.CutPrefix(first, "base: ")
	if !ok {
		return b
	}
	whole := readBundle(t, filepath.Join(lintdata, "base", name+".txtar"))
	for _, name := range b.names {
		whole.set(name, b.files[name])
	}
	return whole
}

// codes lists the diag.Code constants of packages.
func codes(t *testing.T, dirs ...string) []diag.Code {
	t.Helper()
	var out []diag.Code
	for _, dir := range dirs {
		src, err := os.ReadFile(filepath.Join(dir, "codes.go"))
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), "codes.go", src, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.BasicLit); ok && v.Kind == token.STRING {
				if s, err := strconv.Unquote(v.Value); err == nil && !strings.Contains(s, "/") {
					out = append(out, diag.Code(s))
				}
			}
			return true
		})
	}
	return out
}
