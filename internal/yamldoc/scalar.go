package yamldoc

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"skift/internal/diag"
)

// raw gives a scalar's text as it is. must says what it
// should have been, for the message.
func (n Node) raw(must string) (string, bool) {
	switch n.Kind() {
	case KindNone:
		return "", false
	case KindScalar:
		if n.y.Kind == yaml.AliasNode { // reported by Parse
			return "", false
		}
		return n.y.Value, true
	case KindNull:
		n.empty(must)
	default:
		n.Problemf(CodeWrongKind, "must be %s, not %s", must, n.Kind())
	}
	return "", false
}

func (n Node) empty(must string) {
	n.KeyProblemf(CodeEmptyValue, "has no value; it must be %s", must)
}

// Raw gives a scalar's text exactly, line breaks included.
func (n Node) Raw() (string, bool) { return n.raw("text") }

// Str gives a scalar as one line of text, without the line break that ends a
// block text. Numbers, dates and booleans are text too. Empty text is refused.
func (n Node) Str() (string, bool) { return n.line("text") }

func (n Node) line(must string) (string, bool) {
	s, ok := n.raw(must)
	if !ok {
		return "", false
	}
	s = strings.TrimRight(s, "\n")
	switch {
	case strings.TrimSpace(s) == "":
		n.empty(must)
		return "", false
	case strings.ContainsAny(s, "\n\r"):
		n.Problemf(CodeNotOneLine, "must be one line").Hintf("write > instead of | to join the lines")
		return "", false
	}
	return s, true
}

// Word gives a line of text with its place.
func (n Node) Word() (diag.Word, bool) {
	s, ok := n.Str()
	if !ok {
		return diag.Word{}, false
	}
	return diag.Word{Pos: n.Pos(), Path: n.Path(), Text: s}, true
}

var wholeNumber = regexp.MustCompile(`^[+-]?(0|[1-9][0-9]*)$`)

// Int gives a whole number from least to most.
func (n Node) Int(least, most int) (int, bool) {
	must := "a whole number from " + strconv.Itoa(least) + " to " + strconv.Itoa(most)
	s, ok := n.raw(must)
	if !ok {
		return 0, false
	}
	v, err := strconv.Atoi(s)
	if err != nil || !wholeNumber.MatchString(s) || v < least || v > most || n.isQuoted() {
		n.Problemf(CodeBadNumber, "%s is not %s", quote(s), must)
		return 0, false
	}
	return v, true
}

// Bool gives true or false.
func (n Node) Bool() (value, ok bool) {
	s, ok := n.raw("true or false")
	if !ok {
		return false, false
	}
	if !n.isQuoted() {
		switch s {
		case "true", "True", "TRUE":
			return true, true
		case "false", "False", "FALSE":
			return false, true
		}
	}
	p := n.Problemf(CodeBadBoolean, "%s is not true or false", quote(s))
	switch strings.ToLower(s) {
	case "yes", "y", "on", "ja", "true", "1":
		p.Hintf("write true, without quotes")
	case "no", "n", "off", "nej", "false", "0":
		p.Hintf("write false, without quotes")
	}
	return false, false
}

var number = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// Percent gives a share such as 98% or 99.5% as a number from 0 to 100.
func (n Node) Percent() (float64, bool) {
	const must = "a share like 98%"
	s, ok := n.raw(must)
	if !ok {
		return 0, false
	}
	digits, found := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(digits, 64)
	if !found || err != nil || !number.MatchString(digits) || v > 100 {
		n.Problemf(CodeBadPercent, "%s is not %s", quote(s), must)
		return 0, false
	}
	return v, true
}

var idGrammar = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// idRule says idGrammar in words.
const idRule = "1 to 63 small letters a–z, digits and hyphens, not beginning with a hyphen"

// IsID tells whether s may name something: a letter or digit, then up to 62
// letters, digits and hyphens, all lower case.
func IsID(s string) bool { return idGrammar.MatchString(s) }

// ID gives a name that follows the grammar of [IsID].
func (n Node) ID() (string, bool) {
	s, ok := n.raw("a name")
	if !ok {
		return "", false
	}
	if !IsID(s) {
		n.badID(n.Problemf(CodeBadID, "%s cannot be a name", quote(s)), s)
		return "", false
	}
	return s, true
}

func (n Node) badID(p *diag.Problem, s string) {
	p.Hintf("a name has %s", idRule)
	if better := idFrom(s); better != "" && better != s {
		p.Hintf("a name has %s: %q", idRule, better)
	}
}

// idFrom makes the nearest name out of s, or "".
func idFrom(s string) string {
	s = strings.NewReplacer("æ", "ae", "ø", "oe", "å", "aa", " ", "-", "_", "-", ".", "-", "/", "-").
		Replace(strings.ToLower(strings.TrimSpace(s)))
	s = strings.TrimLeft(s, "-")
	if !IsID(s) {
		return ""
	}
	return s
}

// OneOf gives one of the allowed words.
func (n Node) OneOf(allowed ...string) (string, bool) {
	must := "one of " + strings.Join(allowed, ", ")
	if len(allowed) == 1 {
		must = allowed[0]
	}
	s, ok := n.raw(must)
	if !ok {
		return "", false
	}
	for _, a := range allowed {
		if s == a {
			return a, true
		}
	}
	n.Problemf(CodeUnknownWord, "%s is not %s", quote(s), must).DidYouMean(s, allowed)
	return "", false
}

func (n Node) isQuoted() bool { return n.y.Style&quoted != 0 }

// quote puts an author's text into a message, shortened when long.
func quote(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return strconv.Quote(s)
}
