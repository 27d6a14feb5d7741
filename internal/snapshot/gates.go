package snapshot

import (
	"cmp"
	"slices"

	"skift/internal/gate"
	"skift/internal/plan"
	"skift/internal/register"
)

func (b *builder) gates() []Gate {
	out := []Gate{}
	for _, id := range b.Plan.GateIDs {
		out = append(out, b.gate(id, ""))
	}
	for _, id := range b.Runs.Order {
		r := b.Runs.Runs[id]
		if !r.Practises() || r.State.Final() {
			continue
		}
		var seen []string
		for _, step := range r.Order {
			g := r.Steps[step].AfterGate
			if g != "" && b.Plan.Gates[g] != nil && !slices.Contains(seen, g) {
				seen = append(seen, g)
				out = append(out, b.gate(g, id))
			}
		}
	}
	return out
}

// gate judges a gate as it stands; run is the rehearsal it is practised in.
func (b *builder) gate(id, run string) Gate {
	g := b.Plan.Gates[id]
	in := gate.Input{Gate: g, Run: run, Facts: b.Register, Runs: b.Runs, PlanHash: b.Plan.Hash, Suites: b.evidence(g), Milestone: b.tl.StateOf}
	if run == "" { // a rehearsal practises whenever it gets there
		in.OpensAt, in.DecideBy = b.tl.Gate(b.Runs, g)
	}
	return Gate{Judgement: gate.Judge(in, "", b.Now), Title: g.Title, Decides: g.Decides, Scope: g.Scope}
}

// evidence is what the suites of a gate add up to.
func (b *builder) evidence(g *plan.Gate) map[string]gate.SuiteEvidence {
	out := map[string]gate.SuiteEvidence{}
	for _, c := range g.Criteria {
		suite := b.Plan.Suites[c.Suite]
		if suite == nil {
			continue
		}
		_, e := b.tally(b.Plan.SuiteEnvironment(suite), suite.Checks)
		out[c.Suite] = gate.SuiteEvidence{Critical: e.Critical, Others: e.Others, AsOf: e.AsOf, Findings: e.Findings, Days: b.Days[c.Suite]}
	}
	return out
}

// decisions lists every decision of every round, newest first.
func (b *builder) decisions() []Decision {
	out := []Decision{}
	for k, g := range b.Register.Gates {
		for _, d := range g.Earlier {
			out = append(out, Decision{k.Gate, k.Run, d})
		}
		if g.Decision != nil {
			out = append(out, Decision{k.Gate, k.Run, *g.Decision})
		}
	}
	slices.SortFunc(out, func(x, y Decision) int {
		return cmp.Or(cmp.Compare(y.Seq, x.Seq), y.At.Compare(x.At), cmp.Compare(x.Gate, y.Gate), cmp.Compare(x.Run, y.Run))
	})
	return out
}

// votable reports whether somebody is asked at the gate now.
func votable(g Gate) bool {
	asked := g.Round > 0 || !g.OpensAt.IsZero() && g.Run == ""
	return asked && (g.State == gate.Open || g.State == gate.Held || g.State == gate.Due)
}

// answered reports whether a seat's answer stands and counts.
func answered(a register.PollAnswer) bool { return a.Answer != "" && a.Void == "" }
