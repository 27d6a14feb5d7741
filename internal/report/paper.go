package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"skift/internal/forecast"
	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/words"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// Paper writes the page that is printed for the night without network: the plan, what is done in which order and when, whom to call, how
// to back out, and columns for a pen. It is one file that asks for nothing else. It holds names and numbers.
func Paper(w io.Writer, p *plan.Plan, s snapshot.Snapshot) error {
	c := words.In(words.Lang(p.Language)).With(p.Words)
	if s.Plan.Zone == nil { // it came as JSON
		s.Plan.Zone = p.Zone
	}
	v := paperView{page: &page{Snapshot: s, c: c, o: Options{Lang: words.Lang(p.Language)}}, p: p, Lang: p.Language, Title: line(p.Title.In(p.Language)),
		Hash: p.Hash[:min(12, len(p.Hash))], Lines: make([]struct{}, penLines)}
	v.AsOf = c.T("paper.as-of", "at", v.stamp(s.At)+" "+s.At.In(p.Zone).Format("MST"))
	v.dates()
	for _, g := range s.Gates {
		if g.Run == "" {
			v.Gates = append(v.Gates, v.gate(g))
		}
	}
	for _, d := range s.Duty {
		v.Phones = append(v.Phones, paperPhone{d.Seat, v.call(d.Person), v.stamp(d.Until), v.call(d.Next), v.stamp(d.NextFrom), v.call(d.Deputy)})
	}
	for _, id := range paperBooks(p, s) {
		v.Books = append(v.Books, v.book(id))
	}
	if err := paper.Execute(w, v); err != nil {
		return fmt.Errorf("write the printed page: %w", err)
	}
	return nil
}

// penLines is how many empty lines there are for what nobody foresaw.
const penLines = 16

// paperBooks are the runbooks of the night: those of a window, then those that unfinished runs follow, each with its way back.
func paperBooks(p *plan.Plan, s snapshot.Snapshot) []string {
	var ids []string
	add := func(id string) {
		if b := p.Runbooks[id]; b != nil && !slices.Contains(ids, id) {
			ids = append(ids, id)
			if b.BackOut != "" && p.Runbooks[b.BackOut] != nil && !slices.Contains(ids, b.BackOut) {
				ids = append(ids, b.BackOut)
			}
		}
	}
	for _, id := range p.RunbookIDs {
		if p.Runbooks[id].Window != "" {
			add(id)
		}
	}
	for _, r := range s.Runs {
		if !r.State.Final() && isNight(r) {
			add(r.Runbook)
		}
	}
	return ids
}

// isNight reports whether a run is the night itself: neither a rehearsal nor a try in another environment.
func isNight(r snapshot.Run) bool { return r.Production && !r.Rehearsal }

// paperView is what the page shows, all of it text.
type paperView struct {
	*page
	p                       *plan.Plan
	Lang, Title, AsOf, Hash string
	Dates                   []paperDate
	Gates                   []paperGate
	Phones                  []paperPhone
	Books                   []paperBook
	Lines                   []struct{}
}

type paperDate struct{ ID, Name, Kind, From, Until, State, Allowed string }

type paperBook struct {
	ID, Title, About, Ends string
	Steps                  []paperStep
}

// paperStep is one row. When is its day and hours as they are expected, Doing what is to be done beside its name.
type paperStep struct {
	N                                         int
	ID, Name, Doing, Owner, Day, Hours, Takes string
	Who                                       paperCall
	Bound, Done                               string
	NoReturn                                  bool
}

// paperCall is a person and the number, which is kept together.
type paperCall struct{ Name, Phone string }

type paperGate struct {
	ID, Asks, Decides string
	Who               paperCall
	By, Latest        string
	Poll, State       string
}

type paperPhone struct {
	Seat   string
	Now    paperCall
	Until  string
	Next   paperCall
	From   string
	Deputy paperCall
}

// T gives the template its words.
func (v paperView) T(key string) string { return v.c.T(key) }

// stamp is a day and time of day; the page says once in which zone.
func (v paperView) stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(v.p.Zone)
	return v.c.ShortDay(t) + " " + t.Format("2006") + " " + v.c.Clock(t)
}

func (v paperView) call(id string) paperCall {
	who, ok := v.p.Contacts.Person(id)
	if !ok {
		return paperCall{Name: line(id)}
	}
	return paperCall{line(cmp.Or(who.Name, id)), line(who.Phone)}
}

// onDuty is who sits in a seat now.
func (v paperView) onDuty(seat string) paperCall {
	for _, d := range v.Duty {
		if d.Seat == seat {
			return v.call(d.Person)
		}
	}
	return paperCall{}
}

// dates lists the plan: zones, phases, windows and what else has a date.
func (v *paperView) dates() {
	for _, m := range v.Milestones {
		span := m.Kind != "release" && m.Kind != "point"
		d := paperDate{ID: m.ID, Name: v.name("milestone", m.ID), Kind: v.c.T("milestone-kind." + m.Kind), From: v.date(m.Start, false), State: v.c.T("milestone." + string(m.State))}
		if span {
			d.Until = v.date(m.End, true)
		}
		if m.Kind == "zone" {
			d.Allowed = v.allowed(snapshot.Zone{Allow: m.Allow})
		}
		v.Dates = append(v.Dates, d)
	}
}

