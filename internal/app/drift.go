package app

import (
	"context"
	"fmt"
	"time"

	"skift/checks"
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

// Drifts reads what was found different in frozen zones, and what units show by now.
func Drifts(ctx context.Context, st *store.Store, p *plan.Plan, f *register.Facts, now time.Time) ([]freeze.Drift, error) {
	latest, err := st.Latest(ctx)
	if err != nil {
		return nil, err
	}
	return freeze.Drifts(p, f, latest, now), nil
}

// zoneSince names one time that a zone is in force.
type zoneSince struct {
	zone  string
	since int64
}

func sinceOf(z timeline.InForce) zoneSince { return zoneSince{z.ID, z.Since.UnixNano()} }

// found is what the zones in force found that have no baseline yet, by what is stored.
type found struct {
	zones     []timeline.InForce
	intervals []register.Interval
}

// unbased reads what zones found whose baseline is not kept yet. Of each zone a process reads it once: a unit that was not there then comes
// with an answer.
func (a *App) unbased(ctx context.Context) (out found, err error) {
	p, now := a.Plan(), time.Now()
	var all []timeline.InForce
	a.ledger.Read(func(f *ledger.Facts) { all = freeze.Unbased(p, &f.Register, now) })
	since := now
	for _, z := range all {
		if _, read := a.based.Load(sinceOf(z)); read {
			continue
		}
		out.zones = append(out.zones, z)
		if z.Since.Before(since) {
			since = z.Since
		}
	}
	if len(out.zones) == 0 {
		return out, nil
	}
	for _, id := range p.CheckIDs {
		of, err := a.store.History(ctx, id, since.Add(-freeze.Before))
		if err != nil {
			return out, fmt.Errorf("read what frozen zones found: %w", err)
		}
		out.intervals = append(out.intervals, of...)
	}
	return out, nil
}

// keepBaselines adds the baselines to a decision, and everything that these answers differ in.
func (a *App) keepBaselines(tx *ledger.Tx, f found, environment string, results []checks.Result) error {
	p := a.Plan()
	emit := func(e freeze.Entry) error {
		_, err := tx.Emit(e.Kind, "", e.Zone, systemActor(), register.Body(e.Body))
		return err
	}
	for _, z := range f.zones {
		known := tx.Facts.Register.Zones[z.ID]
		b := freeze.Baseline(p, z, f.intervals)
		if b == nil || known != nil && known.Since.Equal(z.Since) {
			continue // somebody else kept it meanwhile
		}
		if err := emit(freeze.Entry{Kind: register.ZoneBaseline, Zone: z.ID, Body: *b}); err != nil {
			return err
		}
	}
	if environment != p.Production() {
		return nil // zones protect production
	}
	for _, e := range freeze.Observed(p, &tx.Facts.Register, results, tx.Now) {
		if err := emit(e); err != nil {
			return err
		}
	}
	return nil
}

// read notes that the baselines of zones are kept.
func (a *App) read(f found) {
	for _, z := range f.zones {
		a.based.Store(sinceOf(z), true)
	}
}

// baselines keeps what the zones in force found: when one begins, and before what was observed then is removed.
func (a *App) baselines(ctx context.Context) error {
	f, err := a.unbased(ctx)
	if err != nil || len(f.zones) == 0 {
		return err
	}
	_, err = a.ledger.Decide(ctx, func(tx *ledger.Tx) error { return a.keepBaselines(tx, f, "", nil) })
	if err == nil {
		a.read(f)
	}
	return err
}

// tellDrift sends what owners have not been asked by mail yet. That it cannot stops nothing: screens and reports ask too.
func (a *App) tellDrift(ctx context.Context) {
	if err := a.runner.TellDrift(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("tell owners what differs in a frozen zone", "err", err)
	}
}
