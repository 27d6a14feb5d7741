package forecast

import (
	"slices"
	"time"
)

// twin is the back-out of a run, seen from where the run stands.
type twin struct {
	of       *graph
	book     *graph        // of the back-out; nil = there is none
	deadline times         // of the run, each gate deciding at its deadline
	behind   []bool        // steps of the run at or behind the point of no return
	turnAt   time.Duration // the last moment at which it can be backed out
	turns    bool          // that is the beginning of a point of no return
	still    time.Duration // when what is in flight now has ended
	undone   []int         // step of the back-out → the number of what it undoes; −1 = no step of the run
	times    times         // scratch
	idle     []bool        // scratch
}

func (m *maker) twin(g *graph) twin {
	t := twin{of: g, deadline: newTimes(len(g.nodes))}
	id := g.book.BackOut
	if g.run != nil {
		id = g.run.Started.BackOut
	}
	t.book = m.graph(m.named(g.run, id), nil)
	t.book.whose, t.book.practised, t.book.speed = g.whose, g.practised, g.speed
	m.measure(t.book)
	for i := range t.book.nodes {
		t.book.nodes[i].gate = -1 // its gates are decided when it gets there
	}
	t.times, t.idle, t.undone = newTimes(len(t.book.nodes)), make([]bool, len(t.book.nodes)), make([]int, len(t.book.nodes))
	for i := range t.undone {
		at, ok := g.Place[t.book.nodes[i].step.Undoes]
		if t.undone[i] = at; !ok {
			t.undone[i] = -1
		}
	}
	g.forward(t.deadline, way{deadlines: true})
	t.turnAt, t.turns = m.turnAt(g, t.deadline)
	if !t.turns {
		t.turnAt = g.last(t.deadline, g.floor)
	}
	t.turnAt = max(t.turnAt, g.floor)
	t.behind = g.behind()
	t.still = m.still(g)
	return t
}

// turnAt is when the point of no return of a run, or of one inside it, is begun; ok is false when there is none to come.
func (m *maker) turnAt(g *graph, t times) (at time.Duration, ok bool) {
	at, ok = g.turning(t)
	for i := range g.nodes {
		n := &g.nodes[i]
		if n.stage != underWay || n.fact == nil {
			continue
		}
		child := m.child(n.fact)
		if child == nil || child.State.Final() {
			continue
		}
		inner := m.of(child)
		worst := newTimes(len(inner.nodes))
		inner.forward(worst, way{deadlines: true})
		turn, turns := m.turnAt(inner, worst)
		n.turn = turns
		if turns && (!ok || turn < at) {
			at, ok = turn, true
		}
	}
	return at, ok
}

// still is when what is in flight now, in a run or in those inside it, has ended.
func (m *maker) still(g *graph) time.Duration {
	at := g.floor
	for i := range g.nodes {
		n := &g.nodes[i]
		if n.stage != underWay || !n.flies() {
			continue
		}
		if child := m.child(n.fact); child != nil {
			at = max(at, m.still(m.of(child)))
			continue
		}
		at = max(at, n.over)
	}
	return at
}

// now is when a back-out ends that is asked for now.
func (t twin) now() time.Duration {
	begun := func(i int) bool { n := &t.of.nodes[i]; return n.fact != nil && n.fact.Attempt > 0 }
	if !t.undoes(begun) {
		return t.of.floor
	}
	return t.end(t.still)
}

// worst is when a back-out ends that is begun at the last moment, with everything begun that may be begun by then.
func (t twin) worst() time.Duration {
	from := max(t.turnAt, t.still)
	begun := func(i int) bool {
		n := &t.of.nodes[i]
		if n.fact != nil && n.fact.Attempt > 0 {
			return true
		}
		return n.stage == toCome && !t.behind[i] && t.deadline.start[i] <= t.turnAt
	}
	for i := range t.of.nodes {
		n := &t.of.nodes[i]
		if n.open() && n.flies() && !t.behind[i] && t.deadline.start[i] <= t.turnAt {
			from = max(from, t.deadline.end[i])
		}
	}
	if !t.undoes(begun) {
		return t.turnAt
	}
	return t.end(from)
}

