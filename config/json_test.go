package config_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the tables of docs/json.md anew")

// The tables of docs/json.md are made from the types that are printed and from the comments beside their fields, so that the contract
// changes only together with the code, and in sight of whoever changes it.

const tablesBegin = "<!-- The tables below are made from the code: go test ./config -run JSON -update -->\n"

// jsonRoots are the types the commands print, in the order of the document.
var jsonRoots = []string{
	"cli.validated",
	"cli.planned",
	"cli.duty",
	"api.CheckReply",
	"api.ExplainReply",
	"cli.codeMeans",
	"cli.certificates",
	"cli.judged",
	"cli.scheduled",
	"cli.frozen",
	"freeze.Calendar",
	"cli.incidents",
	"api.HistoryReply",
	"snapshot.FlowRegister",
	"snapshot.Run",
	"snapshot.Drift",
	"cli.shownBook",
	"cli.adopted",
	"api.WhatIfReply",
	"cli.handover",
	"gate.Judgement",
	"snapshot.Snapshot",
	"api.ReportReply",
	"api.ExportReply",
	"api.ImportReply",
	"api.ObserveReply",
	"cli.verified",
	"cli.movedPlan",
	"health.Report",
	"cli.calendarFile",
	"cli.validated", "cli.planned", "cli.duty", "api.CheckReply", "api.ExplainReply", "cli.codeMeans", "cli.certificates", "cli.judged", "cli.scheduled", "cli.frozen", "freeze.Calendar", "cli.drifted", "api.HistoryReply", "snapshot.FlowRegister", "snapshot.Run", "snapshot.Drift", "cli.shownBook", "cli.adopted", "api.WhatIfReply", "cli.handover", "gate.Judgement", "snapshot.Snapshot",
	"api.ReportReply", "api.ExportReply", "api.ImportReply", "api.ObserveReply", "cli.verified",
	"health.Report", "app.Readiness",
	"cli.movedPlan", "api.ReloadReply",
}

// plain are types that have a form of their own in JSON.
var plain = map[string]string{
	"time.Time": "instant", "time.Duration": "nanoseconds", "json.RawMessage": "any", "yamldoc.Text": "text", "diag.Severity": "string",
	"journal.Head": "head", "netip.Addr": "string", "diag.Note": "note", "byte": "byte", "string": "string", "bool": "boolean", "int": "number", "int64": "number", "float64": "number",
}

func TestJSONContract(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "docs", "json.md")
	doc := document(t, "json.md")
	head, _, ok := strings.Cut(doc, tablesBegin)
	if !ok {
		t.Fatal("docs/json.md has lost its mark")
	}
	s := &shapes{t: t, types: map[string]*ast.StructType{}, words: map[string]string{}, docs: map[string]string{}, done: map[string]bool{}}
	for _, root := range jsonRoots {
		s.write(root)
	}
	want := head + tablesBegin + s.out.String()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(contract(want), contract(doc)); d != "" {
		t.Errorf("docs/json.md is not what is printed (-code +document); go test ./config -run JSON -update, and say so in the change log:\n%s", d)
	}
}

var contractLine = regexp.MustCompile("(?m)^(?:### `[^`]+`|\\| `[^`]+` \\| [^|]+ \\|)")

// contract is what a reader can rely on: types, fields and their kinds. The sentences beside them may be behind the code's.
func contract(doc string) []string { return contractLine.FindAllString(doc, -1) }

// shapes walks struct types in source files.
type shapes struct {
	t     *testing.T
	types map[string]*ast.StructType // "snapshot.Run"
	words map[string]string          // named types that are no struct: "run.State" → "string"
	docs  map[string]string
	done  map[string]bool
	out   strings.Builder
}

// parse reads a package once.
func (s *shapes) parse(pkg string) {
	if s.done["package "+pkg] {
		return
	}
	s.done["package "+pkg] = true
	dir := filepath.Join("..", "internal", pkg)
	if _, err := os.Stat(dir); err != nil {
		dir = filepath.Join("..", pkg)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		s.t.Fatalf("there is no package %s (%v)", pkg, err)
	}
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				if ts, ok := spec.(*ast.TypeSpec); ok {
					s.keep(pkg+"."+ts.Name.Name, ts, g)
				}
			}
		}
	}
}

