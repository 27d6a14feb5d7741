package checks

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"skift/internal/yamldoc"
)

// TCP is the kind that says something to a port and waits for an answer: for protocols that have no kind of their own.
const TCP Kind = "tcp"

// Step is one step of a talk; exactly one field is set.
type Step struct {
	Expect   string `json:"expect,omitempty"` // an expression (RE2) that one line of the answer must match
	Send     string `json:"send,omitempty"`   // bytes as they are sent
	StartTLS bool   `json:"starttls,omitempty"`
}

// Bounds of a talk. A check says a few words; it is no client.
const (
	maxSteps  = 20
	maxSend   = 1 << 10
	maxExpect = 500
)

// TCPOptions are what is said and waited for after connecting. Without an expectation nothing is proven.
type TCPOptions struct {
	Steps []Step `json:"steps,omitempty"`
}

func (TCPOptions) kind() Kind { return TCP }

func tcpDef() KindDef {
	return KindDef{TCP, "What a port answers to a few words, line by line.", tcpKeys(), (*reader).tcp}
}

func tcpKeys() []Key {
	return []Key{
		{"steps", false, "What is said and waited for, in order: {expect: EXPRESSION}, {send: TEXT} or {starttls: true}. Without an expectation the check proves nothing."},
	}
}

func (r *reader) tcp() Options { return TCPOptions{Steps: r.steps()} }

// steps reads the talk under key steps.
func (r *reader) steps() []Step {
	items := r.m.OptItems("steps")
	if len(items) > maxSteps {
		items[maxSteps].Problemf(CodeTooManySteps, "more than %d steps", maxSteps).Hintf("a check says a few words; what needs more is a client of its own")
		return nil
	}
	var out []Step
	for _, n := range items {
		m := n.Map()
		if !m.OK() {
			continue
		}
		step := Step{}
		switch m.ExactlyOne("expect", "send", "starttls") {
		case "expect":
			step.Expect = expression(m)
		case "send":
			step.Send = toSend(m)
		case "starttls":
			step.StartTLS = m.Bool("starttls")
			if slices.ContainsFunc(out, func(s Step) bool { return s.StartTLS }) {
				m.Problemf(CodeUnusedKey, "TLS is spoken already")
			}
		}
		m.Done()
		if step != (Step{}) {
			out = append(out, step)
		}
	}
	return out
}

// expects reports whether a talk waits for anything.
func expects(steps []Step) bool {
	return slices.ContainsFunc(steps, func(s Step) bool { return s.Expect != "" })
}

func expression(m *yamldoc.Map) string {
	text := m.Str("expect")
	n, _ := m.OptNode("expect")
	if len(text) > maxExpect {
		n.Problemf(CodeBadExpression, "longer than %d characters", maxExpect)
		return ""
	}
	if _, err := regexp.Compile(text); err != nil {
		reason := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		n.Problemf(CodeBadExpression, "%q is not a regular expression: %s", text, reason).
			Hintf(`it is held against each line, without its end: "^220 " or "^\\+OK"`)
		return ""
	}
	return text
}

func toSend(m *yamldoc.Map) string {
	text := m.Raw("send")
	n, _ := m.OptNode("send")
	sent, err := Unescape(text)
	switch {
	case n.Kind() != yamldoc.KindScalar: // reported
	case err != nil:
		n.Problemf(CodeBadSend, "%s", err).Hintf(`write a line end as \r\n; the escapes are \r \n \t \\ and \xHH`)
	case sent == "":
		n.Problemf(CodeBadSend, "there is nothing to send")
	case len(sent) > maxSend:
		n.Problemf(CodeBadSend, "%d bytes are sent; more than %d are not", len(sent), maxSend)
	default:
		return sent
	}
	return ""
}

// Unescape gives the bytes that a text to send stands for: \r, \n, \t, \\ and \xHH, everything else as it is.
func Unescape(text string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		if i++; i == len(text) {
			return "", fmt.Errorf(`ends in a single \`)
		}
		switch text[i] {
		case 'r':
			b.WriteByte('\r')
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case '\\':
			b.WriteByte('\\')
		case 'x':
			if i+3 > len(text) {
				return "", fmt.Errorf(`\x needs two hexadecimal digits`)
			}
			v, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
			if err != nil {
				return "", fmt.Errorf(`\x needs two hexadecimal digits`)
			}
			b.WriteByte(byte(v))
			i += 2
		default:
			return "", fmt.Errorf(`there is no escape \%c`, text[i])
		}
	}
	return b.String(), nil
}
