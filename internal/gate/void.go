package gate

import (
	"maps"
	"slices"

	"skift/internal/plan"
	"skift/internal/register"
)

// Voided is a gate whose answers were given on another revision of the plan, and so count no more.
type Voided struct {
	Gate    string   `json:"gate"`
	Decided bool     `json:"decided"` // a go that no run has gone through yet is to be decided again; else answers are to be given again
	Seats   []string `json:"seats"`   // whom to ask again
}

// Voids lists the plan's own gates at which answers count no more once another revision is in use, in its order. At a gate that the revision
// leaves as it was in the one in use they count on; before is nil where that one is not to be had.
func Voids(before, after *plan.Plan, f *register.Facts) []Voided {
	out := []Voided{}
	stand := Stand(before, after, f)
	for _, id := range after.GateIDs {
		g := f.Gate(register.GateKey{Gate: id})
		counts := func(hash string) bool {
			return g.Counts(hash, after.Hash) || slices.Contains(stand, id) && g.Counts(hash, f.PlanHash)
		}
		switch {
		case g.Round == 0 || f.Spent(id):
		case g.Decision != nil:
			if g.Decision.Decision == register.Go && !counts(g.Decision.PlanHash) {
				out = append(out, Voided{id, true, append(slices.Clone(after.Gates[id].Poll), after.Gates[id].Decides)})
			}
		default:
			var seats []string
			for _, seat := range slices.Sorted(maps.Keys(g.Votes)) {
				if !counts(g.Votes[seat].PlanHash) {
					seats = append(seats, seat)
				}
			}
			if len(seats) > 0 {
				out = append(out, Voided{id, false, seats})
			}
		}
	}
	return out
}

// Stand lists the gates at which something was said, and which another revision leaves as they were in the one in use; before is nil where
// that one is not to be had.
func Stand(before, after *plan.Plan, f *register.Facts) []string {
	if before == nil || before.Hash != f.PlanHash {
		return nil
	}
	return slices.DeleteFunc(plan.Untouched(before, after), func(id string) bool {
		for key, g := range f.Gates {
			if key.Gate == id && g.Round > 0 {
				return false
			}
		}
		return true
	})
}
