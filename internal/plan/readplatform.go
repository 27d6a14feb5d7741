package plan

import (
	"net/netip"
	"regexp"

	"skift/checks"
	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// platformSections reads what is moved: environments, platforms, services, vantages and flows.
func (l *loader) platformSections(m *yamldoc.Map) {
	l.environments(m.Map("environments"))
	platforms := m.OptMap("platforms")
	for _, side := range checks.Sides() {
		if n, ok := platforms.OptNode(string(side)); ok {
			l.Platforms[side] = l.platform(side, n)
		}
	}
	l.done(platforms, "platforms")
	ids(m.OptMap("services"), &l.Services, &l.ServiceIDs, l.service)
	ids(m.OptMap("vantages"), &l.Vantages, &l.VantageIDs, l.vantage)
	if l.Vantages[LocalVantage] == nil {
		l.Vantages[LocalVantage] = &Vantage{ID: LocalVantage}
		l.VantageIDs = append([]string{LocalVantage}, l.VantageIDs...)
	}
	l.sameSource()
	l.flowFile = m.OptWord("flows")
	l.readFlows()
}

// LocalVantage is where skift itself runs. It exists in every plan.
const LocalVantage = "local"

func (l *loader) environments(m *yamldoc.Map) {
	ids(m, &l.Environments, &l.EnvIDs, func(id string, n yamldoc.Node) *Environment {
		e := &Environment{ID: id, Pos: n.KeyPos()}
		em := n.Map()
		e.Production = em.OptBool("production", false)
		l.done(em, "environments.ID")
		return e
	})
	if !m.OK() {
		return
	}
	var production []*Environment
	for _, id := range l.EnvIDs {
		if e := l.Environments[id]; e.Production {
			production = append(production, e)
		}
	}
	switch {
	case len(production) == 0:
		m.Problemf(CodeProduction, "no environment is the production one").Hintf("add production: true to it: {prod: {production: true}}")
	case len(production) > 1:
		m.Problemf(CodeProduction, "%d environments say production: true; exactly one is", len(production)).
			See(production[0].Pos, "%s", production[0].ID).See(production[1].Pos, "%s", production[1].ID)
	}
}

func (l *loader) platform(side checks.Side, n yamldoc.Node) *Platform {
	p := &Platform{Side: side, Name: string(side), Pos: n.KeyPos()}
	m := n.Map()
	if !m.OK() {
		return p
	}
	p.Name = m.OptStr("name", string(side))
	p.Party = l.ref(partyRef, m.Word("party"))
	for _, w := range m.Words("networks") {
		if network, ok := l.network(w); ok {
			p.Networks = append(p.Networks, network)
		}
	}
	l.done(m, "platforms.SIDE")
	return p
}

// network reads addresses that may be reached. Everything there is cannot be: the list is what keeps a slip of the pen from
// sending probes to strangers.
func (l *loader) network(w diag.Word) (netip.Prefix, bool) {
	network, err := netip.ParsePrefix(w.Text)
	if err != nil {
		p := w.Problemf(l.problems, CodeBadNetwork, "%q is not a network", w.Text).Hintf("write it like 203.0.113.0/24")
		if a, err := netip.ParseAddr(w.Text); err == nil {
			p.Hintf("a single address is written %s/%d", a, a.BitLen())
		}
		return netip.Prefix{}, false
	}
	switch {
	case network.Bits() == 0:
		w.Problemf(l.problems, CodeBadNetwork, "%s is every address there is", w.Text).Hintf("name the platform's own networks")
		return netip.Prefix{}, false
	case network != network.Masked():
		w.Problemf(l.problems, CodeBadNetwork, "%s names a host within a network", w.Text).
			Hintf("write %s for the network, or %s/%d for the host", network.Masked(), network.Addr(), network.Addr().BitLen())
		return netip.Prefix{}, false
	}
	return network, true
}

var hostForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)

// hostName reads the name a server is asked for and must answer to.
func (l *loader) hostName(w diag.Word) string {
	if w.Text != "" && (len(w.Text) > 253 || !hostForm.MatchString(w.Text)) {
		w.Problemf(l.problems, CodeBadHostName, "%q is not a host name", w.Text).
			Hintf("write it as the certificate has it, without scheme or port; other letters than a–z in their xn-- form")
		return ""
	}
	return w.Text
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return len(networks) == 0 // reported where the networks are missing
}

// addrPort reads one pinned address and port. Names are not taken: what is asked must not change with an answer of DNS.
func (l *loader) addrPort(w diag.Word) (netip.AddrPort, bool) {
	addr, err := netip.ParseAddrPort(w.Text)
	switch {
	case err != nil || addr.Port() == 0:
		w.Problemf(l.problems, CodeBadAddress, "%q is not an IP address and port", w.Text).
			Hintf("write it like 203.0.113.10:443, or [2001:db8::1]:443")
		return netip.AddrPort{}, false
	case !askable(addr.Addr()):
		w.Problemf(l.problems, CodeBadAddress, "%s is not the address of a host", w.Text)
		return netip.AddrPort{}, false
	}
	return addr, true
}

func askable(a netip.Addr) bool {
	return !a.IsUnspecified() && !a.IsMulticast() && !a.Is4In6() && a.Zone() == "" && !a.IsLinkLocalUnicast()
}
