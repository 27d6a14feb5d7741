package csvdoc

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"skift/internal/diag"
)

// FuzzParse holds for any bytes that nothing panics, that every problem lies
// inside the file, and that what is accepted reads the same after it is
// written anew.
func FuzzParse(f *testing.F) {
	for _, src := range seeds(f) {
		f.Add(src)
	}
	want := Columns{Required: []string{"a", "b"}, Optional: []string{"c"}}
	f.Fuzz(func(t *testing.T, src []byte) {
		var list diag.List
		table, ok := Parse("f.csv", src, want, &list)
		if !ok && list.Errors() == 0 {
			t.Fatal("refused without a word")
		}
		rows := cells(table)
		for _, p := range list.Sorted() {
			inside(t, src, p.Pos)
			for _, note := range p.Related {
				inside(t, src, note.Pos)
			}
		}
		if !ok || list.Errors() > 0 {
			return
		}
		var out bytes.Buffer
		for _, row := range slices.Concat([][]string{table.header}, rows) {
			for i, c := range row {
				if i > 0 {
					out.WriteByte(',')
				}
				out.WriteString(`"` + strings.ReplaceAll(c, `"`, `""`) + `"`)
			}
			out.WriteByte('\n')
		}
		again, ok := Parse("f.csv", out.Bytes(), want, &list)
		if back := cells(again); !ok || list.Errors() > 0 || !slices.EqualFunc(rows, back, slices.Equal) {
			t.Errorf("%q\nwritten as %q\nreads %q (%v)", rows, out.Bytes(), back, list.Err())
		}
	})
}

// FuzzParseLayout holds for any table that reads without problems that a cell written in its place is read there, and every other as it was.
func FuzzParseLayout(f *testing.F) {
	for _, src := range seeds(f) {
		f.Add(src)
	}
	want := Columns{Required: []string{"a", "b"}, Optional: []string{"c"}}
	f.Fuzz(func(t *testing.T, src []byte) {
		var list diag.List
		table, ok := Parse("f.csv", src, want, &list)
		rows := cells(table)
		l, err := ParseLayout("f.csv", src)
		if !ok || list.Errors() > 0 || len(rows) == 0 {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"x", `say "x", y; z`} {
			written := l.Set(len(rows), []Cell{{"b", text}})
			again, ok := Parse("f.csv", written, want, &list)
			expect := slices.Clone(rows)
			last := slices.Clone(rows[len(rows)-1])
			last[slices.Index(table.header, "b")] = text
			expect[len(rows)-1] = last
			if back := cells(again); !ok || list.Errors() > 0 || !slices.EqualFunc(expect, back, slices.Equal) {
				t.Errorf("%q\nwritten as %q\nreads %q, want %q (%v)", src, written, back, expect, list.Err())
			}
		}
	})
}

func seeds(f *testing.F) (out [][]byte) {
	names, err := filepath.Glob("testdata/seeds/*.csv")
	if err != nil || len(names) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		out = append(out, src)
	}
	return out
}

func cells(t *Table) (rows [][]string) {
	t.Each(func(r Row) {
		var row []string
		for _, c := range r.cells {
			row = append(row, c.text)
		}
		r.Str("a")
		rows = append(rows, row)
	})
	return rows
}

func inside(t *testing.T, src []byte, p diag.Pos) {
	t.Helper()
	lines := bytes.Split(bytes.TrimPrefix(src, []byte("\ufeff")), []byte("\n"))
	if len(lines) > 1 && len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	if p.File != "f.csv" || p.Line < 1 || p.Line > len(lines) || p.Col < 1 || p.Col > utf8.RuneCount(lines[p.Line-1])+1 {
		t.Errorf("%v lies outside of a file of %d lines", p, len(lines))
	}
}
