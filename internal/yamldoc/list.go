package yamldoc

import "go.yaml.in/yaml/v4"

// Seq gives the items of a list. An empty list is empty, not an error.
func (n Node) Seq() ([]Node, bool) {
	switch n.Kind() {
	case KindList:
		items := make([]Node, len(n.y.Content))
		here := n.where()
		for i, y := range n.y.Content {
			items[i] = Node{y: y, doc: n.doc, up: here, index: i + 1}
		}
		return items, true
	case KindNone:
	case KindNull:
		n.KeyProblemf(CodeEmptyValue, "has no value; it must be a list").
			Hintf("write [] for a list without items")
	default:
		if n.y.Kind != yaml.AliasNode {
			n.Problemf(CodeWrongKind, "must be a list, not %s", n.Kind()).Hintf("put it in brackets: [ … ]")
		}
	}
	return nil, false
}

// Items gives the items of a list; a value that is no list is taken as a list
// of one.
func (n Node) Items() ([]Node, bool) {
	switch n.Kind() {
	case KindScalar, KindMap:
		return []Node{n}, true
	}
	return n.Seq()
}

// each reads every item and leaves out those that were reported.
func each[T any](items []Node, read func(Node) (T, bool)) []T {
	if items == nil {
		return nil
	}
	out := make([]T, 0, len(items))
	for _, n := range items {
		if v, ok := read(n); ok {
			out = append(out, v)
		}
	}
	return out
}

// Filled reports a list that is there and has no items. It is for lists of which none would pass unseen what the key is there to ask:
// nobody means that who writes []. optional says whether the key may be left out instead.
func (m *Map) Filled(key string, optional bool) {
	n, ok := m.OptNode(key)
	if !ok || n.Kind() != KindList || len(n.y.Content) > 0 {
		return
	}
	p := n.Problemf(CodeEmptyValue, "the list is empty")
	if optional {
		p.Hintf("say which, or leave %s out", key)
		return
	}
	p.Hintf("say which: at least one is needed")
}
