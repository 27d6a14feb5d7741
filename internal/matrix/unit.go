// Package matrix says how the old and the new platform compare: which units the checks of a plan give, what each must be
// asked, which may not be asked, and what the last answers add up to, pair by pair and counted.
//
// It is pure: phases and deviations are facts of register, dates are resolved by functions handed in, and the instant is an
// argument. The table of pair verdicts belongs to checks; this package finds the two sides, judges their freshness and never
// turns "we could not look" into anything else. Everything here may be used concurrently.
package matrix

import (
	"cmp"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/register"
)

// Scope is what is looked at: some checks of a plan in one environment, at an instant.
type Scope struct {
	Plan        *plan.Plan
	Environment string
	Checks      []string        // ids; unknown ones give no units
	Facts       *register.Facts // phases and accepted deviations; nil = none
	Now         time.Time
	// Moment resolves a name under valid_at; ok is false while it has no date. nil = nothing has a date.
	Moment func(expr string) (time.Time, bool)
	// Within reports whether now lies between two dates of the plan; nil = always. Consents are bounded by it.
	Within func(from, until plan.When) bool
	// LastOK is when each unit was last let in, for entries that are deleted for want of use; nil = not known.
	LastOK map[checks.Unit]time.Time
	// AuthWait is how long no schedule repeats a login that was refused; 0 = not at all.
	AuthWait time.Duration
}

// LocalVantage is the vantage that always exists: the host skift runs on.
const LocalVantage = "local"

// NoSource stands for the vantage of a flow that names no source address: it can only be filled by an import.
const NoSource = "no-source"

// Unit is one unit of work with everything the plan says about it.
type Unit struct {
	checks.Unit
	Spec       *checks.Spec
	ServerName string
	From       *plan.Vantage // nil = no vantage has the flow's source address: not asked from here, unverified until imported
	For        *plan.Flow    // nil unless the check has for_each
	Phase      checks.Phase  // of the service for the flow's party
	Want       checks.Want   // of this side in this phase
	Undated    []string      // names under valid_at that have no date: the certificate cannot be asked about them yet
	Missing    []checks.Consent
	Owner      string // the party that answers for what is asked: the platform's, or the service's own; "" = the plan names none

	ask      checks.Ask
	pair     string // what both sides' units have alike
	external bool   // the service lies on neither platform
}

// Party is whose flow it is; "" when the check is asked for nobody in particular.
func (u Unit) Party() string {
	if u.For == nil {
		return ""
	}
	return u.For.Party
}

// Ask is the question as it is to be asked. Whether it may be is Asks' answer.
func (u Unit) Ask() checks.Ask { return u.ask }

// Units lists every unit of the scope: check × side × address × vantage × flow, in the order of Checks, flows, sides and addresses.
// A side on which the service has no address gives none, and nor does an outbound flow: the service's address is not its target.
func (s Scope) Units() []Unit {
	var out []Unit
	o := origins{scope: &s, services: map[string][]checks.Origin{}}
	for _, id := range s.Checks {
		spec := s.Plan.Checks[id]
		if spec == nil || s.Plan.Services[spec.Service] == nil {
			continue
		}
		if spec.ForEach == "" {
			out = append(out, s.unitsOf(spec, nil, &o)...)
			continue
		}
		for _, f := range s.Plan.Flows {
			if f.Service == spec.Service && f.Direction != plan.Outbound {
				out = append(out, s.unitsOf(spec, f, &o)...)
			}
		}
	}
	return out
}

// unitsOf are the units of a check for one flow (nil = none).
func (s Scope) unitsOf(spec *checks.Spec, f *plan.Flow, o *origins) []Unit {
	service := s.Plan.Services[spec.Service]
	var out []Unit
	for _, side := range checks.Sides() {
		from, name := s.vantage(spec, f, side)
		end := service.In[s.Environment][side]
		serverName := service.ServerName
		if end.ServerName != "" {
			serverName = end.ServerName
		}
		for _, addr := range addrs(spec, side, end) {
			u := Unit{Spec: spec, ServerName: serverName, From: from, For: f}
			u.Unit = checks.Unit{Check: spec.ID, Side: side, Addr: addr, Vantage: name}
			if f != nil {
				u.Flow = f.ID
			}
			u.Phase = s.phase(spec.Service, u.Party())
			u.Want = spec.Expect.Of(side, u.Phase)
			u.Owner, u.external = s.Plan.Owner(spec.Service, side), service.Party != ""
			u.Missing = s.missing(spec, side, u.Owner)
			u.pair = s.pairKey(u)
			s.resolve(&u, o)
			out = append(out, u)
		}
	}
	return out
}

// addrs are the addresses a check asks on a side; the empty one stands for a check that asks none there but looks at files.
func addrs(spec *checks.Spec, side checks.Side, end plan.Endpoint) []string {
	sides, placeless := spec.Placeless()
	switch {
	case !placeless:
		return end.Addrs
	case slices.Contains(sides, side):
		return []string{""}
	}
	return nil
}

