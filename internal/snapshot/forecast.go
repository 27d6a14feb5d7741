package snapshot

import (
	"skift/internal/forecast"
	"skift/internal/run"
)

// forecast says when a run will end; nil for one that has ended.
func (b *builder) forecast(r *run.Run) *forecast.Forecast {
	if r.State.Final() {
		return nil
	}
	return forecast.Of(forecast.InPlan(b.Plan, b.Runs, b.Register, b.tl, b.Bound), r, b.Now)
}

// ahead says how the runbooks of a window will go that have no run for it yet but rehearsals. A cut-over that is split in two has a window for
// each part: between them it is the second that lies ahead.
func (b *builder) ahead() map[string]*forecast.Forecast {
	begun := map[string]bool{}
	for _, r := range b.Runs.Runs {
		_, is := b.Runs.Window(b.bound(r), r)
		now := !r.State.Final() || b.tl.Present(r.Started.Runbook) == is
		begun[r.Started.Runbook] = begun[r.Started.Runbook] || !r.Started.Rehearsal && now
	}
	world := forecast.InPlan(b.Plan, b.Runs, b.Register, b.tl, b.Bound)
	out := map[string]*forecast.Forecast{}
	for id, book := range b.Plan.Runbooks {
		if from := world.Begins(book); !begun[id] && !from.IsZero() {
			out[id] = forecast.Ahead(world, book, from, b.Now)
		}
	}
	return out
}
