package yamldoc

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"skift/internal/diag"
)

// only parses src and gives its one problem.
func only(t *testing.T, src string) (diag.Problem, bool) {
	t.Helper()
	var list diag.List
	_, ok := Parse("f.yaml", []byte(src), &list)
	problems := list.Sorted()
	if len(problems) != 1 {
		t.Fatalf("%.80q: got %d problems, want 1: %.500s", src, len(problems), problems)
	}
	return problems[0], ok
}

// A file that cannot be read says one thing: what, where, and what to do.
func TestParseRefusesTheFile(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, src, want, code, hint string }{
		{"empty", "", "f.yaml:1:1: the file is empty", "empty-file", ""},
		{"comment only", "# nothing\n", "f.yaml:1:1: the file is empty", "empty-file", ""},
		{"null", "~\n", "f.yaml:1:1: the file is empty", "empty-file", ""},
		{"null after a marker", "---\n", "f.yaml:1:1: the file is empty", "empty-file", ""},
		{"second document", "a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins here; a file holds one", "second-document", "---"},
		{"second empty document", "a: 1\n---\n", "f.yaml:2:1: a second document begins here; a file holds one", "second-document", "---"},
		{"broken second document", "a: 1\n---\nb: c: d\n", "f.yaml:3:5: a colon is not expected here", "yaml-syntax", "quotes"},
		{"NUL", "a: 1\x00\n", `f.yaml:1:5: '\x00' is a control character`, "control-character", "remove it"},
		{"bidi", "a: x\u202ey\n", `f.yaml:1:5: '\u202e' is a control character`, "control-character", "remove it"},
		{"line separator", "a: x\u2028b: y\n", `f.yaml:1:5: '\u2028' is a control character`, "control-character", "remove it"},
		{"lone CR", "a: x\rb: y\n", `f.yaml:1:5: '\r' is a control character`, "control-character", "remove it"},
		{"not UTF-8", "æ: 1\nb: \xe6\n", "f.yaml:2:4: byte 0xe6 is not UTF-8", "not-utf-8", "UTF-8"},
		{"UTF-16", "\xff\xfea\x00:\x00", "f.yaml:1:1: byte 0xff is not UTF-8", "not-utf-8", "UTF-8"},
		{"deep flow", strings.Repeat("[", 100), "f.yaml:1:51: " + tooDeep, "too-deep", ""},
		{"deep block", strings.Repeat("- ", 100) + "x", "f.yaml:1:101: " + tooDeep, "too-deep", ""},
		{"colon", "title: Go: no go\n", "f.yaml:1:10: a colon is not expected here", "yaml-syntax", "needs quotes"},
		{"colon after wide text", "titel: æøå 日本: x\n", "f.yaml:1:14: a colon is not expected here", "yaml-syntax", "needs quotes"},
		{"after a BOM", "\ufeffa: b: c\n", "f.yaml:1:5: a colon is not expected here", "yaml-syntax", "needs quotes"},
		{"after CRLF", "a: 1\r\nb: c: d\r\n", "f.yaml:2:5: a colon is not expected here", "yaml-syntax", "needs quotes"},
		{"tab", "a:\n\tb: 1\n", "f.yaml:2:1: a tab is used to indent", "yaml-syntax", "spaces"},
		{"open bracket", "a: [1, 2\nb: 3\n", "f.yaml:2:2: a comma or ] is expected here", "yaml-syntax", "close the list"},
		{"open brace", "a: {x: 1\nb: 3\n", "f.yaml:2:2: a comma or } is expected here", "yaml-syntax", "close the map"},
		{"open brace at the end", "a: {\n\n\n", "f.yaml:3:1: a value is expected here", "yaml-syntax", "bracket"},
		{"open quote", "a: 1\nb: \"open\nc: 3\n", "f.yaml:2:4: this quote is not closed", "yaml-syntax", "close it"},
		{"no colon", "a: 1\nb\nc: 2\n", "f.yaml:3:1: a key is not followed by a colon", "yaml-syntax", "key: value"},
		{"reserved", "a: @x\n", "f.yaml:1:4: this character cannot begin a value", "yaml-syntax", "in quotes"},
		{"key in a list", "- a\nb: c\n", "f.yaml:2:1: a list item beginning with - is expected here", "yaml-syntax", "same column"},
		{"wrong indentation", "a:\n  - b\n c: d\n", "f.yaml:3:2: a key is expected here", "yaml-syntax", "indentation"},
		{"list on the key's line", "a: - b\n", "f.yaml:1:4: a list item cannot stand here", "yaml-syntax", "a line of its own"},
		{"escape", `a: "\q"`, "f.yaml:1:5: this escape is not known", "yaml-syntax", "backslash"},
		{"undefined alias", "a: *x\n", "f.yaml:1:4: aliases are not used here", "yaml-alias", "write the value out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, ok := only(t, tt.src)
			if ok {
				t.Error("was accepted")
			}
			if p.String() != tt.want || string(p.Code) != tt.code || !strings.Contains(p.Hint, tt.hint) {
				t.Errorf("got  %s (%s) hint %q\nwant %s (%s) hint with %q", p, p.Code, p.Hint, tt.want, tt.code, tt.hint)
			}
		})
	}
}

