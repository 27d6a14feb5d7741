package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"skift/internal/api"
	"skift/internal/diag"
	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/snapshot"
)

var _ api.Desk = (*App)(nil)

// systemActor is who acts when nobody does.
func systemActor() journal.Actor { return journal.Actor{Via: journal.ViaEngine} }

// Do implements api.Desk.
func (a *App) Do(ctx context.Context, c runner.Command) (runner.Reply, error) {
	if c.Do == runner.DoDrift {
		var err error
		if c.Difference, err = a.drift(ctx, c.Drift); err != nil {
			return runner.Reply{}, err
		}
	}
	r, err := a.runner.Do(ctx, c)
	if err == nil && c.Do == runner.DoPause && c.Party != "" {
		a.sweeper.Hold()
	}
	return r, err
}

// Judge implements api.Desk.
func (a *App) Judge(ctx context.Context, gateID, runID string) (gate.Judgement, error) {
	return a.runner.Judge(ctx, gateID, runID)
}

// Snapshot implements api.Desk.
func (a *App) Snapshot(ctx context.Context) (snapshot.Snapshot, error) { return a.snapshot(ctx, "") }

func (a *App) snapshot(ctx context.Context, viewer string) (snapshot.Snapshot, error) {
	var s snapshot.Snapshot
	err := a.show(ctx, viewer, func(in snapshot.In) { s = snapshot.Build(in) })
	return s, err
}

// show calls fn with everything that is known. fn must not keep or change it.
func (a *App) show(ctx context.Context, viewer string, fn func(snapshot.In)) error {
	now := time.Now()
	stored, err := a.stored(ctx, now)
	if err != nil {
		return err
	}
	a.showing(stored, viewer, now, fn)
	return nil
}

// stored is what the store has to show by one revision of the plan: read once, however many look at it.
func (a *App) stored(ctx context.Context, now time.Time) (in snapshot.In, err error) {
	in.Plan = a.Plan()
	if in.Latest, err = a.recent(ctx, in.Plan, now); err != nil {
		return in, err
	}
	if in.LastOK, err = a.lastOK(ctx, in.Plan); err != nil {
		return in, err
	}
	if in.Days, err = a.greenDays(ctx, in.Plan, now); err != nil {
		return in, err
	}
	in.Messages, err = a.store.Messages(ctx, register.MessageFilter{Brief: true})
	return in, err
}

// showing calls fn with what is stored and everything else that is known.
func (a *App) showing(in snapshot.In, viewer string, now time.Time, fn func(snapshot.In)) {
	in.Bound, in.Progress, in.Head = a.revisions.find, a.runner.Progress(now), a.ledger.Head()
	in.Now, in.AuthWait, in.Viewer = now, a.settings.Budget.AuthWait, viewer
	if viewer == "" { // the customer's own
		in.Rejected = a.rejected.Load()
	}
	a.ledger.Read(func(f *ledger.Facts) {
		in.Runs, in.Register, in.Events = &f.Runs, &f.Register, f.Last
		fn(in)
	})
}

// Check implements api.Desk.
func (a *App) Check(ctx context.Context, q api.CheckRequest) (api.CheckReply, error) {
	p := a.Plan() // one revision throughout
	env, ids, err := a.chosen(p, q.Environment, q.Patterns, q.Side)
	if err != nil {
		return api.CheckReply{}, err
	}
	w := runner.Sweep{Plan: p, Environment: env, Side: string(q.Side), Cause: q.Cause}
	if len(q.Patterns) == 1 && p.Suites[q.Patterns[0]] != nil && q.Side == "" && env == p.SuiteEnvironment(p.Suites[q.Patterns[0]]) {
		w.Suite = q.Patterns[0]
	}
	if !q.Dry && a.beside {
		return api.CheckReply{}, errBeside
	}
	if !q.Dry {
		if err := a.sweep(ctx, w, ids, q.Progress); err != nil {
			return api.CheckReply{}, err
		}
		if err := a.prune(ctx, time.Now()); err != nil {
			return api.CheckReply{}, err
		}
	}
	s, err := a.snapshot(ctx, "")
	if err != nil {
		return api.CheckReply{}, err
	}
	return reply(s, env, ids, string(q.Side)), nil
}

// Explain implements api.Desk.
func (a *App) Explain(ctx context.Context, q api.ExplainRequest) (api.ExplainReply, error) {
	p := a.Plan() // one revision throughout
	env, ids, err := a.chosen(p, q.Environment, q.Patterns, q.Side)
	if err != nil {
		return api.ExplainReply{}, err
	}
	if q.Flow != "" {
		var known []string
		for _, f := range p.Flows {
			known = append(known, f.ID)
		}
		if !slices.Contains(known, q.Flow) {
			return api.ExplainReply{}, unknown("flow", q.Flow, known)
		}
	}
	r := api.ExplainReply{Environment: env}
	err = a.show(ctx, "", func(in snapshot.In) {
		r.At, r.Head = in.Now.UTC(), in.Head.String()
		r.Explanations = snapshot.Explain(in, snapshot.Which{Environment: env, Checks: ids, Side: q.Side, Flow: q.Flow})
	})
	return r, err
}

// reply keeps of a snapshot what was asked about.
func reply(s snapshot.Snapshot, env string, ids []string, side string) api.CheckReply {
	out := api.CheckReply{Environment: env, At: s.At, Head: s.Head, Side: side, Pairs: []snapshot.Pair{}}
	asked := map[string]bool{}
	for _, id := range ids {
		asked[id] = true
	}
	for _, e := range s.Checks {
		if e.ID != env {
			continue
		}
		for _, p := range e.Pairs {
			if asked[p.Check] {
				out.Pairs = append(out.Pairs, p)
			}
		}
	}
	return out
}

func unknown(what, word string, known []string) error {
	return lacking("the plan has", what, word, known)
}

// lacking says that somebody has nothing of that name.
func lacking(who, what, word string, known []string) error {
	r := &runner.Refusal{Kind: runner.NotFound, Message: fmt.Sprintf("%s no %s %q", who, what, word)}
	if s := diag.Suggest(word, known); s != "" {
		r.Hints = []string{fmt.Sprintf("did you mean %q?", s)}
	} else {
		r.Hints = []string{"there are: " + strings.Join(known, ", ")}
	}
	return r
}

// Events implements api.Desk.
func (a *App) Events(ctx context.Context, after int64, wait bool) ([]journal.Event, error) {
	sub := a.ledger.Subscribe()
	defer sub.Close()
	var out []journal.Event
	err := a.store.Events(ctx, after, func(e journal.Event) error { out = append(out, e); return nil })
	for err == nil && len(out) == 0 && wait {
		var next []journal.Event
		if next, err = sub.Next(ctx); err == nil {
			// What was read a moment ago may be published only now.
			out = slices.DeleteFunc(next, func(e journal.Event) bool { return e.Seq <= after })
		}
	}
	return out, err
}
