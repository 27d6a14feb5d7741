package forecast

import (
	"slices"
	"time"

	"skift/internal/run"
	"skift/runbooks"
)

// graph is the steps of one run, or of a runbook that has not begun, by number.
type graph struct {
	run   *run.Run // nil = not begun
	book  *runbooks.Runbook
	whose For // whose dates bind it: its own, or those of what it backs out
	*runbooks.Links
	nodes  []node
	gates  []deciding
	origin time.Duration // when it began, or is to begin

	practised bool    // dates of the plan do not bind it
	speed     float64 // by which waits are shortened

	planned    times
	plannedEnd time.Duration
	vague      []bool        // steps behind one that was planned to take nobody knows how long
	floor      time.Duration // nothing to come begins before this instant
	times      times         // as forecast
	end        time.Duration
}

// node is one step as it counts. Those that are short stand together: there are many.
type node struct {
	step *runbooks.Step
	fact *run.Step // nil = the run has not begun

	gate    int32 // in front of it and not passed: its place in gates; −1 = none
	stage   stage
	unknown bool // how long it takes is not known
	guess   bool // how long was not planned
	turn    bool // the point of no return, or a nested runbook that has one to come

	began   time.Duration // when the present attempt began, or the first one if it has ended or is to be begun again
	due     time.Duration // begun: when it should end
	over    time.Duration // under way or ended: when it ends
	from    time.Duration // to come: it does not begin before this instant
	dated   time.Duration // it was not planned to begin before this instant
	takes   time.Duration // of an attempt in all; of a wait for an instant 0
	until   time.Duration // it does not end before this instant
	planned time.Duration // what it was planned to take
	turnAt  time.Duration // how long after its beginning the point of no return is
}

// stage is how far a step has come, as far as a forecast depends on it.
type stage uint8

const (
	toCome   stage = iota
	underWay       // begun, its end is to come
	again          // it failed or is uncertain: it is to be begun again
	ended          // done, skipped or cancelled
	dropped        // it will not begin: the run has ended, or is being backed out
)

func stageOf(s *run.Step) stage {
	switch {
	case s == nil:
		return toCome
	case s.State == run.Done, s.State == run.Skipped, s.State == run.Cancelled:
		return ended
	case s.State == run.Running, s.State == run.WaitingForPerson, s.State == run.Verifying:
		return underWay
	case s.State == run.Failed, s.State == run.Uncertain:
		return again
	}
	return toCome
}

// open reports whether the step's end is to come.
func (n *node) open() bool { return n.stage < ended }

// early is an instant before all others: whoever must not begin before it may begin at any time.
const early = time.Duration(-1 << 62)

type deciding struct {
	id             string
	decideBy       time.Time
	opens, decides time.Duration
}

// times are the beginnings and ends of one way to look at a graph.
type times struct{ start, end []time.Duration }

func newTimes(n int) times {
	both := make([]time.Duration, 2*n)
	return times{both[:n:n], both[n:]}
}

// graph is the steps with what they need and the gates in front of them.
func (m *maker) graph(book *runbooks.Runbook, r *run.Run) *graph {
	g := &graph{run: r, book: book, whose: For{r, book}, speed: 1}
	if r != nil {
		g.practised, g.speed = r.Practises(), max(r.Started.Speed, 1)
	}
	g.number()
	m.guards(g)
	return g
}

// number numbers the steps: those of the runbook, or those of the run, which may have been made of another revision. A step that the
// runbook no longer knows stays and needs nothing; one that only the runbook knows is not put into the run.
func (g *graph) number() {
	steps := g.steps()
	g.nodes = make([]node, len(steps))
	for i, s := range steps {
		n := &g.nodes[i]
		n.step, n.gate = s, -1
		if g.run != nil {
			n.fact = g.run.Steps[s.ID]
			n.stage = stageOf(n.fact)
		}
	}
}

// steps lists the steps in the run's order, and links them.
func (g *graph) steps() []*runbooks.Step {
	if g.book != nil && (g.run == nil || slices.EqualFunc(g.book.Steps, g.run.Order, func(s *runbooks.Step, id string) bool { return s.ID == id })) {
		g.Links = g.book.Links()
		return g.book.Steps
	}
	steps := make([]*runbooks.Step, len(g.run.Order))
	for i, id := range g.run.Order {
		f := g.run.Steps[id]
		if g.book != nil {
			steps[i] = g.book.Step(id)
		}
		if steps[i] == nil {
			steps[i] = &runbooks.Step{ID: id, Kind: runbooks.Kind(f.Kind), PointOfNoReturn: f.NoReturn, WaitBody: runbooks.WaitBody{For: f.Takes}}
		}
		if len(g.run.Added) > 0 { // what was put into the run comes after what it needs, and before what needs it
			s := *steps[i]
			s.Needs, steps[i] = g.run.Needs(id, s.Needs), &s
		}
	}
	g.Links = (&runbooks.Runbook{Steps: steps}).Links()
	return steps
}

// guards asks how the gates in front of steps to come stand.
func (m *maker) guards(g *graph) {
	known := map[string]int32{}
	for i := range g.nodes {
		n := &g.nodes[i]
		id := n.step.AfterGate
		if n.fact != nil {
			id = n.fact.AfterGate
		}
		if id == "" || n.stage != toCome {
			continue
		}
		at, ok := known[id]
		if !ok {
			var d Deciding
			if m.Gate != nil {
				d = m.Gate(g.run, id)
			}
			at = int32(len(g.gates))
			if d.Through {
				at = -1
			} else {
				g.gates = append(g.gates, deciding{id, d.DecideBy, m.relOr(d.OpensAt, early), m.relOr(d.DecideBy, early)})
			}
			known[id] = at
		}
		n.gate = at
	}
}
