package probe

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"github.com/pavlo-v-chernykh/keystore-go/v4"

	"skift/checks"
)

// The first bytes of Java's own key stores.
var (
	jksMagic   = []byte{0xfe, 0xed, 0xfe, 0xed}
	jceksMagic = []byte{0xce, 0xce, 0xce, 0xce}
)

// jksEntry is one entry of a JKS file. Its certificates are readable without the password.
type jksEntry struct {
	alias string
	own   bool // with a private key
	certs [][]byte
}

// readJKS reads the entry that is asked for: the named one, else the only one with a key, else the only one there is.
func readJKS(data []byte, with unlocked) (held, error) {
	h := held{format: "jks"}
	entries, ok := jksEntries(data)
	if !ok {
		return h, cannotRead("the JKS file is damaged: its lengths do not add up")
	}
	e, err := pickEntry(entries, with.alias)
	if err != nil {
		return h, err
	}
	h.alias = e.alias
	for i, der := range e.certs {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return h, cannotRead("certificate %d of entry %q cannot be read: %v", i+1, e.alias, err)
		}
		h.certs = append(h.certs, c)
	}
	if with.password == "" {
		return h, nil
	}
	return h, h.openJKS(data, e, with.password)
}

// openJKS checks the file's digest and looks at the private key.
func (h *held) openJKS(data []byte, e jksEntry, password string) error {
	ks := keystore.New(keystore.WithCaseExactAliases())
	if err := ks.Load(bytes.NewReader(data), []byte(password)); err != nil {
		return &unreadable{checks.Credential, "the password does not open the JKS file"}
	}
	if !e.own {
		return nil
	}
	entry, err := ks.GetPrivateKeyEntry(e.alias, []byte(password))
	if err != nil {
		return &unreadable{checks.Credential, fmt.Sprintf("the password opens the JKS file, but not the key of entry %q", e.alias)}
	}
	if h.key, err = publicOf(&pem.Block{Type: "PRIVATE KEY", Bytes: entry.PrivateKey}); err != nil {
		return cannotRead("the private key of entry %q cannot be read", e.alias)
	}
	return nil
}

func pickEntry(entries []jksEntry, alias string) (jksEntry, error) {
	var names []string
	for _, e := range entries {
		names = append(names, e.alias)
	}
	if alias != "" {
		i := slices.IndexFunc(entries, func(e jksEntry) bool { return strings.EqualFold(e.alias, alias) })
		if i < 0 {
			return jksEntry{}, &unreadable{checks.CertAmbiguous, fmt.Sprintf("there is no entry %q; there is %s", alias, orNothing(joined(names)))}
		}
		return entries[i], nil
	}
	own := slices.DeleteFunc(slices.Clone(entries), func(e jksEntry) bool { return !e.own })
	switch {
	case len(own) == 1:
		return own[0], nil
	case len(entries) == 1:
		return entries[0], nil
	case len(entries) == 0:
		return jksEntry{}, cannotRead("there is no certificate in it")
	}
	return jksEntry{}, &unreadable{checks.CertAmbiguous, fmt.Sprintf("it holds several entries and alias names none: %s", joined(names))}
}

// jksEntries walks a JKS file within its bounds; ok is false when a length leads out of it. The library that opens the keys reserves
// memory for whatever length the file claims.
func jksEntries(data []byte) (entries []jksEntry, ok bool) {
	const digest = 20
	r := &bounded{rest: data[len(jksMagic):]}
	version, count := r.number(4), r.number(4)
	if version != 1 && version != 2 || count > len(data) {
		return nil, false
	}
	for range count {
		tag := r.number(4)
		e := jksEntry{alias: string(r.take(r.number(2))), own: tag == 1}
		r.take(8) // when it was made
		certs := 1
		if e.own {
			r.take(r.number(4)) // the key, encrypted
			certs = r.number(4)
		}
		for range certs {
			if version == 2 {
				r.take(r.number(2)) // the type, X.509
			}
			e.certs = append(e.certs, r.take(r.number(4)))
			if r.broken {
				return nil, false
			}
		}
		if tag != 1 && tag != 2 {
			return nil, false
		}
		entries = append(entries, e)
	}
	return entries, !r.broken && len(r.rest) == digest
}

// bounded reads big-endian numbers and pieces, and nothing beyond the end.
type bounded struct {
	rest   []byte
	broken bool
}

func (b *bounded) take(n int) []byte {
	if b.broken || n < 0 || n > len(b.rest) {
		b.broken = true
		return nil
	}
	piece := b.rest[:n]
	b.rest = b.rest[n:]
	return piece
}

func (b *bounded) number(size int) int {
	piece := b.take(size)
	switch {
	case b.broken:
		return 0
	case size == 2:
		return int(binary.BigEndian.Uint16(piece))
	}
	return int(binary.BigEndian.Uint32(piece))
}
