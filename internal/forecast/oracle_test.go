package forecast_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"skift/internal/forecast"
	"skift/internal/run"
	"skift/runbooks"
)

var now = time.Date(2019, 11, 9, 2, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }

func minutes(n int) time.Duration { return time.Duration(n) * time.Minute }

// scene is a run at random: at most ten steps, some of them done, and a back-out that undoes some of them.
type scene struct {
	book, back *runbooks.Runbook
	run        *run.Run
	gates      map[string]forecast.Deciding
	dates      map[string]time.Time // of time expressions
	window     forecast.Window
	changes    map[forecast.Ref]forecast.Change
}

func (s *scene) world() forecast.World {
	return forecast.World{
		Runs: &run.Facts{Runs: map[string]*run.Run{s.run.ID: s.run}, Order: []string{s.run.ID}},
		Book: func(*run.Run) *runbooks.Runbook { return s.book },
		Named: func(_ *run.Run, id string) *runbooks.Runbook {
			if s.back != nil && id == s.back.ID {
				return s.back
			}
			return nil
		},
		Window:  func(forecast.For) forecast.Window { return s.window },
		Moment:  func(_ forecast.For, expr string) (time.Time, bool) { at, ok := s.dates[expr]; return at, ok },
		Gate:    func(_ *run.Run, id string) forecast.Deciding { return s.gates[id] },
		Changes: s.changes,
	}
}

func (s *scene) forecast() *forecast.Forecast { return forecast.Of(s.world(), s.run, now) }

// random makes a scene. Steps need earlier ones, and the file order is another.
func random(r *rand.Rand) *scene {
	s := &scene{
		book: &runbooks.Runbook{ID: "weekend", Window: "window", BackOut: "back"}, back: &runbooks.Runbook{ID: "back"},
		run:   &run.Run{ID: "weekend-1", State: run.RunRunning, StartedAt: at(-r.IntN(300)), Steps: map[string]*run.Step{}},
		gates: map[string]forecast.Deciding{}, dates: map[string]time.Time{},
		window: forecast.Window{From: at(-400), Until: at(r.IntN(900) - 100)},
	}
	s.run.Started = run.Started{Runbook: "weekend", BackOut: "back", Production: true}
	n := 1 + r.IntN(10)
	turn := -1
	if r.IntN(3) > 0 {
		turn = r.IntN(n)
	}
	for i := range n {
		s.book.Steps = append(s.book.Steps, s.step(r, i, i == turn))
	}
	for _, st := range s.book.Steps {
		s.happen(r, st)
		s.run.Order = append(s.run.Order, st.ID)
	}
	for i := range r.IntN(n + 1) {
		b := &runbooks.Step{ID: fmt.Sprintf("b%d", i), Kind: runbooks.Manual, Takes: minutes(r.IntN(60))}
		if r.IntN(4) > 0 {
			b.Undoes = fmt.Sprintf("s%d", r.IntN(n))
		}
		if i > 0 && r.IntN(2) > 0 {
			b.Needs = append(b.Needs, fmt.Sprintf("b%d", r.IntN(i)))
		}
		if r.IntN(5) == 0 {
			b.NotBefore = "not-before-" + b.ID
			s.dates[b.NotBefore] = at(r.IntN(700) - 100)
		}
		s.back.Steps = append(s.back.Steps, b)
	}
	order := r.Perm(n)
	steps, ids := make([]*runbooks.Step, n), make([]string, n)
	for i, j := range order {
		steps[i], ids[i] = s.book.Steps[j], s.run.Order[j]
	}
	s.book.Steps, s.run.Order = steps, ids
	return s
}

func (s *scene) step(r *rand.Rand, i int, turn bool) *runbooks.Step {
	st := &runbooks.Step{ID: fmt.Sprintf("s%d", i), Kind: []runbooks.Kind{runbooks.Manual, runbooks.Command, runbooks.Wait}[r.IntN(3)],
		Takes: minutes(r.IntN(120)), PointOfNoReturn: turn}
	for j := range i {
		if r.IntN(3) == 0 {
			st.Needs = append(st.Needs, fmt.Sprintf("s%d", j))
		}
	}
	if st.Kind == runbooks.Wait {
		if st.WaitBody.For = minutes(1 + r.IntN(60)); r.IntN(2) == 0 {
			st.WaitBody = runbooks.WaitBody{Until: st.ID}
			if r.IntN(4) > 0 {
				s.dates[st.ID] = at(r.IntN(400) - 100)
			}
		}
	}
	if r.IntN(5) == 0 {
		st.NotBefore = "not-before-" + st.ID
		s.dates[st.NotBefore] = at(r.IntN(400) - 100)
	}
	if r.IntN(4) == 0 {
		st.AfterGate = fmt.Sprintf("g%d", r.IntN(2))
		s.gates[st.AfterGate] = forecast.Deciding{Through: r.IntN(4) == 0, DecideBy: at(r.IntN(300) - 50)}
		if d := s.gates[st.AfterGate]; r.IntN(2) == 0 {
			d.OpensAt = d.DecideBy.Add(-minutes(r.IntN(100)))
			s.gates[st.AfterGate] = d
		}
	}
	return st
}

