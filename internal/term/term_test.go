package term

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWidth(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{
		"": 0, "abc": 3, "æøå": 3, "日本": 4, "ｱ": 1, "Ａ": 2, "e\u0301": 1, "a\u200bb": 2, "\u00ad": 0, "😀": 2, "한글": 4,
		"\u1112\u1161\u11ab": 2, "●▲■▶?◆": 6, "…": 1, "\n\t\x1b": 0, "\x7f\u0085": 0, "a\xffb": 3, "שלום": 4, "ก็": 1, "\ufe0f": 0, "𠀀": 2,
	} {
		if got := Width(s); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		s       string
		columns int
		want    string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"abcd", 1, "…"}, {"abcd", 0, ""}, {"abcd", -1, ""}, {"", 3, ""},
		{"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
	} {
		got := Truncate(tt.s, tt.columns)
		if got != tt.want || Width(got) > max(tt.columns, 0) {
			t.Errorf("%q to %d: %q, want %q", tt.s, tt.columns, got, tt.want)
		}
	}
}

func TestPad(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ got, want string }{
		{Pad("日", 4), "日  "}, {Pad("abcd", 3), "abcd"}, {PadLeft("7", 3), "  7"}, {PadLeft("å", 0), "å"}, {Pad("e\u0301", 2), "e\u0301 "},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text    string
		columns int
		want    []string
	}{
		{"one two three", 7, []string{"one two", "three"}},
		{"one two three", 8, []string{"one two", "three"}},
		{"one two three", 0, []string{"one two three"}},
		{"abcdefgh", 3, []string{"abc", "def", "gh"}},
		{"a bcdefgh", 4, []string{"a", "bcde", "fgh"}},
		{"日本語 x", 5, []string{"日本", "語 x"}},
		{"日", 1, []string{"日"}},
		{"abc   ", 3, []string{"abc"}},
		{"a\nb c", 10, []string{"a", "b c"}},
		{"", 5, []string{""}},
		{"     x", 3, []string{"", "x"}},
		{"a\x1b[2J", 20, []string{"a␛[2J"}},
	} {
		if d := cmp.Diff(tt.want, Wrap(tt.text, tt.columns)); d != "" {
			t.Errorf("%q to %d:\n%s", tt.text, tt.columns, d)
		}
	}
}

