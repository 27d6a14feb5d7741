package runner

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"skift/internal/diag"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/run"
	"skift/runbooks"
)

// says are what a person can say of a step, beside marking and adding one.
var says = map[string]func(*decision, *run.Run, *run.Step, journal.Actor, string) error{
	"done": (*decision).sayDone, "fail": (*decision).sayFailed, "skip": (*decision).saySkip, "retry": (*decision).sayRetry,
	"hold": (*decision).sayHold, "release": (*decision).sayRelease, "accept": (*decision).sayAccept,
}

// Says lists what a person can say of a step, sorted.
func Says() []string {
	out := slices.Concat(slices.Collect(maps.Keys(says)), slices.Collect(maps.Keys(marks)), []string{"add"})
	slices.Sort(out)
	return out
}

// step carries out what a person says of one step: done, fail, skip, retry, hold, release or accept.
func (r *Runner) step(ctx context.Context, c Command) (Reply, error) {
	say := says[c.Answer]
	switch {
	case marks[c.Answer] != nil:
		return r.mark(ctx, c)
	case c.Answer == "add":
		return r.add(ctx, c)
	}
	if say == nil {
		return Reply{}, refuse(Usage, "of a step one says "+strings.Join(Says(), ", "), "nothing is known of a step that is %q", c.Answer)
	}
	if c.Answer != "done" && strings.TrimSpace(c.Reason) == "" {
		return Reply{}, refuse(Usage, `add --reason "…": it is kept in the journal`, "%s needs a reason", c.Answer)
	}
	var reply Reply
	head, err := r.decide(ctx, func(d *decision) error {
		rn, st, err := d.find(c.Run, c.Step)
		if err != nil {
			return err
		}
		who, err := r.actor(c, d.Now)
		if err != nil {
			return err
		}
		if err := r.mayAct(who.Seat, st); err != nil {
			return err
		}
		if by := d.takenBackBy(rn); by != nil {
			return refuse(Conflict, "answer for the steps of "+by.ID, "%s is being backed out by %s", rn.ID, by.ID)
		}
		before := d.Facts.Size
		if err := say(d, rn, st, who, c.Reason); err != nil {
			return err
		}
		reply = Reply{Run: rn.ID, Message: fmt.Sprintf("%s of %s: %s", st.ID, rn.ID, st.State)}
		if d.Facts.Size > before {
			reply.Event = d.Facts.Size
		}
		if st.State == run.Waiting && c.Answer == "retry" && d.paused(rn, st.Stream, st.ID) {
			reply.Message += "; it is paused and begins once that is over: skift runs " + rn.ID + " shows how"
		}
		if rn.State == run.RunHeld {
			reply.Message += fmt.Sprintf("; %s is held: %s", rn.ID, rn.Reason)
		}
		return nil
	})
	reply.Head = head.String()
	return reply, err
}

// find returns a step of a run that has not ended. run may be the runbook's name when only one of its runs is unfinished.
func (d *decision) find(runID, step string) (*run.Run, *run.Step, error) {
	rn, err := d.run(runID)
	if err != nil {
		return nil, nil, err
	}
	if rn.State.Final() {
		return nil, nil, refuse(Conflict, "", "%s has ended (%s)", rn.ID, rn.State)
	}
	st := rn.Steps[step]
	if st == nil {
		return nil, nil, refuse(NotFound, suggest("step", step, rn.Order), "%s has no step %q", rn.ID, step)
	}
	return rn, st, nil
}

func (d *decision) run(id string) (*run.Run, error) { return findRun(&d.Facts.Runs, id) }

func findRun(runs *run.Facts, id string) (*run.Run, error) {
	if rn := runs.Runs[id]; rn != nil {
		return rn, nil
	}
	var open, names []string
	for _, o := range runs.Order {
		rn := runs.Runs[o]
		names = append(names, o, rn.Started.Runbook)
		if rn.Started.Runbook == id && !rn.State.Final() {
			open = append(open, o)
		}
	}
	switch len(open) {
	case 1:
		return runs.Runs[open[0]], nil
	case 0:
		hint := suggest("run", id, names)
		if diag.Suggest(id, names) == "" {
			hint = suggest("run", id, runs.Order)
		}
		return nil, refuse(NotFound, hint, "there is no run %q", id)
	}
	return nil, refuse(Usage, "name one of "+strings.Join(open, ", "), "%q has %d unfinished runs", id, len(open))
}

