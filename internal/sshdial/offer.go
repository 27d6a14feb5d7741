package sshdial

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Offer is what a server says it can do, in its own order (RFC 4253, 7.1). Markers that are no algorithms are kept apart.
type Offer struct {
	Kex, HostKey                       []string
	CipherToServer, CipherToClient     []string
	MACToServer, MACToClient           []string
	CompressToServer, CompressToClient []string
	Markers                            []string // "kex-strict-s-v00@openssh.com", "ext-info-s"
}

const (
	maxPacket   = 35000 // what every implementation must take (RFC 4253, 6.1); a list of algorithms is far shorter
	msgKexInit  = 20
	cookieBytes = 16
	maxNames    = 512 // in one list
	maxName     = 64  // RFC 4251, 6
)

// markers stand among the key exchanges and mean something else.
var markers = []string{"kex-strict-s-v00@openssh.com", "kex-strict-c-v00@openssh.com", "ext-info-s", "ext-info-c"}

// whole reports whether b holds a packet, or can never hold one.
func whole(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	n := binary.BigEndian.Uint32(b)
	return n > maxPacket-4 || len(b) >= 4+int(n)
}

// ParseOffer reads the first packet a server sends after its version line, in clear. What follows it is not looked at.
func ParseOffer(b []byte) (Offer, error) {
	if !whole(b) {
		return Offer{}, errors.New("the first packet is not complete")
	}
	n := binary.BigEndian.Uint32(b)
	if n > maxPacket-4 || n < 6 {
		return Offer{}, fmt.Errorf("a packet of %d bytes", n)
	}
	padding, payload := int(b[4]), b[5:4+int(n)]
	if padding < 4 || padding > len(payload)-1 {
		return Offer{}, fmt.Errorf("%d bytes of padding in a packet of %d", padding, n)
	}
	payload = payload[:len(payload)-padding]
	if payload[0] != msgKexInit {
		return Offer{}, fmt.Errorf("message %d instead of the lists of algorithms", payload[0])
	}
	return parseKexInit(payload[1:])
}

func parseKexInit(p []byte) (o Offer, err error) {
	if len(p) < cookieBytes {
		return o, errors.New("the message ends in its cookie")
	}
	p = p[cookieBytes:]
	var languages []string
	for _, list := range []*[]string{&o.Kex, &o.HostKey, &o.CipherToServer, &o.CipherToClient, &o.MACToServer, &o.MACToClient,
		&o.CompressToServer, &o.CompressToClient, &languages, &languages} {
		if *list, p, err = nameList(p); err != nil {
			return Offer{}, err
		}
	}
	if len(p) != 5 || p[1]|p[2]|p[3]|p[4] != 0 { // first_kex_packet_follows and a reserved number
		return Offer{}, fmt.Errorf("%d bytes after the lists", len(p))
	}
	for _, name := range o.Kex {
		if slices.Contains(markers, name) {
			o.Markers = append(o.Markers, name)
		}
	}
	o.Kex = slices.DeleteFunc(o.Kex, func(name string) bool { return slices.Contains(markers, name) })
	return o, nil
}

// nameList reads names of printable ASCII separated by commas (RFC 4251, 5).
func nameList(p []byte) (names []string, rest []byte, err error) {
	if len(p) < 4 {
		return nil, nil, errors.New("the message ends before a list")
	}
	n := binary.BigEndian.Uint32(p)
	if p = p[4:]; uint64(n) > uint64(len(p)) {
		return nil, nil, fmt.Errorf("a list of %d bytes where %d are left", n, len(p))
	}
	text, rest := string(p[:n]), p[n:]
	if text == "" {
		return nil, rest, nil
	}
	names = strings.Split(text, ",")
	if len(names) > maxNames {
		return nil, nil, fmt.Errorf("a list of %d names", len(names))
	}
	for _, name := range names {
		if name == "" || len(name) > maxName || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, nil, fmt.Errorf("%.80q is not the name of an algorithm", name)
		}
	}
	return names, rest, nil
}
