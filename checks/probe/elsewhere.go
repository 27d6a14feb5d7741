package probe

import (
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"

	"skift/checks"
)

// maxElsewhere is how many other vantages are asked about one failure.
const maxElsewhere = 2

// glance names one look from another vantage: units that differ in nothing else share it.
type glance struct {
	addr      netip.AddrPort
	vantage   string
	name, how string // server name; options of the check
}

// elsewhere asks again from other vantages of this host why we were not let in, and concludes what follows. What was seen from the
// unit's own vantage stays as a fact: it is that which may prove a deny one day.
func (p *Prober) elsewhere(ctx context.Context, t target, s *sighting) {
	if len(t.Others) == 0 || checks.Elsewhere(s.code, s.facts, []checks.Glimpse{{Outcome: checks.Pass}}) == s.code {
		return
	}
	own := p.from(ctx, t, t.Source)
	asked := []netip.Addr{own}
	var seen []checks.Glimpse
	for _, o := range t.Others {
		source := p.from(ctx, t, o.Source)
		if o.Vantage == t.Unit.Vantage || !source.IsValid() || slices.Contains(asked, source) {
			continue // another name for an address that was asked from already is no other vantage
		}
		if len(seen) == maxElsewhere {
			break
		}
		asked = append(asked, source)
		g, err := p.glimpse(ctx, t, o)
		if err != nil {
			return // cancelled
		}
		if g.Outcome == checks.Error || g.Outcome == checks.Unverified {
			continue // nothing can be seen from there
		}
		seen = append(seen, g)
		if g.Outcome == checks.Pass {
			break
		}
	}
	code := checks.Elsewhere(s.code, s.facts, seen)
	if code == s.code {
		return
	}
	s.facts[checks.FactSeen] = string(s.code)
	var told []string
	for _, g := range seen {
		told = append(told, g.Vantage+": "+string(g.Code))
	}
	s.facts[checks.FactElsewhere] = strings.Join(told, ", ")
	if own.IsValid() {
		s.facts[checks.FactSource] = own.String()
	}
	s.code, s.outcome = code, ""
}

// from is the address a vantage asks from: its own, else the one this host chooses.
func (p *Prober) from(ctx context.Context, t target, source netip.Addr) netip.Addr {
	if !source.IsValid() {
		source, _ = p.dialer.From(ctx, t.addr)
	}
	return source
}

// glimpse is what another vantage gets of the unit's address, looked at once per sweep.
func (p *Prober) glimpse(ctx context.Context, t target, o checks.Origin) (checks.Glimpse, error) {
	if len(o.Control) > 0 {
		t.Control = o.Control
	}
	t.Source, t.Unit.Vantage = o.Source, o.Vantage
	how, err := json.Marshal(t.Spec.Options)
	if err != nil {
		return checks.Glimpse{}, err
	}
	key := glance{addr: t.addr, vantage: o.Vantage, name: t.ServerName, how: string(how)}
	return p.glanced.once(ctx, t.At, key, func() (checks.Glimpse, error) {
		s := registry()[t.Spec.Kind].ask(p, ctx, t)
		if doubtful(s.code) {
			p.weigh(&s, p.controlAnswers(ctx, t))
		}
		if ctx.Err() != nil {
			return checks.Glimpse{}, context.Cause(ctx)
		}
		if s.outcome == "" {
			s.outcome = s.code.Info().Verdict
		}
		return checks.Glimpse{Vantage: o.Vantage, Outcome: s.outcome, Code: s.code, Facts: s.facts}, nil
	})
}
