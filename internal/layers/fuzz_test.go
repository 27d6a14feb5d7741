package layers

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// parses is the name of a function that reads what somebody wrote.
var parses = regexp.MustCompile(`^(Parse|Read|Import|Load)([A-Z]|$)`)

// unfuzzed are the parsers that no fuzz target calls, each with the reason. Those that are not exported belong to one that is.
var unfuzzed = map[string]string{
	"internal/diag.ReadSource":  "called by every parser of a file, and so by their targets",
	"internal/sshdial.ParseKey": "the library's; the text is our own secret",
	"internal/words.ParseLang":  "two words",
	"internal/app.Read":         "a directory: plan.Load and config.Read, which have targets",
	"internal/app.ReadAs":       "as app.Read",
	"internal/app.Load":         "as Read",
}

// Whatever reads bytes of others is fuzzed: a function named like a parser that takes text is called by a fuzz target of its
// package, or stands above with the reason.
func TestEveryParserIsFuzzed(t *testing.T) {
	t.Parallel()
	called := map[string]map[string]bool{} // package → what its fuzz targets call
	var parsers []string
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			switch {
			case !ok || f.Recv != nil || f.Body == nil:
			case s.test && strings.HasPrefix(f.Name.Name, "Fuzz"):
				if called[s.pkg] == nil {
					called[s.pkg] = map[string]bool{}
				}
				ast.Inspect(f.Body, func(n ast.Node) bool {
					if i, ok := n.(*ast.Ident); ok {
						called[s.pkg][i.Name] = true
					}
					return true
				})
			case !s.test && parses.MatchString(f.Name.Name) && takesText(f):
				parsers = append(parsers, s.pkg+"."+f.Name.Name)
			}
		}
	}
	for _, p := range parsers {
		pkg, name := p[:strings.LastIndex(p, ".")], p[strings.LastIndex(p, ".")+1:]
		if testOnly(pkg) {
			continue
		}
		if !called[pkg][name] && unfuzzed[p] == "" {
			t.Errorf("%s reads text and no fuzz target calls it", p)
		}
	}
	for p := range unfuzzed {
		if !slices.Contains(parsers, p) {
			t.Errorf("%s is listed and is no parser", p)
		}
	}
}

// testOnly reports whether a package is imported by tests only, or is a tool of them.
func testOnly(pkg string) bool {
	return slices.Contains([]string{"internal/sim", "internal/storetest", "internal/need", "internal/figure", "internal/netlab", "internal/layers", "internal/mutants"}, pkg)
}

// takesText reports whether a function takes a string, bytes, a reader or a directory.
func takesText(f *ast.FuncDecl) bool {
	return slices.ContainsFunc(f.Type.Params.List, func(p *ast.Field) bool {
		switch x := p.Type.(type) {
		case *ast.Ident:
			return x.Name == "string"
		case *ast.ArrayType:
			return true
		case *ast.SelectorExpr:
			return slices.Contains([]string{"Reader", "FS"}, x.Sel.Name)
		}
		return false
	})
}

// A fuzz target without a seed learns nothing in `go test`, and little elsewhere; a folder of seeds that is empty hides that.
func TestFuzzTargetsHaveSeeds(t *testing.T) {
	t.Parallel()
	targets := map[string]bool{}
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !s.test || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			folder := filepath.Join(root, s.pkg, "testdata", "fuzz", f.Name.Name)
			targets[folder] = true
			if !adds(f) && entries(folder) == 0 {
				t.Errorf("%s has no seed", fmt.Sprintf("%s: %s", s.path, f.Name.Name))
			}
		}
	}
	folders, err := filepath.Glob(filepath.Join(root, "*", "testdata", "fuzz", "*"))
	for _, deeper := range []string{"*/*", "*/*/*"} {
		more, err2 := filepath.Glob(filepath.Join(root, deeper, "testdata", "fuzz", "*"))
		if folders = append(folders, more...); err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
	}
	for _, folder := range folders {
		switch {
		case !targets[folder]:
			t.Errorf("%s holds the seeds of no target", folder)
		case entries(folder) == 0:
			t.Errorf("%s is empty", folder)
		}
	}
}

// adds reports whether a target gives a seed by f.Add.
func adds(f *ast.FuncDecl) (found bool) {
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Add" {
			found = true
		}
		return true
	})
	return found
}

func entries(folder string) int {
	list, err := os.ReadDir(folder)
	if err != nil {
		return 0
	}
	return len(list)
}
