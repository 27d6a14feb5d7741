package app

import (
	"context"
	"fmt"
	"time"

	"skift/internal/api"
	"skift/internal/forecast"
	"skift/internal/ledger"
	"skift/internal/run"
	"skift/internal/runner"
)

// WhatIf implements api.Desk.
func (a *App) WhatIf(_ context.Context, q api.WhatIfRequest) (api.WhatIfReply, error) {
	now := time.Now()
	out := api.WhatIfReply{Head: a.ledger.Head().String()}
	var err error
	a.ledger.Read(func(f *ledger.Facts) {
		var r *run.Run
		if r, err = tried(&f.Runs, q); err != nil {
			return
		}
		top := f.Runs.Top(r)
		w := calendar{}.World(a.Plan(), f, now, a.revisions.find)
		out.Run, out.Before = top.ID, forecast.Of(w, top, now)
		w.Changes = map[forecast.Ref]forecast.Change{{Run: r.ID, Step: q.Step}: {By: q.By, To: q.To}}
		out.After = forecast.Of(w, top, now)
		out.Holds = out.After.Gauge.Holds()
	})
	return out, err
}

// tried finds the run whose step is to take another time, as far as that makes sense.
func tried(runs *run.Facts, q api.WhatIfRequest) (*run.Run, error) {
	r := runs.Runs[q.Run]
	if r == nil {
		return nil, lacking("there is", "run", q.Run, runs.Order)
	}
	st := r.Steps[q.Step]
	if st == nil {
		return nil, lacking(r.ID+" has", "step", q.Step, r.Order)
	}
	conflict := func(format string, args ...any) error {
		return &runner.Refusal{Kind: runner.Conflict, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case r.State.Final():
		return nil, conflict("%s has ended (%s): nothing in it takes any longer", r.ID, r.State)
	case st.State.Settled():
		return nil, conflict("%s of %s is %s: it takes no longer than it took", st.ID, r.ID, st.State)
	}
	return r, nil
}
