package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"skift/config"
	"skift/internal/app"
	"skift/internal/plan"
)

// present is the plan that counts here, and what is known beside it.
type present struct {
	history
	plan     *plan.Plan
	settings config.Settings
	data     string // the data directory
	unset    error  // what is wrong with the settings; nil = they are those of skift.yaml
}

// inUse is what commands go by that only tell: the revision that a process last took into use. Files that are edited meanwhile change
// nothing, also when they cannot be read: that they are not in use is said, and everything goes on as it was. A plan that was never in use
// is what its files have. Facts are those as of an instant, the revision is that of now.
func (s *session) inUse(ctx context.Context, by time.Time) (present, error) {
	r, err := app.Read(s.dir)
	if err != nil {
		return present{}, err
	}
	n := present{plan: r.Plan, settings: r.Settings, data: app.DataDir(s.dir, s.data, r.Settings)}
	bad := r.Problems.Errors() > 0
	problems := &app.PlanError{Problems: r.Problems.Sorted(), Sources: r.Sources}
	if r.Wrong(config.File) != "" {
		n.unset = problems
	}
	id := r.Plan.ID
	if bad {
		id = "" // of a file that cannot be read: whose journal it is says the journal
	}
	if n.history, err = s.past(ctx, id, n.data, by); err != nil && !bad {
		return n, err
	}
	switch {
	case bad && (err != nil || n.InUse == ""):
		return n, problems
	case !bad && (n.InUse == "" || n.InUse == r.Plan.Hash):
		s.plan = n.plan
		return n, nil
	}
	if n.plan, err = app.RevisionWithNames(n.data, n.InUse, s.dir); err != nil {
		return n, fmt.Errorf("go by the plan in use, which is not what the files here have: %w", err)
	}
	s.plan = n.plan
	if bad {
		s.note("the files here cannot be used (%s): this goes by the plan in use, revision %.12s; skift validate shows all", r.Wrong(""), n.InUse)
	} else {
		s.note("the files here are not the plan in use: this goes by the one in use, revision %.12s; skift reload --dry-run shows how they differ", n.InUse)
	}
	return n, nil
}

// filesOrInUse is what they go by who may ask for the files as they are: whoever writes a plan looks at it before it counts.
func (s *session) filesOrInUse(ctx context.Context, files bool, by time.Time) (present, error) {
	if !files {
		return s.inUse(ctx, by)
	}
	p, settings, err := app.Load(s.dir)
	if err != nil {
		return present{}, err
	}
	n := present{plan: p, settings: settings, data: app.DataDir(s.dir, s.data, settings)}
	n.history, err = s.past(ctx, p.ID, n.data, by)
	return n, err
}

// asFiles adds --files to a command that shows what somebody may be writing.
func asFiles(c *cobra.Command, files *bool) {
	c.Flags().BoolVar(files, "files", false, "what the files here have, whether it is in use or not")
}
