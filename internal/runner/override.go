package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
)

// overrideHolds is how long an override waits for its second seat: what was true when it was asked for may not be later.
const overrideHolds = time.Hour

// backOut begins the back-out of a run. Past its point of no return it only asks for it: the step that is that point must be named, and a
// seat of another party must confirm.
func (r *Runner) backOut(ctx context.Context, c Command) (Reply, error) {
	if strings.TrimSpace(c.Reason) == "" {
		return Reply{}, refuse(Usage, `add --reason "…": it is kept in the journal`, "backing out needs a reason")
	}
	var reply Reply
	head, err := r.decide(ctx, func(d *decision) error {
		o, err := d.run(c.Run)
		if err != nil {
			return err
		}
		who, err := r.actor(c, d.Now)
		if err != nil {
			return err
		}
		if err := r.commands(who, "backs out"); err != nil {
			return err
		}
		if o.Started.BackOut == "" {
			return refuse(Usage, "add back_out: RUNBOOK to it, for the next run", "%s names no runbook that backs it out", o.Started.Runbook)
		}
		if by := d.backedOutBy(o); by != nil {
			reply = Reply{Run: by.ID, Resumed: true, Message: fmt.Sprintf("%s backs out %s; it is %s", by.ID, o.ID, by.State)}
			return nil
		}
		if err := d.mayBackOut(o); err != nil {
			return err
		}
		if past := d.noReturn(o); past != nil && past != o && !o.Started.Rehearsal {
			return refuse(Refused, noReturnHint(past), "%s has passed its point of no return: no part of it is backed out alone", past.ID)
		}
		if o.NoReturn && !o.Started.Rehearsal {
			reply, err = d.askOverride(o, who, c)
			return err
		}
		if c.Step != "" {
			return refuse(Usage, "leave --past out", "%s has not passed a point of no return", o.ID)
		}
		rn, seq, err := d.startBackOut(o, c, who)
		if err != nil {
			return err
		}
		reply = Reply{Run: rn.ID, Event: seq, Message: fmt.Sprintf("%s started: it backs out %s", rn.ID, o.ID)}
		return nil
	})
	reply.Head = head.String()
	return reply, err
}

// noReturnHint says how one goes back where there is no way back.
func noReturnHint(o *run.Run) string {
	return fmt.Sprintf("from here the way is forward: fix and retry the failed step. If that is worse than going back: skift back-out %s --past STEP --reason … --as SEAT, "+
		"which a seat of another party confirms", o.ID)
}

// passed lists the points of no return that a run, or a run inside it, has really begun.
func (d *decision) passed(rn *run.Run) (out []string) {
	for _, id := range d.family(rn) {
		o := d.Facts.Runs.Runs[id]
		for _, step := range o.Order {
			if st := o.Steps[step]; st.NoReturn && st.Attempt > 0 && !st.Simulated {
				out = append(out, step)
			}
		}
	}
	return out
}

// askOverride keeps that somebody wants to go back over a point of no return.
func (d *decision) askOverride(o *run.Run, who journal.Actor, c Command) (Reply, error) {
	passed := strings.Join(d.passed(o), ", ")
	switch {
	case c.Step == "":
		return Reply{}, refuse(Refused, noReturnHint(o), "%s has passed its point of no return (%s) and cannot be backed out", o.ID, passed)
	case !slices.Contains(d.passed(o), c.Step):
		return Reply{}, refuse(Usage, "it passed: "+passed, "%s has passed no point of no return called %q", o.ID, c.Step)
	}
	for _, asked := range d.Facts.Register.Overrides {
		if asked.Run == o.ID && asked.Past == c.Step && asked.Waits(d.Now) {
			return Reply{}, refuse(Conflict, fmt.Sprintf("a seat of another party than %s confirms it: skift confirm %d --as SEAT", plan.SeatParty(asked.Actor.Seat), asked.Seq),
				"event %d asks for it already, until %s", asked.Seq, asked.Until.In(d.r.plan.Zone).Format(timeFormat))
		}
	}
	until := d.Now.Add(overrideHolds)
	seq, err := d.Emit(register.OverrideAsked, "", o.ID, who, register.Body(register.Override{Past: c.Step, Reason: c.Reason, Until: until}))
	return Reply{Run: o.ID, Event: seq, Message: fmt.Sprintf("%s asks to back out %s although %s has begun; a seat of another party confirms it until %s, and it begins then: skift confirm %d --as SEAT",
		who.Seat, o.ID, c.Step, until.In(d.r.plan.Zone).Format(timeFormat), seq)}, err
}

