package plan

import "slices"

// Belongs reports whether a party is one of some: itself, its group, or a member of it. Nobody named means everybody.
func (p *Plan) Belongs(party string, parties []string) bool {
	if len(parties) == 0 {
		return true
	}
	group := ""
	if m, ok := p.Member(party); ok {
		group = m.Group
	}
	return slices.ContainsFunc(parties, func(named string) bool {
		if m, ok := p.Member(named); ok && m.Group == party {
			return true
		}
		return named == party || group != "" && named == group
	})
}

// SeesWave reports whether a party is told of what is of one wave: the customer and the suppliers of every wave, a member of its own.
// "" is what is of no wave, which everybody is told of.
func (p *Plan) SeesWave(party, wave string) bool {
	if wave == "" || party == p.WaveParty {
		return true
	}
	if m, ok := p.Member(party); ok {
		return m.Group == p.WaveParty && m.Wave == wave
	}
	q := p.Parties[party]
	return q == nil || q.Role != User && q.Role != Source
}