// nested opens block maps and, inside the innermost, flow lists.
func nested(block, flow int) string {
	var b strings.Builder
	for i := range block {
		b.WriteString(strings.Repeat("  ", i) + "k:")
		if i < block-1 {
			b.WriteByte('\n')
		}
	}
	return b.String() + " " + strings.Repeat("[", flow) + strings.Repeat("]", flow)
}

func TestFiftyLevelsAreRead(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		strings.Repeat("[", 50) + strings.Repeat("]", 50),
		strings.Repeat("- ", 50) + "x",
		nested(25, 25),
	} {
		var list diag.List
		if _, ok := Parse("f.yaml", []byte(src), &list); !ok {
			t.Errorf("%.40q…: %v", src, list.Err())
		}
	}
	// Block and flow levels are limited together, though the parser counts them apart.
	p, ok := only(t, nested(26, 25))
	if ok || p.Code != CodeTooDeep || p.Line != 26 {
		t.Errorf("51 levels: %v, %.100s", ok, p)
	}
}

// What YAML allows and a plan does not is reported where it stands, and the
// rest of the file is still read.
func TestParseReportsAndReadsOn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src string
		want      []string
	}{
		{"duplicates", "a: 1\nb: {c: 1, d: 2, c: 3}\na: 2\n", []string{
			`f.yaml:2:17: b: "c" is there twice`, `f.yaml:3:1: "a" is there twice`}},
		{"anchor and alias", "a: &x [1]\nb: [0, *x]\n", []string{
			"f.yaml:1:4: a: anchors (&x) are not used here", "f.yaml:2:8: b[2]: aliases (*x) are not used here"}},
		{"merge key", "a: {<<: {b: 1}}\n", []string{"f.yaml:1:5: a: merge keys (<<) are not used here"}},
		{"quoted <<", "a: {\"<<\": 1}\n", nil},
		{"tags", "a: !!str 1\nb: [!x 1]\nc: ! 2\n", []string{
			"f.yaml:1:4: a: tags (!!str) are not used here", "f.yaml:2:5: b[1]: tags (!x) are not used here",
			"f.yaml:3:4: c: tags (!) are not used here"}},
		{"root tag", "!!map {a: 1}\n", []string{"f.yaml:1:1: tags (!!map) are not used here"}},
		{"keys", "1: a\ntrue: b\nnull: c\n1.5: d\n[x]: e\n{y: z}: f\n\"\": g\n? \n: h\n", []string{
			"f.yaml:1:1: the key 1 is not text", "f.yaml:2:1: the key true is not text",
			"f.yaml:3:1: the key null is not text", "f.yaml:4:1: the key 1.5 is not text",
			"f.yaml:5:1: a key must be a single word or text, not a list or map",
			"f.yaml:6:1: a key must be a single word or text, not a list or map",
			"f.yaml:7:1: a key is empty", "f.yaml:8:2: a key is empty"}},
		{"keys that are text", "2019-06-01: a\non: b\nno: c\n\"1\": d\nå: e\n", nil},
		{"escaped controls", "a: \"\\e[2J\"\nb: \"x\\u202ey\"\n\"c\\n\": 1\n", []string{
			`f.yaml:1:4: a: "\x1b" is a control character`, `f.yaml:2:4: b: "\u202e" is a control character`,
			`f.yaml:3:1: the key contains "\n"`}},
		{"escaped line break and tab", "a: \"x\\n\\ty\"\n", nil},
		{"BOM and CRLF", "\ufeffa: 1\r\nb: 2\r\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var list diag.List
			if _, ok := Parse("f.yaml", []byte(tt.src), &list); !ok {
				t.Error("the file was refused")
			}
			same(t, &list, tt.want)
		})
	}
}

