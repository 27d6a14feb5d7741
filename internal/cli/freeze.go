package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/checks"
	"skift/internal/app"
	"skift/internal/freeze"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/timeline"
)

// freezeCommand asks what the frozen zones let through.
func (s *session) freezeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "freeze check|calendar|waive", Short: "Ask what the frozen zones let through, or make an exception",
		RunE: func(c *cobra.Command, a []string) error {
			if len(a) > 0 {
				return unknownCommand(c, a[0])
			}
			return usage("say what is to be done", "skift freeze check, calendar or waive")
		},
	}
	c.AddCommand(s.freezeCheckCommand(), s.freezeCalendarCommand(), s.freezeWaiveCommand())
	return c
}

func (s *session) freezeCheckCommand() *cobra.Command {
	var q freeze.Question
	var class, platform, at string
	c := s.asJSON(&cobra.Command{
		Use: "check --class CLASS", Short: "Ask whether a change may be made",
		Long: "Every zone in force must allow it. What is left out could be anything, so that every zone has a say. A change of class transition is\n" +
			"allowed only where the plan lists it: name it with --change, as RUNBOOK/STEP or by its milestone.\n" +
			"Exit: 0 allowed · 3 refused, with the zone, until when, and who may make an exception.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			q.Class, q.Side = plan.Class(class), checks.Side(platform)
			return s.freezeCheck(c.Context(), q, at, time.Now())
		},
	})
	c.Flags().StringVar(&class, "class", "", "`CLASS` of the change: scope, fix, incident-a …; required")
	c.Flags().StringVar(&platform, "platform", "", "`SIDE` on which it is made, old or new (default both)")
	c.Flags().StringVar(&q.Service, "service", "", "`SERVICE` that is changed")
	c.Flags().StringVar(&q.Party, "party", "", "`PARTY` that changes it")
	c.Flags().StringVar(&q.Change, "change", "", "`REF` by which you know the change")
	c.Flags().StringVar(&at, "at", "", "`TIME` at which it is made, such as \"2019-08-01 12:00\" in the plan's time zone (default now)")
	return c
}

func (s *session) freezeCalendarCommand() *cobra.Command {
	return s.asJSON(&cobra.Command{
		Use: "calendar", Short: "Show every frozen zone: from, until, what it lets through, who may make an exception",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error { return s.freezeCalendar(c.Context(), time.Now()) },
	})
}

func (s *session) freezeWaiveCommand() *cobra.Command {
	var a act
	c := acting(&cobra.Command{
		Use: "waive ZONE --class CLASS --until TIME --reason … --as SEAT", Short: "Make an exception from a zone",
		Long: "A seat that answers for the zone may; it counts once a seat of another party has confirmed it (skift confirm), and lapses at its time.\n" +
			"What is left out limits nothing: an exception without --service holds for every service. A hard zone has none.",
		Args: args("ZONE"),
		RunE: func(c *cobra.Command, got []string) error {
			a.Do, a.Zone = runner.DoWaive, got[0]
			return s.send(c, a)
		},
	}, &a)
	c.Flags().StringVar(&a.Class, "class", "", "`CLASS` of change that is let through, with those inside it; required")
	c.Flags().StringVar(&a.until, "until", "", `when it lapses: "2019-11-30", "2019-11-30 12:00" in the plan's time zone, or +48h; required`)
	c.Flags().StringVar(&a.Side, "platform", "", "on this `SIDE` alone, old or new")
	c.Flags().StringVar(&a.Service, "service", "", "of this `SERVICE` alone")
	c.Flags().StringVar(&a.Party, "party", "", "made by this `PARTY` alone")
	c.Flags().StringVar(&a.Change, "change", "", "the change with this `REF` alone")
	return c
}

