package snapshot

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/gate"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/timeline"
)

// The codes of reasons.
const (
	WhySlip        = "slip"
	WhyLate        = "late"
	WhyGateLate    = "gate-late"
	WhyGateNear    = "gate-near"
	WhyGateNoGo    = "gate-no-go"
	WhyHeld        = "run-held"
	WhyRunFailed   = "run-failed"
	WhyRunNoGo     = "run-no-go"
	WhyUncertain   = "step-uncertain"
	WhyPairs       = "pairs"
	WhyNotObserved = "not-observed"
	WhyUnsent      = "unsent"
	WhyEmptySeat   = "empty-seat"
	WhyPaused      = "paused"
	WhyIncidents   = "incidents"
	WhyDrift       = "difference"
	WhyBreach      = "breach"

	WhyContradiction = "contradiction"
)

// Contradicted lists what speaks against a step now, as far as the viewer may see it.
func (s Step) Contradicted() (out []register.Finding) {
	if s.Contradiction == nil {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(s.Contradiction.Facts)) {
		if f, ok := register.ParseFinding(s.Contradiction.Facts[key]); ok {
			out = append(out, f)
		}
	}
	return out
}

// Sentence is the key of the catalogue that says the reason.
func (r Reason) Sentence() string {
	if r.Side != "" {
		return "report.why." + r.Code + "." + r.Side
	}
	return "report.why." + r.Code
}

// gateNear is how long before its deadline a gate that cannot go yet is a risk.
const gateNear = 24 * time.Hour

// status computes the light. It is the gravest of its reasons; a person may set another, and both are shown.
func (b *builder) status(s Snapshot) Status {
	out := Status{Computed: register.Green, Reasons: []Reason{}, Set: b.Register.Status, Note: b.Register.Note}
	out.Reasons = slices.Concat(out.Reasons, b.whyPaused(), b.whyDates(s), b.whyGates(s), b.whyRuns(s), b.whyIncidents(s), b.whyDrift(s), b.whyPairs(s), b.whyPeople(s))
	slices.SortStableFunc(out.Reasons, func(x, y Reason) int { return cmp.Compare(gravity(y.Light), gravity(x.Light)) })
	if len(out.Reasons) > 0 {
		out.Computed = out.Reasons[0].Light
	}
	out.Dimensions = b.dimensions(out.Reasons)
	return out
}

// dimensions sorts the reasons by what they are about. Scope and economy are stated by nobody here.
func (b *builder) dimensions(reasons []Reason) []Dimension {
	about := map[string]string{WhySlip: "schedule", WhyLate: "schedule", WhyGateLate: "schedule", WhyGateNear: "schedule", WhyPairs: "quality",
		WhyNotObserved: "quality", WhyEmptySeat: "resources", WhyPaused: "quality", WhyIncidents: "quality"}
	lights := map[string]register.Light{"schedule": register.Green, "risk": register.Green, "quality": register.Green, "resources": register.Green}
	for _, r := range reasons {
		d := cmp.Or(about[r.Code], "risk")
		if gravity(r.Light) > gravity(lights[d]) {
			lights[d] = r.Light
		}
	}
	if len(b.production().Pairs) == 0 {
		lights["quality"] = "" // nothing is compared
	}
	if len(b.Plan.Roster.Shifts()) == 0 {
		lights["resources"] = ""
	}
	var out []Dimension
	for _, id := range []string{"schedule", "scope", "economy", "risk", "quality", "resources"} {
		d := Dimension{ID: id, Light: lights[id]}
		if id == "schedule" {
			d.LastWeek = b.scheduleLastWeek()
		}
		out = append(out, d)
	}
	return out
}

