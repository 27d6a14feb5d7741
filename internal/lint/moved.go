package lint

import (
	"slices"
	"time"

	"skift/checks"
	"skift/internal/diag"
	"skift/internal/gate"
	"skift/internal/plan"
	"skift/internal/timeline"
)

// Hindrance is something that other dates make impossible. Whoever wants them all the same has to say so.
type Hindrance struct {
	Code    string    `json:"code"`              // past, holiday, half-day, clock-change, exit-too-early, certificate, consent, rehearsal, zone-ends
	Subject string    `json:"subject"`           // what cannot be: a milestone, check, party, gate or zone
	Other   string    `json:"other,omitempty"`   // what it is about: a gate, milestone, moment, side or holiday
	At      time.Time `json:"at,omitzero"`       // when that is
	By      time.Time `json:"by,omitzero"`       // and when it would have to be
	Where   string    `json:"where,omitempty"`   // the address of a certificate
	Service string    `json:"service,omitempty"` // whose it is
}

// same reports whether a hindrance is the same, whatever its dates.
func (h Hindrance) same(o Hindrance) bool {
	return h.Code == o.Code && h.Subject == o.Subject && h.Other == o.Other && h.Where == o.Where && h.Service == o.Service
}

// Moved is what a revision of a plan brings that the one before did not have.
type Moved struct {
	Hindrances []Hindrance
	Cautions   []Hindrance    // what one should know, and what no rule of the plan forbids: weekday
	Problems   []diag.Problem // errors and warnings as validate tells them
}

// Compare looks at a plan whose dates were changed. Both must have been read without errors.
func Compare(before, after *plan.Plan, known Known) Moved {
	was, is := newMoving(before, known), newMoving(after, known)
	var out Moved
	dated := is.dated(was)
	for _, id := range dated {
		out.Hindrances = append(out.Hindrances, is.past(was, id)...)
		out.Cautions = append(out.Cautions, Weekday(is.p, is.t, id, was.begins(id))...)
	}
	old := was.all(dated)
	for _, h := range is.all(dated) {
		if !slices.ContainsFunc(old, h.same) {
			out.Hindrances = append(out.Hindrances, h)
		}
	}
	var then, now diag.List
	Check(before, known, &then)
	Check(after, known, &now)
	for _, p := range now.Sorted() {
		if !slices.ContainsFunc(then.Sorted(), func(o diag.Problem) bool {
			return o.Code == p.Code && o.Path == p.Path && o.Message == p.Message
		}) {
			out.Problems = append(out.Problems, p)
		}
	}
	return out
}

// moving looks at one of two revisions.
type moving struct {
	p     *plan.Plan
	t     *timeline.Timeline
	known Known
}

func newMoving(p *plan.Plan, known Known) *moving {
	return &moving{p, timeline.At(p, known.Facts, known.Now), known}
}

