package secret

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Ref says where a secret is kept. It is not secret itself. The zero Ref is no
// reference.
type Ref struct{ scheme, name string }

// The places a secret can be kept.
const (
	schemeEnv  = "env"  // an environment variable
	schemeFile = "file" // a file, relative to the plan directory or absolute
	schemeCred = "cred" // a file in $CREDENTIALS_DIRECTORY (systemd credentials)
)

// ErrClear is what [ParseRef] gives for text that is no reference: most likely
// the secret itself. The error never repeats the text.
var ErrClear = errors.New("a secret is written in clear; name it as env:NAME, file:PATH or cred:NAME")

var (
	envName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	credName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$`)
)

// ParseRef reads "env:NAME", "file:PATH" or "cred:NAME". Anything else is
// [ErrClear]; a reference whose name cannot be is an error that says why.
func ParseRef(s string) (Ref, error) {
	scheme, name, ok := strings.Cut(s, ":")
	if !ok {
		return Ref{}, ErrClear
	}
	switch scheme {
	case schemeEnv:
		ok = envName.MatchString(name)
	case schemeCred:
		ok = credName.MatchString(name)
	case schemeFile:
		ok = name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f })
	default:
		return Ref{}, ErrClear
	}
	if !ok {
		return Ref{}, fmt.Errorf("a secret's reference beginning with %s: does not name one; write %s", scheme, example[scheme])
	}
	return Ref{scheme, name}, nil
}

var example = map[string]string{
	schemeEnv:  "env:NAME with letters, digits and _",
	schemeFile: "file:PATH, relative to the plan directory",
	schemeCred: "cred:NAME, a file name in $CREDENTIALS_DIRECTORY",
}

// String is the reference as it is written, "" for the zero Ref.
func (r Ref) String() string {
	if r.IsZero() {
		return ""
	}
	return r.scheme + ":" + r.name
}

// IsZero tells whether r refers to nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// MarshalText writes the reference, never the secret.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote; "" is the zero Ref.
func (r *Ref) UnmarshalText(text []byte) (err error) {
	*r = Ref{}
	if len(text) > 0 {
		*r, err = ParseRef(string(text))
	}
	return err
}
