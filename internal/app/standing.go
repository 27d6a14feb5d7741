package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"skift/config"
	"skift/internal/diag"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/snapshot"
	"skift/internal/store"
)

// Wrong says how many errors a file has and which is the first, in one line; "" = all files. The answer is "" when it has none.
func (r Reading) Wrong(file string) string {
	return (&PlanError{Problems: r.Problems.Sorted()}).Wrong(file)
}

// Wrong says it of what was refused.
func (e *PlanError) Wrong(file string) string {
	found := slices.DeleteFunc(slices.Clone(e.Problems), func(p diag.Problem) bool {
		return p.Severity != diag.Error || file != "" && p.Pos.File != file
	})
	if len(found) < 2 {
		return first(found)
	}
	return fmt.Sprintf("%d errors, first %s", len(found), first(found))
}

// standing is the plan by which a process goes on that finds files with errors, or such as take from a zone in force: the revision that was in use. A process that ends while
// somebody is editing comes back. Settings are kept nowhere else: with errors in them, as without a revision, the error is a *PlanError.
func (r Reading) standing(ctx context.Context, o Options) (*plan.Plan, error) {
	bad := &PlanError{r.Problems.Sorted(), r.Sources}
	if !o.GoOn || r.Wrong(config.File) != "" {
		return nil, bad
	}
	data := DataDir(o.PlanDir, o.DataDir, r.Settings)
	hash, err := lastInUse(ctx, data)
	if err != nil {
		return nil, err
	}
	if hash == "" {
		return nil, bad
	}
	p, err := RevisionWithNames(data, hash, o.PlanDir)
	if err != nil {
		return nil, fmt.Errorf("go on by the plan in use, for the files have errors: %w", err)
	}
	return p, nil
}

// lost is what the files would take from zones in force, were they the plan in use; "" = nothing.
func (a *App) lost() string {
	if r := a.Pending(); r != nil {
		return losses(r.Zones)
	}
	return ""
}

// instead opens by the revision that was in use, where somebody is there to take the files up with a reason: a start is no way around that.
func (a *App) instead(ctx context.Context, o Options, lost string) (*App, error) {
	if err := a.Close(); err != nil {
		return nil, err
	}
	if !o.GoOn {
		return nil, &runner.Refusal{Kind: runner.Refused, Message: lost + ": nothing was changed", Hints: []string{
			"skift serve goes on by the plan in use; beside it, when the parties agree: skift reload --accept --reason \"…\" --as SEAT"}}
	}
	o.withheld = lost
	return open(ctx, o, false)
}

// withhold keeps why the files were not taken up, for everybody who looks.
func (a *App) withhold(lost string) {
	a.withheld = lost
	a.rejected.Store(&snapshot.Rejected{At: time.Now().UTC(), First: lost})
}

// Withheld is what the files would take from zones in force, for which they were not taken up at the start; "" = nothing.
func (a *App) Withheld() string { return a.withheld }

// lastInUse is the hash of the revision that the journal of a data directory was last told of; "" = none was in use.
func lastInUse(ctx context.Context, data string) (hash string, err error) {
	st, err := store.Open(ctx, store.Options{Dir: data, ReadOnly: true})
	if errors.Is(err, store.ErrNone) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer st.Close()
	var facts register.Facts
	err = st.Events(ctx, 0, func(e journal.Event) error {
		if e.Kind != register.PlanAdopted {
			return nil
		}
		return facts.Apply(e)
	})
	if err != nil {
		return "", fmt.Errorf("read journal: %w", err)
	}
	return facts.PlanHash, nil
}
