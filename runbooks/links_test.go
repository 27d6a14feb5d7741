package runbooks

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLinksAreTheNames: numbers say what the names say, and everything comes after what it needs.
func TestLinksAreTheNames(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		book := graph(r, 1+r.IntN(30), 3)
		l := book.Links()
		came := map[int]bool{}
		for _, i := range l.Order {
			var names []string
			for _, j := range l.Needs[i] {
				names = append(names, book.Steps[j].ID)
				if !came[j] {
					t.Errorf("seed %d: %s comes before %s, which it needs", seed, book.Steps[i].ID, book.Steps[j].ID)
				}
			}
			if d := cmp.Diff(book.Steps[i].Needs, names); d != "" {
				t.Errorf("seed %d, %s (-needs +links):\n%s", seed, book.Steps[i].ID, d)
			}
			if l.Place[book.Steps[i].ID] != i {
				t.Errorf("seed %d: %s has the number %d, not %d", seed, book.Steps[i].ID, l.Place[book.Steps[i].ID], i)
			}
			came[i] = true
		}
		if len(came) != len(book.Steps) {
			t.Errorf("seed %d: %d of %d steps are in the order", seed, len(came), len(book.Steps))
		}
	}
}

// TestLinksOfCircles: they end, with every step once, and unknown names are left out.
func TestLinksOfCircles(t *testing.T) {
	t.Parallel()
	book := &Runbook{Steps: []*Step{{ID: "a", Needs: []string{"b", "nowhere"}}, {ID: "b", Needs: []string{"a"}}, {ID: "c", Needs: []string{"nowhere"}}}}
	l := book.Links()
	if d := cmp.Diff([]int{2, 0, 1}, l.Order); d != "" {
		t.Errorf("order (-want +got):\n%s", d)
	}
	if len(l.Needs[0])+len(l.Needs[1])+len(l.Needs[2]) != 0 {
		t.Errorf("needs %v", l.Needs)
	}
}

// TestNothingToUndo is the rule of a back-out: what was never begun is not undone; everything else is.
func TestNothingToUndo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		undoes     string
		was, known bool
		want       bool
	}{{"", false, false, false}, {"a", true, true, false}, {"a", false, true, true}, {"a", false, false, false}} {
		s := &Step{Undoes: c.undoes}
		if got := s.NothingToUndo(func(string) (bool, bool) { return c.was, c.known }); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
