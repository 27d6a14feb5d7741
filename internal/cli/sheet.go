package cli

import (
	"strings"

	"skift/internal/plan"
	"skift/internal/term"
	"skift/internal/words"
)

// sheet is a page of text about one thing, in the plan's language. Whatever is written on it is made harmless and wrapped.
type sheet struct {
	b      strings.Builder
	screen term.Screen
	p      *plan.Plan
	c      *words.Catalogue
	width  int
}

func (s *session) sheet(p *plan.Plan) *sheet {
	return &sheet{screen: s.screen, p: p, c: speak(p), width: columns(s.screen)}
}

// print writes the sheet out.
func (s *session) print(v *sheet) { s.printf("%s", v.b.String()) }

// labelWidth is how wide the labels of fields are.
const labelWidth = 14

// heading writes a line that stands out behind the shape of a state.
func (v *sheet) heading(state term.State, title, rest string) {
	sign := ""
	if state != term.Plain {
		sign = v.screen.Paint(state, state.Shape()) + " "
	}
	for i, l := range term.Wrap(title+rest, v.width-2) {
		switch {
		case i > 0:
			l = "  " + l
		case strings.HasPrefix(l, term.Line(title)):
			l = sign + v.screen.Bold(term.Line(title)) + strings.TrimPrefix(l, term.Line(title))
		default:
			l = sign + l
		}
		v.b.WriteString(l + "\n")
	}
}

// text writes a paragraph, set in by so many columns.
func (v *sheet) text(indent int, text string) {
	for _, l := range term.Wrap(text, v.width-indent) {
		v.b.WriteString(strings.Repeat(" ", indent) + l + "\n")
	}
}

// field writes a label and its text; one without text is left out. A second field of the same name goes without its label.
func (v *sheet) field(label, text string) {
	if text == "" {
		return
	}
	if term.Width(label) >= labelWidth { // such as the fact of one of several keys or name servers
		v.b.WriteString("  " + v.screen.Dim(term.Line(label)) + "\n")
		label = ""
	}
	for i, l := range term.Wrap(text, v.width-labelWidth-2) {
		head := ""
		if i == 0 {
			head = label
		}
		v.b.WriteString(strings.TrimRight("  "+v.screen.Dim(term.Pad(head, labelWidth))+l, " ") + "\n")
	}
}

// space leaves a line empty.
func (v *sheet) space() { v.b.WriteByte('\n') }
