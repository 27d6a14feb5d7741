package lint

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"skift/config"
	"skift/internal/diag"
	"skift/internal/plan"
)

var update = flag.Bool("update", false, "rewrite what the bad files are wanted to say")

const root = "../.."

// badNow is when the tiny bad plans are looked at: six weeks before their night.
var badNow = time.Date(2029, 12, 1, 12, 0, 0, 0, time.UTC)

// declared is one diag.Code constant of the program.
type declared struct {
	code diag.Code
	pkg  string // directory
	pos  token.Position
}

// codes lists every constant of type diag.Code in the module's own source.
func codes(t *testing.T) []declared {
	t.Helper()
	var out []declared
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && path != root && (strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata") {
			return fs.SkipDir
		}
		if e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && isCode(v.Type) {
				for _, value := range v.Values {
					if lit, ok := value.(*ast.BasicLit); ok {
						text, _ := strconv.Unquote(lit.Value)
						rel, _ := filepath.Rel(root, filepath.Dir(path))
						out = append(out, declared{diag.Code(text), filepath.ToSlash(rel), fset.Position(lit.Pos())})
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 120 {
		t.Fatalf("found only %d codes below %s: is the test in the right place?", len(out), root)
	}
	return out
}

// isCode reports whether a constant's type is written diag.Code, or Code inside package diag.
func isCode(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.SelectorExpr:
		pkg, ok := x.X.(*ast.Ident)
		return ok && pkg.Name == "diag" && x.Sel.Name == "Code"
	case *ast.Ident:
		return x.Name == "Code"
	}
	return false
}

// TestEveryCodeHasABadFile finds every code of the program and reads its tiny bad file, which must raise it and say exactly what it
// is wanted to say.
func TestEveryCodeHasABadFile(t *testing.T) {
	t.Parallel()
	seen := map[diag.Code]bool{}
	for _, d := range codes(t) {
		if d.pkg == "checks" && !strings.HasPrefix(filepath.Base(d.pos.Filename), "kinds") {
			continue // package checks has outcome codes of its own, also called Code
		}
		if seen[d.code] {
			continue
		}
		seen[d.code] = true
		t.Run(string(d.code), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join("testdata/bad", string(d.code)+".txtar")
			if _, err := os.Stat(file); err != nil {
				t.Fatalf("%s: nothing shows %q: write %s", d.pos, d.code, file)
			}
			testBad(t, file, d)
		})
	}
	entries, err := os.ReadDir("testdata/bad")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !seen[diag.Code(strings.TrimSuffix(e.Name(), ".txtar"))] {
			t.Errorf("testdata/bad/%s shows a code that no package declares", e.Name())
		}
	}
}

func testBad(t *testing.T, file string, d declared) {
	a := readArchive(t, file)
	files := a.files(t)
	p, problems := plan.Load(files)
	if src, ok := files[config.File]; ok {
		config.Read(src.Data, &problems)
	}
	if d.pkg == "internal/lint" {
		if problems.Err() != nil {
			t.Fatalf("the file is not read, so nothing is looked for in it:\n%s", lines(problems.Sorted()))
		}
		Check(p, Known{Now: badNow}, &problems)
	}
	got := lines(problems.Sorted())
	if *update {
		a.set("want", got)
		if err := os.WriteFile(file, txtar.Format(&a.Archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(a.get("want"), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
	if !slices.ContainsFunc(problems.Sorted(), func(p diag.Problem) bool { return p.Code == d.code }) {
		t.Errorf("%s raises no %s:\n%s", file, d.code, got)
	}
	a.keptSecret(t, files, problems.Sorted())
	for _, problem := range problems.Sorted() {
		for _, pos := range append([]diag.Pos{problem.Pos}, related(problem)...) {
			inside(t, files, pos, problem)
		}
	}
}

// keptSecret demands that what a person sees of the problems repeats no secret that the archive's comment names.
func (a *archive) keptSecret(t *testing.T, files fstest.MapFS, problems []diag.Problem) {
	t.Helper()
	var shown strings.Builder
	err := diag.Render(&shown, problems, func(file string) []byte {
		if f := files[file]; f != nil {
			return f.Data
		}
		return nil
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(a.Comment)) {
		if secret, ok := strings.CutPrefix(strings.TrimSpace(line), "secret: "); ok && strings.Contains(shown.String(), secret) {
			t.Errorf("the secret is repeated:\n%s", shown.String())
		}
	}
}

func related(p diag.Problem) []diag.Pos {
	var out []diag.Pos
	for _, n := range p.Related {
		out = append(out, n.Pos)
	}
	return out
}

// inside demands a place inside a file there is; only a file that cannot be read may be named alone.
func inside(t *testing.T, files fstest.MapFS, pos diag.Pos, p diag.Problem) {
	t.Helper()
	if pos.File == "" {
		t.Errorf("%s: names no place", p)
	}
	src := files[pos.File]
	if src == nil || pos.Line == 0 || strings.HasPrefix(pos.File, "standard:") {
		return
	}
	if at := diag.Inside(src.Data, pos); at != pos {
		t.Errorf("%s: %s lies outside the file", p, pos)
	}
}

// lines writes problems as they are compared.
func lines(problems []diag.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}

// archive is a plan directory in one text file. Its comment may name a base whose files lie below its own, and repeat text
// at the end of a file, and name secrets that must not be shown; a file called "edit NAME" replaces text in NAME: each line "< old" by the lines "> new" after it.
type archive struct{ txtar.Archive }

func readArchive(t *testing.T, file string) *archive {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return &archive{*a}
}

func (a *archive) get(name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func (a *archive) set(name, data string) {
	for i, f := range a.Files {
		if f.Name == name {
			a.Files[i].Data = []byte(data)
			return
		}
	}
	a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(data)})
}

// files is the plan directory the archive describes.
func (a *archive) files(t *testing.T) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	for line := range strings.Lines(string(a.Comment)) {
		if base, ok := strings.CutPrefix(strings.TrimSpace(line), "base: "); ok {
			maps.Copy(out, readArchive(t, filepath.Join("testdata/base", base+".txtar")).files(t))
		}
	}
	for _, f := range a.Files {
		edited, edits := strings.CutPrefix(f.Name, "edit ")
		switch {
		case f.Name == "want":
		case edits:
			out[edited] = &fstest.MapFile{Data: []byte(edit(t, string(out[edited].Data), string(f.Data)))}
		default:
			out[f.Name] = &fstest.MapFile{Data: slices.Clone(f.Data)}
		}
	}
	for line := range strings.Lines(string(a.Comment)) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "repeat: ")
		if !ok {
			continue
		}
		part := strings.SplitN(rest, " ", 3)
		n, err := strconv.Atoi(part[1])
		text, err2 := strconv.Unquote(part[2])
		if err != nil || err2 != nil {
			t.Fatalf("bad line %q", line)
		}
		f := out[part[0]]
		f.Data = append(f.Data, strings.Repeat(text, n)...)
	}
	return out
}

func edit(t *testing.T, src, script string) string {
	t.Helper()
	old, replacement := "", []string(nil)
	flush := func() {
		if old == "" {
			return
		}
		if strings.Count(src, old) == 0 {
			t.Fatalf("%q does not stand in the file", old)
		}
		src = strings.Replace(src, old, strings.Join(replacement, "\n"), 1)
	}
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "< "):
			flush()
			old, replacement = line[2:], nil
		case strings.HasPrefix(line, "> "):
			replacement = append(replacement, line[2:])
		default:
			t.Fatalf("bad line %q in an edit", line)
		}
	}
	flush()
	return src
}
