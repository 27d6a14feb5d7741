package journal

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// headFormat begins the printed form of every head.
const headFormat = "skift1"

// Head says how long a plan's journal was and what was in it then. It is short
// enough to print in every mail: whoever keeps one can later prove that
// nothing before it was changed or lost.
type Head struct {
	Plan string
	Size int64 // the number of events, and so the Seq of the last one; 0 for an empty journal
	Root Hash
}

// String prints the head as one word: skift1:PLAN:SIZE:ROOT.
func (h Head) String() string {
	return fmt.Sprintf("%s:%s:%d:%s", headFormat, h.Plan, h.Size, base64.RawURLEncoding.EncodeToString(h.Root[:]))
}

// MarshalText makes a head one word in JSON too.
func (h Head) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText is [ParseHead].
func (h *Head) UnmarshalText(b []byte) error {
	parsed, err := ParseHead(string(b))
	if err == nil {
		*h = parsed
	}
	return err
}

// ParseHead reads the printed form of a head. White space and the full stop or
// brackets that a sentence may have left around the word are taken off.
func ParseHead(s string) (Head, error) {
	s = strings.TrimSpace(s)
	s = strings.TrimRight(strings.TrimLeft(s, "(<[\"'"), ".,;)>]\"'")
	parts := strings.Split(s, ":")
	if parts[0] != headFormat {
		return Head{}, fmt.Errorf("%q is not a journal head: it does not begin with %q", s, headFormat+":")
	}
	if len(parts) != 4 {
		return Head{}, fmt.Errorf("%q is not a whole journal head: it has %d of 4 parts %s:PLAN:SIZE:ROOT", s, len(parts), headFormat)
	}
	h := Head{Plan: parts[1]}
	if !validPlan(h.Plan) {
		return Head{}, fmt.Errorf("journal head %q: %q is not the name of a plan", s, h.Plan)
	}
	size, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != parts[2] {
		return Head{}, fmt.Errorf("journal head %q: %q is not a number of events", s, parts[2])
	}
	root, err := base64.RawURLEncoding.Strict().DecodeString(parts[3])
	if err != nil || len(root) != len(h.Root) || strings.ContainsAny(parts[3], "\r\n") {
		return Head{}, fmt.Errorf("journal head %q: its last part must be 43 letters, digits, - or _ and stand for %d bytes; is a part of it lost?", s, len(h.Root))
	}
	h.Size, h.Root = size, Hash(root)
	return h, nil
}

// validPlan reports whether a plan's name can stand in a head.
func validPlan(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}
