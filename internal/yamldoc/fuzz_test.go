package yamldoc

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"skift/internal/diag"
)

// FuzzParse holds three promises for any bytes: nothing panics, a refusal says
// why, and every problem lies inside the file.
func FuzzParse(f *testing.F) {
	seeds, err := filepath.Glob("testdata/seeds/*.yaml")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range seeds {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		var list diag.List
		n, ok := Parse("f.yaml", src, &list)
		if !ok && list.Errors() == 0 {
			t.Fatal("refused without a word")
		}
		visit(n, 0)
		for _, p := range list.Sorted() {
			inside(t, src, p.Pos)
			for _, note := range p.Related {
				inside(t, src, note.Pos)
			}
			if p.Message == "" || p.Code == "" {
				t.Errorf("a problem without message or code: %+v", p)
			}
		}
	})
}

// visit reads a node in every way there is.
func visit(n Node, depth int) {
	n.Str()
	n.Word()
	n.ID()
	n.Int(0, 10)
	n.Bool()
	n.Duration()
	n.Percent()
	n.OneOf("a", "b")
	n.Text()
	n.Prose()
	n.Raw()
	_ = n.Path()
	if n.Kind() == KindList {
		items, _ := n.Seq()
		for _, item := range items {
			visit(item, depth+1)
		}
	}
	if n.Kind() == KindMap {
		m := n.Map()
		m.Strings("a")
		m.OptWords("b")
		m.ExactlyOne("a", "b")
		m.Done()
		m.EachID(func(_ string, n Node) { visit(n, depth+1) })
	}
}

func inside(t *testing.T, src []byte, p diag.Pos) {
	t.Helper()
	lines := bytes.Split(bytes.TrimPrefix(src, []byte("\ufeff")), []byte("\n"))
	if len(lines) > 1 && len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	if p.File != "f.yaml" || p.Line < 1 || p.Line > len(lines) || p.Col < 1 || p.Col > utf8.RuneCount(lines[p.Line-1])+1 {
		t.Errorf("%v lies outside of a file of %d lines", p, len(lines))
	}
}
