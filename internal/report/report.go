// Package report turns a snapshot into what is told to people: one mail per kind of report, as HTML and as plain text that
// carries the same facts, in Danish and English.
//
// A report is a list of sections, and a section is one function in a file of its own; whatever it returns is drawn twice,
// so neither form can say more than the other. Text that somebody wrote is data throughout: it never becomes a template, an
// element, an attribute or a header. The package is pure: no clock, disk or network; everything it does not find in the
// snapshot is in Options.
package report

import (
	"fmt"
	"slices"
	"strings"

	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/words"
)

// MaxHTML is what the HTML part stays under, in bytes: large web clients cut a message off at 102 kB.
const MaxHTML = 90_000

// Options are what a report needs beside the snapshot.
type Options struct {
	Lang     words.Lang
	Party    string            // whose own flows; "" = everybody's the snapshot has
	BaseURL  string            // of the links, from the settings; "" = no links
	Words    map[string]string // the programme's own words
	Audience string            // id of who is told: the report says what changed since the last one to them; "" = not said
	// AudienceTitle is what the audience is called; "" = by its id.
	AudienceTitle string
	Gate          string // gate: which one; "" = the one decided last, else the next to be decided
	Run           string // cutover-done: which run; "" = the last live one in production; contradiction: the step's
	Step          string // contradiction: which step
	Owner         string // difference: the party that is asked; "" = every one
	Zone          string // zone: which one; "" = every zone in force
}

// Rendered is a report ready to be sent.
type Rendered struct {
	Subject string // one line
	HTML    string // below MaxHTML
	Text    string // the same facts, at most 78 columns
}

// kind is one kind of report.
type kind struct {
	id       string
	title    func(*page) string // key of what it is called
	clause   func(*page) string // the subject's one clause
	sections []section
}

// section makes one part of a report; nil when there is nothing to say.
type section func(*page) []block

func kinds() []kind {
	return []kind{
		{"weekly", always("report.weekly"), weeklyClause, []section{overall, needed, differences, dimensions, milestones, risks, happened, coming, meetings, checksSummary, incidents, deviations, rehearsals, zones}},
		{"own-flows", always("report.own-flows"), ownClause, []section{ownFlows, ownActions, ownNeeded, nextDates, contactPoint}},
		{"cutover-done", cutoverTitle, cutoverClause, []section{cutoverDone, cutoverSwitched, cutoverSteps, cutoverProof, phases, cutoverDecisions, nextDates}},
		{"gate", gateTitle, gateClause, []section{gateDecision, gateCriteria, gatePoll, gateDissent, gateDeviations}},
		{"zone", always("report.zone"), zoneClause, []section{zoneBegins, zoneExceptions, checksSummary, nextDates}},
		{Contradiction, always("report.contradiction"), contradictionClause, []section{contradicted, contradictedBy, contradictionNext}},
		{Difference, always("report.difference"), differenceClause, []section{differed, differencesNext}},
	}
}

func always(key string) func(*page) string { return func(*page) string { return key } }

// Kinds lists the kinds of report that somebody can ask for.
func Kinds() []string {
	var out []string
	for _, k := range kinds() {
		if k.id != Contradiction && k.id != Difference {
			out = append(out, k.id)
		}
	}
	return out
}

// Known reports whether there is a report of that kind.
func Known(id string) bool { return slices.Contains(Kinds(), id) }

// longest is how many rows a list has at most before it is cut with "and n more".
const longest = 40

// Render makes a report of a kind. The error names the kinds there are when it is none of them.
func Render(id string, s snapshot.Snapshot, o Options) (Rendered, error) {
	i := slices.IndexFunc(kinds(), func(k kind) bool { return k.id == id })
	if i < 0 {
		return Rendered{}, fmt.Errorf("there is no report %q; there are %s", id, strings.Join(Kinds(), ", "))
	}
	k := kinds()[i]
	if lang, ok := words.ParseLang(string(o.Lang)); ok {
		o.Lang = lang
	} else {
		o.Lang = words.En
	}
	who := map[string]string{}
	for _, f := range s.Flows {
		who[f.Party] = f.PartyName
	}
	for rows := longest; ; rows /= 2 {
		p := &page{Snapshot: s, o: o, c: words.In(o.Lang).With(o.Words), rows: rows, who: who}
		d := p.document(k)
		out := Rendered{Subject: d.Subject, Text: d.text()}
		var err error
		if out.HTML, err = d.html(); err != nil {
			return Rendered{}, err
		}
		if len(out.HTML) < MaxHTML && len(out.Text) < MaxHTML || rows == 0 {
			return out, nil
		}
	}
}

// document lays out a report.
func (p *page) document(k kind) document {
	d := document{Lang: string(p.o.Lang), Subject: p.subject(k), Title: line(p.c.T(k.title(p))), Plan: line(p.Plan.Title.In(string(p.o.Lang)))}
	if d.Plan == "" {
		d.Plan = line(p.Plan.ID)
	}
	for _, s := range append(k.sections, footer) {
		for _, b := range s(p) {
			d.Blocks = append(d.Blocks, clean(b))
		}
	}
	return d
}

// subject is "[GUL] Skift plan – uge 48: one clause".
func (p *page) subject(k kind) string {
	text := p.c.T("report.subject", "light", p.c.T("light."+string(p.Status.Light())), "plan", "Skift "+p.Plan.ID,
		"week", p.c.Week(p.local(p.At)), "clause", k.clause(p))
	if p.practised() {
		text = "[" + p.c.T("screen.rehearsal") + "] " + text
	}
	return term.Truncate(line(text), 150)
}

// practised reports whether the report comes out of a run that changes nothing in production: its subject must say so, for
// many read no further.
func (p *page) practised() bool {
	return slices.ContainsFunc(p.Runs, func(r snapshot.Run) bool {
		return r.ID == p.o.Run && (r.Rehearsal || !r.Production)
	})
}
