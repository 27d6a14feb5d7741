package sshdial

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"skift/internal/dial"
)

// A pin that is taken is a digest, is printed as one, and is taken again.
func FuzzParsePins(f *testing.F) {
	f.Add(fingerprint('A'))
	f.Add(" ssh-rsa  " + fingerprint('B') + "\t")
	f.Add("MD5:00:11")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePins([]string{text})
		if err != nil {
			return
		}
		again, err := ParsePins([]string{p.String()})
		if err != nil || again.String() != p.String() || len(p.String()) != len(fingerprint('A')) {
			t.Errorf("%q is printed as %q and read as %q, %v", text, p, again, err)
		}
		if p.check(p.String()) != nil {
			t.Errorf("%q does not take its own key", text)
		}
	})
}

// heard is a connection that gives what a server said, piece by piece.
type heard struct {
	net.Conn
	r io.Reader
}

func (h heard) Read(b []byte) (int, error) { return h.r.Read(b[:min(len(b), 7)]) }

// However a server's first lines are cut, the version line is the first short one that begins like it, and only whole.
func FuzzGreeting(f *testing.F) {
	f.Add("SSH-2.0-x\r\n")
	f.Add("hello\r\nplease wait\nSSH-2.0-OpenSSH_9.9 comment\r\n\x00\x00")
	f.Add(strings.Repeat("x", 300) + "SSH-2.0-no\nSSH-1.5-old\n")
	f.Add("SSH-2.0-never ends")
	f.Fuzz(func(t *testing.T, said string) {
		g := &greeting{Conn: &dial.Conn{Conn: heard{r: strings.NewReader(said)}}}
		if _, err := io.Copy(io.Discard, struct{ io.Reader }{g}); err != nil {
			t.Fatal(err)
		}
		want := ""
		for line := range bytes.Lines([]byte(said)) {
			if whole, ended := bytes.CutSuffix(line, []byte("\n")); ended && len(whole) <= maxVersion && bytes.HasPrefix(whole, []byte("SSH-")) {
				want = string(bytes.TrimRight(whole, "\r"))
				break
			}
		}
		if g.version != want {
			t.Errorf("%q: got %q, want %q", said, g.version, want)
		}
	})
}
