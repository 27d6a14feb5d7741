package snapshot

import (
	"cmp"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/register"
)

func (b *builder) environments() []Environment {
	out := []Environment{}
	for _, id := range b.Plan.EnvIDs {
		m := b.matrices[id]
		e := Environment{ID: id, Counts: map[string]int{}, Pairs: []Pair{}}
		for _, p := range m.Pairs {
			e.Counts[string(p.Verdict.Word)]++
			e.Pairs = append(e.Pairs, pair(m, p))
		}
		out = append(out, e)
	}
	return out
}

func pair(m matrix.Matrix, p matrix.Pair) Pair {
	return Pair{
		Check: p.Check, Service: p.Service, Critical: p.Spec.Critical, Area: p.Spec.Area, Flow: p.Flow, Party: p.Party, Vantage: p.Vantage,
		Phase: p.Phase, Verdict: p.Verdict, Old: side(p.Old), New: side(p.New), AsOf: p.AsOf, Why: m.Why(p),
	}
}

func side(v matrix.SideView) *Side {
	w := v.Worst
	if w == nil {
		return nil
	}
	s := &Side{Addr: w.Addr, Want: w.Want, Outcome: w.Outcome, Verdict: w.Verdict, Code: w.Code, At: w.At(), Asked: len(v.Answers)}
	if w.Last != nil {
		s.Since, s.Brought = w.Last.Since, w.Last.Brought
	}
	return s
}

func (b *builder) suites() []Suite {
	out := []Suite{}
	for _, id := range b.Plan.SuiteIDs {
		suite := b.Plan.Suites[id]
		env := b.Plan.SuiteEnvironment(suite)
		m, e := b.tally(env, suite.Checks)
		s := Suite{ID: id, Title: suite.Title, Environment: env, AsOf: e.AsOf,
			Units: e.Critical.Total + e.Others.Total, Passed: e.Critical.Passed + e.Others.Passed, Accepted: e.Critical.Accepted + e.Others.Accepted}
		for _, p := range m.Pairs {
			for _, a := range slices.Concat(p.Old.Answers, p.New.Answers) {
				switch {
				case a.Passed(), a.Deviation != nil:
				case a.Verdict == checks.Fail:
					s.Failed++
				default:
					s.Unseen++
				}
			}
		}
		out = append(out, s)
	}
	return out
}

// flows says how every flow stands in production, in the plan's order.
func (b *builder) flows() []Flow {
	m := b.production()
	byFlow := map[string][]matrix.Pair{}
	for _, p := range m.Pairs {
		if p.Flow != "" {
			byFlow[p.Flow] = append(byFlow[p.Flow], p)
		}
	}
	told := b.told()
	out := []Flow{}
	for _, f := range b.Plan.Flows {
		s := Flow{ID: f.ID, Party: f.Party, PartyName: b.partyName(f.Party), UserSystem: f.UserSystem, Service: f.Service, Direction: f.Direction, Source: f.From(),
			Phase: b.Register.Phase(b.Plan.Production(), f.Service, f.Party), InformedAt: told[f.Contact]}
		for i, p := range byFlow[f.ID] { // worst first
			if i == 0 {
				s.Word = p.Verdict.Word
			}
			s.add(m, p)
		}
		out = append(out, s)
	}
	return out
}

// add takes one pair of a flow into account.
func (f *Flow) add(m matrix.Matrix, p matrix.Pair) {
	into := &f.Tested
	if p.Spec.Kind == checks.Reach {
		into = &f.Allowed
	}
	if w := p.Old.Worst; w != nil {
		f.Old, into.Old = worseVerdict(f.Old, w.Verdict), worseVerdict(into.Old, w.Verdict)
	}
	if w := p.New.Worst; w != nil {
		f.New, into.New = worseVerdict(f.New, w.Verdict), worseVerdict(into.New, w.Verdict)
	}
	for _, w := range m.Why(p).Sides {
		if f.Code == "" && w.Verdict != checks.Pass {
			f.Code, f.Owner = w.Code, w.Owner
		}
	}
}

// told is when a mail to each person last left.
func (b *builder) told() map[string]time.Time {
	out := map[string]time.Time{}
	for _, m := range b.Messages {
		if m.State == register.MessageSent && m.Recipient != "" && m.FinishedAt.After(out[m.Recipient]) {
			out[m.Recipient] = m.FinishedAt
		}
	}
	return out
}

func (b *builder) partyName(id string) string {
	if m, ok := b.Plan.Member(id); ok {
		return cmp.Or(m.Name, id)
	}
	if p := b.Plan.Parties[id]; p != nil {
		return cmp.Or(p.Name, id)
	}
	return id
}

// owns reports whether a party is the viewer or a member of the group that is.
func (b *builder) owns(party string) bool {
	if party == "" || party == b.Viewer {
		return party == b.Viewer && party != ""
	}
	m, ok := b.Plan.Member(party)
	return ok && m.Group == b.Viewer
}

// ownSeat reports whether a seat is of the viewer's party.
func (b *builder) ownSeat(seat string) bool { return seat != "" && b.owns(plan.SeatParty(seat)) }
