package csvdoc

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/internal/diag"
)

var shifts = Columns{Required: []string{"seat", "from", "person"}, Optional: []string{"note"}}

// read gives every row as "line: cells" and the problems.
func read(src string, want Columns) (rows, problems []string) {
	var list diag.List
	t, _ := Parse("f.csv", []byte(src), want, &list)
	t.Each(func(r Row) {
		line := fmt.Sprint(r.Line(), ":")
		for _, c := range slices.Concat(want.Required, want.Optional) {
			line += " " + r.OptStr(c, "-")
		}
		rows = append(rows, line)
	})
	for _, p := range list.Sorted() {
		problems = append(problems, p.String())
	}
	return rows, problems
}

func TestRows(t *testing.T) {
	t.Parallel()
	want := []string{"2: ibm/operator 2019-11-09 p1 -", "3: sse/operator 2019-11-10 p2 -"}
	for name, src := range map[string]string{
		"commas":         "seat,from,person\nibm/operator,2019-11-09,p1\nsse/operator,2019-11-10,p2\n",
		"semicolons":     "seat;from;person\nibm/operator;2019-11-09;p1\nsse/operator;2019-11-10;p2\n",
		"no last break":  "seat,from,person\nibm/operator,2019-11-09,p1\nsse/operator,2019-11-10,p2",
		"BOM and CRLF":   "\ufeffseat,from,person\r\nibm/operator,2019-11-09,p1\r\nsse/operator,2019-11-10,p2\r\n",
		"other order":    "person,seat,from\np1,ibm/operator,2019-11-09\np2,sse/operator,2019-11-10\n",
		"spaces":         "seat , from,\tperson\n ibm/operator,2019-11-09 ,p1\nsse/operator, 2019-11-10,p2 \n",
		"quotes":         "\"seat\",from,person\n\"ibm/operator\",\"2019-11-09\",p1\nsse/operator,2019-11-10,\"p2\"\n",
		"quotes, spaces": "seat,from,person\n \"ibm/operator\" ,2019-11-09,p1\r\nsse/operator,2019-11-10, \"p2\" \r\n",
		"with notes":     "seat,from,person,note\nibm/operator,2019-11-09,p1,\nsse/operator,2019-11-10,p2,\"\"\n",
		"empty at end":   "seat;from;person\nibm/operator;2019-11-09;p1\nsse/operator;2019-11-10;p2\n;;\n;;\n\n  \n",
	} {
		rows, problems := read(src, shifts)
		if d := cmp.Diff(want, rows); d != "" || len(problems) > 0 {
			t.Errorf("%s: %v\n%s", name, problems, d)
		}
	}
}

func TestCells(t *testing.T) {
	t.Parallel()
	one := Columns{Required: []string{"a", "b"}}
	for src, want := range map[string]string{
		"a,b\n\"x, y\",z\n":         "x, y|z",
		"a;b\n\"x; y\";z, w\n":      "x; y|z, w",
		"a,b\n\"say \"\"hi\"\"\",z": `say "hi"|z`,
		"a,b\n\"\"\"\",z":           `"|z`,
		"a,b\n\" x \",z":            " x |z",
		"a,b\næøå,日本\n":             "æøå|日本",
		"a,b\nx;y,z\n":              "x;y|z",
		"\n\n a,b\n\n\nx,y\n":       "x|y",
	} {
		var list diag.List
		table, ok := Parse("f.csv", []byte(src), one, &list)
		got := ""
		table.Each(func(r Row) { got += r.Str("a") + "|" + r.Str("b") })
		if !ok || got != want || list.Len() > 0 {
			t.Errorf("%q: %q, want %q (%v)", src, got, want, list.Err())
		}
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src string
		rows      int
		want      []string
	}{
		{"empty", "", 0, []string{"f.csv:1:1: the file is empty"}},
		{"blank", " \n\n", 0, []string{"f.csv:1:1: the file is empty"}},
		{"header only", "seat,from,person\n", 0, nil},
		{"unknown and missing", "seta,from,person\nx,y,z\n", 0, []string{
			`f.csv:1:1: unknown column "seta"`, `f.csv:1:1: column "seat" is missing`}},
		{"unknown", "seat,from,person,until\na,b,c,d\n", 1, []string{`f.csv:1:18: unknown column "until"`}},
		{"duplicate", "seat,from,person,from\na,b,c,d\n", 1, []string{`f.csv:1:18: column "from" is there twice`}},
		{"two missing", "seat\n", 0, []string{`f.csv:1:1: column "from" is missing`, `f.csv:1:1: column "person" is missing`}},
		{"unnamed", "seat,from,person,\n", 0, []string{`f.csv:1:18: unknown column ""`}},
		{"tabs", "seat\tfrom\tperson\n", 0, []string{"f.csv:1:1: unknown column \"seat\\tfrom\\tperson\"",
			`f.csv:1:1: column "seat" is missing`, `f.csv:1:1: column "from" is missing`, `f.csv:1:1: column "person" is missing`}},
		{"too few", "seat,from,person\na,b\nc,d,e\nf\n", 1, []string{
			`f.csv:2:1: the row has 2 cells, the header names 3; "person" is the first that is missing`,
			`f.csv:4:1: the row has 1 cell, the header names 3; "from" is the first that is missing`}},
		{"too many", "seat,from,person\na,b,c,d\nc,d,e\n", 1, []string{"f.csv:2:7: the row has 4 cells, the header names 3"}},
		{"bare quote", "seat,from,person\næ,b\"c\"d,e\nc,d,e\n", 1, []string{
			"f.csv:2:4: a quote stands inside a cell that does not begin with one"}},
		{"after the quote", "seat,from,person\n\"a\"x,b,c\nc,d,e\n", 1, []string{"f.csv:2:4: text follows the closing quote"}},
		{"open quote", "seat,from,person\nc,d,e\na,\"b,c\nd,e,f\n", 1, []string{"f.csv:3:3: this quote is not closed"}},
		{"open quote in the header", "seat,\"from\n", 0, []string{"f.csv:1:6: this quote is not closed"}},
		{"bad header quote", "se\"at,from,person\n", 0, []string{
			`f.csv:1:1: unknown column "se\"at"`, `f.csv:1:1: column "seat" is missing`, "f.csv:1:3: a quote stands inside a cell that does not begin with one"}},
		{"NUL", "seat,from,person\na,\x00,c\n", 0, []string{`f.csv:2:3: '\x00' is a control character`}},
		{"Latin-1", "seat,from,person\nb\xf8rge,b,c\n", 0, []string{"f.csv:2:2: byte 0xf8 is not UTF-8"}},
		{"too large", strings.Repeat("x", diag.MaxBytes+1), 0, []string{
			"f.csv:1:1: the file has 8388609 bytes; at most 8388608 (8 MB) are read"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rows, problems := read(tt.src, shifts)
			if d := cmp.Diff(tt.want, problems); d != "" {
				t.Error(d)
			}
			if len(rows) != tt.rows {
				t.Errorf("%d rows, want %d: %v", len(rows), tt.rows, rows)
			}
		})
	}
}

