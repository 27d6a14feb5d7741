package demo

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// document is one YAML file of a plan, changed as nodes: what is not touched keeps its order, style and comments.
type document struct {
	root *yaml.Node // the mapping at the top
}

func readDocument(name string, src []byte) (*document, error) {
	var top yaml.Node
	if err := yaml.Load(src, &top); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	root := &top
	if top.Kind == yaml.DocumentNode && len(top.Content) == 1 {
		root = top.Content[0]
	}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("read %s: it is no mapping", name)
	}
	return &document{root}, nil
}

func (d *document) bytes() ([]byte, error) {
	out, err := yaml.Dump(d.root, yaml.WithIndent(2), yaml.WithLineWidth(160))
	if err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	return out, nil
}

// at is the value under a path of keys, nil when there is none.
func (d *document) at(path ...string) *yaml.Node {
	n := d.root
	for _, key := range path {
		n = value(n, key)
	}
	return n
}

// value is what a mapping holds under a key, nil when it holds nothing or is none.
func value(m *yaml.Node, key string) *yaml.Node {
	if m == nil || m.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

// set puts a value under a key, in place of what was there or at the end.
func set(m *yaml.Node, key string, v *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content[i+1] = v
			return
		}
	}
	m.Content = append(m.Content, text(key), v)
}

func remove(m *yaml.Node, key string) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content = append(m.Content[:i], m.Content[i+2:]...)
			return
		}
	}
}

// each calls fn with every key of a mapping and its value.
func each(m *yaml.Node, fn func(key string, v *yaml.Node)) {
	if m == nil || m.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		fn(m.Content[i].Value, m.Content[i+1])
	}
}

// text is a scalar that is written plainly where that cannot be read as anything else.
func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

// truth is a boolean.
func truth(b bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(b)}
}

// quoted is a scalar in quotes, such as a date or an address.
func quoted(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Style: yaml.DoubleQuotedStyle}
}

// list is a sequence on one line.
func list(items ...string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
	for _, s := range items {
		n.Content = append(n.Content, quoted(s))
	}
	return n
}

// inline is a mapping on one line, of keys and values in turn.
func inline(pairs ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}
	for i := 0; i+1 < len(pairs); i += 2 {
		v, ok := pairs[i+1].(*yaml.Node)
		if !ok {
			v = text(pairs[i+1].(string))
		}
		n.Content = append(n.Content, text(pairs[i].(string)), v)
	}
	return n
}
