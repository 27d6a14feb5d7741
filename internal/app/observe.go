package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/accesslog"
	"skift/internal/api"
	"skift/internal/ledger"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/runner"
)

// Observe implements api.Desk.
func (a *App) Observe(ctx context.Context, q api.ObserveRequest) (api.ObserveReply, error) {
	out, err := a.logged(q)
	if err != nil {
		return out, err
	}
	head, err := a.ledger.Decide(ctx, func(tx *ledger.Tx) error {
		who, err := a.who(q.Acting, tx.Now)
		if err != nil {
			return err
		}
		for _, s := range q.Summary.Sources {
			if s.LastAt.After(tx.Now.Add(2 * time.Minute)) {
				return &runner.Refusal{Kind: runner.Usage, Message: fmt.Sprintf("the log says that %s came at %s, which is yet to come", s.Addr, s.LastAt.Format(time.RFC3339))}
			}
		}
		p := a.Plan()
		results := a.seenIn(a.scope(tx.Facts, p, out.Environment, p.CheckIDs, tx.Now), q, out.Addr)
		digest := digestOf(q.Summary.Digest, results)
		if seq, ok := tx.Facts.Register.Brought[digest]; ok {
			out.Already, out.Event = true, seq
			return nil
		}
		tx.Batch().Observations, out.Stored = results, len(results)
		out.Event, err = tx.Emit(register.LogObserved, "", q.Service, who, register.Body(register.Observed{
			Digest: q.Summary.Digest, Format: string(q.Summary.Format), Side: q.Side, Environment: out.Environment, Addr: out.Addr,
			Lines: q.Summary.Lines, Rejected: q.Summary.Rejected, Sources: len(q.Summary.Sources), Units: len(results),
			Verdicts: count(results), Answers: digest}))
		return err
	})
	out.Head = head.String()
	return out, err
}

// logged sets a log beside the flows of its service: who came, who is known, and who never came.
func (a *App) logged(q api.ObserveRequest) (api.ObserveReply, error) {
	p := a.Plan() // one revision throughout
	env, _, err := a.chosen(p, q.Environment, nil, q.Side)
	out := api.ObserveReply{Service: q.Service, Side: q.Side, Environment: env, Addr: q.Addr, Lines: q.Summary.Lines, Rejected: q.Summary.Rejected, Sources: []api.Source{}}
	refusal := func(format string, args ...any) error {
		return &runner.Refusal{Kind: runner.Usage, Message: fmt.Sprintf(format, args...)}
	}
	service := p.Services[q.Service]
	switch {
	case err != nil:
		return out, err
	case q.Side == "":
		return out, refusal("say whose log it is: --side old or new")
	case service == nil:
		return out, unknown("service", q.Service, p.ServiceIDs)
	case len(q.Summary.Sources) == 0:
		return out, refusal("nothing in the log says that anybody came: nothing is stored")
	case len(q.Summary.Digest) != 64:
		return out, refusal("the log has no digest")
	}
	switch addrs := service.In[env][q.Side].Addrs; {
	case len(addrs) == 0:
		return out, refusal("%s has no address on the %s side in %s", q.Service, q.Side, env)
	case q.Addr == "" && len(addrs) > 1:
		return out, refusal("%s has %d addresses on the %s side: say with --addr whose log it is, of %s", q.Service, len(addrs), q.Side, strings.Join(addrs, ", "))
	case q.Addr == "":
		out.Addr = addrs[0]
	case !slices.Contains(addrs, q.Addr):
		return out, refusal("%s is no address of %s on the %s side: there are %s", q.Addr, q.Service, q.Side, strings.Join(addrs, ", "))
	}
	for _, f := range p.Flows {
		if f.Service == q.Service && f.Direction != plan.Outbound && !slices.ContainsFunc(q.Summary.Sources, func(s accesslog.Source) bool { return f.ComesFrom(s.Addr) }) {
			out.Unseen = append(out.Unseen, f.ID)
		}
	}
	for _, s := range q.Summary.Sources {
		src := api.Source{Source: s}
		src.Code, _ = amounts(s)
		for _, f := range p.Flows {
			if f.Service == q.Service && f.Direction != plan.Outbound && f.ComesFrom(s.Addr) {
				src.Flows = append(src.Flows, f.ID)
			}
		}
		out.Sources = append(out.Sources, src)
	}
	slices.SortStableFunc(out.Sources, func(x, y api.Source) int { return min(len(x.Flows), 1) - min(len(y.Flows), 1) })
	return out, nil
}

// amounts is what the last that a log tells of a source comes to, and when that was. Who came and was neither let in nor turned away
// proves nothing.
func amounts(s accesslog.Source) (checks.Code, time.Time) {
	switch {
	case s.Denied > 0 && !s.DeniedAt.Before(s.AllowedAt):
		return checks.Code(s.DeniedAs), s.DeniedAt
	case s.Allowed > 0:
		return checks.OK, s.AllowedAt
	}
	return checks.TCPOnly, s.LastAt
}

// logVersion is the checker of what was read in a log.
const logVersion = "log/1"

// seenIn makes observations of a log: one for each unit that asks whether a flow of these sources is let in at this address.
func (a *App) seenIn(s matrix.Scope, q api.ObserveRequest, addr string) []checks.Result {
	var out []checks.Result
	for _, u := range s.Units() {
		if u.Spec.Kind != checks.Reach || u.For == nil || u.Spec.Service != q.Service || u.Side != q.Side || u.Addr != addr {
			continue
		}
		var best *accesslog.Source // a network has several addresses: the one that came last tells
		for _, src := range q.Summary.Sources {
			if u.For.ComesFrom(src.Addr) && (best == nil || src.LastAt.After(best.LastAt)) {
				best = &src
			}
		}
		if best != nil {
			out = append(out, seen(u, *best, q.Summary, s.Plan.Platforms[q.Side]))
		}
	}
	return out
}

func seen(u matrix.Unit, src accesslog.Source, l accesslog.Summary, platform *plan.Platform) checks.Result {
	code, at := amounts(src)
	r := checks.Result{Unit: u.Unit, Outcome: code.Info().Verdict, Code: code, Want: u.Want, Facts: map[string]string{},
		Evidence:  checks.Evidence{Err: fmt.Sprintf("seen in log: %s let in %d times, turned away %d times", src.Addr, src.Allowed, src.Denied)},
		StartedAt: at, ValidUntil: at.Add(matrix.MaxAge(u.Spec)), CheckerVersion: logVersion, ConfigHash: u.Ask().Hash(),
		Brought: checks.Brought{By: checks.ByLog, From: l.Digest[:12]}}
	if code == checks.HTTPStatus {
		r.Facts[checks.FactHTTPStatus] = "403"
	}
	if code == checks.OK {
		r.Reached = "first_byte"
	}
	if platform != nil {
		r.Brought.Party = platform.Party
	}
	r.Verdict = checks.Judge(r.Outcome, r.Code, r.Facts, r.Want)
	return r
}
