package runner

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/run"
	"skift/runbooks"
)

// graph is a random runbook without cycles, and what facts need of it.
func graph(r *rand.Rand, n int) (*runbooks.Runbook, run.Started) {
	rb, body := &runbooks.Runbook{ID: "g"}, run.Started{Runbook: "g"}
	for i := range n {
		s := &runbooks.Step{ID: fmt.Sprintf("s%d", i), Repeatable: r.IntN(2) == 0}
		for j := range i {
			if r.IntN(4) == 0 {
				s.Needs = append(s.Needs, fmt.Sprintf("s%d", j))
			}
		}
		rb.Steps = append(rb.Steps, s)
		body.Steps = append(body.Steps, run.StepDef{ID: s.ID, Repeatable: s.Repeatable})
	}
	r.Shuffle(n, func(i, j int) { rb.Steps[i], rb.Steps[j] = rb.Steps[j], rb.Steps[i] })
	return rb, body
}

// TestReadinessIsTheRule: what is kept up to date event by event is what looking at every step says, on random runbooks and random
// moves, also after a decision that was not made.
func TestReadinessIsTheRule(t *testing.T) {
	t.Parallel()
	moved := 0
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 11))
		rb, body := graph(r, 2+r.IntN(12))
		l, err := ledger.Open(t.Context(), "p", &Memory{}, journal.Head{Plan: "p"})
		if err != nil {
			t.Fatal(err)
		}
		rr := &Runner{shared: &shared{}}
		for i := range 150 {
			undone := i > 0 && r.IntN(20) == 0
			_, err := l.Decide(t.Context(), func(tx *ledger.Tx) error {
				d := &decision{Tx: tx, r: rr}
				if i == 0 {
					_, err := d.Emit(run.RunStarted, "g-1", "", engine(), run.Body(body))
					return err
				}
				rn := d.Facts.Runs.Runs["g-1"]
				kept := d.readinessOf(rn, rb)
				for range 1 + r.IntN(3) {
					st := rn.Steps[rb.Steps[r.IntN(len(rb.Steps))].ID]
					legal := slices.DeleteFunc(run.Transitions(), func(m run.Transition) bool { return m.From != st.State })
					if len(legal) == 0 {
						continue
					}
					m := legal[r.IntN(len(legal))]
					var b any = run.Finished{State: m.To, Attempt: st.Attempt}
					if m.Event == run.StepStarted {
						b = run.Begun{State: m.To, Attempt: st.Attempt + 1}
					}
					if _, err := d.Emit(m.Event, "g-1", st.ID, engine(), run.Body(b)); err != nil {
						undone = true // a second start that nobody asked for
						return err
					}
					moved++
					compare(t, d, rn, rb, kept)
				}
				if undone {
					return fmt.Errorf("not made")
				}
				return nil
			})
			if err != nil && !undone {
				t.Fatal(err)
			}
		}
	}
	if moved < 1000 {
		t.Errorf("only %d moves: the test proves little", moved)
	}
}

func compare(t *testing.T, d *decision, rn *run.Run, rb *runbooks.Runbook, kept *readiness) {
	t.Helper()
	var want, got []string
	open := 0
	for _, s := range rb.Steps {
		if d.ready(rn, s) {
			want = append(want, s.ID)
		}
		if !rn.Steps[s.ID].State.Settled() {
			open++
		}
	}
	for _, s := range kept.ready.Steps() {
		got = append(got, s.ID)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("startable (-rule +kept):\n%s", d)
	}
	if open != kept.open {
		t.Fatalf("%d open, kept %d", open, kept.open)
	}
}
