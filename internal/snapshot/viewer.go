package snapshot

import (
	"maps"
	"slices"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/matrix"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/yamldoc"
)

// reduce leaves in the snapshot only what the viewer may see: its own flows, steps and answers, and the plan's dates.
// Everything else is dropped here and nowhere else, so that a new field of a kept part has to be thought about here.
func (b *builder) reduce(s *Snapshot) {
	s.Viewer = b.Viewer
	s.Flows = keep(s.Flows, func(f Flow) bool { return b.owns(f.Party) })
	s.Log = keep(s.Log, func(e Entry) bool { return b.ownSeat(e.Actor.Seat) })
	s.Latest = keep(s.Latest, func(e Event) bool { return b.ownSeat(e.Actor.Seat) })
	s.Needed = keep(s.Needed, func(n Needed) bool { return b.ownSeat(n.Seat) })
	s.Duty = keep(s.Duty, func(d Duty) bool { return b.ownSeat(d.Seat) })
	s.Phases = keep(s.Phases, func(p Phase) bool { return p.Party == "" || b.owns(p.Party) })
	s.Deviations = keep(s.Deviations, b.ownDeviation)
	for i := range s.Deviations {
		s.Deviations[i].Deviation = *b.reduceDeviation(&s.Deviations[i].Deviation)
	}
	s.Outbox, s.Suites, s.Told, s.Ahead, s.Overall = Outbox{}, []Suite{}, nil, nil, nil // the milestones tell the dates
	b.reduceIncidents(s)
	b.reduceDrifts(s)
	b.reduceChecks(s)
	for i := range s.Runs {
		b.reduceRun(&s.Runs[i])
	}
	for i := range s.Gates {
		b.reduceGate(&s.Gates[i])
	}
	for i, d := range s.Decisions {
		s.Decisions[i].Decision = b.reduceDecision(d.Decision)
	}
	s.Gates = keep(s.Gates, func(g Gate) bool { return g.Run == "" })
	s.Decisions = keep(s.Decisions, func(d Decision) bool { return d.Run == "" })
	b.reduceStatus(s)
	b.reduceWaves(s)
	maps.DeleteFunc(s.Titles, func(key string, _ yamldoc.Text) bool {
		seat, ok := strings.CutPrefix(key, "seat/")
		return ok && !b.ownSeat(seat) && seat != s.Plan.Contact
	})
}

func keep[T any](all []T, may func(T) bool) []T {
	return slices.DeleteFunc(all, func(t T) bool { return !may(t) })
}

// actor is who did something, as others may see it: the seat, not the persons.
func (b *builder) actor(a journal.Actor) journal.Actor {
	if b.ownSeat(a.Seat) {
		return a
	}
	return journal.Actor{Seat: a.Seat}
}

// ownDeviation: of one's own platform or flow, or accepted by oneself.
func (b *builder) ownDeviation(d Deviation) bool {
	for _, f := range b.Plan.Flows {
		if f.ID == d.Flow {
			return b.owns(f.Party)
		}
	}
	return b.ownSeat(d.Actor.Seat)
}

// ownSide reports whether the viewer answers for a platform.
func (b *builder) ownSide(side checks.Side) bool {
	p := b.Plan.Platforms[side]
	return p != nil && b.owns(p.Party)
}

func (b *builder) reduceChecks(s *Snapshot) {
	for i := range s.Checks {
		e := &s.Checks[i]
		var own []Pair
		e.Counts = map[string]int{}
		for _, p := range e.Pairs {
			switch {
			case b.owns(p.Party):
				for j := range p.Why.Sides {
					p.Why.Sides[j].Deviation = b.reduceDeviation(p.Why.Sides[j].Deviation)
				}
			case p.Party == "" && (b.ownSide(checks.Old) && p.Old != nil || b.ownSide(checks.New) && p.New != nil):
				b.oneSide(&p)
			default:
				continue
			}
			e.Counts[string(p.Verdict.Word)]++
			own = append(own, p)
		}
		e.Pairs = append([]Pair{}, own...)
	}
}

