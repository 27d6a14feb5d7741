package forecast_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/diag"
	"skift/internal/forecast"
	"skift/internal/journal"
	"skift/internal/run"
	"skift/runbooks"
)

const weekend = `
runbook: weekend
window: cutover
back_out: back-out
steps:
  stop:   {owner: ibm/operator, takes: 30m, change: transition, manual: Stop}
  copy:   {owner: ibm/operator, needs: [stop], takes: 2h, change: transition, command: [copy]}
  count:  {owner: ibm/operator, needs: [stop], takes: 1h, manual: Count}
  settle: {needs: [copy, count], wait: 10m}
  prove:  {needs: [settle], takes: 20m, check: cert}
  open:   {owner: ibm/operator, needs: [prove], after_gate: open-go, takes: 15m, point_of_no_return: true, change: transition, manual: Open}
  tell:   {needs: [open], message: {audience: all, report: weekly}}
`

const backOut = `
runbook: back-out
steps:
  copy-back: {owner: ibm/operator, takes: 40m, undoes: copy, change: transition, manual: Set aside}
  stop-back: {owner: ibm/operator, needs: [copy-back], takes: 20m, undoes: stop, change: transition, manual: Reopen}
  tell:      {needs: [stop-back], message: {audience: all, report: weekly}}
`

// books reads runbooks.
func books(t testing.TB, sources ...string) map[string]*runbooks.Runbook {
	t.Helper()
	out := map[string]*runbooks.Runbook{}
	for _, src := range sources {
		var problems diag.List
		b, ok := runbooks.Read("test.yaml", []byte(src), &problems)
		if !ok || problems.Len() > 0 {
			t.Fatal(problems.Err())
		}
		out[b.ID] = b
	}
	return out
}

// stage is a journal with its facts.
type stage struct {
	t     testing.TB
	books map[string]*runbooks.Runbook
	facts run.Facts
	seq   int64
	world forecast.World
}

func newStage(t testing.TB, sources ...string) *stage {
	s := &stage{t: t, books: books(t, sources...)}
	s.world = forecast.World{
		Runs:   &s.facts,
		Book:   func(r *run.Run) *runbooks.Runbook { return s.books[r.Started.Runbook] },
		Named:  func(_ *run.Run, id string) *runbooks.Runbook { return s.books[id] },
		Window: func(forecast.For) forecast.Window { return forecast.Window{From: at(0), Until: at(480)} },
		Gate:   func(*run.Run, string) forecast.Deciding { return forecast.Deciding{DecideBy: at(240)} },
	}
	return s
}

func (s *stage) add(minute int, kind, runID, step string, body any) {
	s.t.Helper()
	s.seq++
	if err := s.facts.Apply(journal.Event{Seq: s.seq, At: at(minute), Kind: kind, Run: runID, Subject: step, Body: run.Body(body)}); err != nil {
		s.t.Fatal(err)
	}
}

// start begins a run of a runbook.
func (s *stage) start(minute int, id, book string, change func(*run.Started)) {
	b := run.Started{Runbook: book, BackOut: s.books[book].BackOut, Environment: "prod", Production: true}
	for _, st := range s.books[book].Steps {
		b.Steps = append(b.Steps, run.StepDef{ID: st.ID, Kind: string(st.Kind), Owner: st.Owner, Takes: st.Takes, Changes: st.Changes(), NoReturn: st.PointOfNoReturn, AfterGate: st.AfterGate})
	}
	if change != nil {
		change(&b)
	}
	s.add(minute, run.RunStarted, id, "", b)
}

func (s *stage) begin(minute int, id, step string, b run.Begun) {
	if b.State == "" {
		b.State = run.Running
	}
	if b.Attempt == 0 {
		b.Attempt = 1
	}
	s.add(minute, run.StepStarted, id, step, b)
}

func (s *stage) end(minute int, id, step string, to run.StepState) {
	s.add(minute, run.StepFinished, id, step, run.Finished{State: to, Attempt: s.facts.Runs[id].Steps[step].Attempt})
}

func (s *stage) of(id string, minute int) *forecast.Forecast {
	return forecast.Of(s.world, s.facts.Runs[id], at(minute))
}

// minute is an instant as minutes from the beginning; −1 = none.
func minute(t time.Time) int {
	if t.IsZero() {
		return -1
	}
	return int(t.Sub(now) / time.Minute)
}

// ends tells when each step begins and ends.
func ends(f *forecast.Forecast) map[string][2]int {
	out := map[string][2]int{}
	for _, s := range f.Steps {
		out[s.ID] = [2]int{minute(s.Start), minute(s.End)}
	}
	return out
}

