package runner

import (
	"time"

	"skift/internal/forecast"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/runbooks"
)

// leavesTime refuses a deadline after which the work behind a gate, or taking everything back, no longer fits in the window. Who
// practises is bound by no window.
func (d *decision) leavesTime(g *plan.Gate, key register.GateKey, until time.Time) error {
	if key.Run != "" {
		return nil
	}
	for _, f := range d.forecasts(g) {
		for _, at := range f.Gates {
			if at.ID != g.ID || at.Latest.IsZero() || !until.After(at.Latest) {
				continue
			}
			what := "the work behind it would not end"
			if !at.BackBy.IsZero() && at.BackBy.Before(at.EndBy) {
				what = "what was done could not be taken back"
			}
			zone := d.r.plan.Zone
			return refuse(Refused, "decide before then, or move the window in the plan first",
				"%s can be extended until %s at the latest: after that %s within the window, which ends %s", g.ID,
				at.Latest.In(zone).Format(timeFormat), what, f.Gauge.Window.Until.In(zone).Format(timeFormat))
		}
	}
	return nil
}

// forecasts are those of the live runs in front of a gate; when none has begun, of the runbooks that would meet it, from the beginning of their
// window.
func (d *decision) forecasts(g *plan.Gate) []*forecast.Forecast {
	world := d.r.cfg.Calendar.World(d.r.plan, d.Facts, d.Now, d.r.revision)
	var out []*forecast.Forecast
	begun := map[string]bool{}
	for _, id := range d.Facts.Runs.Order {
		if rn := d.Facts.Runs.Runs[id]; !rn.State.Final() && !rn.Practises() {
			begun[rn.Started.Runbook] = true
			out = append(out, forecast.Of(world, rn, d.Now))
		}
	}
	for _, id := range d.r.plan.RunbookIDs {
		if book := d.r.plan.Runbooks[id]; !begun[id] && meets(book, g.ID) {
			out = append(out, forecast.Ahead(world, book, world.Begins(book), d.Now))
		}
	}
	return out
}

func meets(book *runbooks.Runbook, gateID string) bool {
	for _, s := range book.Steps {
		if s.AfterGate == gateID {
			return true
		}
	}
	return false
}
