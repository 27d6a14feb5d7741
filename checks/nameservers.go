package checks

import (
	"net/netip"
	"strings"

	"skift/internal/diag"
)

// What kind tls keeps of the name servers it asks.
const (
	// FactLeadsTo begins the fact of each name server, "leads_to 192.0.2.53:53": the addresses that the service's name leads to.
	FactLeadsTo = "leads_to "
	// FactUnled names the name servers that gave no answer, and how.
	FactUnled = "name_servers_failed"
)

// LeadsNowhere is where a name leads that has no address.
const LeadsNowhere = "none"

// CodeBadNameServer is a name server that cannot be asked.
const CodeBadNameServer diag.Code = "bad-name-server"

const dnsPort = 53

// nameServers reads addresses of name servers, with or without a port.
func (r *reader) nameServers(key string) (out []netip.AddrPort) {
	for _, w := range r.m.OptWords(key) {
		to, err := netip.ParseAddrPort(w.Text)
		if addr, alone := netip.ParseAddr(strings.Trim(w.Text, "[]")); alone == nil {
			to, err = netip.AddrPortFrom(addr, dnsPort), nil
		}
		if err != nil || to.Port() == 0 || to.Addr().Zone() != "" || to.Addr().IsUnspecified() {
			w.Problemf(r.problems, CodeBadNameServer, "%q is no address of a name server", w.Text).
				Hintf("write its IP address, 192.0.2.53, with a port if it is not %d", dnsPort)
			continue
		}
		out = append(out, netip.AddrPortFrom(to.Addr().Unmap(), to.Port()))
	}
	return out
}

// hosts are networks of one address each.
func hosts(all []netip.AddrPort) (out []netip.Prefix) {
	for _, a := range all {
		out = append(out, netip.PrefixFrom(a.Addr(), a.Addr().BitLen()))
	}
	return out
}
