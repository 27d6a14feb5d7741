package api

import (
	"context"
	"time"

	"skift/internal/diag"
	"skift/internal/freeze"
	"skift/internal/gate"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/timeline"
)

// Renews is what takes another revision of the plan into use.
type Renews interface {
	// Reload reads the plan directory anew. A plan with errors changes nothing: they are in the reply.
	Reload(ctx context.Context, q ReloadRequest) (ReloadReply, error)
}

// ReloadRequest asks for the plan to be read anew.
type ReloadRequest struct {
	Acting
	Dry bool `json:"dry,omitempty"` // only say what it would bring

	Accept bool   `json:"accept,omitempty"` // zones in force may end or protect less by it
	Reason string `json:"reason,omitempty"` // why they may
}

// ReloadReply is what another revision of the plan brings.
type ReloadReply struct {
	Plan      string                `json:"plan"`
	Was       string                `json:"was,omitempty"` // hash of the revision in use before
	Hash      string                `json:"hash"`          // of the plan as it was read; "" with errors
	Adopted   bool                  `json:"adopted"`       // it is in use from now on
	Unchanged bool                  `json:"unchanged"`     // it was in use already
	Changes   []plan.Change         `json:"changes"`
	Dates     []snapshot.Shifted    `json:"dates"` // dates that are others now
	Votes     []gate.Voided         `json:"votes"` // answers that count no more
	Zones     []register.ZoneChange `json:"zones"` // what becomes of the frozen zones in force
	Runs      []string              `json:"runs"`  // under way: they go on by the plan they were begun on
	Problems  []diag.Problem        `json:"problems"`
	Restart   []string              `json:"restart,omitempty"` // what was changed and takes effect when the process starts anew
	Event     int64                 `json:"event,omitempty"`
	Head      string                `json:"head,omitempty"`
}

// NewReload is a reply about a plan, before anything is known of another revision of it. was is the hash of the one in use.
func NewReload(id, was string) ReloadReply {
	return ReloadReply{Plan: id, Was: was, Changes: []plan.Change{}, Dates: []snapshot.Shifted{}, Votes: []gate.Voided{}, Zones: []register.ZoneChange{}, Runs: []string{}, Problems: []diag.Problem{}}
}

// Brings fills in what is not the same in two revisions, as things are now.
func (r *ReloadReply) Brings(before, after *plan.Plan, facts *register.Facts, runs *run.Facts, now time.Time) {
	r.Unchanged = before.Hash == after.Hash
	r.Changes = append(r.Changes, plan.Diff(before, after)...)
	was, is := timeline.At(before, facts, now), timeline.At(after, facts, now)
	r.Dates, r.Zones = snapshot.Shifts(was, is), freeze.Between(was, is)
	r.Votes, r.Runs = gate.Voids(before, after, facts), runs.UnderWay()
}

// Invalid reports whether the plan had errors, so that nothing was changed.
func (r ReloadReply) Invalid() bool {
	for _, p := range r.Problems {
		if p.Severity == diag.Error {
			return true
		}
	}
	return false
}

// Reload implements Desk.
func (c *Client) Reload(ctx context.Context, q ReloadRequest) (r ReloadReply, err error) {
	return r, c.call(ctx, "POST", "/v1/reload", q, &r)
}
