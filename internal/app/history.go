package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/ledger"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/runner"
)

// chosen is what a request about checks means: the environment and the checks it names.
func (a *App) chosen(p *plan.Plan, env string, patterns []string, side checks.Side) (string, []string, error) {
	if env == "" {
		env = p.Production()
	}
	if p.Environments[env] == nil {
		return "", nil, unknown("environment", env, p.EnvIDs)
	}
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	for _, w := range p.Unmatched(patterns) {
		return "", nil, unknown("check or suite", w, slices.Concat(p.CheckIDs, p.SuiteIDs))
	}
	if side != "" && !slices.Contains(checks.Sides(), side) {
		return "", nil, &runner.Refusal{Kind: runner.Usage, Message: fmt.Sprintf("a side is old or new, not %q", side)}
	}
	return env, p.MatchChecks(patterns), nil
}

// History implements api.Desk.
func (a *App) History(ctx context.Context, q api.HistoryRequest) (api.HistoryReply, error) {
	p := a.Plan() // one revision throughout
	env, ids, err := a.chosen(p, q.Environment, q.Patterns, q.Side)
	if err != nil {
		return api.HistoryReply{}, err
	}
	intervals, err := a.intervals(ctx, ids, q)
	if err != nil {
		return api.HistoryReply{}, err
	}
	out := api.HistoryReply{Environment: env, At: time.Now(), Head: a.ledger.Head().String(), Units: []api.History{}}
	var tracks []matrix.Track
	var concluded matrix.Concluded
	a.ledger.Read(func(f *ledger.Facts) {
		s := a.scope(f, p, env, ids, out.At)
		tracks = s.Tracks(intervals)
		concluded = s.Conclude(tracks)
	})
	for _, t := range tracks {
		if q.Side != "" && t.Side != q.Side || q.Flow != "" && t.Flow != q.Flow {
			continue
		}
		u := api.History{Unit: t.Unit.Unit, Kind: t.Spec.Kind, Service: t.Spec.Service, Party: t.Party(), MaxAge: matrix.MaxAge(t.Spec), Bands: []api.Band{}}
		for n, i := range t.Intervals {
			b := band(i, t.Asks(i))
			b.Seen, b.Code = seenAs(i, concluded.Code(t, n))
			u.Bands = append(u.Bands, b)
		}
		out.Units = append(out.Units, u)
	}
	return out, nil
}

// intervals reads what is kept of some checks.
func (a *App) intervals(ctx context.Context, ids []string, q api.HistoryRequest) ([]register.Interval, error) {
	if q.Latest {
		return a.store.Latest(ctx)
	}
	var out []register.Interval
	for _, id := range ids {
		found, err := a.store.History(ctx, id, q.Since)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func band(i register.Interval, current bool) api.Band {
	b := api.Band{Since: i.Since, Until: i.Until, Outcome: i.Outcome, Verdict: i.Verdict, Code: i.Code, Want: i.Want, Count: i.Count,
		Facts: i.Facts, Evidence: i.Evidence, Reached: i.Reached, LocalAddr: i.LocalAddr, Brought: i.Brought, CheckerVersion: i.CheckerVersion,
		ValidUntil: i.ValidUntil, Current: current}
	for phase, t := range i.Timings {
		if b.Timings == nil {
			b.Timings = map[string]api.Timing{}
		}
		b.Timings[phase] = api.Timing{Count: t.Count, Min: t.Min, Mean: t.Mean(), Max: t.Max}
	}
	return b
}

// seenAs is the code an interval is shown with, and the one that was seen itself where another follows from it.
func seenAs(i register.Interval, shown checks.Code) (seen, code checks.Code) {
	if seen := checks.Code(i.Facts[checks.FactSeen]); slices.ContainsFunc(checks.Codes(), func(known checks.CodeInfo) bool { return known.Code == seen }) {
		return seen, shown
	}
	if shown != i.Code {
		return i.Code, shown
	}
	return "", shown
}
