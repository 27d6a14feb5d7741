package yamldoc

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"skift/internal/diag"
)

// Edit replaces some bytes of a text. Whoever edits a file that people write changes what is meant, in its place, and nothing else.
type Edit struct {
	At, Length int
	Text       string
}

// Apply makes edits that do not overlap; of two that do, the later one is left out. What they write has the line ends of the text.
func Apply(src []byte, edits []Edit) []byte {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b Edit) int { return a.At - b.At })
	var out bytes.Buffer
	at, lines := 0, "\n"
	if i := bytes.IndexByte(src, '\n'); i > 0 && src[i-1] == '\r' {
		lines = "\r\n"
	}
	for _, e := range edits {
		if e.At < at {
			continue
		}
		out.Write(src[at:e.At])
		out.WriteString(strings.ReplaceAll(strings.ReplaceAll(e.Text, "\r\n", "\n"), "\n", lines))
		at = e.At + e.Length
	}
	out.Write(src[at:])
	return out.Bytes()
}

// LineEnd is where the line ends in which a place of a text is, before its line break.
func LineEnd(src []byte, at int) int {
	i := bytes.IndexByte(src[at:], '\n')
	switch {
	case i < 0:
		return len(src)
	case i > 0 && src[at+i-1] == '\r':
		return at + i - 1
	}
	return at + i
}

// Offset is where a place stands in a text.
func Offset(src []byte, p diag.Pos) int {
	at := 0
	for range p.Line - 1 {
		i := bytes.IndexByte(src[at:], '\n')
		if i < 0 {
			return len(src)
		}
		at += i + 1
	}
	for range p.Col - 1 {
		_, n := utf8.DecodeRune(src[at:])
		at += n
	}
	return min(at, len(src))
}

// Extent is where a value begins and ends in the text it was read from. ok is false for what has no end of its own: a list or map in
// lines, or a text over several lines.
func (n Node) Extent(src []byte) (from, until int, ok bool) {
	from = Offset(src, n.Pos())
	if from >= len(src) {
		return 0, 0, false
	}
	switch c := src[from]; {
	case n.Kind() == KindMap && c == '{', n.Kind() == KindList && c == '[':
		until = bracketEnd(src, from)
	case n.Kind() != KindScalar:
	case c == '"' || c == '\'':
		until = quoteEnd(src, from)
	case strings.ContainsRune(n.y.Value, '\n') || !bytes.HasPrefix(src[from:], []byte(n.y.Value)):
	default:
		until = from + len(n.y.Value)
	}
	return from, until, until > from
}

// quoteEnd is behind the quote that closes the one at from; 0 = none does.
func quoteEnd(src []byte, from int) int {
	for i := from + 1; i < len(src); i++ {
		switch {
		case src[i] == '\\' && src[from] == '"':
			i++
		case src[i] != src[from]:
		case src[from] == '\'' && i+1 < len(src) && src[i+1] == '\'':
			i++ // two of them are one that is meant
		default:
			return i + 1
		}
	}
	return 0
}

// bracketEnd is behind the bracket that closes the one at from; 0 = none does.
func bracketEnd(src []byte, from int) int {
	depth, begins := 0, true // begins: here a value may begin, so a quote opens a text
	for i := from; i < len(src); i++ {
		switch c := src[i]; c {
		case '{', '[', ',', ':':
			if c == '{' || c == '[' {
				depth++
			}
			begins = true
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
			begins = false
		case '"', '\'':
			if !begins {
				continue
			}
			end := quoteEnd(src, i)
			if end == 0 {
				return 0
			}
			i, begins = end-1, false
		case '#':
			if blank(src[i-1]) {
				for i+1 < len(src) && src[i+1] != '\n' {
					i++
				}
			}
		default:
			if !blank(c) {
				begins = false
			}
		}
	}
	return 0
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// Quote writes a text as a value that can stand anywhere: in quotes where it would be read as something else without them.
func Quote(text string) string {
	plain := text != "" && !strings.ContainsAny(text, ":#{}[],&*!|>'\"%@`\\\n\t") && !blank(text[0]) && !blank(text[len(text)-1]) && !strings.ContainsAny(text[:1], "-?~=")
	for _, r := range text {
		plain = plain && r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f)
	}
	if plain && !slices.Contains([]string{"null", "Null", "NULL", "true", "false"}, text) {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(text) + `"`
}
