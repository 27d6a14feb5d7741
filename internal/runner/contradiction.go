package runner

import (
	"context"
	"fmt"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
)

// Question is what is asked of the answers that are stored: checks (ids, globs or suites) on a side; "" = on both.
type Question struct {
	Checks []string
	Side   string
}

// proof is what a step that is done rests on.
type proof struct {
	run, step string
	attempt   int
	plan      *plan.Plan
	question  Question
}

// Doubt compares what steps of unfinished runs rest on with what their checks answer now. Call it when checks of an environment
// were asked. Where they say otherwise, that is a contradiction; it ends when they agree again. What was not observed says nothing.
func (r *Runner) Doubt(ctx context.Context, environment string) error {
	r = r.present()
	for _, of := range r.proofs(environment) {
		questions := make([]Question, len(of))
		for i, p := range of {
			questions[i] = p.question
		}
		said, err := r.cfg.Sweeper.Seen(ctx, of[0].plan, environment, questions)
		if err != nil {
			return fmt.Errorf("compare what is done with what is seen: %w", err)
		}
		for i, p := range of {
			if err := r.doubt(ctx, p, said[i]); err != nil {
				return err
			}
		}
	}
	return r.tellContradictions(ctx)
}

// proofs lists what the steps that are done rest on, by revision of the plan.
func (r *Runner) proofs(environment string) map[string][]proof {
	out := map[string][]proof{}
	r.cfg.Ledger.Read(func(f *ledger.Facts) {
		for _, id := range f.Runs.Order {
			rn := f.Runs.Runs[id]
			if rn.State.Final() || rn.Started.Environment != environment || takingBack(&f.Runs, rn) != nil {
				continue // what is being undone is no longer what it was, and that is wanted
			}
			p, err := r.planOf(rn)
			if err != nil {
				continue // the run itself tells
			}
			for _, s := range p.Runbooks[rn.Started.Runbook].Steps {
				st := rn.Steps[s.ID]
				if len(s.Verify) == 0 || st == nil || st.State != run.Done || st.Simulated {
					continue
				}
				out[p.Hash] = append(out[p.Hash], proof{id, s.ID, st.Attempt, p, Question{s.Verify, s.VerifyOn}})
			}
		}
	})
	return out
}

// doubt records that a step is contradicted, or that it is no longer.
func (r *Runner) doubt(ctx context.Context, p proof, said Swept) error {
	against := against(said)
	contradicted := false
	r.cfg.Ledger.Read(func(f *ledger.Facts) { contradicted = f.Runs.Runs[p.run].Steps[p.step].Contradiction != nil })
	if contradicted && !said.OK || !contradicted && len(against) == 0 {
		return nil
	}
	_, err := r.decide(ctx, func(d *decision) error {
		rn := d.Facts.Runs.Runs[p.run]
		st := rn.Steps[p.step]
		if rn.State.Final() || st.State != run.Done || st.Attempt != p.attempt || (st.Contradiction != nil) != contradicted {
			return nil // it went on meanwhile
		}
		kind, b := run.StepAgrees, run.Contradicted{Attempt: p.attempt, Side: p.question.Side, Reason: r.clean(said.Summary)}
		if !contradicted {
			kind, b.Facts = run.StepContradicted, findings(against)
		}
		_, err := d.Emit(kind, p.run, p.step, engine(), run.Body(b))
		return err
	})
	return err
}

// against is what was observed and is not as wanted.
func against(said Swept) (out []register.Finding) {
	for _, f := range said.Findings {
		if class := f.Code.Info().Class; !said.OK && class != checks.ClassBlind && class != checks.ClassOurs {
			out = append(out, f)
		}
	}
	return out
}

// sayAccept keeps who answers for a contradiction. The step stays done, and nothing becomes green by it.
func (d *decision) sayAccept(rn *run.Run, st *run.Step, who journal.Actor, reason string) error {
	switch {
	case st.Contradiction == nil:
		return refuse(Conflict, "", "nothing contradicts %s", st.ID)
	case !st.Contradiction.Open():
		return nil // a repeat harms nobody
	}
	_, err := d.Emit(run.StepContradictionAccepted, rn.ID, st.ID, who, run.Body(run.Contradicted{Attempt: st.Attempt, Reason: reason}))
	return err
}
