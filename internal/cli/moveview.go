package cli

import (
	"fmt"
	"strings"
	"time"

	"skift/internal/diag"
	"skift/internal/lint"
	"skift/internal/plan"
	"skift/internal/term"
	"skift/internal/timeline"
)

// tellMove says what a change of dates brings, in the plan's language, and in English what was done.
func (s *session) tellMove(r *redating, out movedPlan) error {
	v := planView{screen: s.screen, p: r.after.Plan, t: r.is, c: speak(r.after.Plan), width: columns(s.screen)}
	var b strings.Builder
	key := "move.title"
	if r.split != "" {
		key = "move.split"
	}
	b.WriteString(v.screen.Bold(v.c.T(key, "milestone", v.title(r.after.Plan.Milestones[r.milestone]), "second", r.split)) + "\n")
	if r.reason != "" {
		v.item(&b, "", v.c.T("move.reason", "reason", term.Line(r.reason)))
	}
	if err := v.movedDates(&b, r); err != nil {
		return err
	}
	v.stays(&b, r)
	v.hindrances(&b, "move.impossible", term.Fail, r.said.Hindrances)
	v.hindrances(&b, "move.cautions", term.Risk, r.said.Cautions)
	v.problems(&b, r.said.Problems)
	v.voided(&b, out.Votes)
	v.bound(&b, out.Runs)
	s.printf("%s\n", b.String())
	switch {
	case out.Refused:
		fmt.Fprintf(s.err, "skift: nothing was written: something becomes impossible\n")
		s.hints(ExitNoGo, []string{"--with IDS moves what stays along; see to the rest first, or write it all the same with --accept"})
	case r.dryRun:
		s.printf("nothing was written (--dry-run)\n")
	default:
		s.printf("%s is written (revision %.12s, was %.12s)\n", r.file, out.NewHash, out.Hash)
		if r.known.Used {
			s.printf("a skift that serves goes on by the plan as it was until skift reload\n")
		}
	}
	return nil
}

// movedDates is the table of dates that are others.
func (v planView) movedDates(b *strings.Builder, r *redating) error {
	v.section(b, v.c.T("move.dates"))
	shifts := r.is.Shifts(r.was)
	if len(shifts) == 0 {
		v.item(b, "", v.c.T("move.dates.none"))
		return nil
	}
	t := term.NewTable()
	for _, d := range shifts {
		t.Row(v.brief(d.Was, d.Edge), "→ "+v.brief(d.At, d.Edge), v.dated(d.Dated))
	}
	screen := v.screen
	screen.Width = v.width // a file is as narrow as the narrowest usual terminal
	return t.Write(b, screen)
}

func (v planView) stays(b *strings.Builder, r *redating) {
	if len(r.overtakenByDate) == 0 {
		return
	}
	v.section(b, v.c.T("move.stays"))
	past := v.name(r.milestone)
	if r.split != "" {
		past = r.split // both have one title
	}
	for _, d := range r.overtakenByDate {
		key := "move.stays.after"
		if d.Before {
			key = "move.stays.before"
		}
		v.item(b, "·", v.c.T(key, "what", v.dated(d.Dated), "date", v.brief(d.At, d.Edge), "milestone", past))
	}
}

func (v planView) hindrances(b *strings.Builder, section string, as term.State, found []lint.Hindrance) {
	if len(found) == 0 {
		return
	}
	v.section(b, v.c.T(section))
	for _, h := range found {
		v.item(b, v.screen.Paint(as, as.Shape()), v.c.T("hindrance."+h.Code, "subject", v.name(h.Subject), "other", v.name(h.Other), "service", h.Service,
			"where", h.Where, "at", v.ending(h, h.At), "by", v.ending(h, h.By)))
	}
}

// problems are what validate says of the plan as it would be: diagnostics, in English as everywhere.
func (v planView) problems(b *strings.Builder, found []diag.Problem) {
	if len(found) == 0 {
		return
	}
	v.section(b, v.c.T("move.problems"))
	for _, p := range found {
		state := term.Risk
		if p.Severity == diag.Error {
			state = term.Fail
		}
		text := p.Message
		if p.Path != "" {
			text = p.Path + ": " + text
		}
		v.item(b, v.screen.Paint(state, state.Shape()), term.Line(text))
	}
}

// name is a milestone by its title, and everything else as it is.
func (v planView) name(id string) string {
	if m := v.p.Milestones[id]; m != nil {
		return titleOf(v.c, m)
	}
	return id
}

// dated says what a date is of.
func (v planView) dated(d timeline.Dated) string {
	edge := string(d.Edge)
	if m := v.p.Milestones[d.ID]; d.Kind == timeline.OfMilestone && m != nil && (m.Kind == plan.Point || m.Kind == plan.Release || m.From == m.Until) {
		edge = "date"
	}
	if d.Kind == timeline.OfGate {
		return v.c.T("moved."+edge, "what", d.ID)
	}
	return v.c.T("moved."+edge, "what", v.name(d.ID))
}

// brief is a date as short as it can be and still sure: the end of a day is that day.
func (v planView) brief(i timeline.Instant, e timeline.Edge) string {
	text := v.sureBrief(i, e)
	if i.Fuzzy() && i.Certainty != timeline.Month && i.Known() {
		text = v.c.T("date.about", "date", text)
	}
	return text
}

func (v planView) sureBrief(i timeline.Instant, e timeline.Edge) string {
	last := i.At
	if e == timeline.Finish || e == timeline.DecideBy {
		last = last.Add(-1)
	}
	switch {
	case !i.Known():
		return v.c.T("date.unset")
	case i.Certainty == timeline.Month:
		from, until := v.local(i.Earliest).Format("2006-01"), v.local(i.Latest.Add(-1)).Format("2006-01")
		if from != until {
			return from + ".." + until
		}
		return from
	case i.Certainty == timeline.Exact:
		return v.local(i.At).Format("2006-01-02 15:04")
	}
	return v.local(last).Format(time.DateOnly)
}

// ending is an instant of a hindrance: where it is the end of a day, that day.
func (v planView) ending(h lint.Hindrance, t time.Time) string {
	end := h.Code == "exit-too-early" && t.Equal(h.At) || h.Code == "consent" || h.Code == "zone-ends"
	if l := v.local(t); end && !t.IsZero() && l.Hour()+l.Minute()+l.Second() == 0 {
		return v.c.Date(l.Add(-1))
	}
	return v.instant(t)
}

// instant is when something is that is no date of the plan.
func (v planView) instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	l := v.local(t)
	if h, m, s := l.Clock(); h == 0 && m == 0 && s == 0 {
		return v.c.Date(l)
	}
	return v.c.Date(l) + " " + v.c.Clock(l)
}
