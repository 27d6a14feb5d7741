package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/runbooks"
)

// Judge judges a gate now, with stored evidence. runID is a rehearsal in which it is practised, or "".
func (r *Runner) Judge(ctx context.Context, gateID, runID string) (gate.Judgement, error) {
	r = r.present()
	g := r.plan.Gates[gateID]
	if g == nil {
		return gate.Judgement{}, refuse(NotFound, suggest("gate", gateID, r.plan.GateIDs), "the plan has no gate %q", gateID)
	}
	now := time.Now()
	evidence, err := r.cfg.Sweeper.Evidence(ctx, r.plan, suites(g), now)
	if err != nil {
		return gate.Judgement{}, err
	}
	var j gate.Judgement
	r.cfg.Ledger.Read(func(f *ledger.Facts) {
		var key register.GateKey
		if key, err = keyOf(&f.Runs, g, runID); err == nil {
			j = r.judge(f, g, asked{run: key.Run, evidence: evidence, now: now})
		}
	})
	return j, err
}

func suites(g *plan.Gate) []string {
	var out []string
	for _, c := range g.Criteria {
		if c.Suite != "" && !slices.Contains(out, c.Suite) {
			out = append(out, c.Suite)
		}
	}
	return out
}

// asked is what a judgement is made for: the rehearsal ("" = the plan's own gate), on which evidence, by whom, when.
type asked struct {
	run      string
	evidence map[string]gate.SuiteEvidence
	decider  string // person about to decide; "" = nobody
	now      time.Time
}

func (r *Runner) judge(f *ledger.Facts, g *plan.Gate, a asked) gate.Judgement {
	in := gate.Input{Gate: g, Run: a.run, Facts: &f.Register, Runs: &f.Runs, PlanHash: r.plan.Hash, Suites: a.evidence,
		Milestone: func(id string) string { return r.cfg.Calendar.MilestoneState(r.plan, &f.Register, id, a.now) }}
	if a.run == "" { // a rehearsal practises whenever it gets there
		in.OpensAt, in.DecideBy = r.cfg.Calendar.Resolve(r.plan, f, g, a.now)
	}
	return gate.Judge(in, a.decider, a.now)
}

// gateRun is the run under which a gate's facts are kept: the run itself when it practises, "" when it is live.
func gateRun(rn *run.Run) string {
	if rn.Practises() {
		return rn.ID
	}
	return ""
}

// gateAllows asks the gate in front of a step. A live go is used by one run only.
func (d *decision) gateAllows(p *plan.Plan, rn *run.Run, s *runbooks.Step) (bool, error) {
	g := p.Gates[s.AfterGate]
	if g == nil {
		return false, fmt.Errorf("find gate %s of %s: it is not in the plan", s.AfterGate, rn.ID)
	}
	key := register.GateKey{Gate: g.ID, Run: gateRun(rn)}
	facts := d.Facts.Register.Gate(key)
	if facts.Through(rn.ID) != nil {
		return true, nil // what was asked again since is asked for others
	}
	if why := outdated(facts, d.r.plan.Hash); why != "" {
		if j := d.r.judge(d.Facts, g, asked{run: key.Run, now: d.Now}); d.Now.Before(j.OpensAt) {
			return false, nil // its time was moved: answers given before it comes would count for nothing
		}
		again := register.Opened{Round: facts.Round + 1, Reason: "asked again by " + rn.ID + ": " + why, Anew: facts.UsedBy != ""}
		if err := d.openAs(key, again); err != nil {
			return false, err
		}
		facts = d.Facts.Register.Gate(key)
	}
	if facts.Decision == nil {
		return false, d.askGate(g, key, facts)
	}
	if facts.Decision.Decision == register.Go {
		if key.Run != "" {
			return true, nil
		}
		_, err := d.Emit(register.GateUsed, rn.ID, g.ID, engine(), register.Body(struct{}{}))
		return err == nil, err
	}
	why := "no-go at " + g.ID
	if !rn.Changed {
		return false, d.end(rn, run.RunNoGo, why)
	}
	return false, d.hold(rn, why+": back out, or vote again", "", g.ID)
}

