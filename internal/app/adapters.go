package app

import (
	"context"
	"fmt"
	"time"

	"skift/checks"
	"skift/internal/action"
	"skift/internal/forecast"
	"skift/internal/freeze"
	"skift/internal/gate"
	"skift/internal/ledger"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/internal/timeline"
)

// doer is action as the runner sees it.
type doer struct{ actions *action.Actions }

// Do implements runner.Actions.
func (d doer) Do(ctx context.Context, e runner.Effect) (runner.Outcome, error) {
	out, err := d.actions.Do(ctx, action.Request{
		Run: e.Run, Step: e.Step, Attempt: e.Attempt, Env: e.Env, Started: e.Launched,
		Progress: func(p action.Progress) {
			e.Progress(run.Progress{Files: p.Files, FilesDone: p.FilesDone, Bytes: p.Bytes, BytesDone: p.BytesDone})
		},
		Addr: func(service, side string) (string, string, error) { return address(e.Plan, e.Where, service, side) },
	})
	return runner.Outcome{OK: out.OK, Uncertain: out.Uncertain, Summary: out.Summary, Facts: out.Facts, Output: out.Output}, err
}

// Alive implements runner.Actions.
func (doer) Alive(pid int, startedAt string) bool { return action.Alive(pid, startedAt) }

// address is where a service answers on a side; a copy goes to its first address.
func address(p *plan.Plan, env, service, side string) (addr, name string, err error) {
	s := p.Services[service]
	if s == nil {
		return "", "", fmt.Errorf("the plan has no service %q", service)
	}
	end := s.In[env][checks.Side(side)]
	if len(end.Addrs) == 0 {
		return "", "", fmt.Errorf("%s has no address on the %s side in %s", service, side, env)
	}
	if name = end.ServerName; name == "" {
		name = s.ServerName
	}
	return end.Addrs[0], name, nil
}

// calendar is timeline as the runner sees it.
type calendar struct{}

// Resolve implements runner.Calendar. A gate opens at the earliest and must be decided by the latest that its dates can mean.
func (calendar) Resolve(p *plan.Plan, f *ledger.Facts, g *plan.Gate, now time.Time) (opens, decideBy time.Time) {
	return timeline.At(p, &f.Register, now).Gate(&f.Runs, g)
}

// Moment implements runner.Calendar.
func (calendar) Moment(p *plan.Plan, f *register.Facts, expr string, now time.Time) (time.Time, bool) {
	return timeline.At(p, f, now).WaitUntil(expr)
}

// Turns implements runner.Calendar.
func (calendar) Turns(p *plan.Plan, f *register.Facts, now time.Time) time.Time {
	return timeline.At(p, f, now).Turns()
}

// MilestoneState implements runner.Calendar.
func (calendar) MilestoneState(p *plan.Plan, f *register.Facts, id string, now time.Time) string {
	return timeline.At(p, f, now).StateOf(id)
}

// World implements runner.Calendar.
func (calendar) World(p *plan.Plan, f *ledger.Facts, now time.Time, bound func(string) *plan.Plan) forecast.World {
	return forecast.InPlan(p, &f.Runs, &f.Register, timeline.At(p, &f.Register, now), bound)
}

// Between implements runner.Calendar.
func (calendar) Between(before, after *plan.Plan, f *register.Facts, now time.Time) []register.ZoneChange {
	return freeze.Between(timeline.At(before, f, now), timeline.At(after, f, now))
}

// Freeze implements runner.Calendar.
func (calendar) Freeze(p *plan.Plan, f *register.Facts, q freeze.Question) freeze.Answer {
	return freeze.At(p, f, q)
}

// MayLift implements runner.Calendar.
func (calendar) MayLift(p *plan.Plan, f *register.Facts, zone string, now time.Time) []string {
	return timeline.At(p, f, now).MayLift(zone)
}

// scope is what matrix looks at, with the present facts.
func (a *App) scope(f *ledger.Facts, p *plan.Plan, env string, ids []string, now time.Time) matrix.Scope {
	tl := timeline.At(p, &f.Register, now)
	return matrix.Scope{Plan: p, Environment: env, Checks: ids, Facts: &f.Register, Now: now, Moment: tl.Moment, Within: tl.Within}
}

// compare judges what is stored.
func (a *App) compare(ctx context.Context, p *plan.Plan, env string, ids []string, now time.Time) (matrix.Matrix, error) {
	recent, err := a.recent(ctx, p, now)
	if err != nil {
		return matrix.Matrix{}, err
	}
	lastOK, err := a.lastOK(ctx, p)
	if err != nil {
		return matrix.Matrix{}, err
	}
	var m matrix.Matrix
	a.ledger.Read(func(f *ledger.Facts) {
		s := a.scope(f, p, env, ids, now)
		s.LastOK = lastOK
		m = s.Compare(recent)
	})
	return m, nil
}

// lastOK reads when each unit was last let in, where the plan has lists that forget who does not call.
func (a *App) lastOK(ctx context.Context, p *plan.Plan) (map[checks.Unit]time.Time, error) {
	for _, spec := range p.Checks {
		if _, ok := spec.Decay(); ok {
			return a.store.LastOK(ctx)
		}
	}
	return nil, nil
}

// recent reads what every unit answers now, and the few answers before it that say whether it flaps.
func (a *App) recent(ctx context.Context, p *plan.Plan, now time.Time) ([]register.Interval, error) {
	var age time.Duration
	for _, spec := range p.Checks {
		age = max(age, matrix.MaxAge(spec))
	}
	return a.store.Recent(ctx, now.Add(-age), matrix.FlapWindow)
}

