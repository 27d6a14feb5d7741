package checks

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// CertPins are SHA-256 digests per side, each as 64 hex digits in lower case. A side without any is not held to one.
type CertPins map[Side][]string

// certPins reads digests: a list for both sides, or one per side.
func (r *reader) certPins(key string) CertPins {
	n, ok := r.m.OptNode(key)
	if !ok {
		return nil
	}
	pins := CertPins{}
	if n.Kind() != yamldoc.KindMap {
		both := r.digests(r.m.OptWords(key))
		for _, side := range Sides() {
			pins[side] = both
		}
		return pins
	}
	m := n.Map()
	defer m.Done()
	for _, side := range Sides() {
		if list := r.digests(m.OptWords(string(side))); len(list) > 0 {
			pins[side] = list
		}
	}
	if m.OK() && m.Len() == 0 {
		m.Problemf(CodeBadCertPin, "no digest is pinned").Hintf("write old: and new: with the digests each supplier announced")
	}
	return pins
}

func (r *reader) digests(words []diag.Word) []string {
	var list []string
	for _, w := range words {
		d, ok := digest(w.Text)
		if !ok {
			w.Problemf(r.problems, CodeBadCertPin, "%q is not a SHA-256 digest", w.Text).
				Hintf("write 64 hex digits, with or without colons, as openssl x509 -fingerprint -sha256 prints them, or the 44 characters of base64")
			continue
		}
		list = append(list, d)
	}
	return list
}

// digest reads a SHA-256 digest as people keep them: hex with or without colons, or base64.
func digest(text string) (hexDigits string, ok bool) {
	plain := strings.ToLower(strings.ReplaceAll(text, ":", ""))
	if b, err := hex.DecodeString(plain); err == nil && len(b) == 32 {
		return plain, true
	}
	if b, err := base64.StdEncoding.Strict().DecodeString(text); err == nil && len(b) == 32 {
		return hex.EncodeToString(b), true
	}
	return "", false
}

// compared is a fact under the name an author knows it by.
type compared struct{ name, fact string }

// What an author writes for the rules.
const (
	sameAsOld  = "same_as_old"
	mustDiffer = "must_differ"
)

// compare reads the rules about both sides, in the order of the list given.
func (r *reader) compare(list []compared) []Comparison {
	if !r.m.Has("compare") {
		return nil
	}
	m := r.m.OptMap("compare")
	defer m.Done()
	var out []Comparison
	for _, c := range list {
		switch m.OptOneOf(c.name, "", sameAsOld, mustDiffer) {
		case sameAsOld:
			out = append(out, Comparison{c.fact, MustEqual})
		case mustDiffer:
			out = append(out, Comparison{c.fact, MustDiffer})
		}
	}
	return out
}
