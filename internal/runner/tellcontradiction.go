package runner

import (
	"context"
	"fmt"
	"slices"

	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/run"
	"skift/runbooks"
)

// Followers is the audience of what is told of a contradiction: the step's owner, and the seats of the audiences that follow the run.
const Followers = "followers"

// ContradictionReport is the report that tells it.
const ContradictionReport = "contradiction"

// untold is a contradiction of which nobody got a mail.
type untold struct {
	run, step string
	event     int64
	seats     []string
	plan      *plan.Plan
}

// tellContradictions mails each contradiction that nobody answers for, once. What tells it is an event, so that a restart between the two
// neither loses the mail nor sends it twice. A mail that could not be made stops nothing; it is tried again when checks are asked again.
func (r *Runner) tellContradictions(ctx context.Context) error {
	for _, u := range r.untold() {
		mails, err := r.cfg.Reports.Compose(ctx, Compose{Plan: u.plan, Report: ContradictionReport, Run: u.run, Step: u.step, Seats: u.seats,
			Period: fmt.Sprintf("contradiction %d", u.event)})
		if err != nil {
			return fmt.Errorf("tell that %s of %s is contradicted: %w", u.step, u.run, err)
		}
		if len(mails.Mails)+len(mails.Missing) == 0 {
			continue // there is no mail server, or nobody who may see it
		}
		mails.Light = "" // the next report of an audience compares itself with its last report
		_, err = r.decide(ctx, func(d *decision) error {
			rn := d.Facts.Runs.Runs[u.run]
			if c := rn.Steps[u.step].Contradiction; rn.State.Final() || !c.Open() || c.Event != u.event || d.Facts.Register.ToldOf[u.event] {
				return nil // it is over, or was told meanwhile
			}
			return d.queueAbout(mails, Followers, ContradictionReport, u.event)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// untold lists the contradictions that are to be told. A rehearsal in production sends nothing.
func (r *Runner) untold() (out []untold) {
	r.cfg.Ledger.Read(func(f *ledger.Facts) {
		for _, id := range f.Runs.Order {
			rn := f.Runs.Runs[id]
			if rn.State.Final() || takingBack(&f.Runs, rn) != nil || rn.Started.Rehearsal && rn.Started.Production {
				continue
			}
			p, err := r.planOf(rn)
			if err != nil {
				continue // the run itself tells
			}
			for _, step := range rn.Order {
				st := rn.Steps[step]
				if !st.Contradiction.Open() || f.Register.ToldOf[st.Contradiction.Event] {
					continue
				}
				if seats := r.followers(f, rn, st); len(seats) > 0 {
					out = append(out, untold{id, step, st.Contradiction.Event, seats, p})
				}
			}
		}
	})
	return out
}

// followers are the seats that learn what speaks against a step: its owner's, and those of the audiences to which a message step of the
// run, or of a run around it, sends something. Who is told of its own connections only, by for_each, does not follow runs.
func (r *Runner) followers(f *ledger.Facts, rn *run.Run, st *run.Step) (seats []string) {
	add := func(seat string) {
		if seat != "" && !slices.Contains(seats, seat) {
			seats = append(seats, seat)
		}
	}
	add(st.Owner)
	for o := rn; o != nil; o = f.Runs.Runs[o.Started.Parent] {
		p, err := r.planOf(o)
		if err != nil {
			continue
		}
		for _, s := range p.Runbooks[o.Started.Runbook].Steps {
			if s.Kind != runbooks.Message {
				continue
			}
			if a := r.plan.Audiences[s.MessageBody.Audience]; a != nil { // who is told is of the plan in use
				for _, seat := range a.To {
					add(seat)
				}
			}
		}
	}
	return seats
}
