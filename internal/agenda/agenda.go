// Package agenda is a plan's dates as the calendar of one reader: milestones, zones, gates and meetings, as far as the reader may know
// of them. What an event is called, when it is and who is told of it is decided here; package ics writes it down.
//
// It is pure: the same revisions of a plan give the same calendar, in whichever process and however often. Nothing is kept of what was
// exported: whatever once stood in a plan that was in use is told as changed or cancelled, because somebody may have it.
package agenda

import (
	"slices"
	"strings"
	"time"

	"skift/internal/ics"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
	"skift/internal/words"
)

// Revision is a plan with what was known of it from an instant on.
type Revision struct {
	At    time.Time
	Plan  *plan.Plan
	Facts *register.Facts // nil = nothing had happened
}

// Reader is whose calendar it is: everybody of these parties reads the same file, so it tells what all of them may know. Without a
// party, or with the customer alone, that is everything.
type Reader struct {
	Name    string
	Parties []string
}

// Member is the reader of one party, or member of a group.
func Member(p *plan.Plan, party string) Reader {
	name := party
	if m, ok := p.Member(party); ok {
		name = m.Name
	} else if q := p.Parties[party]; q != nil {
		name = q.Name
	}
	return Reader{Name: name, Parties: []string{party}}
}

// Audience is the reader of an audience: the parties of its seats, or the members it is for.
func Audience(p *plan.Plan, a *plan.Audience, lang string) Reader {
	r := Reader{Name: a.Title.In(lang)}
	if r.Name == "" {
		r.Name = a.ID
	}
	add := func(party string) {
		if !slices.Contains(r.Parties, party) {
			r.Parties = append(r.Parties, party)
		}
	}
	for _, seat := range a.To {
		add(plan.SeatParty(seat))
	}
	for _, m := range p.Told(a) {
		add(m.ID)
	}
	return r
}

// Build is the calendar of a reader after these revisions, oldest first.
func Build(revisions []Revision, r Reader, c *words.Catalogue) ics.Calendar {
	var versions []ics.Version
	out := ics.Calendar{Name: r.Name}
	for _, v := range revisions {
		b := newBuilder(v, r, c)
		versions = append(versions, ics.Version{At: v.At, Events: b.events()})
		out.Zone, out.Description = b.zone(), b.undated()
		if title := v.Plan.Title.In(string(c.Lang())); title != "" {
			out.Name = title + " · " + r.Name
		}
	}
	out.Events = ics.Follow(versions)
	return out
}

// builder makes the events of one revision.
type builder struct {
	Revision
	tl      *timeline.Timeline
	readers []string // parties that do not see everything
	c       *words.Catalogue
}

func newBuilder(v Revision, r Reader, c *words.Catalogue) *builder {
	b := &builder{Revision: v, tl: timeline.At(v.Plan, v.Facts, v.At), c: c}
	for _, party := range r.Parties {
		if p := v.Plan.Parties[party]; p == nil || p.Role != plan.Customer {
			b.readers = append(b.readers, party)
		}
	}
	return b
}

func (b *builder) zone() *time.Location {
	if b.Plan.Zone == nil {
		return time.UTC
	}
	return b.Plan.Zone
}

// all reports whether every reader may know.
func (b *builder) all(may func(party string) bool) bool {
	return !slices.ContainsFunc(b.readers, func(party string) bool { return !may(party) })
}

// seesMilestone: a zone that binds some parties is theirs, what is of a wave is of its members, other dates of the plan are everybody's.
func (b *builder) seesMilestone(m *plan.Milestone) bool {
	return b.all(func(party string) bool { return b.Plan.SeesWave(party, m.Wave) && b.Plan.Belongs(party, m.Parties) })
}

// seesGate: a decision is of those who answer, vouch or decide.
func (b *builder) seesGate(g *plan.Gate) bool {
	seats := append(slices.Clone(g.Poll), g.Decides)
	for _, c := range g.Criteria {
		if c.By != "" {
			seats = append(seats, c.By)
		}
	}
	return b.all(func(party string) bool {
		return b.Plan.SeesWave(party, g.Wave) && slices.ContainsFunc(seats, func(seat string) bool { return b.ownSeat(party, seat) })
	})
}

// ownSeat reports whether a seat is of a party or, where that is a group, of one of its members.
func (b *builder) ownSeat(party, seat string) bool {
	of := plan.SeatParty(seat)
	m, ok := b.Plan.Member(of)
	return of == party || ok && m.Group == party
}

func (b *builder) events() []ics.Event {
	var out []ics.Event
	for _, m := range b.tl.Milestones {
		if b.seesMilestone(m.Milestone) {
			if e, ok := b.milestone(m); ok {
				out = append(out, e)
			}
		}
	}
	for _, id := range b.Plan.GateIDs {
		if g := b.Plan.Gates[id]; b.seesGate(g) {
			out = append(out, b.gate(g)...)
		}
	}
	for _, m := range b.Plan.Meetings {
		if b.all(func(party string) bool { return b.Plan.Belongs(party, m.Parties) }) {
			out = append(out, b.meeting(m))
		}
	}
	return out
}

// uid names a thing of a plan for ever: by what it is and its id, never by its date.
func (b *builder) uid(kind, id string) string { return uid(b.Plan, kind, id) }

func uid(p *plan.Plan, kind, id string) string { return kind + "." + id + "@" + p.ID + ".skift" }

// MilestoneUID is by what a milestone is known in every calendar.
func MilestoneUID(p *plan.Plan, id string) string { return uid(p, "milestone", id) }

// undated names what has no date yet: it is in no calendar, and must not be forgotten for that.
func (b *builder) undated() string {
	var names []string
	for _, m := range b.tl.Milestones {
		if b.seesMilestone(m.Milestone) && !m.Start.Known() && !m.OriginalStart.Known() {
			names = append(names, b.title(m.Milestone))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return b.c.T("calendar.undated", "names", b.c.List(names))
}

func (b *builder) title(m *plan.Milestone) string {
	if t := m.Title.In(string(b.c.Lang())); t != "" {
		return t
	}
	return m.ID
}

// lines joins what there is to say.
func lines(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), "\n")
}
