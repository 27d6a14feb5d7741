// Package diag is how skift tells an author what is wrong in a file: where, in
// which part, what, and what to do about it.
//
// A [List] collects every problem of a reading, so that an author sees all of
// them at once; [Render] prints them with the line, a caret and a hint. The
// package knows nothing about YAML, CSV or plans: the packages that raise
// problems name their own [Code] constants.
//
// A Problem is a plain value. A List belongs to one reading and is not safe
// for concurrent use.
package diag

import (
	"cmp"
	"fmt"
	"slices"
)

// Code names a kind of problem, in lower-case words joined by hyphens
// ("unknown-key"). It is stable: scripts and tests may look for it.
type Code string

// Pos is a place in a file. Line and Col count from 1; Col counts characters
// (runes), not bytes or columns on screen. A zero Line means the file as a
// whole, a zero Col the line as a whole, and the zero Pos no place at all.
type Pos struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	Col  int    `json:"column,omitempty"`
}

// String is "plan.yaml:41:9", shorter when the column or line is not known,
// and "" for the zero Pos.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Compare orders places by file name, line and column.
func (p Pos) Compare(q Pos) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Col, q.Col))
}

// IsZero tells whether p names no place.
func (p Pos) IsZero() bool { return p == Pos{} }

// Note points from a problem to another place that has to do with it, such as
// the first of two definitions.
type Note struct {
	Pos
	Message string `json:"message"`
}

// Problem is one thing an author has to look at. The zero Severity is [Error].
type Problem struct {
	Pos
	// Width is how many characters the caret underlines; 0 counts as 1.
	Width    int      `json:"width,omitempty"`
	Severity Severity `json:"severity"`
	// Path is the part of the document, such as "gates.cutover-go".
	Path    string `json:"path,omitempty"`
	Code    Code   `json:"code"`
	Message string `json:"message"`
	// Hint says what to do about it, without the word "hint".
	Hint    string `json:"hint,omitempty"`
	Related []Note `json:"related,omitempty"`
	// Secret keeps what the position points at out of everything that is
	// printed: the rest of that source line is not shown.
	Secret bool `json:"-"`
}

// String is the problem's first line: place, path and message.
func (p Problem) String() string {
	s := p.Message
	if p.Path != "" {
		s = p.Path + ": " + s
	}
	if p.Severity == Warning {
		s = "warning: " + s
	}
	if at := p.Pos.String(); at != "" {
		s = at + ": " + s
	}
	return s
}

// At sets the path.
func (p *Problem) At(path string) *Problem {
	p.Path = path
	return p
}

// Wide sets how many characters the caret underlines.
func (p *Problem) Wide(width int) *Problem {
	p.Width = width
	return p
}

// Hintf sets the hint.
func (p *Problem) Hintf(format string, args ...any) *Problem {
	p.Hint = fmt.Sprintf(format, args...)
	return p
}

// DidYouMean sets the hint to the candidate nearest to word, if one is near
// enough; otherwise the hint stays as it was.
func (p *Problem) DidYouMean(word string, candidates []string) *Problem {
	if s := Suggest(word, candidates); s != "" {
		p.Hint = fmt.Sprintf("did you mean %q?", s)
	}
	return p
}

// Hide sets Secret: the problem is about text that must not be repeated.
func (p *Problem) Hide() *Problem {
	p.Secret = true
	return p
}

// See adds a related place.
func (p *Problem) See(pos Pos, format string, args ...any) *Problem {
	p.Related = append(p.Related, Note{Pos: pos, Message: fmt.Sprintf(format, args...)})
	return p
}

// Severity tells whether a problem makes the file unusable.
type Severity uint8

// The severities.
const (
	Error   Severity = iota // the file cannot be used
	Warning                 // the file can be used; its author should know
)

// String is "error" or "warning".
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// MarshalText makes a severity its word in JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Severity) UnmarshalText(text []byte) error {
	switch string(text) {
	case "error":
		*s = Error
	case "warning":
		*s = Warning
	default:
		return fmt.Errorf("severity %q is neither error nor warning", text)
	}
	return nil
}

// Max is how many problems a [List] keeps. More than that come from a file
// that is not what it claims to be; the rest are only counted.
const Max = 2000

// List collects problems. The zero value is empty and ready to use.
type List struct {
	problems []*Problem
	errors   int
	dropped  int
	seen     map[key]*Problem
}

type key struct {
	pos     Pos
	code    Code
	message string
}

// Add takes a problem and returns it as kept, so that more can be said about
// it. The same code and message at the same place is kept once.
func (l *List) Add(p Problem) *Problem {
	k := key{p.Pos, p.Code, p.Message}
	if old, ok := l.seen[k]; ok {
		return old
	}
	if p.Severity == Error {
		l.errors++
	}
	if len(l.problems) >= Max {
		l.dropped++
		return &p
	}
	if l.seen == nil {
		l.seen = make(map[key]*Problem)
	}
	l.seen[k] = &p
	l.problems = append(l.problems, &p)
	return &p
}

// Addf adds an error.
func (l *List) Addf(pos Pos, code Code, format string, args ...any) *Problem {
	return l.Add(Problem{Pos: pos, Code: code, Message: fmt.Sprintf(format, args...)})
}

// Warnf adds a warning.
func (l *List) Warnf(pos Pos, code Code, format string, args ...any) *Problem {
	return l.Add(Problem{Pos: pos, Severity: Warning, Code: code, Message: fmt.Sprintf(format, args...)})
}

// Len is how many problems were added, warnings and those beyond [Max] too.
func (l *List) Len() int { return len(l.problems) + l.dropped }

// Errors is how many errors were added. A reader compares it before and after
// to learn whether a part was sound.
func (l *List) Errors() int { return l.errors }

// Dropped is how many problems beyond [Max] were counted but not kept.
func (l *List) Dropped() int { return l.dropped }

// Sorted gives the problems by file, line and column; those of one place in
// the order they were added.
func (l *List) Sorted() []Problem {
	out := make([]Problem, len(l.problems))
	for i, p := range l.problems {
		out[i] = *p
	}
	slices.SortStableFunc(out, func(a, b Problem) int { return a.Pos.Compare(b.Pos) })
	return out
}

// Err is nil when there is no error (warnings do not count), else a
// [*Failure] holding all problems.
func (l *List) Err() error {
	if l.errors == 0 {
		return nil
	}
	return &Failure{Problems: l.Sorted(), Dropped: l.dropped}
}

// Failure is the error of a file that cannot be used.
type Failure struct {
	Problems []Problem // sorted, warnings among them
	Dropped  int       // problems counted but not kept
}

// Error is the first error's line, and how many more there are.
func (f *Failure) Error() string {
	first, errors := "", f.Dropped
	for _, p := range f.Problems {
		if p.Severity != Error {
			continue
		}
		if first == "" {
			first = p.String()
		}
		errors++
	}
	switch errors {
	case 0, 1:
		return first
	case 2:
		return first + " (and 1 more error)"
	}
	return fmt.Sprintf("%s (and %d more errors)", first, errors-1)
}
