package term

import (
	"io"
	"unicode/utf8"
)

// The parts of the grammar of ECMA-48 that the machine tells apart.
const (
	inText    = iota
	inEscape  // after ESC
	inShort   // after ESC and an intermediate byte, as in ESC ( B
	inCSI     // control sequence: parameters, then one final byte
	inString  // OSC, DCS, SOS, PM, APC: until ST or BEL
	endString // after ESC inside a string
)

// longestString is after how many characters a control string that is not
// terminated is given up, so that its beginning cannot hide all that follows.
const longestString = 4096

// machine reads one stream of characters and keeps the harmless ones.
type machine struct {
	state  int
	length int  // characters of the control string so far
	cr     bool // a carriage return waits to learn whether a line feed follows
}

// step reads one character and appends what may be shown.
func (m *machine) step(out []byte, r rune) []byte {
	if m.cr {
		m.cr = false
		out = append(out, '\n')
		if r == '\n' {
			return out
		}
	}
	switch m.state {
	case inEscape:
		return m.afterEscape(out, r)
	case inShort:
		if r >= 0x20 && r <= 0x2f {
			return out
		}
		m.state = inText
		if r >= 0x30 && r <= 0x7e {
			return out
		}
	case inCSI:
		if r >= 0x20 && r <= 0x3f {
			return out
		}
		m.state = inText
		if r >= 0x40 && r <= 0x7e {
			return out
		}
	case inString, endString:
		if m.inString(r) {
			return out
		}
	}
	return m.text(out, r)
}

// inString tells whether r belongs to the control string or ends it.
func (m *machine) inString(r rune) bool {
	m.length++
	switch {
	case m.state == endString && r == '\\', r == 0x07, r == 0x9c, r == 0x18, r == 0x1a:
		m.state = inText
		return true
	case m.state == endString:
		m.state = inText // ESC not followed by a backslash begins something new
		return m.begin(r)
	case r == 0x1b:
		m.state = endString
		return true
	case r == '\n' || m.length > longestString:
		m.state = inText
		return false
	}
	return true
}

// begin treats r as the character after ESC and tells whether it was used up.
func (m *machine) begin(r rune) bool {
	switch {
	case r == '[':
		m.state = inCSI
	case r == ']' || r == 'P' || r == 'X' || r == '^' || r == '_':
		m.state, m.length = inString, 0
	case r >= 0x20 && r <= 0x2f:
		m.state = inShort
	case r == 0x1b:
		m.state = inEscape
	case r >= 0x30 && r <= 0x7e:
		m.state = inText
	default:
		m.state = inText
		return false
	}
	return true
}

func (m *machine) afterEscape(out []byte, r rune) []byte {
	if m.begin(r) {
		return out
	}
	return m.text(out, r)
}

// text reads a character outside of any sequence.
func (m *machine) text(out []byte, r rune) []byte {
	switch {
	case r == '\n' || r == '\t':
		return append(out, byte(r))
	case r == '\r':
		m.cr = true
	case r == 0x1b:
		m.state = inEscape
	case r == 0x9b:
		m.state = inCSI
	case r == 0x90 || r == 0x98 || r == 0x9d || r == 0x9e || r == 0x9f:
		m.state, m.length = inString, 0
	case r < 0x20 || r >= 0x7f && r < 0xa0:
		// Every other control does something or nothing; neither is text.
	case IsControl(r):
		return append(out, Visible(r)...)
	default:
		return utf8.AppendRune(out, r)
	}
	return out
}

// end appends what was still waiting.
func (m *machine) end(out []byte) []byte {
	if m.cr {
		m.cr = false
		out = append(out, '\n')
	}
	return out
}

// Strip makes text from elsewhere harmless and keeps its lines: escape
// sequences (CSI, OSC, DCS and the like, in 7 and 8 bits) and control
// characters are removed, a carriage return becomes a line break so that
// nothing can be overwritten, bidi controls are shown as <U+202E>, bytes that
// are not UTF-8 become U+FFFD. Line feed and tab stay.
func Strip(s string) string {
	if isPlain(s) {
		return s
	}
	var m machine
	out := make([]byte, 0, len(s))
	for _, r := range s {
		out = m.step(out, r)
	}
	return string(m.end(out))
}

// Stripper does what [Strip] does to a stream, wherever the stream is cut.
// Close it to get what is held back at the end (part of a character, a
// carriage return).
type Stripper struct {
	w       io.Writer
	machine machine
	part    []byte // the beginning of a character
	out     []byte
}

// NewStripper gives a writer that passes harmless text on to w.
func NewStripper(w io.Writer) *Stripper { return &Stripper{w: w} }

// Write takes all of p; the error is that of the writer behind.
func (s *Stripper) Write(p []byte) (int, error) {
	s.out = s.out[:0]
	rest := p
	for len(s.part) > 0 && len(rest) > 0 && !utf8.FullRune(s.part) {
		s.part = append(s.part, rest[0])
		rest = rest[1:]
	}
	if len(s.part) > 0 && utf8.FullRune(s.part) {
		// One byte more can turn a beginning into several wrong characters.
		rest = append(s.part, rest...)
		s.part = nil
	}
	for len(rest) > 0 {
		if !utf8.FullRune(rest) {
			s.part = append(s.part, rest...)
			break
		}
		r, size := utf8.DecodeRune(rest)
		s.out = s.machine.step(s.out, r)
		rest = rest[size:]
	}
	if err := s.pass(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes what was held back. It does not close the writer behind.
func (s *Stripper) Close() error {
	s.out = s.out[:0]
	for range s.part {
		s.out = s.machine.step(s.out, utf8.RuneError)
	}
	s.part = nil
	s.out = s.machine.end(s.out)
	return s.pass()
}

func (s *Stripper) pass() error {
	if len(s.out) == 0 {
		return nil
	}
	_, err := s.w.Write(s.out)
	return err
}
