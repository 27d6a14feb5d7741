package report

import (
	"strings"

	"skift/checks"
	"skift/internal/snapshot"
	"skift/internal/term"
)

// severities are the states in which a comparison is shown.
var severities = map[checks.Severity]term.State{checks.SeverityOK: term.OK, checks.SeverityWarn: term.Risk, checks.SeverityBad: term.Fail,
	checks.SeverityUnknown: term.Unknown}

// verdicts are the states in which one side's answer is shown.
var verdicts = map[checks.Verdict]term.State{checks.Pass: term.OK, checks.Warn: term.Risk, checks.Fail: term.Fail, checks.Unverified: term.Unknown,
	checks.Error: term.Unknown}

// shownPairs is how many comparisons that are not green a report lists.
const shownPairs = 10

// checksSummary counts the comparisons of each environment and lists those that are not green, worst first.
func checksSummary(p *page) []block {
	out := []block{heading(p.c.T("report.checks"))}
	any := false
	for _, e := range p.Checks {
		if len(e.Pairs) > 0 {
			any = true
			out = append(out, para{Badge: p.badge(worst(e), p.name("environment", e.ID)), Text: p.counts(e)})
		}
	}
	if !any {
		return append(out, para{Text: p.c.T("report.checks.none")})
	}
	t := table{Cols: []string{p.c.T("report.not-green"), p.c.T("report.col.verdict"), p.c.T("side.old"), p.c.T("side.new"), p.c.T("report.col.why")}}
	for _, e := range p.Checks {
		for _, pair := range e.Pairs {
			if pair.Verdict.Level != checks.SeverityOK {
				t.Rows = append(t.Rows, p.pair(e.ID, pair))
			}
		}
	}
	if len(t.Rows) == 0 {
		return append(out, para{Text: p.c.T("report.not-green.none")})
	}
	return append(out, p.cutTo(t, shownPairs))
}

// worst is the state of the worst comparison, which stands first.
func worst(e snapshot.Environment) term.State { return severities[e.Pairs[0].Verdict.Level] }

func (p *page) counts(e snapshot.Environment) string {
	ready, blocking, missing := 0, 0, 0
	for _, pair := range e.Pairs {
		switch {
		case pair.Verdict.Word == checks.WordNotObserved:
			missing++
		case pair.Verdict.Blocks || pair.Verdict.Level == checks.SeverityBad:
			blocking++
		default:
			ready++
		}
	}
	return p.c.T("report.checks.summary", "ready", ready, "whole", len(e.Pairs), "blocking", blocking, "missing", missing)
}

func (p *page) pair(env string, pair snapshot.Pair) []cell {
	what := pair.Check
	if pair.Flow != "" {
		what += " · " + pair.Flow
	}
	if pair.Party != "" {
		what += " · " + p.partyName(pair.Party)
	}
	if len(p.Checks) > 1 {
		what += " (" + env + ")"
	}
	return []cell{text(what), p.state(severities[pair.Verdict.Level], p.c.T("pair."+string(pair.Verdict.Word))), p.answer(pair.Old), p.answer(pair.New), text(p.cause(pair))}
}

// cause says why a comparison is not green, and whose it is.
func (p *page) cause(pair snapshot.Pair) string {
	for _, w := range pair.Why.Sides {
		if w.Verdict != checks.Pass {
			return p.because(w.Sentence(), w.Code) + " (" + p.c.T("owner") + ": " + p.owner(w.Owner) + ")"
		}
	}
	return p.c.T("pair." + string(pair.Verdict.Word) + ".means")
}

// because is the sentence that says why an answer is not as wanted.
func (p *page) because(reason string, code checks.Code) string {
	if key := "why." + reason; p.c.Has(key) {
		return p.c.T(key)
	}
	return p.c.Outcome(string(code)).Cause
}

func (p *page) answer(s *snapshot.Side) cell {
	if s == nil {
		return text("–")
	}
	return p.verdict(s.Verdict)
}

// partyName is the name of a party or of a member that has flows.
func (p *page) partyName(id string) string {
	if name := p.who[id]; name != "" {
		return line(name)
	}
	return p.name("party", id)
}

// deviations lists what somebody accepted for a while; it never turns anything green.
func deviations(p *page) []block {
	t := table{Cols: []string{p.c.T("check"), p.c.T("report.col.state"), p.c.T("reason")}}
	for _, d := range p.Deviations {
		what := d.Check
		if d.Side != "" {
			what += " · " + p.c.T("side."+string(d.Side))
		}
		if d.Flow != "" {
			what += " · " + d.Flow
		}
		st := p.state(term.Risk, p.c.T("deviation.accepted"))
		if !d.InForce {
			st = p.state(term.Unknown, p.c.T("deviation.proposed"))
		}
		t.Rows = append(t.Rows, []cell{text(what), st, text(p.c.T("report.deviation.until", "seat", p.seat(d.Actor.Seat), "until", p.at(d.Until), "reason", line(d.Reason)))})
	}
	if len(t.Rows) == 0 {
		return []block{heading(p.c.T("report.deviations")), para{Text: p.c.T("report.deviations.none")}}
	}
	return []block{heading(p.c.T("report.deviations")), p.cutTo(t, 10)}
}

// runStates are the states in which a run is shown.
var runStates = map[string]term.State{"running": term.Running, "held": term.Risk, "done": term.OK, "failed": term.Fail, "no-go": term.Fail,
	"aborted": term.Risk, "backed-out": term.Risk}

func (p *page) runState(r snapshot.Run) cell {
	return p.state(runStates[string(r.State)], p.c.T("run."+string(r.State)))
}

// runTitle names a run, its environment, and whether it was a rehearsal.
func (p *page) runTitle(r snapshot.Run) string {
	parts := []string{line(r.Environment)}
	if r.Wave != "" {
		parts = append(parts, line(r.Wave))
	}
	if r.Rehearsal {
		parts = append(parts, p.c.T("rehearsal"))
	}
	return p.name("runbook", r.Runbook) + " (" + strings.Join(parts, ", ") + ")"
}

// rehearsals lists the runs that were for practice.
func rehearsals(p *page) []block {
	t := table{Cols: []string{p.c.T("runbook"), p.c.T("report.col.state"), p.c.T("steps"), p.c.T("report.col.when")}}
	for _, r := range p.Runs {
		if r.Rehearsal || !r.Production {
			t.Rows = append(t.Rows, []cell{text(p.runTitle(r)), p.runState(r), text(p.progress(r)), text(p.at(r.StartedAt))})
		}
	}
	return p.orNothing("report.rehearsals", p.cutTo(t, 5))
}

// progress says how many steps of a run are done.
func (p *page) progress(r snapshot.Run) string {
	done := 0
	for _, s := range r.Steps {
		if s.State == "done" || s.State == "skipped" {
			done++
		}
	}
	return p.c.T("of", "part", done, "whole", len(r.Steps))
}
