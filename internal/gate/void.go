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

// Voids lists the plan's own gates at which answers count no more once that plan is in use, in its order.
func Voids(p *plan.Plan, f *register.Facts) []Voided {
	out := []Voided{}
	for _, id := range p.GateIDs {
		g := f.Gate(register.GateKey{Gate: id})
		switch {
		case g.Round == 0 || g.UsedBy != "":
		case g.Decision != nil:
			if g.Decision.Decision == register.Go && g.Decision.PlanHash != p.Hash {
				out = append(out, Voided{id, true, append(slices.Clone(p.Gates[id].Poll), p.Gates[id].Decides)})
			}
		default:
			var seats []string
			for _, seat := range slices.Sorted(maps.Keys(g.Votes)) {
				if g.Votes[seat].PlanHash != p.Hash {
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
