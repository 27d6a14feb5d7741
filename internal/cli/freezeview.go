package cli

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/app"
	"skift/internal/freeze"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/term"
	"skift/internal/timeline"
)

// judged is `skift freeze check --json`.
type judged struct {
	Allowed  bool        `json:"allowed"`
	Class    plan.Class  `json:"class"`
	Platform checks.Side `json:"platform,omitempty"` // missing = both
	Service  string      `json:"service,omitempty"`
	Party    string      `json:"party,omitempty"`
	Change   string      `json:"change,omitempty"`
	At       time.Time   `json:"at"`
	Zones    []string    `json:"zones"`              // that have a say
	Refusals []refusedBy `json:"refusals"`           // empty when it is allowed
	Waived   []waivedBy  `json:"waived,omitempty"`   // zones that refuse, and the exception that lets it through
	FreeAt   time.Time   `json:"free_at,omitzero"`   // from when the zones that refuse are over; missing where that cannot be dated
	Head     string      `json:"head,omitempty"`     // of the journal; none while the plan was not used here
	Calendar *askedOf    `json:"calendar,omitempty"` // the file that answered; missing where the plan did
}

// askedOf is the file that was asked instead of a plan.
type askedOf struct {
	Plan       string          `json:"plan,omitempty"`
	Party      string          `json:"party,omitempty"` // whose calendar it is
	MadeAt     time.Time       `json:"made_at,omitzero"`
	ValidUntil time.Time       `json:"valid_until,omitzero"`
	Distrust   freeze.Distrust `json:"distrust,omitempty"` // why it is not used: then nothing is allowed, and no zone is named
	Text       string          `json:"text,omitempty"`     // the same as a sentence, in English
}

// refusedBy is one zone that refuses.
type refusedBy struct {
	Zone   string     `json:"zone"`
	Why    freeze.Why `json:"why"`
	Until  time.Time  `json:"until,omitzero"` // its end, an estimate where an event ends it; missing where none is known
	Ends   string     `json:"ends"`           // its end in words, in the plan's language
	Waives []string   `json:"may_waive"`      // seats; none where the zone is hard
}

// waivedBy is a zone that refuses and the exception that lets the change through.
type waivedBy struct {
	Zone  string    `json:"zone"`
	Event int64     `json:"event"`
	Until time.Time `json:"until"`
}

// freezeView draws what zones say.
type freezeView struct {
	*sheet
	dates planView
	now   time.Time
	from  *freeze.Calendar // where there is no plan; else nil
}

// ends is the end of a zone in words.
func (v freezeView) ends(z *timeline.InForce) string {
	if v.from != nil {
		return v.from.End(z.ID)
	}
	return v.dates.until(z.Milestone.Until, z.Until)
}

func (v freezeView) judged(a freeze.Answer, head string) judged {
	q := a.Question
	out := judged{Allowed: a.Allowed, Class: q.Class, Platform: q.Side, Service: q.Service, Party: q.Party, Change: q.Change, At: q.At.UTC(), Zones: []string{}, Refusals: []refusedBy{}, Head: head}
	for _, z := range a.Zones {
		out.Zones = append(out.Zones, z.ID)
	}
	for _, r := range a.Refusals {
		out.Refusals = append(out.Refusals, refusedBy{r.Zone.ID, r.Why, r.Until.At, v.ends(r.Zone), some(r.Waives)})
	}
	for _, w := range a.Waived {
		out.Waived = append(out.Waived, waivedBy{w.Zone.ID, w.Waiver.Seq, w.Waiver.Until})
	}
	if at, ok := a.FreeAt(); ok {
		out.FreeAt = at
	}
	if c := v.from; c != nil {
		out.Calendar = &askedOf{Plan: c.Plan, Party: c.Party, MadeAt: c.MadeAt, ValidUntil: c.ValidUntil}
	}
	return out
}

