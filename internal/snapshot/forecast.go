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
	return forecast.Of(forecast.InPlan(b.Plan, b.Runs, b.Register, b.tl), r, b.Now)
}
