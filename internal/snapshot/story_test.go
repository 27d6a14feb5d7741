package snapshot_test

import (
	"testing"
	"time"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/runbooks"
)

// canary is a text that only one party may see.
func canary(party, what string) string { return "CANARY-" + party + "-" + what }

const day = 24 * time.Hour

// weekendStory is the state an hour into the weekend: the trial passed late, the go was given with a remark, the switch has
// an unknown outcome, a rehearsal is under way beside it, and one town is not let in on the new side.
func weekendStory(t testing.TB) snapshot.In {
	t.Helper()
	p := story(t)
	f := &facts{}
	f.add(t, 40*day, register.PlanAdopted, "", "", "", register.Adopted{Hash: p.Hash, First: true})
	f.add(t, 39*day, register.MilestoneStarted, "", "trial", "", register.Passed{})
	f.add(t, 6*day, register.MilestonePassed, "", "trial", "newco/operator", register.Passed{Reason: canary("newco", "passed")})
	f.add(t, 5*day, register.StatusSet, "", "", "customer/manager", register.StatusBody{Light: register.Yellow, Because: canary("customer", "because")})
	f.add(t, 4*day, register.NoteWritten, "", "", "customer/manager", register.StatusBody{Note: canary("customer", "note")})
	for _, seat := range []string{"customer/manager", "oldco/operator", "newco/operator"} {
		f.add(t, 3*day, register.Logged, "", "", seat, register.LogBody{Text: canary(plan.SeatParty(seat), "log")})
	}
	f.add(t, 2*day, register.DeviationAccepted, "", "banner", "newco/operator", register.Accepted{Side: checks.New, Until: now.Add(day), Reason: canary("newco", "deviation")})
	f.add(t, 2*day, register.DeviationAccepted, "", "allow", "oldco/operator", register.Accepted{Flow: "f2", Until: now.Add(day), Reason: canary("oldco", "deviation"), Critical: true})
	f.add(t, 2*day, register.DeviationAccepted, "", "cert", "customer/manager", register.Accepted{Until: now.Add(-day), Reason: canary("customer", "lapsed")})
	for _, r := range []struct {
		seat string
		i    register.Incident
	}{{"oldco/operator", register.Incident{Class: plan.IncidentC, Platform: checks.Old}}, {"newco/operator", register.Incident{Class: plan.IncidentB, Platform: checks.New}}} {
		seat, i := r.seat, r.i
		i.Title, i.Reason, i.OpenedAt = canary(plan.SeatParty(seat), "incident"), canary(plan.SeatParty(seat), "reason"), now.Add(-2*day)
		f.add(t, day+time.Hour, register.IncidentOpened, "", plan.SeatParty(seat)+"-1", seat, i)
	}
	f.add(t, day, register.IncidentsListed, "", "", "newco/operator", register.Listed{AsOf: now.Add(-day), Platforms: []checks.Side{checks.New}})
	f.rehearse(t, p)
	f.decideGo(t, p)
	f.switchOver(t, p)
	in := snapshot.In{Plan: p, Runs: &f.runs, Register: &f.register, Events: f.events, Now: now,
		Head: journal.Head{Plan: p.ID, Size: int64(len(f.events)), Root: journal.Hash{1, 2, 3}}}
	in.Latest = answers(p, &f.register, func(u matrix.Unit) (checks.Verdict, checks.Code, string) {
		owner := map[checks.Side]string{checks.Old: "oldco", checks.New: "newco"}[u.Side]
		if u.Party() != "" {
			owner = u.Party()
		}
		said := canary(owner, "answer")
		switch {
		case u.Check == "allow" && u.Flow == "f2" && u.Side == checks.New:
			return checks.Fail, checks.FilteredDrop, said
		case u.Check == "allow" && u.Flow == "f3":
			return "", "", ""
		case u.Check == "banner" && u.Side == checks.New:
			return checks.Fail, checks.Silent, said
		}
		return checks.Pass, checks.OK, said
	})
	in.Messages = []register.Message{
		{ID: "a", Recipient: "p-t1", Address: "tycho@t1.example", State: register.MessageSent, FinishedAt: now.Add(-6 * day)},
		{ID: "b", Recipient: "p-chair", Address: "ada@customer.example", State: register.MessageFailed, LastError: "550 no such user <ada@customer.example>"},
		{ID: "c", Recipient: "p-man", Address: "max@customer.example", State: register.MessageQueued},
	}
	return in
}

// started is a run's first event, as runner writes it.
func started(p *plan.Plan, runbook, env string, rehearsal bool) run.Started {
	b := run.Started{Runbook: runbook, Environment: env, Production: p.Environments[env].Production, Rehearsal: rehearsal, PlanHash: p.Hash, BackOut: p.Runbooks[runbook].BackOut}
	for _, s := range p.Runbooks[runbook].Steps {
		b.Steps = append(b.Steps, run.StepDef{ID: s.ID, Kind: string(s.Kind), Owner: s.Owner, Takes: s.Takes, Changes: s.Effect() || s.Kind == runbooks.Manual,
			NoReturn: s.PointOfNoReturn, Switches: s.Switches, Closes: s.Closes, AfterGate: s.AfterGate})
	}
	return b
}

// step begins a step and, unless it is open, ends it.
func (f *facts) step(t testing.TB, before time.Duration, runID, id, seat string, b run.Begun, end run.Finished) {
	t.Helper()
	b.Attempt = 1
	f.add(t, before, run.StepStarted, runID, id, "", b)
	end.Attempt = 1
	switch end.State {
	case "":
	case run.Uncertain:
		f.add(t, before-time.Minute, run.StepUncertain, runID, id, "", end)
	default:
		f.add(t, before-time.Minute, run.StepFinished, runID, id, seat, end)
	}
}

