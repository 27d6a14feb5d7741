package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"skift/internal/journal"
	"skift/internal/run"
)

// abort ends a run; what it had not begun is cancelled. While an effect is in flight it is refused, unless that is to be stopped, too.
func (r *Runner) abort(ctx context.Context, c Command) (Reply, error) {
	if strings.TrimSpace(c.Reason) == "" {
		return Reply{}, refuse(Usage, `add --reason "…"`, "ending a run needs a reason")
	}
	if c.Stop {
		if err := r.stopEffects(ctx, c); err != nil {
			return Reply{}, err
		}
	}
	var reply Reply
	head, err := r.decide(ctx, func(d *decision) error {
		rn, who, err := d.abortable(c)
		if err != nil {
			return err
		}
		if step := d.inFlight(rn); step != "" {
			return refuse(Conflict, "wait for it to finish, or stop it with --stop, then decide", "%s is in flight", step)
		}
		state, message := run.RunAborted, rn.ID+" is aborted"
		if c.Answer == string(run.RunFailed) {
			state, message = run.RunFailed, rn.ID+" has failed"
			if !slices.ContainsFunc(rn.Order, func(id string) bool { s := rn.Steps[id].State; return s == run.Failed || s == run.Uncertain }) {
				return refuse(Conflict, "leave --failed out to abort it", "no step of %s failed or is uncertain", rn.ID)
			}
		}
		for _, id := range d.family(rn) {
			for _, st := range d.surviving(d.Facts.Runs.Runs[id]) {
				message += fmt.Sprintf("; the process of %s (pid %d) still runs", st.ID, st.PID)
			}
		}
		if err := d.endBy(rn, state, c.Reason, who); err != nil {
			return err
		}
		reply = Reply{Run: rn.ID, Event: d.Facts.Size, Message: message}
		return nil
	})
	reply.Head = head.String()
	return reply, err
}

// abortable finds the run, and refuses who may not end it.
func (d *decision) abortable(c Command) (*run.Run, journal.Actor, error) {
	rn, err := d.run(c.Run)
	if err != nil {
		return nil, journal.Actor{}, err
	}
	if rn.State.Final() {
		return nil, journal.Actor{}, refuse(Conflict, "", "%s has ended (%s)", rn.ID, rn.State)
	}
	who, err := d.r.actor(c, d.Now)
	if err != nil {
		return nil, who, err
	}
	if !d.r.customer(who.Seat) {
		return nil, who, refuse(Forbidden, "add --as with a seat of the customer", "only a seat of the customer ends a run")
	}
	return rn, who, nil
}

// surviving lists steps of a run that ended without being known to be over, and whose process lives.
func (d *decision) surviving(rn *run.Run) (out []*run.Step) {
	for _, id := range rn.Order {
		st := rn.Steps[id]
		if (st.State == run.Uncertain || st.State == run.Failed) && d.lives(st) {
			out = append(out, st)
		}
	}
	return out
}

// lastWord is the reason with which a step of a run that ends is cancelled: what was known of it is kept.
func (d *decision) lastWord(rn *run.Run, st *run.Step, state run.State) string {
	if st.State != run.Uncertain && st.State != run.Failed {
		return string(state)
	}
	text := fmt.Sprintf("%s; it was %s: %s", state, st.State, st.Reason)
	if slices.Contains(d.surviving(rn), st) {
		text += fmt.Sprintf("; its process (pid %d) still runs", st.PID)
	}
	return text
}

// errAborted is the cause given to effects that are stopped because their run is ended.
type errAborted struct{ by, reason string }

func (e errAborted) Error() string { return fmt.Sprintf("aborted by %s: %s", e.by, e.reason) }

// stopEffects holds a run, stops what is in flight in it and in the runs inside, and waits until each has been settled. If the process
// is lost meanwhile, the run is found held and what was in flight uncertain: the command is given again.
func (r *Runner) stopEffects(ctx context.Context, c Command) error {
	var flights []*flight
	cause := errAborted{c.As, c.Reason}
	_, err := r.decide(ctx, func(d *decision) error {
		rn, who, err := d.abortable(c)
		if err != nil {
			return err
		}
		flights = r.flightsOf(d.family(rn))
		if len(flights) == 0 || rn.HeldBy.Seat != "" {
			return nil
		}
		_, err = d.Emit(run.RunWasHeld, rn.ID, "", who, run.Body(run.Ended{Reason: "what is in flight is stopped, to end it: " + c.Reason}))
		return err
	})
	if err != nil {
		return err
	}
	for _, f := range flights {
		f.cancel(cause)
	}
	for _, f := range flights {
		select {
		case <-f.settled:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// family is a run and the runs inside it.
func (d *decision) family(rn *run.Run) []string {
	out := []string{rn.ID}
	for _, id := range rn.Order {
		if child := d.Facts.Runs.Runs[rn.Steps[id].Child]; child != nil {
			out = append(out, d.family(child)...)
		}
	}
	return out
}

// flight is an effect that is being done.
type flight struct {
	run     string
	cancel  context.CancelCauseFunc
	settled chan struct{} // closed once what became of it is durable
}

// takeOff makes an effect known for as long as it is in flight.
func (r *Runner) takeOff(ctx context.Context, runID string) (own context.Context, stop context.CancelCauseFunc, land func()) {
	own, cancel := context.WithCancelCause(ctx)
	f := &flight{runID, cancel, make(chan struct{})}
	r.flyingMu.Lock()
	defer r.flyingMu.Unlock()
	if r.flying == nil {
		r.flying = map[*flight]bool{}
	}
	r.flying[f] = true
	return own, cancel, func() {
		r.flyingMu.Lock()
		delete(r.flying, f)
		r.flyingMu.Unlock()
		cancel(nil)
		close(f.settled)
	}
}

func (r *Runner) flightsOf(runs []string) (out []*flight) {
	r.flyingMu.Lock()
	defer r.flyingMu.Unlock()
	for f := range r.flying {
		if slices.Contains(runs, f.run) {
			out = append(out, f)
		}
	}
	return out
}
