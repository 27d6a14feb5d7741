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
	if !hasSixDigits(s) {
		return s // as nearly everything; the expression is slow on what is not text
	}
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

// hasSixDigits reports whether six digits stand side by side, as in every number there is.
func hasSixDigits(s string) bool {
	run := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			run = 0
		} else if run++; run == 6 {
			return true
		}
	}
	return false
}

func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
