package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"skift/config"
	"skift/internal/app"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/store"
)

// history is what is known of a transition beside its plan. The zero value is that of a plan nobody has used yet.
type history struct {
	Facts  register.Facts
	Runs   run.Facts
	Latest []register.Interval // the newest observation of each unit
	Head   journal.Head
	Used   bool   // there is a journal
	InUse  string // hash of the plan that was taken into use last, whatever was asked about; "" = none was
}

// history reads the data directory beside whoever owns it and creates nothing. Only what had happened by then is told;
// the observations are the newest there are.
func (s *session) history(ctx context.Context, p *plan.Plan, settings config.Settings, by time.Time) (history, error) {
	return s.past(ctx, p.ID, app.DataDir(s.dir, s.data, settings), by)
}

// past is the history of one plan in a data directory; "" = of the one that is there.
func (s *session) past(ctx context.Context, id, dir string, by time.Time) (history, error) {
	var h history
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	st, err := store.Open(ctx, store.Options{Dir: dir, Plan: id, ReadOnly: true})
	if errors.Is(err, store.ErrNone) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	defer st.Close()
	h.Used = true
	if h.Head, err = st.Head(ctx); err != nil {
		return h, err
	}
	if h.Latest, err = st.Latest(ctx); err != nil {
		return h, err
	}
	err = st.Events(ctx, 0, func(e journal.Event) error {
		if e.Kind == register.PlanAdopted {
			if b, ok := body[register.Adopted](e); ok {
				h.InUse = b.Hash
			}
		}
		if e.At.After(by) {
			return nil
		}
		if err := h.Runs.Apply(e); err != nil {
			return err
		}
		return h.Facts.Apply(e)
	})
	if err != nil {
		return h, fmt.Errorf("read journal: %w", err)
	}
	return h, nil
}