// oneSide leaves of a pair what a supplier may see: its own platform, judged by itself.
func (b *builder) oneSide(p *Pair) {
	spec := b.Plan.Checks[p.Check]
	seen := func(s *Side, of checks.Side) *checks.Seen {
		if s == nil {
			return nil
		}
		return &checks.Seen{Outcome: s.Outcome, Code: s.Code, Judged: s.Verdict, Stated: spec.Expect.States(of, p.Phase),
			Denied: s.Want == checks.Deny && s.Verdict == checks.Pass}
	}
	if !b.ownSide(checks.Old) {
		p.Old = nil
	}
	if !b.ownSide(checks.New) {
		p.New = nil
	}
	p.Why.Differences = b.ownDifferences(p.Why.Differences)
	p.Verdict = checks.Pair(seen(p.Old, checks.Old), seen(p.New, checks.New), p.Phase)
	if p.New != nil && p.New.Code == checks.Differs {
		p.Verdict = p.Verdict.Differing()
	}
	p.Why.Verdict = p.Verdict
	var own []matrix.SideWhy
	for _, w := range p.Why.Sides {
		if b.ownSide(w.Side) {
			w.Deviation = b.reduceDeviation(w.Deviation)
			own = append(own, w)
		}
	}
	p.Why.Sides = own
	p.AsOf = oldest(p.Old, p.New)
}

// ownDifferences keeps which rules are broken, and the viewer's own side of them.
func (b *builder) ownDifferences(all []matrix.Difference) []matrix.Difference {
	var out []matrix.Difference
	for _, d := range all {
		if !d.Broken || !b.ownSide(checks.New) { // it is new's to be as old is
			continue
		}
		if !b.ownSide(checks.Old) {
			d.Old = ""
		}
		out = append(out, d)
	}
	return out
}

// reduceDeviation keeps that something was accepted, and until when, but another party's words only of the viewer's own.
func (b *builder) reduceDeviation(d *register.Deviation) *register.Deviation {
	if d == nil {
		return nil
	}
	out := *d
	if !b.ownSeat(d.Actor.Seat) {
		out.Reason = ""
	}
	out.Actor, out.ConfirmedBy = b.actor(d.Actor), b.actor(d.ConfirmedBy)
	return &out
}

func (b *builder) reduceRun(r *Run) {
	r.Steps = keep(r.Steps, func(s Step) bool { return b.ownSeat(s.Owner) })
	own := func(id string) bool { return slices.ContainsFunc(r.Steps, func(s Step) bool { return s.ID == id }) }
	for i := range r.Steps {
		r.Steps[i].Needs = keep(slices.Clone(r.Steps[i].Needs), own)
		if !b.ownSeat(r.Steps[i].By.Seat) && r.Steps[i].By.Seat != "" {
			r.Steps[i].Reason = ""
		}
		r.Steps[i].By = b.actor(r.Steps[i].By)
		b.reduceMarks(&r.Steps[i])
		if c := r.Steps[i].Contradiction; c != nil { // that there is one; its words may speak of others
			r.Steps[i].Contradiction = &run.Contradiction{Event: c.Event, Since: c.Since, Side: c.Side, Facts: b.ownFindings(c.Facts), AcceptedAt: c.AcceptedAt, AcceptedBy: b.actor(c.AcceptedBy)}
		}
	}
	if r.HeldBy.Seat != "" && !b.ownSeat(r.HeldBy.Seat) {
		r.Reason = ""
	}
	r.HeldBy = b.actor(r.HeldBy)
	r.Paused = slices.Clone(r.Paused)
	for i, p := range r.Paused {
		if !b.ownSeat(p.By.Seat) {
			r.Paused[i].Reason = ""
		}
		r.Paused[i].By = b.actor(p.By)
	}
	if !own(r.HeldStep) {
		r.HeldStep, r.Reason = "", ""
	}
	r.StartedBy, r.Parameters, r.Forecast = b.actor(r.StartedBy), nil, nil // a forecast tells of everybody's steps
}

