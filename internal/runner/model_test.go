package runner_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"skift/internal/freeze"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
)

// modelDepth is how many controls follow each other. Everything that differs is tried, in every order.
const modelDepth = 7

// The model's runbook has what must not be passed: a gate, a frozen zone, a point of no return, and steps that are done once.
var modelBooks = map[string]string{
	"weekend": `runbook: weekend
back_out: back
steps:
  ask: {owner: ibm/operator, manual: Ready?}
  turn: {needs: [ask], after_gate: go, owner: ibm/operator, command: [./turn], change: transition, switches: [gateway]}
  open: {needs: [turn], owner: ibm/operator, command: [./open], point_of_no_return: true}
`,
	"back": "  unturn: {owner: ibm/operator, command: [./unturn], undoes: turn}\n",
}

// modelPlan is the plan of the other tests with a gate that one seat decides, and none that time decides.
func modelPlan(t testing.TB) *plan.Plan {
	yaml := strings.Replace(base, "go: {asks: Go?, poll: [ibm/operator, sse/operator], decides: kombit/chair}", "go: {asks: Go?, decides: kombit/chair}", 1)
	before, after, _ := strings.Cut(yaml, "  timed: {")
	_, after, _ = strings.Cut(after, "\n")
	return load(t, before+after, modelBooks)
}

// zone is a calendar with one frozen zone, which somebody puts into force and out of it.
type zone struct {
	calendar
	frozen bool
}

func (z *zone) Freeze(*plan.Plan, *register.Facts, freeze.Question) freeze.Answer {
	return freeze.Answer{Allowed: !z.frozen}
}

// state is where the model stands: what is in its journal, and whether the zone is in force.
type state struct {
	events []journal.Event
	frozen bool
	freeze []int // how many events there were each time the zone came into force or went
	depth  int
	way    string
}

// at is a process over the journal of a state.
func (s *state) at(t testing.TB, p *plan.Plan) (*bench, *zone) {
	z := &zone{frozen: s.frozen}
	b := newBench(t, p, z, slices.Clone(s.events))
	b.r.Drive()
	return b, z
}

// move is one thing that somebody or something does.
type move struct {
	name string
	do   func(t testing.TB, b *bench, z *zone) error
}

// moves lists everything that can be done: the controls, what becomes of effects, a crash, and the zone.
func moves() []move {
	var out []move
	give := func(name string, c runner.Command) {
		c.As, c.EnteredBy = "kombit/chair", "uid-1000"
		if c.Reason == "" {
			c.Reason = "because"
		}
		out = append(out, move{name, func(t testing.TB, b *bench, _ *zone) error {
			_, err := b.r.Do(t.Context(), c)
			return err
		}})
	}
	for _, book := range []string{"weekend", "back"} {
		give("start "+book, runner.Command{Do: runner.DoStart, Runbook: book})
		for _, do := range []string{runner.DoPause, runner.DoResume, runner.DoHold, runner.DoRelease, runner.DoAbort} {
			give(do+" "+book, runner.Command{Do: do, Run: book})
		}
		give("give up "+book, runner.Command{Do: runner.DoAbort, Run: book, Answer: "failed"})
	}
	for _, answer := range []register.Answer{register.Go, register.NoGo} {
		give("vote "+string(answer), runner.Command{Do: runner.DoVote, Gate: "go", Answer: string(answer)})
	}
	for step, book := range map[string]string{"ask": "weekend", "turn": "weekend", "open": "weekend", "unturn": "back"} {
		for _, say := range []string{"done", "fail", "skip", "retry", "hold", "release"} {
			give(say+" "+step, runner.Command{Do: runner.DoStep, Run: book, Step: step, Answer: say})
		}
		for _, end := range []run.StepState{run.Done, run.Failed, run.Uncertain} {
			out = append(out, move{step + " ends " + string(end), func(t testing.TB, b *bench, _ *zone) error { return b.settle(t, step, end) }})
		}
	}
	for _, seat := range []string{"kombit/chair", "kombit/manager", "ibm/operator"} { // the second word of the same party, and of another
		out = append(out, move{"back out past open as " + seat, func(t testing.TB, b *bench, _ *zone) error {
			_, err := b.r.Do(t.Context(), runner.Command{Do: runner.DoBackOut, Run: "weekend", Step: "open", As: seat, EnteredBy: "whoever sits in " + seat, Reason: "because"})
			return err
		}}, move{"confirm as " + seat, func(t testing.TB, b *bench, _ *zone) error {
			var asked int64
			b.ledger.Read(func(f *ledger.Facts) {
				for _, o := range f.Register.Overrides {
					asked = o.Seq
				}
			})
			_, err := b.r.Do(t.Context(), runner.Command{Do: runner.DoConfirm, Event: asked, As: seat, EnteredBy: "whoever sits in " + seat})
			return err
		}})
	}
	give("back out", runner.Command{Do: runner.DoBackOut, Run: "weekend"})
	give("add around", runner.Command{Do: runner.DoStep, Run: "weekend", Step: "around", Answer: "add",
		File: []byte("{needs: [ask], owner: ibm/operator, command: [./turn], change: transition}")})
	out = append(out,
		move{"crash", func(t testing.TB, b *bench, _ *zone) error { return b.r.Recover(t.Context()) }},
		move{"the zone", func(t testing.TB, b *bench, z *zone) error {
			z.frozen = !z.frozen
			return b.r.Look(t.Context(), time.Now())
		}})
	slices.SortFunc(out, func(x, y move) int { return strings.Compare(x.name, y.name) })
	return out
}

