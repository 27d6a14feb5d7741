package snapshot

import (
	"cmp"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/plan"
)

// FlowRegister is how far each flow is on its way across.
type FlowRegister struct {
	At      time.Time    `json:"at"`
	Head    string       `json:"head"`
	Party   string       `json:"party,omitempty"` // the one asked about; "" = all
	Flows   []Flow       `json:"flows"`           // what is furthest from well first
	Totals  FlowTotals   `json:"totals"`
	Parties []PartyFlows `json:"parties"` // with a flow, in the order of the plan's flows
}

// FlowTotals counts flows that have come so far on the new platform.
type FlowTotals struct {
	Flows    int `json:"flows"`
	Informed int `json:"informed"` // a mail to the flow's contact has left
	Allowed  int `json:"allowed"`  // the new platform lets them in, as the allow-list checks say
	Tested   int `json:"tested"`   // the other checks of the new platform are as wanted
	Switched int `json:"switched"`
}

// PartyFlows is one party's part of the totals.
type PartyFlows struct {
	Party string `json:"party"`
	Name  string `json:"name"`
	FlowTotals
}

// FlowsOf is the register of a party's flows, or of the members of a group; "" is everybody.
func FlowsOf(s Snapshot, p *plan.Plan, party string) FlowRegister {
	r := FlowRegister{At: s.At, Head: s.Head, Party: party, Flows: []Flow{}, Parties: []PartyFlows{}}
	for _, f := range s.Flows {
		m, member := p.Member(f.Party)
		if party != "" && f.Party != party && (!member || m.Group != party) {
			continue
		}
		r.Flows = append(r.Flows, f)
		r.Totals.count(f)
		i := slices.IndexFunc(r.Parties, func(t PartyFlows) bool { return t.Party == f.Party })
		if i < 0 {
			i = len(r.Parties)
			r.Parties = append(r.Parties, PartyFlows{Party: f.Party, Name: f.PartyName})
		}
		r.Parties[i].count(f)
	}
	slices.SortStableFunc(r.Flows, func(a, b Flow) int { return cmp.Compare(b.badness(), a.badness()) })
	return r
}

func (t *FlowTotals) count(f Flow) {
	t.Flows++
	for _, c := range []struct {
		n  *int
		is bool
	}{{&t.Informed, !f.InformedAt.IsZero()}, {&t.Allowed, good(f.Allowed.New)}, {&t.Tested, good(f.Tested.New)}, {&t.Switched, f.Switched()}} {
		if c.is {
			*c.n++
		}
	}
}

func good(v checks.Verdict) bool { return v == checks.Pass || v == checks.Warn }

// Switched reports whether the flow's service has gone over for its party.
func (f Flow) Switched() bool { return f.Phase == checks.Fallback || f.Phase == checks.Closed }

// badness orders flows: a failure on the new platform is certain, what is not seen may be one, what is not asked is nobody's news.
func (f Flow) badness() int {
	order := []checks.Verdict{"", checks.Pass, checks.Warn, checks.Unverified, checks.Error, checks.Fail}
	return 10*slices.Index(order, f.New) + slices.Index(order, f.Old)
}
