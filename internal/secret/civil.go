package secret

import (
	"regexp"
	"strings"
)

// civil is the form of a Danish civil registration number: day, month, year
// and four digits.
var civil = regexp.MustCompile(`(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])\d{2}-?\d{4}`)

// MaskCivil replaces civil registration numbers that stand by themselves in
// free text and file names; letters and digits beside one make it something
// else, an underscore does not. It must not be used on hashes, serial numbers,
// sizes or times, some of which look the same.
func MaskCivil(s string) string {
	var out strings.Builder
	done := 0
	for from := 0; ; {
		found := civil.FindStringIndex(s[from:])
		if found == nil {
			break
		}
		begin, end := from+found[0], from+found[1]
		if begin > 0 && isWordByte(s[begin-1]) || end < len(s) && isWordByte(s[end]) {
			from = begin + 1 // another number may begin inside this one
			continue
		}
		out.WriteString(s[done:begin] + "******-****")
		done, from = end, end
	}
	out.WriteString(s[done:])
	return out.String()
}

func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
