package checks

import "net/netip"

// Network is the network that the answer is about, where it is about one instead of an address: who may come from several and has no
// vantage is asked from a place that is named after it.
func (a Ask) Network() (netip.Prefix, bool) {
	if a.Spec == nil || !a.Spec.Sourced() || a.Source.IsValid() {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(a.Unit.Vantage)
	return p, err == nil
}

// SeenFromElsewhere reports whether an answer about a source was given from another address, and nobody told that this address is seen
// as the one the plan says. local is the address that was asked from; one that is not known says nothing. Behind address translation the two
// differ rightly, and only a reflector knows.
func (r Result) SeenFromElsewhere(a Ask, local netip.Addr) bool {
	seen, err := netip.ParseAddr(r.Facts[FactEgress])
	network, ranged := a.Network()
	switch {
	case !a.Spec.Sourced() || !local.IsValid():
		return false
	case ranged:
		return !network.Contains(local.Unmap()) && (err != nil || !network.Contains(seen.Unmap()))
	case !a.Source.IsValid() || local.Unmap() == a.Source.Unmap():
		return false
	}
	meant := a.Egress
	if !meant.IsValid() {
		meant = a.Source
	}
	return err != nil || seen.Unmap() != meant.Unmap()
}

// Unplaced is the answer as what it is worth when it was seen from elsewhere: nothing was observed of the source, neither that it is let
// in nor that it is not. What is our own fault stays that.
func (r Result) Unplaced() Result {
	if class := r.Code.Info().Class; class == ClassOurs || class == ClassBlind {
		return r
	}
	facts := map[string]string{FactEgress: EgressUnknown, FactSeen: string(seenAs(r.Code, r.Facts))}
	for k, v := range r.Facts {
		if _, told := facts[k]; !told {
			facts[k] = v
		}
	}
	r.Code, r.Outcome, r.Verdict, r.Facts = Unobserved, Unverified, Unverified, facts
	return r
}

// Local is the address the answer was asked from; not valid when it was not taken down.
func (r Result) Local() netip.Addr {
	ap, err := netip.ParseAddrPort(r.LocalAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr()
}
