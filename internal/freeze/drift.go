package freeze

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
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
	Event    int64                `json:"event"` // that says so
	AskedAt  time.Time            `json:"asked_at"`
	Unit     checks.Unit          `json:"unit"`
	Service  string               `json:"service"`
	Owner    string               `json:"owner"`              // the party
	Seat     string               `json:"seat,omitempty"`     // of the owner, who is asked; missing where it has none
	Baseline time.Time            `json:"baseline"`           // of when the facts before are
	Since    time.Time            `json:"since"`              // when the difference was first seen
	By       time.Time            `json:"answer_by,omitzero"` // until when it is to be answered; missing where nobody is asked
	Before   map[string]string    `json:"before"`             // facts that differ
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

// Drifts lists the differences that were found in the zones in force at now, and of zones that are over those that nobody has answered;
// oldest first. latest is what units answered last, each unit's in order of time.
func Drifts(p *plan.Plan, f *register.Facts, latest []register.Interval, now time.Time) []Drift {
	asked := f.Asked()
	if len(asked) == 0 {
		return nil
	}
	inForce := map[string]bool{}
	for _, z := range timeline.At(p, f, now).Zones(now) {
		inForce[z.ID] = true
	}
	shows := map[checks.Unit]map[string]string{}
	for _, a := range asked {
		shows[a.Unit] = nil
	}
	for _, i := range latest {
		if _, wanted := shows[i.Unit]; !wanted {
			continue
		}
		if facts := kept(i.Facts); len(facts) > 0 {
			shows[i.Unit] = facts
		}
	}
	var out []Drift
	for _, a := range asked {
		d := Drift{ID: a.ID, Zone: a.Zone, Event: a.Seq, AskedAt: a.At.UTC(), Unit: a.Unit, Service: a.Service, Owner: a.Owner, Seat: a.Seat,
			Baseline: a.Baseline.UTC(), Since: a.Since.UTC(), By: a.By, Before: a.Before, After: a.After, Waiver: a.Exception,
			Back: isBack(a.Before, shows[a.Unit]), Answer: f.Drift(a.ID)}
		if d.Open() || inForce[a.Zone] {
			out = append(out, d)
		}
	}
	return out
}

// isBack reports whether a unit shows again what it showed before a difference.
func isBack(before, shows map[string]string) bool {
	seen := false
	for k, v := range before {
		now, ok := shows[k]
		if ok && now != v {
			return false
		}
		seen = seen || ok
	}
	return seen
}

// Entry is an event that what was observed asks for. Subject of the event is the zone.
type Entry struct {
	Kind, Zone string
	Body       any
}

// Observed compares what was just answered in production with the baselines of the zones in force, and gives the events to keep: a baseline of units that
// were not seen before, and every difference that is not known yet. What could not be observed, or shows fewer facts, is no difference.
func Observed(p *plan.Plan, f *register.Facts, results []checks.Result, now time.Time) (out []Entry) {
	for _, z := range timeline.At(p, f, now).Zones(now) {
		w := watch{plan: p, facts: f, zone: z, now: now, known: f.Zones[z.ID], news: map[checks.Unit][]*register.AskedFacts{}, fresh: map[checks.Unit]bool{}}
		if w.known == nil || !w.known.Since.Equal(z.Since) {
			w.known = &register.ZoneFacts{Asked: asked(f, z.ID)}
		}
		for _, r := range results {
			w.one(r)
		}
		if b := baseline(z, w.base); b != nil {
			out = append(out, Entry{register.ZoneBaseline, z.ID, *b})
		}
		out = append(out, w.out...)
	}
	return out
}

// asked are the differences that were found in a zone by its unit.
func asked(f *register.Facts, zone string) map[checks.Unit][]*register.AskedFacts {
	if z := f.Zones[zone]; z != nil {
		return z.Asked
	}
	return nil
}

// watch compares answers with the baseline of one zone.
type watch struct {
	plan  *plan.Plan
	facts *register.Facts
	zone  timeline.InForce
	now   time.Time
	known *register.ZoneFacts

	base  []shown                                // of units that have no baseline yet
	fresh map[checks.Unit]bool                   // these units
	news  map[checks.Unit][]*register.AskedFacts // differences of these answers
	out   []Entry
}

