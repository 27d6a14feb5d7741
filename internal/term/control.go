package term

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// isBidi tells the characters that reorder the text around them. They are
// shown, not removed: a reader should see that somebody tried (UAX #9).
func isBidi(r rune) bool {
	switch {
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	case r == 0x200e, r == 0x200f, r == 0x061c:
		return true
	}
	return false
}

// IsControl tells whether r can do something to a terminal or to the text
// around it: C0 and C1 controls, DEL, line and paragraph separators and bidi
// controls. Line feed and tab count too; callers that allow them say so.
func IsControl(r rune) bool {
	return r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || isBidi(r)
}

// Visible gives a harmless picture of a control character: "␛" for escape,
// "<U+202E>" for those without a picture. Any other rune is returned as it is.
func Visible(r rune) string {
	switch {
	case r >= 0 && r < 0x20:
		return string(0x2400 + r)
	case r == 0x7f:
		return "␡"
	case IsControl(r):
		return fmt.Sprintf("<U+%04X>", r)
	}
	return string(r)
}

// Line makes s fit for one line of output: nothing is removed, every control
// character (line feeds and tabs too) is shown as its picture, and bytes that
// are not UTF-8 as \xNN.
func Line(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[i])
		} else {
			b.WriteString(Visible(r))
		}
		i += size
	}
	return b.String()
}

func isPlain(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if IsControl(r) {
			return false
		}
	}
	return true
}
