package sshdial

import (
	"bytes"
	"sync"

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

	mu     sync.Mutex // held over packet: the reader of the library may still run when it is asked for
	packet []byte     // what came after the version line, until the first packet is whole
}

// Read reads and looks.
func (g *greeting) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if rest := b[:n]; g.version != "" || g.look(&rest) {
		g.keep(rest)
	}
	return n, err
}

// keep takes down the first packet after the version line. It is sent in clear and lists all the server's algorithms.
func (g *greeting) keep(b []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if room := maxPacket - len(g.packet); room > 0 && !whole(g.packet) {
		g.packet = append(g.packet, b[:min(len(b), room)]...)
	}
}

// offer reads the first packet; nil when it never came or is not what it must be.
func (g *greeting) offer() *Offer {
	g.mu.Lock()
	defer g.mu.Unlock()
	o, err := ParseOffer(g.packet)
	if err != nil {
		return nil
	}
	return &o
}

// Write refuses once reading has ended. The library closes its channels when its reader ends; one that is opened just after that, by
// a write the kernel still takes, would wait for an answer for ever, and closing the connection would not wake it.
func (g *greeting) Write(b []byte) (int, error) {
	if err := g.Ended(); err != nil {
		return 0, err
	}
	return g.Conn.Write(b)
}

// look reports whether the version line is found, and leaves in b what came after it.
func (g *greeting) look(b *[]byte) bool {
	for rest := *b; len(rest) > 0; {
		part, after, ended := bytes.Cut(rest, []byte("\n"))
		if g.long = g.long || len(g.line)+len(part) > maxVersion; !g.long {
			g.line = append(g.line, part...)
		}
		if !ended {
			return false
		}
		if !g.long && bytes.HasPrefix(g.line, []byte("SSH-")) {
			g.version, *b = string(bytes.TrimRight(g.line, "\r")), after
			return true
		}
		g.line, g.long, rest = g.line[:0], false, after
	}
	return false
}
