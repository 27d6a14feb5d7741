package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"skift/internal/journal"
	"skift/internal/run"
)

// control is a command about one run that has not ended, given with a reason. fn emits at most one event, or none when what is
// wanted is so already, and says what is so now.
func (r *Runner) control(ctx context.Context, c Command, fn func(*decision, *run.Run, journal.Actor) (string, error)) (Reply, error) {
	if strings.TrimSpace(c.Reason) == "" {
		return Reply{}, refuse(Usage, `add --reason "…": it is kept in the journal`, "%s needs a reason", c.Do)
	}
	var reply Reply
	head, err := r.decide(ctx, func(d *decision) error {
		rn, err := d.run(c.Run)
		if err != nil {
			return err
		}
		if rn.State.Final() {
			return refuse(Conflict, "", "%s has ended (%s)", rn.ID, rn.State)
		}
		who, err := r.actor(c, d.Now)
		if err != nil {
			return err
		}
		before := d.Facts.Size
		message, err := fn(d, rn, who)
		if err != nil {
			return err
		}
		reply = Reply{Run: rn.ID, Message: message}
		if d.Facts.Size > before {
			reply.Event = before + 1
		}
		return nil
	})
	reply.Head = head.String()
	return reply, err
}

// commands: whole runs and streams are the customer's.
func (r *Runner) commands(who journal.Actor, what string) error {
	switch {
	case who.Seat == "":
		return refuse(Usage, "add --as SEAT", "say which seat acts")
	case !r.customer(who.Seat):
		return refuse(Forbidden, "add --as with a seat of the customer", "only a seat of the customer %s a run", what)
	}
	return nil
}

// holdRun keeps a run from going on until somebody releases it, whatever else holds it or holds it no more.
func (r *Runner) holdRun(ctx context.Context, c Command) (Reply, error) {
	return r.control(ctx, c, func(d *decision, rn *run.Run, who journal.Actor) (string, error) {
		if err := r.commands(who, "holds"); err != nil {
			return "", err
		}
		if rn.HeldBy.Seat != "" {
			return fmt.Sprintf("%s is held by %s already: %s", rn.ID, rn.HeldBy.Seat, rn.Reason), nil
		}
		_, err := d.Emit(run.RunWasHeld, rn.ID, "", who, run.Body(run.Ended{Reason: c.Reason}))
		return fmt.Sprintf("%s is held: nothing new is started until skift release %s; what is in flight goes on", rn.ID, rn.ID), err
	})
}

// releaseRun takes a person's hold away. What holds the run by itself holds it still.
func (r *Runner) releaseRun(ctx context.Context, c Command) (Reply, error) {
	return r.control(ctx, c, func(d *decision, rn *run.Run, who journal.Actor) (string, error) {
		if err := r.commands(who, "releases"); err != nil {
			return "", err
		}
		still := d.stillHolds(rn)
		switch {
		case rn.State != run.RunHeld:
			return rn.ID + " is not held", nil
		case still != "" && rn.HeldBy.Seat == "":
			return "", refuse(Refused, "skift runs "+rn.ID+" shows what can be done", "%s cannot go on: %s", rn.ID, still)
		case still != "":
			_, err := d.Emit(run.RunReleased, rn.ID, "", who, run.Body(run.Ended{State: run.RunHeld, Reason: still}))
			return fmt.Sprintf("%s is no longer held by a person, but it is held still: %s", rn.ID, still), err
		}
		if _, err := d.Emit(run.RunReleased, rn.ID, "", who, run.Body(run.Ended{Reason: c.Reason})); err != nil {
			return "", err
		}
		if err := d.advance(rn); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s is released; it is %s", rn.ID, rn.State), nil
	})
}

// sayHold keeps a step that waits from starting.
func (d *decision) sayHold(rn *run.Run, st *run.Step, who journal.Actor, reason string) error {
	switch {
	case st.State == run.Held:
		return refuse(Conflict, "skift step "+rn.ID+" "+st.ID+" release lets it begin", "%s is held%s already: %s", st.ID, by(st.By), st.Reason)
	case !run.Legal(st.State, run.StepWasHeld, run.Held):
		return refuse(Conflict, "what is in flight is not stopped; skift pause "+rn.ID+" keeps everything that comes after it from starting",
			"%s is %s: only a step that has not begun can be held", st.ID, st.State)
	}
	_, err := d.Emit(run.StepWasHeld, rn.ID, st.ID, who, run.Body(run.Finished{Attempt: st.Attempt, Reason: reason}))
	return err
}

// by names the seat that did something; "" = none did.
func by(who journal.Actor) string {
	if who.Seat == "" {
		return ""
	}
	return " by " + who.Seat
}

// sayRelease lets a held step start once nothing else keeps it.
func (d *decision) sayRelease(rn *run.Run, st *run.Step, who journal.Actor, reason string) error {
	switch {
	case st.State == run.Waiting:
		return refuse(Conflict, "what it waits for: skift runs "+rn.ID, "nobody holds %s: it is %s", st.ID, st.State)
	case !run.Legal(st.State, run.StepReleased, run.Waiting):
		return refuse(Conflict, "", "%s is %s: nobody holds it", st.ID, st.State)
	}
	if _, err := d.Emit(run.StepReleased, rn.ID, st.ID, who, run.Body(run.Finished{Attempt: st.Attempt, Reason: reason})); err != nil {
		return err
	}
	return d.advance(rn)
}

// streams lists the streams of a run's steps, sorted.
func streams(rn *run.Run) (out []string) {
	for _, st := range rn.Steps {
		if st.Stream != "" && !slices.Contains(out, st.Stream) {
			out = append(out, st.Stream)
		}
	}
	slices.Sort(out)
	return out
}
