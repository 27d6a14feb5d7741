package yamldoc

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"skift/internal/diag"
)

// Kind is what sort of value a node is.
type Kind uint8

// The kinds of node. The zero kind is that of the zero Node.
const (
	KindNone   Kind = iota // no node
	KindNull               // nothing after the colon, ~ or null
	KindScalar             // a word, text, number, date …
	KindList
	KindMap
)

// String says the kind as it is told to an author.
func (k Kind) String() string {
	return [...]string{"nothing", "empty", "a single value", "a list", "a map"}[k]
}

// Node is a value of the document with the place where it stands. The zero
// Node is no value; its getters return zero values and report nothing.
type Node struct {
	y   *yaml.Node
	key *yaml.Node // the key it is the value of, if any
	doc *document
	up  *where
	// index is its place in a list, from 1.
	index int
}

// where is the path of a map or list. Scalars have none of their own, so that
// reading them allocates nothing.
type where struct {
	up    *where
	name  string
	index int
}

// String writes the path as a person would: "gates.cutover-go.criteria[2]",
// items counted from 1.
func (w *where) String() string {
	if w == nil {
		return ""
	}
	var b strings.Builder
	w.write(&b)
	return b.String()
}

func (w *where) write(b *strings.Builder) {
	if w == nil {
		return
	}
	w.up.write(b)
	writeStep(b, w.name, w.index)
}

func writeStep(b *strings.Builder, name string, index int) {
	if name != "" {
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		if strings.ContainsAny(name, " .[]\"\n") {
			name = strconv.Quote(name)
		}
		b.WriteString(name)
	}
	if index > 0 {
		b.WriteByte('[')
		b.WriteString(strconv.Itoa(index))
		b.WriteByte(']')
	}
}

func (n Node) where() *where {
	return &where{up: n.up, name: n.name(), index: n.index}
}

func (n Node) name() string {
	if n.key == nil {
		return ""
	}
	return n.key.Value
}

// Kind tells what sort of value n is.
func (n Node) Kind() Kind {
	switch {
	case n.y == nil:
		return KindNone
	case n.y.Kind == yaml.MappingNode:
		return KindMap
	case n.y.Kind == yaml.SequenceNode:
		return KindList
	case isNull(n.y):
		return KindNull
	}
	return KindScalar
}

// isNull tells whether y is a scalar that YAML 1.2 reads as nothing.
func isNull(y *yaml.Node) bool {
	if y.Kind != yaml.ScalarNode || y.Style&quoted != 0 {
		return false
	}
	switch y.Value {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// Pos is where the value begins.
func (n Node) Pos() diag.Pos {
	if n.y == nil {
		return diag.Pos{}
	}
	if n.y.Value == "" && n.y.Style&quoted == 0 && n.y.Kind == yaml.ScalarNode {
		// Nothing is written here: the parser may point behind the last line.
		return n.doc.inside(n.y.Line, n.y.Column)
	}
	return n.doc.pos(n.y.Line, n.y.Column)
}

// KeyPos is where the value's key begins, or Pos for a list item and the root.
func (n Node) KeyPos() diag.Pos {
	if n.key == nil {
		return n.Pos()
	}
	return n.doc.pos(n.key.Line, n.key.Column)
}

// Path is the way from the root, such as "gates.cutover-go.criteria[2]" with
// items counted from 1; "" for the root.
func (n Node) Path() string {
	var b strings.Builder
	n.up.write(&b)
	writeStep(&b, n.name(), n.index)
	return b.String()
}

// Problems is the list that n's problems go to.
func (n Node) Problems() *diag.List {
	if n.doc == nil {
		return new(diag.List)
	}
	return n.doc.problems
}

// Problemf reports an error at the value.
func (n Node) Problemf(code diag.Code, format string, args ...any) *diag.Problem {
	return n.Problems().Addf(n.Pos(), code, format, args...).At(n.Path()).Wide(width(n.y))
}

// KeyProblemf reports an error at the value's key.
func (n Node) KeyProblemf(code diag.Code, format string, args ...any) *diag.Problem {
	k := n.key
	if k == nil {
		k = n.y
	}
	return n.Problems().Addf(n.KeyPos(), code, format, args...).At(n.Path()).Wide(width(k))
}

// width is how many characters a scalar takes in the source, as far as one can
// tell; 1 for what begins a list or map.
func width(y *yaml.Node) int {
	if y == nil || y.Kind != yaml.ScalarNode || y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return 1
	}
	w := utf8.RuneCountInString(y.Value)
	if y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		w += 2
	}
	return max(w, 1)
}