// dated lists the milestones that have other dates than before, or were not there.
func (m *moving) dated(before *moving) (ids []string) {
	shifts := m.t.Shifts(before.t)
	for _, id := range m.p.MilestoneIDs {
		if before.p.Milestones[id] == nil || slices.ContainsFunc(shifts, func(s timeline.Shift) bool { return s.Kind == timeline.OfMilestone && s.ID == id }) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (m *moving) all(dated []string) []Hindrance {
	out := append(m.exits(), m.certificates()...)
	out = append(out, m.rehearsals()...)
	for _, id := range m.p.MilestoneIDs {
		if m.p.Milestones[id].Kind != plan.Window || !slices.Contains(dated, id) {
			continue
		}
		for _, o := range m.t.Objections(id) {
			out = append(out, Hindrance{Code: string(o.Objection), Subject: id, Other: o.Name, At: o.Day})
		}
		out = append(out, m.consents(id)...)
		out = append(out, m.zones(id)...)
	}
	return out
}

// begins is when a milestone begins; zero = nobody knows, or it is not there.
func (m *moving) begins(id string) time.Time {
	if ms := m.t.Milestone(id); ms != nil {
		return ms.Start.At
	}
	return time.Time{}
}

// past tells of a beginning that would lie in the past although nothing has begun.
func (m *moving) past(before *moving, id string) []Hindrance {
	ms, was := m.t.Milestone(id), before.t.Milestone(id)
	begins := ms.Start
	if was != nil && was.Start.At.Equal(begins.At) && was.Start.Latest.Equal(begins.Latest) {
		return nil // only its end is another
	}
	if !ms.PassedAt.IsZero() || !ms.StartedAt.IsZero() || begins.At.IsZero() || begins.Certainty == timeline.Event || !begins.Latest.Before(m.known.Now) {
		return nil
	}
	return []Hindrance{{Code: "past", Subject: id, At: begins.At, By: m.known.Now}}
}

// Weekday tells of a window that begins on another weekday than it did, and than it was made for: rosters, intake and banks keep to the week.
// was is its beginning in the revision before; zero = it was not there.
func Weekday(p *plan.Plan, t *timeline.Timeline, id string, was time.Time) []Hindrance {
	w := t.Milestone(id)
	if w == nil || p.Milestones[id].Kind != plan.Window {
		return nil
	}
	first, is := w.OriginalStart.At, w.Start.At
	if first.Equal(is) {
		first = was // its first date is not kept
	}
	same := func(a time.Time) bool { return a.In(p.Zone).Weekday() == is.In(p.Zone).Weekday() }
	if is.IsZero() || first.IsZero() || same(first) || !was.IsZero() && same(was) {
		return nil
	}
	return []Hindrance{{Code: "weekday", Subject: id, At: is}}
}

// exits tells of milestones that are over before the gate which passes them can be asked.
func (m *moving) exits() (out []Hindrance) {
	for _, ms := range m.t.Milestones {
		g := m.p.Gates[ms.Exit]
		if g == nil || !ms.PassedAt.IsZero() || ms.End.Certainty == timeline.Event || ms.End.Latest.IsZero() {
			continue
		}
		if first := m.t.AskedFrom(g); first.After(ms.End.Latest) {
			out = append(out, Hindrance{Code: "exit-too-early", Subject: ms.ID, Other: g.ID, At: ms.End.Latest, By: first})
		}
	}
	return out
}

// certificates tells of those that were seen and end before a moment at which they must be valid.
func (m *moving) certificates() (out []Hindrance) {
	for _, i := range m.known.Latest {
		spec := m.p.Checks[i.Unit.Check]
		end, _ := presented(i.Facts)
		if spec == nil || end.IsZero() {
			continue
		}
		for _, moment := range spec.Moments() {
			at, ok := m.t.Moment(moment)
			if !ok || !end.Before(at) {
				continue
			}
			out = append(out, Hindrance{Code: "certificate", Subject: spec.ID, Other: moment, At: end, By: at, Where: i.Unit.Addr, Service: spec.Service + "@" + string(i.Unit.Side)})
			break // the first it does not reach; the later ones neither
		}
	}
	return out
}

// rehearsals tells of those that will be too old when the gate that asks for them is decided.
func (m *moving) rehearsals() (out []Hindrance) {
	for _, id := range m.p.GateIDs {
		g := m.p.Gates[id]
		by, dated := m.t.DecideBy(g.DecideBy)
		for _, c := range g.Criteria {
			if c.Kind != plan.RehearsalCriterion || c.Within == 0 || !dated || m.known.Runs == nil {
				continue
			}
			if r := gate.Proof(m.known.Runs, c); r != nil && by.Sub(r.EndedAt) > c.Within {
				out = append(out, Hindrance{Code: "rehearsal", Subject: id, Other: r.ID, At: r.EndedAt, By: by.Add(-c.Within)})
			}
		}
	}
	return out
}

// consents tells of parties whose consent does not last through a window.
func (m *moving) consents(window string) (out []Hindrance) {
	w := m.t.Milestone(window)
	for _, side := range checks.Sides() {
		platform := m.p.Platforms[side]
		if platform == nil {
			continue
		}
		party := m.p.Parties[platform.Party]
		if party == nil || party.Consent == nil {
			continue
		}
		if until, ok := m.t.DecideBy(party.Consent.Until); ok && until.Before(w.End.Latest) {
			out = append(out, Hindrance{Code: "consent", Subject: party.ID, Other: window, At: until, By: w.End.Latest})
		}
		if from, ok := m.t.OpensAt(party.Consent.From); ok && from.After(w.Start.Earliest) {
			out = append(out, Hindrance{Code: "consent-begins", Subject: party.ID, Other: window, At: from, By: w.Start.Earliest})
		}
	}
	return out
}

// zones tells of frozen zones that would be over while a window lasts, and would protect it no more.
func (m *moving) zones(window string) (out []Hindrance) {
	w := m.t.Milestone(window)
	for _, z := range m.t.Milestones {
		if z.Kind != plan.Zone || z.End.Certainty == timeline.Event || z.End.Latest.IsZero() || z.Start.At.After(w.Start.At) {
			continue
		}
		if z.End.Latest.Before(w.End.Latest) {
			out = append(out, Hindrance{Code: "zone-ends", Subject: z.ID, Other: window, At: z.End.Latest, By: w.End.Latest})
		}
	}
	return out
}
