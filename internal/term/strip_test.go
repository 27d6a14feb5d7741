package term

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

var stripTests = []struct{ name, in, want string }{
	{"plain", "Overgang til ny leverandør\n\tok", "Overgang til ny leverandør\n\tok"},
	{"empty", "", ""},
	{"colour", "\x1b[1;31mred\x1b[0m", "red"},
	{"clear screen", "a\x1b[2J\x1b[Hb", "ab"},
	{"private mode", "\x1b[?25lx\x1b[?1049h", "x"},
	{"intermediate", "\x1b[!px\x1b[0 qy", "xy"},
	{"8-bit CSI", "a\u009b2Jb", "ab"},
	{"title, BEL", "a\x1b]0;owned\x07b", "ab"},
	{"clipboard, ST", "a\x1b]52;c;aGVsbG8=\x1b\\b", "ab"},
	{"hyperlink", "\x1b]8;;https://evil.example\x1b\\text\x1b]8;;\x1b\\", "text"},
	{"8-bit OSC and ST", "a\u009d0;owned\u009cb", "ab"},
	{"DCS", "a\x1bP1$r0m\x1b\\b", "ab"},
	{"APC PM SOS", "a\x1b_x\x1b\\b\x1b^y\x1b\\c\x1bXz\x1b\\d", "abcd"},
	{"charset", "a\x1b(0b\x1b(Bc", "abc"},
	{"two-byte", "a\x1b7b\x1b8c\x1bcd\x1bMe", "abcde"},
	{"escape in OSC begins anew", "a\x1b]0;x\x1b[31mb", "ab"},
	{"cancelled", "a\x1b]0;x\x18b\x1b[3\x1acd", "abcd"},
	{"OSC ends at the line", "a\x1b]0;x\nb", "a\nb"},
	{"unfinished CSI", "a\x1b[31", "a"},
	{"unfinished OSC", "a\x1b]0;x", "a"},
	{"lone ESC", "a\x1b", "a"},
	{"double ESC", "a\x1b\x1b[31mb", "ab"},
	{"CSI cut by a letter from elsewhere", "a\x1b[3æb", "aæb"},
	{"overwrite", "password: wrong\rpassword: right\n", "password: wrong\npassword: right\n"},
	{"CRLF", "a\r\nb\r\n", "a\nb\n"},
	{"CR at the end", "a\r", "a\n"},
	{"two CR", "a\r\rb", "a\n\nb"},
	{"CR then sequence", "a\r\x1b[Kb", "a\nb"},
	{"backspace", "ab\b\bcd", "abcd"},
	{"bell and NUL", "a\x07\x00b\x7f", "ab"},
	{"other C1", "a\u0084\u0085\u008db", "ab"},
	{"bidi is shown", "file\u202etxt.exe\u2066x\u2069", "file<U+202E>txt.exe<U+2066>x<U+2069>"},
	{"line separator is shown", "a\u2028b", "a<U+2028>b"},
	{"not UTF-8", "a\xffb\x9b31m", "a\ufffdb\ufffd31m"},
	{"cut character", "a\xe6\x97", "a\ufffd\ufffd"},
}

func TestStrip(t *testing.T) {
	t.Parallel()
	for _, tt := range stripTests {
		if got := Strip(tt.in); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if again := Strip(tt.want); again != tt.want {
			t.Errorf("%s: not the same when stripped twice: %q", tt.name, again)
		}
	}
}

// A stream gives the same wherever it is cut, byte by byte too.
func TestStripperAtEveryCut(t *testing.T) {
	t.Parallel()
	for _, tt := range stripTests {
		for cut := range len(tt.in) + 1 {
			if got := stream(t, tt.in[:cut], tt.in[cut:]); got != tt.want {
				t.Errorf("%s cut at %d: %q, want %q", tt.name, cut, got, tt.want)
			}
		}
		if got := stream(t, strings.Split(tt.in, "")...); got != tt.want {
			t.Errorf("%s by character: %q", tt.name, got)
		}
		var bytes []string
		for i := range len(tt.in) {
			bytes = append(bytes, tt.in[i:i+1])
		}
		if got := stream(t, bytes...); got != tt.want {
			t.Errorf("%s by byte: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func stream(t *testing.T, parts ...string) string {
	t.Helper()
	var out strings.Builder
	s := NewStripper(&out)
	for _, p := range parts {
		if n, err := s.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatalf("wrote %d of %d: %v", n, len(p), err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A control string that never ends cannot hide what comes after it for long.
func TestUnendedStringIsGivenUp(t *testing.T) {
	t.Parallel()
	got := Strip("\x1b]0;" + strings.Repeat("x", 2*longestString) + "END")
	if !strings.HasSuffix(got, "END") || len(got) > longestString+10 {
		t.Errorf("%d characters left", len(got))
	}
}

type failing struct{}

var errFull = errors.New("disk full")

func (failing) Write([]byte) (int, error) { return 0, errFull }

func TestStripperTellsWriteErrors(t *testing.T) {
	t.Parallel()
	s := NewStripper(failing{})
	if n, err := s.Write([]byte("x")); n != 0 || !errors.Is(err, errFull) {
		t.Errorf("%d, %v", n, err)
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain": "plain", "a\nb\tc\rd": "a␊b␉c␍d", "\x1b[2J": "␛[2J", "\u202e": "<U+202E>", "\u009b": "<U+009B>", "\x7f": "␡",
		"\xff": `\xff`, "æøå 日本": "æøå 日本", "": "",
	} {
		if got := Line(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// FuzzStrip holds that nothing which controls a terminal is left, and that a
// stream cut anywhere gives the same.
func FuzzStrip(f *testing.F) {
	for _, tt := range stripTests {
		f.Add(tt.in, len(tt.in)/2)
	}
	f.Fuzz(func(t *testing.T, in string, cut int) {
		got := Strip(in)
		for _, r := range got {
			if r != '\n' && r != '\t' && IsControl(r) {
				t.Fatalf("%q leaves %U: %q", in, r, got)
			}
		}
		cut = min(max(cut, 0), len(in))
		var out strings.Builder
		s := NewStripper(&out)
		fmt.Fprint(s, in[:cut])
		fmt.Fprint(s, in[cut:])
		if s.Close(); out.String() != got {
			t.Fatalf("%q cut at %d: %q, want %q", in, cut, out.String(), got)
		}
	})
}
