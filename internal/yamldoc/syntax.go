package yamldoc

import (
	"errors"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"skift/internal/diag"
)

// limits stops the parser at MaxDepth, before deep nesting costs memory.
type limits struct{}

const openQuote = "this quote is not closed"

const tooDeep = "lists and maps lie more than 50 levels inside each other"

var errTooDeep = errors.New(tooDeep)

// CheckDepth refuses the level after MaxDepth.
func (limits) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth > MaxDepth {
		return errTooDeep
	}
	return nil
}

// CheckAlias never refuses: aliases are not expanded here, and each is
// reported at its place.
func (limits) CheckAlias(int, int) error { return nil }

// saying is what to tell an author instead of the parser's words.
type saying struct{ has, message, hint string }

var sayings = []saying{
	{"mapping values are not allowed", "a colon is not expected here",
		`text that contains ": " needs quotes; keys of one level start in the same column`},
	{"cannot start any token", "this character cannot begin a value",
		"put text that begins with it in quotes"},
	{"tab character", "a tab is used to indent", "indent with spaces, not with tabs"},
	{"did not find expected key", "a key is expected here",
		"check the indentation here and in the lines above, and that quotes and brackets are closed"},
	{"did not find expected '-' indicator", "a list item beginning with - is expected here",
		"items of one list start in the same column"},
	{"did not find expected ',' or ']'", "a comma or ] is expected here", "close the list with ]"},
	{"did not find expected ',' or '}'", "a comma or } is expected here", "close the map with }"},
	{"could not find expected ':'", "a key is not followed by a colon",
		`write "key: value", with a space after the colon`},
	{"found unexpected end of stream", openQuote, "close it where the text ends"},
	{"found unexpected document indicator", openQuote, "close it where the text ends"},
	{"did not find expected node content", "a value is expected here",
		"check that a bracket is not closed too early, too late or not at all"},
	{"did not find expected <document start>", "this stands behind the end of the document",
		"check the indentation: the first key decides the column of all others"},
	{"block sequence entries are not allowed", "a list item cannot stand here",
		"begin the list on a line of its own"},
	{"mapping keys are not allowed", "a key cannot stand here", "begin the map on a line of its own"},
	{"unknown escape character", "this escape is not known",
		`in double quotes a backslash is written \\; in single quotes it stands for itself`},
	{"unknown anchor", "aliases are not used here", "write the value out"},
	{"comment or line break", "this cannot stand here", "put a comment behind a space and #"},
	{"comment without preceding whitespace", "a comment begins here without a space before it", "put a space before the #"},
}

// syntax reports what the parser could not read, at the place it gives.
func (d *document) syntax(err error) {
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		d.addf(1, 1, CodeSyntax, "the file cannot be read as YAML")
		return
	}
	pos := d.inside(le.Mark.Line, le.Mark.Column)
	context := d.inside(le.ContextMark.Line, le.ContextMark.Column)
	code, message, hint := CodeSyntax, le.Message, ""
	for _, s := range sayings {
		if strings.Contains(le.Message, s.has) {
			message, hint = s.message, s.hint
			break
		}
	}
	switch {
	case le.Message == errTooDeep.Error():
		code, message = CodeTooDeep, tooDeep
	case strings.Contains(le.Message, "unknown anchor"):
		code = CodeAlias
	case message == openQuote:
		// The parser notices at the end of the file; what is wrong is where the text begins.
		pos = context
	case d.at(pos) == '\t':
		message, hint = "a tab is used to indent", "indent with spaces, not with tabs"
	}
	p := d.problems.Addf(pos, code, "%s", message)
	if hint != "" {
		p.Hintf("%s", hint)
	}
	if le.ContextMark.Line > 0 && context.Line != pos.Line {
		p.See(context, "what is being read begins here")
	}
}

// at gives the character at a position, or 0 at the end of a line.
func (d *document) at(p diag.Pos) rune {
	rest := string(d.src)
	for n := 1; n < p.Line; n++ {
		_, after, ok := strings.Cut(rest, "\n")
		if !ok {
			return 0
		}
		rest = after
	}
	for i := 1; i < p.Col; i++ {
		_, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
	}
	if rest == "" || rest[0] == '\n' {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return r
}
