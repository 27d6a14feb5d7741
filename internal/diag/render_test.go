package diag

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/internal/term"
)

func render(t *testing.T, src string, colour bool, fill func(*List)) string {
	t.Helper()
	var l List
	fill(&l)
	var out strings.Builder
	if err := Render(&out, l.Sorted(), func(string) []byte { return []byte(src) }, colour); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestRender(t *testing.T) {
	t.Parallel()
	got := render(t, "gates:\n  cutover-go: {suite: wekend}\n", false, func(l *List) {
		l.Addf(at(2, 23), codeA, "unknown suite %q", "wekend").At("gates.cutover-go").Wide(6).
			DidYouMean("wekend", []string{"weekend"}).See(at(1, 1), "gates begin here")
		l.Warnf(Pos{File: "plan.yaml"}, codeB, "nobody is on shift")
	})
	want := `plan.yaml: warning: nobody is on shift
plan.yaml:2:23: gates.cutover-go: unknown suite "wekend"
      cutover-go: {suite: wekend}
                          ^^^^^^
  hint: did you mean "weekend"?
  plan.yaml:1:1: gates begin here
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRenderColours(t *testing.T) {
	t.Parallel()
	got := render(t, "a: b\n", true, func(l *List) {
		l.Addf(at(1, 4), codeA, "bad").Hintf("good")
		l.Warnf(at(1, 1), codeA, "odd")
	})
	for _, part := range []string{bold + "plan.yaml:1:4:" + reset + " bad", red + "   ^" + reset, yellow + "^" + reset, cyan + "hint:" + reset + " good"} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is not in %q", part, got)
		}
	}
}

// The caret stands under the character, whatever is before it.
func TestCaret(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, line    string
		col, width    int
		shown, carets string
	}{
		{"first", "abc", 1, 1, "abc", "^"},
		{"wide caret", "abc: def", 6, 3, "abc: def", "     ^^^"},
		{"at the end", "abc", 4, 1, "abc", "   ^"},
		{"behind the end", "abc", 99, 5, "abc", "   ^"},
		{"over the end", "abc", 2, 99, "abc", " ^^"},
		{"empty line", "", 1, 1, "", "^"},
		{"tab", "\ta\tb", 4, 1, "    a   b", "        ^"},
		{"danish", "æøå: x", 6, 1, "æøå: x", "     ^"},
		{"wide letters", "日本: x", 5, 1, "日本: x", "      ^"},
		{"under a wide letter", "a日", 2, 1, "a日", " ^^"},
		{"combining", "e\u0301: x", 5, 1, "e\u0301: x", "   ^"},
		{"on a combining mark", "e\u0301x", 2, 1, "e\u0301x", " ^"},
		{"escape sequence", "a\x1b[2Jb", 7, 1, "a␛[2Jb", "      ^"},
		{"bidi", "a\u202eb", 3, 1, "a<U+202E>b", "         ^"},
		{"not UTF-8", "a\xffb", 3, 1, `a\xffb`, "     ^"},
	}
	for _, tt := range tests {
		shown, caret := snippet(draw(tt.line), tt.col, tt.width)
		if shown != tt.shown || caret != tt.carets {
			t.Errorf("%s:\n got %q\n     %q\nwant %q\n     %q", tt.name, shown, caret, tt.shown, tt.carets)
		}
	}
}

// A long line is cut on both sides, and the caret still points at its target.
func TestLongLinesAreClipped(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"0123456789", "æ日b\t", "\u202e"} {
		line := strings.Repeat(unit, 400)
		n := len([]rune(line))
		for _, col := range []int{1, 2, 30, 50, 100, 101, n / 2, n - 100, n - 1, n, n + 1} {
			runes := []rune(line)
			if col <= n {
				runes[col-1] = 'X'
			}
			shown, caret := snippet(draw(string(runes)), col, 1)
			if w := term.Width(shown); w > lineColumns || w < lineColumns/2 {
				t.Errorf("col %d of %q…: %d columns wide", col, unit, w)
			}
			before, _, ok := strings.Cut(shown, "X")
			if col <= n && (!ok || term.Width(before) != len(caret)-1) {
				t.Errorf("col %d of %q…: caret at %d\n%s\n%s", col, unit, len(caret), shown, caret)
			}
			if (col > 40) != strings.HasPrefix(shown, "…") && unit == "0123456789" {
				t.Errorf("col %d: %s", col, shown)
			}
		}
	}
}

// Nothing an author wrote can control the terminal of whoever reads about it.
func TestRenderIsInert(t *testing.T) {
	t.Parallel()
	evil := "\x1b]52;c;aGk=\x07\x1b[2J\r\u202e\u009b1m"
	got := render(t, evil+"\n", false, func(l *List) {
		l.Addf(Pos{evil, 1, 3}, codeA, "bad %s", evil).At(evil).Hintf("%s", evil).See(Pos{evil, 1, 1}, "%s", evil)
	})
	for _, r := range got {
		if r != '\n' && term.IsControl(r) {
			t.Fatalf("%U is in %q", r, got)
		}
	}
	if n := strings.Count(got, "\n"); n != 5 {
		t.Errorf("%d lines: %q", n, got)
	}
}

// A secret is not shown by the problem about it, nor by another problem of the
// same line.
func TestRenderHidesSecrets(t *testing.T) {
	t.Parallel()
	got := render(t, "mail: {pasword: hunter2-hunter2, hostt: x}\nother: line\n", false, func(l *List) {
		l.Addf(at(1, 8), codeA, "unknown key").Wide(7)
		l.Addf(at(1, 17), codeA, "a secret is written in clear").Wide(15).Hide()
		l.Addf(at(1, 34), codeA, "unknown key").Wide(5)
		l.Addf(at(2, 1), codeA, "fine")
	})
	if strings.Contains(got, "hunter2") {
		t.Errorf("the secret is shown:\n%s", got)
	}
	if !strings.Contains(got, "    mail: {pasword: ***\n                    ^^^\n") || !strings.Contains(got, "other: line") {
		t.Errorf("got:\n%s", got)
	}
}

func TestRenderWithoutSource(t *testing.T) {
	t.Parallel()
	problems := []Problem{{Pos: at(3, 4), Message: "bad"}, {Message: "nowhere"}}
	for name, source := range map[string]func(string) []byte{
		"none": nil, "nothing": func(string) []byte { return nil }, "shorter": func(string) []byte { return []byte("a\nb\n") },
	} {
		var out strings.Builder
		if err := Render(&out, problems, source, false); err != nil || out.String() != "plan.yaml:3:4: bad\nnowhere\n" {
			t.Errorf("%s: %v %q", name, err, out.String())
		}
	}
}

type broken struct{}

var errBroken = errors.New("broken pipe")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestRenderTellsWriteErrors(t *testing.T) {
	t.Parallel()
	many := make([]Problem, 5000)
	for i := range many {
		many[i] = Problem{Message: strings.Repeat("x", 100)}
	}
	for _, problems := range [][]Problem{many, many[:1]} {
		if err := Render(broken{}, problems, nil, false); !errors.Is(err, errBroken) {
			t.Errorf("%v", err)
		}
	}
}
