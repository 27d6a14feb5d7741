package report

import (
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/words"
)

// Paper writes the page that is printed for the night without network: what is done in which order, whom to call, how to back out, and
// columns for a pen. It is one file that asks for nothing else. It holds names and numbers.
func Paper(w io.Writer, p *plan.Plan, s snapshot.Snapshot) error {
	c := words.In(words.Lang(p.Language)).With(p.Words)
	v := paperView{c: c, p: p, s: s, Lang: p.Language, Title: term.Line(p.Title.In(p.Language)), Head: s.Head, Hash: p.Hash[:min(12, len(p.Hash))]}
	v.AsOf = c.T("paper.as-of", "at", v.local(s.At))
	for _, id := range paperBooks(p, s) {
		v.Books = append(v.Books, v.book(id))
	}
	for _, g := range s.Gates {
		if g.Run == "" {
			v.Gates = append(v.Gates, v.gate(g))
		}
	}
	for _, d := range s.Duty {
		v.Phones = append(v.Phones, paperPhone{d.Seat, v.call(d.Person), v.until(d.Until), v.call(d.Next), v.until(d.NextFrom), v.call(d.Deputy)})
	}
	if err := paper.Execute(w, v); err != nil {
		return fmt.Errorf("write the printed page: %w", err)
	}
	return nil
}

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
		if !r.State.Final() && !r.Rehearsal {
			add(r.Runbook)
		}
	}
	return ids
}

// paperView is what the page shows, all of it text.
type paperView struct {
	c                             *words.Catalogue
	p                             *plan.Plan
	s                             snapshot.Snapshot
	Lang, Title, AsOf, Head, Hash string
	Books                         []paperBook
	Gates                         []paperGate
	Phones                        []paperPhone
}

type paperBook struct {
	ID, Title, About string
	Steps            []paperStep
}

type paperStep struct {
	N                                          int
	ID, Name, Owner, Phone, Takes, Bound, Done string
	NoReturn                                   bool
}

type paperGate struct{ ID, Asks, Decides, By, Poll, State string }

type paperPhone struct{ Seat, Now, Until, Next, From, Deputy string }

// T gives the template its words.
func (v paperView) T(key string) string { return v.c.T(key) }

func (v paperView) local(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(v.p.Zone).Format("2006-01-02 15:04 MST")
}

func (v paperView) until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(v.p.Zone).Format("2006-01-02 15:04")
}

func (v paperView) call(id string) string {
	who, ok := v.p.Contacts.Person(id)
	if !ok {
		return term.Line(id)
	}
	return term.Line(strings.TrimSpace(who.Name + " " + who.Phone))
}

func (v paperView) gate(g snapshot.Gate) paperGate {
	pg := v.p.Gates[g.Gate]
	out := paperGate{ID: g.Gate, Asks: term.Line(g.Title.In(v.p.Language)), Decides: g.Decides, By: v.local(g.DecideBy), State: v.c.T("gate." + string(g.State))}
	if pg != nil {
		out.Poll = strings.Join(pg.Poll, ", ")
	}
	return out
}

func (v paperView) book(id string) paperBook {
	b := v.p.Runbooks[id]
	out := paperBook{ID: id, Title: term.Line(b.Title.In(v.p.Language))}
	if b.BackOut != "" {
		out.About = v.c.T("book.back-out", "runbook", b.BackOut)
	}
	now := map[string]snapshot.Step{}
	for _, r := range v.s.Runs { // newest first
		if r.Runbook == id && !r.Rehearsal {
			for _, st := range r.Steps {
				now[st.ID] = st
			}
			break
		}
	}
	duty := map[string]string{}
	for _, d := range v.s.Duty {
		duty[d.Seat] = v.call(d.Person)
	}
	for i, st := range b.Steps {
		var bound []string
		if len(st.Needs) > 0 {
			bound = append(bound, strings.Join(st.Needs, ", "))
		}
		if st.AfterGate != "" {
			bound = append(bound, v.c.T("book.gate", "gate", st.AfterGate))
		}
		x := paperStep{N: i + 1, ID: st.ID, Name: term.Line(st.Name(v.p.Language)), Owner: st.Owner, Phone: duty[st.Owner], Bound: strings.Join(bound, " · "), NoReturn: st.PointOfNoReturn}
		if st.Takes > 0 {
			x.Takes = v.c.Duration(st.Takes)
		}
		if s, ok := now[st.ID]; ok {
			x.Done = v.c.T("step." + string(s.State))
			if !s.FinishedAt.IsZero() {
				x.Done += " " + s.FinishedAt.In(v.p.Zone).Format("02/01 15:04")
			}
		}
		out.Steps = append(out.Steps, x)
	}
	return out
}

