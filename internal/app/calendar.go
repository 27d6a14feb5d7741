package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"skift/internal/agenda"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
)

// eventReader is where the journal is read from.
type eventReader interface {
	Events(ctx context.Context, after int64, fn func(journal.Event) error) error
}

// Revisions are the revisions of a plan that were in use, oldest first, each again after every fact that moves a date. They are what
// calendars are made from. The plan that is in use need not be the one the directory has: a calendar tells what counts, and who edits
// the files meanwhile tells nobody yet.
func Revisions(ctx context.Context, st eventReader, p *plan.Plan, data string) ([]agenda.Revision, error) {
	known := revisions{dir: filepath.Join(data, "revisions")}
	var facts register.Facts
	var out []agenda.Revision
	var missing error // of the newest revision; an older one that is not to be had only leaves its changes untold
	err := st.Events(ctx, 0, func(e journal.Event) error {
		if err := facts.Apply(e); err != nil {
			return err
		}
		if !slices.Contains([]string{register.PlanAdopted, register.MilestonePassed, register.MilestoneReopened, register.GateDecided}, e.Kind) || facts.PlanHash == "" {
			return nil
		}
		now := p
		if facts.PlanHash != p.Hash {
			if now, missing = known.Plan(facts.PlanHash); missing != nil {
				return nil
			}
		}
		missing = nil
		out = append(out, agenda.Revision{At: e.At, Plan: now, Facts: facts.Dates()})
		return nil
	})
	if err == nil && missing != nil {
		return nil, fmt.Errorf("make calendar: %w", missing)
	}
	return out, err
}

// Unused is the only revision of a plan that was never taken into use: since its files were last written.
func Unused(p *plan.Plan, dir string) []agenda.Revision {
	var at time.Time
	for name := range p.Sources {
		if st, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err == nil && st.ModTime().After(at) {
			at = st.ModTime()
		}
	}
	return []agenda.Revision{{At: at.UTC(), Plan: p}}
}
