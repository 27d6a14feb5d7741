package app

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"

	"skift/internal/bug"
	"skift/internal/register"
	"skift/internal/report"
	"skift/internal/run"
)

// PaperName is the printed page in the data directory. It holds names and numbers, and is no part of a backup.
const PaperName = "print.html"

// Paper is the page that is printed for the night.
func (a *App) Paper(ctx context.Context) ([]byte, error) {
	s, err := a.snapshot(ctx, "")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = report.Paper(&b, a.Plan(), s)
	return b.Bytes(), err
}

// keepPaper writes the page anew at each gate, with each run and with another revision of the plan, so that the last one is there when nothing else is. That it cannot stops nothing.
func (a *App) keepPaper(ctx context.Context) error {
	sub := a.ledger.Subscribe()
	defer sub.Close()
	for {
		events, err := sub.Next(ctx)
		if err != nil {
			return nil
		}
		for _, e := range events {
			if e.Kind != register.GateOpened && e.Kind != register.GateDecided && e.Kind != register.PlanAdopted && e.Kind != run.RunStarted {
				continue
			}
			err := bug.Caught(func() error {
				page, err := a.Paper(ctx)
				if err != nil {
					return err
				}
				return writeDurably(filepath.Join(a.data, PaperName), page)
			})
			if err != nil && ctx.Err() == nil {
				a.log.Warn("the printed page was not written anew", slog.Any("error", err))
			}
			break
		}
	}
}
