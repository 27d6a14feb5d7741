package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/internal/term"
	"skift/runbooks"
)

// How long people take before they answer, and how often somebody who waits looks again.
const (
	thinking = 150 * time.Millisecond
	looking  = 250 * time.Millisecond
)

// do is a person in a seat acting through the desk. Each enters their own answer.
func (s *story) do(ctx context.Context, c runner.Command) (runner.Reply, error) {
	c.EnteredBy, c.Via = app.PersonIn(s.plan, c.As, time.Now()), journal.ViaPhone
	return s.app.Do(ctx, c)
}

// doStep is the owner of a step doing it and saying so.
func (s *story) doStep(ctx context.Context, runID, step string, started *run.Started) error {
	if !pause(ctx, thinking) {
		return nil
	}
	rb := s.plan.Runbooks[started.Runbook]
	if rb == nil || rb.Step(step) == nil {
		return fmt.Errorf("find step %s of %s: the plan has none", step, runID)
	}
	work := step
	if step == stepOpen && started.Production && s.firstOfTwo() { // files still go to the old platform
		work = stepReopenIntake
	}
	did, err := s.theatre.stages[started.Environment].work(ctx, work, s.lists(started.Environment))
	if err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	_, err = s.do(ctx, runner.Command{Do: runner.DoStep, Run: runID, Step: step, Answer: "done", As: rb.Step(step).Owner, Reason: did})
	return said(step+" of "+runID, err)
}

// goOn is the cut-over manager looking at a failed check that holds nothing up: the run goes on, what was found stays found.
func (s *story) goOn(ctx context.Context, e journal.Event) error {
	st := s.plan.Runbooks[s.runs[e.Run].Runbook].Step(e.Subject)
	if st == nil || st.OnFailure != runbooks.Continue {
		return nil // the run is held, and told to be
	}
	if err := s.findings(ctx); err != nil {
		return err
	}
	s.beside(ctx, func(ctx context.Context) error {
		if !pause(ctx, thinking) {
			return nil
		}
		_, err := s.do(ctx, runner.Command{Do: runner.DoStep, Run: e.Run, Step: e.Subject, Answer: "skip", As: s.plan.Gates[goGate].Poll[0],
			Reason: "what was found is followed up at " + goGate})
		return said("go on without "+e.Subject, err)
	})
	return nil
}

func (s *story) lists(env string) string { return filepath.Join(s.Dir, "plan", listsDir, env) }

