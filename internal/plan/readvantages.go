package plan

import (
	"net/netip"

	"skift/internal/diag"
	"skift/internal/yamldoc"
)

func (l *loader) vantage(id string, n yamldoc.Node) *Vantage {
	v := &Vantage{ID: id, Pos: n.KeyPos()}
	m := n.Map()
	if !m.OK() {
		return v
	}
	v.Party = l.ref(partyRef, m.OptWord("party"))
	if w := m.OptWord("source_ip"); w.Text != "" {
		v.Source, _ = l.addr(w)
	}
	if w := m.OptWord("egress_ip"); w.Text != "" {
		v.Egress, _ = l.addr(w)
	}
	if w := m.OptWord("reflector"); w.Text != "" {
		v.Reflector, _ = l.addrPort(w)
	}
	for _, w := range m.OptWords("control") {
		if addr, ok := l.addrPort(w); ok {
			v.Control = append(v.Control, addr)
		}
	}
	l.done(m, "vantages.ID")
	return v
}

func (l *loader) addr(w diag.Word) (netip.Addr, bool) {
	a, err := netip.ParseAddr(w.Text)
	if err != nil || !askable(a) {
		w.Problemf(l.problems, CodeBadAddress, "%q is not one IP address", w.Text).Hintf("write it like 192.0.2.10")
		return netip.Addr{}, false
	}
	return a, true
}

// sameSource reports two vantages that others see under one address: a flow could not tell from which it is asked.
func (l *loader) sameSource() {
	first := map[netip.Addr]*Vantage{}
	for _, id := range l.VantageIDs {
		v := l.Vantages[id]
		if !v.SeenAs().IsValid() {
			continue
		}
		if f := first[v.SeenAs()]; f != nil {
			key := "source_ip"
			if v.Egress.IsValid() || f.Egress.IsValid() {
				key = "egress_ip"
			}
			l.problems.Addf(v.Pos, CodeSameSource, "vantages %s and %s have the same %s %s", f.ID, v.ID, key, v.SeenAs()).
				At("vantages."+v.ID).Wide(len(v.ID)).See(f.Pos, "%s is here", f.ID)
			continue
		}
		first[v.SeenAs()] = v
	}
}
