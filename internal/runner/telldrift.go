package runner

import (
	"context"
	"fmt"
	"slices"

	"skift/internal/ledger"
	"skift/internal/register"
)

// Owners is the audience of what asks about a difference in a frozen zone: the owner of what changed.
const Owners = "owners"

// DriftReport is the report that asks.
const DriftReport = "difference"

// unasked is what an owner was not asked by mail yet.
type unasked struct {
	owner, seat string
	events      []int64 // oldest first
}

// TellDrift mails each owner what differs in a frozen zone, once: one mail of all that is open and was not told yet. Call it when something was
// observed. What tells it is an event, so that a restart between the two neither loses the mail nor sends it twice. Several may call it at
// once: a mail that speaks of what another told meanwhile is not sent, and what is left is asked in one of its own.
func (r *Runner) TellDrift(ctx context.Context) error {
	r = r.present()
	for again, tries := true, 3; again && tries > 0; tries-- {
		again = false
		for _, u := range r.unasked() {
			met, err := r.askOwner(ctx, u)
			if err != nil {
				return err
			}
			again = again || met
		}
	}
	return nil
}

// askOwner sends one mail, unless another told some of it meanwhile.
func (r *Runner) askOwner(ctx context.Context, u unasked) (met bool, err error) {
	last := u.events[len(u.events)-1]
	mails, err := r.cfg.Reports.Compose(ctx, Compose{Plan: r.plan, Report: DriftReport, Seats: []string{u.seat}, Owner: u.owner,
		Period: fmt.Sprintf("difference %d", last)})
	if err != nil {
		return false, fmt.Errorf("ask %s about what differs: %w", u.owner, err)
	}
	if len(mails.Mails)+len(mails.Missing) == 0 {
		return false, nil // there is no mail server
	}
	mails.Light = "" // the next report of an audience compares itself with its last report
	_, err = r.decide(ctx, func(d *decision) error {
		if met = slices.ContainsFunc(u.events, func(seq int64) bool { return d.Facts.Register.ToldOf[seq] }); met {
			return nil
		}
		return d.queue(mails, register.Queued{Audience: Owners, Report: DriftReport, About: last, Also: u.events[:len(u.events)-1]}, engine())
	})
	return met, err
}

// unasked lists, by owner, what is open and was not told. An owner without a seat is asked through the customer.
func (r *Runner) unasked() (out []unasked) {
	r.cfg.Ledger.Read(func(f *ledger.Facts) {
		at := map[string]int{}
		for _, a := range f.Register.Asked() {
			if a.Exception != 0 || f.Register.Drift(a.ID) != nil || f.Register.ToldOf[a.Seq] {
				continue
			}
			i, known := at[a.Owner]
			if !known {
				seat := a.Seat
				if r.plan.Seats[seat] == nil { // it has none, or none any more
					seat = r.customerSeat()
				}
				if seat == "" {
					continue
				}
				i = len(out)
				at[a.Owner], out = i, append(out, unasked{owner: a.Owner, seat: seat})
			}
			out[i].events = append(out[i].events, a.Seq)
		}
	})
	return out
}

// customerSeat is the customer's first seat.
func (r *Runner) customerSeat() string {
	for _, id := range r.plan.SeatIDs {
		if r.customer(id) {
			return id
		}
	}
	return ""
}
