// Package accesslog reads who was let in and who was not out of the logs a platform writes itself: OpenSSH's auth.log, the access logs
// of nginx and HAProxy, and a plain table. It keeps one sum per source address and no line: the old platform's log says who must be let
// in, the new one's who got in.
//
// It is pure and reads as a stream: its memory depends on how many sources there are, not on how long the log is.
package accesslog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"
)

// Format is how a log is written.
type Format string

// The formats.
const (
	CSV     Format = "csv"
	AuthLog Format = "auth.log"
	Nginx   Format = "nginx"
	HAProxy Format = "haproxy"
)

// Formats lists the formats.
func Formats() []Format { return []Format{CSV, AuthLog, Nginx, HAProxy} }

// Denied says how a log shows that a source was turned away. The strings are outcome codes of the checks.
type Denied string

// The ways.
const (
	ByStatus Denied = "http_status"       // 403
	ByLogin  Denied = "auth_failed"       // the login failed; the address was let in so far
	ByClose  Denied = "closed_pre_banner" // closed before anything was said
	ByWall   Denied = "filtered_reject"   // a firewall's own log
	ByLoad   Denied = "refused_text"      // by a server that is busy, or is asked too often: no list is behind it
)

// Source is what a log says about one address.
type Source struct {
	Addr      netip.Addr `json:"addr"`
	FirstAt   time.Time  `json:"first_at"`
	LastAt    time.Time  `json:"last_at"`
	AllowedAt time.Time  `json:"allowed_at,omitzero"` // last let in
	DeniedAt  time.Time  `json:"denied_at,omitzero"`  // last turned away
	Allowed   int64      `json:"allowed"`
	Denied    int64      `json:"denied"`
	Seen      int64      `json:"seen"`                // came so far, without a decision in the log
	DeniedAs  Denied     `json:"denied_as,omitempty"` // how, the last time
}

// Summary is what a log says.
type Summary struct {
	Format   Format   `json:"format"`
	Digest   string   `json:"digest"` // hex SHA-256 of the file as it lies there
	Lines    int64    `json:"lines"`
	Rejected int64    `json:"rejected"` // lines that are not of this format
	Bad      []Place  `json:"bad,omitempty"`
	Sources  []Source `json:"sources"` // by address
}

// Place is a line that could not be read.
type Place struct {
	Line int64  `json:"line"`
	Why  string `json:"why"`
}

// Options say how a log is to be read.
type Options struct {
	Format  Format
	Year    int            // of every line, where lines have none; 0 = the latest that lies not in the future
	Zone    *time.Location // where lines have none
	Service string         // of a table with a column service: only its rows
	Now     time.Time
}

// Bounds.
const (
	MaxInflated = 4 << 30 // of a compressed log
	maxLine     = 64 << 10
	maxSources  = 100_000
	maxBad      = 5
	maxAhead    = 2 * time.Minute
)

// entry is one line that says something about a source.
type entry struct {
	source netip.Addr
	at     time.Time
	denied Denied
	seen   bool // no decision
	count  int64
}

// errOther is a line of the format that says nothing about sources.
var errOther = errors.New("nothing about a source")

// Read reads a log, compressed with gzip or not. What does not parse is counted; the error says that the log as a whole cannot be used.
func Read(r io.Reader, o Options) (Summary, error) {
	s := Summary{Format: o.Format}
	parse, err := o.parser()
	if err != nil {
		return s, err
	}
	sum := sha256.New()
	text, err := inflate(io.TeeReader(r, sum))
	if err != nil {
		return s, err
	}
	sources := map[netip.Addr]*Source{}
	err = lines(text, func(line []byte, whole bool) error {
		s.Lines++
		if !whole {
			s.bad("is longer than 64 kB")
			return nil
		}
		e, err := parse(line)
		switch {
		case errors.Is(err, errOther):
			return nil
		case err != nil:
			s.bad(err.Error())
			return nil
		case e.at.After(o.Now.Add(maxAhead)):
			s.bad("lies in the future; is the time zone right (--timezone)?")
			return nil
		}
		return add(sources, e)
	})
	if err != nil {
		return s, err
	}
	if _, err := io.Copy(io.Discard, io.TeeReader(io.LimitReader(r, MaxInflated), sum)); err != nil { // what stands behind a compressed text counts, too
		return s, fmt.Errorf("read log: %w", err)
	}
	s.Digest = hex.EncodeToString(sum.Sum(nil))
	for _, src := range sources {
		s.Sources = append(s.Sources, *src)
	}
	slices.SortFunc(s.Sources, func(a, b Source) int { return a.Addr.Compare(b.Addr) })
	return s, nil
}

func (s *Summary) bad(why string) {
	s.Rejected++
	if len(s.Bad) < maxBad {
		s.Bad = append(s.Bad, Place{s.Lines, why})
	}
}

func add(sources map[netip.Addr]*Source, e entry) error {
	src := sources[e.source]
	if src == nil {
		if len(sources) == maxSources {
			return fmt.Errorf("the log has more than %d sources", maxSources)
		}
		src = &Source{Addr: e.source, FirstAt: e.at, LastAt: e.at}
		sources[e.source] = src
	}
	if e.at.Before(src.FirstAt) {
		src.FirstAt = e.at
	}
	if e.at.After(src.LastAt) {
		src.LastAt = e.at
	}
	switch {
	case e.seen:
		src.Seen += e.count
	case e.denied != "":
		src.Denied += e.count
		if !e.at.Before(src.DeniedAt) {
			src.DeniedAt, src.DeniedAs = e.at, e.denied
		}
	default:
		src.Allowed += e.count
		if e.at.After(src.AllowedAt) {
			src.AllowedAt = e.at
		}
	}
	return nil
}

// inflate takes the compression off, if there is one, and stops at a bound: a small file may inflate to anything.
func inflate(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	if head, _ := b.Peek(2); !bytes.Equal(head, []byte{0x1f, 0x8b}) {
		return b, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, errors.New("the file begins like gzip and is none")
	}
	return &bounded{r: z, left: MaxInflated}, nil
}

// bounded fails at its bound instead of ending: half a log is not the log.
type bounded struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("the log inflates to more than %d GB", MaxInflated>>30)
	}
	return n, err
}

// lines calls fn for each line that is not empty; of one that is too long only its beginning is there.
func lines(r io.Reader, fn func(line []byte, whole bool) error) error {
	b := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := b.ReadSlice('\n')
		whole := !errors.Is(err, bufio.ErrBufferFull)
		if text := bytes.TrimRight(line, "\r\n"); len(bytes.TrimSpace(text)) > 0 {
			if err := fn(text, whole); err != nil {
				return err
			}
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = b.ReadSlice('\n')
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read log: %w", err)
		}
	}
}