var paper = template.Must(template.New("paper").Parse(`<!DOCTYPE html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{.Title}}</title>
<style>
@page { size: A4 landscape; margin: 12mm; }
body { font: 10pt/1.35 sans-serif; color: #000; background: #fff; margin: 0 auto; max-width: 273mm; }
h1 { font-size: 16pt; margin: 0 0 1mm; } h2 { font-size: 12pt; margin: 6mm 0 1mm; break-after: avoid; }
p { margin: 0 0 1mm; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } thead { display: table-header-group; } tr { break-inside: avoid; }
th, td { border: 0.3mm solid #444; padding: 1mm 1.5mm; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { background: #eee; } .pen { width: 22mm; } .sign { width: 30mm; } .n { width: 7mm; text-align: right; }
.no-return td { border-top: 1.2mm solid #000; }
section + section { break-before: page; }
</style>
</head>
<body>
<header><h1>{{.Title}}</h1><p>{{.AsOf}} · {{.T "paper.revision"}} {{.Hash}}</p><p>{{.Head}}</p></header>
{{$v := .}}{{range .Books}}<section>
<h2>{{.ID}}{{if .Title}}: {{.Title}}{{end}}</h2>{{if .About}}<p>{{.About}}</p>{{end}}
<table><thead><tr><th scope="col" class="n">#</th><th scope="col">{{$v.T "book.col.step"}}</th><th scope="col">{{$v.T "book.col.owner"}}</th><th scope="col">{{$v.T "book.col.takes"}}</th><th scope="col">{{$v.T "book.col.needs"}}</th><th scope="col">{{$v.T "paper.stands"}}</th><th scope="col" class="pen">{{$v.T "paper.began"}}</th><th scope="col" class="pen">{{$v.T "paper.ended"}}</th><th scope="col" class="sign">{{$v.T "paper.sign"}}</th></tr></thead>
<tbody>{{range .Steps}}<tr{{if .NoReturn}} class="no-return"{{end}}><td class="n">{{.N}}</td><td><b>{{.ID}}</b>{{if .NoReturn}} ■ {{$v.T "book.no-return"}}{{end}}<br>{{.Name}}</td><td>{{.Owner}}{{if .Phone}}<br>{{.Phone}}{{end}}</td><td>{{.Takes}}</td><td>{{.Bound}}</td><td>{{.Done}}</td><td></td><td></td><td></td></tr>
{{end}}</tbody></table>
</section>
{{end}}<section>
<h2>{{.T "paper.gates"}}</h2>
<table><thead><tr><th scope="col">{{.T "paper.gate"}}</th><th scope="col">{{.T "paper.decides"}}</th><th scope="col">{{.T "paper.by"}}</th><th scope="col">{{.T "paper.poll"}}</th><th scope="col">{{.T "paper.stands"}}</th><th scope="col" class="sign">Go / No-go</th></tr></thead>
<tbody>{{range .Gates}}<tr><td><b>{{.ID}}</b><br>{{.Asks}}</td><td>{{.Decides}}</td><td>{{.By}}</td><td>{{.Poll}}</td><td>{{.State}}</td><td></td></tr>
{{end}}</tbody></table>
<h2>{{.T "paper.phones"}}</h2>
<table><thead><tr><th scope="col">{{.T "paper.seat"}}</th><th scope="col">{{.T "paper.now"}}</th><th scope="col">{{.T "paper.until"}}</th><th scope="col">{{.T "paper.next"}}</th><th scope="col">{{.T "paper.from"}}</th><th scope="col">{{.T "paper.deputy"}}</th></tr></thead>
<tbody>{{range .Phones}}<tr><td>{{.Seat}}</td><td>{{.Now}}</td><td>{{.Until}}</td><td>{{.Next}}</td><td>{{.From}}</td><td>{{.Deputy}}</td></tr>
{{end}}</tbody></table>
</section>
</body>
</html>
`))
