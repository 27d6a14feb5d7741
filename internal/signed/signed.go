// Package signed is JSON that travels as a file, with a signature over it: what is asked of another host and what it answers, and the
// frozen zones for a supplier's pipeline.
//
// What is signed begins with the kind of the file, so that one cannot pass for another. The package keeps no keys and knows no clock, disk
// or network; who may sign what is for others. All values may be read concurrently.
package signed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// MaxBytes is how large a file may be.
const MaxBytes = 16 << 20

// Skew is how far ahead of ours the clock of another host may be.
const Skew = 2 * time.Minute

// envelope is a file: a body, and a signature over its compact form.
type envelope struct {
	Skift     string          `json:"skift"`
	Body      json.RawMessage `json:"body"`
	Signature []byte          `json:"signature"`
}

// Write is a file of a kind such as "probe-export/1".
func Write(kind string, body any, sign func(message []byte) []byte) ([]byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", kind, err)
	}
	out, err := json.MarshalIndent(envelope{kind, b, sign(message(kind, b))}, "", " ")
	return append(out, '\n'), err
}

func message(kind string, compact []byte) []byte { return append([]byte(kind+"\n"), compact...) }

// File is a file that was read and is not believed yet.
type File struct {
	Body []byte // compact, however the file was indented

	kind      string
	signature []byte
}

// Read reads a file without believing it. The error is a sentence about the file, for whoever holds it.
func Read(kind string, data []byte) (File, error) {
	var e envelope
	if len(data) > MaxBytes {
		return File{}, fmt.Errorf("it is larger than %d MB", MaxBytes>>20)
	}
	if err := Strict(data, &e); err != nil {
		return File{}, err
	}
	if e.Skift != kind {
		return File{}, fmt.Errorf("it says that it is %.40q, not %q", e.Skift, kind)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, e.Body); err != nil {
		return File{}, ErrCut
	}
	return File{b.Bytes(), kind, e.Signature}, nil
}

// By reports whether the body is what was signed; verify knows the key.
func (f File) By(verify func(message, signature []byte) bool) bool {
	return verify(message(f.kind, f.Body), f.signature)
}

// What is wrong with a file, in words for whoever holds it.
var (
	ErrCut     = errors.New("it is cut off, or no file of ours")
	ErrChanged = errors.New("it was changed after it was signed")
)

// Strict reads one JSON value and nothing behind it; unknown fields are refused, for they may mean something.
func Strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		var kind *json.UnmarshalTypeError
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) || errors.As(err, &kind) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return ErrCut
		}
		return fmt.Errorf("it cannot be read: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind its end")
	}
	return nil
}
