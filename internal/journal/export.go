package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// exportFormat is in the first line of every export.
const exportFormat = "skift-journal-1"

// maxExportLine bounds the memory that reading somebody's export can take.
const maxExportLine = 64 << 20

// exportHeader is the first line of an export.
type exportHeader struct {
	Format   string `json:"format"`
	Head     Head   `json:"head"`
	Frontier []byte `json:"frontier"`
}

// exportEvent is every other line. The body is a JSON string rather than an
// object so that its bytes are kept.
type exportEvent struct {
	Plan    string      `json:"plan"`
	Seq     int64       `json:"seq"`
	At      time.Time   `json:"at"`
	Kind    string      `json:"kind"`
	Run     string      `json:"run,omitempty"`
	Subject string      `json:"subject,omitempty"`
	Actor   exportActor `json:"actor"`
	Body    string      `json:"body,omitempty"`
	Leaf    Hash        `json:"leaf"`
}

type exportActor struct {
	Seat      string `json:"seat,omitempty"`
	Person    string `json:"person,omitempty"`
	EnteredBy string `json:"entered_by,omitempty"`
	Via       string `json:"via,omitempty"`
}

// Export writes the journal of plan as JSON lines: first its head and frontier,
// then one event per line, in order.
func Export(w io.Writer, plan string, stored Frontier, records iter.Seq2[Record, error]) error {
	if _, err := w.Write(line(exportHeader{exportFormat, stored.Head(plan), stored.Bytes()})); err != nil {
		return fmt.Errorf("export journal: %w", err)
	}
	for rec, err := range records {
		if err != nil {
			return err
		}
		if _, err := w.Write(line(exportOf(rec))); err != nil {
			return fmt.Errorf("export event %d: %w", rec.Seq, err)
		}
	}
	return nil
}

func exportOf(rec Record) exportEvent {
	return exportEvent{
		Plan: rec.Plan, Seq: rec.Seq, At: rec.At, Kind: rec.Kind, Run: rec.Run, Subject: rec.Subject,
		Actor: exportActor(rec.Actor), Body: string(rec.Body), Leaf: rec.Leaf,
	}
}

func (l exportEvent) record() Record {
	e := Event{
		Plan: l.Plan, Seq: l.Seq, At: l.At, Kind: l.Kind, Run: l.Run, Subject: l.Subject,
		Actor: Actor(l.Actor), Body: []byte(l.Body),
	}
	return Record{e.Normal(), l.Leaf}
}

// line is a value as it stands in an export: there is one way to write it, so
// that no byte can be another without being found. It panics on values without
// a JSON form, which none of those here are.
func line(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("journal: line without a JSON form: " + err.Error())
	}
	return b.Bytes()
}

// Exported is an export that is being read.
type Exported struct {
	Head     Head     // what the journal said of itself
	Frontier Frontier // the same, as a tree
	lines    *bufio.Scanner
}

// Import begins to read an export. Nothing is believed yet: pass Head.Plan,
// Records and Frontier to [Verify]. One line is in memory at a time.
func Import(r io.Reader) (*Exported, error) {
	x := &Exported{lines: bufio.NewScanner(r)}
	x.lines.Buffer(nil, maxExportLine)
	x.lines.Split(wholeLines)
	if !x.lines.Scan() {
		if err := x.lines.Err(); err != nil {
			return nil, fmt.Errorf("read export: line 1: %w", err)
		}
		return nil, fmt.Errorf("read export: it is empty")
	}
	var h exportHeader
	if err := unmarshalLine(x.lines.Bytes(), &h); err != nil || h.Format != exportFormat {
		return nil, fmt.Errorf("read export: line 1 is not the head of an exported journal (%q)", exportFormat)
	}
	f, err := ParseFrontier(h.Head.Size, h.Frontier)
	if err != nil {
		return nil, fmt.Errorf("read export: line 1: %w", err)
	}
	if f.Root() != h.Head.Root {
		return nil, fmt.Errorf("read export: line 1: its head and its frontier disagree: one of them was changed")
	}
	if !bytes.Equal(line(h), x.lines.Bytes()) {
		return nil, fmt.Errorf("read export: line 1 %w", errRespelled)
	}
	x.Head, x.Frontier = h.Head, f
	return x, nil
}

// Records reads the events; it can be ranged over once.
func (x *Exported) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		n := 2
		for ; x.lines.Scan(); n++ {
			var l exportEvent
			if err := unmarshalLine(x.lines.Bytes(), &l); err != nil {
				yield(Record{}, fmt.Errorf("read export: line %d is not an event: %w", n, err))
				return
			}
			rec := l.record()
			if !bytes.Equal(line(exportOf(rec)), x.lines.Bytes()) {
				yield(Record{}, fmt.Errorf("read export: line %d (event %d) %w", n, l.Seq, errRespelled))
				return
			}
			if !yield(rec, nil) {
				return
			}
		}
		if err := x.lines.Err(); err != nil {
			yield(Record{}, fmt.Errorf("read export: line %d is not an event: %w", n, err))
		}
	}
}

// errRespelled says that a line means what it may have meant, and was written
// by somebody else: an hour in another zone, a fraction below what is hashed, a
// key twice, white space.
var errRespelled = errors.New("is not spelled as an export is: it was changed after it was written")

// errCut says that the file ends inside a line.
var errCut = errors.New("it is cut off")

// wholeLines splits at line feeds and keeps them: what ends without one was cut.
func wholeLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i+1], nil
	}
	if atEOF && len(data) > 0 {
		return 0, nil, errCut
	}
	return 0, nil, nil
}

// unmarshalLine reads one JSON value and nothing else; a field nobody knows
// would not be covered by any hash.
func unmarshalLine(line []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("there is more than one value on the line")
	}
	return nil
}