// outdated says why a decision is none for a run that reaches the gate now; "" = it is one, or there is none yet.
func outdated(f *register.GateFacts, planHash string) string {
	switch {
	case f.Decision == nil:
		return ""
	case f.UsedBy != "":
		return "its go was for " + f.UsedBy
	case !f.Counts(f.Decision.PlanHash, planHash):
		return "it was decided on another revision of the plan"
	}
	return ""
}

// askGate opens a gate that a run has reached, unless it opens later by the plan; a deadline that has passed decides it.
func (d *decision) askGate(g *plan.Gate, key register.GateKey, facts *register.GateFacts) error {
	j := d.r.judge(d.Facts, g, asked{run: key.Run, now: d.Now})
	if j.State == gate.Closed {
		return nil
	}
	if facts.Round == 0 {
		if err := d.openGate(key, 1, "reached by a run"); err != nil {
			return err
		}
	}
	return nil
}

func (d *decision) openGate(key register.GateKey, round int, why string) error {
	return d.openAs(key, register.Opened{Round: round, Reason: why})
}

func (d *decision) openAs(key register.GateKey, b register.Opened) error {
	_, err := d.Emit(register.GateOpened, key.Run, key.Gate, engine(), register.Body(b))
	if err == nil && key.Run == "" {
		g := d.r.plan.Gates[key.Gate]
		d.launches = append(d.launches, launch{soft: true, do: func(ctx context.Context) { d.r.refresh(ctx, g) }})
	}
	return err
}

// refresh asks the suites of a gate again when what is stored is too old, so that those asked see fresh evidence.
func (r *Runner) refresh(ctx context.Context, g *plan.Gate) {
	r = r.present()
	j, err := r.Judge(ctx, g.ID, "")
	if err == nil {
		err = r.askAgain(ctx, g.ID, j.Stale)
	}
	if ctx.Err() == nil {
		r.fail("ask the checks of gate "+g.ID, err)
	}
}

func (r *Runner) askAgain(ctx context.Context, gateID string, stale []string) error {
	for _, s := range stale {
		suite := r.plan.Suites[s]
		if suite == nil {
			continue // of another revision
		}
		env := r.plan.SuiteEnvironment(suite)
		if _, err := r.cfg.Sweeper.Sweep(ctx, Sweep{Plan: r.plan, Environment: env, Suite: s, Cause: "gate " + gateID}); err != nil {
			return err
		}
	}
	return nil
}

// vote takes one seat's answer. ready and not-ready answer the poll; go, no-go and hold are the deciding seat's.
func (r *Runner) vote(ctx context.Context, c Command) (Reply, error) {
	g := r.plan.Gates[c.Gate]
	if g == nil {
		return Reply{}, refuse(NotFound, suggest("gate", c.Gate, r.plan.GateIDs), "the plan has no gate %q", c.Gate)
	}
	answer := register.Answer(c.Answer)
	if err := r.mayAnswer(g, c); err != nil {
		return Reply{}, err
	}
	evidence, err := r.evidence(ctx, g, c.Run, answer)
	if err != nil {
		return Reply{}, err
	}
	var reply Reply
	head, err := r.decide(ctx, func(d *decision) error {
		key, err := d.gateKey(g, c)
		if err != nil {
			return err
		}
		who, err := r.actor(c, d.Now)
		if err != nil {
			return err
		}
		if err := d.takesVotes(g, key, answer, c); err != nil {
			return err
		}
		v := register.Voted{Round: d.Facts.Register.Gate(key).Round, Answer: answer, Remark: c.Reason, Services: c.Services, PlanHash: r.plan.Hash}
		if answer == register.Go {
			j := r.judge(d.Facts, g, asked{key.Run, evidence, who.Voice(), d.Now})
			if !j.MayGo() {
				return &Refusal{Kind: Refused, Gate: &j, Message: "go cannot be given at " + g.ID + ": " + reasons(j.Reasons),
					Hints: []string{"settle what stands in the way and vote again, or vote no-go or hold"}}
			}
		}
		seq, err := d.Emit(register.GateVoted, key.Run, g.ID, who, register.Body(v))
		if err != nil {
			return err
		}
		reply = Reply{Event: seq, Message: fmt.Sprintf("%s answers %s at %s", c.As, answer, g.ID)}
		return d.afterVote(ballot{g, key, who, v, evidence}, c, &reply)
	})
	reply.Head = head.String()
	return reply, err
}

