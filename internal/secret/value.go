package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// stars is all that is ever printed of a Value.
const stars = "***"

// Value is a secret in memory. The zero Value is empty.
//
// The bytes sit behind a function: also when a Value is an unexported field
// of something printed with %+v, where no method of it is called, there is
// nothing but an address to print.
type Value struct{ reveal func() string }

// NewValue makes a Value of text that did not come through a [Resolver].
func NewValue(text string) Value {
	return Value{reveal: func() string { return text }}
}

// Reveal gives the secret. Call it where the secret is used and keep the
// result nowhere.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// IsZero tells whether there is no secret.
func (v Value) IsZero() bool { return v.Reveal() == "" }

// String is "***".
func (v Value) String() string { return stars }

// GoString is "***".
func (v Value) GoString() string { return stars }

// Format prints "***" for every verb.
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, stars) }

// MarshalText gives "***", in JSON too.
func (v Value) MarshalText() ([]byte, error) { return []byte(stars), nil }

// LogValue gives "***".
func (v Value) LogValue() slog.Value { return slog.StringValue(stars) }