// asked is what an event asks for that a second seat of another party confirms; nil = nothing of the kind, or a deviation.
func (r *Runner) asked(event int64) (asked any) {
	r.cfg.Ledger.Read(func(f *ledger.Facts) {
		if o := f.Register.Override(event); o != nil {
			asked = o
		} else if w := f.Register.Waiver(event); w != nil {
			asked = w
		}
	})
	return asked
}

// confirmOverride is the second seat of an override. With its word the back-out begins, in one decision: an override is no pass for later.
func (r *Runner) confirmOverride(ctx context.Context, c Command) (Reply, error) {
	var reply Reply
	head, err := r.decide(ctx, func(d *decision) error {
		who, err := r.actor(c, d.Now)
		if err != nil {
			return err
		}
		asked := d.Facts.Register.Override(c.Event)
		if err := r.maySecond(who, asked.Wish(), "skift back-out", d.Now); err != nil {
			return err
		}
		o := d.Facts.Runs.Runs[asked.Run]
		if err := d.mayBackOut(o); err != nil {
			return err
		}
		if _, err := d.Emit(register.OverrideConfirmed, "", o.ID, who, register.Body(register.Confirmed{Event: c.Event})); err != nil {
			return err
		}
		rn, seq, err := d.startBackOut(o, Command{Reason: asked.Reason, Set: c.Set}, who)
		if err != nil {
			return err
		}
		reply = Reply{Run: rn.ID, Event: seq, Message: fmt.Sprintf("%s started: it backs out %s although %s has begun, as %s and %s want", rn.ID, o.ID, asked.Past, asked.Actor.Seat, who.Seat)}
		return nil
	})
	reply.Head = head.String()
	return reply, err
}

// ofOthers names seats of other parties than that of a seat.
func (r *Runner) ofOthers(seat string) string {
	var names []string
	for _, id := range r.plan.SeatIDs {
		if plan.SeatParty(id) != plan.SeatParty(seat) {
			names = append(names, id)
		}
	}
	switch n := len(names); {
	case n == 0:
		return "the plan has none"
	case n > 6:
		names = append(names[:6], fmt.Sprintf("or one of %d more", n-6))
	}
	return strings.Join(names, ", ")
}

// maySecond says to a person why their word is no second one. anew is the command that asks for what they want to confirm.
func (r *Runner) maySecond(who journal.Actor, asked register.Wish, anew string, now time.Time) error {
	switch asked.Second(who, now) {
	case "":
		return nil
	case register.NoSeat:
		return refuse(Usage, "add --as SEAT", "say which seat confirms")
	case register.Twice:
		return refuse(Conflict, "", "event %d is confirmed already", asked.Seq)
	case register.Lapsed:
		return refuse(Conflict, "ask for it anew with "+anew, "event %d has lapsed %s", asked.Seq, asked.Until.In(r.plan.Zone).Format(timeFormat))
	case register.SameParty:
		return refuse(Forbidden, "use --as with a seat of another party, in which another person sits: "+r.ofOthers(asked.By.Seat), "%s is of the same party as %s who asked for it: the second seat must be of another", who.Seat, asked.By.Seat)
	}
	return refuse(Forbidden, "another person must confirm it", "one person is one voice: %s asked for it", who.Voice())
}
