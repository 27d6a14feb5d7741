// Package probefile is what travels when somebody else's host is to look for us: the export, one small file with everything that is to
// be asked, and the results, signed with the key that was made for them.
//
// Whoever has an export may answer for it, and for nothing else: results are held against what was exported, who it was for and until
// when, and what they say is judged here, never taken over. No secret travels, only where the other host may find its own. The package
// is pure: it knows no clock, disk or network, and where a file comes from is for others. All values may be read concurrently.
package probefile

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxBytes is how large a file may be.
const MaxBytes = 16 << 20

// The first words of the files, which also enter what is signed: one file cannot pass for another.
const (
	exportMark  = "probe-export/1"
	resultsMark = "probe-results/1"
)

// envelope is a file: a body, and a signature over its compact form.
type envelope struct {
	Skift     string          `json:"skift"`
	Body      json.RawMessage `json:"body"`
	Signature []byte          `json:"signature"`
}

// seal writes a file.
func seal(mark string, body any, key ed25519.PrivateKey) ([]byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", mark, err)
	}
	out, err := json.MarshalIndent(envelope{mark, b, ed25519.Sign(key, signed(mark, b))}, "", " ")
	return append(out, '\n'), err
}

func signed(mark string, compact []byte) []byte { return append([]byte(mark+"\n"), compact...) }

// unwrap reads a file without believing it.
func unwrap(mark string, data []byte) (e envelope, compact []byte, err error) {
	if len(data) > MaxBytes {
		return e, nil, fmt.Errorf("it is larger than %d MB", MaxBytes>>20)
	}
	if err := strict(data, &e); err != nil {
		return e, nil, err
	}
	if e.Skift != mark {
		return e, nil, fmt.Errorf("it says that it is %.40q, not %q", e.Skift, mark)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, e.Body); err != nil {
		return e, nil, errCut
	}
	return e, b.Bytes(), nil
}

// What is wrong with a file, in words for whoever holds it.
var (
	errCut     = errors.New("it is cut off, or no file of ours")
	errChanged = errors.New("it was changed after it was signed")
)

// strict reads one JSON value and nothing behind it; unknown fields are refused, for they may mean something.
func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		var kind *json.UnmarshalTypeError
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) || errors.As(err, &kind) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return errCut
		}
		return fmt.Errorf("it cannot be read: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind its end")
	}
	return nil
}