func TestHints(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"":                            "the first line names the columns: seat,from,person",
		"seat,from,person,nite\n":     `did you mean "note"?`,
		"seat,from,person,zzzzz\n":    "known here: note",
		"seat\tfrom\n":                "not with tabs",
		"seat,from,person\na,b,c,d\n": `a cell that contains "," needs quotes`,
		"seat,from,person\na,b\"c,d":  "put the whole cell in quotes",
	} {
		var list diag.List
		table, _ := Parse("f.csv", []byte(src), shifts, &list)
		table.Each(func(Row) {})
		if p := list.Sorted(); !strings.Contains(p[0].Hint, want) {
			t.Errorf("%q: %q, want %q", src, p[0].Hint, want)
		}
	}
}

func TestRowGetters(t *testing.T) {
	t.Parallel()
	columns := Columns{Required: []string{"seat", "n", "role"}, Optional: []string{"note", "extra"}}
	src := "seat,n,role,note\n ibm/operator,7,chair,\"two\nlines\"\n,99,chiar,\nx,,deputy,\n"
	var list diag.List
	table, ok := Parse("f.csv", []byte(src), columns, &list)
	if !ok || table.Has("extra") || !table.Has("note") {
		t.Fatal(list.Err())
	}
	var got []any
	table.Each(func(r Row) {
		got = append(got, r.Line(), r.Word("seat"), r.OptInt("n", -1, 0, 9), r.OneOf("role", "chair", "deputy"),
			r.OptStr("note", "none"), r.OptWord("extra"), r.Pos("role").String(), r.Pos("extra").String())
	})
	at := func(line, col int) diag.Pos { return diag.Pos{File: "f.csv", Line: line, Col: col} }
	want := []any{
		2, diag.Word{Pos: at(2, 2), Path: "seat", Text: "ibm/operator"}, 7, "chair", "none", diag.Word{}, "f.csv:2:17", "f.csv:2:2",
		4, diag.Word{Pos: at(4, 1), Path: "seat"}, -1, "", "none", diag.Word{}, "f.csv:4:5", "f.csv:4:1",
		5, diag.Word{Pos: at(5, 1), Path: "seat", Text: "x"}, -1, "deputy", "none", diag.Word{}, "f.csv:5:4", "f.csv:5:1",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var problems []string
	for _, p := range list.Sorted() {
		problems = append(problems, p.String()+" "+p.Hint)
	}
	wantProblems := []string{
		"f.csv:2:23: note: must be one line ", "f.csv:4:1: seat: is empty ",
		`f.csv:4:2: n: "99" is not a whole number from 0 to 9 `,
		`f.csv:4:5: role: "chiar" is not one of chair, deputy did you mean "chair"?`,
	}
	if d := cmp.Diff(wantProblems, problems); d != "" {
		t.Error(d)
	}
}

func TestRowProblemf(t *testing.T) {
	t.Parallel()
	var list diag.List
	table, _ := Parse("f.csv", []byte("seat,from,person\na,børge,c\n"), shifts, &list)
	table.Each(func(r Row) {
		r.Problemf("from", CodeBadCell, "bad")
		r.Problemf("", CodeBadCell, "the row")
	})
	p := list.Sorted()
	if p[0].String() != "f.csv:2:1: the row" || p[1].String() != "f.csv:2:3: from: bad" || p[1].Width != 5 {
		t.Errorf("%v", p)
	}
}
