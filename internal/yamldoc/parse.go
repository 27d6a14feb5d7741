package yamldoc

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"skift/internal/diag"
)

// What a file may hold at most, so that reading one cannot cost more than a
// large plan does. Its size is bounded by [diag.MaxBytes].
const (
	MaxValues = 1_000_000 // keys, values, lists and maps together
	MaxDepth  = 50        // lists and maps inside each other
)

// document is what all nodes of one file share.
type document struct {
	file     string
	src      []byte
	problems *diag.List
}

// Parse reads one file. file is the name used in positions. On false the
// document cannot be read at all, problems says why and the Node is empty. On
// true there may still be problems, such as duplicate keys; reading on finds
// the others.
func Parse(file string, src []byte, problems *diag.List) (Node, bool) {
	src, ok := diag.ReadSource(file, src, problems)
	if !ok {
		return Node{}, false
	}
	d := &document{file: file, src: src, problems: problems}
	if !d.checkCount() {
		return Node{}, false
	}
	root, ok := d.load()
	if !ok {
		return Node{}, false
	}
	c := checker{document: d, limit: MaxValues}
	n := Node{y: root, doc: d}
	c.check(n, 1)
	return n, !c.stop
}

// load has the bytes parsed and expects exactly one document with something in it.
func (d *document) load() (root *yaml.Node, ok bool) {
	defer func() {
		// The parser panics on states it believes impossible. An author's file
		// must not be able to end the process, whatever is in it.
		if recover() != nil {
			d.addf(1, 1, CodeSyntax, "the file cannot be read as YAML")
			root, ok = nil, false
		}
	}()
	loader, err := yaml.NewLoader(bytes.NewReader(d.src), yaml.WithPlugin(limits{}))
	if err != nil {
		d.syntax(err)
		return nil, false
	}
	var doc, second yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		d.addf(1, 1, diag.CodeEmptyFile, "the file is empty")
		return nil, false
	case err != nil:
		d.syntax(err)
		return nil, false
	}
	switch err := loader.Load(&second); {
	case err == nil:
		d.addf(second.Line, second.Column, CodeSecondDocument, "a second document begins here; a file holds one").
			Wide(3).Hintf("remove the line with --- or move what follows to a file of its own")
		return nil, false
	case !errors.Is(err, io.EOF):
		d.syntax(err)
		return nil, false
	}
	if len(doc.Content) != 1 || isNull(doc.Content[0]) {
		d.addf(1, 1, diag.CodeEmptyFile, "the file is empty")
		return nil, false
	}
	return doc.Content[0], true
}

// pos is a place the parser gave for something that is there.
func (d *document) pos(line, col int) diag.Pos {
	return diag.Pos{File: d.file, Line: line, Col: col}
}

// inside is pos for places that may lie behind the end of the file.
func (d *document) inside(line, col int) diag.Pos { return diag.Inside(d.src, d.pos(line, col)) }

func (d *document) addf(line, col int, code diag.Code, format string, args ...any) *diag.Problem {
	return d.problems.Addf(d.inside(line, col), code, format, args...)
}

// checkCount refuses a file that holds more values than allowed before memory
// is spent on it: hardly a value can be written without a comma, a colon, a
// bracket or a line of its own. What slips through is counted again afterwards.
func (d *document) checkCount() bool {
	count, line, start := 0, 1, 0
	for i, c := range d.src {
		switch c {
		case ',', '[', '{':
			count++
		case ':', '-', '?':
			if i+1 == len(d.src) || bytes.IndexByte([]byte(" \t\r\n,[]{}"), d.src[i+1]) >= 0 {
				count++
			}
		case '\n':
			line, start = line+1, i+1
		}
		if count > MaxValues {
			d.problems.Addf(d.pos(line, utf8.RuneCount(d.src[start:i])+1), CodeTooMany, "the file holds more than %d values", MaxValues)
			return false
		}
	}
	return true
}
