package runbooks

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"time"
	"unicode/utf8"

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
	var edits []edit
	root.Map().OptMap("steps").Each(func(id string, n yamldoc.Node) {
		if d, ok := takes[id]; ok {
			edits = append(edits, retimed(src, n, yamldoc.FormatDuration(d)))
		}
	})
	out := apply(src, edits)
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

// edit replaces some bytes of a text.
type edit struct {
	at, length int
	text       string
}

func apply(src []byte, edits []edit) []byte {
	slices.SortFunc(edits, func(a, b edit) int { return a.at - b.at })
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		if e.at < at {
			continue
		}
		out.Write(src[at:e.at])
		out.WriteString(e.text)
		at = e.at + e.length
	}
	out.Write(src[at:])
	return out.Bytes()
}

// retimed is the edit that gives one step its duration.
func retimed(src []byte, step yamldoc.Node, text string) edit {
	m := step.Map()
	if v, ok := m.OptNode("takes"); ok {
		if w, ok := v.Word(); ok {
			at := offset(src, v.Pos())
			if at < len(src) && (src[at] == '"' || src[at] == '\'') {
				at++
			}
			return edit{at, len(w.Text), text}
		}
	}
	at := offset(src, step.Pos())
	if at < len(src) && src[at] == '{' {
		return edit{at + 1, 0, "takes: " + text + ", "}
	}
	return edit{at, 0, "takes: " + text + "\n" + string(bytes.Repeat([]byte(" "), max(step.Pos().Col-1, 0)))}
}

// offset is where a place stands in a text.
func offset(src []byte, p diag.Pos) int {
	at := 0
	for range p.Line - 1 {
		i := bytes.IndexByte(src[at:], '\n')
		if i < 0 {
			return len(src)
		}
		at += i + 1
	}
	for range p.Col - 1 {
		_, n := utf8.DecodeRune(src[at:])
		at += n
	}
	return min(at, len(src))
}