// evidence is what a decision will rest on; before a go, suites that are stale are asked again.
func (r *Runner) evidence(ctx context.Context, g *plan.Gate, runID string, a register.Answer) (map[string]gate.SuiteEvidence, error) {
	if a == register.Go {
		j, err := r.Judge(ctx, g.ID, runID)
		if err != nil {
			return nil, err
		}
		if j.Run != "" {
			j.Stale = nil // practised: its criteria are shown as they stand
		}
		if err := r.askAgain(ctx, g.ID, j.Stale); err != nil {
			return nil, err
		}
	}
	return r.cfg.Sweeper.Evidence(ctx, r.plan, suites(g), time.Now())
}

// takesVotes makes sure that a round is open, opening the next one after a no-go.
func (d *decision) takesVotes(g *plan.Gate, key register.GateKey, a register.Answer, c Command) error {
	facts := d.Facts.Register.Gate(key)
	j := d.r.judge(d.Facts, g, asked{run: key.Run, now: d.Now})
	extends := a == register.HoldVote && c.Until != nil
	state := j.State
	if d.Now.Before(j.OpensAt) && (state == gate.NoGo || outdated(facts, d.r.plan.Hash) != "") {
		state = gate.Closed // it was decided for an earlier date, and answers given before it opens for this one would count for nothing
	}
	switch state {
	case gate.Closed:
		return refuse(Conflict, "", "%s opens %s", g.ID, j.OpensAt.In(d.r.plan.Zone).Format(timeFormat))
	case gate.Went:
		if why := outdated(facts, d.r.plan.Hash); why != "" && facts.UsedBy == "" {
			return d.openGate(key, facts.Round+1, "voted again: "+why)
		}
		return refuse(Conflict, "", "%s is decided: go since %s", g.ID, facts.Decision.At.In(d.r.plan.Zone).Format(timeFormat))
	case gate.Due:
		if !extends {
			return refuse(Refused, "the deciding seat may extend: vote hold --until TIME --reason …", "the deadline of %s passed %s: without a decision that is a no-go", g.ID, j.DecideBy.In(d.r.plan.Zone).Format(timeFormat))
		}
	case gate.NoGo:
		late := !j.DecideBy.IsZero() && !d.Now.Before(j.DecideBy)
		if late && !extends {
			return refuse(Refused, "the deciding seat may extend: vote hold --until TIME --reason …", "%s is no-go and its deadline has passed", g.ID)
		}
		return d.openGate(key, facts.Round+1, "voted again after a no-go")
	}
	if facts.Round == 0 {
		return d.openGate(key, 1, "first answer")
	}
	return nil
}

const timeFormat = "2006-01-02 15:04 MST"

// ballot is one answer at one gate, with what a decision would rest on.
type ballot struct {
	gate     *plan.Gate
	key      register.GateKey
	who      journal.Actor
	vote     register.Voted
	evidence map[string]gate.SuiteEvidence
}

