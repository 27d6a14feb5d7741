package yamldoc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/diag"
)

// root parses src, which must be readable, and gives its map and the list.
func root(t *testing.T, src string) (*Map, *diag.List) {
	t.Helper()
	list := new(diag.List)
	n, ok := Parse("f.yaml", []byte(src), list)
	if !ok {
		t.Fatalf("%.200q: %v", src, list.Err())
	}
	return n.Map(), list
}

func TestGettersRead(t *testing.T) {
	t.Parallel()
	m, list := root(t, `
str: some text
date: 2019-06-01
no: no
number: 1.10
block: |
  one line
int: -12
bool: true
duration: 1h30m
span: 26d
percent: 98%
half: 99.5%
id: gateway-1
word: wekend
one: tls
text: Skift
both: {da: Skift, en: Shift}
prose:
  da: |
    Stop.

    Vent.
raw: "a\nb"
seq: [1, [2, 3]]
single: x
several: [x, y]
map: {k: v}
`)
	defer m.Done()
	half, _ := m.Need("half").Percent()
	span, _ := m.Need("span").Span()
	var inner []string
	for _, n := range m.Seq("seq") {
		inner = append(inner, n.Path()+"="+n.Kind().String())
	}
	got := map[string]any{
		"str": m.Str("str"), "date": m.Str("date"), "no": m.Str("no"), "number": m.Str("number"), "block": m.Str("block"),
		"int": m.Int("int", -20, 0), "bool": m.Bool("bool"), "duration": m.Duration("duration"), "span": span,
		"percent": m.OptPercent("percent", 0), "half": half, "id": m.ID("id"), "word": m.Word("word"),
		"one": m.OneOf("one", "tls", "sftp"), "text": m.Text("text"), "both": m.Text("both"), "prose": m.Prose("prose"),
		"raw": m.Raw("raw"), "seq": inner, "single": m.Strings("single"), "several": m.Strings("several"),
		"words": m.Words("several"), "map": m.Map("map").Str("k"),
	}
	want := map[string]any{
		"str": "some text", "date": "2019-06-01", "no": "no", "number": "1.10", "block": "one line",
		"int": -12, "bool": true, "duration": 90 * time.Minute, "span": Span{Days: 26},
		"percent": 98.0, "half": 99.5, "id": "gateway-1",
		"word": diag.Word{Pos: diag.Pos{File: "f.yaml", Line: 15, Col: 7}, Path: "word", Text: "wekend"},
		"one":  "tls", "text": Text{"Skift", "Skift"}, "both": Text{"Skift", "Shift"}, "prose": Text{Da: "Stop.\n\nVent."},
		"raw": "a\nb", "seq": []string{"seq[1]=a single value", "seq[2]=a list"},
		"single": []string{"x"}, "several": []string{"x", "y"},
		"words": []diag.Word{
			{Pos: diag.Pos{File: "f.yaml", Line: 27, Col: 11}, Path: "several[1]", Text: "x"},
			{Pos: diag.Pos{File: "f.yaml", Line: 27, Col: 14}, Path: "several[2]", Text: "y"},
		},
		"map": "v",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	same(t, list, nil)
}

func TestOptionalDefaults(t *testing.T) {
	t.Parallel()
	m, list := root(t, "other: 1\n")
	got := []any{
		m.OptStr("a", "d"), m.OptRaw("a", "d"), m.OptID("a", "d"), m.OptBool("a", true), m.OptDuration("a", time.Hour),
		m.OptPercent("a", 98), m.OptInt("a", -1, 0, 9), m.OptOneOf("a", "x", "y"), m.OptWord("a"), m.OptText("a"), m.OptProse("a"),
		len(m.OptStrings("a")), len(m.OptWords("a")), len(m.OptSeq("a")), len(m.OptItems("a")), m.OptMap("a").OK(), m.Has("a"),
	}
	want := []any{"d", "d", "d", true, time.Hour, 98.0, -1, "x", diag.Word{}, Text{}, Text{}, 0, 0, 0, 0, false, false}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	same(t, list, nil)
}

// Each wrong value is told in an author's words, at the value, with what it
// must be.
func TestGettersReport(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, value string
		read        func(*Map)
		want        string // after "f.yaml:1:4: k: "
		hint        string
	}{
		{"map for text", "{a: 1}", func(m *Map) { m.Str("k") }, "must be text, not a map", ""},
		{"list for text", "[a]", func(m *Map) { m.Str("k") }, "must be text, not a list", ""},
		{"empty text", `" "`, func(m *Map) { m.Str("k") }, "has no value; it must be text", ""},
		{"two lines", `"a\nb"`, func(m *Map) { m.Str("k") }, "must be one line", "> instead of |"},
		{"list for map", "[a]", func(m *Map) { m.Map("k") }, "must be a map of keys and values, not a list", ""},
		{"text for map", "a", func(m *Map) { m.Map("k") }, "must be a map of keys and values, not a single value", ""},
		{"text for list", "a", func(m *Map) { m.Seq("k") }, "must be a list, not a single value", "[ … ]"},
		{"word for number", "many", func(m *Map) { m.Int("k", 0, 9) }, `"many" is not a whole number from 0 to 9`, ""},
		{"too many", "10", func(m *Map) { m.Int("k", 0, 9) }, `"10" is not a whole number from 0 to 9`, ""},
		{"octal", "010", func(m *Map) { m.Int("k", 0, 99) }, `"010" is not a whole number from 0 to 99`, ""},
		{"underscore", "1_0", func(m *Map) { m.Int("k", 0, 99) }, `"1_0" is not a whole number from 0 to 99`, ""},
		{"hex", "0x1", func(m *Map) { m.Int("k", 0, 99) }, `"0x1" is not a whole number from 0 to 99`, ""},
		{"overflow", "99999999999999999999", func(m *Map) { m.Int("k", 0, 99) }, `"99999999999999999999" is not a whole number from 0 to 99`, ""},
		{"quoted number", `"1"`, func(m *Map) { m.Int("k", 0, 9) }, `"1" is not a whole number from 0 to 9`, ""},
		{"yes", "yes", func(m *Map) { m.Bool("k") }, `"yes" is not true or false`, "write true"},
		{"no", "no", func(m *Map) { m.Bool("k") }, `"no" is not true or false`, "write false"},
		{"off", "off", func(m *Map) { m.Bool("k") }, `"off" is not true or false`, "write false"},
		{"quoted true", `"true"`, func(m *Map) { m.Bool("k") }, `"true" is not true or false`, "without quotes"},
		{"no unit", "15", func(m *Map) { m.Duration("k") }, `"15" is not a duration like 15m, 2h or 26d`, "15m"},
		{"negative", "-2h", func(m *Map) { m.Duration("k") }, `"-2h" is not a duration like 15m, 2h or 26d`, "not negative"},
		{"fraction", "1.5h", func(m *Map) { m.Duration("k") }, `"1.5h" is not a duration like 15m, 2h or 26d`, "1h30m"},
		{"no percent", "98", func(m *Map) { m.OptPercent("k", 0) }, `"98" is not a share like 98%`, ""},
		{"more than all", "101%", func(m *Map) { m.OptPercent("k", 0) }, `"101%" is not a share like 98%`, ""},
		{"exponent", "1e1%", func(m *Map) { m.OptPercent("k", 0) }, `"1e1%" is not a share like 98%`, ""},
		{"capital", "Gateway", func(m *Map) { m.ID("k") }, `"Gateway" cannot be a name`, `"gateway"`},
		{"danish", "overgåelse_1", func(m *Map) { m.ID("k") }, `"overgåelse_1" cannot be a name`, `"overgaaelse-1"`},
		{"path", "../x", func(m *Map) { m.ID("k") }, `"../x" cannot be a name`, "1 to 63"},
		{"other word", "tsl", func(m *Map) { m.OneOf("k", "tls", "sftp") }, `"tsl" is not one of tls, sftp`, `"tls"`},
		{"far word", "x", func(m *Map) { m.OneOf("k", "tls", "sftp") }, `"x" is not one of tls, sftp`, ""},
		{"long word", strings.Repeat("x", 200), func(m *Map) { m.OneOf("k", "tls") },
			`"` + strings.Repeat("x", 60) + `…" is not tls`, ""},
		{"text without language", "{}", func(m *Map) { m.Text("k") }, "has neither da nor en", ""},
		{"map in strings", "{}", func(m *Map) { m.Strings("k") }, "must be text, not a map", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, list := root(t, "k: "+tt.value+"\n")
			tt.read(m)
			m.Done()
			problems := list.Sorted()
			if len(problems) != 1 {
				t.Fatalf("got %d problems: %v", len(problems), problems)
			}
			p := problems[0]
			if p.Path != "k" || p.Message != tt.want || !strings.Contains(p.Hint, tt.hint) {
				t.Errorf("got  %s, hint %q\nwant %s, hint with %q", p, p.Hint, tt.want, tt.hint)
			}
			if p.Line != 1 || p.Col != 4 && p.Code != CodeEmptyValue && p.Code != CodeMissingKey {
				t.Errorf("at %s", p.Pos)
			}
		})
	}
}