// settle ends a step's work if it is being done.
func (b *bench) settle(t testing.TB, step string, to run.StepState) error {
	id, attempt := "", 0
	b.ledger.Read(func(f *ledger.Facts) {
		for _, o := range f.Runs.Order {
			if st := f.Runs.Runs[o].Steps[step]; st != nil && st.State == run.Running {
				id, attempt = o, st.Attempt
			}
		}
	})
	if id == "" {
		return nil
	}
	return b.r.Settle(t.Context(), id, step, run.Finished{State: to, Attempt: attempt, Reason: "as it came"})
}

// key is all of a state that what happens next can depend on. Numbers of events, attempts and rounds are left out: nothing is decided
// by them but whether there was one.
func (b *bench) key(z *zone) string {
	var k strings.Builder
	b.ledger.Read(func(f *ledger.Facts) {
		for _, id := range f.Runs.Order {
			r := f.Runs.Runs[id]
			fmt.Fprintf(&k, "%s %s %s/%s/%s %v%v %s p%v\n", id, r.State, r.HeldStep, r.HeldGate, r.HeldBy.Seat, r.Changed, r.NoReturn, r.Started.Undoes, slices.SortedFunc(maps.Keys(r.Paused), func(x, y run.Part) int { return strings.Compare(fmt.Sprint(x), fmt.Sprint(y)) }))
			for _, sid := range r.Order {
				st := r.Steps[sid]
				fmt.Fprintf(&k, " %s %s %v %v\n", sid, st.State, st.Attempt > 0, st.Services)
			}
		}
		g := f.Register.Gate(register.GateKey{Gate: "go"})
		said := ""
		if g.Decision != nil {
			said = string(g.Decision.Decision)
		}
		var used []string
		for _, e := range g.Earlier {
			used = append(used, e.UsedBy)
		}
		for _, o := range f.Register.Overrides {
			said += fmt.Sprint(" ", o.Run, o.Actor.Seat, o.ConfirmedBy.Seat)
		}
		fmt.Fprintf(&k, "%v %s %s %v %v %v", g.Round > 0, said, g.UsedBy, used, f.Register.Phases, z.frozen)
	})
	return k.String()
}

// TestModel tries every sequence of controls on a small runbook, and of what may happen besides. However they follow each other,
// nothing passes the gate, the frozen zone or the point of no return, nothing that may not be repeated is begun twice without a
// person's word, nothing starts that is paused or held, and what ends leaves every step in a state that says so.
func TestModel(t *testing.T) {
	t.Parallel()
	p := modelPlan(t)
	all, seen := moves(), map[string]bool{}
	todo := []*state{{way: "nothing"}}
	began, tried, done := time.Now(), 0, 0
	for len(todo) > 0 {
		s := todo[0]
		todo = todo[1:]
		done++
		if s.depth == modelDepth {
			continue
		}
		b, z := s.at(t, p)
		for _, m := range all {
			tried++
			err := m.do(t, b, z)
			var refused *runner.Refusal
			if err != nil && !errors.As(err, &refused) {
				t.Fatalf("%s, %s: %v", s.way, m.name, err)
			}
			if len(b.store.Kept) == len(s.events) && z.frozen == s.frozen {
				continue // nothing was changed: the next move finds the same state
			}
			if err != nil {
				t.Fatalf("%s, %s: refused (%v), and something was changed", s.way, m.name, err)
			}
			next := &state{b.store.Kept, z.frozen, s.freeze, s.depth + 1, s.way + ", " + m.name}
			if z.frozen != s.frozen {
				next.freeze = append(slices.Clone(s.freeze), len(s.events))
			}
			for _, problem := range append(next.problems(p), b.unnamed()...) { // of every move, also of one to a state that is known
				t.Fatalf("%s: %s", next.way, problem)
			}
			if key := b.key(z); !seen[key] {
				seen[key] = true
				todo = append(todo, next)
			}
			b, z = s.at(t, p)
		}
	}
	t.Logf("%d controls, %d deep: %d states, %d moves tried, in %s", len(all), modelDepth, done, tried, time.Since(began).Round(time.Millisecond))
	if done < 1000 {
		t.Errorf("only %d states: the model proves little", done)
	}
}

