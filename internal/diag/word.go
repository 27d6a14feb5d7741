package diag

import "unicode/utf8"

// Word is a piece of an author's text that remembers where it stood, for
// references that can only be resolved after everything is read. The zero Word
// stands for text that is not there.
type Word struct {
	Pos
	Path string // the part of the document, such as "suites.nightly.checks[2]"
	Text string
}

// Problemf reports an error at the word.
func (w Word) Problemf(problems *List, code Code, format string, args ...any) *Problem {
	return problems.Addf(w.Pos, code, format, args...).At(w.Path).Wide(utf8.RuneCountInString(w.Text))
}

// Warnf reports a warning at the word.
func (w Word) Warnf(problems *List, code Code, format string, args ...any) *Problem {
	return problems.Warnf(w.Pos, code, format, args...).At(w.Path).Wide(utf8.RuneCountInString(w.Text))
}
