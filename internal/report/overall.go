package report

import (
	"slices"
	"strings"

	"skift/internal/snapshot"
	"skift/internal/term"
)

// lights are the states in which a light is shown; no light is not known.
var lights = map[string]term.State{"green": term.OK, "yellow": term.Risk, "red": term.Fail}

// light is a light as shape, word and colour.
func (p *page) light(l string) *badge {
	if _, ok := lights[l]; !ok {
		return p.badge(term.Unknown, p.c.T("light.unknown"))
	}
	return p.badge(lights[l], p.c.T("light."+l))
}

// shownReasons is how many reasons the box at the top has.
const shownReasons = 3

// overall is the box at the top: the light, what the manager says of it, and what it was computed from.
func overall(p *page) []block {
	st := p.Status
	light := string(st.Light())
	out := []block{heading(p.c.T("report.overall")), para{Badge: p.light(light), Text: p.c.T("light." + light + ".means"), Loud: true}}
	out = append(out, p.note()...)
	if st.Set != nil {
		by := st.Set.Actor
		out = append(out, para{Text: p.c.T("report.light.set", "light", p.c.T("light."+string(st.Set.Light)), "seat", p.actor(by.Seat, by.Person, by.EnteredBy), "reason", line(st.Set.Because))},
			para{Text: p.c.T("report.light.computed", "light", p.c.T("light."+string(st.Computed)))})
	}
	for i, r := range st.Reasons {
		if i == shownReasons {
			out = append(out, para{Text: p.c.N("report.more", len(st.Reasons)-i)})
			break
		}
		out = append(out, para{Badge: p.light(string(r.Light)), Text: p.why(r)})
	}
	if len(st.Reasons) == 0 {
		out = append(out, para{Text: p.c.T("report.why.nothing")})
	}
	if told, ok := p.Told[p.o.Audience]; ok {
		out = append(out, para{Text: p.c.T("report.since", "at", p.at(told.At), "trend", p.c.T("trend."+lightTrend(string(told.Light), light)), "light", p.c.T("light."+string(told.Light)))})
	} else if p.o.Audience != "" {
		out = append(out, para{Text: p.c.T("report.first")})
	}
	return out
}

// noteLines is how many lines the manager's note may have.
const noteLines = 40

// note is what the manager says, in the manager's own paragraphs.
func (p *page) note() []block {
	if p.Status.Note == nil {
		return nil
	}
	text, by := p.Status.Note.Note, p.Status.Note.Actor
	text = text[:min(len(text), 4*longestNote)] // at most four bytes to a character
	out := []block{para{Text: p.c.T("report.note", "seat", p.actor(by.Seat, by.Person, by.EnteredBy)) + ":"}}
	for _, s := range strings.SplitN(text, "\n", noteLines) { // the last takes the rest
		if s = lineOf(s, longestNote); s != "" {
			out = append(out, para{Text: s, Own: true})
		}
	}
	return out
}

// lightTrend compares two lights.
func lightTrend(then, now string) string {
	order := []string{"green", "yellow", "red"}
	switch d := slices.Index(order, now) - slices.Index(order, then); {
	case d > 0:
		return "worse"
	case d < 0:
		return "better"
	}
	return "same"
}

// why says a reason as a sentence.
func (p *page) why(r snapshot.Reason) string {
	return p.c.T(r.Sentence(), "milestone", p.name("milestone", r.Subject), "gate", p.name("gate", r.Subject),
		"run", p.runName(r.Subject), "runbook", p.runName(r.Subject), "step", p.stepName(r.Subject, r.Step), "slip", p.c.Late(r.Days),
		"at", p.at(r.At), "blocking", r.Count, "missing", r.Count, "n", r.Count, "whole", p.c.N("count.comparisons", r.Of), "seat", p.seat(r.Owner),
		"party", p.name("party", r.Subject), "class", p.c.T("class."+r.Subject))
}

