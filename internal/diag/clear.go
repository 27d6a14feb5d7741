package diag

import (
	"regexp"
	"unicode/utf8"
)

// secretKey is a key, variable or option that is called as if a secret followed, misspelt or not, up to where its value begins.
var secretKey = regexp.MustCompile(`(?i)([a-z0-9_-]*(?:pa?s+wo?|pwd|passphrase|secret|token|credential|(?:api|access|private)[_-]?key)[a-z0-9_-]*)["']?\s*[:=]\s*`)

// notSecret is a value that only names where a secret is kept.
var notSecret = regexp.MustCompile(`^(?:["']?(?:env|file|cred):|$|#)`)

// wholeKey is a key below which even a map or list can only be a secret.
var wholeKey = regexp.MustCompile(`(?i)^(?:pa?s+wo?r?d|pwd|passphrase|secret|token)$`)

// clearText is the character, from 1, at which a line begins to hold what may be a secret in clear, and false when it holds none.
// Whatever is wrong on such a line, the picture of it must not show the secret: the reader that would refuse it may not have come to it.
func clearText(line string) (col int, ok bool) {
	for _, m := range secretKey.FindAllStringSubmatchIndex(line, -1) {
		value := line[m[1]:]
		if notSecret.MatchString(value) || value[0] == '{' && !wholeKey.MatchString(line[m[2]:m[3]]) {
			continue
		}
		return 1 + utf8.RuneCountInString(line[:m[1]]), true
	}
	return 0, false
}
