package report

import (
	"slices"

	"skift/internal/snapshot"
	"skift/internal/term"
)

// zones lists the frozen zones in force and those that begin within two weeks.
func zones(p *page) []block {
	if len(p.Zones) == 0 {
		return []block{heading(p.c.T("report.zones")), para{Text: p.c.T("report.zones.none")}}
	}
	t := table{Cols: []string{p.c.T("zone"), p.c.T("report.col.state"), p.c.T("from"), p.c.T("until"), p.c.T("report.col.allowed")}}
	for _, z := range p.Zones {
		t.Rows = append(t.Rows, []cell{text(p.name("milestone", z.ID)), p.inForce(z), text(p.date(z.From, false)), text(p.date(z.Until, true)), text(p.allowed(z))})
	}
	return []block{heading(p.c.T("report.zones")), p.cutTo(t, 10)}
}

func (p *page) inForce(z snapshot.Zone) cell {
	if z.InForce {
		return p.state(term.Risk, p.c.T("report.zone.in-force"))
	}
	return p.state(term.Plain, p.c.T("report.zone.coming"))
}

func (p *page) allowed(z snapshot.Zone) string {
	var out []string
	for _, c := range z.Allow {
		out = append(out, p.c.T("class."+c))
	}
	if len(out) == 0 {
		return p.c.T("why.nothing-allowed")
	}
	return p.c.List(out)
}

// theZones are those the report is about.
func (p *page) theZones() []snapshot.Zone {
	var out []snapshot.Zone
	for _, z := range p.Zones {
		if p.o.Zone == z.ID || p.o.Zone == "" && z.InForce {
			out = append(out, z)
		}
	}
	if len(out) == 0 && p.o.Zone == "" {
		return p.Zones
	}
	return out
}

func zoneClause(p *page) string {
	all := p.theZones()
	if len(all) == 0 {
		return p.c.T("report.clause.no-zone")
	}
	newest := slices.MaxFunc(all, func(a, b snapshot.Zone) int { return a.From.At.Compare(b.From.At) })
	return p.c.T("report.clause.zone", "zone", p.name("milestone", newest.ID), "until", p.date(newest.Until, true))
}

// zoneBegins says what a zone means: from when until when, on which platforms, and what may still be changed.
func zoneBegins(p *page) []block {
	var out []block
	for _, z := range p.theZones() {
		sides := p.c.T("whose.both")
		if len(z.Sides) == 1 {
			sides = p.c.T("side." + z.Sides[0])
		}
		st := p.inForce(z)
		out = append(out, heading(p.name("milestone", z.ID)), para{Badge: st.Badge, Text: p.date(z.From, false) + " – " + p.date(z.Until, true)},
			para{Text: p.c.T("report.zone.allows", "classes", p.allowed(z))},
			para{Text: p.c.T("report.zone.binds", "platforms", sides)})
	}
	if len(out) == 0 {
		return []block{heading(p.c.T("zones")), para{Text: p.c.T("report.zones.none")}}
	}
	return append(out, para{Text: p.c.T("report.zone.every")})
}

// zoneExceptions says whom to ask for an exception, and who is there now.
func zoneExceptions(p *page) []block {
	t := table{Cols: []string{p.c.T("zone"), p.c.T("report.col.who"), p.c.T("on-shift")}}
	for _, z := range p.theZones() {
		for _, seat := range z.MayLift {
			t.Rows = append(t.Rows, []cell{text(p.name("milestone", z.ID)), text(p.seat(seat)), text(p.onShift(seat))})
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []block{heading(p.c.T("report.zone.exceptions")), p.cutTo(t, 12)}
}

// onShift is the person in a seat now, by id.
func (p *page) onShift(seat string) string {
	for _, d := range p.Duty {
		if d.Seat == seat && d.Person != "" {
			return line(d.Person)
		}
	}
	return p.c.T("who.nobody")
}
