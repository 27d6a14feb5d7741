package probe

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of a list that was handed over.
const (
	maxListRows = 5_000_000
	maxListLine = 64 << 10
)

// listRow is one row of a list.
type listRow struct {
	line int
	name string
	size int64  // -1 = not told
	sum  []byte // SHA-256; nil = not told; only until the next row
}

// listHead is what a list says of itself.
type listHead struct {
	takenAt     time.Time // zero = not told
	sizes, sums bool
}

// readList reads a list row by row: CSV with a header of name, size and sha256, or what sha256sum prints. Names are as written,
// but for a leading "./". What cannot be read ends it, with the line: half a list would look like missing files.
func readList(r io.Reader, row func(listRow) error) (head listHead, err error) {
	in := bufio.NewReaderSize(&lineGuard{in: r}, maxListLine)
	if bom, _ := in.Peek(3); bytes.Equal(bom, []byte("\ufeff")) {
		_, _ = in.Discard(3)
	}
	skipped, err := head.comments(in)
	if err != nil {
		return head, err
	}
	n := 0
	counted := func(l listRow) error {
		if n++; n > maxListRows {
			return fmt.Errorf("more than %d files", maxListRows)
		}
		l.line += skipped
		if err := l.clean(); err != nil {
			return fmt.Errorf("line %d: %w", l.line, err)
		}
		return row(l)
	}
	if first, _ := in.Peek(sumColumn); sumLine.Match(first) {
		head.sums = true
		err = readSums(in, skipped, counted)
	} else {
		err = head.readCSV(in, counted)
	}
	if err == nil && n == 0 {
		err = errors.New("the list is empty")
	}
	return head, err
}

// comments reads the lines before the list that begin with #, and how many there were.
func (h *listHead) comments(in *bufio.Reader) (n int, err error) {
	for {
		if b, _ := in.Peek(1); len(b) == 0 || b[0] != '#' {
			return n, nil
		}
		line, err := in.ReadString('\n')
		if err != nil && err != io.EOF {
			return n, err
		}
		n++
		if text, ok := strings.CutPrefix(strings.TrimSpace(strings.TrimPrefix(line, "#")), "taken_at:"); ok {
			if h.takenAt, err = time.Parse(time.RFC3339, strings.TrimSpace(text)); err != nil {
				return n, fmt.Errorf("line %d: taken_at is not a time such as 2019-11-09T22:00:00+01:00", n)
			}
		}
	}
}

const sumColumn = 66 // where sha256sum's names begin, but for the mark of an escaped one

var sumLine = regexp.MustCompile(`^\\?[0-9a-fA-F]{64} `)

func readSums(in *bufio.Reader, skipped int, row func(listRow) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxListLine)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSuffix(lines.Text(), "\r")
		if text == "" {
			continue
		}
		escaped := strings.HasPrefix(text, `\`)
		rest := strings.TrimPrefix(text, `\`)
		if len(rest) < sumColumn || !sumLine.MatchString(rest) || rest[65] != ' ' && rest[65] != '*' {
			return fmt.Errorf("line %d: not a line of sha256sum", n+skipped)
		}
		name := rest[sumColumn:]
		if escaped {
			name = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r").Replace(name)
		}
		sum, err := hex.DecodeString(rest[:64])
		if err != nil {
			return fmt.Errorf("line %d: %w", n+skipped, err)
		}
		if err := row(listRow{line: n, name: name, size: -1, sum: sum}); err != nil {
			return err
		}
	}
	return lines.Err()
}

// readCSV reads a table with a header, separated by commas or semicolons.
func (h *listHead) readCSV(in *bufio.Reader, row func(listRow) error) error {
	first, _ := in.Peek(4096)
	first, _, _ = bytes.Cut(first, []byte("\n"))
	table := csv.NewReader(in)
	table.ReuseRecord = true
	if bytes.IndexByte(first, ';') >= 0 && bytes.IndexByte(first, ',') < 0 {
		table.Comma = ';'
	}
	names, err := table.Read()
	if err == io.EOF {
		return nil
	} else if err != nil {
		return err
	}
	at := map[string]int{"name": -1, "size": -1, "sha256": -1}
	for i, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		if was, ok := at[name]; !ok || was >= 0 {
			return fmt.Errorf("line 1: column %.40q: the columns are name, size and sha256, each once", name)
		}
		at[name] = i
	}
	h.sizes, h.sums = at["size"] >= 0, at["sha256"] >= 0
	if at["name"] < 0 || !h.sizes && !h.sums {
		return errors.New("line 1: the header needs name, and size or sha256 or both")
	}
	var sum [32]byte
	for {
		cells, err := table.Read()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		line, _ := table.FieldPos(0)
		l := listRow{line: line, name: cells[at["name"]], size: -1}
		if h.sizes {
			text := cells[at["size"]]
			if l.size, err = strconv.ParseInt(text, 10, 64); err != nil || l.size < 0 || text[0] == '+' {
				return fmt.Errorf("line %d: %.40q is no size in bytes", line, text)
			}
		}
		if h.sums {
			if text := cells[at["sha256"]]; len(text) != 64 {
				return fmt.Errorf("line %d: no SHA-256 of 64 digits", line)
			} else if _, err := hex.Decode(sum[:], []byte(text)); err != nil {
				return fmt.Errorf("line %d: no SHA-256 of 64 digits", line)
			}
			l.sum = sum[:]
		}
		if err := row(l); err != nil {
			return err
		}
	}
}

// clean refuses a name that could not be that of a file below the folder the list was made of.
func (l *listRow) clean() error {
	l.name = strings.TrimPrefix(l.name, "./")
	switch name := l.name; {
	case name == "":
		return errors.New("a file without a name")
	case !utf8.ValidString(name):
		return errors.New("the name is not UTF-8")
	case strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("the name holds control characters")
	case strings.HasPrefix(name, "/"), len(name) > 1 && name[1] == ':':
		return errors.New("the name begins at the root; make the list inside the folder")
	case strings.Contains(name, `\`):
		return errors.New(`the name holds a backslash; write folders with /`)
	case name == "..", strings.HasPrefix(name, "../"), strings.Contains(name, "/../"), strings.HasSuffix(name, "/.."):
		return errors.New("the name leads out of the folder by its dots")
	}
	return nil
}

// lineGuard refuses a line without end, which would be held in memory as a whole.
type lineGuard struct {
	in  io.Reader
	run int
}

func (g *lineGuard) Read(b []byte) (int, error) {
	n, err := g.in.Read(b)
	for rest := b[:n]; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			g.run += len(rest)
			break
		}
		if g.run+i > maxListLine {
			return 0, errLongLine
		}
		g.run, rest = 0, rest[i+1:]
	}
	if g.run > maxListLine {
		return 0, errLongLine
	}
	return n, err
}

var errLongLine = fmt.Errorf("a line of more than %d bytes", maxListLine)
