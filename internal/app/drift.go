package app

import (
	"context"
	"time"

	"skift/internal/freeze"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/store"
	"skift/internal/timeline"
)

// drift is one difference in a frozen zone by its id; nil = there is none.
func (a *App) drift(ctx context.Context, id string) (*freeze.Drift, error) {
	var facts *register.Facts
	a.ledger.Read(func(f *ledger.Facts) { facts = f.Register.Frozen() })
	all, err := Drifts(ctx, a.store, a.Plan(), facts, time.Now())
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == id {
			return &all[i], nil
		}
	}
	return nil, nil
}

// Drifts reads what the zones in force found and what is seen since.
func Drifts(ctx context.Context, st *store.Store, p *plan.Plan, f *register.Facts, now time.Time) ([]freeze.Drift, error) {
	zones := timeline.At(p, f, now).Zones(now)
	if len(zones) == 0 {
		return nil, nil
	}
	since := now
	for _, z := range zones {
		if z.Since.Before(since) {
			since = z.Since
		}
	}
	var seen []register.Interval
	for _, id := range p.CheckIDs {
		found, err := st.History(ctx, id, since.Add(-freeze.Before))
		if err != nil {
			return nil, err
		}
		seen = append(seen, found...)
	}
	return freeze.Drifts(p, f, seen, now), nil
}
