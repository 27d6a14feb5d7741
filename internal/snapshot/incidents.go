package snapshot

import (
	"time"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
)

// Incidents are those that are open, and how far what is known of them can be trusted.
type Incidents struct {
	Open  []register.IncidentFacts `json:"open"`  // gravest class first, then the oldest
	Lists []IncidentList           `json:"lists"` // of each platform, where incidents are kept at all
}

// IncidentList is how many incidents of a platform are open by class, and when all of them were known last.
type IncidentList struct {
	Platform checks.Side `json:"platform"`
	A        int         `json:"a"`
	B        int         `json:"b"`
	C        int         `json:"c"`
	AsOf     time.Time   `json:"as_of,omitzero"` // missing = nobody said so
}

// Count is how many of a class are open.
func (l IncidentList) Count(class plan.Class) int {
	return map[plan.Class]int{plan.IncidentA: l.A, plan.IncidentB: l.B, plan.IncidentC: l.C}[class]
}

// incidents lists what is open. Where nobody ever spoke of incidents there is nothing to tell.
func (b *builder) incidents() Incidents {
	out := Incidents{Open: []register.IncidentFacts{}, Lists: []IncidentList{}}
	if len(b.Register.Incidents)+len(b.Register.IncidentLists) == 0 {
		return out
	}
	for _, i := range b.Register.IncidentsBy(func(i *register.IncidentFacts) bool { return i.OpenAt(b.Now) }) {
		out.Open = append(out.Open, *i)
	}
	for _, side := range checks.Sides() {
		l := IncidentList{Platform: side, AsOf: b.Register.IncidentLists[side].AsOf}
		for _, i := range out.Open {
			if i.Platform != side {
				continue
			}
			switch i.Class {
			case plan.IncidentA:
				l.A++
			case plan.IncidentB:
				l.B++
			default:
				l.C++
			}
		}
		out.Lists = append(out.Lists, l)
	}
	return out
}

// whyIncidents: an open A on the platform that the users move to is grave, the others of A and B are a risk.
func (b *builder) whyIncidents(s Snapshot) (out []Reason) {
	for _, l := range s.Incidents.Lists {
		owner := b.contact("")
		if p := b.Plan.Platforms[l.Platform]; p != nil {
			owner = p.Party
		}
		for _, class := range []plan.Class{plan.IncidentA, plan.IncidentB} {
			n := l.Count(class)
			if n == 0 || class == plan.IncidentB && l.Platform == checks.Old {
				continue
			}
			r := Reason{Code: WhyIncidents, Subject: string(class), Side: string(l.Platform), Owner: owner, Count: n, Light: register.Yellow}
			if class == plan.IncidentA && l.Platform == checks.New {
				r.Light = register.Red
			}
			out = append(out, r)
		}
	}
	return out
}

// reduceIncidents leaves a supplier those of its own platform, and others none.
func (b *builder) reduceIncidents(s *Snapshot) {
	s.Incidents.Open = keep(s.Incidents.Open, func(i register.IncidentFacts) bool { return b.ownSide(i.Platform) })
	s.Incidents.Lists = keep(s.Incidents.Lists, func(l IncidentList) bool { return b.ownSide(l.Platform) })
	for i := range s.Incidents.Open {
		o := &s.Incidents.Open[i]
		if !b.ownSeat(o.Actor.Seat) {
			o.Reason, o.Actor = "", journal.Actor{Seat: o.Actor.Seat}
		}
		if l := o.Lowered; l != nil && !b.ownSeat(l.Seat) {
			masked := *l
			masked.Reason, o.Lowered = "", &masked
		}
	}
}