// one compares one answer.
func (w *watch) one(r checks.Result) {
	spec := w.plan.Checks[r.Unit.Check]
	if spec == nil || !protects(w.plan, w.zone, spec, r.Unit) {
		return
	}
	facts := kept(r.Facts)
	if len(facts) == 0 || w.fresh[r.Unit] {
		return // it could not be observed
	}
	held, ok := w.known.Held[r.Unit]
	if !ok {
		w.base = append(w.base, shown{r.Unit, r.StartedAt, facts})
		w.fresh[r.Unit] = true
		return
	}
	if r.StartedAt.Before(held.At) || r.StartedAt.Before(w.zone.Since) {
		return // an answer that comes late tells of a time before
	}
	if later := unseen(held.Facts, facts); len(later) > 0 {
		w.base = append(w.base, shown{r.Unit, r.StartedAt, later})
	}
	before, after := differ(w.compared(held, r.Unit), facts)
	if len(before) == 0 {
		return
	}
	q := register.DriftQuestion{ID: w.name(r.Unit, before, after), Unit: r.Unit, Service: spec.Service, Owner: w.plan.Owner(spec.Service, r.Unit.Side),
		Baseline: held.Of(before).UTC(), Since: r.StartedAt.UTC(), Before: before, After: after}
	if w.stands(q) {
		return
	}
	kind := w.ask(&q)
	w.news[r.Unit] = append(w.news[r.Unit], &register.AskedFacts{DriftQuestion: q})
	w.out = append(w.out, Entry{kind, w.zone.ID, q})
}

// all are the differences of a unit since the zone came into force, oldest first. What was found and answered when it was in force before says nothing
// of what it found this time.
func (w *watch) all(u checks.Unit) []*register.AskedFacts {
	asked := w.known.Asked[u]
	if n := slices.IndexFunc(asked, func(a *register.AskedFacts) bool { return !w.before(a) }); n >= 0 {
		return append(slices.Clip(asked[n:]), w.news[u]...)
	}
	return w.news[u]
}

// before reports whether a difference was found when the zone was in force before this time.
func (w *watch) before(a *register.AskedFacts) bool { return a.Since.Before(w.zone.Since) }

// compared is what a unit is compared with: what the zone found, and what was allowed or said to be expected since.
func (w *watch) compared(held register.Held, u checks.Unit) map[string]string {
	out, own := held.Facts, false
	for _, a := range w.all(u) {
		if !w.expected(a) {
			continue
		}
		if !own {
			out, own = maps.Clone(out), true
		}
		maps.Copy(out, a.After)
	}
	return out
}

func (w *watch) expected(a *register.AskedFacts) bool {
	answer := w.facts.Drift(a.ID)
	return a.Exception != 0 || answer != nil && answer.Word == register.Expected
}

// stands reports whether a difference was asked about already. What a unit shows that is asked about, or is a breach, is not asked again because what
// it is compared with has moved meanwhile.
func (w *watch) stands(q register.DriftQuestion) bool {
	return slices.ContainsFunc(w.all(q.Unit), func(a *register.AskedFacts) bool {
		return a.ID == q.ID || maps.Equal(a.After, q.After) && !w.expected(a)
	})
}

// ask finds who is asked, until when, and the exception that makes asking needless; and the kind of event that is.
func (w *watch) ask(q *register.DriftQuestion) string {
	within := answerWithin
	for _, id := range w.plan.SeatIDs {
		if s := w.plan.Seats[id]; s.Party == q.Owner {
			if q.Seat = id; s.AnswerWithin > 0 {
				within = s.AnswerWithin
			}
			break
		}
	}
	class := plan.Certificate
	for fact := range q.After {
		if c := classOf(fact); c != plan.Certificate {
			class = c
		}
	}
	change := Question{Class: class, Side: q.Unit.Side, Service: q.Service, Party: q.Owner, At: q.Since}
	if x := waiver(w.facts.Waivers, w.zone, change); x != nil {
		q.Exception = x.Seq
		return register.DriftExcepted
	}
	q.By = w.now.Add(within).UTC() // who is asked late has as long
	return register.DriftAsked
}

// unseen are facts that were not seen when the baseline was taken, such as the answer of a name server that could not be asked.
func unseen(held, facts map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range facts {
		if _, known := held[k]; !known {
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

// name names a difference. One that was found when the zone was in force before, too, is another question: its name says since when.
func (w *watch) name(u checks.Unit, before, after map[string]string) string {
	id := name(w.zone.ID, u, before, after)
	if slices.ContainsFunc(w.known.Asked[u], func(a *register.AskedFacts) bool { return a.ID == id && w.before(a) }) {
		return name(w.zone.ID+" "+w.zone.Since.UTC().Format(time.RFC3339Nano), u, before, after)
	}
	return id
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