// scheduleLastWeek is what the dates alone said a week ago; "" before the plan was in use.
func (b *builder) scheduleLastWeek() register.Light {
	at := b.Now.Add(-week)
	if b.Register.AdoptedAt.IsZero() || b.Register.AdoptedAt.After(at) {
		return ""
	}
	light := register.Green
	for _, m := range b.then(at).Milestones {
		if m.State == timeline.Passed || m.State == timeline.Missed {
			continue
		}
		l := b.slipLight(slipDays(m, at))
		if m.State == timeline.Late && l == register.Green {
			l = register.Yellow
		}
		if gravity(l) > gravity(light) {
			light = l
		}
	}
	return light
}

func gravity(l register.Light) int {
	return slices.Index([]register.Light{register.Green, register.Yellow, register.Red}, l)
}

// whyDates: what slips beyond the plan's thresholds, and what is late.
func (b *builder) whyDates(s Snapshot) []Reason {
	var out []Reason
	for _, m := range s.Milestones {
		if m.State == timeline.Passed || m.State == timeline.Missed {
			continue // over: its slip is history
		}
		r := Reason{Code: WhySlip, Subject: m.ID, Owner: b.answersFor(m), Days: m.SlipDays, Light: b.slipLight(m.SlipDays)}
		if m.State == timeline.Late {
			r.Code, r.At = WhyLate, m.End.At
			if r.Light == register.Green {
				r.Light = register.Yellow
			}
		}
		if r.Light != register.Green {
			out = append(out, r)
		}
	}
	return out
}

// answersFor is who must act on a milestone: its owner, else who decides its exit, else the customer.
func (b *builder) answersFor(m Milestone) string {
	decides := ""
	if g := b.Plan.Gates[m.Exit]; g != nil {
		decides = g.Decides
	}
	return cmp.Or(m.Owner, decides, b.contact(""))
}

// slipLight is what the thresholds say of a slip.
func (b *builder) slipLight(days int) register.Light {
	slip, t := time.Duration(days)*24*time.Hour, b.Plan.Thresholds
	switch {
	case slip <= 0:
		return register.Green
	case slip > t.RedSlip:
		return register.Red
	case slip > t.YellowSlip:
		return register.Yellow
	}
	return register.Green
}

func (b *builder) whyGates(s Snapshot) []Reason {
	var out []Reason
	for _, g := range s.Gates {
		if g.Run != "" {
			continue // practised: nothing hangs on it
		}
		r := Reason{Subject: g.Gate, Owner: g.Decides, At: g.DecideBy}
		switch {
		case g.State == gate.Due:
			r.Code, r.Light = WhyGateLate, register.Red
		case g.State == gate.NoGo:
			r.Code, r.Light = WhyGateNoGo, register.Red
			if g.Decision != nil {
				r.At = g.Decision.At
			}
		case votable(g) && !g.MayGo() && !g.DecideBy.IsZero() && g.DecideBy.Sub(b.Now) < gateNear:
			r.Code, r.Light, r.Count = WhyGateNear, register.Yellow, len(g.Reasons)
		default:
			continue
		}
		out = append(out, r)
	}
	return out
}

// whyRuns: the latest run of each runbook in each environment, and everything that is unfinished.
func (b *builder) whyRuns(s Snapshot) []Reason {
	var out []Reason
	type which struct {
		runbook, environment string
		rehearsal            bool
	}
	newer := map[which]bool{}
	for _, r := range s.Runs {
		key := which{r.Runbook, r.Environment, r.Rehearsal}
		latest := !newer[key]
		newer[key] = true
		grave := register.Red
		if r.Rehearsal || !r.Production {
			grave = register.Yellow
		}
		why := Reason{Subject: r.ID, Light: grave, At: r.EndedAt, Owner: b.contact("")}
		switch {
		case r.State == run.RunHeld:
			why.Code, why.Step, why.Owner, why.At = WhyHeld, cmp.Or(r.HeldStep, r.HeldGate), b.contact(""), b.heldSince(r.ID)
			if i := slices.IndexFunc(r.Steps, func(st Step) bool { return st.ID == r.HeldStep }); i >= 0 {
				why.Owner = cmp.Or(r.Steps[i].Owner, why.Owner)
			}
			out = append(out, why)
		case latest && r.State == run.RunFailed:
			why.Code = WhyRunFailed
			out = append(out, why)
		case latest && r.State == run.RunNoGo:
			why.Code = WhyRunNoGo
			out = append(out, why)
		}
		for _, st := range r.Steps {
			if st.Contradiction.Open() && !r.State.Final() {
				out = append(out, Reason{Code: WhyContradiction, Subject: r.ID, Step: st.ID, Side: st.Contradiction.Side, Owner: st.Owner, Light: register.Yellow, At: st.Contradiction.Since})
			}
			if st.State == run.Uncertain && !r.State.Final() {
				out = append(out, Reason{Code: WhyUncertain, Subject: r.ID, Step: st.ID, Owner: st.Owner, Light: grave, At: st.FinishedAt})
			}
		}
	}
	return out
}