// rehearse leaves a rehearsal in production that waits at the gate it practises.
func (f *facts) rehearse(t testing.TB, p *plan.Plan) {
	f.add(t, 2*day, run.RunStarted, "weekend-1", "", "customer/manager", started(p, "weekend", "prod", true))
	f.step(t, 2*day, "weekend-1", "stop", "oldco/operator", run.Begun{State: run.WaitingForPerson, Simulated: true}, run.Finished{State: run.Done, Reason: canary("oldco", "rehearsed")})
	f.step(t, 2*day, "weekend-1", "copy", "oldco/operator", run.Begun{State: run.WaitingForPerson, Simulated: true}, run.Finished{State: run.Done})
	f.add(t, 2*day, register.GateOpened, "weekend-1", "go", "", register.Opened{Round: 1})
	f.add(t, 2*day, register.GateVoted, "weekend-1", "go", "newco/operator", register.Voted{Round: 1, Answer: register.Ready, Remark: canary("newco", "practised"), PlanHash: p.Hash})
}

// decideGo is a first no-go and then a go.
func (f *facts) decideGo(t testing.TB, p *plan.Plan) {
	f.add(t, 20*time.Hour, register.GateOpened, "", "go", "", register.Opened{Round: 1})
	f.add(t, 19*time.Hour, register.GateVoted, "", "go", "oldco/operator", register.Voted{Round: 1, Answer: register.NotReady, Remark: canary("oldco", "vote"), PlanHash: p.Hash})
	f.add(t, 18*time.Hour, register.GateDecided, "", "go", "customer/chair", register.Decided{Round: 1, Decision: register.NoGo, PlanHash: p.Hash,
		Reasons: []register.Reason{{Code: "voted", Subject: "customer/chair", Remark: canary("customer", "no-go")}, {Code: "not-ready", Subject: "oldco/operator", Remark: canary("oldco", "reason")}},
		Criteria: []register.CriterionSeen{{ID: "readiness", Kind: "suite", State: "unmet", Findings: []register.Finding{
			{Check: "allow", Flow: canary("t2", "finding"), Party: "t2"}, {Check: "allow", Flow: canary("t1", "finding"), Party: "t1"}}}},
		Poll: []register.PollAnswer{{Seat: "oldco/operator", Answer: register.NotReady, Remark: canary("oldco", "polled")}}})
	f.add(t, 10*time.Hour, register.GateOpened, "", "go", "", register.Opened{Round: 2, Reason: canary("customer", "again")})
	for _, seat := range []string{"customer/manager", "oldco/operator", "newco/operator"} {
		f.add(t, 9*time.Hour, register.GateVoted, "", "go", seat, register.Voted{Round: 2, Answer: register.Ready, Remark: canary(plan.SeatParty(seat), "ready"), PlanHash: p.Hash})
	}
	f.add(t, 9*time.Hour, register.GateAttested, "", "go", "newco/operator", register.Attested{Criterion: "staffed", Remark: canary("newco", "attested")})
	f.add(t, 9*time.Hour, register.GateExtended, "", "go", "customer/chair", register.Extended{Round: 2, Until: now.Add(-2 * time.Hour), Reason: canary("customer", "extended")})
	f.add(t, 8*time.Hour, register.GateDecided, "", "go", "customer/chair", register.Decided{Round: 2, Decision: register.Go, Services: []string{"gateway"}, PlanHash: p.Hash,
		Poll:      []register.PollAnswer{{Seat: "newco/operator", Answer: register.Ready, Remark: canary("newco", "polled")}},
		EnteredBy: map[string]int{"p-man": 3}})
}

// switchOver is the live run, which waits for a person in two places.
func (f *facts) switchOver(t testing.TB, p *plan.Plan) {
	const id = "weekend-2"
	f.add(t, 2*time.Hour, run.RunStarted, id, "", "customer/manager", started(p, "weekend", "prod", false))
	f.step(t, 2*time.Hour, id, "stop", "oldco/operator", run.Begun{State: run.WaitingForPerson}, run.Finished{State: run.Done, Reason: canary("oldco", "stopped"), Output: canary("oldco", "output")})
	f.step(t, 110*time.Minute, id, "notice", "", run.Begun{State: run.WaitingForPerson}, run.Finished{})
	f.step(t, 100*time.Minute, id, "copy", "oldco/operator", run.Begun{State: run.Running}, run.Finished{State: run.Done, Facts: map[string]string{"files": canary("oldco", "copied")}})
	f.add(t, 61*time.Minute, register.GateUsed, id, "go", "", struct{}{})
	f.step(t, time.Hour, id, "switch", "", run.Begun{State: run.Running, Services: []string{"gateway"}}, run.Finished{State: run.Uncertain, Reason: canary("newco", "uncertain")})
	f.add(t, time.Hour, register.PhaseMoved, id, "switch", "", register.Moved{Environment: "prod", Services: []string{"gateway"}, Phase: checks.Switching, Step: "switch"})
	f.add(t, 50*time.Minute, register.PhaseMoved, "", "t2", "", register.Moved{Environment: "prod", Services: []string{"gateway"}, Party: "t2", Phase: checks.Before})
	f.add(t, 58*time.Minute, run.RunWasHeld, id, "", "", run.Ended{Reason: canary("newco", "held"), Step: "switch"})
}
