package app

import (
	"context"
	"errors"
	"time"

	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/secret"
	"skift/internal/store"
	"skift/internal/term"
)

// TakingOver is who says that a copy goes on, and why.
type TakingOver struct {
	Reason, As, Via, EnteredBy string
}

// TakenOver is what came of it.
type TakenOver struct {
	Why     string // how the journal stood
	Head    journal.Head
	GivenUp string // the data directory on this host that acts no more for it
	Lost    int64  // events that only the one given up has
}

// TakeOver makes a copy of a data directory the one that goes on. When what was backed up lies on this host, it acts no more: it is given
// up for the copy, and a process that owns it is in the way.
func TakeOver(ctx context.Context, p *plan.Plan, data string, t TakingOver) (out TakenOver, err error) {
	who := journal.Actor{Seat: t.As, Person: t.EnteredBy, EnteredBy: t.EnteredBy, Via: t.Via}
	now := time.Now()
	if t.As != "" {
		if p.Seats[t.As] == nil {
			return out, unknown("seat", t.As, p.SeatIDs)
		}
		who.Person = PersonIn(p, t.As, now)
	}
	copied, err := store.Open(ctx, store.Options{Dir: data, ReadOnly: true})
	if err != nil {
		return out, err
	}
	stands, err := copied.Stands(ctx)
	head, herr := copied.Head(ctx)
	if err = errors.Join(err, herr, copied.Close()); err != nil {
		return out, err
	}
	if stands.Foreign == "" {
		return out, store.ErrOurs
	}
	out.Why = stands.Foreign
	if o := stands.Origin; o.Dir != "" && o.SameFile() {
		if out.Lost, err = giveUp(ctx, o.Dir, p.ID, stands.Here.Dir, head); err != nil {
			return out, err
		}
		out.GivenUp = o.Dir
	}
	body := register.Body(register.TakenOver{Reason: secret.MaskCivil(term.Strip(t.Reason)), Was: stands.Foreign, GivenUp: out.GivenUp, Lost: out.Lost})
	s, err := store.Open(ctx, store.Options{Dir: data, Plan: p.ID, Moved: true, Arrival: func(string) journal.Event {
		return journal.Event{Plan: p.ID, At: now.UTC(), Kind: register.DataTakenOver, Actor: who, Body: body}.Normal()
	}})
	if err != nil {
		return out, err
	}
	out.Head, err = s.Head(ctx)
	return out, errors.Join(err, s.Close())
}

// giveUp makes the original act no more, and counts what of it is not in the copy.
func giveUp(ctx context.Context, dir, plan, successor string, have journal.Head) (lost int64, err error) {
	s, err := store.Open(ctx, store.Options{Dir: dir, Plan: plan, ReadOnly: true})
	if err != nil {
		return 0, err
	}
	head, err := s.Head(ctx)
	if err = errors.Join(err, s.Close()); err != nil {
		return 0, err
	}
	err = store.GiveUp(ctx, dir, plan, successor)
	if errors.Is(err, store.ErrStranger) { // an earlier try came so far
		err = nil
	}
	return head.Size - have.Size, err
}
