package yamldoc

import "strings"

// Text is what a person reads, in Danish and English. Written as one string it
// is the same in both. The zero Text is no text.
type Text struct {
	Da string `json:"da,omitempty"`
	En string `json:"en,omitempty"`
}

// In gives the text in lang ("da" or "en"), or in the other language when
// there is none.
func (t Text) In(lang string) string {
	if lang == "en" && t.En != "" || t.Da == "" {
		return t.En
	}
	return t.Da
}

// IsZero tells whether there is no text in any language.
func (t Text) IsZero() bool { return t == Text{} }

// Text gives one line of text: a string, or a map with da and en, of which one
// may be missing.
func (n Node) Text() (Text, bool) { return n.text(Node.Str) }

// Prose is [Node.Text] with several lines allowed; line breaks at the end are
// dropped.
func (n Node) Prose() (Text, bool) {
	return n.text(func(n Node) (string, bool) {
		s, ok := n.raw("text")
		if !ok {
			return "", false
		}
		if s = strings.TrimRight(s, "\n "); s == "" {
			n.empty("text")
			return "", false
		}
		return s, true
	})
}

func (n Node) text(read func(Node) (string, bool)) (Text, bool) {
	if n.Kind() != KindMap {
		s, ok := read(n)
		return Text{Da: s, En: s}, ok
	}
	m := n.Map()
	defer m.Done()
	t := Text{Da: opt(m, "da", "", read), En: opt(m, "en", "", read)}
	if t.IsZero() && !m.Has("da") && !m.Has("en") {
		n.Problemf(CodeMissingKey, "has neither da nor en")
	}
	return t, !t.IsZero()
}