// same compares the first lines of all problems.
func same(t *testing.T, list *diag.List, want []string) {
	t.Helper()
	var got []string
	for _, p := range list.Sorted() {
		got = append(got, p.String())
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestDuplicateNamesBothPlaces(t *testing.T) {
	t.Parallel()
	many := "m:\n" // more keys than are searched from the front
	for i := range 40 {
		many += "  k" + strings.Repeat("x", i) + ": 1\n"
	}
	for _, tt := range []struct{ src, first, second string }{
		{"a: 1\nb: 2\na: 3\n", "f.yaml:1:1", "f.yaml:3:1"},
		{many + "  kxx: 2\n", "f.yaml:4:3", "f.yaml:42:3"},
	} {
		p, _ := only(t, tt.src)
		if p.Pos.String() != tt.second || len(p.Related) != 1 || p.Related[0].Pos.String() != tt.first {
			t.Errorf("got %s and %v, want %s and %s", p.Pos, p.Related, tt.second, tt.first)
		}
	}
}

// Files made to be expensive are refused before they have cost much.
func TestBombsAreRefusedCheaply(t *testing.T) {
	laughs := "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 20; i++ {
		n := string(rune('a' + i))
		laughs += n + ": &" + n + " [" + strings.Repeat("*a0,", 9) + "]\n"
	}
	tests := map[string]struct {
		src  string
		code diag.Code
	}{
		"billion laughs": {laughs, CodeAlias},
		"brackets":       {strings.Repeat("[", 900_000), CodeTooDeep},
		"braces":         {strings.Repeat("{a: ", 450_000), CodeTooDeep},
		"dashes":         {strings.Repeat("- ", 900_000), CodeTooDeep},
		"more brackets":  {strings.Repeat("[", 8<<20), CodeTooMany},
		"a flat list":    {"[" + strings.Repeat("a,", 4<<20-2) + "]", CodeTooMany},
		"a long list":    {strings.Repeat("- a\n", 2<<20), CodeTooMany},
		"too large":      {strings.Repeat("#", 8<<20+1), diag.CodeTooLarge},
		"binary":         {strings.Repeat("\x01", 8<<20), diag.CodeControlCharacter},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			src := []byte(tt.src)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := time.Now()
			var list diag.List
			Parse("f.yaml", src, &list)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			found := false
			for _, p := range list.Sorted() {
				found = found || p.Code == tt.code
			}
			if !found {
				t.Errorf("got %v, want %s", list.Err(), tt.code)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 50<<20 {
				t.Errorf("took %d MB", used>>20)
			}
			// A bomb that goes off takes minutes; a busy machine is only slow.
			if took > 10*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// Values are counted exactly when the estimate let them through: "{a,b}" holds
// five, with the nothings, for three signs.
func TestValuesAreCounted(t *testing.T) {
	t.Parallel()
	var list diag.List
	d := &document{file: "f.yaml", src: []byte("[{a,b},{c,d}]"), problems: &list}
	y, ok := d.load()
	if !ok {
		t.Fatal(list.Err())
	}
	for limit, refused := range map[int]bool{10: true, 11: false} {
		c := checker{document: d, limit: limit}
		c.check(Node{y: y, doc: d}, 1)
		if c.stop != refused {
			t.Errorf("limit %d: counted %d, refused %v", limit, c.count, c.stop)
		}
	}
	same(t, &list, []string{`f.yaml:1:12: [2].d: the file holds more than 10 values`})
}

// What the parser says in its own words is for programmers.
func TestParserNeverReportsItsOwnWords(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"%YAML 3.0\n---\na: 1", "a: ? b", "%FOO x\n---\na: 1", "a: !<x y", "a: >z\n b", "&", "*", "!"} {
		var list diag.List
		Parse("f.yaml", []byte(src), &list)
		for _, p := range list.Sorted() {
			for _, word := range []string{"yaml:", "unmarshal", "libyaml", "go-yaml", "panic"} {
				if strings.Contains(p.Message, word) {
					t.Errorf("%q: %s", src, p)
				}
			}
		}
	}
}

func TestParseBaseline(t *testing.T) {
	t.Parallel()
	var list diag.List
	n, ok := Parse("f.yaml", []byte("a: 1\n"), &list)
	if !ok || list.Len() != 0 || n.Kind() != KindMap {
		t.Fatalf("%v %v", ok, list.Err())
	}
	if n.y.Kind != yaml.MappingNode || n.Path() != "" || n.KeyPos() != n.Pos() {
		t.Errorf("the root is at %s, path %q", n.Pos(), n.Path())
	}
}
