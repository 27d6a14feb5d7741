package runbooks

import (
	"bytes"
	"fmt"
	"reflect"
	"time"

	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// Same reports whether two steps ask for the same, whatever time they are planned to take and wherever they stand.
func Same(a, b *Step) bool { return reflect.DeepEqual(a.bare(), b.bare()) }

func (s *Step) bare() Step {
	c := *s
	c.Takes, c.Pos = 0, diag.Pos{}
	return c
}

// Retime writes other durations into the text of a runbook, each in its place: comments, order and everything else stay to the byte.
// A step that has none gets one. The error says that the text is not written so that this can be done.
func Retime(file string, src []byte, takes map[string]time.Duration) ([]byte, error) {
	before, ok := Read(file, src, new(diag.List))
	if !ok {
		return nil, fmt.Errorf("change durations of %s: it is no runbook", file)
	}
	root, _ := yamldoc.Parse(file, src, new(diag.List))
	var edits []yamldoc.Edit
	root.Map().OptMap("steps").Each(func(id string, n yamldoc.Node) {
		if d, ok := takes[id]; ok {
			edits = append(edits, retimed(src, n, yamldoc.FormatDuration(d)))
		}
	})
	out := yamldoc.Apply(src, edits)
	after, ok := Read(file, out, new(diag.List))
	if !ok || len(edits) != len(takes) || len(after.Steps) != len(before.Steps) {
		return nil, fmt.Errorf("change durations of %s: it is written in a way in which they cannot be changed in place", file)
	}
	for i, s := range after.Steps {
		want, ok := takes[s.ID]
		if !ok {
			want = before.Steps[i].Takes
		}
		if s.Takes != want || !Same(s, before.Steps[i]) {
			return nil, fmt.Errorf("change durations of %s: %s would not be what it was", file, s.ID)
		}
	}
	return out, nil
}

// retimed is the edit that gives one step its duration.
func retimed(src []byte, step yamldoc.Node, text string) yamldoc.Edit {
	m := step.Map()
	if v, ok := m.OptNode("takes"); ok {
		if w, ok := v.Word(); ok {
			at := yamldoc.Offset(src, v.Pos())
			if at < len(src) && (src[at] == '"' || src[at] == '\'') {
				at++
			}
			return yamldoc.Edit{At: at, Length: len(w.Text), Text: text}
		}
	}
	at := yamldoc.Offset(src, step.Pos())
	if at < len(src) && src[at] == '{' {
		return yamldoc.Edit{At: at + 1, Text: "takes: " + text + ", "}
	}
	return yamldoc.Edit{At: at, Text: "takes: " + text + "\n" + string(bytes.Repeat([]byte(" "), max(step.Pos().Col-1, 0)))}
}
