// Package checks says what can be asked of a platform and what was answered: the specification of a check per kind,
// the unit of work, the result, the outcome codes, verdicts, and how the answers of the old and the new side compare.
//
// It must not know hosts, plans, clocks or sockets: asking is done by checks/probe, resolving addresses and moments by
// whoever holds a plan. What a code means and what a pair of answers means is decided here and nowhere else.
// A Spec is immutable after parsing; every value here may be read concurrently.
package checks

import (
	"fmt"
	"strconv"
	"strings"
)

// Side is one of the two platforms.
type Side string

// The sides.
const (
	Old Side = "old"
	New Side = "new"
)

// Sides lists both sides, old first.
func Sides() []Side { return []Side{Old, New} }

// Other is the opposite side.
func (s Side) Other() Side {
	if s == Old {
		return New
	}
	return Old
}

// Phase says where one service stands for one party on its way from old to new.
type Phase string

// The phases of a service, in their order. A service nothing has been said about is in Before.
const (
	Before    Phase = "before"
	Switching Phase = "switching"
	Fallback  Phase = "fallback" // switched, the old side is kept able: it must pass
	Closed    Phase = "closed"   // the old side must deny
)

// Phases lists the phases in their order.
func Phases() []Phase { return []Phase{Before, Switching, Fallback, Closed} }

// Want is what a side is expected to do with the one who asks.
type Want string

// What can be wanted. The zero value is read as Allow.
const (
	Allow Want = "allow"
	Deny  Want = "deny"
)

// Unit is the unit of work: one check, one side, one pinned address, asked from one vantage, for one flow.
// One unit makes one connection attempt to its target.
type Unit struct {
	Check   string `json:"check"`
	Side    Side   `json:"side"`
	Addr    string `json:"addr"`           // pinned "address:port"; "" = looks at files that lie here
	Vantage string `json:"vantage"`        // from where it is asked
	Flow    string `json:"flow,omitempty"` // "" unless the check has for_each
}

const unitFields = 5

// Key is the stable text of the unit, used as its name in storage; ParseUnit reads it back.
func (u Unit) Key() string {
	f := [unitFields]string{u.Check, string(u.Side), u.Addr, u.Vantage, u.Flow}
	for i := range f {
		f[i] = escapeField(f[i])
	}
	return strings.Join(f[:], "|")
}

// PairKey is the stable text of what both sides are asked alike: the unit without side and address.
func (u Unit) PairKey() string {
	return escapeField(u.Check) + "|" + escapeField(u.Vantage) + "|" + escapeField(u.Flow)
}

// String names the unit for people: "files on new 203.0.113.10:22 from local", or "certificates of new" when it has no address.
func (u Unit) String() string {
	s := fmt.Sprintf("%s on %s %s from %s", u.Check, u.Side, u.Addr, u.Vantage)
	if u.Addr == "" {
		s = fmt.Sprintf("%s of %s", u.Check, u.Side)
	}
	if u.Flow != "" {
		s += " for " + u.Flow
	}
	return s
}

// ParseUnit reads a Key. It accepts exactly what Key writes.
func ParseUnit(key string) (Unit, error) {
	parts := strings.Split(key, "|")
	if len(parts) != unitFields {
		return Unit{}, fmt.Errorf("unit %q: want %d fields separated by |, got %d", key, unitFields, len(parts))
	}
	for i, p := range parts {
		v, err := unescapeField(p)
		if err != nil {
			return Unit{}, fmt.Errorf("unit %q: %w", key, err)
		}
		parts[i] = v
	}
	u := Unit{Check: parts[0], Side: Side(parts[1]), Addr: parts[2], Vantage: parts[3], Flow: parts[4]}
	if u.Check == "" {
		return Unit{}, fmt.Errorf("unit %q: the check is missing", key)
	}
	if u.Side != Old && u.Side != New {
		return Unit{}, fmt.Errorf("unit %q: side %q is neither old nor new", key, u.Side)
	}
	if u.Key() != key {
		return Unit{}, fmt.Errorf("unit %q: not in its canonical form %q", key, u.Key())
	}
	return u, nil
}

// escapeField keeps the separator, the escape sign and control bytes out of a field, so that keys stay one line and unambiguous.
func escapeField(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c == '|' || c == '%' || c < 0x20 || c == 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func unescapeField(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+3 > len(s) {
			return "", fmt.Errorf("%q ends inside an escape", s)
		}
		n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", fmt.Errorf("bad escape %q", s[i:i+3])
		}
		b.WriteByte(byte(n))
		i += 2
	}
	return b.String(), nil
}
