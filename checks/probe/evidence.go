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
	b = []byte(secret.MaskCivil(string(b)))
	var out strings.Builder
	for len(b) > 0 {
		q := string(b[:1])
		if c := b[0]; c < ' ' || c > '~' || c == '\\' {
			q = strings.Trim(strconv.QuoteToASCII(q), `"`)
		}
		if out.Len()+len(q) > evidenceLimit {
			break
		}
		out.WriteString(q)
		b = b[1:]
	}
	return out.String()
}

// fact makes a value a stranger chose, such as a name in a certificate, safe to store and print: characters that do not print become
// their Go escapes. What is too long is cut and ends in a digest, so that two sides still compare.
func fact(s string) string {
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