// heldSince is when a run was held, if that is among the latest events; else zero.
func (b *builder) heldSince(id string) time.Time {
	for i := len(b.Events) - 1; i >= 0; i-- {
		if e := b.Events[i]; e.Run == id && e.Kind == run.RunWasHeld {
			return e.At
		}
	}
	return time.Time{}
}

// whyPairs: what blocks is a risk as long as nothing is switched, and grave after that. What nobody could look at is never green.
func (b *builder) whyPairs(s Snapshot) []Reason {
	block := Reason{Code: WhyPairs, Light: register.Yellow}
	unseen := Reason{Code: WhyNotObserved, Light: register.Yellow, Owner: b.contact("")}
	for _, e := range s.Checks {
		if e.ID != b.Plan.Production() {
			continue
		}
		for _, p := range e.Pairs {
			block.Of++
			unseen.Of++
			switch {
			case p.Verdict.Word == checks.WordNotObserved:
				unseen.Count++
			case p.Verdict.Blocks, p.Verdict.Level == checks.SeverityBad:
				block.Count++
				block.Owner = cmp.Or(block.Owner, ownerOf(p))
				if p.Phase != checks.Before {
					block.Light = register.Red
				}
			}
		}
	}
	var out []Reason
	for _, r := range []Reason{block, unseen} {
		if r.Count > 0 {
			out = append(out, r)
		}
	}
	return out
}

// ownerOf is who must act on a pair, "" = us.
func ownerOf(p Pair) string {
	for _, w := range p.Why.Sides {
		if w.Verdict != checks.Pass && w.Owner != "" {
			return w.Owner
		}
	}
	return ""
}

// whyPeople: mails that did not leave, and decisions due soon that nobody is there to take.
func (b *builder) whyPeople(s Snapshot) []Reason {
	var out []Reason
	if n := s.Outbox.Failed + s.Outbox.Uncertain; n > 0 {
		out = append(out, Reason{Code: WhyUnsent, Light: register.Yellow, Count: n, Owner: b.contact("")})
	}
	var said []string
	for _, n := range s.Needed {
		if n.Person != "" || n.Seat == "" || n.By.IsZero() || n.By.Sub(b.Now) > gateNear || slices.Contains(said, n.Seat) {
			continue
		}
		said = append(said, n.Seat)
		out = append(out, Reason{Code: WhyEmptySeat, Owner: n.Seat, Light: register.Yellow, At: n.By})
	}
	return out
}

// whyPaused: the parties of which nothing is asked at present, so that nobody takes what is known of them for news.
func (b *builder) whyPaused() []Reason {
	var out []Reason
	for _, party := range slices.Sorted(maps.Keys(b.Register.Paused)) {
		p := b.Register.Paused[party]
		out = append(out, Reason{Code: WhyPaused, Subject: party, Owner: cmp.Or(p.Actor.Seat, b.contact("")), Light: register.Yellow, At: p.At})
	}
	return out
}
