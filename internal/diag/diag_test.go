package diag

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	codeA Code = "a"
	codeB Code = "b"
)

func at(line, col int) Pos { return Pos{"plan.yaml", line, col} }

func TestPosString(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Pos{
		"": {}, "plan.yaml": {File: "plan.yaml"}, "plan.yaml:4": at(4, 0), "plan.yaml:4:9": at(4, 9),
	} {
		if got := p.String(); got != want {
			t.Errorf("%#v: %q, want %q", p, got, want)
		}
	}
}

func TestListSortsAndKeepsOnce(t *testing.T) {
	t.Parallel()
	var l List
	l.Addf(at(10, 1), codeA, "late")
	l.Addf(at(2, 9), codeA, "second on its line")
	l.Addf(at(2, 3), codeB, "first of its place")
	l.Addf(at(2, 3), codeA, "second of its place")
	l.Addf(Pos{"a.csv", 99, 1}, codeA, "other file")
	l.Addf(at(2, 3), codeB, "first of its place").Hintf("the same problem again")
	l.Warnf(at(1, 1), codeA, "warned")
	var got []string
	for _, p := range l.Sorted() {
		got = append(got, p.String())
	}
	want := []string{
		"a.csv:99:1: other file", "plan.yaml:1:1: warning: warned", "plan.yaml:2:3: first of its place",
		"plan.yaml:2:3: second of its place", "plan.yaml:2:9: second on its line", "plan.yaml:10:1: late",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if l.Errors() != 5 || l.Len() != 6 {
		t.Errorf("%d errors of %d", l.Errors(), l.Len())
	}
	if h := l.Sorted()[2].Hint; h != "the same problem again" {
		t.Errorf("what was said about the second was lost: %q", h)
	}
}

func TestListErr(t *testing.T) {
	t.Parallel()
	var l List
	if l.Err() != nil {
		t.Error("an empty list is an error")
	}
	l.Warnf(at(1, 1), codeA, "only a warning")
	if l.Err() != nil {
		t.Error("a warning is an error")
	}
	for i, want := range []string{"x.0", "x.0 (and 1 more error)", "x.0 (and 2 more errors)"} {
		l.Addf(at(2, i+1), codeA, "x.%d", i)
		if got := l.Err().Error(); got != "plan.yaml:2:1: "+want {
			t.Errorf("%d: %s", i, got)
		}
	}
	var f *Failure
	if !errors.As(l.Err(), &f) || len(f.Problems) != 4 {
		t.Errorf("%v", f)
	}
}

func TestListStopsKeeping(t *testing.T) {
	t.Parallel()
	var l List
	for i := range Max + 10 {
		l.Addf(at(i+1, 1), codeA, "x").Hintf("still usable")
	}
	if len(l.Sorted()) != Max || l.Dropped() != 10 || l.Errors() != Max+10 || l.Len() != Max+10 {
		t.Errorf("kept %d, dropped %d, errors %d", len(l.Sorted()), l.Dropped(), l.Errors())
	}
	if got := l.Err().Error(); !strings.HasSuffix(got, fmt.Sprintf("(and %d more errors)", Max+9)) {
		t.Error(got)
	}
}

func TestProblemJSON(t *testing.T) {
	t.Parallel()
	var l List
	l.Addf(at(41, 9), codeA, "unknown suite %q", "wekend").At("gates.cutover-go").Wide(6).
		DidYouMean("wekend", []string{"weekend"}).See(at(3, 1), "suites are here").Hide()
	got, err := json.Marshal(l.Sorted())
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"file":"plan.yaml","line":41,"column":9,"width":6,"severity":"error","path":"gates.cutover-go","code":"a",` +
		`"message":"unknown suite \"wekend\"","hint":"did you mean \"weekend\"?",` +
		`"related":[{"file":"plan.yaml","line":3,"column":1,"message":"suites are here"}]}]`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var back []Problem
	if err := json.Unmarshal(got, &back); err != nil || back[0].Line != 41 || back[0].Severity != Error {
		t.Errorf("%v %+v", err, back)
	}
	if err := json.Unmarshal([]byte(`[{"severity":"fatal"}]`), &back); err == nil {
		t.Error("an unknown severity was read")
	}
}

func TestWord(t *testing.T) {
	t.Parallel()
	var l List
	w := Word{Pos: at(4, 5), Path: "suites.nightly", Text: "æøå"}
	w.Problemf(&l, codeA, "unknown check %q", w.Text)
	w.Warnf(&l, codeB, "odd")
	if p := l.Sorted(); p[0].String() != `plan.yaml:4:5: suites.nightly: unknown check "æøå"` || p[0].Width != 3 || p[1].Severity != Warning {
		t.Errorf("%v", p)
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	words := []string{"weekend", "readiness", "nightly", "tls", "sftp", "ibm", "sse", "every", "for_each"}
	for word, want := range map[string]string{
		"wekend": "weekend", "weeknd": "weekend", "Weekend": "weekend", "ewekend": "weekend", "redines": "readiness",
		"tsl": "tls", "sfpt": "sftp", "stfp": "sftp", "evrey": "every", "for-each": "for_each", "foreach": "for_each",
		"imb": "ibm", "x": "", "": "", "kombit": "", "weekend": "", "tl": "tls", "zz": "", "nght": "",
		strings.Repeat("weekend", 20): "",
	} {
		if got := Suggest(word, words); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	if got := Suggest("a", []string{"b"}); got != "" {
		t.Errorf("a letter was taken for another: %q", got)
	}
	if got := Suggest("caat", []string{"cat", "cab", "cart"}); got != "cat" {
		t.Errorf("of equally near ones the first: %q", got)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "cab", 2}, {"kitten", "sitting", 3}, {"ab", "ba", 1},
		{"æø", "øæ", 1}, {"abcdef", "uvwxyz", 6},
	} {
		if got := distance([]rune(tt.a), []rune(tt.b), 9); got != tt.want {
			t.Errorf("%q to %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := distance([]rune(tt.b), []rune(tt.a), 2); got != min(tt.want, 2) {
			t.Errorf("%q to %q up to 2: %d", tt.b, tt.a, got)
		}
	}
}

func TestReadSource(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ src, out, problem string }{
		{"a\tb\r\nc\n", "a\tb\r\nc\n", ""},
		{"\ufeffæøå", "æøå", ""},
		{"", "", ""},
		{"a\r", "", `plan.yaml:1:2: '\r' is a control character`},
		{"æ\nøx\x1b[2J", "", `plan.yaml:2:3: '\x1b' is a control character`},
		{"a\u0085b", "", `plan.yaml:1:2: '\u0085' is a control character`},
		{"a\ufeffb", "", `plan.yaml:1:2: '\ufeff' is a control character`},
		{"a\u2066b", "", `plan.yaml:1:2: '\u2066' is a control character`},
		{"øø\xff", "", "plan.yaml:1:3: byte 0xff is not UTF-8"},
		{strings.Repeat("x", MaxBytes+1), "", "plan.yaml:1:1: the file has 8388609 bytes; at most 8388608 (8 MB) are read"},
	} {
		var l List
		out, ok := ReadSource("plan.yaml", []byte(tt.src), &l)
		problem := ""
		if p := l.Sorted(); len(p) > 0 {
			problem = p[0].String()
		}
		if string(out) != tt.out && ok || problem != tt.problem || ok != (problem == "") {
			t.Errorf("%.20q: %.20q, %v, %s", tt.src, out, ok, problem)
		}
	}
	var l List
	if _, ok := ReadSource("f", bytes.Repeat([]byte{7}, 1000), &l); ok || l.Len() != badCharacters {
		t.Errorf("%d problems of a binary file", l.Len())
	}
}

func TestInside(t *testing.T) {
	t.Parallel()
	src := []byte("æø\r\nb\n")
	for _, tt := range []struct{ in, want Pos }{
		{at(1, 1), at(1, 1)}, {at(1, 9), at(1, 3)}, {at(2, 9), at(2, 2)}, {at(3, 1), at(2, 2)}, {at(99, 99), at(2, 2)},
		{at(0, 0), at(1, 1)}, {at(-1, -1), at(1, 1)},
	} {
		if got := Inside(src, tt.in); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.in, got, tt.want)
		}
	}
	if got := Inside(nil, at(7, 7)); got != at(1, 1) {
		t.Errorf("in an empty file: %s", got)
	}
}
