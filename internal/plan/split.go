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
	First, Rest  []string // services of the first and of the second; nil = not said
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
	if _, ok := n.Map().OptNode("in"); ok {
		return nil, fmt.Errorf("split %s in %s: write from and until instead of in: a window of days can be split, one of a month cannot", s.Window, File)
	}
	begin, end, flow := n.Extent(src)
	if !flow {
		begin, end = yamldoc.Offset(src, n.Pos()), blockEnd(src, n)
	}
	keys := []string{"from", "until"}
	r := redating{src: src, node: n, keys: keys}
	r.dates(s.From, s.Until)
	r.was(s.Was)
	r.services(s.Rest)
	first := redating{src: src, node: n, keys: keys}
	first.services(s.First)
	if r.lost != "" {
		return nil, fmt.Errorf("split %s in %s: %s is not written in one line", s.Window, File, r.lost)
	}
	indent := strings.Repeat(" ", max(n.KeyPos().Col-1, 0))
	inner := "  "
	if !flow { // each line as it is indented there
		inner = strings.Repeat(" ", max(n.Pos().Col-n.KeyPos().Col, 0))
	}
	second := yamldoc.Apply(src[:end], r.edits)[begin:]
	edits := append(first.edits, yamldoc.Edit{At: yamldoc.LineEnd(src, end), Text: "\n" + indent + "# What " + s.Window + " leaves.\n" + indent + s.Name + ":\n" + indent + inner + string(second)})
	hangs := func(v yamldoc.Node) {
		if v.Kind() == yamldoc.KindMap { // {at: …, assumed: true}
			if v, ok = v.Map().OptNode("at"); !ok {
				return
			}
		}
		if w, ok := v.Word(); ok && v.Kind() == yamldoc.KindScalar && strings.HasPrefix(w.Text, s.Window+".") {
			if from, until, ok := v.Extent(src); ok {
				edits = append(edits, yamldoc.Edit{At: from, Length: until - from, Text: yamldoc.Quote(s.Name + strings.TrimPrefix(w.Text, s.Window))})
			}
		}
	}
	s.each(root.Map(), hangs, func(v yamldoc.Node) {
		if !s.beginning(v) {
			hangs(v)
		}
	})
	return yamldoc.Apply(src, edits), nil
}

// blockEnd is behind the last line of a value that is written in lines; comments and empty lines behind it are not its own.
func blockEnd(src []byte, n yamldoc.Node) int {
	lineEnd := func(at int) int {
		if i := bytes.IndexByte(src[at:], '\n'); i >= 0 {
			return at + i
		}
		return len(src)
	}
	at := lineEnd(yamldoc.Offset(src, n.Pos()))
	end := at
	for at < len(src) {
		line := src[at+1 : lineEnd(at+1)]
		text := bytes.TrimLeft(line, " ")
		depth := len(line) - len(text)
		at += 1 + len(line)
		if text = bytes.TrimSpace(text); len(text) == 0 || text[0] == '#' {
			continue
		}
		if depth < n.KeyPos().Col {
			break
		}
		end = at
	}
	return len(bytes.TrimRight(src[:end], "\r"))
}

// beginning reports whether an end is that of what comes before the window: its start, or what is so long before that. What ends so long after
// the start lasts through the window.
func (s Split) beginning(end yamldoc.Node) bool {
	if end.Kind() == yamldoc.KindMap {
		end = nodeOf(end, "at")
	}
	w, _ := end.Word()
	rest, found := strings.CutPrefix(w.Text, s.Window+"."+Start)
	return found && !strings.HasPrefix(strings.TrimSpace(rest), "+")
}

// each visits every date that means the end of it all. An end of a milestone or of a suite's stretch may instead be that of what comes before.
func (s Split) each(root *yamldoc.Map, visit, end func(yamldoc.Node)) {
	root.OptMap("milestones").Each(func(id string, v yamldoc.Node) {
		if id != s.Window && v.Kind() == yamldoc.KindMap {
			if until, ok := v.Map().OptNode("until"); ok {
				end(until)
			}
		}
	})
	root.OptMap("parties").Each(func(_ string, v yamldoc.Node) {
		if c, ok := v.Map().OptNode("consent"); ok && c.Kind() == yamldoc.KindMap {
			if until, ok := c.Map().OptNode("until"); ok {
				visit(until)
			}
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
				if until, ok := d.Map().OptNode("until"); ok {
					end(until)
				}
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