func (v paperView) gate(g snapshot.Gate) paperGate {
	pg := v.p.Gates[g.Gate]
	out := paperGate{ID: g.Gate, Asks: line(g.Title.In(v.p.Language)), Decides: g.Decides, Who: v.onDuty(g.Decides), By: v.stamp(g.DecideBy), State: v.c.T("gate." + string(g.State))}
	if pg != nil {
		out.Poll = strings.Join(pg.Poll, ", ")
	}
	for _, f := range v.forecasts() {
		for _, fg := range f.Gates {
			if fg.ID == g.Gate {
				out.Latest = v.stamp(fg.Latest)
			}
		}
	}
	return out
}

// forecasts are those of the night: of what has not begun, and of what is under way.
func (v paperView) forecasts() []*forecast.Forecast {
	var out []*forecast.Forecast
	for _, id := range paperBooks(v.p, v.Snapshot) {
		if f := v.forecast(id); f != nil {
			out = append(out, f)
		}
	}
	return out
}

// night is the run of a runbook that the page is about, the newest; ok is false before it has begun, also before the next of several windows.
func (v paperView) night(book string) (r snapshot.Run, ok bool) {
	if v.Ahead[book] != nil {
		return r, false
	}
	i := slices.IndexFunc(v.Runs, func(r snapshot.Run) bool { return r.Runbook == book && isNight(r) })
	if i < 0 {
		return r, false
	}
	return v.Runs[i], true
}

// forecast is when the steps of a runbook are expected; nil = nobody can say.
func (v paperView) forecast(book string) *forecast.Forecast {
	if r, ok := v.night(book); ok {
		return r.Forecast
	}
	return v.Ahead[book]
}

func (v paperView) book(id string) paperBook {
	b := v.p.Runbooks[id]
	out := paperBook{ID: id, Title: line(b.Title.In(v.p.Language))}
	if b.BackOut != "" {
		out.About = v.c.T("book.back-out", "runbook", b.BackOut)
	}
	r, begun := v.night(id)
	if !begun {
		for _, st := range b.Steps {
			r.Steps = append(r.Steps, snapshot.Step{ID: st.ID, Name: runbookName(st), Owner: st.Owner, Needs: st.Needs, AfterGate: st.AfterGate, NoReturn: st.PointOfNoReturn, Takes: st.Takes})
		}
	}
	f := v.forecast(id)
	if f != nil {
		out.Ends = v.c.T("paper.ends", "at", v.stamp(f.End))
	}
	for i, st := range r.Steps { // those of the run: some may have been added, or be somebody else's by now
		x := paperStep{N: i + 1, ID: st.ID, Name: line(st.Name.In(v.p.Language)), Doing: doing(b.Step(st.ID), v.p.Language), Owner: st.Owner, Who: v.onDuty(st.Owner), Bound: v.bound(st), NoReturn: st.NoReturn}
		if st.Takes > 0 {
			x.Takes = v.c.Duration(st.Takes)
		}
		if st.State != "" {
			x.Done = v.c.T("step." + string(st.State))
		}
		if !st.FinishedAt.IsZero() {
			x.Done += " " + v.c.Short(st.FinishedAt.In(v.p.Zone))
		} else if f != nil {
			x.Day, x.Hours = v.hours(f, st.ID)
		}
		out.Steps = append(out.Steps, x)
	}
	return out
}

func runbookName(st *runbooks.Step) yamldoc.Text {
	return yamldoc.Text{Da: st.Name("da"), En: st.Name("en")}
}

// hours is when a step is expected: its day, and from when until when. One that nobody estimated has no end.
func (v paperView) hours(f *forecast.Forecast, id string) (day, hours string) {
	st, ok := f.Step(id)
	if !ok || st.Start.IsZero() {
		return "", ""
	}
	from, until := st.Start.In(v.p.Zone), st.End.In(v.p.Zone)
	day, hours = v.c.ShortDay(from), v.c.Clock(from)
	switch {
	case st.Unestimated:
	case v.c.ShortDay(until) == day:
		hours += "–" + v.c.Clock(until)
	default:
		hours += " – " + v.c.Short(until)
	}
	return day, hours
}

// bound is what a step stands behind.
func (v paperView) bound(st snapshot.Step) string {
	var out []string
	if len(st.Needs) > 0 {
		out = append(out, strings.Join(st.Needs, ", "))
	}
	if st.AfterGate != "" {
		out = append(out, v.c.T("book.gate", "gate", st.AfterGate))
	}
	return strings.Join(out, " · ")
}

// doing is what is to be done, where the name of a step does not say it: the instruction, or the command.
func doing(st *runbooks.Step, lang string) string {
	switch {
	case st == nil:
		return ""
	case st.Kind == runbooks.Command:
		return line(strings.Join(st.Argv, " "))
	case !st.Title.IsZero():
		return lineOf(st.Instruction.In(lang), longestNote)
	}
	return ""
}
