package yamldoc

import (
	"strconv"

	"go.yaml.in/yaml/v4"

	"skift/internal/diag"
	"skift/internal/term"
)

// quoted are the styles in which a scalar is text whatever it looks like.
const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// checker walks the tree once and reports what YAML allows and we do not.
type checker struct {
	*document
	limit int // values, at most
	count int
	stop  bool // a limit was passed: what follows is not looked at
}

func (c *checker) check(n Node, depth int) {
	if c.stop {
		return
	}
	y := n.y
	if c.count++; c.count > c.limit {
		n.Problemf(CodeTooMany, "the file holds more than %d values", c.limit)
		c.stop = true
		return
	}
	c.properties(n)
	switch y.Kind {
	case yaml.MappingNode, yaml.SequenceNode:
		if depth > MaxDepth {
			n.Problemf(CodeTooDeep, tooDeep)
			c.stop = true
			return
		}
		here := n.where()
		if y.Kind == yaml.MappingNode {
			c.keys(n, here)
			for i := 0; i+1 < len(y.Content); i += 2 {
				c.count++
				c.check(Node{y: y.Content[i+1], key: y.Content[i], doc: c.document, up: here}, depth+1)
			}
			return
		}
		for i, item := range y.Content {
			c.check(Node{y: item, doc: c.document, up: here, index: i + 1}, depth+1)
		}
	}
}

// properties reports anchors, aliases, tags and escaped control characters.
func (c *checker) properties(n Node) {
	y := n.y
	if y.Kind == yaml.AliasNode {
		n.Problemf(CodeAlias, "aliases (*%s) are not used here", y.Value).Wide(len(y.Value) + 1).
			Hintf("write the value out")
		return
	}
	if y.Anchor != "" {
		n.Problemf(CodeAnchor, "anchors (&%s) are not used here", y.Anchor).Wide(len(y.Anchor) + 1).
			Hintf("write the value out where it is needed")
	}
	if y.Style&yaml.TaggedStyle != 0 || y.Tag == "!" {
		n.Problemf(CodeTag, "tags (%s) are not used here", y.Tag).Wide(len(y.Tag)).
			Hintf("remove the tag; put the value in quotes if it has to be text")
	}
	if y.Kind == yaml.ScalarNode && y.Style&yaml.DoubleQuotedStyle != 0 {
		for _, r := range y.Value {
			if r != '\n' && r != '\t' && term.IsControl(r) {
				n.Problemf(diag.CodeControlCharacter, "%s is a control character", strconv.QuoteToASCII(string(r))).
					Hintf("remove it")
				break
			}
		}
	}
}

// keys reports duplicate keys and keys that are not text.
func (c *checker) keys(n Node, here *where) {
	pairs := n.y.Content
	var seen map[string]*yaml.Node
	if len(pairs) > 2*smallMap {
		seen = make(map[string]*yaml.Node, len(pairs)/2)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		k := pairs[i]
		if !c.keyIsText(Node{y: k, doc: c.document, up: here}) {
			continue
		}
		var first *yaml.Node
		if seen != nil {
			if first = seen[k.Value]; first == nil {
				seen[k.Value] = k
			}
		} else {
			first = sameKey(pairs[:i], k.Value)
		}
		if first != nil {
			c.problems.Addf(c.pos(k.Line, k.Column), CodeDuplicateKey, "%q is there twice", k.Value).
				At(here.String()).Wide(width(k)).
				See(c.pos(first.Line, first.Column), "%q is first here", k.Value)
		}
	}
}

func sameKey(pairs []*yaml.Node, key string) *yaml.Node {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i].Value == key && pairs[i].Kind == yaml.ScalarNode {
			return pairs[i]
		}
	}
	return nil
}

func (c *checker) keyIsText(k Node) bool {
	y := k.y
	problem := func(code diag.Code, format string, args ...any) *diag.Problem {
		return c.problems.Addf(c.pos(y.Line, y.Column), code, format, args...).At(k.up.String()).Wide(width(y))
	}
	errors := c.problems.Errors()
	c.properties(k)
	switch {
	case c.problems.Errors() > errors:
		return false
	case y.Kind != yaml.ScalarNode:
		problem(CodeKeyNotText, "a key must be a single word or text, not a list or map")
		return false
	case y.Style&quoted == 0 && y.Value == "<<":
		problem(CodeMergeKey, "merge keys (<<) are not used here").Hintf("write the keys out")
		return false
	case y.Value == "":
		problem(CodeKeyNotText, "a key is empty")
		return false
	case y.Style&quoted == 0 && (y.Tag == "!!int" || y.Tag == "!!float" || y.Tag == "!!bool" || y.Tag == "!!null"):
		problem(CodeKeyNotText, "the key %s is not text", y.Value).Hintf("put it in quotes: %q", y.Value)
	}
	for _, r := range y.Value {
		if term.IsControl(r) {
			problem(diag.CodeControlCharacter, "the key contains %s", strconv.QuoteToASCII(string(r)))
			return false
		}
	}
	return true
}
