package layers

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// source is one Go file of the module.
type source struct {
	path  string // relative to the root
	pkg   string // directory
	test  bool
	file  *ast.File
	lines int
}

var fset = token.NewFileSet()

func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, path, src, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		out = append(out, source{rel, filepath.ToSlash(filepath.Dir(rel)), strings.HasSuffix(rel, "_test.go"), f, bytes.Count(src, []byte("\n"))})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 100 {
		t.Fatalf("found only %d Go files below %s: is the test in the right place?", len(out), root)
	}
	return out
}

func imports(s source) []string {
	var out []string
	for _, i := range s.file.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		out = append(out, p)
	}
	return out
}

func TestImports(t *testing.T) {
	t.Parallel()
	above := map[string][]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		allowed, known := may[s.pkg]
		if !known {
			t.Errorf("%s: package %s is not in the table", s.path, s.pkg)
			continue
		}
		for _, imp := range imports(s) {
			if slices.Contains(pure, s.pkg) && slices.Contains(notInPure, imp) {
				t.Errorf("%s imports %s: pure packages know no clock, disk, network or database", s.path, imp)
			}
			target, ours := strings.CutPrefix(imp, module)
			if !ours {
				continue
			}
			zero := slices.Contains(layerZero, target)
			if zero && slices.Contains(pure, s.pkg) && (strings.HasSuffix(target, "dial") || target == "internal/alarm") {
				t.Errorf("%s imports %s: pure packages neither dial nor wait", s.path, target)
			}
			if zero && !slices.Contains(layerZero, s.pkg) {
				continue
			}
			if !slices.Contains(allowed, target) && !slices.Contains(allowed, any) {
				t.Errorf("%s imports %s, which the table does not allow", s.path, target)
			}
			if !zero && !slices.Contains(above[s.pkg], target) {
				above[s.pkg] = append(above[s.pkg], target)
			}
		}
	}
	for pkg, list := range above {
		if len(list) > maxImports && !slices.Contains(may[pkg], any) && wide[pkg] == "" {
			t.Errorf("%s imports %d packages of the module (%s); at most %d", pkg, len(list), strings.Join(list, ", "), maxImports)
		}
	}
}

func TestPureHaveNoClock(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test || !slices.Contains(pure, s.pkg) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "NewTimer", "Tick"}, sel.Sel.Name) {
				t.Errorf("%s: time.%s in a pure package", fset.Position(n.Pos()), sel.Sel.Name)
			}
			return true
		})
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		limit := maxFile
		if s.test {
			limit = maxTestFile
		} else if longFiles[s.path] != "" {
			limit = 600
		}
		if s.lines > limit {
			t.Errorf("%s has %d lines; at most %d", s.path, s.lines, limit)
		}
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			name := fmt.Sprintf("%s:%s", s.path, f.Name.Name)
			most := maxFunc
			if longFuncs[name] != "" {
				most = maxFuncHard
			}
			if n := fset.Position(f.End()).Line - fset.Position(f.Pos()).Line + 1; n > most {
				t.Errorf("%s has %d lines; at most %d", name, n, most)
			}
			if n := f.Type.Params.NumFields(); n > maxParams {
				t.Errorf("%s takes %d parameters; at most %d", name, n, maxParams)
			}
		}
	}
}

func TestEveryPackageSaysWhatItAnswers(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for _, s := range sources(t) {
		if s.file.Doc != nil && !s.test {
			said[s.pkg] = true
		} else if _, ok := said[s.pkg]; !ok && !s.test {
			said[s.pkg] = false
		}
	}
	for pkg, ok := range said {
		if !ok {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}

// TestNoEmptyRows keeps the table honest: a package listed and gone is taken out of it.
func TestNoEmptyRows(t *testing.T) {
	t.Parallel()
	for pkg := range may {
		if _, err := os.Stat(filepath.Join(root, pkg)); err != nil {
			t.Errorf("the table lists %s, which does not exist", pkg)
		}
	}
}
