package snapshot

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/matrix"
	"skift/internal/plan"
)

// Explanation is everything known of one comparison: what was expected and why, what every address answered, and whose it is.
type Explanation struct {
	Pair
	Environment string        `json:"environment"`
	Kind        checks.Kind   `json:"kind"`
	MaxAge      time.Duration `json:"max_age"`  // ns; how long an answer holds
	Answers     []Answer      `json:"answers"`  // every address of both sides, what the verdict rests on first
	AskedBy     []AskedBy     `json:"asked_by"` // what rests on it
	Zones       []Zone        `json:"zones"`    // in force now: what may be changed meanwhile
}

// Answer is what one address last answered, in full.
type Answer struct {
	matrix.SideWhy
	ServerName string        `json:"server_name,omitempty"`
	Source     string        `json:"source_ip,omitempty"`  // bound before connecting
	Stated     bool          `json:"stated,omitempty"`     // the check itself says what is wanted; else the phase does
	Since      time.Time     `json:"since,omitzero"`       // the last change
	Count      int64         `json:"count"`                // answers since then
	LocalAddr  string        `json:"local_addr,omitempty"` // what we spoke from, before any NAT
	Timings    []PhaseTiming `json:"timings"`              // in the order of the phases
	Current    bool          `json:"current"`              // it answers the question that is asked now
	ConfigHash string        `json:"config_hash,omitempty"`
	Checker    string        `json:"checker_version,omitempty"`
	Seat       string        `json:"seat,omitempty"`   // of the party who must act
	Person     string        `json:"person,omitempty"` // on shift there now
}

// PhaseTiming is how long a phase took since the last change.
type PhaseTiming struct {
	Phase string        `json:"phase"` // connect tls kex auth first_byte op
	Count int64         `json:"count"`
	Min   time.Duration `json:"min"` // ns
	Mean  time.Duration `json:"mean"`
	Max   time.Duration `json:"max"`
}

// AskedBy is a gate's criterion that a check belongs to.
type AskedBy struct {
	Gate     string        `json:"gate"`
	Suite    string        `json:"suite"`
	Demand   string        `json:"demand"`            // of checks like this one: "all", "98%"
	MaxAge   time.Duration `json:"max_age,omitempty"` // ns; 0 = the check's own
	DecideBy time.Time     `json:"decide_by,omitzero"`
}

// Which chooses comparisons. The zero value chooses all of the production environment.
type Which struct {
	Environment string
	Checks      []string
	Side        checks.Side // only this side's answers; "" = both
	Flow        string
}

// Explain tells everything about the comparisons chosen, worst first. It is for the customer: another viewer gets nothing.
func Explain(in In, w Which) []Explanation {
	b := newBuilder(in)
	env := cmp.Or(w.Environment, b.Plan.Production())
	m := b.matrices[env]
	out := []Explanation{}
	if b.Viewer != "" {
		return out
	}
	for _, p := range m.Pairs {
		if !slices.Contains(w.Checks, p.Check) || w.Flow != "" && p.Flow != w.Flow {
			continue
		}
		e := Explanation{Pair: pair(m, p), Environment: env, Kind: p.Spec.Kind, MaxAge: maxAge(p.Spec), Answers: []Answer{},
			AskedBy: b.askedBy(p.Spec), Zones: b.inForce()}
		for _, a := range m.Answers(p) {
			if w.Side == "" || a.Answer.Side == w.Side {
				e.Answers = append(e.Answers, b.fullAnswer(a))
			}
		}
		if len(e.Answers) > 0 {
			out = append(out, e)
		}
	}
	return out
}

func maxAge(spec *checks.Spec) time.Duration { return cmp.Or(spec.MaxAge, checks.DefaultMaxAge) }

func (b *builder) fullAnswer(w matrix.AnswerWhy) Answer {
	a := w.Answer
	out := Answer{SideWhy: w.Why, ServerName: a.ServerName, Stated: w.Stated, Timings: []PhaseTiming{}, Current: a.Current()}
	if src := a.Asked().Source; src.IsValid() {
		out.Source = src.String()
	}
	if l := a.Last; l != nil {
		out.Since, out.Count, out.LocalAddr, out.ConfigHash, out.Checker = l.Since, l.Count, l.LocalAddr, l.ConfigHash, l.CheckerVersion
		for phase, t := range l.Timings {
			out.Timings = append(out.Timings, PhaseTiming{phase, t.Count, t.Min, t.Mean(), t.Max})
		}
		slices.SortFunc(out.Timings, func(x, y PhaseTiming) int { return ComparePhases(x.Phase, y.Phase) })
	}
	out.Seat, out.Person = b.onDuty(out.Owner)
	if out.Person == "" && a.For != nil && out.Owner == a.For.Party {
		out.Person = a.For.Contact
	}
	return out
}

// phases are those of a measurement, in their order.
var phases = []string{"connect", "tls", "kex", "auth", "first_byte", "op"}

// ComparePhases orders the phases of a measurement as they happen; those not known here come last.
func ComparePhases(a, b string) int {
	place := func(p string) int {
		if i := slices.Index(phases, p); i >= 0 {
			return i
		}
		return len(phases)
	}
	return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
}

// onDuty is a party's seat with somebody on shift, else its first one.
func (b *builder) onDuty(party string) (seat, person string) {
	m, ok := b.Plan.Member(party)
	for _, id := range b.Plan.SeatIDs {
		of := plan.SeatParty(id)
		if party == "" || of != party && (!ok || of != m.Group) {
			continue
		}
		if seat == "" {
			seat = id
		}
		if who := b.person(id); who != "" {
			return id, who
		}
	}
	return seat, ""
}

// askedBy lists the criteria of gates that a check belongs to, in the plan's order.
func (b *builder) askedBy(spec *checks.Spec) []AskedBy {
	out := []AskedBy{}
	for _, id := range b.Plan.GateIDs {
		g := b.Plan.Gates[id]
		for _, c := range g.Criteria {
			suite := b.Plan.Suites[c.Suite]
			if c.Kind != plan.SuiteCriterion || suite == nil || !slices.Contains(suite.Checks, spec.ID) {
				continue
			}
			a := AskedBy{Gate: id, Suite: c.Suite, Demand: cmp.Or(c.Others, "0%"), MaxAge: c.MaxAge}
			if spec.Critical {
				a.Demand = cmp.Or(c.Critical, "all")
			}
			_, a.DecideBy = b.tl.Gate(b.Runs, g)
			out = append(out, a)
		}
	}
	return out
}

func (b *builder) inForce() []Zone {
	return slices.DeleteFunc(b.zones(), func(z Zone) bool { return !z.InForce })
}

// SplitSide reads "CHECK@side": the check, and its side if one is named.
func SplitSide(word string) (check string, side checks.Side, ok bool) {
	check, after, found := strings.Cut(word, "@")
	side = checks.Side(after)
	return check, side, !found || side == checks.Old || side == checks.New
}