// happen lets things happen to a step, when what it needs is settled.
func (s *scene) happen(r *rand.Rand, st *runbooks.Step) {
	f := &run.Step{State: run.Waiting}
	f.ID, f.Kind, f.Takes, f.Changes, f.AfterGate, f.NoReturn = st.ID, string(st.Kind), st.Takes, st.Changes(), st.AfterGate, st.PointOfNoReturn
	s.run.Started.Steps = append(s.run.Started.Steps, f.StepDef)
	s.run.Steps[st.ID] = f
	free := s.gates[st.AfterGate].Through || st.AfterGate == ""
	begins := s.run.StartedAt
	for _, n := range st.Needs {
		need := s.run.Steps[n]
		free = free && need.State.Settled()
		if need.FinishedAt.After(begins) {
			begins = need.FinishedAt
		}
	}
	if !free || r.IntN(5) == 0 {
		return
	}
	states := []run.StepState{run.Done, run.Done, run.Done, run.Skipped, run.Running, run.WaitingForPerson, run.Verifying, run.Failed, run.Uncertain}
	f.State, f.Attempt, f.AskedAt = states[r.IntN(len(states))], 1, begins
	switch f.State {
	case run.Skipped:
		f.Attempt, f.AskedAt, f.FinishedAt = 0, time.Time{}, begins
	case run.Done, run.Failed, run.Uncertain:
		f.FinishedAt = begins.Add(time.Duration(r.Int64N(int64(now.Sub(begins)) + 1)))
	}
	s.run.NoReturn = s.run.NoReturn || st.PointOfNoReturn && f.Attempt > 0
}

// oracle answers by the rules alone, without regard to what it costs.
type oracle struct {
	*scene
	deadlines bool                 // gates decide at their deadline
	gateNot   map[string]time.Time // gates do not open before this
	longer    map[string]time.Duration
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (o oracle) state(id string) run.StepState { return o.run.Steps[id].State }

func (o oracle) toCome(id string) bool { return o.state(id) == run.Waiting }

func (o oracle) open(id string) bool { return !o.state(id).Settled() }

func (o oracle) takes(id string) time.Duration {
	st := o.book.Step(id)
	d := st.Takes
	if st.Kind == runbooks.Wait {
		d = st.WaitBody.For
	}
	return d + o.longer[id]
}

func (o oracle) start(id string) time.Time {
	f, st := o.run.Steps[id], o.book.Step(id)
	if !o.toCome(id) {
		if f.AskedAt.IsZero() {
			return f.FinishedAt
		}
		return f.AskedAt
	}
	from := later(now, o.dates[st.NotBefore])
	for _, n := range st.Needs {
		from = later(from, o.end(n))
	}
	if g, ok := o.gates[st.AfterGate]; ok && !g.Through {
		from = later(from, g.OpensAt)
		from = later(from, o.gateNot[st.AfterGate])
		if o.deadlines {
			from = later(from, g.DecideBy)
		}
	}
	return from
}

func (o oracle) end(id string) time.Time {
	f, st := o.run.Steps[id], o.book.Step(id)
	from := o.start(id)
	switch f.State {
	case run.Done, run.Skipped:
		return f.FinishedAt
	case run.Failed, run.Uncertain:
		from = now // it was begun: no date holds it any more
	}
	end := later(from.Add(o.takes(id)), now)
	if st.Kind == runbooks.Wait && st.WaitBody.Until != "" {
		end = later(end, o.dates[st.WaitBody.Until].Add(o.longer[id]))
	}
	return end
}

func (o oracle) runEnd() time.Time {
	last := now
	for _, id := range o.run.Order {
		last = later(last, o.end(id))
	}
	return last
}

// after reports whether a step is, or comes after, a point of no return that is to come.
func (o oracle) after(id string) bool {
	st := o.book.Step(id)
	return st.PointOfNoReturn && o.toCome(id) || slices.ContainsFunc(st.Needs, o.after)
}

// turn is the last moment at which the run can be backed out.
func (o oracle) turn() time.Time {
	for _, st := range o.book.Steps {
		if st.PointOfNoReturn && o.toCome(st.ID) {
			return o.start(st.ID)
		}
	}
	return o.runEnd()
}

// back is when a back-out ends that begins at an instant, undoing what was begun.
func (o oracle) back(from time.Time, begun func(id string) bool) time.Time {
	if !o.undoes(begun) {
		return from
	}
	var ends func(b *runbooks.Step) time.Time
	ends = func(b *runbooks.Step) time.Time {
		end := from
		for _, n := range b.Needs {
			end = later(end, ends(o.scene.back.Step(n)))
		}
		if b.Undoes == "" || begun(b.Undoes) {
			end = later(end, o.dates[b.NotBefore]).Add(b.Takes)
		}
		return end
	}
	last := from
	for _, b := range o.scene.back.Steps {
		last = later(last, ends(b))
	}
	return last
}

func (o oracle) undoes(begun func(id string) bool) bool {
	return slices.ContainsFunc(o.scene.back.Steps, func(b *runbooks.Step) bool { return b.Undoes != "" && begun(b.Undoes) })
}

func (o oracle) wasBegun(id string) bool { return o.run.Steps[id].Attempt > 0 }

// flies reports whether a step changes something and is at it, or will be, without a person.
func (o oracle) flies(id string) bool {
	f := o.run.Steps[id]
	switch f.State {
	case run.Running, run.Verifying:
		return f.Changes
	case run.WaitingForPerson:
		return false
	}
	return f.Changes && o.book.Step(id).Kind != runbooks.Manual
}

// scenes runs a check on many scenes.
func scenes(t *testing.T, check func(t *testing.T, r *rand.Rand, s *scene)) {
	t.Helper()
	t.Parallel()
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 11))
		check(t, r, random(r))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
