package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// MinLength is how long, in bytes, a secret must be to be masked. Shorter ones
// would take ordinary words out of every text.
const MinLength = 6

// Masker removes the secrets it was told of. Its zero value knows none and is
// ready to use.
type Masker struct {
	mu      sync.Mutex // held while needles grow
	needles atomic.Pointer[needles]
}

// needles is what to look for, by first byte, longest first. It is never
// changed once it is published.
type needles struct {
	all     [][]byte
	byFirst [256][][]byte
}

// Add makes a secret known, from then on, to all writers of this masker. It is
// false for a secret shorter than [MinLength], which is not masked.
func (m *Masker) Add(v Value) bool {
	text := v.Reveal()
	if len(text) < MinLength {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := &needles{}
	if old := m.needles.Load(); old != nil {
		next.all = slices.Clone(old.all)
	}
	for _, form := range forms(text) {
		next.all = append(next.all, []byte(form))
	}
	// Longest first, so that at each place the longest match is found first.
	slices.SortFunc(next.all, func(a, b []byte) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return bytes.Compare(a, b)
	})
	next.all = slices.CompactFunc(next.all, bytes.Equal)
	for _, n := range next.all {
		next.byFirst[n[0]] = append(next.byFirst[n[0]], n)
	}
	m.needles.Store(next)
	return true
}

// forms gives the ways a secret may appear in text: as it is, each of its
// lines, and both in base64, hex, URL and JSON notation.
func forms(secret string) []string {
	parts := []string{secret}
	for line := range strings.Lines(secret) {
		line = strings.TrimSpace(line)
		// The marker lines of a PEM file are the same for everybody.
		if len(line) >= MinLength && line != secret && !strings.HasPrefix(line, "-----") {
			parts = append(parts, line)
		}
	}
	var out []string
	for _, p := range parts {
		quoted := strconv.Quote(p)
		out = append(out, p,
			hex.EncodeToString([]byte(p)), strings.ToUpper(hex.EncodeToString([]byte(p))),
			url.QueryEscape(p), url.PathEscape(p),
			jsonForm(p, true), jsonForm(p, false), quoted[1:len(quoted)-1])
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			out = append(out, enc.EncodeToString([]byte(p)))
			for shift := range 3 {
				out = append(out, shifted(enc, p, shift))
			}
		}
	}
	return out
}

func jsonForm(s string, escapeHTML bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(escapeHTML)
	if err := e.Encode(s); err != nil {
		return s
	}
	return strings.Trim(strings.TrimSuffix(b.String(), "\n"), `"`)
}

// shifted gives the base64 characters that s alone decides when shift bytes
// (modulo 3) stand before it, as in the base64 of "user:password".
func shifted(enc *base64.Encoding, s string, shift int) string {
	text := enc.WithPadding(base64.NoPadding).EncodeToString(append(make([]byte, shift), s...))
	from := (8*shift + 5) / 6
	to := 8 * (shift + len(s)) / 6
	return text[from:to]
}

// Mask replaces every secret in s by "***". Secrets that overlap are
// replaced together.
func (m *Masker) Mask(s string) string {
	n := m.needles.Load()
	if n == nil {
		return s
	}
	var scan scan
	out, _ := scan.run(n, nil, []byte(s), true)
	return string(out)
}

// scan remembers, between pieces of a stream, how far the last secret reaches.
type scan struct{ covered int }

// run appends the harmless form of data to out and gives what must wait for
// more data: a tail that may be the beginning of a secret. At the end nothing
// waits.
func (s *scan) run(n *needles, out, data []byte, atEnd bool) (masked, wait []byte) {
	for i := range data {
		rest := data[i:]
		longest := 0
		for _, needle := range n.byFirst[rest[0]] {
			if len(needle) > len(rest) {
				if !atEnd && bytes.HasPrefix(needle, rest) {
					return out, rest
				}
				continue
			}
			if bytes.HasPrefix(rest, needle) {
				longest = len(needle)
				break
			}
		}
		if longest > 0 && s.covered == 0 {
			out = append(out, stars...)
		}
		if s.covered = max(s.covered, longest); s.covered > 0 {
			s.covered--
			continue
		}
		out = append(out, rest[0])
	}
	return out, nil
}

// Writer masks a stream, wherever the stream is cut. What may be the beginning
// of a secret is held back until more is written or Close is called. It is not
// safe for concurrent use.
type Writer struct {
	masker *Masker
	w      io.Writer
	scan   scan
	wait   []byte
}

// Writer gives a writer that passes masked text on to w.
func (m *Masker) Writer(w io.Writer) *Writer { return &Writer{masker: m, w: w} }

// Write takes all of p; the error is that of the writer behind.
func (w *Writer) Write(p []byte) (int, error) {
	if err := w.pass(p, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes what was held back. It does not close the writer behind.
func (w *Writer) Close() error { return w.pass(nil, true) }

func (w *Writer) pass(p []byte, atEnd bool) error {
	n := w.masker.needles.Load()
	if n == nil {
		n = &needles{}
	}
	data := append(w.wait, p...)
	out, wait := w.scan.run(n, make([]byte, 0, len(data)), data, atEnd)
	w.wait = bytes.Clone(wait)
	if len(out) == 0 {
		return nil
	}
	_, err := w.w.Write(out)
	return err
}