// unnamed lists steps of runs that have ended and stand as if they went on.
func (b *bench) unnamed() (out []string) {
	b.ledger.Read(func(f *ledger.Facts) {
		for _, r := range f.Runs.Runs {
			for _, st := range r.Steps {
				if r.State.Final() && !slices.Contains([]run.StepState{run.Done, run.Skipped, run.Failed, run.Uncertain, run.Cancelled}, st.State) {
					out = append(out, fmt.Sprintf("%s is %s, and %s of it is %s", r.ID, r.State, st.ID, st.State))
				}
			}
		}
	})
	return out
}

// problems lists what must not be in the journal of a state and is.
func (s *state) problems(p *plan.Plan) []string {
	out := invariants(s.events, shelf{p.Hash: p})
	return append(out, s.passed()...)
}

// passed lists what nobody may pass and was passed.
func (s *state) passed() (out []string) {
	bad := func(e journal.Event, text string) {
		out = append(out, fmt.Sprintf("event %d %s %s/%s: %s", e.Seq, e.Kind, e.Run, e.Subject, text))
	}
	begun, retried, beyond := map[string]bool{}, map[string]bool{}, map[string]bool{}
	undone, undoes := map[string]bool{}, map[string]string{}
	for i, e := range s.events {
		key := e.Run + "/" + e.Subject
		switch e.Kind {
		case run.RunStarted:
			var b run.Started
			mustRead(e, &b)
			if b.Undoes != "" && beyond[b.Undoes] && !s.overridden(i, b.Undoes) {
				bad(e, "it backs out what is past its point of no return")
			}
			if b.Undoes != "" && undone[b.Undoes] {
				bad(e, "it undoes what was undone")
			}
			undoes[e.Run] = b.Undoes
		case run.RunEnded:
			var b run.Ended
			mustRead(e, &b)
			undone[undoes[e.Run]] = undone[undoes[e.Run]] || undoes[e.Run] != "" && b.State == run.RunDone
		case run.StepRetried:
			retried[key] = e.Actor.Seat != ""
		case run.StepStarted:
			if begun[key] && !retried[key] {
				bad(e, "begun again without a person's word")
			}
			if (e.Subject == "turn" || e.Subject == "around") && s.frozenAt(i) {
				bad(e, "begun in a frozen zone")
			}
			if e.Subject == "around" && !begun[e.Run+"/turn"] {
				bad(e, "added around the gate")
			}
			begun[key], retried[key] = true, false
			beyond[e.Run] = beyond[e.Run] || e.Subject == "open"
		case run.StepFinished:
			var b run.Finished
			mustRead(e, &b)
			switch {
			case b.State == run.Skipped && (e.Subject == "turn" || e.Subject == "open"):
				bad(e, "skipped, which is a way around")
			case b.State == run.Done && !begun[key]:
				bad(e, "done without having begun")
			}
		}
	}
	return out
}

// overridden reports whether two seats of different parties, in which different persons sit, wanted what begins with an event: one asked
// for it by name, and the other's word stands right before it.
func (s *state) overridden(i int, id string) bool {
	if i == 0 || s.events[i-1].Kind != register.OverrideConfirmed || s.events[i-1].Subject != id {
		return false
	}
	var b register.Confirmed
	mustRead(s.events[i-1], &b)
	for _, e := range s.events[:i] {
		if e.Seq == b.Event && e.Kind == register.OverrideAsked && e.Subject == id {
			var asked register.Override
			mustRead(e, &asked)
			one, two := e.Actor, s.events[i-1].Actor
			return asked.Past == "open" && plan.SeatParty(one.Seat) == "kombit" && plan.SeatParty(two.Seat) == "ibm" && one.EnteredBy != two.EnteredBy
		}
	}
	return false
}

// frozenAt reports whether the zone was in force when an event was written.
func (s *state) frozenAt(i int) bool {
	n := 0
	for _, from := range s.freeze {
		if from <= i {
			n++
		}
	}
	return n%2 == 1
}
