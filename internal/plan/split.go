package plan

import (
	"bytes"
	"fmt"
	"strings"

	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// Split is a second window for what a first one leaves.
type Split struct {
	Window, Name string   // the window there is, and the id of the second
	From, Until  string   // of the second, as the plan writes dates
	Own          []string // gates that the window's runbook asks: their dates are each window's own and stay
	Was          Was      // of the second: Moved, By and Reason; its first dates are those of the first
}

// SplitWindow writes a second window for the same runbook behind the first, and lets what hangs on the end of it all hang on the second: ends
// of milestones, suites and consents, the moments at which certificates must be valid, ends of the window in dates of gates that are not its own. What
// hangs on the beginning stays with the first. Every other byte stays.
func SplitWindow(src []byte, s Split) ([]byte, error) {
	root, ok := yamldoc.Parse(File, src, new(diag.List))
	if !ok {
		return nil, fmt.Errorf("split %s in %s: it cannot be read", s.Window, File)
	}
	n, ok := root.Map().OptMap("milestones").OptNode(s.Window)
	if !ok {
		return nil, fmt.Errorf("split %s in %s: it is not there", s.Window, File)
	}
	begin, end, flow := n.Extent(src)
	if !flow {
		return nil, fmt.Errorf("split %s in %s: it is not written in braces, so it cannot be copied: write the second window by hand", s.Window, File)
	}
	r := redating{src: src, node: n, keys: []string{"from", "until"}}
	r.dates(s.From, s.Until)
	r.was(s.Was)
	if r.lost != "" {
		return nil, fmt.Errorf("split %s in %s: %s is not written in one line", s.Window, File, r.lost)
	}
	line := end + len(src[end:])
	if i := bytes.IndexByte(src[end:], '\n'); i >= 0 {
		line = end + i
	}
	key := strings.Repeat(" ", max(n.KeyPos().Col-1, 0))
	second := yamldoc.Apply(src[:end], r.edits)[begin:]
	edits := []yamldoc.Edit{{At: line, Text: "\n" + key + "# What " + s.Window + " leaves.\n" + key + s.Name + ":\n" + key + "  " + string(second)}}
	hangs := func(v yamldoc.Node) {
		if w, ok := v.Word(); ok && v.Kind() == yamldoc.KindScalar && strings.HasPrefix(w.Text, s.Window+".") {
			if from, until, ok := v.Extent(src); ok {
				edits = append(edits, yamldoc.Edit{At: from, Length: until - from, Text: yamldoc.Quote(s.Name + strings.TrimPrefix(w.Text, s.Window))})
			}
		}
	}
	s.each(root.Map(), hangs)
	return yamldoc.Apply(src, edits), nil
}

// each visits every date that means the end of it all.
func (s Split) each(root *yamldoc.Map, visit func(yamldoc.Node)) {
	at := func(m *yamldoc.Map, keys ...string) {
		for _, key := range keys {
			if v, ok := m.OptNode(key); ok {
				visit(v)
			}
		}
	}
	root.OptMap("milestones").Each(func(id string, v yamldoc.Node) {
		if id != s.Window && v.Kind() == yamldoc.KindMap {
			at(v.Map(), "until")
		}
	})
	root.OptMap("parties").Each(func(_ string, v yamldoc.Node) {
		if c, ok := v.Map().OptNode("consent"); ok && c.Kind() == yamldoc.KindMap {
			at(c.Map(), "until")
		}
	})
	root.OptMap("gates").Each(func(id string, v yamldoc.Node) {
		for _, own := range s.Own {
			if own == id {
				return
			}
		}
		for _, key := range []string{"opens", "decide_by"} {
			if w, ok := nodeOf(v, key).Word(); ok && !strings.HasPrefix(w.Text, s.Window+"."+Start) {
				visit(nodeOf(v, key))
			}
		}
	})
	root.OptMap("suites").Each(func(_ string, v yamldoc.Node) {
		items, _ := nodeOf(v, "during").Items()
		for _, d := range items {
			if d.Kind() == yamldoc.KindMap {
				at(d.Map(), "until")
			}
		}
	})
	root.OptMap("checks").Each(func(_ string, v yamldoc.Node) {
		items, _ := nodeOf(v, "valid_at").Items()
		for _, d := range items {
			visit(d)
		}
	})
}

func nodeOf(v yamldoc.Node, key string) yamldoc.Node {
	n, _ := v.Map().OptNode(key)
	return n
}
