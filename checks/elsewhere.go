package checks

import (
	"net/netip"
	"slices"
)

// Origin is a place on this host from which a question can be asked again when it was not answered from where it was asked.
type Origin struct {
	Vantage string
	Source  netip.Addr       // the zero value lets the host choose
	Control []netip.AddrPort // empty = that of whoever asks again
}

// Glimpse is what another vantage got of the same address.
type Glimpse struct {
	Vantage string
	Outcome Verdict
	Code    Code
	Facts   map[string]string
}

// Facts of a code that is a conclusion from more than one answer.
const (
	FactSeen      = "seen"      // the code of what was seen from the unit's own vantage
	FactElsewhere = "elsewhere" // the vantages that tell, each with what it got
	FactSource    = "source"    // the address it was asked from
	FactEgress    = "egress"    // the address under which a reflector saw us; EgressUnknown when it did not answer
)

// EgressUnknown is the fact of a reflector that could not be asked.
const EgressUnknown = "unknown"

// OfPlace reports whether a fact is about the place it was asked from, and not about the target.
func OfPlace(fact string) bool {
	return slices.Contains([]string{FactControl, FactSeen, FactElsewhere, FactSource, FactEgress}, fact)
}

// Elsewhere reads a failure to be let in against what other vantages got of the same address: let in there means that this source is
// missing from the list, turned away everywhere that the target answers nobody; the latter needs an own control that answers, for without one
// it may be us who reach nobody. It is the code to show: the one given where nothing follows, because the failure is of another sort,
// its own control was silent, or no other vantage could tell.
func Elsewhere(code Code, facts map[string]string, others []Glimpse) Code {
	raw := seenAs(code, facts)
	if code == WhitelistMissing || facts[FactControl] == ControlSilent || !shutOut(raw, facts) {
		return code
	}
	away, answers := false, raw == HTTPStatus
	for _, o := range others {
		was := seenAs(o.Code, o.Facts)
		switch {
		case o.Outcome == Pass, o.Outcome == Warn:
			return WhitelistMissing
		case o.Outcome != Fail:
		case was == HTTPStatus, !shutOut(was, o.Facts):
			answers = true
		case o.Facts[FactControl] == ControlAnswered:
			away = true
		}
	}
	switch {
	case answers:
		return raw // also when it was thought to be down
	case away && facts[FactControl] == ControlAnswered:
		return TargetDown
	}
	return code
}

// shutOut reports whether a failure is one that an allow-list gives, or a target that is down.
func shutOut(raw Code, facts map[string]string) bool {
	return raw.Info().Class == ClassPath || raw == TLSClosed || looksDenied(raw, facts)
}

// seenAs is the code of what was seen itself, without what was concluded from other vantages.
func seenAs(code Code, facts map[string]string) Code {
	if code == WhitelistMissing || code == TargetDown {
		return Code(facts[FactSeen])
	}
	return code
}
