package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"skift/internal/diag"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/run"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// longestStep bounds the text of a step that is added.
const longestStep = 64 << 10

// add puts a step into a run while it is under way: an event over the plan, which stays as it is. It is checked as any step, and can
// be no way around a gate, a frozen zone or the point of no return.
func (r *Runner) add(ctx context.Context, c Command) (Reply, error) {
	c.Do = c.Answer
	return r.control(ctx, c, func(d *decision, rn *run.Run, who journal.Actor) (string, error) {
		if err := r.commands(who, "adds a step to"); err != nil {
			return "", err
		}
		if by := d.takenBackBy(rn); by != nil {
			return "", refuse(Conflict, "add it to "+by.ID, "%s is being backed out by %s", rn.ID, by.ID)
		}
		s, err := d.additional(rn, c)
		if err != nil {
			return "", err
		}
		b := run.Added{Step: d.r.stepDef(s), Name: s.Name("en"), Needs: s.Needs, Before: c.Before, Text: string(c.File), Reason: c.Reason}
		if _, err := d.Emit(run.StepAdded, rn.ID, s.ID, who, run.Body(b)); err != nil {
			return "", err
		}
		if err := d.advance(rn); err != nil {
			return "", err
		}
		message := fmt.Sprintf("%s is added to %s; it is %s", s.ID, rn.ID, rn.Steps[s.ID].State)
		if s.Changes() && rn.Started.BackOut != "" {
			message += fmt.Sprintf("; %s does not undo it", rn.Started.BackOut)
		}
		return message, nil
	})
}

// additional reads the step that is to be added, and says why it cannot be.
func (d *decision) additional(rn *run.Run, c Command) (*runbooks.Step, error) {
	switch {
	case !yamldoc.IsID(c.Step):
		return nil, refuse(Usage, "small letters, digits and dashes", "%q is no name of a step", c.Step)
	case rn.Steps[c.Step] != nil:
		return nil, refuse(Conflict, "choose another name", "%s has a step %q already", rn.ID, c.Step)
	case len(c.File) == 0 || len(c.File) > longestStep:
		return nil, refuse(Usage, "add --file FILE with what would stand under steps."+c.Step+", or --manual TEXT", "say what the step is, in at most %d kB", longestStep>>10)
	}
	for _, id := range c.Before {
		switch st := rn.Steps[id]; {
		case st == nil:
			return nil, refuse(NotFound, suggest("step", id, rn.Order), "%s has no step %q", rn.ID, id)
		case st.Attempt > 0 || st.State != run.Waiting && st.State != run.Held:
			return nil, refuse(Refused, "", "%s has begun: nothing can be put before it any more", id)
		}
	}
	rb, p, err := d.bound(rn)
	if err != nil {
		return nil, err
	}
	problems := &diag.List{}
	with, ok := p.WithStep(rb, runbooks.Addition{ID: c.Step, Src: c.File, Before: c.Before}, problems)
	if !ok {
		return nil, badStep(c.Step, problems)
	}
	s := with.Step(c.Step)
	return s, d.goesAround(rn, with, s)
}

// bound is the runbook and the plan that a run is bound to.
func (d *decision) bound(rn *run.Run) (*runbooks.Runbook, *plan.Plan, error) {
	rb, err := d.runbook(rn)
	if err != nil {
		return nil, nil, err
	}
	p, err := d.r.planOf(rn)
	return rb, p, err
}

// badStep tells everything that is wrong with the text of a step.
func badStep(id string, problems *diag.List) *Refusal {
	var told []string
	for _, p := range problems.Sorted() {
		told = append(told, fmt.Sprintf("%s: %s", p.Pos, p.Message))
	}
	return refuse(Usage, "it is written as under steps."+id+" of a runbook", "%s cannot be added: %s", id, strings.Join(told, "; "))
}

// goesAround refuses a step that would be a way around what guards the others.
func (d *decision) goesAround(rn *run.Run, rb *runbooks.Runbook, s *runbooks.Step) error {
	kinds := []runbooks.Kind{runbooks.Manual, runbooks.Command, runbooks.Check, runbooks.Wait, runbooks.HTTP}
	switch {
	case !slices.Contains(kinds, s.Kind):
		return refuse(Refused, "", "a step of kind %s cannot be added to a run", s.Kind)
	case s.AfterGate != "" || s.PointOfNoReturn || len(s.Switches)+len(s.Closes) > 0 || s.Undoes != "" || s.OnFailure == runbooks.BackOut:
		return refuse(Refused, "leave out after_gate, point_of_no_return, switches, closes, undoes and on_failure: back-out",
			"a step that is added opens no gate, moves no service and is no point of no return")
	case s.Effect() && s.Change == "":
		return refuse(Refused, "add change: CLASS, so that frozen zones can judge it", "%s changes something and does not say what class of change it is", s.ID)
	case s.Changes() && !behindAGo(rn, rb, s):
		return refuse(Refused, "let it need a step behind the gate", "%s would change something before any gate of %s has said go", s.ID, rn.ID)
	}
	return nil
}

// behindAGo reports whether a step comes after a go: the run has been through a gate, the step needs one that stands behind a gate, or
// the runbook has none.
func behindAGo(rn *run.Run, rb *runbooks.Runbook, s *runbooks.Step) bool {
	gated := false
	for _, st := range rn.Steps {
		if st.AfterGate != "" {
			gated = true
			if st.Attempt > 0 {
				return true
			}
		}
	}
	seen := map[string]bool{}
	todo := slices.Clone(s.Needs)
	for ; len(todo) > 0 && gated; todo = todo[1:] {
		need := rb.Step(todo[0])
		switch {
		case need.AfterGate != "":
			return true
		case !seen[need.ID]:
			seen[need.ID] = true
			todo = append(todo, need.Needs...)
		}
	}
	return !gated
}

// overlay is a runbook with what was added to one run of it.
type overlay struct {
	added int
	rb    *runbooks.Runbook
}

// overlaid is the runbook of a run with the steps that were added to the run. Each was checked when it was added.
func (d *decision) overlaid(rn *run.Run, p *plan.Plan, rb *runbooks.Runbook) (*runbooks.Runbook, error) {
	if len(rn.Added) == 0 {
		return rb, nil
	}
	if o := d.r.overlays[rn]; o.added == len(rn.Added) {
		return o.rb, nil
	}
	for _, a := range rn.Added {
		problems := &diag.List{}
		with, ok := p.WithStep(rb, runbooks.Addition{ID: a.Step.ID, Src: []byte(a.Text), Before: a.Before}, problems)
		if !ok {
			return nil, fmt.Errorf("read step %s that was added to %s: %w", a.Step.ID, rn.ID, problems.Err())
		}
		rb = with
	}
	if d.r.overlays == nil || len(d.r.overlays) >= keptRuns {
		d.r.overlays = map[*run.Run]overlay{}
	}
	d.r.overlays[rn] = overlay{len(rn.Added), rb}
	return rb, nil
}