// Nothing after the colon is an omission, never a value, for every getter.
func TestEmptyAndMissing(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(*Map){
		"Str": func(m *Map) { m.Str("k") }, "Raw": func(m *Map) { m.Raw("k") }, "Word": func(m *Map) { m.Word("k") },
		"Text": func(m *Map) { m.Text("k") }, "Prose": func(m *Map) { m.Prose("k") }, "ID": func(m *Map) { m.ID("k") },
		"Bool": func(m *Map) { m.Bool("k") }, "Duration": func(m *Map) { m.Duration("k") }, "Int": func(m *Map) { m.Int("k", 0, 1) },
		"OneOf": func(m *Map) { m.OneOf("k", "a") }, "Map": func(m *Map) { m.Map("k").Str("x") },
		"Seq": func(m *Map) { m.Seq("k") }, "Items": func(m *Map) { m.Items("k") },
		"Strings": func(m *Map) { m.Strings("k") }, "Words": func(m *Map) { m.Words("k") },
	} {
		for _, empty := range []string{"", "~", "null"} {
			m, list := root(t, "a:\n  k: "+empty+"\n  z: 1\n")
			read(m.Map("a"))
			if p := list.Sorted(); len(p) != 1 || p[0].Code != CodeEmptyValue || p[0].Pos.String() != "f.yaml:2:3" || p[0].Path != "a.k" {
				t.Errorf("%s of %q: %v", name, empty, p)
			}
		}
		m, list := root(t, "a: {z: 1}\n")
		read(m.Map("a"))
		same(t, list, []string{`f.yaml:1:1: a: "k" is missing`})
		m.OptMap("none").Done()
		read(m.OptMap("none")) // a void map is silent
		if list.Len() != 1 {
			t.Errorf("%s of a void map reports: %v", name, list.Sorted())
		}
	}
}

