package plan

import (
	"fmt"
	"slices"
	"strings"
)

// gateCircles reports milestones that a gate wants passed and that come only after what the gate lets pass: it could never say go. Circles
// of dates alone, and of milestones that begin when each other has passed, are told by dateCycles and [Master].
//
// A point waits for another when it does not come before it. A beginning and an end wait for what their dates hang on; a passing for
// the beginning, and for the end or for what the gates ask that it waits for.
func (l *loader) gateCircles() {
	c := circles{plan: l.Plan, waits: map[Ref][]Ref{}}
	for _, id := range l.MilestoneIDs {
		c.add(l.Milestones[id])
	}
	c.prune()
	told := map[Ref]bool{}
	for _, b := range c.bonds {
		if told[b.point] && told[b.on] {
			continue
		}
		if way := c.way(b.on, b.point); way != nil {
			l.reportGateCircle(b, way)
			for _, r := range way {
				told[r] = true
			}
		}
	}
}

// reportGateCircle points at the criterion; way leads from what it asks for back to what passes by the gate.
func (l *loader) reportGateCircle(b bond, way []Ref) {
	names := []string{b.point.String()}
	for _, r := range way[:min(len(way), mostInCircle)] {
		names = append(names, r.String())
	}
	if len(way) > mostInCircle {
		names = append(names, "…", b.point.String())
	}
	p := l.problems.Addf(b.criterion.Pos, CodeGateCycle, "%s waits for %s, which comes after it: %s", b.gate, b.on, strings.Join(names, " → ")).
		At(fmt.Sprintf("gates.%s.criteria[%d]", b.gate, b.place+1)).Hintf("remove the criterion, or give %s a date that does not hang on %s", b.on.Milestone, b.point.Milestone)
	seen := map[string]bool{}
	for _, r := range slices.Concat([]Ref{b.point}, way) {
		if m := l.Milestones[r.Milestone]; !seen[m.ID] {
			seen[m.ID] = true
			p.See(m.Pos, "%s is here", m.ID)
		}
	}
}

const mostInCircle = 12 // a longer one is not read better in full

// bond is what a gate adds: a milestone does not pass before another stands where a criterion wants it.
type bond struct {
	point, on Ref
	gate      string
	criterion Criterion
	place     int
}

// circles is which point of a milestone waits for which others.
type circles struct {
	plan  *Plan
	waits map[Ref][]Ref
	bonds []bond
}

func (c *circles) add(m *Milestone) {
	start, end, passed := Ref{m.ID, Start}, Ref{m.ID, End}, Ref{m.ID, Passed}
	c.date(start, m.From)
	if m.Until.IsZero() {
		c.wait(end, start)
	} else {
		c.date(end, m.Until)
	}
	c.wait(passed, start)
	switch {
	case m.Exit != "":
		c.gate(passed, m.Exit)
	case m.waits():
		for _, g := range c.plan.asked(m) {
			c.gate(passed, g)
		}
	default:
		c.wait(passed, end)
	}
}

func (c *circles) date(of Ref, w When) {
	if c.plan.Milestones[w.Ref.Milestone] != nil {
		c.wait(of, w.Ref)
	}
}

func (c *circles) wait(of, on Ref) { c.waits[of] = append(c.waits[of], on) }

// gate binds a passing to what a gate asks. That it asks for what itself lets pass is told elsewhere.
func (c *circles) gate(passed Ref, id string) {
	g := c.plan.Gates[id]
	if g == nil {
		return
	}
	for i, cr := range g.Criteria {
		m := c.plan.Milestones[cr.Milestone]
		if cr.Kind != MilestoneCriterion || m == nil || m.ID == passed.Milestone {
			continue
		}
		on := Ref{m.ID, Passed}
		switch cr.State {
		case "active":
			on.Point = Start
		case "missed":
			continue
		}
		c.wait(passed, on)
		c.bonds = append(c.bonds, bond{passed, on, id, cr, i})
	}
}

// prune forgets whatever waits for nothing that is left: what remains is in circles, or waits for one. Most plans have nothing left.
func (c *circles) prune() {
	open, waiting := map[Ref]int{}, map[Ref][]Ref{}
	var free []Ref
	for of, on := range c.waits {
		open[of] += len(on)
		for _, r := range on {
			waiting[r] = append(waiting[r], of)
		}
	}
	for r := range waiting {
		if open[r] == 0 {
			free = append(free, r)
		}
	}
	for ; len(free) > 0; free = free[1:] {
		for _, of := range waiting[free[0]] {
			if open[of]--; open[of] == 0 {
				delete(c.waits, of)
				free = append(free, of)
			}
		}
	}
	c.bonds = slices.DeleteFunc(c.bonds, func(b bond) bool { return c.waits[b.point] == nil || c.waits[b.on] == nil })
}

// way is the shortest way along what waits from one point to another, both ends in it; nil = there is none.
func (c *circles) way(from, to Ref) []Ref {
	before := map[Ref]Ref{from: {}}
	for queue := []Ref{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at == to {
			var way []Ref
			for r := at; r != (Ref{}); r = before[r] {
				way = append(way, r)
			}
			slices.Reverse(way)
			return way
		}
		for _, next := range c.waits[at] {
			if _, seen := before[next]; !seen {
				before[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}
