package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/app"
	"skift/internal/forecast"
	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/timeline"
	"skift/internal/words"
)

// planCommand shows the timeline. It reads beside whoever owns the data directory, and works without one.
func (s *session) planCommand() *cobra.Command {
	var at string
	var path, files bool
	c := &cobra.Command{
		Use: "plan [--at TIME] [--files] [--path]", Short: "Show the timeline: zones, phases and events, what is active and what is next",
		Long: "The plan in use as it stands now, or at another time: what had happened by then counts, dates ahead are those of the plan. Dates that\n" +
			"are not certain or not set are shown as such. Nothing is changed, and no data directory is needed. While you write, --files shows what\n" +
			"is not in use yet. --path says when each milestone is expected to begin and end, how much longer it may take, and what the end of it\n" +
			"all hangs on.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error { return s.showPlan(c.Context(), at, path, files, time.Now()) },
	}
	c.Flags().StringVar(&at, "at", "", "`TIME` instead of now: \"2019-11-09 02:00\" in the plan's time zone, +2h, or RFC 3339")
	asFiles(c, &files)
	c.Flags().BoolVar(&path, "path", false, "what the end of it all hangs on, and the slack of each milestone")
	c.AddCommand(s.planMoveCommand(), s.planSplitCommand())
	return s.asJSON(c)
}

// planned is `skift plan --json`.
type planned struct {
	Plan       snapshot.Plan        `json:"plan"`
	At         time.Time            `json:"at"`
	Head       string               `json:"head,omitempty"` // of the journal; none while the plan was not used here
	Milestones []snapshot.Milestone `json:"milestones"`
	Waves      []plannedWave        `json:"waves,omitempty"`
	Meetings   []snapshot.Meeting   `json:"meetings,omitempty"` // those that are not over
	Active     []string             `json:"active"`
	Next       []snapshot.Happening `json:"next"`
	Zones      []snapshot.Zone      `json:"zones"`
	Forecast   *forecast.Forecast   `json:"forecast,omitempty"` // with --path: of the milestones but zones
}

func (s *session) showPlan(ctx context.Context, text string, path, files bool, now time.Time) error {
	n, err := s.filesOrInUse(ctx, files, now)
	if err != nil {
		return err
	}
	p, h := n.plan, n.history
	at := now
	if text != "" {
		if at, err = parseTime(p, text, now); err != nil {
			return err
		}
	}
	if at.Before(now) {
		if h, err = s.past(ctx, p.ID, n.data, at); err != nil {
			return err
		}
	}
	t := timeline.At(p, &h.Facts, at)
	if path && !s.json {
		return s.showPath(p, t)
	}
	if !s.json {
		v := planView{s.screen, p, t, words.In(words.Lang(p.Language)).With(p.Words), columns(s.screen)}
		s.printf("%s", v.String())
		return nil
	}
	used := func(hash string) *plan.Plan {
		p, err := app.Revision(n.data, hash)
		if err != nil {
			return nil // it is not kept any more: the plan's own word has to do
		}
		return p
	}
	snap := snapshot.Build(snapshot.In{Plan: p, Bound: used, Register: &h.Facts, Now: at})
	out := planned{Plan: snap.Plan, At: snap.At, Milestones: snap.Milestones, Active: []string{}, Next: snap.Next, Zones: snap.Zones}
	out.Waves, out.Meetings = plannedWaves(p), snapshot.Meetings(p, "", at, at.AddDate(100, 0, 0))
	if path {
		out.Forecast = forecast.Overall(t)
	}
	if h.Used {
		out.Head = h.Head.String()
	}
	for _, m := range t.Active() {
		out.Active = append(out.Active, m.ID)
	}
	return s.printJSON(out)
}

// columns is how wide the view is drawn: a file gets as much as the narrowest usual terminal.
func columns(s term.Screen) int {
	if s.Width == 0 {
		return 80
	}
	return min(max(s.Width, 24), 120)
}

// planView is a timeline for people, in the plan's language and time zone.
type planView struct {
	screen term.Screen
	p      *plan.Plan
	t      *timeline.Timeline
	c      *words.Catalogue
	width  int
}

// manyNext is how many beginnings and ends to come are shown.
const manyNext = 8

// String is the whole view.
func (v planView) String() string {
	var b strings.Builder
	title := v.p.Title.In(v.p.Language)
	if title == "" {
		title = v.p.ID
	}
	for _, l := range term.Wrap(title, v.width) {
		b.WriteString(v.screen.Bold(l) + "\n")
	}
	v.item(&b, "", v.c.DateTime(v.t.Now.In(v.p.Zone))+" · "+v.c.T("zone-times", "zone", v.p.Zone))
	b.WriteString("\n")
	v.chart(&b)
	v.section(&b, v.c.T("report.milestones"))
	for _, m := range own(v.t) {
		v.milestone(&b, m)
	}
	v.waves(&b)
	v.active(&b)
	v.next(&b)
	v.meetings(&b)
	v.zones(&b)
	return b.String()
}

func (v planView) section(b *strings.Builder, heading string) {
	b.WriteString("\n" + v.screen.Bold(heading) + "\n")
}

// item writes one entry behind its sign, wrapped, with what follows the first line set in.
func (v planView) item(b *strings.Builder, sign, text string) {
	indent := 0
	if sign != "" {
		indent = 2
	}
	for i, l := range term.Wrap(text, v.width-indent) {
		switch {
		case indent == 0:
		case i == 0:
			b.WriteString(sign + " ")
		default:
			b.WriteString("  ")
		}
		b.WriteString(l + "\n")
	}
}