func wantEnds(t *testing.T, f *forecast.Forecast, want map[string][2]int) {
	t.Helper()
	if d := cmp.Diff(want, ends(f)); d != "" {
		t.Errorf("begin and end, in minutes (-want +got):\n%s", d)
	}
}

func TestAWeekend(t *testing.T) {
	t.Parallel()
	s := newStage(t, weekend, backOut)
	want := map[string][2]int{"stop": {0, 30}, "copy": {30, 150}, "count": {30, 90}, "settle": {150, 160}, "prove": {160, 180}, "open": {180, 195}, "tell": {195, 195}}
	ahead := forecast.Ahead(s.world, s.books["weekend"], at(0), at(-60))
	wantEnds(t, ahead, want)
	s.start(0, "w", "weekend", nil)
	f := s.of("w", 0)
	wantEnds(t, f, want)
	if d := cmp.Diff(ahead.Gauge, f.Gauge); d != "" {
		t.Errorf("the gauge before it begins and when it does (-before +then):\n%s", d)
	}
	if d := cmp.Diff([]string{"stop", "copy", "settle", "prove", "open", "tell"}, f.Path); d != "" {
		t.Errorf("path (-want +got):\n%s", d)
	}
	if st, _ := f.Step("count"); st.Slack != time.Hour || st.Critical {
		t.Errorf("count: %+v", st)
	}
	if d := cmp.Diff([]string{"tell"}, f.Unestimated); d != "" || !f.LowerBound() {
		t.Errorf("not estimated (-want +got):\n%s", d)
	}
	// The gate may take until minute 240; then all is taken back in an hour. The window ends at minute 480.
	g := f.Gauge
	if g.Back != forecast.CanBack || minute(g.End.At) != 195 || minute(g.BackNow.At) != 0 || minute(g.TurnAt) != 240 || minute(g.BackLast.At) != 300 || g.BackLast.Margin != 3*time.Hour {
		t.Errorf("gauge: %+v, back now %+v, last %+v", g, g.BackNow, g.BackLast)
	}
	if d := cmp.Diff([]forecast.Gate{{ID: "open-go", ReachedAt: at(180), DecideBy: at(240), EndBy: at(465), BackBy: at(420), Latest: at(420)}}, f.Gates); d != "" {
		t.Errorf("gates (-want +got):\n%s", d)
	}
}

func TestUnderWay(t *testing.T) {
	t.Parallel()
	s := newStage(t, weekend, backOut)
	s.start(0, "w", "weekend", nil)
	s.begin(0, "w", "stop", run.Begun{State: run.WaitingForPerson})
	s.end(40, "w", "stop", run.Done)
	s.begin(40, "w", "copy", run.Begun{})
	s.begin(40, "w", "count", run.Begun{State: run.WaitingForPerson})
	f := s.of("w", 110)
	// count is ten minutes late and ends now; the copy is what the end hangs on.
	wantEnds(t, f, map[string][2]int{"stop": {0, 40}, "copy": {40, 160}, "count": {40, 110}, "settle": {160, 170}, "prove": {170, 190}, "open": {190, 205}, "tell": {205, 205}})
	if st, _ := f.Step("count"); st.Late != 10*time.Minute || st.Slack != 50*time.Minute {
		t.Errorf("count: %+v", st)
	}
	if minute(f.PlannedEnd) != 195 {
		t.Errorf("planned end %d", minute(f.PlannedEnd))
	}
	// Turning around waits for the copy and then takes an hour.
	if got := minute(f.Gauge.BackNow.At); got != 220 {
		t.Errorf("back now at %d", got)
	}
	s.end(170, "w", "copy", run.Failed)
	f = s.of("w", 180)
	if st, _ := f.Step("copy"); minute(st.End) != 300 || minute(st.Start) != 40 || st.Late != 20*time.Minute {
		t.Errorf("a copy that failed is begun again now: %+v", st)
	}
	if got := minute(f.Gauge.BackNow.At); got != 240 {
		t.Errorf("back now at %d", got)
	}
}