func TestUnknownKeys(t *testing.T) {
	t.Parallel()
	m, list := root(t, "title: x\nevrey: 15m\ndetail: z\nzzz: 1\n\"<<\": 1\n")
	m.Str("title")
	m.OptDuration("every", 0)
	m.OptStr("detail", "")
	m.Done()
	same(t, list, []string{
		`f.yaml:2:1: unknown key "evrey"`, `f.yaml:4:1: unknown key "zzz"`, `f.yaml:5:1: unknown key "<<"`})
	hints := []string{}
	for _, p := range list.Sorted() {
		hints = append(hints, p.Hint)
	}
	// "detail" is there already, so nobody meant it.
	if d := cmp.Diff([]string{`did you mean "every"?`, "known here: every", "known here: every"}, hints); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"title", "every", "detail"}, m.Asked()); d != "" {
		t.Error(d)
	}
}

func TestDoneIsSilentWhenAllIsRead(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(*Map){
		"Each":   func(m *Map) { m.Each(func(string, Node) {}) },
		"Ignore": func(m *Map) { m.Ignore() },
		"Has":    func(m *Map) { m.Has("a"); m.Has("b") },
	} {
		m, list := root(t, "a: 1\nb: 2\n")
		read(m)
		m.Done()
		if list.Len() > 0 {
			t.Errorf("%s: %v", name, list.Sorted())
		}
	}
}

func TestEach(t *testing.T) {
	t.Parallel()
	m, list := root(t, "b: 1\na: {x: [1]}\nb: 3\n[l]: 4\nBig Name: 5\n")
	var all, ids []string
	m.Each(func(key string, n Node) { all = append(all, key+"@"+n.KeyPos().String()) })
	m.EachID(func(id string, n Node) { ids = append(ids, id) })
	if d := cmp.Diff([]string{"b@f.yaml:1:1", "a@f.yaml:2:1", "Big Name@f.yaml:5:1"}, all); d != "" {
		t.Error(d)
	}
	if !slices.Equal(ids, []string{"b", "a"}) {
		t.Errorf("ids %v", ids)
	}
	same(t, list, []string{`f.yaml:3:1: "b" is there twice`,
		"f.yaml:4:1: a key must be a single word or text, not a list or map",
		`f.yaml:5:1: "Big Name": "Big Name" cannot be a name`})
	if m.Len() != 5 || m.ValuePos("a").String() != "f.yaml:2:4" || m.KeyPos("zz") != (diag.Pos{}) || m.ValuePos("zz") != (diag.Pos{}) {
		t.Errorf("len %d, a at %s", m.Len(), m.ValuePos("a"))
	}
}

