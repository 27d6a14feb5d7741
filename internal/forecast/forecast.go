package forecast

import (
	"time"

	"skift/internal/run"
	"skift/runbooks"
)

// World is what forecasts are made of, beside the run. The facts are only read. Functions that are nil know nothing.
type World struct {
	Runs *run.Facts // runs inside a run, and those that back one out
	// Book is what a run does, with whatever was added to it.
	Book func(r *run.Run) *runbooks.Runbook
	// Named finds a runbook by its id, of the revision that a run is bound to: nested ones that have not begun, and back-outs.
	Named func(r *run.Run, id string) *runbooks.Runbook
	// Window is when the window lies that bounds a runbook; zero = it has none, or no date.
	Window func(f For) Window
	// Moment is when something that waits for a time expression goes on; not ok = nobody can say.
	Moment func(f For, expr string) (at time.Time, ok bool)
	// Gate is how a gate stands for a run; r is nil for one that has not begun.
	Gate func(r *run.Run, gate string) Deciding
	// Changes are durations to be tried out, by run ("" = one that has not begun) and step.
	Changes map[Ref]Change
}

// For is what dates are asked for: a runbook, and the run of it; nil = it has not begun.
type For struct {
	Run  *run.Run
	Book *runbooks.Runbook
}

// Window is a stretch of time. The zero Window bounds nothing.
type Window struct {
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"` // zero = open
}

// Deciding is how a gate stands.
type Deciding struct {
	Through  bool      // it has said go for the run
	OpensAt  time.Time // zero = when it is reached
	DecideBy time.Time // zero = no deadline
}

// Ref names a step of a run.
type Ref struct{ Run, Step string }

// Change is another duration of a step.
type Change struct {
	By time.Duration  // added to what it is forecast to take; negative = it takes less
	To *time.Duration // it takes this in all; nil = as forecast
}

// Forecast is how a run is expected to go on, as seen at an instant.
type Forecast struct {
	At          time.Time `json:"at"`
	Run         string    `json:"run,omitempty"`           // "" = it has not begun
	Steps       []Step    `json:"steps"`                   // in the run's order
	Path        []string  `json:"critical_path"`           // the unfinished steps that the end hangs on, first one first
	PlannedEnd  time.Time `json:"planned_end"`             // as planned, from the moment it began
	End         time.Time `json:"end"`                     // of the run
	Unestimated []string  `json:"not_estimated,omitempty"` // steps that count 0 because nobody said how long they take: End is then a lower bound
	Gauge       Gauge     `json:"gauge"`
	Gates       []Gate    `json:"gates"` // still in front of it, in the order in which they are reached

	steps map[string]int
}

// Step is when one step begins and ends. Instants that lie before the forecast's are what happened.
type Step struct {
	ID           string        `json:"id"`
	PlannedStart time.Time     `json:"planned_start"`
	PlannedEnd   time.Time     `json:"planned_end"`
	Start        time.Time     `json:"start,omitzero"` // zero = it will not begin
	End          time.Time     `json:"end,omitzero"`
	Ended        bool          `json:"ended,omitempty"`         // done, skipped or cancelled
	Slack        time.Duration `json:"slack"`                   // ns: how much longer it may take without moving the run's end
	Critical     bool          `json:"critical,omitempty"`      // unfinished and without slack
	Late         time.Duration `json:"late,omitempty"`          // ns: how long ago it should have ended, or begun; 0 = it is not late
	Unestimated  bool          `json:"not_estimated,omitempty"` // counts 0
}

// Step returns a step of the forecast; ok is false when the run has none of that name.
func (f *Forecast) Step(id string) (s Step, ok bool) {
	if f.steps == nil {
		for _, s := range f.Steps {
			if s.ID == id {
				return s, true
			}
		}
		return Step{}, false
	}
	i, ok := f.steps[id]
	if !ok {
		return Step{}, false
	}
	return f.Steps[i], true
}