// TestTheWayBackEnds: past the point of no return, while backing out, and with nobody to undo it.
func TestTheWayBackEnds(t *testing.T) {
	t.Parallel()
	s := newStage(t, weekend, backOut)
	s.start(0, "w", "weekend", nil)
	for _, step := range []string{"stop", "copy"} {
		s.begin(1, "w", step, run.Begun{})
		s.end(10, "w", step, run.Done)
	}
	s.add(20, run.RunWasHeld, "w", "", run.Ended{Reason: "backed out"})
	s.start(20, "b", "back-out", func(b *run.Started) { b.Undoes = "w" })
	s.begin(20, "b", "copy-back", run.Begun{State: run.WaitingForPerson})
	f := s.of("w", 30)
	if f.Gauge.Back != forecast.UnderWay || minute(f.End) != 80 || minute(f.Gauge.End.At) != 80 || len(f.Path) != 0 || len(f.Gates) != 0 {
		t.Errorf("while backing out: ends %d, path %v, gates %v, %+v", minute(f.End), f.Path, f.Gates, f.Gauge)
	}
	if st, _ := f.Step("settle"); !st.Start.IsZero() || st.Ended {
		t.Errorf("settle will not begin: %+v", st)
	}
	if back := s.of("b", 30); minute(back.End) != 80 || back.Gauge.Back != forecast.NoTwin || minute(back.Gauge.Window.Until) != 480 {
		t.Errorf("the back-out: ends %d, %+v", minute(back.End), back.Gauge)
	}
	s.add(40, run.RunEnded, "w", "", run.Ended{State: run.RunAborted})
	if f := s.of("w", 90); f.Gauge.Back != forecast.Over || minute(f.End) != 40 {
		t.Errorf("ended: %d %+v", minute(f.End), f.Gauge)
	}
	s.start(100, "w2", "weekend", nil)
	for _, step := range s.facts.Runs["w2"].Order[:6] {
		s.begin(101, "w2", step, run.Begun{})
	}
	if f := s.of("w2", 102); f.Gauge.Back != forecast.NoReturn || f.Gauge.BackNow != nil {
		t.Errorf("past the point of no return: %+v", f.Gauge)
	}
}

const outer = `
runbook: outer
back_out: outer-back
steps:
  first: {owner: ibm/operator, takes: 10m, change: transition, manual: First}
  inner: {needs: [first], runbook: inner}
  last:  {owner: ibm/operator, needs: [inner], takes: 5m, manual: Last}
`

const inner = `
runbook: inner
steps:
  a:    {owner: ibm/operator, takes: 30m, change: transition, command: [a]}
  turn: {owner: ibm/operator, needs: [a], takes: 20m, point_of_no_return: true, change: transition, manual: Turn}
`

const outerBack = `
runbook: outer-back
steps:
  back: {owner: ibm/operator, takes: 1h, undoes: first, change: transition, manual: Back}
`

func TestNested(t *testing.T) {
	t.Parallel()
	s := newStage(t, outer, inner, outerBack)
	s.start(0, "o", "outer", nil)
	f := s.of("o", 0)
	wantEnds(t, f, map[string][2]int{"first": {0, 10}, "inner": {10, 60}, "last": {60, 65}})
	if minute(f.Gauge.TurnAt) != 40 || minute(f.Gauge.BackLast.At) != 100 {
		t.Errorf("the point of no return lies inside: %+v, back %+v", f.Gauge, f.Gauge.BackLast)
	}
	s.begin(0, "o", "first", run.Begun{})
	s.end(10, "o", "first", run.Done)
	s.begin(10, "o", "inner", run.Begun{Child: "i"})
	s.start(10, "i", "inner", func(b *run.Started) { b.Parent, b.ParentStep = "o", "inner" })
	s.begin(25, "i", "a", run.Begun{})
	f = s.of("o", 30)
	wantEnds(t, f, map[string][2]int{"first": {0, 10}, "inner": {10, 75}, "last": {75, 80}})
	if minute(f.Gauge.TurnAt) != 55 || minute(f.Gauge.BackNow.At) != 115 || minute(f.Gauge.BackLast.At) != 115 {
		t.Errorf("under way inside: turn %d, back now %d, last %d", minute(f.Gauge.TurnAt), minute(f.Gauge.BackNow.At), minute(f.Gauge.BackLast.At))
	}
	s.world.Changes = map[forecast.Ref]forecast.Change{{Run: "i", Step: "a"}: {By: time.Hour}}
	wantEnds(t, s.of("o", 30), map[string][2]int{"first": {0, 10}, "inner": {10, 135}, "last": {135, 140}})
}

