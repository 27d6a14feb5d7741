package probe

import (
	"strconv"
	"strings"

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
