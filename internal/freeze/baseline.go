package freeze

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/secret"
	"skift/internal/timeline"
)

// Before is how long before a zone began an answer may lie to be what the zone found.
const Before = 31 * 24 * time.Hour

// lasting are the facts that change only because somebody changed something, by the class of that change: certificates, host keys,
// algorithms, where names lead, versions.
var lasting = map[string]plan.Class{
	"leaf_sha256": plan.Certificate, "spki_sha256": plan.Certificate, "serial": plan.Certificate, "subject": plan.Certificate, "sans": plan.Certificate,
	"issuer": plan.Certificate, "not_before": plan.Certificate, "not_after": plan.Certificate, "key": plan.Certificate, "sigalg": plan.Certificate,
	"version": plan.Fix, "suite": plan.Fix, "alpn": plan.Fix, "client_cert": plan.Fix,
	"host_key": plan.Fix, "host_key_type": plan.Fix, "ssh_version": plan.Fix, "kex": plan.Fix, "cipher": plan.Fix, "mac": plan.Fix, "peer_offers": plan.Fix, "auth_offered": plan.Fix,
}

// classOf is the class of a fact's change; "" = it is not one that lasts.
func classOf(fact string) plan.Class {
	if strings.HasPrefix(fact, "host_key ") || strings.HasPrefix(fact, checks.FactLeadsTo) {
		return plan.Fix
	}
	return lasting[fact]
}

// kept are the facts that last.
func kept(facts map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range facts {
		if classOf(k) == "" || v == "" {
			continue
		}
		if k == "subject" || k == "sans" { // the journal keeps it for ever
			v = secret.MaskCivil(v)
		}
		out[k] = v
	}
	return out
}

// protects reports whether a zone protects a unit: its side and service, from the party that answers for it.
func protects(p *plan.Plan, z timeline.InForce, spec *checks.Spec, u checks.Unit) bool {
	return z.Binds(u.Side) && among(z.Services, spec.Service) && among(z.Parties, p.Owner(spec.Service, u.Side)) && inProduction(p, spec, u)
}

// inProduction reports whether a unit is one of production, which is all that zones protect.
func inProduction(p *plan.Plan, spec *checks.Spec, u checks.Unit) bool {
	s := p.Services[spec.Service]
	if u.Addr == "" || s == nil {
		return true
	}
	return slices.Contains(s.In[p.Production()][u.Side].Addrs, u.Addr)
}

// Unbased lists the zones in force at now whose baseline is not kept yet.
func Unbased(p *plan.Plan, f *register.Facts, now time.Time) (out []timeline.InForce) {
	for _, z := range timeline.At(p, f, now).Zones(now) {
		if known := f.Zones[z.ID]; known == nil || !known.Since.Equal(z.Since) {
			out = append(out, z)
		}
	}
	return out
}

// Baseline is what the units showed when a zone began: the last answer before it, at most [Before], else the first in it. intervals are each unit's in
// order of time. nil = no unit showed anything that lasts.
func Baseline(p *plan.Plan, z timeline.InForce, intervals []register.Interval) *register.Baseline {
	found := map[checks.Unit]shown{}
	for _, i := range intervals {
		spec := p.Checks[i.Unit.Check]
		if spec == nil || i.Until.Before(z.Since.Add(-Before)) || !protects(p, z, spec, i.Unit) {
			continue
		}
		facts := kept(i.Facts)
		if len(facts) == 0 {
			continue // it could not be observed
		}
		if _, known := found[i.Unit]; known && i.Since.After(z.Since) {
			continue
		}
		at := i.Since
		if i.Until.After(z.Since) && i.Since.Before(z.Since) {
			at = z.Since
		}
		found[i.Unit] = shown{i.Unit, at, facts}
	}
	return baseline(z, slices.Collect(maps.Values(found)))
}

// shown is what a unit showed.
type shown struct {
	unit  checks.Unit
	at    time.Time
	facts map[string]string
}

// baseline is the body of the event; the same units give the same one in whatever order they come.
func baseline(z timeline.InForce, units []shown) *register.Baseline {
	if len(units) == 0 {
		return nil
	}
	slices.SortFunc(units, func(a, b shown) int { return cmp.Compare(a.unit.Key(), b.unit.Key()) })
	b := &register.Baseline{Since: z.Since.UTC()}
	index := map[string]int{}
	sum := sha256.New()
	for _, u := range units {
		text := written(u.facts)
		n, known := index[text]
		if !known {
			n = len(b.Facts)
			index[text], b.Facts = n, append(b.Facts, u.facts)
		}
		b.Units = append(b.Units, register.Showing{Unit: u.unit, At: u.at.UTC(), Facts: n})
		fmt.Fprintf(sum, "%q %s %s\n", u.unit.Key(), u.at.UTC().Format(time.RFC3339Nano), text)
	}
	b.Digest = hex.EncodeToString(sum.Sum(nil))
	return b
}

// written is facts as one text.
func written(facts map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(facts)) {
		fmt.Fprintf(&b, "%q %q ", k, facts[k])
	}
	return b.String()
}
