package runner

import (
	"context"

	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
)

// Adoption is what another revision of the plan brings.
type Adoption struct {
	Was     string                // hash of the revision before; "" = there was none
	Changes []plan.Change         // what is not the same; empty also where the one before is not to be had
	Along   []string              // milestones that have other dates although they are written as they were
	Zones   []register.ZoneChange // what becomes of the zones in force, likewise
	Votes   []gate.Voided         // answers that count no more
	Stand   []string              // gates at which answers count on
	Event   int64                 // 0 = it was in use already
	Head    journal.Head
}

// Adopt takes another revision of the plan into use, from the next decision on: one event, with what is not the same. Runs that are under way
// go on by their own, under the zones of the new one. The revision must be kept already, for runs will be bound to it. may is asked in the decision
// itself whether what it brings may be; its error refuses it.
func (r *Runner) Adopt(ctx context.Context, p *plan.Plan, who journal.Actor, reason string, may func(Adoption) error) (Adoption, error) {
	was := r.Plan()
	var out Adoption
	head, err := r.decide(ctx, func(d *decision) error {
		if err := d.adopt(was); err != nil { // the process may not have come to it yet
			return err
		}
		out = d.brings(p)
		if out.Was != p.Hash {
			if err := may(out); err != nil { // whoever asked before went by zones that may not be those in force now
				return err
			}
			seq, err := d.adopted(p, out, who, reason)
			if err != nil {
				return err
			}
			out.Event = seq
		}
		r.current.Store(p) // decisions come one at a time: the next goes by it
		return nil
	})
	if err != nil {
		r.current.CompareAndSwap(p, was)
		return Adoption{}, err
	}
	out.Head = head
	return out, nil
}

// adopt records a revision of the plan that came into use with the process, unless that is known.
func (d *decision) adopt(p *plan.Plan) error {
	a := d.brings(p)
	if a.Was == p.Hash {
		return nil
	}
	_, err := d.adopted(p, a, engine(), "")
	return err
}

// brings compares a revision with the one in use.
func (d *decision) brings(p *plan.Plan) Adoption {
	reg := &d.Facts.Register
	a := Adoption{Was: reg.PlanHash}
	if a.Was != "" && a.Was != p.Hash {
		if before, err := d.r.cfg.Revisions.Plan(a.Was); err == nil {
			a.Changes, a.Stand, a.Votes = plan.Diff(before, p), gate.Stand(before, p, reg), gate.Voids(before, p, reg)
			a.Along = plan.Along(before, p, a.Changes)
			a.Zones = d.r.cfg.Calendar.Between(before, p, reg, d.Now)
			return a
		}
	}
	a.Votes = gate.Voids(nil, p, reg)
	return a
}

// mostChanges bounds what an event lists beside that from which facts follow; the revisions themselves are kept.
const mostChanges = 50

// adopted records that a revision is in use.
func (d *decision) adopted(p *plan.Plan, a Adoption, who journal.Actor, reason string) (int64, error) {
	reg := &d.Facts.Register
	b := register.Adopted{Hash: p.Hash, First: reg.AdoptedAt.IsZero(), Was: a.Was, Along: a.Along, Stand: a.Stand, Zones: a.Zones, Reason: d.r.clean(reason)}
	for _, c := range a.Changes {
		if len(b.Changes) < mostChanges || register.Telling(c) {
			b.Changes = append(b.Changes, c)
		} else {
			b.More++
		}
	}
	for i := range b.Changes {
		b.Changes[i].Reason = d.r.clean(b.Changes[i].Reason)
	}
	return d.Emit(register.PlanAdopted, "", "", who, register.Body(b))
}
