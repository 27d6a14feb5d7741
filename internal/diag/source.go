package diag

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"skift/internal/term"
)

// MaxBytes is how large a file may be that [ReadSource] accepts.
const MaxBytes = 8 << 20

// Problems of a file as bytes. Whoever finds one cannot read on.
const (
	CodeTooLarge         Code = "too-large"
	CodeEncoding         Code = "not-utf-8"
	CodeControlCharacter Code = "control-character"
	CodeEmptyFile        Code = "empty-file"
)

// badCharacters is how many unusable characters are reported before the rest
// of the file is taken to be of the same sort.
const badCharacters = 20

// ReadSource checks that src is text that a person can read: at most
// [MaxBytes] of UTF-8, with no control characters but tab and line breaks (LF
// or CRLF). Refused with them are the line breaks only some programs know,
// which would shift every line number after them, and the bidi controls that
// make a file read differently from what it says. It gives src without a byte
// order mark.
func ReadSource(file string, src []byte, problems *List) ([]byte, bool) {
	if len(src) > MaxBytes {
		problems.Addf(Pos{file, 1, 1}, CodeTooLarge, "the file has %d bytes; at most %d (8 MB) are read", len(src), MaxBytes)
		return nil, false
	}
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	bad, line, start := 0, 1, 0
	for i := 0; i < len(src) && bad < badCharacters; {
		c := src[i]
		switch {
		case c >= 0x20 && c < 0x7f, c == '\t', c == '\r' && i+1 < len(src) && src[i+1] == '\n':
			i++
			continue
		case c == '\n':
			i++
			line, start = line+1, i
			continue
		}
		r, size := utf8.DecodeRune(src[i:])
		pos := func() Pos { return Pos{file, line, utf8.RuneCount(src[start:i]) + 1} }
		switch {
		case r == utf8.RuneError && size == 1:
			problems.Addf(pos(), CodeEncoding, "byte 0x%02x is not UTF-8", c).Hintf("save the file as UTF-8")
			return nil, false
		case r == 0xfeff, term.IsControl(r):
			problems.Addf(pos(), CodeControlCharacter, "%s is a control character", strconv.QuoteRuneToASCII(r)).
				Hintf("remove it; a reader of the file cannot see what it does")
			bad++
		}
		i += size
	}
	return src, bad == 0
}

// Inside moves a position that lies behind the end of its line or of src to
// that end, and one before the beginning to the beginning.
func Inside(src []byte, p Pos) Pos {
	p.Line, p.Col = max(p.Line, 1), max(p.Col, 1)
	n := 1
	for ; n < p.Line; n++ {
		i := bytes.IndexByte(src, '\n')
		if i < 0 || i+1 == len(src) {
			p.Col = len(src) + 1 // at the end of the last line
			break
		}
		src = src[i+1:]
	}
	p.Line = n
	if i := bytes.IndexByte(src, '\n'); i >= 0 {
		src = src[:i]
	}
	p.Col = min(p.Col, utf8.RuneCount(bytes.TrimSuffix(src, []byte("\r")))+1)
	return p
}
