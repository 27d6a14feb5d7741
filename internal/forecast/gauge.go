package forecast

import (
	"slices"
	"time"

	"skift/internal/run"
)

// Back says whether a run can be backed out.
type Back string

// The ways back.
const (
	CanBack  Back = "possible"
	NoTwin   Back = "none"     // no runbook undoes it
	NoReturn Back = "passed"   // the point of no return is passed
	UnderWay Back = "underway" // it is being backed out
	Over     Back = "over"     // the run has ended
)

// Gauge shows both ends of a run against its window: when we are through, and when we are back.
type Gauge struct {
	Window      Window    `json:"window,omitzero"`
	End         Mark      `json:"end"` // of the run as it goes now; of the back-out once that is under way
	Back        Back      `json:"back"`
	BackNow     *Mark     `json:"back_now,omitempty"`           // end of a back-out that is begun now
	TurnAt      time.Time `json:"turn_at,omitzero"`             // the last moment at which one can be begun, when the work goes as forecast and each gate takes the time it has
	BackLast    *Mark     `json:"back_last,omitempty"`          // end of a back-out that is begun then: the worst case
	Unestimated []string  `json:"back_not_estimated,omitempty"` // steps of the back-out that count 0
}

// Holds reports whether both ends lie within the window: that of the run, and that of the worst way back.
func (g Gauge) Holds() bool {
	return g.End.Holds && (g.BackNow == nil || g.BackNow.Holds) && (g.BackLast == nil || g.BackLast.Holds)
}

// Mark is an instant beside the end of the window.
type Mark struct {
	At     time.Time     `json:"at"`
	Margin time.Duration `json:"margin,omitempty"` // ns from here to the end of the window; negative = it lies after it; 0 without a window
	Holds  bool          `json:"holds"`            // it does not lie after the end of the window
}

func (w Window) mark(at time.Time) Mark {
	if w.Until.IsZero() {
		return Mark{At: at, Holds: true}
	}
	margin := w.Until.Sub(at)
	return Mark{at, margin, margin >= 0}
}

// Gate is a decision that is still in front of a run.
type Gate struct {
	ID        string    `json:"gate"`
	ReachedAt time.Time `json:"reached_at"` // when the run needs it, as forecast
	DecideBy  time.Time `json:"decide_by,omitzero"`
	// A go that is given until EndBy leaves time for the work behind the gate; one until BackBy also for taking back all that
	// can be taken back. Latest is the earlier of them. Zero = nothing bounds it.
	EndBy  time.Time `json:"end_by,omitzero"`
	BackBy time.Time `json:"back_by,omitzero"`
	Latest time.Time `json:"latest,omitzero"`
}

// Holds reports whether a decision when it is forecast to be asked for, and one at the deadline, still leave time for all of it.
func (g Gate) Holds() bool {
	return g.Latest.IsZero() || !g.ReachedAt.After(g.Latest) && !g.DecideBy.After(g.Latest)
}

// gauge fills in what has to do with the window and the way back.
func (m *maker) gauge(g *graph, f *Forecast) {
	w := m.window(g)
	f.Gauge = Gauge{Window: w, End: w.mark(f.End), Back: m.wayBack(g)}
	t := twin{}
	if f.Gauge.Back == CanBack {
		t = m.twin(g)
		now, worst := t.now(), t.worst()
		from, last := w.mark(m.abs(now)), w.mark(m.abs(worst))
		f.Gauge.BackNow, f.Gauge.BackLast, f.Gauge.TurnAt = &from, &last, m.abs(t.turnAt)
		f.Gauge.Unestimated = t.unknown()
	}
	m.gates(g, t, f)
}

// window is what bounds a run: that of its runbook, else of the run it is part of or undoes.
func (m *maker) window(g *graph) Window {
	if g.run == nil {
		return m.windowOf(g.whose)
	}
	for r := g.run; r != nil; r = m.above(r) {
		w := m.windowOf(For{r, m.book(r)})
		if w.Until.IsZero() {
			continue
		}
		if r.Practises() { // as long, from its own beginning
			if w.From.IsZero() {
				return Window{}
			}
			w = Window{r.StartedAt.UTC(), r.StartedAt.Add(w.Until.Sub(w.From)).UTC()}
		}
		return w
	}
	return Window{}
}

func (m *maker) above(r *run.Run) *run.Run {
	if m.Runs == nil {
		return nil
	}
	return m.Runs.Above(r)
}

func (m *maker) windowOf(f For) Window {
	if f.Book == nil || f.Book.Window == "" || m.Window == nil {
		return Window{}
	}
	return m.Window(f)
}

func (m *maker) wayBack(g *graph) Back {
	r := g.run
	switch {
	case r == nil && m.named(nil, g.book.BackOut) == nil:
		return NoTwin
	case r == nil:
		return CanBack
	case r.State.Final():
		return Over
	case m.backedOutBy(r) != nil:
		return UnderWay
	case m.named(r, r.Started.BackOut) == nil:
		return NoTwin
	case r.NoReturn && !r.Started.Rehearsal:
		return NoReturn
	}
	return CanBack
}

// backedOutBy is the unfinished run that backs a run out; nil = none.
func (m *maker) backedOutBy(r *run.Run) *run.Run {
	if r == nil || m.Runs == nil || r.Started.BackOut == "" {
		return nil
	}
	for _, id := range m.Runs.Order {
		if o := m.Runs.Runs[id]; o.Started.Undoes == r.ID && !o.State.Final() {
			return o
		}
	}
	return nil
}

// gates finds what is still to be decided, and by when at the latest.
func (m *maker) gates(g *graph, t twin, f *Forecast) {
	if len(g.gates) == 0 {
		return
	}
	out := make([]Gate, len(g.gates))
	seen := make([]bool, len(g.gates))
	bounds := m.bounds(g, t, f.Gauge.Window)
	for _, i := range g.Order {
		n := &g.nodes[i]
		if n.gate < 0 || n.stage != toCome {
			continue
		}
		at := m.abs(g.reached(i))
		o := &out[n.gate]
		if !seen[n.gate] || at.Before(o.ReachedAt) {
			o.ReachedAt = at
		}
		seen[n.gate] = true
		d := &g.gates[n.gate]
		o.ID, o.DecideBy = d.id, d.decideBy
		o.EndBy = earlier(o.EndBy, bounds.end(i))
		o.BackBy = earlier(o.BackBy, bounds.back(i))
		o.Latest = earlier(o.EndBy, o.BackBy)
	}
	for i := range out {
		if seen[i] {
			f.Gates = append(f.Gates, out[i])
		}
	}
	slices.SortStableFunc(f.Gates, func(a, b Gate) int { return a.ReachedAt.Compare(b.ReachedAt) })
}

// reached is when a step could begin but for its gate.
func (g *graph) reached(i int) time.Duration {
	n := &g.nodes[i]
	at := max(g.floor, n.from, g.gates[n.gate].opens)
	for _, j := range g.Needs[i] {
		at = max(at, g.times.end[j])
	}
	return at
}

// earlier is the earlier of two instants, where zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
