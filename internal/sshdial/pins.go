package sshdial

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Pins are the accepted host keys of one server: the current one and, while keys are being changed, the next.
// The zero value accepts none.
type Pins struct{ pins []pin }

type pin struct {
	keyType     string // "" when only the fingerprint is known
	fingerprint string
}

// keyTypes are the host key types in the order we ask for them when a pin does not say its type. A server shows only one of
// its keys; ed25519 comes first because that is the one people read off and pin, while the library asks for it last.
var keyTypes = []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA}

// KeyTypes lists the types of host key that can be asked for.
func KeyTypes() []string { return slices.Clone(keyTypes) }

// ParsePins reads pins: "SHA256:…", or with its type in front, "ssh-ed25519 SHA256:…". The type is needed for a server that
// has several keys and is pinned by one that is not its ed25519 key.
func ParsePins(texts []string) (Pins, error) {
	var p Pins
	for _, t := range texts {
		one, err := parsePin(t)
		if err != nil {
			return Pins{}, err
		}
		p.pins = append(p.pins, one)
	}
	return p, nil
}

func parsePin(text string) (pin, error) {
	keyType, fingerprint, typed := strings.Cut(strings.TrimSpace(text), " ")
	if !typed {
		keyType, fingerprint = "", keyType
	} else if !slices.Contains(keyTypes, keyType) {
		return pin{}, fmt.Errorf("host key %q: unknown key type %q, known are %s", text, keyType, strings.Join(keyTypes, ", "))
	}
	sum, ok := strings.CutPrefix(strings.TrimSpace(fingerprint), "SHA256:")
	raw, err := base64.RawStdEncoding.Strict().DecodeString(sum)
	if !ok || err != nil || len(raw) != 32 {
		return pin{}, fmt.Errorf("host key %q: want SHA256: and the 43 characters that ssh-keygen -l prints", text)
	}
	return pin{keyType: keyType, fingerprint: "SHA256:" + sum}, nil
}

// Empty reports whether nothing is pinned.
func (p Pins) Empty() bool { return len(p.pins) == 0 }

// Index is which of the pins the key is, in the order given; -1 when it is none.
func (p Pins) Index(fingerprint string) int {
	return slices.IndexFunc(p.pins, func(one pin) bool { return one.fingerprint == fingerprint })
}

// Fits reports whether a key of a type may be what the server shows: it is pinned, or nothing is pinned for its type.
func (p Pins) Fits(keyType, fingerprint string) bool {
	return p.Index(fingerprint) >= 0 || !slices.ContainsFunc(p.pins, func(one pin) bool { return one.keyType == keyType })
}

func (p Pins) check(fingerprint string) error {
	if p.Empty() {
		return &Error{Code: CodeHostKeyUnknown, Err: fmt.Errorf("no host key is pinned; the server presents %s", fingerprint)}
	}
	if p.Index(fingerprint) >= 0 {
		return nil
	}
	hint := ""
	for _, one := range p.pins {
		if one.keyType == "" { // we may have asked for the wrong one of several keys
			hint = "; a pin without a key type in front finds only the first key of a server that has several"
		}
	}
	return &Error{Code: CodeHostKeyChanged, Err: fmt.Errorf("the server presents %s, pinned is %s%s", fingerprint, p, hint)}
}

// String lists the pinned fingerprints.
func (p Pins) String() string {
	var s []string
	for _, one := range p.pins {
		s = append(s, one.fingerprint)
	}
	return strings.Join(s, " or ")
}

// algorithms are the host key algorithms to ask for: those of pinned types first, then the rest, so that a key of another
// type is seen and named instead of ending as "no common algorithm". An RSA key has three algorithms; only the SHA-1 one
// comes after everything else. With a type they are those of that type alone.
func (p Pins) algorithms(only string) []string {
	types := make([]string, 0, 2*len(keyTypes))
	for _, one := range p.pins {
		if one.keyType != "" {
			types = append(types, one.keyType)
		}
	}
	var algos []string
	types = append(types, keyTypes...)
	if only != "" {
		types = []string{only}
	}
	for _, t := range types {
		if t == ssh.KeyAlgoRSA {
			algos = append(algos, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			continue
		}
		algos = append(algos, t)
	}
	if slices.Contains(types, ssh.KeyAlgoRSA) {
		algos = append(algos, ssh.KeyAlgoRSA)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(algos, func(a string) bool { dup := seen[a]; seen[a] = true; return dup })
}
