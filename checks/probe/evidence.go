package probe

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"skift/internal/secret"
)

// evidenceLimit is how many bytes of evidence are kept per field.
const evidenceLimit = 512

// printable makes what a stranger sent safe to store, mail and print: one line of printable ASCII, everything else as its
// Go escape, at most evidenceLimit bytes, cut between escapes. Civil registration numbers in it are masked.
func printable(b []byte) string {
	b = b[:min(len(b), 4*evidenceLimit)] // what is masked may be shorter
	b = []byte(secret.MaskCivil(string(b)))
	out := make([]byte, 0, evidenceLimit)
	for _, c := range b {
		q := escapes[c]
		if len(out)+len(q) > evidenceLimit {
			break
		}
		out = append(out, q...)
	}
	return string(out)
}

// escapes is how each byte is printed.
var escapes = func() (table [256]string) {
	for i := range table {
		table[i] = string([]byte{byte(i)})
		if i < ' ' || i > '~' || i == '\\' {
			table[i] = strings.Trim(strconv.QuoteToASCII(table[i]), `"`)
		}
	}
	return table
}()

// fact makes a value a stranger chose, such as a name in a certificate, safe to store and print: characters that do not print become
// their Go escapes. What is too long is cut and ends in a digest, so that two sides still compare.
func fact(s string) string {
	if len(s) <= evidenceLimit && isPlain(s) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			out.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
			continue
		}
		out.WriteRune(r)
	}
	safe := out.String()
	if len(safe) <= evidenceLimit {
		return safe
	}
	sum := sha256.Sum256([]byte(s))
	end := " … sha256:" + hex.EncodeToString(sum[:])
	cut := evidenceLimit - len(end)
	for !utf8.RuneStart(safe[cut]) {
		cut--
	}
	return safe[:cut] + end
}

// isPlain reports whether all of s is ASCII that prints.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