// mayAct: a step is answered for by its owner, the owner's deputies, and the customer's seats.
func (r *Runner) mayAct(seat string, st *run.Step) error {
	if seat == "" {
		return refuse(Usage, "add --as SEAT", "say which seat acts")
	}
	if st.Owner == "" || seat == st.Owner || r.customer(seat) {
		return nil
	}
	if owner := r.plan.Seats[st.Owner]; owner != nil && slices.Contains(owner.Deputies, seat) {
		return nil
	}
	return refuse(Forbidden, "the owner, its deputies and the customer's seats can", "%s cannot answer for %s: its owner is %s", seat, st.ID, st.Owner)
}

func (r *Runner) customer(seat string) bool {
	p := r.plan.Parties[plan.SeatParty(seat)]
	return p != nil && p.Role == plan.Customer
}

func (d *decision) sayDone(rn *run.Run, st *run.Step, who journal.Actor, reason string) error {
	switch {
	case st.State == run.WaitingForPerson:
	case st.State == run.Uncertain, st.State == run.Failed, st.State == run.Running && st.Kind == string(runbooks.Wait):
		if strings.TrimSpace(reason) == "" {
			return refuse(Usage, `add --reason "…": how you know that it happened, or why nobody waits any longer`, "%s is %s: saying that it is done needs a reason", st.ID, st.State)
		}
	default:
		return refuse(Conflict, "", "%s is %s: nobody is asked for it now", st.ID, st.State)
	}
	return d.succeed(rn, st.ID, who, run.Finished{Attempt: st.Attempt, Reason: reason})
}

func (d *decision) sayFailed(rn *run.Run, st *run.Step, who journal.Actor, reason string) error {
	if st.State != run.WaitingForPerson && st.State != run.Uncertain {
		return refuse(Conflict, "", "%s is %s: nobody is asked for it now", st.ID, st.State)
	}
	return d.failed(rn, st.ID, who, run.Finished{Attempt: st.Attempt, Reason: reason})
}

func (d *decision) saySkip(rn *run.Run, st *run.Step, who journal.Actor, reason string) error {
	if !run.Legal(st.State, run.StepFinished, run.Skipped) {
		return refuse(Conflict, "", "%s is %s and cannot be skipped", st.ID, st.State)
	}
	if st.AfterGate != "" {
		return refuse(Refused, "vote at the gate, or fail the step", "%s stands behind the gate %s: skipping it would be a way around the gate", st.ID, st.AfterGate)
	}
	if st.NoReturn || len(st.Switches)+len(st.Closes)+len(st.Reverts) > 0 {
		return refuse(Refused, "retry it, or say done with a reason when it has happened", "%s moves services between the platforms and cannot be skipped", st.ID)
	}
	if err := d.finish(rn, st.ID, run.Skipped, who, reason); err != nil {
		return err
	}
	return d.react(rn, "what held it is settled")
}

func (d *decision) sayRetry(rn *run.Run, st *run.Step, who journal.Actor, reason string) error {
	if !run.Legal(st.State, run.StepRetried, run.Waiting) {
		return refuse(Conflict, "", "%s is %s: only a failed or uncertain step can be tried again", st.ID, st.State)
	}
	if d.lives(st) {
		return refuse(Conflict, "stop it or wait for it, then retry", "the process of the last attempt still runs (pid %d)", st.PID)
	}
	if _, err := d.Emit(run.StepRetried, rn.ID, st.ID, who, run.Body(run.Finished{Attempt: st.Attempt, Reason: reason})); err != nil {
		return err
	}
	return d.react(rn, "what held it is settled")
}

// inFlight names a step of the run, or of a run inside it, whose effect is being done now; "" = none.
func (d *decision) inFlight(rn *run.Run) string {
	for _, id := range rn.Order {
		st := rn.Steps[id]
		if st.State != run.Running && st.State != run.Verifying {
			continue
		}
		if child := d.Facts.Runs.Runs[st.Child]; child != nil {
			if step := d.inFlight(child); step != "" {
				return step
			}
			continue
		}
		if st.Changes {
			return st.ID + " of " + rn.ID
		}
	}
	return ""
}