// some is a list that JSON shows as one although nothing is in it.
func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// verdict says whether the change may be made, and zone by zone why.
func (v freezeView) verdict(a freeze.Answer) {
	q := a.Question
	about := []string{v.c.T("class." + string(q.Class))}
	if q.Side != "" {
		about = append(about, v.c.T("side."+string(q.Side)))
	}
	for _, text := range []string{q.Service, q.Party, q.Change} {
		if text != "" {
			about = append(about, text)
		}
	}
	state, word := term.Fail, "freeze.refused"
	if a.Allowed {
		state, word = term.OK, "freeze.allowed"
	}
	v.heading(state, v.c.T(word), ": "+strings.Join(append(about, localTime(v.p, q.At)), " · "))
	for _, r := range a.Refusals {
		v.zone(term.Fail, r.Zone, v.c.T("why."+string(r.Why)))
		v.waives(r.Zone.Hard, r.Waives, q.At)
	}
	for _, w := range a.Waived {
		v.zone(term.Risk, w.Zone, strings.TrimSuffix(v.c.T("freeze.waived", "event", strconv.FormatInt(w.Waiver.Seq, 10), "until", localTime(v.p, w.Waiver.Until), "reason", w.Waiver.Reason), ": "))
	}
	for _, z := range a.Zones {
		asked := func(id string) bool { return id == z.ID }
		if !slices.ContainsFunc(a.Refusals, func(r freeze.Refusal) bool { return r.Zone != nil && asked(r.Zone.ID) }) &&
			!slices.ContainsFunc(a.Waived, func(w freeze.Waived) bool { return asked(w.Zone.ID) }) {
			v.zone(term.OK, &z, v.c.T("freeze.allows"))
		}
	}
	if len(a.Zones) == 0 {
		v.text(2, v.c.T("screen.zones.none"))
	}
}

func (v freezeView) zone(state term.State, z *timeline.InForce, says string) {
	v.text(2, v.screen.Paint(state, state.Shape())+" "+titleOf(v.c, z.Milestone)+" ("+z.ID+"): "+says+" · "+v.ends(z))
}

// waives names who may make an exception, and who sits there at that time.
func (v freezeView) waives(hard bool, seats []string, at time.Time) {
	if hard {
		v.text(4, v.c.T("freeze.hard"))
		return
	}
	var who []string
	for _, seat := range seats {
		if person := app.PersonIn(v.p, seat, v.now); person != "" {
			c, _ := v.p.Contacts.Person(person)
			seat += " (" + strings.TrimRight(strings.Join([]string{c.Name, term.Keep(c.Phone)}, ", "), ", ") + ")"
		}
		who = append(who, seat)
	}
	v.text(4, v.c.T("report.zone.exceptions")+": "+strings.Join(who, ", "))
}

func (v freezeView) calendar(f frozen, t *timeline.Timeline) {
	for _, z := range f.Zones {
		m := t.Milestone(z.ID)
		state, word := term.Plain, "freeze.past"
		switch {
		case z.InForce:
			state, word = term.Risk, "report.zone.in-force"
		case m.Start.At.After(v.now) || !m.Start.Known():
			word = "report.zone.coming"
		}
		v.heading(state, titleOf(v.c, m.Milestone), " ("+z.ID+") · "+v.c.T(word))
		v.field(v.c.T("from"), v.dates.date(m.Milestone.From, m.Start, timeline.Begin, false))
		v.field(v.c.T("until"), v.dates.date(m.Milestone.Until, m.End, timeline.Finish, false))
		v.field(v.c.T("freeze.lets"), v.lets(m.Milestone))
		v.field(v.c.T("freeze.binds"), v.binds(m.Milestone))
		v.field(v.c.T("freeze.in-flight"), v.c.T("freeze.in-flight."+z.InFlight))
		v.waives(z.Hard, z.MayLift, v.now)
		for _, w := range f.Waivers {
			if w.Zone == z.ID {
				v.waiver(w)
			}
		}
	}
	if len(f.Zones) == 0 {
		v.text(0, v.c.T("freeze.none"))
	}
}

func (v freezeView) lets(m *plan.Milestone) string {
	var classes []string
	for _, class := range m.Allow {
		classes = append(classes, v.c.T("class."+string(class)))
	}
	if len(classes) == 0 {
		return v.c.T("report.nothing")
	}
	return v.c.List(classes)
}

// binds says what a zone protects, and from whom.
func (v freezeView) binds(m *plan.Milestone) string {
	var out []string
	for _, side := range checks.Sides() {
		if len(m.AppliesTo) == 0 || slices.Contains(m.AppliesTo, side) {
			out = append(out, v.c.T("side."+string(side)))
		}
	}
	text := v.c.List(out)
	for _, only := range [][]string{m.Services, m.Parties} {
		if len(only) > 0 {
			text += " · " + strings.Join(only, ", ")
		}
	}
	return text
}

func (v freezeView) waiver(w *register.WaiverFacts) {
	word := "freeze.waiver"
	if w.ConfirmedAt.IsZero() {
		word = "freeze.waiver.waits"
	}
	about := []string{v.c.T("class." + string(w.Class))}
	if w.Side != "" {
		about = append(about, v.c.T("side."+string(w.Side)))
	}
	for _, text := range []string{w.Service, w.Party, w.Change} {
		if text != "" {
			about = append(about, text)
		}
	}
	v.text(4, v.c.T(word, "event", strconv.FormatInt(w.Seq, 10), "about", strings.Join(about, " · "), "until", localTime(v.p, w.Until), "seat", w.Actor.Seat, "reason", w.Reason))
}
