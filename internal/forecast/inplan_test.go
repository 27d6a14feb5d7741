package forecast_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/forecast"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/timeline"
)

// twoWeekends is a cut-over that is split in two, a week apart, with gates and dates in the runbook, in one inside and in the back-out.
const twoWeekends = `
plan: test
title: Test
timezone: UTC
language: en
parties: {kombit: {role: customer}, ibm: {role: new-supplier}, sse: {role: old-supplier}}
seats: {kombit/chair: {}, ibm/operator: {}}
environments: {prod: {production: true}}
platforms: {old: {party: sse, networks: [198.51.100.0/24]}, new: {party: ibm, networks: [203.0.113.0/24]}}
services: {gateway: {in: {prod: {old: {addr: "198.51.100.10:443"}, new: {addr: "203.0.113.10:443"}}}}}
checks: {cert: {kind: tls, service: gateway}}
milestones:
  cutover: {kind: window, from: "2019-11-09 00:00", until: "2019-11-10 18:00", runbook: weekend}
  cutover-2: {kind: window, from: "2019-11-16 00:00", until: "2019-11-17 18:00", runbook: weekend}
gates:
  go: {asks: Go?, opens: cutover.start - 24h, decide_by: cutover.start - 4h, decides: kombit/chair}
  open-go: {asks: Open?, decide_by: cutover.end - 3h, decides: kombit/chair}
`

var twoWeekendBooks = map[string]string{
	"weekend": `runbook: weekend
window: cutover
back_out: back
steps:
  stop: {after_gate: go, owner: ibm/operator, takes: 30m, change: transition, manual: Stop}
  in: {needs: [stop], runbook: inner}
  turn: {needs: [in], owner: ibm/operator, takes: 20m, command: [turn], change: transition, not_before: cutover.start + 6h}
  rest: {needs: [turn], wait: {until: cutover.end - 20h}}
  open: {needs: [rest], after_gate: open-go, owner: ibm/operator, takes: 1h, manual: Open, change: transition, point_of_no_return: true}
`,
	"inner": `runbook: inner
steps:
  copy: {owner: ibm/operator, takes: 3h, command: [copy], change: transition, not_before: cutover.start + 2h}
  ask: {needs: [copy], owner: ibm/operator, takes: 10m, manual: Ask}
`,
	"back": `runbook: back
steps:
  unturn: {owner: ibm/operator, takes: 30m, undoes: turn, manual: Turn back, not_before: cutover.start + 12h}
  start: {needs: [unturn], owner: ibm/operator, takes: 45m, undoes: stop, manual: Start}
`,
}

