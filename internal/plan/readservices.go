package plan

import (
	"skift/checks"
	"skift/internal/diag"
	"skift/internal/yamldoc"
)

func (l *loader) service(id string, n yamldoc.Node) *Service {
	s := &Service{ID: id, Pos: n.KeyPos(), In: map[string]map[checks.Side]Endpoint{}}
	m := n.Map()
	if !m.OK() {
		return s
	}
	s.Title = m.OptText("title")
	s.ServerName = l.hostName(m.OptWord("server_name"))
	s.SourceRule = SourceRule(m.OptOneOf("source_rule", string(SingleSource), string(SingleSource), string(SingleIPv4), string(RangeSource)))
	l.elsewhere(s, m)
	m.Map("in").Each(func(env string, n yamldoc.Node) {
		l.ref(environmentRef, diag.Word{Pos: n.KeyPos(), Path: n.Path(), Text: env})
		em := n.Map()
		sides := map[checks.Side]Endpoint{}
		for _, side := range checks.Sides() {
			if n, ok := em.OptNode(string(side)); ok {
				sides[side] = l.endpoint(s, side, n)
			}
		}
		l.done(em, "services.ID.in.ENV")
		s.In[env] = sides
	})
	l.done(m, "services.ID")
	return s
}

// elsewhere reads whose a service is, and where, that is on neither platform: both or nothing.
func (l *loader) elsewhere(s *Service, m *yamldoc.Map) {
	if !m.Has("party") && !m.Has("networks") {
		m.OptWord("party") // known, and not written
		m.OptWords("networks")
		return
	}
	s.Party = l.ref(partyRef, m.Word("party"))
	for _, w := range m.Words("networks") {
		if network, ok := l.network(w); ok {
			s.Networks = append(s.Networks, network)
		}
	}
}

func (l *loader) endpoint(s *Service, side checks.Side, n yamldoc.Node) Endpoint {
	m := n.Map()
	if !m.OK() {
		return Endpoint{}
	}
	e := Endpoint{ServerName: l.hostName(m.OptWord("server_name"))}
	platform := l.Platforms[side]
	if platform == nil {
		n.KeyProblemf(CodeNoPlatform, "the %s platform is not described", side).
			Hintf("add it under platforms, with its party and networks")
	}
	words := m.Words("addr")
	l.twice(words)
	for _, w := range words {
		addr, ok := l.addrPort(w)
		if !ok {
			continue
		}
		switch {
		case s.Party != "":
			if !within(s.Networks, addr.Addr()) {
				w.Problemf(l.problems, CodeForeignAddr, "%s is in none of the networks of service %s", w.Text, s.ID).
					See(s.Pos, "its networks are listed here").Hintf("correct the address, or add its network to services.%s.networks", s.ID)
				continue
			}
		case platform != nil && !within(platform.Networks, addr.Addr()):
			w.Problemf(l.problems, CodeForeignAddr, "%s is in none of the networks of the %s platform", w.Text, side).
				See(platform.Pos, "its networks are listed here").Hintf("correct the address, or add its network to platforms.%s.networks", side)
			continue
		}
		e.Addrs = append(e.Addrs, addr.String())
	}
	l.done(m, "services.ID.in.ENV.SIDE")
	return e
}