// vantage finds from where a side is asked for a flow: the check's own vantage, else for a flow the one with its source address.
// A check of files looks where skift runs. Where there is no vantage the source address itself serves as the name, so that a measurement
// brought from there finds its unit.
func (s Scope) vantage(spec *checks.Spec, f *plan.Flow, side checks.Side) (*plan.Vantage, string) {
	_, placeless := spec.Placeless()
	if id := spec.Vantage[side]; id != "" || f == nil || placeless {
		if id == "" {
			id = LocalVantage
		}
		if v := s.Plan.Vantages[id]; v != nil || id != LocalVantage {
			return v, id
		}
		return &plan.Vantage{ID: LocalVantage}, LocalVantage
	}
	if v := s.at(f); v != nil {
		return v, v.ID
	}
	if f.From() == "" {
		return nil, NoSource
	}
	return nil, f.From()
}

// pairKey is what the units of both sides have alike, also when each side is asked from a place of its own.
func (s Scope) pairKey(u Unit) string {
	u.Unit.Vantage = s.places(u)
	return u.PairKey()
}

// places names from where a pair is asked: one vantage, or the old side's and the new side's.
func (s Scope) places(u Unit) string {
	v := u.Spec.Vantage
	if v[checks.Old] == v[checks.New] {
		return u.Vantage
	}
	name := func(side checks.Side) string { return cmp.Or(v[side], LocalVantage) }
	return name(checks.Old) + " / " + name(checks.New)
}

// at is the vantage that others see under a flow's source address; nil = there is none.
func (s Scope) at(f *plan.Flow) *plan.Vantage {
	for _, id := range s.Plan.VantageIDs {
		if v := s.Plan.Vantages[id]; f.ComesFrom(v.SeenAs()) {
			return v
		}
	}
	return nil
}

func (s Scope) phase(service, party string) checks.Phase {
	if s.Facts == nil {
		return checks.Before
	}
	return s.Facts.Phase(s.Environment, service, party)
}

// missing lists the levels of consent that the party which is asked has not given, or not for now.
func (s Scope) missing(spec *checks.Spec, side checks.Side, party string) []checks.Consent {
	var out []checks.Consent
	for _, level := range spec.Consents(side) {
		if !s.consents(party, level) {
			out = append(out, level)
		}
	}
	return out
}

func (s Scope) consents(party string, level checks.Consent) bool {
	p := s.Plan.Parties[party]
	if p == nil || p.Consent == nil || !slices.Contains(p.Consent.Levels, string(level)) {
		return false
	}
	return s.Within == nil || s.Within(p.Consent.From, p.Consent.Until)
}

// resolve makes the unit's question.
func (s Scope) resolve(u *Unit, o *origins) {
	u.ask = checks.Ask{Unit: u.Unit, Spec: u.Spec, ServerName: u.ServerName, Want: u.Want, Phase: u.Phase, At: s.Now}
	if u.Spec.Sourced() && u.Want != checks.Deny {
		u.ask.Others = o.of(u.Spec.Service)
	}
	if u.Spec.Sourced() && u.From != nil && u.From.Reflector.IsValid() {
		u.ask.Egress, u.ask.Reflector = u.From.SeenAs(), u.From.Reflector
	}
	switch {
	case u.From != nil:
		u.ask.Source, u.ask.Control = u.From.Source, slices.Clone(u.From.Control)
	case u.For != nil:
		u.ask.Source = u.For.Source
	}
	if u.For != nil {
		for _, c := range u.Spec.Columns() {
			if u.ask.Flow == nil {
				u.ask.Flow = map[string]string{}
			}
			u.ask.Flow[c] = u.For.Columns[c]
		}
	}
	if u.Spec.PerEnvironment() {
		u.ask.In = s.Environment
	}
	for _, name := range u.Spec.Moments() {
		if s.Moment != nil {
			if at, ok := s.Moment(name); ok {
				u.ask.ValidAt = append(u.ask.ValidAt, checks.Moment{Name: name, At: at})
				continue
			}
		}
		u.Undated = append(u.Undated, name)
	}
	for _, file := range u.Spec.Bundles() {
		if u.ask.Trust == nil {
			u.ask.Trust = map[string][]byte{}
		}
		u.ask.Trust[file] = s.Plan.Trust[file]
	}
}

// Facts that say why a unit was not asked.
const (
	FactConsent    = "consent"
	ConsentMissing = "missing"
	FactLevel      = "consent_level" // which level is missing
)

// Asks splits the units into what is to be asked now and what is not asked for want of consent or during a pause; the latter come as results
// to be stored like any other: unverified, code skipped. Units without a vantage are in neither: what was imported for them stands.
func (s Scope) Asks() (asks []checks.Ask, skipped []checks.Result) {
	for _, u := range s.Units() {
		switch {
		case u.From == nil:
		case s.paused(u) != "":
			skipped = append(skipped, Paused(u.ask, s.paused(u)))
		case len(u.Missing) > 0:
			skipped = append(skipped, u.skip(s.Now))
		default:
			asks = append(asks, u.ask)
		}
	}
	return asks, skipped
}

// skip is the result of a unit whose target has not agreed to be asked.
func (u Unit) skip(now time.Time) checks.Result {
	return checks.Result{
		Unit: u.Unit, Outcome: checks.Unverified, Verdict: checks.Unverified, Code: checks.Skipped, Want: u.Want,
		Facts:     map[string]string{FactConsent: ConsentMissing, FactLevel: string(u.Missing[0])},
		StartedAt: now, ValidUntil: now.Add(MaxAge(u.Spec)), ConfigHash: u.ask.Hash(),
	}
}

// MaxAge is how long an answer to a check holds.
func MaxAge(spec *checks.Spec) time.Duration {
	if spec.MaxAge > 0 {
		return spec.MaxAge
	}
	return checks.DefaultMaxAge
}
