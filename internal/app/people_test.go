//go:build linux

package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/app"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/runbooks"
)

// story is what people do otherwise than at once, and what goes wrong.
type story struct {
	notBefore map[string]time.Time                    // whoever owns the step, by "runbook/step", or decides at the gate, by "gate/id" or "gate/id/round", waits until then
	services  map[string][]string                     // a go at the gate, by "id" or "id/round", is for these alone
	red       func(at time.Time, ask checks.Ask) bool // who asks is turned away
	phases    map[string]string                       // where a service ends; the others where the plan takes them
	passed    map[string]string                       // the day on which a milestone is passed, where that is another than in the first story
	deeds     []deed                                  // what is done at a time, in this order
	answers   map[string]string                       // what is said at one of the plan's own gates, by "id/round", instead of go; "" = nothing
	more      func(*ledger.Facts) []wish              // what else is wished for as things are
	ends      time.Time                               // zero = with the plan
}

// deed is what somebody does at a time, whatever is asked.
type deed struct {
	at time.Time
	do func(t *testing.T, a *app.App)
}

func (s story) end() time.Time {
	if s.ends.IsZero() {
		return wholeEnds
	}
	return s.ends
}

// The list of errors of the acceptance test is closed in the middle of October: the rehearsal behind it must not be older than thirty
// days when the weekend begins.
var rehearsedInTime = map[string]time.Time{"acceptance-test/errors": time.Date(2019, 10, 14, 8, 0, 0, 0, time.UTC)}

const lateAndRed = "a late phase, and a check that is red in the night"

// stories are the ways in which the plan is lived through.
var stories = map[string]story{
	"as planned": {notBefore: rehearsedInTime},
	lateAndRed: {
		notBefore: map[string]time.Time{"acceptance-test/errors": rehearsedInTime["acceptance-test/errors"],
			"gate/delivery-accepted": time.Date(2019, 9, 4, 9, 0, 0, 0, time.UTC)},
		red: func(at time.Time, ask checks.Ask) bool {
			from := time.Date(2019, 11, 9, 4, 0, 0, 0, time.UTC)
			return ask.Unit.Check == "sts-admin-answers" && ask.Unit.Side == checks.New && !at.Before(from) && at.Before(from.Add(5*time.Hour))
		},
		passed: map[string]string{"delivery-test": "2019-09-04"},
	},
	"a go for two services": {
		notBefore: rehearsedInTime,
		services:  map[string][]string{"cutover-go": {"gateway", "sftp"}},
		phases:    map[string]string{"sts-admin": "before"},
	},
}

// How long people take from when they are asked.
const (
	toAttest = 20 * time.Minute
	toVote   = 30 * time.Minute
	toDecide = 40 * time.Minute
	again    = time.Hour // until something that could not be done is tried again
)

// people do what is asked of them, by the facts alone: whose word was not acknowledged is asked again.
type people struct {
	t       *testing.T
	app     *app.App
	story   story
	arrived func(mail string) bool // what they find who look into a mailbox
	tried   map[string]time.Time   // what could not be done: not again before
	done    *int                   // how many of the story's deeds, by any process
}

// wish is what somebody is asked for, and when they come to it.
type wish struct {
	at time.Time
	runner.Command
}

// act is everybody's life until the plan's end, or until the process dies.
func (p *people) act(ctx context.Context, dead <-chan struct{}) {
	p.tried = map[string]time.Time{}
	sub := p.app.Ledger().Subscribe()
	defer sub.Close()
	news := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	defer func() { cancel(); <-done }()
	go func() {
		defer close(done)
		for {
			events, err := sub.Next(ctx)
			if err != nil {
				return
			}
			if slices.ContainsFunc(events, func(e journal.Event) bool { return e.Kind != register.SweepDone }) {
				select {
				case news <- struct{}{}:
				default: // they will look anyway
				}
			}
		}
	}()
	for time.Now().Before(p.story.end()) {
		next := p.due(ctx, time.Now())
		select {
		case <-dead:
			return
		case <-news:
		case <-time.After(max(0, time.Until(next))):
		}
	}
}

