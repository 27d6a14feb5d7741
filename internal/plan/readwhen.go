package plan

import (
	"errors"
	"time"

	"skift/internal/diag"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// optWhen reads a date that may be missing.
func (l *loader) optWhen(m *yamldoc.Map, key string) When {
	n, ok := m.OptNode(key)
	if !ok {
		return When{}
	}
	return l.when(n)
}

// when reads a date: text as ParseWhen takes it, or {at: …, assumed: true, fold: first}, or {about: …}.
func (l *loader) when(n yamldoc.Node) When {
	if n.Kind() != yamldoc.KindMap {
		return l.whenText(n, "")
	}
	m := n.Map()
	var w When
	fold := m.OptOneOf("fold", "", foldFirst, foldSecond)
	kinds := []string{"at", "about"}
	if l.wave != nil {
		kinds = append(kinds, "column")
	}
	switch m.ExactlyOne(kinds...) {
	case "column":
		column, _ := m.OptNode("column")
		w = l.fromColumn(column, fold)
	case "at":
		at, _ := m.OptNode("at")
		w = l.whenText(at, fold)
	case "about":
		about, _ := m.OptNode("about")
		w = l.about(about)
		if fold != "" {
			about.Problemf(CodeFoldUnneeded, "fold is only for a local time that comes twice").Hintf("remove fold")
		}
	}
	w.Assumed = m.OptBool("assumed", false)
	l.done(m, "DATE")
	return w
}

func (l *loader) whenText(n yamldoc.Node, fold string) When {
	text, ok := n.Str()
	if !ok {
		return When{}
	}
	w, err := parseWhen(text, l.Zone, fold)
	if err != nil {
		whenProblem(n.Problemf, err)
		return When{}
	}
	return l.placed(w, diag.Word{Pos: n.Pos(), Path: n.Path(), Text: text})
}

// placed is a date with where it was written, and the milestone found that it hangs on.
func (l *loader) placed(w When, at diag.Word) When {
	w.Pos = at.Pos
	if w.Ref != (Ref{}) {
		if w.Ref.Milestone = l.ref(runbooks.MilestoneRef, diag.Word{Pos: at.Pos, Path: at.Path, Text: w.Ref.Milestone}); w.Ref.Milestone == "" {
			return When{}
		}
	}
	return w
}

// whenProblem reports why a text is no date.
func whenProblem(report func(diag.Code, string, ...any) *diag.Problem, err error) {
	var e *WhenError
	if !errors.As(err, &e) {
		report(CodeBadDate, "%s", err)
		return
	}
	p := report(e.Code, "%s", e.Message)
	if e.Hint != "" {
		p.Hintf("%s", e.Hint)
	}
}

// about reads an approximate date: two days, a month or two.
func (l *loader) about(n yamldoc.Node) When {
	w := l.whenText(n, "")
	switch w.Kind {
	case NoWhen:
	case Day, Month, About:
		w.Kind = About
		w.At = time.Time{} // a single day says no more than about
	default:
		n.Problemf(CodeBadDate, "%q is not about some days", w.Text).Hintf("write two days, 2020-02-01..2020-02-10, or a month, 2020-02")
		return When{}
	}
	return w
}

// instant reads a date that something waits for to the minute: a month or "about" does not say when that is.
func (l *loader) instant(m *yamldoc.Map, key string) When {
	w := l.optWhen(m, key)
	if w.Kind == Month || w.Kind == About {
		n, _ := m.OptNode(key)
		n.Problemf(CodeTooVague, "%q does not say when that is", w.Text).
			Hintf("write a day, a time, or a point of a milestone such as cutover.start - 4h")
		return When{}
	}
	return w
}

// backwards reports a stretch that is over before it begins, as far as its dates alone can tell.
func (l *loader) backwards(n yamldoc.Node, from, until When) {
	begin, end := from.At, until.At
	if from.Kind == Month || from.Kind == About {
		begin = from.From
	}
	if until.Kind == Day || until.Kind == Month || until.Kind == About {
		end = until.Until
	}
	if begin.IsZero() || end.IsZero() || begin.Before(end) {
		return
	}
	report := n.Problemf
	if until.Pos.File != n.Pos().File { // it stands in the table of waves
		report = func(code diag.Code, format string, args ...any) *diag.Problem {
			return diag.Word{Pos: until.Pos, Path: n.Path(), Text: until.Text}.Problemf(l.problems, code, format, args...)
		}
	}
	report(CodeBackwards, "%s is not after %s", until.Text, from.Text).See(from.Pos, "it begins here")
}