func (s *shapes) keep(name string, ts *ast.TypeSpec, g *ast.GenDecl) {
	switch x := ts.Type.(type) {
	case *ast.StructType:
		s.types[name] = x
	case *ast.Ident:
		s.words[name] = x.Name
	}
	text := g.Doc.Text()
	if ts.Doc != nil {
		text = ts.Doc.Text()
	}
	// The first sentence, without the name it begins with: every comment here is "Name is what …".
	text = strings.Join(strings.Fields(text), " ")
	text, _, _ = strings.Cut(text, ". ")
	for _, verb := range []string{" is ", " are ", " says "} {
		text = strings.TrimPrefix(text, ts.Name.Name+strings.TrimRight(verb, " ")+" ")
	}
	s.docs[name] = strings.TrimSuffix(text, ".")
}

// write writes a type's table and then those of the types it holds.
func (s *shapes) write(name string) {
	if s.done[name] {
		return
	}
	s.done[name] = true
	s.parse(path.Base(strings.SplitN(name, ".", 2)[0]))
	st := s.types[name]
	if st == nil {
		s.t.Fatalf("there is no struct %s", name)
	}
	var next []string
	fmt.Fprintf(&s.out, "\n### `%s`\n\n%s.\n\n| field | type | meaning |\n|---|---|---|\n", name, capital(s.docs[name]))
	s.rows(name, st, &next)
	for _, n := range next {
		s.write(n)
	}
}

func (s *shapes) rows(name string, st *ast.StructType, next *[]string) {
	pkg, _, _ := strings.Cut(name, ".")
	for _, f := range st.Fields.List {
		tag := ""
		if f.Tag != nil {
			text, _ := strconv.Unquote(f.Tag.Value)
			tag = reflect.StructTag(text).Get("json")
		}
		key, options, _ := strings.Cut(tag, ",")
		if len(f.Names) == 0 && key == "" { // embedded: its fields stand beside the others
			of := s.name(pkg, f.Type)
			s.parse(strings.SplitN(of, ".", 2)[0])
			s.rows(of, s.types[of], next)
			continue
		}
		if key == "-" || len(f.Names) > 0 && !f.Names[0].IsExported() {
			continue
		}
		if key == "" {
			key = f.Names[0].Name
		}
		meaning := f.Comment.Text()
		if meaning == "" {
			meaning = f.Doc.Text()
		}
		kind := s.kind(pkg, f.Type, next)
		if strings.Contains(options, "omit") {
			kind += ", may be missing"
		}
		fmt.Fprintf(&s.out, "| `%s` | %s | %s |\n", key, kind, strings.ReplaceAll(strings.Join(strings.Fields(meaning), " "), "|", `\|`))
	}
}

// name is a type's name with its package.
func (s *shapes) name(pkg string, x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		if _, ok := plain[x.Name]; ok {
			return x.Name
		}
		return pkg + "." + x.Name
	case *ast.SelectorExpr:
		return x.X.(*ast.Ident).Name + "." + x.Sel.Name
	case *ast.StarExpr:
		return s.name(pkg, x.X)
	}
	s.t.Fatalf("a field of type %T cannot be described", x)
	return ""
}

// kind says what a type is in JSON.
func (s *shapes) kind(pkg string, x ast.Expr, next *[]string) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return s.kind(pkg, x.X, next)
	case *ast.ArrayType:
		if of := s.kind(pkg, x.Elt, next); of != "byte" {
			return "list of " + of
		}
		return "bytes"
	case *ast.MapType:
		return "map of " + s.kind(pkg, x.Key, next) + " to " + s.kind(pkg, x.Value, next)
	}
	name := s.name(pkg, x)
	if k, ok := plain[name]; ok {
		return k
	}
	s.parse(strings.SplitN(name, ".", 2)[0])
	if of, ok := s.words[name]; ok {
		return plain[of]
	}
	*next = append(*next, name)
	return "`" + name + "`"
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
