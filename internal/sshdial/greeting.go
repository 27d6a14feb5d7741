package sshdial

import (
	"bytes"

	"skift/internal/dial"
)

// maxGreeting is how much a server may say before its version line, when nothing but that line is wanted.
const maxGreeting = 64 << 10

// maxVersion is how long a version line may be (RFC 4253, 4.2), with its end.
const maxVersion = 255

// greeting finds the version line in what is read. A server may send other lines before it, more than a Conn records.
// The line is looked for only until it is found, which is before the library starts to read from another goroutine.
type greeting struct {
	*dial.Conn
	line    []byte
	long    bool // the line that is being read is too long to be the version
	version string
}

// Read reads and looks.
func (g *greeting) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if g.version == "" {
		g.look(b[:n])
	}
	return n, err
}

// Write refuses once reading has ended. The library closes its channels when its reader ends; one that is opened just after that, by
// a write the kernel still takes, would wait for an answer for ever, and closing the connection would not wake it.
func (g *greeting) Write(b []byte) (int, error) {
	if err := g.Ended(); err != nil {
		return 0, err
	}
	return g.Conn.Write(b)
}

func (g *greeting) look(b []byte) {
	for rest := b; len(rest) > 0; {
		part, after, whole := bytes.Cut(rest, []byte("\n"))
		if g.long = g.long || len(g.line)+len(part) > maxVersion; !g.long {
			g.line = append(g.line, part...)
		}
		if !whole {
			return
		}
		if !g.long && bytes.HasPrefix(g.line, []byte("SSH-")) {
			g.version = string(bytes.TrimRight(g.line, "\r"))
			return
		}
		g.line, g.long, rest = g.line[:0], false, after
	}
}