// TestRehearsal: waits are shortened, dates do not bind, and the window is one of the same length.
func TestRehearsal(t *testing.T) {
	t.Parallel()
	s := newStage(t, weekend, backOut)
	s.books["weekend"].Steps[0].NotBefore = "later"
	s.world.Moment = func(forecast.For, string) (time.Time, bool) { return at(10000), true }
	s.start(1000, "w", "weekend", func(b *run.Started) { b.Rehearsal, b.Speed = true, 10 })
	f := s.of("w", 1000)
	if w := f.Gauge.Window; minute(w.From) != 1000 || minute(w.Until) != 1480 {
		t.Errorf("window %+v", w)
	}
	if st, _ := f.Step("settle"); minute(st.Start) != 1150 || minute(st.End) != 1151 {
		t.Errorf("settle: %+v", st)
	}
}

func TestDatesBind(t *testing.T) {
	t.Parallel()
	s := newStage(t, `
runbook: dated
steps:
  a: {takes: 10m, owner: ibm/operator, not_before: cutover.start, manual: A}
  b: {needs: [a], wait: {until: cutover.end}}
  c: {needs: [b], wait: {until: never}}
`)
	dates := map[string]time.Time{"cutover.start": at(60), "cutover.end": at(90)}
	s.world.Moment = func(_ forecast.For, expr string) (time.Time, bool) { at, ok := dates[expr]; return at, ok }
	s.start(0, "d", "dated", nil)
	f := s.of("d", 0)
	wantEnds(t, f, map[string][2]int{"a": {60, 70}, "b": {70, 90}, "c": {90, 90}})
	if !slices.Equal(f.Unestimated, []string{"c"}) || !slices.Equal(f.Path, []string{"b", "c"}) {
		t.Errorf("not estimated %v, path %v", f.Unestimated, f.Path)
	}
	if st, _ := f.Step("a"); st.Slack != 20*time.Minute {
		t.Errorf("a: %+v", st)
	}
}

// TestAddedStep: a step that was put into a run stands between those it needs and those that need it.
func TestAddedStep(t *testing.T) {
	t.Parallel()
	s := newStage(t, weekend, backOut)
	s.start(0, "w", "weekend", nil)
	s.add(0, run.StepAdded, "w", "look-again", run.Added{Step: run.StepDef{ID: "look-again", Kind: "manual", Owner: "ibm/operator", Takes: 45 * time.Minute}, Needs: []string{"settle"}, Before: []string{"prove"}})
	f := s.of("w", 0)
	wantEnds(t, f, map[string][2]int{"stop": {0, 30}, "copy": {30, 150}, "count": {30, 90}, "settle": {150, 160}, "look-again": {160, 205}, "prove": {205, 225}, "open": {225, 240}, "tell": {240, 240}})
	if d := cmp.Diff([]string{"stop", "copy", "settle", "look-again", "prove", "open", "tell"}, f.Path); d != "" {
		t.Errorf("path (-want +got):\n%s", d)
	}
}

// TestIssues: what is wrong with a step takes the time that was estimated for it.
func TestIssues(t *testing.T) {
	t.Parallel()
	s := newStage(t, weekend, backOut)
	s.start(0, "w", "weekend", nil)
	s.begin(0, "w", "stop", run.Begun{})
	s.add(10, run.StepFlagged, "w", "stop", run.Flagged{Reason: "it hangs", Fix: 20 * time.Minute})
	s.add(10, run.StepFlagged, "w", "copy", run.Flagged{Reason: "the disk is full", Fix: 2 * time.Hour})
	f := s.of("w", 10)
	if st, _ := f.Step("stop"); minute(st.End) != 50 {
		t.Errorf("half an hour and twenty minutes of mending: %+v", st)
	}
	if st, _ := f.Step("copy"); minute(st.Start) != 130 || minute(st.End) != 250 {
		t.Errorf("not begun before it is mended: %+v", st)
	}
	s.add(20, run.StepFlagged, "w", "copy", run.Flagged{Reason: "nobody knows"})
	if f := s.of("w", 20); !slices.Contains(f.Unestimated, "copy") {
		t.Errorf("an issue without an estimate is not known: %v", f.Unestimated)
	}
}

// TestCircles: what no valid plan or journal has must not keep a forecast from ending.
func TestCircles(t *testing.T) {
	t.Parallel()
	s := newStage(t, outer, inner, outerBack)
	s.books["inner"].Steps[0].Kind, s.books["inner"].Steps[0].Runbook = runbooks.Nested, "outer"
	s.books["outer"].Steps[0].Needs = []string{"last"}
	s.start(0, "o", "outer", nil)
	if f := s.of("o", 0); f.End.Before(at(0)) {
		t.Errorf("%+v", f)
	}
}
