package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
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
// object so that its bytes survive programs that read and write JSON.
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
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(exportHeader{exportFormat, stored.Head(plan), stored.Bytes()}); err != nil {
		return fmt.Errorf("export journal: %w", err)
	}
	for rec, err := range records {
		if err != nil {
			return err
		}
		line := exportEvent{
			Plan: rec.Plan, Seq: rec.Seq, At: rec.At, Kind: rec.Kind, Run: rec.Run, Subject: rec.Subject,
			Actor: exportActor(rec.Actor), Body: string(rec.Body), Leaf: rec.Leaf,
		}
		if err := enc.Encode(line); err != nil {
			return fmt.Errorf("export event %d: %w", rec.Seq, err)
		}
	}
	return nil
}

// Exported is an export that is being read.
type Exported struct {
	Head     Head     // what the journal said of itself
	Frontier Frontier // the same, as a tree
	lines    *bufio.Scanner
}

// Import begins to read an export. Nothing is believed yet: pass Head.Plan,
// Records and Frontier to [Verify].
func Import(r io.Reader) (*Exported, error) {
	x := &Exported{lines: bufio.NewScanner(r)}
	x.lines.Buffer(nil, maxExportLine)
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
	x.Head, x.Frontier = h.Head, f
	return x, nil
}

// Records reads the events; it can be ranged over once.
func (x *Exported) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for n := 2; x.lines.Scan(); n++ {
			var l exportEvent
			if err := unmarshalLine(x.lines.Bytes(), &l); err != nil {
				yield(Record{}, fmt.Errorf("read export: line %d is not an event: %w", n, err))
				return
			}
			e := Event{
				Plan: l.Plan, Seq: l.Seq, At: l.At.UTC(), Kind: l.Kind, Run: l.Run, Subject: l.Subject,
				Actor: Actor(l.Actor), Body: []byte(l.Body),
			}
			if !yield(Record{e, l.Leaf}, nil) {
				return
			}
		}
		if err := x.lines.Err(); err != nil {
			yield(Record{}, fmt.Errorf("read export: %w", err))
		}
	}
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
