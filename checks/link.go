package checks

import (
	"strconv"
	"strings"
)

// Link is one certificate of a served chain, as a fact keeps it.
type Link struct {
	SHA256, SPKI        string // digests of the certificate and of its public key, hex
	NotBefore, NotAfter string // RFC 3339, UTC
	Serial              string // hex
	Subject, Issuer     string
}

// linkFact is what the names of these facts begin with; their number, from 1 for the server's own, follows.
const linkFact = "chain_"

// LinkFact is the name of the fact about the certificate at a position, 1 = the server's own.
func LinkFact(position int) string { return linkFact + strconv.Itoa(position) }

const linkSep = " | "

// String writes the fact. The separator never stands inside a field.
func (l Link) String() string {
	f := []string{l.SHA256, l.SPKI, l.NotBefore, l.NotAfter, l.Serial, l.Subject, l.Issuer}
	for i := range f {
		f[i] = strings.ReplaceAll(f[i], "|", "¦")
	}
	return strings.Join(f, linkSep)
}

// ParseLink reads what String writes.
func ParseLink(fact string) (Link, bool) {
	f := strings.Split(fact, linkSep)
	if len(f) != 7 {
		return Link{}, false
	}
	return Link{f[0], f[1], f[2], f[3], f[4], f[5], f[6]}, true
}

// Links are the certificates of a served chain that the facts tell of, in the order served.
func Links(facts map[string]string) []Link {
	var out []Link
	for {
		l, ok := ParseLink(facts[LinkFact(len(out)+1)])
		if !ok {
			return out
		}
		out = append(out, l)
	}
}
