package plan

import (
	"bytes"
	"fmt"
	"strings"

	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// Redated is a milestone or a gate with other dates.
type Redated struct {
	Milestone   string
	Gate        string // instead
	From, Until string // as the plan writes dates; "" = as it is. Of a gate: `opens` and `decide_by`
	Was         Was    // of a milestone: Moved, By and Reason of the move; its dates are those it has in the text
}

// Redate writes other dates into the text of a plan, each in its place: comments, order and everything else stay to the byte. The dates that
// a milestone had are kept under its `was`. The error says that the text is not written so that this can be done. What comes of it
// is to be read as any plan is.
func Redate(src []byte, moves []Redated) ([]byte, error) {
	root, ok := yamldoc.Parse(File, src, new(diag.List))
	if !ok {
		return nil, fmt.Errorf("change dates of %s: it cannot be read", File)
	}
	var edits []yamldoc.Edit
	for _, mv := range moves {
		section, id, keys := "milestones", mv.Milestone, []string{"from", "until", "in", "date"}
		if mv.Gate != "" {
			section, id, keys = "gates", mv.Gate, []string{"opens", "decide_by"}
		}
		n, ok := root.Map().OptMap(section).OptNode(id)
		if !ok || n.Kind() != yamldoc.KindMap {
			return nil, fmt.Errorf("change dates of %s: %s has no %s", File, section, id)
		}
		r := redating{src: src, node: n, keys: keys}
		r.dates(mv.From, mv.Until)
		if mv.Gate == "" {
			r.was(mv.Was)
		}
		if r.lost != "" {
			return nil, fmt.Errorf("change dates of %s: %s of %s is written in a way in which it cannot be changed in place: write it in one line", File, r.lost, id)
		}
		edits = append(edits, r.edits...)
	}
	return yamldoc.Apply(src, edits), nil
}

// redating collects the edits of one milestone or gate.
type redating struct {
	src   []byte
	node  yamldoc.Node
	keys  []string
	edits []yamldoc.Edit
	lost  string // what cannot be changed; "" = nothing
}

func (r *redating) dates(from, until string) {
	for _, key := range r.keys {
		text := from
		if key == "until" || key == "decide_by" {
			text = until
		}
		n, ok := r.node.Map().OptNode(key)
		if !ok || text == "" {
			continue
		}
		if n.Kind() == yamldoc.KindMap { // {at: …, assumed: true} keeps what else it says
			m := n.Map()
			if at, ok := m.OptNode("at"); ok {
				n = at
			} else if about, ok := m.OptNode("about"); ok {
				n = about
			}
		}
		begin, end, ok := n.Extent(r.src)
		if !ok {
			r.lost = key
			return
		}
		r.edits = append(r.edits, yamldoc.Edit{At: begin, Length: end - begin, Text: yamldoc.Quote(text)})
	}
}

// was appends the dates that the text has to those the milestone had.
func (r *redating) was(w Was) {
	entry := r.entry(w)
	if r.lost != "" {
		return
	}
	if list, ok := r.node.Map().OptNode("was"); ok {
		r.append(list, entry)
		return
	}
	begin, end, flow := r.node.Extent(r.src)
	if flow {
		at := end - 1
		for at > begin && (r.src[at-1] == ' ' || r.src[at-1] == '\n' || r.src[at-1] == '\r' || r.src[at-1] == ',') {
			at--
		}
		r.edits = append(r.edits, yamldoc.Edit{At: at, Text: ",\n" + r.indent(r.node.Pos().Col) + "was: [" + entry + "]"})
		return
	}
	for _, key := range r.keys {
		if n, ok := r.node.Map().OptNode(key); ok {
			pos := n.KeyPos()
			r.edits = append(r.edits, yamldoc.Edit{At: yamldoc.Offset(r.src, pos), Text: "was: [" + entry + "]\n" + r.indent(pos.Col-1)})
			return
		}
	}
	r.lost = "was"
}

// services names what a window is for.
func (r *redating) services(ids []string) {
	if len(ids) == 0 {
		return
	}
	text := "[" + strings.Join(ids, ", ") + "]"
	if list, ok := r.node.Map().OptNode("services"); ok {
		begin, end, ok := list.Extent(r.src)
		if !ok {
			r.lost = "services"
			return
		}
		r.edits = append(r.edits, yamldoc.Edit{At: begin, Length: end - begin, Text: text})
		return
	}
	from, ok := r.node.Map().OptNode("from")
	if !ok {
		r.lost = "from"
		return
	}
	at := yamldoc.Offset(r.src, from.KeyPos())
	if _, _, flow := r.node.Extent(r.src); flow {
		r.edits = append(r.edits, yamldoc.Edit{At: at, Text: "services: " + text + ", "})
		return
	}
	r.edits = append(r.edits, yamldoc.Edit{At: at, Text: "services: " + text + "\n" + r.indent(from.KeyPos().Col-1)})
}

func (r *redating) indent(n int) string { return strings.Repeat(" ", max(n, 0)) }

// append puts an entry behind the last of a list.
func (r *redating) append(list yamldoc.Node, entry string) {
	items, _ := list.Items()
	if len(items) == 0 {
		r.lost = "was"
		return
	}
	last := items[len(items)-1]
	_, end, ok := last.Extent(r.src)
	_, _, flow := list.Extent(r.src)
	switch {
	case ok && flow && list.Kind() == yamldoc.KindList:
		r.edits = append(r.edits, yamldoc.Edit{At: end, Text: ",\n" + r.indent(last.Pos().Col-1) + entry})
	case ok && list.Kind() == yamldoc.KindList: // "- {…}" lines; a comment behind the last stays where it is
		r.edits = append(r.edits, yamldoc.Edit{At: yamldoc.LineEnd(r.src, end), Text: "\n" + r.indent(last.Pos().Col-3) + "- " + entry})
	default:
		r.lost = "was"
	}
}

// entry writes the dates that the text has now, and why they no longer hold.
func (r *redating) entry(w Was) string {
	var parts []string
	for _, key := range r.keys {
		n, ok := r.node.Map().OptNode(key)
		if !ok {
			continue
		}
		begin, end, ok := n.Extent(r.src)
		if !ok || bytes.ContainsRune(r.src[begin:end], '\n') {
			r.lost = key
			return ""
		}
		parts = append(parts, key+": "+string(r.src[begin:end]))
	}
	parts = append(parts, "moved: "+w.Moved.Text)
	if w.By != "" {
		parts = append(parts, "by: "+w.By)
	}
	return "{" + strings.Join(append(parts, "reason: "+yamldoc.Quote(w.Reason)), ", ") + "}"
}