// judged is `skift freeze check --json`.
type judged struct {
	Allowed  bool        `json:"allowed"`
	Class    plan.Class  `json:"class"`
	Platform checks.Side `json:"platform,omitempty"` // missing = both
	Service  string      `json:"service,omitempty"`
	Party    string      `json:"party,omitempty"`
	Change   string      `json:"change,omitempty"`
	At       time.Time   `json:"at"`
	Zones    []string    `json:"zones"`            // that have a say
	Refusals []refusedBy `json:"refusals"`         // empty when it is allowed
	Waived   []waivedBy  `json:"waived,omitempty"` // zones that refuse, and the exception that lets it through
	FreeAt   time.Time   `json:"free_at,omitzero"` // from when the zones that refuse are over; missing where that cannot be dated
	Head     string      `json:"head,omitempty"`   // of the journal; none while the plan was not used here
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

func (s *session) freezeCheck(ctx context.Context, q freeze.Question, at string, now time.Time) error {
	p, settings, err := app.Load(s.dir)
	if err != nil {
		return err
	}
	if m := freeze.MistakeIn(p, q); m != nil {
		return usage(m.Text, m.Hint)
	}
	q.At, q.ListedTransition = now, p.ListsChange(q.Change)
	if at != "" {
		if q.At, err = parseTime(p, at, now); err != nil {
			return err
		}
	}
	h, err := s.history(ctx, p, settings, now)
	if err != nil {
		return err
	}
	a := freeze.At(p, &h.Facts, q)
	v := freezeView{s.sheet(p), planView{p: p, c: speak(p)}, now}
	if s.json {
		err = s.printJSON(v.judged(a, h))
	} else {
		v.verdict(a)
		s.print(v.sheet)
	}
	if err == nil && !a.Allowed {
		err = exit(ExitNoGo)
	}
	return err
}

// freezeView draws what zones say.
type freezeView struct {
	*sheet
	dates planView
	now   time.Time
}

func (v freezeView) judged(a freeze.Answer, h history) judged {
	q := a.Question
	out := judged{Allowed: a.Allowed, Class: q.Class, Platform: q.Side, Service: q.Service, Party: q.Party, Change: q.Change, At: q.At.UTC(), Zones: []string{}, Refusals: []refusedBy{}}
	for _, z := range a.Zones {
		out.Zones = append(out.Zones, z.ID)
	}
	for _, r := range a.Refusals {
		out.Refusals = append(out.Refusals, refusedBy{r.Zone.ID, r.Why, r.Until.At, v.dates.until(r.Zone.Milestone.Until, r.Until), some(r.Waives)})
	}
	for _, w := range a.Waived {
		out.Waived = append(out.Waived, waivedBy{w.Zone.ID, w.Waiver.Seq, w.Waiver.Until})
	}
	if at, ok := a.FreeAt(); ok {
		out.FreeAt = at
	}
	if h.Used {
		out.Head = h.Head.String()
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
		v.zone(term.Risk, w.Zone, v.c.T("freeze.waived", "event", strconv.FormatInt(w.Waiver.Seq, 10), "until", localTime(v.p, w.Waiver.Until), "reason", w.Waiver.Reason))
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
	v.text(2, v.screen.Paint(state, state.Shape())+" "+titleOf(v.c, z.Milestone)+" ("+z.ID+"): "+says+" · "+v.dates.until(z.Milestone.Until, z.Until))
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

// frozen is `skift freeze calendar --json`.
type frozen struct {
	At      time.Time               `json:"at"`
	Zones   []snapshot.Zone         `json:"zones"`   // in the plan's order
	Waivers []*register.WaiverFacts `json:"waivers"` // not lapsed; those not confirmed wait for a second seat
	Head    string                  `json:"head,omitempty"`
}

func (s *session) freezeCalendar(ctx context.Context, now time.Time) error {
	p, settings, err := app.Load(s.dir)
	if err != nil {
		return err
	}
	h, err := s.history(ctx, p, settings, now)
	if err != nil {
		return err
	}
	out := frozen{At: now.UTC(), Zones: snapshot.Zones(snapshot.In{Plan: p, Register: &h.Facts, Now: now}), Waivers: []*register.WaiverFacts{}}
	for _, w := range h.Facts.Waivers {
		if now.Before(w.Until) {
			out.Waivers = append(out.Waivers, w)
		}
	}
	if h.Used {
		out.Head = h.Head.String()
	}
	if s.json {
		return s.printJSON(out)
	}
	v := freezeView{s.sheet(p), planView{p: p, c: speak(p)}, now}
	v.calendar(out, timeline.At(p, &h.Facts, now))
	s.print(v.sheet)
	return nil
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