// due does what is due and returns when somebody comes to something next.
func (p *people) due(ctx context.Context, now time.Time) time.Time {
	next := p.story.end()
	for *p.done < len(p.story.deeds) {
		d := p.story.deeds[*p.done]
		if d.at.After(now) {
			next = sooner(next, d.at)
			break
		}
		*p.done++
		d.do(p.t, p.app)
	}
	for _, w := range append(p.wishes(), p.doubts(ctx, now)...) {
		key := w.Do + " " + w.Run + " " + w.Gate + " " + w.Step + " " + w.Criterion + " " + w.As + " " + w.Answer + w.Mail
		if at := p.tried[key]; w.at.Before(at) {
			w.at = at
		}
		if w.at.After(now) {
			next = sooner(next, w.at)
			continue
		}
		if w.Do == runner.DoVote && w.Answer == "go" {
			if j, err := p.app.Judge(ctx, w.Gate, w.Run); err != nil || !j.MayGo() {
				p.tried[key] = now.Add(again)
				next = sooner(next, p.tried[key])
				continue
			}
		}
		w.EnteredBy = "uid-1000"
		_, err := p.app.Do(ctx, w.Command)
		var no *runner.Refusal
		switch {
		case err == nil:
			return now // the facts have changed: ask them again
		case errors.As(err, &no):
			p.t.Logf("%s %s: %v", now.UTC().Format(time.RFC3339), key, err)
			p.tried[key] = now.Add(again)
			next = sooner(next, p.tried[key])
		default:
			return p.story.end() // the process has ended
		}
	}
	return next
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// wishes is what is asked of people at present, in a fixed order.
func (p *people) wishes() (out []wish) {
	pl := p.app.Plan()
	p.app.Ledger().Read(func(f *ledger.Facts) {
		for _, id := range pl.GateIDs {
			out = append(out, p.atGate(pl.Gates[id], register.GateKey{Gate: id}, f)...)
			for _, rid := range f.Runs.Order {
				if r := f.Runs.Runs[rid]; r.Practises() && !r.State.Final() {
					out = append(out, p.atGate(pl.Gates[id], register.GateKey{Gate: id, Run: rid}, f)...)
				}
			}
		}
		for _, rid := range f.Runs.Order {
			if r := f.Runs.Runs[rid]; !r.State.Final() {
				out = append(out, p.inRun(r)...)
			}
		}
		if p.story.more != nil {
			out = append(out, p.story.more(f)...)
		}
	})
	return out
}

// atGate: those who attest do, those who are polled are ready, and who decides says go.
func (p *people) atGate(g *plan.Gate, key register.GateKey, f *ledger.Facts) (out []wish) {
	facts := f.Register.Gate(key)
	if facts.Round == 0 || facts.Decision != nil {
		return nil
	}
	ask := func(after time.Duration, do, as, answer, criterion string) {
		out = append(out, wish{facts.OpenedAt.Add(after), runner.Command{Do: do, Gate: g.ID, Run: key.Run, As: as, Answer: answer, Criterion: criterion}})
	}
	for _, c := range g.Criteria {
		if c.Kind == plan.IncidentsCriterion {
			out = append(out, confirmsIncidents(c, g.Decides, facts.OpenedAt, f))
		}
		if _, said := facts.Attested[c.Attested]; c.Kind == plan.AttestedCriterion && !said {
			ask(toAttest, runner.DoAttest, c.By, "", c.Attested)
		}
	}
	for _, seat := range g.Poll {
		if facts.Votes[seat].Answer == "" {
			ask(toVote, runner.DoVote, seat, "ready", "")
		}
	}
	ask(toDecide, runner.DoVote, g.Decides, "go", "")
	decides := &out[len(out)-1]
	round := fmt.Sprintf("%s/%d", g.ID, facts.Round)
	decides.at = later(later(decides.at, p.story.notBefore["gate/"+g.ID]), p.story.notBefore["gate/"+round])
	decides.Services = slices.Concat(p.story.services[g.ID], p.story.services[round])
	switch answer, other := p.story.answers[round]; {
	case !other || key.Run != "":
	case answer == "":
		return out[:len(out)-1]
	default:
		decides.Answer, decides.Services = answer, nil
	}
	return out
}

// confirmsIncidents: while a gate asks for it, it is said daily that there are no incidents but those that are known.
func confirmsIncidents(c plan.Criterion, seat string, opened time.Time, f *ledger.Facts) wish {
	at := opened.Add(toAttest)
	if l, ok := f.Register.IncidentLists[c.Platform]; ok {
		at = later(at, l.AsOf.Add(24*time.Hour))
	}
	return wish{at, runner.Command{Do: runner.DoIncident, Answer: "confirm", As: seat, Side: string(c.Platform), Reason: "asked at the service desk"}}
}

// doubts: whoever reads that a mail may or may not have left looks into the mailbox.
func (p *people) doubts(ctx context.Context, now time.Time) (out []wish) {
	mails, err := p.app.Store().Messages(ctx, register.MessageFilter{States: []register.MessageState{register.MessageUncertain}, Brief: true})
	if err != nil {
		return nil // the process has ended
	}
	for _, m := range mails {
		c := runner.Command{Do: runner.DoMail, Mail: m.ID, Answer: "again", As: "kombit/cutover-manager", Reason: "looked into the mailbox"}
		if p.arrived(m.ID) {
			c.Answer = "sent"
		}
		out = append(out, wish{now, c})
	}
	return out
}

// inRun: who owns a step does it in the time it takes, and what failed is tried again.
func (p *people) inRun(r *run.Run) (out []wish) {
	for _, id := range r.Order {
		s := r.Steps[id]
		c := runner.Command{Do: runner.DoStep, Run: r.ID, Step: id, As: s.Owner}
		if c.As == "" {
			c.As = "kombit/cutover-manager"
		}
		at := s.AskedAt.Add(max(s.Takes, 5*time.Minute))
		switch s.State {
		case run.WaitingForPerson:
			c.Answer = "done"
			at = later(at, p.story.notBefore[r.Started.Runbook+"/"+id])
		case run.Failed:
			c.Answer, c.Reason, at = "retry", "mended", s.FinishedAt.Add(again)
			if s.Kind == string(runbooks.Manual) {
				c.Answer = "done" // it is, and the checks are asked again whether they agree
			}
		case run.Uncertain:
			c.Answer, c.Reason = "retry", "looked at it"
		default:
			continue
		}
		out = append(out, wish{at, c})
	}
	return out
}