// ownFindings keeps what was found on the viewer's own platform or connections, or is the viewer's to mend.
func (b *builder) ownFindings(facts map[string]string) map[string]string {
	var out map[string]string
	for key, text := range facts {
		f, ok := register.ParseFinding(text)
		if !ok || !b.owns(f.Owner) && !(f.Party == "" && b.ownSide(f.Side)) && !b.owns(f.Party) {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[key] = text
	}
	return out
}

// reduceMarks keeps that something is wrong with a step, and until when, but another party's words only of the viewer's own.
func (b *builder) reduceMarks(st *Step) {
	if st.Issue != nil {
		i := *st.Issue
		if !b.ownSeat(i.By.Seat) {
			i.Text = ""
		}
		i.By = b.actor(i.By)
		st.Issue = &i
	}
	st.Notes = keep(slices.Clone(st.Notes), func(n Note) bool { return b.ownSeat(n.By.Seat) })
}

func (b *builder) reduceGate(g *Gate) {
	g.Criteria = b.reduceCriteria(g.Criteria)
	g.Poll = b.reducePoll(g.Poll)
	g.Reasons = b.reduceReasons(g.Reasons)
	g.Extension, g.EnteredBy, g.Stale, g.Deviations = "", nil, nil, nil
	if g.Decision != nil {
		d := b.reduceDecision(*g.Decision)
		g.Decision = &d
	}
}

func (b *builder) reduceDecision(d register.Decision) register.Decision {
	d.Criteria, d.Poll, d.Reasons = b.reduceCriteria(d.Criteria), b.reducePoll(d.Poll), b.reduceReasons(d.Reasons)
	d.Actor, d.EnteredBy, d.Deviations = b.actor(d.Actor), nil, nil
	return d
}

// reduceCriteria keeps that a criterion is met or not; what it rests on stays with those it is about.
func (b *builder) reduceCriteria(all []register.CriterionSeen) []register.CriterionSeen {
	out := []register.CriterionSeen{}
	for _, c := range all {
		own := keep(slices.Clone(c.Findings), func(f register.Finding) bool { return b.owns(f.Party) })
		out = append(out, register.CriterionSeen{ID: c.ID, Kind: c.Kind, State: c.State, Binding: c.Binding, Findings: own})
	}
	return out
}

func (b *builder) reducePoll(all []register.PollAnswer) []register.PollAnswer {
	return keep(slices.Clone(all), func(a register.PollAnswer) bool { return b.ownSeat(a.Seat) })
}

func (b *builder) reduceReasons(all []register.Reason) []register.Reason {
	out := []register.Reason{}
	for _, r := range all {
		if strings.Contains(r.Subject, "/") && !b.ownSeat(r.Subject) {
			continue // another seat's answer
		}
		if !b.ownSeat(r.Subject) {
			r.Remark = ""
		}
		out = append(out, r)
	}
	return out
}

// reduceStatus keeps the light and what concerns everybody's dates.
func (b *builder) reduceStatus(s *Snapshot) {
	st := &s.Status
	st.Reasons = keep(st.Reasons, func(r Reason) bool {
		return slices.Contains([]string{WhySlip, WhyLate, WhyGateLate, WhyGateNoGo}, r.Code)
	})
	st.Dimensions = keep(st.Dimensions, func(d Dimension) bool { return d.ID == "schedule" })
	if st.Set != nil {
		st.Set = &register.Status{StatusBody: register.StatusBody{Light: st.Set.Light}, Seq: st.Set.Seq, At: st.Set.At, Actor: b.actor(st.Set.Actor)}
	}
	if st.Note != nil && !b.ownSeat(st.Note.Actor.Seat) {
		st.Note = nil
	}
}

// oldest is the older answer of the sides there are; zero when one was never seen.
func oldest(sides ...*Side) (at time.Time) {
	for i, s := range sides {
		switch {
		case s == nil:
		case s.At.IsZero():
			return time.Time{}
		case i == 0 || at.IsZero() || s.At.Before(at):
			at = s.At
		}
	}
	return at
}