// said names what a person wanted when it was not taken.
func said(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// meeting is everybody who has a say at a gate, until it is decided.
type meeting struct {
	*story
	gate  *plan.Gate
	run   string // the rehearsal in which it is practised; "" = the plan's own
	asked int    // the round everybody has answered

	refused, fixed bool // no-go was said; the fault was mended
}

// meet attests, answers and decides. A gate that is only practised shows its criteria and is not bound by them.
func (s *story) meet(ctx context.Context, gateID, runID string) error {
	m := &meeting{story: s, gate: s.plan.Gates[gateID], run: runID}
	ctx, adjourn := context.WithCancel(ctx)
	defer adjourn()
	if runID == "" {
		s.beside(ctx, m.keepTime)
	}
	if err := m.attest(ctx); err != nil {
		return err
	}
	for {
		if over, err := m.look(ctx); over || err != nil || !pause(ctx, looking) {
			return err
		}
	}
}

// look is one look at how the gate stands, and what somebody does about it.
func (m *meeting) look(ctx context.Context) (over bool, err error) {
	j, err := m.app.Judge(ctx, m.gate.ID, m.run)
	if err != nil {
		return false, fmt.Errorf("judge %s: %w", m.gate.ID, err)
	}
	over, err = m.act(ctx, j)
	if meanwhile(err) {
		return false, nil
	}
	return over, err
}

// meanwhile: what was wanted is not possible any more, because something changed since it was looked at. Look again.
func meanwhile(err error) bool {
	var refused *runner.Refusal
	return errors.As(err, &refused) && (refused.Kind == runner.Refused || refused.Kind == runner.Conflict)
}

func (m *meeting) act(ctx context.Context, j gate.Judgement) (over bool, err error) {
	found := findings(j.Criteria)
	switch {
	case j.State == gate.Went, m.refused && m.NoFix:
		return true, nil
	case m.refused && !m.fixed:
		m.fixed = true
		return false, m.mendAndAsk(ctx)
	case (j.State == gate.NoGo || j.State == gate.Due) && m.run == "" && time.Until(j.DecideBy) < margin:
		return false, m.extend(ctx)
	case j.State == gate.NoGo: // the first answer opens the next round
		return false, m.answer(ctx, j.Round+1, found)
	case m.run == "" && slices.ContainsFunc(j.Criteria, unseen):
		return false, nil // the checks are being asked
	case m.asked != j.Round:
		return false, m.answer(ctx, j.Round, found)
	case m.blocked(j):
		_, err := m.vote(ctx, m.gate.Decides, register.NoGo, describe(found[0]))
		if err == nil {
			m.refused, m.why = true, describe(found[0])
		}
		return false, err
	case j.MayGo():
		_, err := m.vote(ctx, m.gate.Decides, register.Go, "")
		return err == nil, err
	}
	return false, nil
}

// unseen: a suite that was never asked, or too long ago, says nothing for or against.
func unseen(c register.CriterionSeen) bool {
	return c.Kind == string(plan.SuiteCriterion) && c.State == gate.Unknown
}

// blocked reports whether the fault of the story, and nothing else, keeps this gate from a go.
func (m *meeting) blocked(j gate.Judgement) bool {
	if !m.weekend() || m.fixed || len(findings(j.Criteria)) == 0 {
		return false
	}
	return !slices.ContainsFunc(j.Criteria, func(c register.CriterionSeen) bool {
		return c.State != gate.Met && c.Kind != string(plan.SuiteCriterion)
	})
}

// weekend: the gate before the weekend itself, in a story with a fault.
func (m *meeting) weekend() bool { return m.run == "" && m.gate.ID == goGate && m.Fault != NoFault }

// findings are those of critical checks of every suite of a gate, worst first.
func findings(criteria []register.CriterionSeen) []register.Finding {
	var out []register.Finding
	for _, c := range criteria {
		out = append(out, c.Findings...)
	}
	return out
}

// How long before a deadline the deciding seat sees to it, and how much time it then gives. Nobody waits for the end of that: a go is
// given as soon as it can be.
const (
	margin = 4 * time.Second
	grace  = time.Minute
)

// keepTime is the deciding seat with an eye on the deadline: where it comes before everybody is done, the machine is overloaded, which is
// no reason against the cut-over.
func (m *meeting) keepTime(ctx context.Context) error {
	early := time.Duration(0)
	for {
		j, err := m.app.Judge(ctx, m.gate.ID, "")
		if err != nil || j.State == gate.Went || j.DecideBy.IsZero() {
			return said("judge "+m.gate.ID, err)
		}
		left := time.Until(j.DecideBy)
		if early == 0 {
			early = min(margin, left/2)
		}
		switch {
		case left > early:
			if !pause(ctx, left-early) {
				return nil
			}
			continue // it may have been extended meanwhile
		case j.State == gate.Open || j.State == gate.Held:
			err = m.extend(ctx)
		}
		if err != nil || !pause(ctx, looking) {
			return err
		}
	}
}

// extend is the deciding seat giving more time.
func (m *meeting) extend(ctx context.Context) error {
	until := time.Now().Add(grace)
	if m.first != nil { // their windows are shorter: a back-out must fit behind it
		until = time.Now().Add(grace / 4)
	}
	_, err := m.do(ctx, runner.Command{Do: runner.DoVote, Gate: m.gate.ID, Answer: string(register.HoldVote), As: m.gate.Decides, Until: &until,
		Reason: "not everybody has answered yet"})
	if meanwhile(err) {
		return nil
	}
	return said("extend "+m.gate.ID, err)
}

// attest is everybody vouching for what they were asked to vouch for.
func (m *meeting) attest(ctx context.Context) error {
	if m.run != "" {
		return nil
	}
	for _, c := range m.gate.Criteria {
		if c.Kind != plan.AttestedCriterion {
			continue
		}
		if !pause(ctx, thinking/2) {
			return nil
		}
		cmd := runner.Command{Do: runner.DoAttest, Gate: m.gate.ID, Criterion: c.Attested, As: c.By}
		if m.gate.ID == switchGate {
			cmd.FileName = listData + "new.csv"
			data, err := os.ReadFile(filepath.Join(m.lists(production), cmd.FileName))
			if err != nil {
				return fmt.Errorf("attest %s: %w", c.Attested, err)
			}
			cmd.File = data
		}
		if _, err := m.do(ctx, cmd); err != nil {
			return said("attest "+c.Attested, err)
		}
	}
	return nil
}

// answer is everybody asked answering, once in a round. The first of them has read what the checks found.
func (m *meeting) answer(ctx context.Context, round int, found []register.Finding) error {
	for i, seat := range m.gate.Poll {
		if !pause(ctx, thinking/2) {
			return nil
		}
		answer, remark := register.Ready, ""
		if i == 0 && len(found) > 0 && m.weekend() && !m.fixed {
			answer, remark = register.NotReady, describe(found[0])
		}
		if _, err := m.vote(ctx, seat, answer, remark); err != nil {
			return err
		}
	}
	m.asked = round
	return nil
}

func (m *meeting) vote(ctx context.Context, seat string, a register.Answer, remark string) (runner.Reply, error) {
	c := runner.Command{Do: runner.DoVote, Gate: m.gate.ID, Run: m.run, Answer: string(a), As: seat, Reason: remark}
	if a == register.Go && m.run == "" && m.gate.ID == goGate && m.firstOfTwo() {
		c.Services = m.first
	}
	r, err := m.do(ctx, c)
	return r, said("vote "+string(a)+" at "+m.gate.ID, err)
}

// mendAndAsk is the new supplier mending what was found, and the cut-over manager having it asked again.
func (m *meeting) mendAndAsk(ctx context.Context) error {
	if !pause(ctx, 3*thinking) {
		return nil
	}
	if err := m.theatre.mend(production, m.Fault); err != nil {
		return fmt.Errorf("mend %s: %w", m.Fault, err)
	}
	m.say.line(time.Now(), term.Running, "%s", mended(m.Fault, m.theatre))
	_, err := m.app.Check(ctx, api.CheckRequest{Patterns: []string{suiteReadiness}, Cause: "asked after " + string(m.Fault) + " was mended"})
	return said("ask the checks again", err)
}

// tryBackOut asks for what is not possible any more, to show that it is not.
func (s *story) tryBackOut(ctx context.Context) error {
	_, err := s.do(ctx, runner.Command{Do: runner.DoStart, Runbook: s.plan.Runbooks[cutoverRunbook].BackOut, As: s.plan.Gates[openGate].Poll[0]})
	var refused *runner.Refusal
	if !errors.As(err, &refused) || refused.Kind != runner.Refused {
		return fmt.Errorf("a back-out after the point of no return was not refused: %w", err)
	}
	s.say.line(time.Now(), term.OK, "point of no return: a back-out is asked for and refused (%s)", strings.TrimSuffix(refused.Message, "."))
	return nil
}
