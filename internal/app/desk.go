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
	return a.runner.Do(ctx, c)
}

// Judge implements api.Desk.
func (a *App) Judge(ctx context.Context, gateID, runID string) (gate.Judgement, error) {
	return a.runner.Judge(ctx, gateID, runID)
}

// Snapshot implements api.Desk.
func (a *App) Snapshot(ctx context.Context) (snapshot.Snapshot, error) { return a.snapshot(ctx, "") }

func (a *App) snapshot(ctx context.Context, viewer string) (snapshot.Snapshot, error) {
	latest, err := a.store.Latest(ctx)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	messages, err := a.store.Messages(ctx, register.MessageFilter{})
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	head := a.ledger.Head()
	var s snapshot.Snapshot
	a.ledger.Read(func(f *ledger.Facts) {
		s = snapshot.Build(snapshot.In{Plan: a.plan, Runs: &f.Runs, Register: &f.Register, Latest: latest, Messages: messages,
			Events: f.Last, Head: head, Now: time.Now(), Viewer: viewer})
	})
	return s, nil
}

// Check implements api.Desk.
func (a *App) Check(ctx context.Context, q api.CheckRequest) (api.CheckReply, error) {
	env := q.Environment
	if env == "" {
		env = a.plan.Production()
	}
	if a.plan.Environments[env] == nil {
		return api.CheckReply{}, unknown("environment", env, a.plan.EnvIDs)
	}
	words := q.Patterns
	if len(words) == 0 {
		words = []string{"*"}
	}
	for _, w := range a.plan.Unmatched(words) {
		return api.CheckReply{}, unknown("check or suite", w, append(append([]string{}, a.plan.CheckIDs...), a.plan.SuiteIDs...))
	}
	if q.Side != "" && q.Side != "old" && q.Side != "new" {
		return api.CheckReply{}, &runner.Refusal{Kind: runner.Usage, Message: fmt.Sprintf("a side is old or new, not %q", q.Side)}
	}
	ids := a.plan.MatchChecks(words)
	w := runner.Sweep{Plan: a.plan, Environment: env, Side: string(q.Side), Cause: q.Cause}
	if len(words) == 1 && a.plan.Suites[words[0]] != nil && q.Side == "" && env == a.plan.SuiteEnvironment(a.plan.Suites[words[0]]) {
		w.Suite = words[0]
	}
	if !q.Dry {
		if err := a.sweep(ctx, w, ids); err != nil {
			return api.CheckReply{}, err
		}
	}
	s, err := a.snapshot(ctx, "")
	if err != nil {
		return api.CheckReply{}, err
	}
	return reply(s, env, ids, string(q.Side)), nil
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
	r := &runner.Refusal{Kind: runner.NotFound, Message: fmt.Sprintf("the plan has no %s %q", what, word)}
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