func table(t *testing.T, tab *Table, s Screen) string {
	t.Helper()
	var out strings.Builder
	if err := tab.Write(&out, s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTable(t *testing.T) {
	t.Parallel()
	tab := NewTable("check", "old", "n", "why").Right(2)
	tab.Row("gateway-cert", "●", "7", "")
	tab.Row("børge-日本", "■ fejl", "1234", "the certificate ends before the hypercare period does")
	tab.Row("short")
	if tab.Len() != 3 {
		t.Errorf("%d rows", tab.Len())
	}
	wide := `check         old        n  why
gateway-cert  ●          7
børge-日本    ■ fejl  1234  the certificate ends before the hypercare period does
short
`
	if d := cmp.Diff(wide, table(t, tab, Screen{})); d != "" {
		t.Error(d)
	}
	narrow := `check         old        n  why
gateway-cert  ●          7
børge-日本    ■ fejl  1234  the certificate ends before the
                            hypercare period does
short
`
	if d := cmp.Diff(narrow, table(t, tab, Screen{Width: 60})); d != "" {
		t.Error(d)
	}
	if got := table(t, tab, Screen{Width: 10}); !strings.Contains(got, "\n"+strings.Repeat(" ", 28)+"before the hypercare\n") {
		t.Errorf("on a screen that is too narrow:\n%s", got)
	}
	if got := table(t, NewTable(), Screen{Width: 10}); got != "" {
		t.Errorf("an empty table: %q", got)
	}
}

func TestTableColoursDoNotMoveColumns(t *testing.T) {
	t.Parallel()
	tab := NewTable("a", "b")
	tab.Cells(Cell{"● OK", OK}, Cell{"x", Plain})
	tab.Cells(Cell{"■ failed", Fail}, Cell{"y\nz", Risk})
	plain, coloured := table(t, tab, Screen{}), table(t, tab, Screen{Colour: true})
	if Strip(coloured) != plain {
		t.Errorf("%q\n%q", Strip(coloured), plain)
	}
	want := "\x1b[1ma\x1b[0m         \x1b[1mb\x1b[0m\n\x1b[32m● OK\x1b[0m      x\n" +
		"\x1b[31m■ failed\x1b[0m  \x1b[33my\x1b[0m\n          \x1b[33mz\x1b[0m\n"
	if d := cmp.Diff(want, coloured); d != "" {
		t.Error(d)
	}
}

func TestTableIsInert(t *testing.T) {
	t.Parallel()
	tab := NewTable("a\x1b[2J", "b")
	tab.Row("x\x1b]0;t\x07\ry", "\u202e")
	for _, r := range table(t, tab, Screen{Width: 40}) {
		if r != '\n' && IsControl(r) {
			t.Errorf("%U was printed", r)
		}
	}
}

func TestTableTellsWriteErrors(t *testing.T) {
	t.Parallel()
	if err := NewTable("a").Write(failing{}, Screen{}); !errors.Is(err, errFull) {
		t.Errorf("%v", err)
	}
}

// Every state can be told from the others without colour, in both languages.
func TestStatesDifferInShapeAndWord(t *testing.T) {
	t.Parallel()
	states := []State{OK, Risk, Fail, Running, Unknown, Gate}
	seen := map[string]State{}
	for _, s := range states {
		if Width(s.Shape()) != 1 {
			t.Errorf("%q is %d wide", s.Shape(), Width(s.Shape()))
		}
		for _, mark := range []string{s.Shape(), "da " + s.Word("da"), "en " + s.Word("en"), looks[s].colour} {
			if other, ok := seen[mark]; ok || mark == "" {
				t.Errorf("states %d and %d are both %q", s, other, mark)
			}
			seen[mark] = s
		}
	}
	if got := (Screen{}).Badge(Fail, "da"); got != "■ fejl" {
		t.Error(got)
	}
	if got := (Screen{Colour: true}).Badge(Risk, "en"); got != "\x1b[33m▲ at risk\x1b[0m" {
		t.Errorf("%q", got)
	}
	s := Screen{Colour: true}
	if s.Badge(Plain, "da") != "" || s.Paint(Plain, "x") != "x" || s.Bold("") != "" || s.Dim("x") != "\x1b[2mx\x1b[0m" {
		t.Error("plain text is coloured")
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for columns, want := range map[string]int{"": 0, "72": 72, "x": 0, "-4": 0} {
		s := detect(w, func(name string) string {
			if name == "COLUMNS" {
				return columns
			}
			return ""
		})
		if s.Width != want || s.Colour {
			t.Errorf("COLUMNS=%q: %+v", columns, s)
		}
	}
}

// What stands below a row has the whole screen and is made harmless like everything else.
func TestTableUnder(t *testing.T) {
	t.Parallel()
	tbl := NewTable("a", "b")
	tbl.Under("nothing to stand under")
	tbl.Row("x", "y")
	tbl.Under("much to say\x1b[2J about it")
	tbl.Under("and more")
	tbl.Row("z", "w")
	var out strings.Builder
	if err := tbl.Write(&out, Screen{Width: 20}); err != nil {
		t.Fatal(err)
	}
	want := "a  b\nx  y\n   much to say␛[2J\n   about it\n   and more\nz  w\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// On a narrow screen the first columns stay, and what stands in the others goes below, each part whole.
func TestTableFold(t *testing.T) {
	t.Parallel()
	tbl := NewTable("", "seat", "on shift", "until").Fold(2)
	tbl.Row("●", "a/b", "The Operator, "+Keep("+45 00 00 00 01"), "tomorrow")
	tbl.Row("■", "c/d", "", "")
	tbl.Under("and more")
	for width, want := range map[int]string{
		0:  "   seat  on shift                       until\n●  a/b   The Operator, +45 00 00 00 01  tomorrow\n■  c/d\n   and more\n",
		45: "   seat\n●  a/b\n   on shift The Operator, +45 00 00 00 01\n   until tomorrow\n■  c/d\n   and more\n",
		30: "   seat\n●  a/b\n   on shift The Operator,\n   +45 00 00 00 01\n   until tomorrow\n■  c/d\n   and more\n",
	} {
		var out strings.Builder
		if err := tbl.Write(&out, Screen{Width: width}); err != nil || out.String() != want {
			t.Errorf("%d columns: %v\ngot\n%s\nwant\n%s", width, err, out.String(), want)
		}
	}
}

// A number is not broken where it has spaces, and gets them back.
func TestKeep(t *testing.T) {
	t.Parallel()
	for width, want := range map[int][]string{
		0:  {"call +45 00 00 00 01 now"},
		20: {"call +45 00 00 00 01", "now"},
		16: {"call", "+45 00 00 00 01", "now"},
	} {
		if got := Wrap("call "+Keep("+45 00 00 00 01")+" now", width); !slices.Equal(got, want) {
			t.Errorf("%d columns: %q", width, got)
		}
	}
	if got := Loose(Keep("a b")); got != "a b" {
		t.Errorf("got %q", got)
	}
	if got := Parts([]string{"a b", "c d", "e f g h"}, " · ", 9); !slices.Equal(got, []string{"a b · c d", "e f g h"}) {
		t.Errorf("parts: %q", got)
	}
}
