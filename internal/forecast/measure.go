package forecast

import (
	"time"

	"skift/internal/run"
	"skift/runbooks"
)

// measure finds how long each step takes and which dates bind it.
func (m *maker) measure(g *graph) {
	for i := range g.nodes {
		n := &g.nodes[i]
		n.from, n.until, n.dated = early, early, early
		if n.fact != nil {
			n.takes = n.fact.Takes
			if n.planned = n.takes; i < len(g.run.Started.Steps) && g.run.Started.Steps[i].ID == n.step.ID {
				n.planned = g.run.Started.Steps[i].Takes
			}
		} else {
			n.takes, n.planned = n.step.Takes, n.step.Takes
		}
		n.unknown, n.guess = n.takes == 0, n.planned == 0
		n.turn = n.step.PointOfNoReturn && n.stage == toCome
		m.body(g, n)
		m.dates(g, n)
		m.facts(n)
		if len(m.Changes) > 0 {
			m.change(g, n)
		}
	}
}

// body looks at what says by itself how long it takes.
func (m *maker) body(g *graph, n *node) {
	switch n.step.Kind {
	case runbooks.Wait:
		n.unknown, n.guess = false, false
		if n.step.WaitBody.Until == "" {
			n.takes = time.Duration(float64(n.step.WaitBody.For) / g.speed)
			n.planned = n.takes
			return
		}
		at, ok := m.moment(g, n.step.WaitBody.Until)
		if n.takes, n.planned, n.unknown = 0, 0, !ok; ok {
			n.until = m.rel(at)
		}
	case runbooks.Nested:
		l := m.lengthOf(g.whose.Run, n.step.Runbook, g.speed)
		if n.takes == 0 {
			n.takes, n.unknown = l.takes, l.unknown
		}
		if n.planned == 0 {
			n.planned, n.guess = l.takes, l.unknown
		}
		if n.stage == toCome && l.turn {
			n.turn, n.turnAt = true, l.turnAt
		}
	}
}

// dates looks at the date before which a step does not begin. Dates of the plan bind the real thing alone.
func (m *maker) dates(g *graph, n *node) {
	if n.step.NotBefore == "" || g.practised {
		return
	}
	at, ok := m.moment(g, n.step.NotBefore)
	n.dated = m.relOr(at, early)
	if n.stage == toCome {
		n.from, n.unknown = n.dated, n.unknown || !ok
	}
}

// facts looks at what has happened to a step.
func (m *maker) facts(n *node) {
	st := n.fact
	if st == nil || n.stage == dropped {
		return
	}
	fix, fixed := m.fix(n)
	if n.stage == toCome {
		n.from = max(n.from, m.relOr(st.AgainAt, early), fixed)
		return
	}
	n.began = m.rel(first(st))
	switch n.stage {
	case ended:
		n.over = m.rel(st.FinishedAt)
	case again:
		n.from, n.due = fixed, m.rel(st.AskedAt)+n.takes
	case underWay:
		n.began = m.rel(st.AskedAt)
		n.due = max(n.began+n.takes, n.until) + fix
		if !st.DueAt.IsZero() && st.Kind == string(runbooks.Wait) {
			n.due = m.rel(st.DueAt)
		}
		n.over = max(0, n.due, fixed)
		if child := m.child(st); child != nil {
			g := m.of(child)
			n.over, n.unknown = max(0, g.end+fix, fixed), n.unknown && st.Issue != nil || g.unknown()
		}
	}
}

// fix is how long it takes to put right what is wrong with a step, and when that is over. Of an issue for which nobody knows, the
// duration of the step is not known either.
func (m *maker) fix(n *node) (takes, over time.Duration) {
	i := n.fact.Issue
	if i == nil || n.stage == ended {
		return 0, early
	}
	n.unknown = n.unknown || i.Fix == 0
	return i.Fix, m.rel(i.At) + i.Fix
}

// first is when a step was begun for the first time; one that was passed over, when that was.
func first(st *run.Step) time.Time {
	switch {
	case len(st.Attempts) > 0:
		return st.Attempts[0].StartedAt
	case !st.AskedAt.IsZero():
		return st.AskedAt
	}
	return st.FinishedAt
}

// child is the run of a nested runbook; nil = none.
func (m *maker) child(st *run.Step) *run.Run {
	if st.Child == "" || m.Runs == nil {
		return nil
	}
	return m.Runs.Runs[st.Child]
}

// change tries another duration.
func (m *maker) change(g *graph, n *node) {
	ref := Ref{Step: n.step.ID}
	if g.run != nil {
		ref.Run = g.run.ID
	}
	c, ok := m.Changes[ref]
	if !ok || !n.open() {
		return
	}
	if c.To != nil {
		n.takes, n.until, n.unknown = max(0, *c.To), early, false
		n.due = n.began + n.takes
		n.over = max(0, n.due)
		return
	}
	n.takes, n.due, n.over = max(0, n.takes+c.By), n.due+c.By, max(0, n.over+c.By)
	if n.until != early {
		n.until += c.By
	}
}

func (m *maker) moment(g *graph, expr string) (time.Time, bool) {
	if m.Moment == nil {
		return time.Time{}, false
	}
	return m.Moment(g.whose, expr)
}

// unknown reports whether how long some step takes that has not ended is not known.
func (g *graph) unknown() bool {
	for i := range g.nodes {
		if n := &g.nodes[i]; n.unknown && n.open() {
			return true
		}
	}
	return false
}

// plannedLength is how long a runbook takes that has not begun.
type plannedLength struct {
	takes   time.Duration
	unknown bool
	turn    bool          // it has a point of no return
	turnAt  time.Duration // how long after its beginning
}

// lengthOf is how long a nested runbook takes when it is begun: its dates are not looked at, as nobody knows when that is. One that is
// inside itself, which no valid plan has, takes no time.
func (m *maker) lengthOf(r *run.Run, id string, speed float64) plannedLength {
	key := id
	if r != nil {
		key = r.Started.PlanHash + "/" + id
	}
	if l, ok := m.length[key]; ok {
		return l
	}
	m.length[key] = plannedLength{unknown: true}
	book := m.named(r, id)
	if book == nil {
		return m.length[key]
	}
	g := &graph{book: book}
	g.number()
	var l plannedLength
	for i := range g.nodes {
		n := &g.nodes[i]
		n.from, n.until = early, early
		n.takes, n.unknown = n.step.Takes, n.step.Takes == 0
		n.turn = n.step.PointOfNoReturn
		switch n.step.Kind {
		case runbooks.Wait:
			n.takes, n.unknown = time.Duration(float64(n.step.WaitBody.For)/speed), n.step.WaitBody.Until != ""
		case runbooks.Nested:
			inner := m.lengthOf(r, n.step.Runbook, speed)
			if n.takes == 0 {
				n.takes, n.unknown = inner.takes, inner.unknown
			}
			n.turn, n.turnAt = n.turn || inner.turn, inner.turnAt
		}
		l.unknown = l.unknown || n.unknown
	}
	t := newTimes(len(g.nodes))
	g.forward(t, way{})
	l.takes = g.last(t, 0)
	l.turnAt, l.turn = g.turning(t)
	m.length[key] = l
	return l
}
