package freeze

import (
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
	"skift/internal/timeline"
)

// Drift is a difference between what a unit showed when a zone began and what it shows since: a question to its owner.
type Drift struct {
	ID       string               `json:"id"` // names this difference: the same one is not asked twice, a further one is another question
	Zone     string               `json:"zone"`
	Unit     checks.Unit          `json:"unit"`
	Service  string               `json:"service"`
	Owner    string               `json:"owner"`          // the party
	Seat     string               `json:"seat,omitempty"` // of the owner, who is asked; missing where it has none
	Baseline time.Time            `json:"baseline"`       // of when the facts before are
	Since    time.Time            `json:"since"`          // when the difference was first seen
	By       time.Time            `json:"answer_by"`      // until when it is to be answered
	Before   map[string]string    `json:"before"`         // facts that differ
	After    map[string]string    `json:"after"`
	Back     bool                 `json:"back,omitempty"`      // by now it shows again what it showed before; that answers nothing
	Waiver   int64                `json:"exception,omitempty"` // event of the exception that lets it through: then nobody is asked
	Answer   *register.DriftFacts `json:"answer,omitempty"`
}

// Open reports whether somebody is still asked.
func (d Drift) Open() bool { return d.Answer == nil && d.Waiver == 0 }

// Overdue reports whether it should have been answered by now.
func (d Drift) Overdue(now time.Time) bool { return d.Open() && !now.Before(d.By) }

// answerWithin is how long an owner has whose seat does not say.
const answerWithin = 24 * time.Hour

// Before is how long before a zone began an answer may lie to be what the zone found.
const Before = 31 * 24 * time.Hour

// lasting are the facts that change only because somebody changed something, by the class of that change: certificates, host keys,
// algorithms, versions.
var lasting = map[string]plan.Class{
	"leaf_sha256": plan.Certificate, "spki_sha256": plan.Certificate, "serial": plan.Certificate, "subject": plan.Certificate, "sans": plan.Certificate,
	"issuer": plan.Certificate, "not_before": plan.Certificate, "not_after": plan.Certificate, "key": plan.Certificate, "sigalg": plan.Certificate,
	"version": plan.Fix, "suite": plan.Fix, "alpn": plan.Fix, "client_cert": plan.Fix,
	"host_key": plan.Fix, "host_key_type": plan.Fix, "ssh_version": plan.Fix, "kex": plan.Fix, "cipher": plan.Fix, "mac": plan.Fix, "peer_offers": plan.Fix, "auth_offered": plan.Fix,
}

// classOf is the class of a fact's change; "" = it is not one that lasts.
func classOf(fact string) plan.Class {
	if strings.HasPrefix(fact, "host_key ") {
		return plan.Fix
	}
	return lasting[fact]
}

// Drifts lists the differences in the zones in force at now, oldest first. intervals are each unit's in order of time, from Before the
// earliest of these zones on. What could not be observed, or shows fewer facts, is no difference.
func Drifts(p *plan.Plan, f *register.Facts, intervals []register.Interval, now time.Time) []Drift {
	var out []Drift
	zones := timeline.At(p, f, now).Zones(now)
	for i := 0; i < len(intervals); {
		n := i
		for n < len(intervals) && intervals[n].Unit == intervals[i].Unit {
			n++
		}
		for _, z := range zones {
			if spec := p.Checks[intervals[i].Unit.Check]; spec != nil && protects(p, z, spec, intervals[i].Unit) {
				out = append(out, drifts(p, f, z, spec, intervals[i:n])...)
			}
		}
		i = n
	}
	slices.SortStableFunc(out, func(a, b Drift) int { return a.Since.Compare(b.Since) })
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

// drifts are the differences of one unit in one zone.
func drifts(p *plan.Plan, f *register.Facts, z timeline.InForce, spec *checks.Spec, seen []register.Interval) (out []Drift) {
	var held map[string]string // what is compared with: what the zone found, and what was said to be expected since
	var baseline time.Time
	for _, i := range seen {
		facts := kept(i.Facts)
		if len(facts) == 0 {
			continue // it could not be observed
		}
		if held == nil || !i.Since.After(z.Since) { // the last answer before the zone, else the first in it
			held, baseline = facts, i.Since
			if i.Until.After(z.Since) && i.Since.Before(z.Since) {
				baseline = z.Since
			}
			continue
		}
		before, after := differ(held, facts)
		if len(before) == 0 {
			for n := range out {
				out[n].Back = true
			}
			continue
		}
		d := Drift{ID: name(z.ID, i.Unit, before, after), Zone: z.ID, Unit: i.Unit, Service: spec.Service, Owner: p.Owner(spec.Service, i.Unit.Side),
			Baseline: baseline.UTC(), Since: i.Since.UTC(), Before: before, After: after}
		d.ask(p, f, z)
		n := slices.IndexFunc(out, func(o Drift) bool { return o.ID == d.ID })
		if n < 0 {
			out = append(out, d)
		} else {
			out[n].Back = false
		}
		if d.Waiver != 0 || d.Answer != nil && d.Answer.Word == register.Expected {
			held = maps.Clone(held)
			maps.Copy(held, after)
		}
	}
	return out
}

// ask finds who is asked, until when, what was answered, and the exception that makes asking needless.
func (d *Drift) ask(p *plan.Plan, f *register.Facts, z timeline.InForce) {
	within := answerWithin
	for _, id := range p.SeatIDs {
		if s := p.Seats[id]; s.Party == d.Owner {
			if d.Seat = id; s.AnswerWithin > 0 {
				within = s.AnswerWithin
			}
			break
		}
	}
	d.By, d.Answer = d.Since.Add(within), f.Drift(d.ID)
	class := plan.Certificate
	for fact := range d.After {
		if c := classOf(fact); c != plan.Certificate {
			class = c
		}
	}
	if w := waiver(f.Waivers, z, Question{Class: class, Side: d.Unit.Side, Service: d.Service, Party: d.Owner, At: d.Since}); w != nil {
		d.Waiver = w.Seq
	}
}

// kept are the facts that last.
func kept(facts map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range facts {
		if classOf(k) != "" && v != "" {
			out[k] = v
		}
	}
	return out
}

// differ are the facts both have and not alike.
func differ(a, b map[string]string) (before, after map[string]string) {
	before, after = map[string]string{}, map[string]string{}
	for k, v := range a {
		if w, ok := b[k]; ok && w != v {
			before[k], after[k] = v, w
		}
	}
	return before, after
}

// name is short enough to be said by telephone.
func name(zone string, u checks.Unit, before, after map[string]string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", zone, u.Key())
	for _, k := range slices.Sorted(maps.Keys(after)) {
		fmt.Fprintf(h, "%q %q %q\n", k, before[k], after[k])
	}
	return hex.EncodeToString(h.Sum(nil))[:8]
}
