package people

import (
	"errors"
	"strings"
)

// ValidMail says whether s is exactly one plain mail address, fit to stand in a header and in an SMTP command: RFC 5321
// dot-string and domain, ASCII only, nothing quoted, no display name, no comment, no list.
func ValidMail(s string) error {
	local, domain, ok := strings.Cut(s, "@")
	switch {
	case strings.ContainsAny(s, "\r\n\x00"):
		return errors.New("a mail address is one line")
	case strings.ContainsAny(s, ",;"):
		return errors.New("only one mail address is taken")
	case !ok:
		return errors.New("a mail address has an @")
	case strings.Contains(domain, "@"):
		return errors.New("a mail address has one @")
	case strings.ContainsFunc(s, func(r rune) bool { return r > '~' }):
		return errors.New("only ASCII letters are taken; write the domain in its xn-- form")
	case local == "" || len(local) > 64 || !dotted(local, localRune):
		return errors.New("the part before the @ is not an address")
	case domain == "" || len(domain) > 253 || !dotted(domain, domainRune):
		return errors.New("the part after the @ is not a domain")
	}
	for label := range strings.SplitSeq(domain, ".") {
		if len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return errors.New("the part after the @ is not a domain")
		}
	}
	return nil
}

// dotted reports whether s is one or more non-empty words of accepted characters, joined by single dots.
func dotted(s string, accepted func(rune) bool) bool {
	for word := range strings.SplitSeq(s, ".") {
		if word == "" || strings.ContainsFunc(word, func(r rune) bool { return !accepted(r) }) {
			return false
		}
	}
	return true
}

func localRune(r rune) bool {
	return domainRune(r) || strings.ContainsRune("!#$%&'*+/=?^_`{|}~", r)
}

func domainRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-'
}
