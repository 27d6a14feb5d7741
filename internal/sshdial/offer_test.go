package sshdial

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
)

// packet wraps a payload as the first packet of a connection.
func packet(payload []byte, padding int) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload)+1+padding))
	return append(append(append(b, byte(padding)), payload...), make([]byte, padding)...)
}

func kexInit(lists ...string) []byte {
	p := append([]byte{msgKexInit}, make([]byte, cookieBytes)...)
	for i := range 10 {
		text := ""
		if i < len(lists) {
			text = lists[i]
		}
		p = append(binary.BigEndian.AppendUint32(p, uint32(len(text))), text...)
	}
	return append(p, make([]byte, 5)...)
}

func TestParseOffer(t *testing.T) {
	t.Parallel()
	good := packet(kexInit("a,ext-info-s,b", "k", "c", "d", "e", "f", "g", "h"), 8)
	o, err := ParseOffer(append(good, "what follows"...))
	if err != nil || !slices.Equal(o.Kex, []string{"a", "b"}) || !slices.Equal(o.Markers, []string{"ext-info-s"}) || o.HostKey[0]+o.CipherToServer[0]+
		o.CipherToClient[0]+o.MACToServer[0]+o.MACToClient[0]+o.CompressToServer[0]+o.CompressToClient[0] != "kcdefgh" {
		t.Errorf("got %+v, %v", o, err)
	}
	long := strings.Repeat("x", maxName+1)
	for name, bad := range map[string][]byte{
		"nothing":                  nil,
		"half a length":            good[:3],
		"cut short":                good[:len(good)-1],
		"too long":                 {0xff, 0xff, 0xff, 0xff, 8, 20},
		"of no length":             {0, 0, 0, 0, 0, 0},
		"no padding":               packet(kexInit("a"), 0),
		"more padding than packet": append([]byte{0, 0, 0, 12, 200}, make([]byte, 20)...),
		"another message":          packet([]byte{1, 0, 0, 0, 2}, 8),
		"ends in the cookie":       packet([]byte{msgKexInit, 1, 2}, 8),
		"list beyond the end":      packet(append(append([]byte{msgKexInit}, make([]byte, cookieBytes)...), 0xff, 0xff, 0xff, 0xff), 8),
		"bytes after the lists":    packet(append(kexInit("a"), 0), 8),
		"reserved number":          packet(append(kexInit("a")[:len(kexInit("a"))-1], 1), 8),
		"empty name":               packet(kexInit("a,,b"), 8),
		"long name":                packet(kexInit(long), 8),
		"escape in a name":         packet(kexInit("a\x1b[2J"), 8),
		"too many names":           packet(kexInit(strings.Repeat("a,", maxNames)+"a"), 8),
	} {
		if o, err := ParseOffer(bad); err == nil {
			t.Errorf("%s: read as %+v", name, o)
		}
	}
}

func FuzzParseOffer(f *testing.F) {
	f.Add(packet(kexInit("curve25519-sha256,kex-strict-s-v00@openssh.com", "ssh-ed25519", "aes128-ctr", "aes128-ctr", "hmac-sha2-256", "hmac-sha2-256", "none", "none"), 8))
	f.Add(packet(kexInit(), 255))
	f.Add([]byte{0, 0, 0, 6, 4, 20, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := ParseOffer(b)
		if err != nil {
			return
		}
		again, err := ParseOffer(packet(kexInit(strings.Join(append(slices.Clone(o.Kex), o.Markers...), ","), strings.Join(o.HostKey, ","),
			strings.Join(o.CipherToServer, ","), strings.Join(o.CipherToClient, ","), strings.Join(o.MACToServer, ","), strings.Join(o.MACToClient, ","),
			strings.Join(o.CompressToServer, ","), strings.Join(o.CompressToClient, ",")), 8))
		if err != nil || !slices.Equal(again.Kex, o.Kex) || !slices.Equal(again.MACToClient, o.MACToClient) || len(again.Markers) != len(o.Markers) {
			t.Errorf("%+v was written and read back as %+v, %v", o, again, err)
		}
	})
}

// The lists are had also when they come in pieces, and before the library has looked at them.
func TestOfferIsTakenDown(t *testing.T) {
	t.Parallel()
	s := newServer(t, true)
	_, trace, err := Dial(t.Context(), loopback(), s.addr, Config{Pins: pins(t, s.pin), Stop: AtHostKey})
	if err != nil || trace.Offer == nil || !slices.Equal(trace.Offer.HostKey, []string{"ssh-ed25519"}) || trace.Pin != 0 {
		t.Fatalf("got %+v, pin %d, %v", trace.Offer, trace.Pin, err)
	}
	odd := peer(t, func(c net.Conn) {
		all := append([]byte("SSH-2.0-x\r\n"), packet(kexInit("a", "b", "c", "d", "e", "f"), 8)...)
		for i := range all {
			if _, err := c.Write(all[i : i+1]); err != nil {
				return
			}
		}
		_, _ = io.Copy(io.Discard, c)
	})
	_, trace, err = Dial(t.Context(), loopback(), odd, Config{Pins: pins(t, s.pin), Stop: AtHostKey})
	if err == nil || trace.Offer == nil || trace.Offer.MACToClient[0] != "f" {
		t.Errorf("got %+v, %v", trace.Offer, err)
	}
}

// A name is asked about only at a server whose key is pinned; an unknown key is taken down all the same.
func TestMethodsAreAskedOfKnownServersOnly(t *testing.T) {
	t.Parallel()
	s := newServer(t, true)
	for pin, want := range map[string]int{s.pin: 0, fingerprint('A'): -1} {
		_, trace, err := Dial(t.Context(), loopback(), s.addr, Config{User: "u", Pins: pins(t, pin), Stop: AtMethods, AnyKey: true})
		if err != nil || trace.HostKey != s.pin || trace.Pin != want || (trace.Offered != nil) != (want == 0) {
			t.Errorf("pinned %s: offered %v, pin %d, %v", pin, trace.Offered, trace.Pin, err)
		}
	}
}
