package runbooks

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/figure"
)

// graph makes a runbook whose steps need earlier steps at random.
func graph(r *rand.Rand, steps, needs int) *Runbook {
	book := &Runbook{ID: "graph", index: map[string]*Step{}}
	for i := range steps {
		s := &Step{ID: fmt.Sprintf("s%d", i), Kind: Manual}
		for range r.IntN(needs + 1) {
			if i > 0 {
				if need := book.Steps[r.IntN(i)].ID; !slices.Contains(s.Needs, need) {
					s.Needs = append(s.Needs, need)
				}
			}
		}
		book.Steps = append(book.Steps, s)
		book.index[s.ID] = s
	}
	// The file order is not the order of needs.
	r.Shuffle(len(book.Steps), func(i, j int) { book.Steps[i], book.Steps[j] = book.Steps[j], book.Steps[i] })
	return book
}

// naive is the rule itself: open, and every need settled.
func naive(book *Runbook, progress map[string]Progress) []string {
	ids := []string{}
	for _, s := range book.Steps {
		if progress[s.ID] == Open && !slices.ContainsFunc(s.Needs, func(n string) bool { return progress[n] != Settled }) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

func idsOf(steps []*Step) []string {
	ids := []string{}
	for _, s := range steps {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestReadyIsTheNaiveRule(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		book := graph(r, 1+r.IntN(40), 4)
		q := NewReady(book)
		progress := map[string]Progress{}
		before := naive(book, progress)
		if d := cmp.Diff(before, idsOf(q.Steps())); d != "" {
			t.Fatalf("seed %d, at first (-naive +ready):\n%s", seed, d)
		}
		for i := range 300 {
			id := book.Steps[r.IntN(len(book.Steps))].ID
			to := Progress(r.IntN(3))
			opened := idsOf(q.Set(id, to))
			progress[id] = to
			after := naive(book, progress)
			if d := cmp.Diff(after, idsOf(q.Steps())); d != "" {
				t.Fatalf("seed %d, change %d (-naive +ready):\n%s", seed, i, d)
			}
			fresh := slices.DeleteFunc(slices.Clone(after), func(id string) bool { return slices.Contains(before, id) })
			slices.Sort(fresh)
			slices.Sort(opened)
			if d := cmp.Diff(fresh, opened); d != "" {
				t.Fatalf("seed %d, change %d: newly startable (-naive +ready):\n%s", seed, i, d)
			}
			if q.Progress(id) != to || q.Startable(id) != slices.Contains(after, id) {
				t.Fatalf("seed %d, change %d: %s is %v, startable %v", seed, i, id, q.Progress(id), q.Startable(id))
			}
			before = after
		}
	}
}

func TestReadyUnknownStep(t *testing.T) {
	t.Parallel()
	q := NewReady(graph(rand.New(rand.NewPCG(1, 1)), 3, 0))
	if q.Set("nobody", Settled) != nil || q.Startable("nobody") || q.Progress("nobody") != Open || len(q.Steps()) != 3 {
		t.Error("a step that is not there changed something")
	}
}

// BenchmarkReadyChain drives chains of two lengths to their end. A step of a long one costs about as much as one of a short one, or the
// whole runbook is looked at after every step.
func BenchmarkReadyChain(b *testing.B) {
	chain := func(n int) *Runbook {
		book := &Runbook{}
		for i := range n {
			s := &Step{ID: fmt.Sprintf("s%d", i)}
			if i > 0 {
				s.Needs = []string{fmt.Sprintf("s%d", i-1)}
			}
			book.Steps = append(book.Steps, s)
		}
		return book
	}
	drive := func(book *Runbook) {
		q := NewReady(book)
		for todo := q.Steps(); len(todo) > 0; {
			todo = q.Set(todo[0].ID, Settled)
		}
	}
	short, long := chain(1000), chain(10_000)
	var few, many time.Duration
	for b.Loop() {
		for range 10 {
			began := time.Now()
			drive(short)
			few += time.Since(began)
		}
		began := time.Now()
		drive(long)
		many += time.Since(began)
	}
	figure.Told(b, "x-shorter", float64(many)/float64(few), "which steps of a chain of 10,000 are ready, beside ten chains of 1,000")
}
