package report

import (
	"slices"
	"strings"

	"skift/internal/snapshot"
	"skift/internal/term"
)

// theRun is the run the report is about: the one named, else the last live one in production whose steps switched something,
// else the last live one there.
func (p *page) theRun() (snapshot.Run, bool) {
	live := func(r snapshot.Run) bool { return r.Production && !r.Rehearsal }
	for _, want := range []func(snapshot.Run) bool{
		func(r snapshot.Run) bool { return r.ID == p.o.Run },
		func(r snapshot.Run) bool { return p.o.Run == "" && live(r) && r.Switches },
		func(r snapshot.Run) bool { return p.o.Run == "" && live(r) },
	} {
		if i := slices.IndexFunc(p.Runs, want); i >= 0 {
			return p.Runs[i], true
		}
	}
	return snapshot.Run{}, false
}

// cutoverTitle says that it is done only when it is.
func cutoverTitle(p *page) string {
	if r, ok := p.theRun(); ok && r.State == "done" && !r.Rehearsal {
		return "report.cutover-done"
	}
	return "report.cutover"
}

func cutoverClause(p *page) string {
	r, ok := p.theRun()
	if !ok {
		return p.c.T("report.clause.no-cutover")
	}
	if s := switched(r); len(s) > 0 && !r.Rehearsal && (r.State == "running" || r.State == "done") {
		var names []string
		for _, x := range s {
			names = append(names, p.name("service", x.service))
		}
		return p.c.T("report.clause.switched", "services", p.c.List(names))
	}
	return p.c.T("report.clause.decided", "gate", p.name("runbook", r.Runbook), "decision", p.c.T("run."+string(r.State)))
}

// cutoverDone says how it went: never more than the run's facts. It may be sent by a step of the run itself, which is then
// still under way.
func cutoverDone(p *page) []block {
	r, ok := p.theRun()
	if !ok {
		return []block{heading(p.c.T("report.cutover")), para{Text: p.c.T("report.cutover.none")}}
	}
	out := []block{heading(p.name("runbook", r.Runbook)), para{Badge: p.runState(r).Badge, Text: p.c.T("report.cutover.times", "from", p.full(r.StartedAt), "until", p.ended(r))},
		para{Text: p.c.T("report.run.progress", "done", p.done(r), "whole", len(r.Steps))}}
	if r.NoReturn {
		out = append(out, para{Badge: p.badge(term.Gate, p.c.T("point-of-no-return")), Text: p.c.T("report.cutover.no-return")})
	}
	if r.Rehearsal {
		out = append(out, para{Text: p.c.T("report.run.rehearsal")})
	}
	if r.Reason != "" {
		out = append(out, para{Text: line(r.Reason)})
	}
	return out
}

// move is one service brought to the new platform.
type move struct {
	service string
	step    snapshot.Step
}

// switched lists the services the run really moved.
func switched(r snapshot.Run) []move {
	var out []move
	for _, s := range r.Steps {
		if s.State == "done" && !s.Simulated {
			for _, id := range s.Switches {
				out = append(out, move{id, s})
			}
		}
	}
	return out
}

// cutoverSwitched lists what switched, when and by whom.
func cutoverSwitched(p *page) []block {
	r, ok := p.theRun()
	if !ok {
		return nil
	}
	t := table{Cols: []string{p.c.T("service"), p.c.T("report.col.when"), p.c.T("report.col.by")}}
	for _, m := range switched(r) {
		t.Rows = append(t.Rows, []cell{text(p.name("service", m.service)), text(p.at(m.step.FinishedAt)), text(p.seat(doneBy(m.step)))})
	}
	return p.orNothing("report.switched", p.cutTo(t, 20))
}

// doneBy is the seat that ended a step, else the one it belongs to.
func doneBy(s snapshot.Step) string {
	if s.By.Seat != "" {
		return s.By.Seat
	}
	return s.Owner
}

func (p *page) ended(r snapshot.Run) string {
	if r.EndedAt.IsZero() {
		return p.c.T("now")
	}
	return p.full(r.EndedAt)
}

func (p *page) done(r snapshot.Run) int {
	n := 0
	for _, s := range r.Steps {
		if s.State == "done" || s.State == "skipped" {
			n++
		}
	}
	return n
}

// stepStates are the states in which a step is shown.
var stepStates = map[string]term.State{"waiting": term.Plain, "startable": term.Plain, "running": term.Running, "waiting-for-person": term.Gate,
	"verifying": term.Running, "done": term.OK, "failed": term.Fail, "skipped": term.Risk, "uncertain": term.Unknown, "cancelled": term.Risk}

// cutoverSteps lists what was done, when and by whom.
func cutoverSteps(p *page) []block {
	r, ok := p.theRun()
	if !ok {
		return nil
	}
	t := table{Cols: []string{p.c.T("step"), p.c.T("report.col.state"), p.c.T("report.col.actual"), p.c.T("report.col.by"), p.c.T("services")}}
	for _, s := range r.Steps {
		st := p.state(stepStates[string(s.State)], p.c.T("step."+string(s.State)))
		if s.Simulated {
			st.Text = p.c.T("step.simulated")
		}
		t.Rows = append(t.Rows, []cell{text(s.Name.In(string(p.o.Lang))), st, text(p.at(s.FinishedAt)), text(p.seat(doneBy(s))), text(p.services(s.Switches, s.Closes))})
	}
	return []block{heading(p.c.T("steps")), p.cut(t)}
}

// services names the services a step switched or closed.
func (p *page) services(lists ...[]string) string {
	var out []string
	for _, list := range lists {
		for _, id := range list {
			out = append(out, p.name("service", id))
		}
	}
	return strings.Join(out, ", ")
}

// cutoverProof is what was measured after it.
func cutoverProof(p *page) []block { return checksSummary(p) }

// phases says where every service stands now.
func phases(p *page) []block {
	t := table{Cols: []string{p.c.T("service"), p.c.T("environment"), p.c.T("phase")}}
	for _, ph := range p.Phases {
		service := p.name("service", ph.Service)
		if ph.Party != "" {
			service += " · " + p.partyName(ph.Party)
		}
		st := map[string]term.State{"switching": term.Running, "fallback": term.Risk, "closed": term.OK}[string(ph.Phase)]
		t.Rows = append(t.Rows, []cell{text(service), text(ph.Environment), p.state(st, p.c.T("phase."+string(ph.Phase)))})
	}
	return p.orNothing("report.phases", p.cutTo(t, 30))
}

// cutoverDecisions lists the live decisions, newest first.
func cutoverDecisions(p *page) []block {
	t := table{Cols: []string{p.c.T("gate"), p.c.T("decision"), p.c.T("report.col.by"), p.c.T("report.col.when")}}
	for _, d := range p.Decisions {
		if d.Run == "" {
			t.Rows = append(t.Rows, []cell{text(p.name("gate", d.Gate)), p.decision(string(d.Decision.Decision)), text(p.seat(d.Actor.Seat)), text(p.at(d.At))})
		}
	}
	return p.orNothing("report.decisions-made", p.cutTo(t, 10))
}

// decision shows go, no-go or hold.
func (p *page) decision(d string) cell {
	st := map[string]term.State{"go": term.OK, "no-go": term.Fail, "hold": term.Risk}[d]
	return p.state(st, p.c.T("decision."+d))
}
