package matrix

import (
	"slices"

	"skift/checks"
	"skift/internal/plan"
)

// origins are the vantages from which a failure to be let in is asked again, per service: found once, shared by all its units.
type origins struct {
	scope    *Scope
	services map[string][]checks.Origin
}

// of lists the vantages for a service: first those whose address a flow of the service comes from, for they are meant to be let in,
// then this host's own, then the others.
func (o *origins) of(service string) []checks.Origin {
	if list, ok := o.services[service]; ok {
		return list
	}
	meant := map[string]bool{}
	for _, f := range o.scope.Plan.Flows {
		if f.Service == service && f.Direction != plan.Outbound {
			if v := o.scope.at(f); v != nil {
				meant[v.ID] = true
			}
		}
	}
	rank := func(v *plan.Vantage) int {
		switch {
		case meant[v.ID]:
			return 0
		case v.ID == LocalVantage:
			return 1
		}
		return 2
	}
	all := slices.DeleteFunc(o.scope.vantages(), func(v *plan.Vantage) bool { return o.scope.paused(Unit{From: v}) != "" })
	slices.SortStableFunc(all, func(a, b *plan.Vantage) int { return rank(a) - rank(b) })
	list := make([]checks.Origin, 0, len(all))
	for _, v := range all {
		list = append(list, checks.Origin{Vantage: v.ID, Source: v.Source, Control: v.Control})
	}
	o.services[service] = list
	return list
}

// vantages lists every vantage of the plan; local is always there.
func (s Scope) vantages() []*plan.Vantage {
	var out []*plan.Vantage
	for _, id := range s.Plan.VantageIDs {
		out = append(out, s.Plan.Vantages[id])
	}
	if s.Plan.Vantages[LocalVantage] == nil {
		out = append(out, &plan.Vantage{ID: LocalVantage})
	}
	return out
}

// place is what several vantages ask alike.
type place struct {
	check, addr string
	side        checks.Side
}

// elsewhere reads answers that came from other hosts against each other, as a probe does with the vantages of its own: the same address,
// let in from one vantage and not from another, lacks the other on its list. What was stored stays as it was seen.
func (m *Matrix) elsewhere() {
	at := map[place][]*Answer{}
	for i := range m.Pairs {
		for _, side := range checks.Sides() {
			answers := m.Pairs[i].Side(side).Answers
			for j := range answers {
				if a := &answers[j]; a.Spec.Sourced() && a.Reason == Counts {
					k := place{a.Check, a.Addr, a.Side}
					at[k] = append(at[k], a)
				}
			}
		}
	}
	for _, answers := range at {
		compareVantages(answers)
	}
}

// compareVantages shows failures for what they are when seen together.
func compareVantages(answers []*Answer) {
	views := make([]view, len(answers))
	for i, a := range answers {
		views[i] = view{a.Vantage, a.Outcome, a.Want, a.Last.Code, a.Last.Facts}
	}
	seen := glimpses(views)
	for i, a := range answers {
		if code := views[i].beside(seen); code != a.Last.Code {
			a.conclude(code)
		}
	}
}

// view is what one unit got, for reading against what others got of the same place.
type view struct {
	vantage string
	outcome checks.Verdict
	want    checks.Want
	code    checks.Code
	facts   map[string]string
}

// glimpses are one per vantage: flows that share one see the same. Who is meant to be kept out tells nothing about the others.
func glimpses(views []view) map[string]checks.Glimpse {
	out := map[string]checks.Glimpse{}
	for _, v := range views {
		letIn := v.outcome == checks.Pass || v.outcome == checks.Warn
		if _, there := out[v.vantage]; letIn || !there && v.want != checks.Deny {
			out[v.vantage] = checks.Glimpse{Vantage: v.vantage, Outcome: v.outcome, Code: v.code, Facts: v.facts}
		}
	}
	return out
}

// beside is the code that follows from a view and what other vantages got: its own, unless it is a failure to be let in.
func (v view) beside(seen map[string]checks.Glimpse) checks.Code {
	if v.outcome != checks.Fail || v.want == checks.Deny {
		return v.code
	}
	var others []checks.Glimpse
	for vantage, g := range seen {
		if vantage != v.vantage {
			others = append(others, g)
		}
	}
	return checks.Elsewhere(v.code, v.facts, others)
}

// conclude shows another code than what was stored; that stays as the fact "seen".
func (a *Answer) conclude(code checks.Code) {
	r := a.Last.Result
	facts := make(map[string]string, len(r.Facts)+1)
	for k, v := range r.Facts {
		facts[k] = v
	}
	if facts[checks.FactSeen] == "" {
		facts[checks.FactSeen] = string(r.Code)
	}
	r.Code, r.Facts = code, facts
	a.take(r)
}