// turnBy is the last moment at which a back-out can begin for all that can be taken back to be back by an instant. Where even one that
// begins now is too late, it is as much before now.
func (t twin) turnBy(until time.Duration) time.Duration {
	if !t.undoes(func(i int) bool {
		n := &t.of.nodes[i]
		return n.fact != nil && n.fact.Attempt > 0 || n.stage == toCome && !t.behind[i]
	}) {
		return until
	}
	if end := t.end(t.of.floor); end > until {
		return until - (end - t.of.floor)
	}
	by := slices.Repeat([]time.Duration{until}, len(t.book.nodes))
	for _, i := range slices.Backward(t.book.Order) {
		begin := by[i]
		if !t.idle[i] { // dates of its own, which it waits for while there is time, make it no longer
			begin -= t.book.nodes[i].takes
		}
		until = min(until, begin)
		for _, j := range t.book.Needs[i] {
			by[j] = min(by[j], begin)
		}
	}
	return until
}

// undoes marks the steps of the back-out that have nothing to do, and reports whether any has something to undo.
func (t twin) undoes(begun func(int) bool) bool {
	any := false
	for i := range t.book.nodes {
		s, at := t.book.nodes[i].step, t.undone[i]
		t.idle[i] = s.NothingToUndo(func(string) (bool, bool) { return at >= 0 && begun(at), at >= 0 })
		any = any || s.Undoes != "" && !t.idle[i]
	}
	return any
}

// end is when the back-out ends that begins at an instant, without the steps that are idle.
func (t twin) end(from time.Duration) time.Duration {
	t.book.floor = from
	t.book.forward(t.times, way{idle: t.idle})
	return t.book.last(t.times, from)
}

// unknown lists the steps of the back-out that count 0 and may have something to do.
func (t twin) unknown() []string {
	var out []string
	for i := range t.book.nodes {
		if n := &t.book.nodes[i]; n.unknown && !t.idle[i] {
			out = append(out, n.step.ID)
		}
	}
	return out
}

// bounds are the last moments of a run's gates.
type bounds struct {
	m      *maker
	window Window
	graph  *graph
	ends   []time.Duration // by when each step must have ended for the run to end within the window; nil = no window
	turnBy time.Duration   // by when the back-out must begin
	backs  []time.Duration // by when for the point of no return to be reached in time for taking everything back
	behind []bool
}

func (m *maker) bounds(g *graph, t twin, w Window) bounds {
	b := bounds{m: m, window: w, graph: g, behind: t.behind}
	if w.Until.IsZero() {
		return b
	}
	until := m.rel(w.Until)
	b.ends = slices.Repeat([]time.Duration{until}, len(g.nodes))
	g.backward(b.ends)
	if t.book == nil {
		return b
	}
	b.turnBy = t.turnBy(until)
	free := b.turnBy // without a point of no return everything is taken back at the end
	if t.turns {
		free = never
	}
	b.backs = slices.Repeat([]time.Duration{free}, len(g.nodes))
	for i := range g.nodes {
		if n := &g.nodes[i]; n.turn && n.stage == toCome {
			b.backs[i] = b.turnBy - n.turnAt + n.takes
		}
	}
	g.backward(b.backs)
	return b
}

// never is an instant after all others.
const never = time.Duration(1 << 62)

// end is the last moment at which a step may begin for the run to end within the window.
func (b bounds) end(i int) time.Time { return b.begin(b.ends, i) }

// back is the last moment at which a step may begin so that all can be taken back within the window; zero = it cannot be.
func (b bounds) back(i int) time.Time {
	n := &b.graph.nodes[i]
	if b.backs == nil || b.behind[i] && !n.turn {
		return time.Time{}
	}
	return b.m.abs(min(b.backs[i]-n.takes, b.turnBy))
}

func (b bounds) begin(by []time.Duration, i int) time.Time {
	if by == nil {
		return time.Time{}
	}
	return b.m.abs(by[i] - b.graph.nodes[i].takes)
}
