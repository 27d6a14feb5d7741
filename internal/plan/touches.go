package plan

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"skift/runbooks"
)

// Untouched lists the gates that are in the later revision what they were before: nothing that was changed is of their question, their criteria,
// their dates, or the run that a go at them is for. What was said at them counts on. Whatever is not known to be harmless touches every gate.
func Untouched(before, after *Plan) []string {
	if before.Hash == after.Hash {
		return slices.Clone(after.GateIDs)
	}
	whole := func(a, b any) bool { return alike(reflect.ValueOf(&a).Elem(), reflect.ValueOf(&b).Elem()) }
	if !whole(before.members, after.members) || before.WaveParty != after.WaveParty {
		return nil
	}
	changes := Diff(before, after)
	if slices.ContainsFunc(Along(before, after, changes), func(id string) bool { return after.Milestones[id].Kind == Zone }) {
		return nil // it is in force at another time, although it is written as it was
	}
	var out []string
	for _, id := range after.GateIDs {
		if before.Gates[id] == nil {
			continue
		}
		of := before.bears(id)
		maps.Copy(of, after.bears(id)) // what is new in it, and what is gone
		if !slices.ContainsFunc(changes, func(c Change) bool { return touches(before, after, c, of) }) {
			out = append(out, id)
		}
	}
	return out
}

// harmless are sections in which nothing bears on a gate: what things are called, who is told, who has the watch, when a light turns.
var harmless = []string{"title", "language", "words", "thresholds", "areas", "roster", "meetings", "audiences"}

func touches(before, after *Plan, c Change, of map[string]bool) bool {
	switch {
	case slices.Contains(harmless, c.Section):
		return false
	case c.Section == "milestones" && c.How == Changed && slices.Equal(c.Keys, []string{"title"}): // what it is called; of a gate it is the question
		return false
	case c.Section == "milestones":
		for _, p := range []*Plan{before, after} {
			if m := p.Milestones[c.ID]; m != nil && m.Kind == Zone { // it decides what a run may do
				return true
			}
		}
		return of["milestones/"+c.ID]
	case c.Section == "gates" || c.Section == "runbooks":
		return of[c.Section+"/"+c.ID]
	}
	return true
}

// bears gathers what a go at a gate rests on, and is for: the runbooks that ask it, with those around and inside and their back-outs, the
// gates on their way, what was to be rehearsed or ends with it, and every milestone from which a date of it all is counted. What is found
// last may lead to more: a runbook that was to be rehearsed has others inside.
func (p *Plan) bears(gate string) map[string]bool {
	of := map[string]bool{"gates/" + gate: true}
	for n := 0; n < len(of); {
		n = len(of)
		for _, id := range p.RunbookIDs {
			if !of["runbooks/"+id] && p.linked(of, gate, p.Runbooks[id]) {
				of["runbooks/"+id] = true
			}
		}
		p.onTheWay(of, gate)
		p.passing(of, gate)
	}
	p.counted(of)
	return of
}

// onTheWay adds what the runbooks and gates that were found name: gates, what is to be rehearsed, and the milestones of their dates.
func (p *Plan) onTheWay(of map[string]bool, gate string) {
	for id, rb := range p.Runbooks {
		if !of["runbooks/"+id] {
			continue
		}
		for _, s := range rb.Steps {
			of["gates/"+s.AfterGate] = true
		}
		of["milestones/"+rb.Window] = true
		for _, r := range rb.Refs {
			if w, err := ParseWhen(r.Text, p.Zone); r.Kind == runbooks.MomentRef && err == nil {
				of["milestones/"+w.Ref.Milestone] = true
			}
		}
	}
	for id, g := range p.Gates {
		if !of["gates/"+id] {
			continue
		}
		of["milestones/"+g.Opens.Ref.Milestone], of["milestones/"+g.DecideBy.Ref.Milestone] = true, true
		for _, c := range g.Criteria {
			of["milestones/"+c.Milestone] = true
			if id == gate {
				of["runbooks/"+c.Rehearsal] = true
			}
		}
	}
}

// passing adds the milestones that the gate passes and those that start a run it is about, and what their dates and certificates rest on.
func (p *Plan) passing(of map[string]bool, gate string) {
	for id, m := range p.Milestones {
		if m.Exit == gate {
			of["milestones/"+id], of["runbooks/"+m.Runbook] = true, true
		}
	}
	for id, m := range p.Milestones {
		if m.Runbook != "" && of["runbooks/"+m.Runbook] {
			of["milestones/"+id] = true
		}
	}
	for _, c := range p.Checks {
		for _, moment := range c.Moments() {
			id, _, _ := strings.Cut(moment, ".")
			of["milestones/"+id] = true
		}
	}
}

// linked reports whether a runbook asks the gate, or is one run with one that does.
func (p *Plan) linked(of map[string]bool, gate string, rb *runbooks.Runbook) bool {
	inside := func(s *runbooks.Step) bool {
		return s.Runbook != "" && of["runbooks/"+s.Runbook] || s.AfterGate == gate
	}
	if rb.BackOut != "" && of["runbooks/"+rb.BackOut] || slices.ContainsFunc(rb.Steps, inside) {
		return true
	}
	for id, o := range p.Runbooks {
		around := func(s *runbooks.Step) bool { return s.Runbook == rb.ID }
		if of["runbooks/"+id] && (o.BackOut == rb.ID || slices.ContainsFunc(o.Steps, around)) {
			return true
		}
	}
	return false
}

// counted adds the milestones from which the dates of others are counted.
func (p *Plan) counted(of map[string]bool) {
	for more := true; more; {
		more = false
		for id, m := range p.Milestones {
			for _, on := range []string{m.From.Ref.Milestone, m.Until.Ref.Milestone} {
				if of["milestones/"+id] && !of["milestones/"+on] {
					of["milestones/"+on], more = true, true
				}
			}
		}
	}
}