func loadPlan(t *testing.T, yaml string, books map[string]string) *plan.Plan {
	t.Helper()
	fsys := fstest.MapFS{plan.File: {Data: []byte(yaml)}}
	for id, text := range books {
		fsys["runbooks/"+id+".yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	p, problems := plan.Load(fsys)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

// part is one weekend of the plan as it goes, at random: how far it has come, and how its gates stand.
type part struct {
	t    *testing.T
	plan *plan.Plan
	runs run.Facts
	reg  register.Facts
	seq  int64
}

func (p *part) event(at time.Time, kind, runID, subject string, body any) {
	p.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	p.seq++
	e := journal.Event{Seq: p.seq, At: at, Kind: kind, Run: runID, Subject: subject, Body: data}
	if err := p.runs.Apply(e); err != nil {
		p.t.Fatal(err)
	}
	if err := p.reg.Apply(e); err != nil {
		p.t.Fatal(err)
	}
}

func (p *part) begin(at time.Time, id, book string, b run.Started) {
	b.Runbook, b.BackOut, b.Environment, b.Production, b.PlanHash = book, p.plan.Runbooks[book].BackOut, "prod", true, p.plan.Hash
	for _, s := range p.plan.Runbooks[book].Steps {
		b.Steps = append(b.Steps, run.StepDef{ID: s.ID, Kind: string(s.Kind), Owner: s.Owner, Takes: s.Takes, Changes: s.Changes(), NoReturn: s.PointOfNoReturn, AfterGate: s.AfterGate})
	}
	p.event(at, run.RunStarted, id, "", b)
}

func (p *part) step(at time.Time, id, step, child string, takes time.Duration) {
	p.event(at, run.StepStarted, id, step, run.Begun{State: run.Running, Attempt: 1, Child: child})
	if takes > 0 {
		p.event(at.Add(takes), run.StepFinished, id, step, run.Finished{State: run.Done, Attempt: 1})
	}
}

// play lets a weekend go at random from its beginning; the random numbers alone say how far.
func play(t *testing.T, p *plan.Plan, milestone string, from time.Time, r *rand.Rand) (f *forecast.Forecast, begun bool) {
	w := &part{t: t, plan: p}
	w.event(from.AddDate(0, -1, 0), register.PlanAdopted, "", "", register.Adopted{Hash: p.Hash, First: true})
	if milestone == "cutover-2" {
		w.event(from.AddDate(0, 0, -6), register.MilestonePassed, "", "cutover", register.Passed{})
	}
	at := from.Add(time.Duration(r.IntN(600)) * time.Minute)
	now := at
	begun = r.IntN(4) > 0
	tl := func() *timeline.Timeline { return timeline.At(p, &w.reg, now) }
	if !begun {
		now = from.Add(-time.Duration(r.IntN(2000)) * time.Minute)
		world := forecast.InPlan(p, &w.runs, &w.reg, tl(), nil)
		book := p.Runbooks["weekend"]
		return forecast.Ahead(world, book, world.Begins(book), now), false
	}
	w.begin(at, "w", "weekend", run.Started{Milestone: milestone})
	if r.IntN(3) > 0 {
		w.step(at, "w", "stop", "", 40*time.Minute)
		at = at.Add(40 * time.Minute)
		if r.IntN(3) > 0 {
			w.step(at, "w", "in", "i", 0)
			w.begin(at, "i", "inner", run.Started{Parent: "w", ParentStep: "in"})
			if r.IntN(2) > 0 {
				w.step(at.Add(2*time.Hour), "i", "copy", "", 0)
				at = at.Add(2 * time.Hour)
			}
		}
	}
	now = at.Add(time.Duration(r.IntN(300)) * time.Minute)
	return forecast.Of(forecast.InPlan(p, &w.runs, &w.reg, tl(), nil), w.runs.Runs["w"], now), true
}

// TestASecondWindowIsAsTheFirst: of the second weekend everything is forecast as of the first, a week later: steps, those inside, both ends
// of the gauge, its window, and the latest moment of each gate.
func TestASecondWindowIsAsTheFirst(t *testing.T) {
	t.Parallel()
	p := loadPlan(t, twoWeekends, twoWeekendBooks)
	first := time.Date(2019, 11, 9, 0, 0, 0, 0, time.UTC)
	count := map[string]int{}
	for seed := range uint64(300) {
		a, begun := play(t, p, "cutover", first, rand.New(rand.NewPCG(seed, 3)))
		b, _ := play(t, p, "cutover-2", first.AddDate(0, 0, 7), rand.New(rand.NewPCG(seed, 3)))
		if a.Gauge.Window.Until.IsZero() || len(a.Gates) == 0 || a.Gauge.BackLast == nil {
			t.Fatalf("seed %d: nothing is measured: %+v", seed, a.Gauge)
		}
		if d := cmp.Diff(shown(a, 0), shown(b, -7*24*time.Hour)); d != "" {
			t.Fatalf("seed %d, begun %v (-first +second, a week earlier):\n%s", seed, begun, d)
		}
		for _, g := range a.Gates {
			count[fmt.Sprintf("%s, dated %v", g.ID, !g.Latest.IsZero() && !g.DecideBy.IsZero())]++
		}
	}
	if count["go, dated true"] < 100 || count["open-go, dated true"] < 250 {
		t.Errorf("the weekends are too much alike: %v", count)
	}
}

// shown is a forecast as text, at another time.
func shown(f *forecast.Forecast, by time.Duration) (out []string) {
	at := func(t time.Time) string {
		if t.IsZero() {
			return "–"
		}
		return t.Add(by).Format(time.DateTime)
	}
	for _, s := range f.Steps {
		out = append(out, fmt.Sprintf("%s planned %s–%s is %s–%s slack %s late %s", s.ID, at(s.PlannedStart), at(s.PlannedEnd), at(s.Start), at(s.End), s.Slack, s.Late))
	}
	g := f.Gauge
	out = append(out, fmt.Sprintf("window %s–%s end %s %s back %s turn %s", at(g.Window.From), at(g.Window.Until), at(g.End.At), g.End.Margin, g.Back, at(g.TurnAt)))
	for _, m := range []*forecast.Mark{g.BackNow, g.BackLast} {
		if m != nil {
			out = append(out, fmt.Sprintf("back at %s margin %s", at(m.At), m.Margin))
		}
	}
	for _, x := range f.Gates {
		out = append(out, fmt.Sprintf("gate %s reached %s by %s end %s back %s latest %s", x.ID, at(x.ReachedAt), at(x.DecideBy), at(x.EndBy), at(x.BackBy), at(x.Latest)))
	}
	return out
}

// TestMeasuredInNumbers: the second weekend of the plan, a minute before it begins.
func TestMeasuredInNumbers(t *testing.T) {
	t.Parallel()
	p := loadPlan(t, twoWeekends, twoWeekendBooks)
	now := time.Date(2019, 11, 15, 23, 59, 0, 0, time.UTC)
	reg, runs := &register.Facts{}, &run.Facts{}
	world := forecast.InPlan(p, runs, reg, timeline.At(p, reg, now), nil)
	f := forecast.Ahead(world, p.Runbooks["weekend"], world.Begins(p.Runbooks["weekend"]), now)
	got := shown(f, 0)[len(f.Steps):]
	// stop from 0:00, copying not before 2:00, turning not before 6:00, the rest lasts until 20 hours before the end, 22:00; then an hour.
	want := []string{
		"window 2019-11-16 00:00:00–2019-11-17 18:00:00 end 2019-11-16 23:00:00 19h0m0s back possible turn 2019-11-17 15:00:00",
		"back at 2019-11-16 00:00:00 margin 42h0m0s",
		"back at 2019-11-17 16:15:00 margin 1h45m0s",
		"gate go reached 2019-11-16 00:00:00 by 2019-11-15 20:00:00 end 2019-11-17 13:00:00 back 2019-11-17 12:45:00 latest 2019-11-17 12:45:00",
		"gate open-go reached 2019-11-16 22:00:00 by 2019-11-17 15:00:00 end 2019-11-17 17:00:00 back 2019-11-17 16:45:00 latest 2019-11-17 16:45:00",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