// afterVote decides the gate when the deciding seat has spoken, and lets runs react.
func (d *decision) afterVote(b ballot, c Command, reply *Reply) error {
	v, g := b.vote, b.gate
	if v.Answer == register.HoldVote && c.Until != nil {
		if strings.TrimSpace(c.Reason) == "" {
			return refuse(Usage, `add --reason "…"`, "an extension needs a reason")
		}
		if !c.Until.After(d.Now) {
			return refuse(Usage, "", "the new deadline must lie ahead")
		}
		if err := d.leavesTime(g, b.key, *c.Until); err != nil {
			return err
		}
		reply.Message = fmt.Sprintf("%s extends %s until %s", c.As, g.ID, c.Until.In(d.r.plan.Zone).Format(timeFormat))
		_, err := d.Emit(register.GateExtended, b.key.Run, g.ID, b.who, register.Body(register.Extended{Round: v.Round, Until: c.Until.UTC(), Reason: c.Reason}))
		return err
	}
	if v.Answer != register.Go && v.Answer != register.NoGo {
		return nil
	}
	return d.settleGate(b, reply)
}

// settleGate records the decision with everything it rests on.
func (d *decision) settleGate(on ballot, reply *Reply) error {
	g, key, who, v := on.gate, on.key, on.who, on.vote
	j := d.r.judge(d.Facts, g, asked{key.Run, on.evidence, who.Voice(), d.Now})
	services := v.Services
	if len(services) == 0 {
		if services = g.Scope; key.Run == "" {
			asked, err := d.askedFor(g)
			if err != nil && v.Answer == register.Go {
				return err
			}
			services = asked
		}
	}
	b := register.Decided{Round: v.Round, Decision: v.Answer, Services: services, Reasons: j.Reasons, Criteria: j.Criteria, Poll: j.Poll,
		EnteredBy: j.EnteredBy, PlanHash: d.r.plan.Hash, Practised: key.Run != ""}
	if who.Seat != "" {
		b.Reasons = append([]register.Reason{{Code: "voted", Subject: who.Seat, Remark: v.Remark}}, b.Reasons...)
	}
	for _, dev := range j.Deviations {
		b.Deviations = append(b.Deviations, dev.Seq)
	}
	seq, err := d.Emit(register.GateDecided, key.Run, g.ID, who, register.Body(b))
	if err != nil {
		return err
	}
	*reply = Reply{Event: seq, Decision: string(v.Answer), Judgement: &j, Message: fmt.Sprintf("%s at %s, decided by %s", strings.ToUpper(string(v.Answer)), g.ID, g.Decides)}
	if v.Answer == register.Go && key.Run == "" {
		if err := d.exits(g, who); err != nil {
			return err
		}
	}
	return d.runsBehind(g, key)
}

// exits passes the milestones whose exit the gate is. Of a cut-over that is split the gate of its last part does.
func (d *decision) exits(g *plan.Gate, who journal.Actor) error {
	if d.moreToCome(g) {
		return nil
	}
	for _, id := range d.r.plan.MilestoneIDs {
		if d.r.plan.Milestones[id].Exit != g.ID || !d.Facts.Register.Milestone(id).PassedAt.IsZero() {
			continue
		}
		if _, err := d.Emit(register.MilestonePassed, "", id, who, register.Body(register.Passed{Gate: g.ID})); err != nil {
			return err
		}
	}
	return nil
}

// runsBehind lets the runs that stand at a gate react to its decision.
func (d *decision) runsBehind(g *plan.Gate, key register.GateKey) error {
	for _, id := range slices.Clone(d.Facts.Runs.Order) {
		rn := d.Facts.Runs.Runs[id]
		if rn.State.Final() || gateRun(rn) != key.Run {
			continue
		}
		if rn.State == run.RunHeld && rn.HeldGate == g.ID {
			if err := d.release(rn, "go at "+g.ID); err != nil {
				return err
			}
		}
		if err := d.advance(rn); err != nil {
			return err
		}
	}
	return nil
}

func reasons(rs []register.Reason) string {
	var out []string
	for _, r := range rs {
		text := strings.ReplaceAll(r.Code, "-", " ")
		if r.Subject != "" {
			text += " " + r.Subject
		}
		if r.Remark != "" {
			text += " (" + r.Remark + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}
