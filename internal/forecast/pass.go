package forecast

import (
	"slices"
	"time"

	"skift/internal/run"
	"skift/runbooks"
)

// run calculates what was planned and what is forecast.
func (m *maker) run(g *graph) {
	m.measure(g)
	m.drop(g)
	both := make([]time.Duration, 4*len(g.nodes))
	n := len(g.nodes)
	g.planned, g.times = times{both[:n:n], both[n : 2*n : 2*n]}, times{both[2*n : 3*n : 3*n], both[3*n:]}
	g.plan(g.planned)
	g.plannedEnd = latest(g.planned.end, g.origin)
	g.floor = 0
	if g.run == nil {
		g.floor = g.origin
	}
	g.forward(g.times, way{})
	g.end = g.last(g.times, g.floor)
	if g.run == nil {
		return
	}
	if g.run.State.Final() {
		g.end = m.rel(g.run.EndedAt)
	} else if by := m.backedOutBy(g.run); by != nil {
		g.end = max(0, m.of(by).end)
	}
}

// drop marks what will not begin.
func (m *maker) drop(g *graph) {
	if g.run == nil || !g.run.State.Final() && m.backedOutBy(g.run) == nil {
		return
	}
	for i := range g.nodes {
		if g.nodes[i].stage != ended {
			g.nodes[i].stage = dropped
		}
	}
}

// way is how the steps are gone through.
type way struct {
	deadlines bool   // each gate decides at its deadline
	idle      []bool // steps that take no time and are bound by nothing; nil = none
}

// forward calculates when each step begins and ends: all at the earliest.
func (g *graph) forward(t times, w way) {
	for _, i := range g.Order {
		n := &g.nodes[i]
		if n.stage == ended || n.stage == underWay {
			t.start[i], t.end[i] = n.began, n.over
			continue
		}
		if n.stage == dropped {
			t.start[i], t.end[i] = g.floor, g.floor
			continue
		}
		at := g.floor
		if n.stage == toCome {
			for _, j := range g.Needs[i] {
				at = max(at, t.end[j])
			}
		}
		if w.idle != nil && w.idle[i] {
			t.start[i], t.end[i] = at, at
			continue
		}
		if at = max(at, n.from); n.gate >= 0 {
			at = max(at, g.gates[n.gate].opens)
			if w.deadlines {
				at = max(at, g.gates[n.gate].decides)
			}
		}
		t.start[i], t.end[i] = at, max(at+n.takes, n.until)
		if n.stage == again {
			t.start[i] = n.began
		}
	}
}

// plan calculates the same from the beginning, without facts.
func (g *graph) plan(t times) {
	g.vague = make([]bool, len(g.nodes))
	for _, i := range g.Order {
		n := &g.nodes[i]
		at := max(g.origin, n.dated)
		for _, j := range g.Needs[i] {
			at = max(at, t.end[j])
			g.vague[i] = g.vague[i] || g.vague[j] || g.nodes[j].guess
		}
		if n.gate >= 0 {
			at = max(at, g.gates[n.gate].opens)
		}
		t.start[i], t.end[i] = at, max(at+n.planned, n.until)
	}
}

// latest is the last of some instants, and not before another.
func latest(all []time.Duration, least time.Duration) time.Duration {
	for _, d := range all {
		least = max(least, d)
	}
	return least
}

// last is when the last step ends that counts, and not before another instant.
func (g *graph) last(t times, least time.Duration) time.Duration {
	for i := range g.nodes {
		if g.nodes[i].stage != dropped {
			least = max(least, t.end[i])
		}
	}
	return least
}

// slack is how much longer each step may take without moving the end of the run.
func (g *graph) slack() []time.Duration {
	by := make([]time.Duration, len(g.nodes))
	end := g.last(g.times, g.floor)
	for i := range by {
		by[i] = end
	}
	g.backward(by)
	for i := range by {
		by[i] -= g.times.end[i]
	}
	return by
}

// backward turns instants by which steps must have ended into those that also leave time for what needs them.
func (g *graph) backward(by []time.Duration) {
	for _, i := range slices.Backward(g.Order) {
		n := &g.nodes[i]
		if n.stage != toCome {
			continue
		}
		for _, j := range g.Needs[i] {
			by[j] = min(by[j], by[i]-n.takes)
		}
	}
}

// path is the chain of unfinished steps that the end hangs on, first one first: back from the last that ends, and of two that one hangs
// on from the one that stands first.
func (g *graph) path() []string {
	at := -1
	for _, i := range g.Order {
		if g.nodes[i].open() && (at < 0 || g.times.end[i] >= g.times.end[at]) {
			at = i
		}
	}
	var out []string
	for at >= 0 {
		out = append(out, g.nodes[at].step.ID)
		n, next := &g.nodes[at], -1
		if n.stage == toCome && g.times.start[at]+n.takes >= n.until { // no date of its own ends it
			for _, j := range g.Needs[at] {
				if g.nodes[j].open() && g.times.end[j] == g.times.start[at] && (next < 0 || j < next) {
					next = j
				}
			}
		}
		at = next
	}
	slices.Reverse(out)
	return out
}

// turning is when the point of no return is begun; ok is false when none is to come.
func (g *graph) turning(t times) (at time.Duration, ok bool) {
	for i := range g.nodes {
		n := &g.nodes[i]
		if !n.turn || n.stage != toCome {
			continue
		}
		if turn := t.start[i] + n.turnAt; !ok || turn < at {
			at, ok = turn, true
		}
	}
	return at, ok
}

// behind marks the steps that are the point of no return or come after it.
func (g *graph) behind() []bool {
	out := make([]bool, len(g.nodes))
	for _, i := range g.Order {
		n := &g.nodes[i]
		out[i] = n.turn || slices.ContainsFunc(g.Needs[i], func(j int) bool { return out[j] })
	}
	return out
}

// flies reports whether a step is, or once begun will be, in flight: it changes something that must stand still before it is undone. What a
// person is asked to do is not.
func (n *node) flies() bool {
	if n.stage == underWay && n.fact.State == run.WaitingForPerson {
		return false
	}
	switch {
	case n.step.Kind == runbooks.Nested:
		return true
	case n.fact == nil:
		return n.step.Changes() && n.step.Kind != runbooks.Manual
	}
	return n.fact.Changes && (n.stage == underWay || n.step.Kind != runbooks.Manual)
}