func TestExactlyOne(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ src, want, problem, hint string }{
		{"manual: x\n", "manual", "", ""},
		{"owner: x\n", "", "f.yaml:1:1: one of manual, command is needed", ""},
		{"comand: x\n", "", "f.yaml:1:1: one of manual, command is needed", `did you mean "command" instead of "comand"?`},
		{"manual: x\ncommand: y\n", "manual", "f.yaml:2:1: command: manual and command cannot stand together; choose one", ""},
	} {
		m, list := root(t, tt.src)
		if got := m.ExactlyOne("manual", "command"); got != tt.want {
			t.Errorf("%q: got %q", tt.src, got)
		}
		problem, hint := "", ""
		for _, p := range list.Sorted() {
			problem, hint = p.String(), p.Hint
		}
		if problem != tt.problem || hint != tt.hint {
			t.Errorf("%q: got %s, hint %s", tt.src, problem, hint)
		}
	}
	if got := new(Map).ExactlyOne("a"); got != "" {
		t.Errorf("of a void map: %q", got)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	m, _ := root(t, "gates:\n  cutover-go:\n    criteria: [{suite: a}, {suite: b, x.y: [[1]]}]\n")
	c := m.Map("gates").Map("cutover-go").Seq("criteria")[1].Map()
	if got := c.Need("suite").Path(); got != "gates.cutover-go.criteria[2].suite" {
		t.Error(got)
	}
	if got := c.Seq("x.y")[0]; got.Path() != `gates.cutover-go.criteria[2]."x.y"[1]` || got.KeyPos() != got.Pos() {
		t.Error(got.Path())
	}
	if c.Path() != "gates.cutover-go.criteria[2]" || c.Node().Path() != c.Path() || c.Pos().String() != "f.yaml:3:28" {
		t.Error(c.Path(), c.Pos())
	}
}

// A problem of the map as a whole is shown at its key, where a reader looks.
func TestMapProblemsStandAtTheKey(t *testing.T) {
	t.Parallel()
	m, list := root(t, "checks:\n  gateway-cert:\n    kind: tls\n")
	m.Map("checks").EachID(func(id string, n Node) {
		c := n.Map()
		c.OneOf("kind", "tls")
		c.Str("service")
		c.Done()
	})
	same(t, list, []string{`f.yaml:2:3: checks.gateway-cert: "service" is missing`})
	if p := list.Sorted()[0]; p.Width != len("gateway-cert") {
		t.Errorf("width %d", p.Width)
	}
}

func TestLargeMapsAreIndexed(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "k%d: %d\n", i, i)
	}
	m, list := root(t, b.String())
	for i := range 100 {
		if got := m.Int(fmt.Sprintf("k%d", i), 0, 99); got != i {
			t.Errorf("k%d is %d", i, got)
		}
	}
	m.Done()
	if m.Has("k100") {
		t.Error("k100 is there")
	}
	same(t, list, nil)
}

func TestZeroValuesAreSilent(t *testing.T) {
	t.Parallel()
	var n Node
	if n.Kind() != KindNone || n.Path() != "" || !n.Pos().IsZero() || n.Map().OK() {
		t.Error("the zero Node is something")
	}
	n.Str()
	n.Seq()
	n.Int(0, 1)
	n.Text()
	n.Problemf(CodeWrongKind, "nowhere to go")
	var m Map
	m.Str("a")
	m.Each(func(string, Node) { t.Error("a void map has keys") })
	m.Done()
	if m.Problemf(CodeWrongKind, "x"); m.Len() != 0 || len(m.Keys()) != 0 {
		t.Error("a void map has keys")
	}
}

func TestTextIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text   Text
		da, en string
	}{
		{Text{"a", "b"}, "a", "b"}, {Text{Da: "a"}, "a", "a"}, {Text{En: "b"}, "b", "b"}, {Text{}, "", ""},
	} {
		if tt.text.In("da") != tt.da || tt.text.In("en") != tt.en {
			t.Errorf("%+v: %q %q", tt.text, tt.text.In("da"), tt.text.In("en"))
		}
	}
}