// milestone writes one milestone: shape, name, state and dates.
func (v planView) milestone(b *strings.Builder, m *timeline.Milestone) {
	state := milestoneState(m.State)
	sign := " "
	if state != term.Plain {
		sign = v.screen.Paint(state, state.Shape())
	}
	word := "milestone." + string(m.State)
	if kept := m.Kept(v.t.Calendar()); m.State == timeline.Passed && kept != "" {
		word = "milestone.passed." + string(kept)
	}
	parts := []string{v.title(m.Milestone), v.c.T(word)}
	if m.State != timeline.Unset {
		parts = append(parts, v.stretch(m))
	}
	if m.State == timeline.Passed && !m.PassedAt.IsZero() {
		parts = append(parts, v.c.T("milestone.passed.on", "date", v.c.Day(v.local(m.PassedAt))))
	}
	parts = append(parts, v.moved(m)...)
	v.item(b, sign, strings.Join(parts, " · "))
}

// first is when a milestone was to be before it was moved for the first time.
func (v planView) first(m *timeline.Milestone) string {
	from := v.brief(m.OriginalStart, timeline.Begin)
	if m.Kind == plan.Release || m.Kind == plan.Point || m.From == m.Until {
		return from
	}
	return from + " – " + v.brief(m.OriginalEnd, timeline.Finish)
}

// moved says that a milestone has other dates than at first, and why.
func (v planView) moved(m *timeline.Milestone) []string {
	n := len(m.Was)
	if n == 0 {
		return nil
	}
	last := m.Was[n-1]
	return []string{v.c.T("screen.moved", "dates", v.first(m), "date", v.c.Date(v.local(last.Moved.At)), "reason", term.Line(last.Reason))}
}

func milestoneState(s timeline.State) term.State {
	switch s {
	case timeline.Active:
		return term.Running
	case timeline.Passed:
		return term.OK
	case timeline.Late:
		return term.Risk
	case timeline.Unset, timeline.Missed:
		return term.Unknown
	}
	return term.Plain
}

// title names a milestone and, where that is another word, its id, which commands take.
func (v planView) title(m *plan.Milestone) string {
	if name := titleOf(v.c, m); name != m.ID {
		return name + " (" + m.ID + ")"
	}
	return m.ID
}

func titleOf(c *words.Catalogue, m *plan.Milestone) string {
	if name := m.Title.In(string(c.Lang())); name != "" {
		return name
	}
	return m.ID
}

func (v planView) active(b *strings.Builder) {
	v.section(b, v.c.T("screen.active"))
	any := false
	for _, m := range v.t.Active() {
		if m.Kind == plan.Zone {
			continue // below, with what it allows
		}
		any = true
		state := milestoneState(m.State)
		text := v.title(m.Milestone) + " · " + v.c.T("milestone."+string(m.State)) + " · " + v.until(m.Until, m.End)
		if m.Owner != "" {
			text += " · " + v.c.T("owner") + " " + m.Owner
		}
		v.item(b, v.screen.Paint(state, state.Shape()), text)
	}
	if !any {
		v.item(b, "", v.c.T("screen.active.none"))
	}
}

func (v planView) next(b *strings.Builder) {
	v.section(b, v.c.T("screen.next"))
	shown := 0
	for _, h := range v.t.Next(-1) {
		point := h.Milestone.Kind == plan.Point || h.Milestone.Kind == plan.Release
		if point && h.Edge == timeline.Finish {
			continue // the end of the one day it has
		}
		if shown++; shown > manyNext {
			break
		}
		date, text := h.Milestone.From, v.title(h.Milestone.Milestone)
		if h.Edge == timeline.Finish {
			date = h.Milestone.Until
		}
		if !point {
			text = v.c.T("event."+string(h.Edge), "milestone", text)
		}
		text += " · " + v.when(date, h.When, h.Edge)
		if !h.When.Fuzzy() {
			text += " · " + v.c.Ahead(h.When.At.Sub(v.t.Now))
		}
		v.item(b, " ", text)
	}
	if shown == 0 {
		v.item(b, "", v.c.T("screen.next.none"))
	}
}

func (v planView) zones(b *strings.Builder) {
	v.section(b, v.c.T("screen.zones"))
	list := v.t.Zones(v.t.Now)
	for _, z := range list {
		allowed := v.c.T("report.nothing")
		if len(z.Allow) > 0 {
			var classes []string
			for _, class := range z.Allow {
				classes = append(classes, v.c.T("class."+string(class)))
			}
			allowed = v.c.List(classes)
		}
		text := v.title(z.Milestone) + " · " + v.c.T("report.zone.allows", "classes", allowed)
		if len(z.AppliesTo) == 1 {
			text += " · " + v.c.T("side."+string(z.AppliesTo[0]))
		}
		text += " · " + v.until(z.Milestone.Until, z.Until)
		if len(z.MayLift) > 0 {
			text += " · " + v.c.T("waiver") + ": " + strings.Join(z.MayLift, ", ")
		}
		v.item(b, v.screen.Paint(term.Risk, signZone), text)
	}
	if len(list) == 0 {
		v.item(b, "", v.c.T("screen.zones.none"))
	}
}
