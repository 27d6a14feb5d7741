package probe

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"skift/checks"
)

// nameServer answers over TCP what the zone says: addresses, "alias NAME", or a code without any.
func nameServer(t *testing.T, says func(name string) (answers []string, code dnsmessage.RCode)) netip.AddrPort {
	t.Helper()
	return netip.MustParseAddrPort(peer(t, func(c net.Conn) {
		for {
			var size [2]byte
			if _, err := io.ReadFull(c, size[:]); err != nil {
				return
			}
			query := make([]byte, binary.BigEndian.Uint16(size[:]))
			if _, err := io.ReadFull(c, query); err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(query) != nil || len(m.Questions) != 1 {
				return
			}
			q := m.Questions[0]
			answers, code := says(q.Name.String())
			m.Header.Response, m.Header.RCode = true, code
			for _, a := range answers {
				h := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 60}
				if alias, is := strings.CutPrefix(a, "alias "); is {
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(alias + ".")}})
					continue
				}
				switch ip := netip.MustParseAddr(a); {
				case ip.Is4() && q.Type == dnsmessage.TypeA:
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: ip.As4()}})
				case ip.Is6() && q.Type == dnsmessage.TypeAAAA:
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
				}
			}
			answer, err := m.AppendPack(make([]byte, 2))
			if err != nil {
				return
			}
			binary.BigEndian.PutUint16(answer, uint16(len(answer)-2))
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	}))
}

// TestWhereANameLeads: what a name server says is a fact, the same in whatever order it comes; that it says nothing is no fact of the name, and
// neither is a judgement.
func TestWhereANameLeads(t *testing.T) {
	t.Parallel()
	chain := newChain(t, leafSpec{})
	web := sServer(t, chain)
	shut, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := netip.MustParseAddrPort(shut.Addr().String())
	shut.Close()
	always := func(code dnsmessage.RCode, answers ...string) func(string) ([]string, dnsmessage.RCode) {
		return func(name string) ([]string, dnsmessage.RCode) {
			if name != gatewayName+"." {
				return nil, dnsmessage.RCodeNameError
			}
			return answers, code
		}
	}
	for name, c := range map[string]struct {
		server       netip.AddrPort
		want, failed string
	}{
		"two sites":             {nameServer(t, always(0, "203.0.113.74", "2001:db8::1", "203.0.113.10", "203.0.113.10")), "203.0.113.10, 203.0.113.74, 2001:db8::1", ""},
		"an alias":              {nameServer(t, always(0, "alias new.example", "203.0.113.10")), "203.0.113.10", ""},
		"an alias to elsewhere": {nameServer(t, always(0, "alias new.example")), "alias new.example", ""},
		"no address":            {nameServer(t, always(0)), "none", ""},
		"no such name":          {nameServer(t, always(dnsmessage.RCodeNameError)), "none", ""},
		"it fails":              {nameServer(t, always(dnsmessage.RCodeServerFailure, "203.0.113.10")), "", "dns_servfail"},
		"it refuses":            {nameServer(t, always(dnsmessage.RCodeRefused)), "", "dns_servfail"},
		"it hangs up":           {netip.MustParseAddrPort(peer(t, func(net.Conn) {})), "", "dns_servfail"},
		"it speaks nonsense":    {netip.MustParseAddrPort(peer(t, says("220 mail.example\r\n"+strings.Repeat("x", 1<<14)))), "", "dns_servfail"},
		"nobody is there":       {nobody, "", "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, "", ask(web, checks.TLSOptions{TrustedBy: []string{"root.pem"}, NameServers: []netip.AddrPort{c.server}}, func(a *checks.Ask) {
				a.ServerName = gatewayName
				a.Trust = map[string][]byte{"root.pem": chain.trust()}
			}))
			if r.Verdict != checks.Pass {
				t.Errorf("got %s %s", r.Verdict, r.Code)
			}
			if got := r.Facts[checks.FactLeadsTo+c.server.String()]; got != c.want {
				t.Errorf("leads to %q, want %q", got, c.want)
			}
			if got := r.Facts[checks.FactUnled]; c.failed != "" && got != c.server.String()+" "+c.failed || c.failed == "" && got != "" {
				t.Errorf("failed: %q, want %q", got, c.failed)
			}
		})
	}
}

// A name server that takes the connection and says nothing costs the time of a check and no more.
func TestANameServerThatIsSilent(t *testing.T) {
	t.Parallel()
	server := netip.MustParseAddrPort(peer(t, drain))
	a := ask("127.0.0.1:1", checks.TLSOptions{}, quick, func(a *checks.Ask) { a.ServerName = gatewayName })
	p := New(Config{Dialer: loopback()})
	got := p.leads(t.Context(), target{Ask: a, timeout: a.Spec.Timeout}, []netip.AddrPort{server})
	if got[checks.FactUnled] != server.String()+" dns_timeout" || got[checks.FactLeadsTo+server.String()] != "" {
		t.Errorf("%v", got)
	}
	a.ServerName = "192.0.2.1"
	if got := p.leads(t.Context(), target{Ask: a, timeout: a.Spec.Timeout}, []netip.AddrPort{server}); len(got) != 0 {
		t.Errorf("an address leads to itself: %v", got)
	}
}

// FuzzWhereANameLeads: whatever a name server says, what was read is addresses, an alias or nothing.
func FuzzWhereANameLeads(f *testing.F) {
	name := dnsmessage.MustNewName("a.example.")
	h := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET}
	for _, body := range []dnsmessage.ResourceBody{&dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}, &dnsmessage.AAAAResource{}, &dnsmessage.CNAMEResource{CNAME: name}, nil} {
		m := dnsmessage.Message{Header: dnsmessage.Header{Response: true}, Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
		if body != nil {
			m.Answers = []dnsmessage.Resource{{Header: h, Body: body}}
		}
		seed, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
		f.Add(seed[:len(seed)-1])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var l ledTo
		if l.read(0, data) != nil {
			return
		}
		text := l.String()
		if _, is := strings.CutPrefix(text, "alias "); is || text == checks.LeadsNowhere {
			return
		}
		for _, a := range strings.Split(text, ", ") {
			if _, err := netip.ParseAddr(a); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}