// runName names a run by what its runbook is called.
func (p *page) runName(id string) string {
	for _, r := range p.Runs {
		if r.ID == id {
			return p.name("runbook", r.Runbook)
		}
	}
	return id
}

// stepName names a step, or the gate that holds the run.
func (p *page) stepName(run, id string) string {
	for _, r := range p.Runs {
		if r.ID != run {
			continue
		}
		for _, s := range r.Steps {
			if s.ID == id {
				return line(s.Name.In(string(p.o.Lang)))
			}
		}
	}
	return p.name("gate", id)
}

// needed lists who must decide or answer what, and by when.
func needed(p *page) []block {
	out := []block{heading(p.c.T("report.decisions-needed"))}
	if len(p.Needed) == 0 {
		return append(out, para{Text: p.c.T("report.decisions-needed.none")})
	}
	t := table{Cols: []string{p.c.T("report.col.what"), p.c.T("report.col.who"), p.c.T("deadline")}}
	for _, n := range p.Needed {
		by := p.at(n.By)
		if !n.By.IsZero() && p.At.After(n.By) {
			by = p.c.T("report.overdue", "at", by)
		}
		t.Rows = append(t.Rows, []cell{{Badge: p.badge(term.Gate, p.c.T("report.need."+n.Kind)), Text: p.needName(n)}, text(p.seat(n.Seat)), text(by)})
	}
	return append(out, p.cutTo(t, 12))
}

func (p *page) needName(n snapshot.Needed) string {
	switch {
	case n.Kind == snapshot.NeedStep, n.Kind == snapshot.NeedContradiction:
		return p.runName(n.Run) + ": " + p.stepName(n.Run, n.Subject)
	case n.Kind == snapshot.NeedAttest:
		return p.name("gate", n.Gate) + ": " + line(n.Subject)
	case n.Gate != "" && n.Run != "":
		return p.name("gate", n.Gate) + " (" + p.c.T("gate.practised") + ")"
	case n.Gate != "":
		return p.name("gate", n.Gate)
	}
	return line(n.Subject)
}

// dimensions is the row of lights, this week and last. What nobody states is said to be unstated, never green.
func dimensions(p *page) []block {
	t := table{Cols: []string{""}, Rows: [][]cell{{text(p.c.T("report.this-week"))}, {text(p.c.T("report.col.last-week"))}}}
	show := func(l string) cell {
		if l == "" {
			return text(p.c.T("report.unstated"))
		}
		return cell{Badge: p.light(l)}
	}
	for _, d := range p.Status.Dimensions {
		t.Cols = append(t.Cols, p.c.T("dimension."+d.ID))
		t.Rows[0] = append(t.Rows[0], show(string(d.Light)))
		t.Rows[1] = append(t.Rows[1], show(string(d.LastWeek)))
	}
	if len(p.Status.Dimensions) == 0 {
		return nil
	}
	return []block{heading(p.c.T("report.dimensions")), t}
}

// since is the date a reason has: of a milestone that is late the day it should have ended.
func (p *page) since(r snapshot.Reason) string {
	for _, m := range p.Milestones {
		if r.Code == snapshot.WhyLate && m.ID == r.Subject {
			return p.date(m.End, true)
		}
	}
	return p.at(r.At)
}

// risks are the gravest things that are not as they should be, each with whose it is and since when.
func risks(p *page) []block {
	out := []block{heading(p.c.T("report.risks"))}
	t := table{Cols: []string{p.c.T("report.col.what"), p.c.T("owner"), p.c.T("report.col.date")}}
	for _, r := range p.Status.Reasons {
		t.Rows = append(t.Rows, []cell{{Badge: p.light(string(r.Light)), Text: p.why(r)}, text(p.owner(r.Owner)), text(p.since(r))})
	}
	if len(t.Rows) == 0 {
		return append(out, para{Text: p.c.T("report.why.nothing")})
	}
	return append(out, p.cutTo(t, 5))
}
