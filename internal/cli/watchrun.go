package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/plan"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/store"
	"skift/internal/term"
)

// watchCommand shows one run on one screen.
func (s *session) watchCommand() *cobra.Command {
	var once bool
	c := &cobra.Command{
		Use: "watch RUN [--once]", Short: "Watch a run: the clock to the next gate, what is now, next and late, whom one waits for, both ends", Args: args("RUN"),
		Long: "On a terminal it is shown again every two seconds until q, Ctrl-C or the run's end; elsewhere, and with --once, it is shown once. RUN may be\n" +
			"the runbook's name: its newest run is shown; master is the overall plan.\n" +
			"Exit: 0 it runs or is done · 1 failed, aborted or backed out · 3 no-go · 4 held.",
		RunE: func(c *cobra.Command, a []string) error { return s.watchRun(c.Context(), a[0], once) },
	}
	c.Flags().BoolVar(&once, "once", false, "show it once")
	return c
}

// watchRun shows a run again and again. That nobody answers just now is told and not the end: what was shown last stays.
func (s *session) watchRun(ctx context.Context, id string, once bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	live := s.live() && !once
	if in, ok := s.in.(*os.File); ok && live {
		done := term.OnKey(ctx, in, func(key byte) {
			if key == 'q' || key == 'Q' {
				cancel()
			}
		})
		defer done()
		defer cancel()
	}
	for last := run.RunRunning; ; {
		state, err := s.watchOnce(ctx, id, live)
		var held *store.HeldError
		switch {
		case ctx.Err() != nil:
			return howItIs(last)
		case live && (errors.Is(err, api.ErrLost) || errors.Is(err, api.ErrSilent) || errors.As(err, &held)):
			s.note("%v; what is shown may be old, it is tried again", err)
		case err != nil:
			return err
		default:
			last = state
		}
		if !live || last.Final() {
			return howItIs(last)
		}
		select {
		case <-ctx.Done():
			return howItIs(last)
		case <-time.After(showEvery):
		}
	}
}

// howItIs is the exit code of how a run last was.
func howItIs(state run.State) error {
	switch state {
	case run.RunRunning, run.RunDone:
		return nil
	case run.RunHeld:
		return exit(ExitHeld)
	case run.RunNoGo:
		return exit(ExitNoGo)
	}
	return exit(ExitFailed)
}

// watchOnce shows a run as it is now.
func (s *session) watchOnce(ctx context.Context, id string, live bool) (state run.State, err error) {
	text, shown, rows := "", *s, 0
	if f, ok := s.out.(*os.File); ok && live { // which may have been made larger or smaller
		shown.screen, rows = term.Detect(f), term.Rows(f)
	}
	err = s.withDesk(ctx, func(d api.Desk, p *plan.Plan) error {
		snap, err := d.Snapshot(ctx)
		if err != nil {
			return err
		}
		r, err := findRun(snap, id)
		if err != nil {
			return err
		}
		state = r.State
		shown.stalePlan(snap, p)
		if isOverall(r) {
			text, err = shown.overallScreen(snap, p, r, rows, live)
			return err
		}
		text, err = runScreen{session: &shown, Catalogue: speak(p), p: p, snap: snap, r: r}.draw(rows, live)
		return err
	})
	if err != nil {
		return state, err
	}
	if live {
		text = term.ClearScreen + text
	}
	if _, err := io.WriteString(s.out, text); err != nil {
		return state, fmt.Errorf("show: %w", err)
	}
	return state, nil
}

// clip leaves out the last lines that do not fit, and says how many: what is to be decided stands first.
func clip(text string, rows int, more func(left int) string) string {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	shown := rows - 2 // the line that tells of the others, and the one the cursor stands in
	if shown < 1 || len(lines) < rows {
		return text
	}
	return strings.Join(lines[:shown], "") + more(len(lines)-shown) + "\n"
}

// concern lists what is waited for in a run and in the runs of its steps, soonest first as the snapshot has it.
func concern(snap snapshot.Snapshot, r snapshot.Run) []snapshot.Needed {
	within := append([]snapshot.Run{r}, inside(snap, r)...)
	var out []snapshot.Needed
	for _, n := range snap.Needed {
		frozen := n.Kind == snapshot.NeedDrift && r.Production && !r.Rehearsal // who moves production must know what else changes there
		if frozen || slices.ContainsFunc(within, func(r snapshot.Run) bool { return concerns(n, r) }) {
			out = append(out, n)
		}
	}
	return out
}

// inside lists the runs of a run's steps that have not ended, and those inside them: the run goes on when they do.
func inside(snap snapshot.Snapshot, r snapshot.Run) []snapshot.Run {
	var out []snapshot.Run
	for _, o := range snap.Runs {
		if o.Parent == r.ID && !o.State.Final() {
			out = append(append(out, o), inside(snap, o)...)
		}
	}
	return out
}
