package forecast

import (
	"slices"
	"time"

	"skift/internal/plan"
	"skift/internal/run"
	"skift/internal/timeline"
	"skift/runbooks"
)

// Overall forecasts the overall plan: its steps are milestones, which have dates where the steps of a run have durations.
//
//   - A milestone that has begun or passed counts as it happened. One to come begins at its date, not before now, and not before what it
//     needs has passed.
//   - It ends at its date, not before now, not before it has lasted as long as planned, and not before the milestones have passed that
//     one of its gates asks for.
//   - A milestone without a date counts nothing, and is said to be one. A zone takes no time of its own: it binds others until they have
//     passed, so it is left out.
func Overall(t *timeline.Timeline) *Forecast {
	o := t.Overall()
	c := &overall{t: t, now: t.Now.Round(0).UTC(), place: map[string]int{}}
	for _, s := range o.Book.Steps {
		m := t.Milestone(s.ID)
		if m.Kind == plan.Zone {
			continue
		}
		c.place[s.ID] = len(c.nodes)
		c.nodes = append(c.nodes, stretch{step: s, m: m, state: o.State(s.ID)})
	}
	c.link()
	for _, i := range c.order {
		c.forward(i)
	}
	return c.forecast()
}

// overall is the milestones by number.
type overall struct {
	t     *timeline.Timeline
	now   time.Time
	nodes []stretch
	place map[string]int
	order []int // each after those it hangs on
}

// stretch is a milestone as it counts.
type stretch struct {
	step       *runbooks.Step
	m          *timeline.Milestone
	state      run.StepState
	needs      []int // it begins when these have passed
	after      []int // it ends when these have passed
	lag        time.Duration
	length     time.Duration
	start, end time.Time // zero = nobody knows
	by         time.Time // when it must have ended for the whole to end as forecast
}

func (n *stretch) open() bool { return !n.state.Settled() }

// link numbers what hangs on what, and puts it in order. Of milestones that wait for each other, which no valid plan has, one is taken not to.
func (c *overall) link() {
	numbers := func(ids []string) (out []int) {
		for _, id := range ids {
			if i, ok := c.place[id]; ok {
				out = append(out, i)
			}
		}
		return out
	}
	for i := range c.nodes {
		n := &c.nodes[i]
		n.needs, n.after = numbers(n.step.Needs), numbers(n.step.Ends.After)
	}
	seen := make([]bool, len(c.nodes))
	var visit func(i int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		for _, j := range slices.Concat(c.nodes[i].needs, c.nodes[i].after) {
			visit(j)
		}
		c.order = append(c.order, i)
	}
	for i := range c.nodes {
		visit(i)
	}
}

// forward calculates when one begins and ends.
func (c *overall) forward(i int) {
	n := &c.nodes[i]
	m := n.m
	if m.PlannedStart.Known() && m.PlannedEnd.Known() {
		n.length = max(0, m.PlannedEnd.At.Sub(m.PlannedStart.At))
	}
	if !n.open() {
		n.start, n.end = firstOf(m.StartedAt, m.Start.At), firstOf(m.PassedAt, m.End.Latest)
		return
	}
	if n.start = m.StartedAt; n.start.IsZero() {
		n.start = c.begins(n)
	}
	if !n.start.IsZero() && m.StartedAt.IsZero() {
		n.start = latter(n.start, c.now)
	}
	if n.start.IsZero() || !m.End.Known() {
		return // when it begins may be known all the same
	}
	n.end = latter(m.End.At, c.now)
	if m.StartedAt.IsZero() {
		n.end = latter(n.end, n.start.Add(n.length))
	}
	for _, j := range n.after {
		n.end = latter(n.end, c.nodes[j].end)
	}
}

// begins is when one to come begins: when what it needs passes, and as long after as planned; else at its date.
func (c *overall) begins(n *stretch) time.Time {
	for _, j := range n.needs { // a milestone needs one at most
		before := &c.nodes[j]
		if was := before.m.PlannedEnd.At; !was.IsZero() && !n.m.PlannedStart.At.IsZero() {
			n.lag = max(0, n.m.PlannedStart.At.Sub(was))
		}
		if before.open() && !before.end.IsZero() {
			return before.end.Add(n.lag)
		}
	}
	return n.m.Start.At
}

func firstOf(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}

func latter(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// forecast says how much longer each may take, and what the end hangs on.
func (c *overall) forecast() *Forecast {
	f := &Forecast{At: c.now, Run: plan.MasterID, Steps: make([]Step, len(c.nodes)), Path: []string{}, Gates: []Gate{}, steps: c.place}
	for i := range c.nodes {
		f.End, f.PlannedEnd = latter(f.End, c.nodes[i].end), latter(f.PlannedEnd, c.nodes[i].m.PlannedEnd.At)
	}
	c.backward(f.End)
	for i := range c.nodes {
		f.Steps[i] = c.told(&c.nodes[i])
		if f.Steps[i].Unestimated {
			f.Unestimated = append(f.Unestimated, f.Steps[i].ID)
		}
	}
	f.Path = append(f.Path, c.path()...)
	return f
}

// backward finds by when each must have ended.
func (c *overall) backward(end time.Time) {
	for i := range c.nodes {
		c.nodes[i].by = end
	}
	for _, i := range slices.Backward(c.order) {
		n := &c.nodes[i]
		if !n.open() || n.end.IsZero() {
			continue
		}
		for _, j := range n.after {
			c.nodes[j].by = earlier(c.nodes[j].by, n.by)
		}
		if !n.m.StartedAt.IsZero() {
			continue
		}
		for _, j := range n.needs {
			c.nodes[j].by = earlier(c.nodes[j].by, n.by.Add(-n.length-n.lag))
		}
	}
}

func (c *overall) told(n *stretch) Step {
	s := Step{ID: n.step.ID, PlannedStart: n.m.PlannedStart.At, PlannedEnd: n.m.PlannedEnd.At, Start: n.start, End: n.end, Ended: !n.open()}
	if s.Ended {
		return s
	}
	if s.Unestimated = n.end.IsZero(); s.Unestimated {
		return s
	}
	s.Slack = max(0, n.by.Sub(n.end))
	s.Critical = s.Slack == 0
	if due := n.m.End.Latest; n.m.State == timeline.Late && !due.IsZero() {
		s.Late = max(0, c.now.Sub(due))
	}
	return s
}

// path is the chain of milestones that the end hangs on, first one first.
func (c *overall) path() []string {
	at := -1
	for i := range c.nodes {
		if n := &c.nodes[i]; n.open() && !n.end.IsZero() && (at < 0 || !n.end.Before(c.nodes[at].end)) {
			at = i
		}
	}
	var out []string
	for at >= 0 && !slices.Contains(out, c.nodes[at].step.ID) {
		out = append(out, c.nodes[at].step.ID)
		at = c.pushes(at)
	}
	slices.Reverse(out)
	return out
}

// pushes is the milestone that makes another end when it does; −1 = its own dates do.
func (c *overall) pushes(i int) int {
	n := &c.nodes[i]
	for _, j := range n.after {
		if c.nodes[j].open() && c.nodes[j].end.Equal(n.end) {
			return j
		}
	}
	for _, j := range n.needs {
		waits := n.m.StartedAt.IsZero() && n.start.Equal(c.nodes[j].end.Add(n.lag))
		if waits && c.nodes[j].open() && n.end.Equal(n.start.Add(n.length)) {
			return j
		}
	}
	return -1
}
