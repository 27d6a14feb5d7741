package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"skift/config"
	"skift/internal/api"
	"skift/internal/diag"
	"skift/internal/freeze"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/snapshot"
)

// Reload implements api.Desk. The plan that is read replaces the one in use in one decision; with errors nothing is changed, and that they are
// there is shown until they are gone.
func (a *App) Reload(ctx context.Context, q api.ReloadRequest) (api.ReloadReply, error) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	if a.beside {
		return api.ReloadReply{}, errBeside
	}
	r, err := Read(a.dir)
	if err != nil {
		return api.ReloadReply{}, err
	}
	before := a.Plan()
	out := api.NewReload(before.ID, before.Hash)
	out.Problems, out.Head = append(out.Problems, r.Problems.Sorted()...), a.ledger.Head().String()
	if out.Invalid() {
		if !q.Dry {
			a.reject(r)
			a.log.Warn("the plan has errors; it goes on as it was", slog.Int("errors", r.Problems.Errors()), slog.String("first", first(out.Problems)))
		}
		return out, nil
	}
	if err := a.sameHouse(before, r); err != nil {
		return out, err
	}
	out.Hash, out.Restart = r.Plan.Hash, a.restart(r.Settings)
	a.brings(&out, before, r.Plan)
	if q.Dry {
		return out, nil
	}
	who, err := a.who(q.Acting, time.Now())
	if err != nil {
		return out, err
	}
	if err := a.maySoften(before, q, out.Zones); err != nil { // before anything is kept; asked again in the decision
		return out, err
	}
	if err := a.revisions.keep(before); err != nil { // who runs by it finds this very one
		return out, err
	}
	if err := a.revisions.keep(r.Plan); err != nil {
		return out, err
	}
	a.dialer.Allow(append(networks(r.Plan), a.bound(r.Plan)...)) // before anybody asks by the new one
	adopted, err := a.runner.Adopt(ctx, r.Plan, who, q.Reason, func(brings runner.Adoption) error { return a.maySoften(before, q, brings.Zones) })
	if err != nil {
		a.dialer.Allow(append(networks(before), a.bound(before)...))
		return out, err
	}
	a.rejected.Store(nil)
	out.Adopted, out.Event, out.Head = adopted.Event != 0, adopted.Event, adopted.Head.String()
	out.Votes = adopted.Votes
	return out, nil
}

// reject keeps that the files have errors, for everybody who looks, until others are taken up.
func (a *App) reject(r Reading) {
	a.rejected.Store(&snapshot.Rejected{At: time.Now().UTC(), Errors: r.Problems.Errors(), First: first(r.Problems.Sorted())})
}

// maySoften refuses a revision by which zones in force end or protect less, unless somebody who answers for them says that it may, and why: a zone
// is agreed between parties, and not taken out in passing.
func (a *App) maySoften(before *plan.Plan, q api.ReloadRequest, zones []register.ZoneChange) error {
	what, party := losses(zones), before.Parties[plan.SeatParty(q.As)]
	switch {
	case what == "":
		return nil
	case !q.Accept:
		return &runner.Refusal{Kind: runner.Refused, Message: what + ": nothing was changed", Hints: []string{"skift reload --dry-run shows all that it brings",
			`when the parties agree: skift reload --accept --reason "…" --as SEAT`}}
	case strings.TrimSpace(q.Reason) == "":
		return &runner.Refusal{Kind: runner.Usage, Message: what + ", and nobody says why", Hints: []string{`add --reason "…": it is kept in the journal`}}
	case party == nil || party.Role != plan.Customer:
		return &runner.Refusal{Kind: runner.Forbidden, Message: what + ": only a seat of the customer may accept that", Hints: []string{"add --as with a seat of the customer"}}
	}
	return nil
}

// losses are the zones in force that end or protect less, in one line.
func losses(zones []register.ZoneChange) string {
	var told []string
	for _, z := range freeze.Loses(zones) {
		told = append(told, z.String())
	}
	return strings.Join(told, "; ")
}

// first is the first error of some problems in one line.
func first(problems []diag.Problem) string {
	for _, p := range problems {
		if p.Severity == diag.Error {
			return fmt.Sprintf("%s: %s", p.Pos, p.Message)
		}
	}
	return ""
}

// sameHouse refuses what a process cannot become while it runs.
func (a *App) sameHouse(before *plan.Plan, r Reading) error {
	refuse := func(what, was, is string) error {
		return &runner.Refusal{Kind: runner.Conflict, Message: fmt.Sprintf("%s was %s and is %s: that cannot change while skift runs", what, was, is),
			Hints: []string{"put it back, or stop skift and start it anew"}}
	}
	switch data := DataDir(a.dir, a.override, r.Settings); {
	case r.Plan.ID != before.ID:
		return refuse("plan", before.ID, r.Plan.ID)
	case r.Plan.Zone.String() != before.Zone.String():
		return refuse("timezone", before.Zone.String(), r.Plan.Zone.String())
	case data != a.data:
		return refuse("the data directory", a.data, data)
	}
	return nil
}

// restart names what else was changed, and takes effect when a process begins with it.
func (a *App) restart(now config.Settings) []string {
	if reflect.DeepEqual(now, a.settings) {
		return nil
	}
	return []string{config.File}
}

// brings fills in what is not the same in two revisions, as things are now.
func (a *App) brings(out *api.ReloadReply, before, after *plan.Plan) {
	a.ledger.Read(func(f *ledger.Facts) { out.Brings(before, after, &f.Register, &f.Runs, time.Now()) })
}

// bound are the networks of the revisions that runs are bound to which are under way: their steps and checks go on as they were planned.
func (a *App) bound(now *plan.Plan) (out []netip.Prefix) {
	hashes := map[string]bool{now.Hash: true}
	var plans []string
	a.ledger.Read(func(f *ledger.Facts) {
		for _, rn := range f.Runs.Runs {
			if h := rn.Started.PlanHash; !rn.State.Final() && !hashes[h] {
				hashes[h] = true
				plans = append(plans, h)
			}
		}
	})
	for _, h := range plans {
		if p, err := a.revisions.Plan(h); err == nil {
			out = append(out, networks(p)...)
		}
	}
	return out
}

// Pending is what the files would bring that the journal does not know yet, before anything runs; nil = it is the plan in use, or the first.
func (a *App) Pending() *api.ReloadReply {
	var hash string
	a.ledger.Read(func(f *ledger.Facts) { hash = f.Register.PlanHash })
	after := a.Plan()
	if hash == "" || hash == after.Hash {
		return nil
	}
	out := api.NewReload(after.ID, hash)
	out.Hash = after.Hash
	if before, err := a.revisions.Plan(hash); err == nil {
		a.brings(&out, before, after)
	}
	return &out
}