// sweeps is the sweeper as the runner sees it.
type sweeps struct{ a *App }

// Sweep implements runner.Sweeper.
func (s sweeps) Sweep(ctx context.Context, w runner.Sweep) (runner.Swept, error) {
	ids, err := named(w)
	if err != nil {
		return runner.Swept{}, err
	}
	if err := s.a.sweep(ctx, w, ids, nil); err != nil {
		return runner.Swept{}, err
	}
	m, err := s.a.compare(ctx, w.Plan, w.Environment, ids, time.Now())
	if err != nil {
		return runner.Swept{}, err
	}
	return verdict(m, w.Side, w.Pairs), nil
}

// verdict is what a matrix says of a side ("" = of both), by units or by pairs.
func verdict(m matrix.Matrix, side string, pairs bool) runner.Swept {
	e := m.TallyOn(checks.Side(side))
	out := runner.Swept{OK: m.AllPass(checks.Side(side)), Observed: true}
	if pairs {
		out.OK = matrix.PairsOK(m.Pairs)
	}
	for _, f := range e.Findings {
		out.Findings = append(out.Findings, f)
		class := f.Code.Info().Class
		out.Observed = out.Observed && class != checks.ClassBlind && class != checks.ClassOurs
	}
	total, passed := e.Critical.Total+e.Others.Total, e.Critical.Passed+e.Others.Passed
	on := ""
	if side != "" {
		on = " on the " + side + " side"
	}
	out.Summary = fmt.Sprintf("%d of %d measurements%s are as they must be", passed, total, on)
	if !out.OK && len(out.Findings) > 0 {
		f := out.Findings[0]
		out.Summary += fmt.Sprintf("; worst: %s on the %s side: %s", f.Check, f.Side, f.Code)
	}
	return out
}

// Seen implements runner.Sweeper.
func (s sweeps) Seen(ctx context.Context, p *plan.Plan, env string, questions []runner.Question) ([]runner.Swept, error) {
	now := time.Now()
	recent, err := s.a.recent(ctx, p, now)
	if err != nil {
		return nil, err
	}
	lastOK, err := s.a.lastOK(ctx, p)
	if err != nil {
		return nil, err
	}
	out := make([]runner.Swept, 0, len(questions))
	s.a.ledger.Read(func(f *ledger.Facts) {
		for _, q := range questions {
			scope := s.a.scope(f, p, env, p.MatchChecks(q.Checks), now)
			scope.LastOK = lastOK
			out = append(out, verdict(scope.Compare(recent), q.Side, false))
		}
	})
	return out, nil
}

// named lists the checks a sweep means: of a suite, or ids, globs and suites by name.
func named(w runner.Sweep) ([]string, error) {
	if w.Suite != "" {
		if s := w.Plan.Suites[w.Suite]; s != nil {
			return s.Checks, nil
		}
		return nil, fmt.Errorf("find suite %q: the plan has none", w.Suite)
	}
	ids := w.Plan.MatchChecks(w.Checks)
	if len(ids) == 0 {
		return nil, fmt.Errorf("find checks %q: the plan has none", w.Checks)
	}
	return ids, nil
}

// Evidence implements runner.Sweeper.
func (s sweeps) Evidence(ctx context.Context, p *plan.Plan, suites []string, now time.Time) (map[string]gate.SuiteEvidence, error) {
	out := map[string]gate.SuiteEvidence{}
	for _, id := range suites {
		suite := p.Suites[id]
		if suite == nil {
			continue
		}
		m, err := s.a.compare(ctx, p, p.SuiteEnvironment(suite), suite.Checks, now)
		if err != nil {
			return nil, err
		}
		e := m.Tally()
		days, err := s.a.days(ctx, p, suite, now)
		if err != nil {
			return nil, err
		}
		out[id] = gate.SuiteEvidence{Critical: e.Critical, Others: e.Others, AsOf: e.AsOf, Findings: e.Findings, Days: days}
	}
	return out, nil
}

// days reads how the last days of a suite were, as many as a gate of the plan asks for.
func (a *App) days(ctx context.Context, p *plan.Plan, suite *plan.Suite, now time.Time) (out []register.Day, err error) {
	n := p.GreenDays(suite.ID)
	if n == 0 {
		return nil, nil
	}
	var intervals []register.Interval
	scope := matrix.Scope{Plan: p, Now: now}
	for _, id := range suite.Checks {
		if spec := p.Checks[id]; spec == nil || !spec.Critical {
			continue
		}
		// One that ended before the day may still hold on it.
		found, err := a.store.History(ctx, id, scope.DaysFrom(n).Add(-matrix.MaxAge(p.Checks[id])-register.Lapse))
		if err != nil {
			return nil, err
		}
		intervals = append(intervals, found...)
	}
	a.ledger.Read(func(f *ledger.Facts) {
		out = a.scope(f, p, p.SuiteEnvironment(suite), suite.Checks, now).Days(intervals, n)
	})
	return out, nil
}

// greenDays is days of every suite that a gate asks so.
func (a *App) greenDays(ctx context.Context, p *plan.Plan, now time.Time) (map[string][]register.Day, error) {
	out := map[string][]register.Day{}
	for id, suite := range p.Suites {
		days, err := a.days(ctx, p, suite, now)
		if err != nil {
			return nil, err
		}
		out[id] = days
	}
	return out, nil
}