// LowerBound reports whether the run may well end later although nothing is late: some duration is not known.
func (f *Forecast) LowerBound() bool { return len(f.Unestimated) > 0 }

// Of forecasts a run that has begun.
func Of(w World, r *run.Run, now time.Time) *Forecast {
	m := newMaker(w, now)
	return m.forecast(m.of(r))
}

// Ahead forecasts a runbook that has not begun, in production, as if it began at an instant, or now if that is over.
func Ahead(w World, book *runbooks.Runbook, from, now time.Time) *Forecast {
	m := newMaker(w, now)
	g := m.graph(book, nil)
	g.origin = max(m.rel(from), 0)
	m.run(g)
	return m.forecast(g)
}

// maker makes the forecasts of one instant. Instants are lengths of time from now while it works.
type maker struct {
	World
	now    time.Time
	made   map[string]*graph        // run → its graph, with times
	length map[string]plannedLength // revision and runbook → how long it takes as planned
}

func newMaker(w World, now time.Time) *maker {
	return &maker{World: w, now: now.Round(0).UTC(), made: map[string]*graph{}, length: map[string]plannedLength{}}
}

func (m *maker) rel(t time.Time) time.Duration { return m.relOr(t, 0) }

// relOr is an instant from now, or another when it is zero.
func (m *maker) relOr(t time.Time, none time.Duration) time.Duration {
	if t.IsZero() {
		return none
	}
	return t.Sub(m.now)
}

func (m *maker) abs(d time.Duration) time.Time { return m.now.Add(d) }

// of is the graph of a run, with its times. A run that is inside itself, which no journal has, is not looked into.
func (m *maker) of(r *run.Run) *graph {
	if g, ok := m.made[r.ID]; ok {
		return g
	}
	m.made[r.ID] = &graph{run: r}
	g := m.graph(m.book(r), r)
	g.origin = m.rel(r.StartedAt)
	m.run(g)
	m.made[r.ID] = g
	return g
}

func (m *maker) book(r *run.Run) *runbooks.Runbook {
	if m.Book == nil {
		return nil
	}
	return m.Book(r)
}

// named finds a runbook for a run, or for one that has not begun.
func (m *maker) named(r *run.Run, id string) *runbooks.Runbook {
	if id == "" || m.Named == nil {
		return nil
	}
	return m.Named(r, id)
}

// forecast turns a graph with times into what is told.
func (m *maker) forecast(g *graph) *Forecast {
	f := &Forecast{At: m.now, PlannedEnd: m.abs(g.plannedEnd), End: m.abs(g.end), Steps: make([]Step, len(g.nodes)), Path: []string{}, Gates: []Gate{}, steps: g.Place}
	slack := g.slack()
	for i := range g.nodes {
		n := &g.nodes[i]
		s := Step{ID: n.step.ID, PlannedStart: m.abs(g.planned.start[i]), PlannedEnd: m.abs(g.planned.end[i]), Ended: n.stage == ended, Late: g.late(i)}
		if n.stage != dropped {
			s.Start, s.End = m.abs(g.times.start[i]), m.abs(g.times.end[i])
		}
		if n.open() {
			s.Slack, s.Critical, s.Unestimated = slack[i], slack[i] == 0, n.unknown
			if n.unknown {
				f.Unestimated = append(f.Unestimated, n.step.ID)
			}
		}
		f.Steps[i] = s
	}
	if g.run != nil {
		f.Run = g.run.ID
	}
	f.Path = append(f.Path, g.path()...)
	m.gauge(g, f)
	return f
}

// late is how long ago a step should have ended by its own duration, or have begun by the plan.
func (g *graph) late(i int) time.Duration {
	switch n := &g.nodes[i]; n.stage {
	case underWay, again:
		if !n.unknown {
			return max(0, -n.due)
		}
	case toCome:
		if g.run != nil && !g.vague[i] {
			return max(0, -g.planned.start[i])
		}
	}
	return 0
}
