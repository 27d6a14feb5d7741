package cli

import (
	"context"
	"errors"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/bug"
	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/internal/snapshot"
	"skift/internal/term"
)

// runCommand drives a run in the foreground.
func (s *session) runCommand() *cobra.Command {
	var a act
	var noWait bool
	c := &cobra.Command{
		Use: "run RUNBOOK [--environment ENV] [--rehearsal [--speed N]] [--set NAME=VALUE] [--no-wait]", Short: "Drive a run in the foreground",
		Long: "Begins a run of the runbook in the environment (default: production), or goes on with the unfinished one. People answer from other\n" +
			"terminals: skift step, vote, attest. Ctrl-C once: finish or record what is in flight, then stop; twice: stop now, and what was\n" +
			"in flight becomes uncertain. Exit: 0 done · 1 failed, aborted or backed out · 3 no-go · 4 stopped, or only people are waited for\n" +
			"and --no-wait.",
		Args: args("RUNBOOK"),
		RunE: func(c *cobra.Command, got []string) error {
			a.Do, a.Runbook, a.Via = runner.DoStart, got[0], journal.ViaConsole
			if err := a.settle(); err != nil {
				return err
			}
			return s.runHere(c.Context(), a.Command, noWait)
		},
	}
	starting(c, &a)
	c.Flags().BoolVar(&noWait, "no-wait", false, "exit 4 as soon as only people are waited for")
	return c
}

// runHere drives a run in this process, or follows it in the process that owns the directory.
func (s *session) runHere(ctx context.Context, cmd runner.Command, noWait bool) error {
	c, err := s.reach(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	w := &watcher{s: s, plan: c.plan, desk: c.desk, data: c.data, remote: c.own == nil}
	// Before the loops run nothing is started: an unfinished run is found as it was left.
	if err := w.begin(ctx, cmd); err != nil {
		return w.lost(err)
	}
	if c.own == nil {
		return w.follow(ctx, noWait)
	}
	return s.drive(ctx, c.own, app.Mode{Force: s.force}, w, func(ctx context.Context) error { return w.follow(ctx, noWait) })
}

// drive runs the loops while follow watches, and stops them when follow has seen enough. Loops that end first have failed:
// nothing can be written any more.
func (s *session) drive(ctx context.Context, a *app.App, mode app.Mode, w *watcher, follow func(context.Context) error) error {
	signal.Ignore(syscall.SIGPIPE) // whoever reads along may stop reading: that must not end a run
	loops, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ready, ended := make(chan struct{}), make(chan error, 1)
	told := mode.Ready
	mode.Ready = func() {
		if told != nil {
			told()
		}
		close(ready)
	}
	go func() { ended <- a.Run(loops, mode) }()
	select {
	case <-ready:
	case err := <-ended:
		return err
	}
	following, cancel := context.WithCancel(ctx)
	defer cancel()
	followed := make(chan error, 1)
	go func() { followed <- bug.Caught(func() error { return follow(following) }) }()
	var err error
	select {
	case err = <-followed:
	case lost := <-ended:
		cancel()
		<-followed
		return lost
	}
	if ctx.Err() != nil {
		w.stopping()
	} else {
		a.Drain(ctx, 5*time.Second)
		w.queued()
	}
	stop()
	if lost := <-ended; lost != nil {
		return lost
	}
	w.last()
	return err
}

// begin starts the run, or shows where the unfinished one stands.
func (w *watcher) begin(ctx context.Context, cmd runner.Command) error {
	r, err := w.desk.Do(ctx, cmd)
	if err != nil {
		return err
	}
	w.s.printf("%s\n", term.Line(r.Message))
	w.run, w.after = r.Run, max(r.Event-1, 0)
	w.goOn = "`skift " + again(cmd.Runbook, cmd.Environment, cmd.Rehearsal) + "` goes on with " + w.run
	w.family = map[string]bool{r.Run: true}
	snap, err := w.desk.Snapshot(ctx)
	if err != nil {
		return err
	}
	now, err := findRun(snap, w.run)
	if err != nil {
		return err
	}
	if r.Resumed {
		return w.catchUp(snap, now)
	}
	w.gatesAhead(snap, now)
	return nil
}

// gatesAhead tells of gates that the run stands at from its first moment; nothing more happens there by itself.
func (w *watcher) gatesAhead(snap snapshot.Snapshot, r snapshot.Run) {
	for _, g := range snap.Gates {
		if !slices.Contains(r.Waiting, g.Gate) || r.Rehearsal != (g.Run == r.ID) {
			continue
		}
		switch {
		case g.State == gate.Closed:
			w.more("%s opens %s", g.Gate, localTime(w.plan, g.OpensAt))
		case g.Round > 0 && g.Decision == nil:
			w.more("waits at %s, which is open: skift gate %s%s", g.Gate, g.Gate, practised(r))
		}
	}
}

// follow prints what happens to the run until it ends, or with noWait until only people are waited for.
func (w *watcher) follow(ctx context.Context, noWait bool) error {
	err := w.until(ctx, noWait)
	if w.ended != nil {
		w.printHead()
		return w.result()
	}
	switch {
	case err != nil && ctx.Err() != nil && w.remote:
		w.s.printf("not followed any more; %s goes on in the running skift\n", w.run)
		return exit(ExitHeld)
	case err != nil && ctx.Err() != nil:
		w.stopped = true
		return exit(ExitHeld)
	}
	return w.lost(err)
}

// lost says how to go on when the process that drove the run is gone.
func (w *watcher) lost(err error) error {
	if !errors.Is(err, api.ErrLost) || w.run == "" {
		return err
	}
	w.s.note("%s; %s", err, w.goOn)
	return exit(ExitNotKnown)
}

// again is the command that goes on with a run.
func again(runbook, environment string, rehearsal bool) string {
	words := []string{"run", runbook}
	if environment != "" {
		words = append(words, "--environment", environment)
	}
	if rehearsal {
		words = append(words, "--rehearsal")
	}
	return strings.Join(words, " ")
}

// until prints events until the run has ended, or with noWait until it stands still.
func (w *watcher) until(ctx context.Context, noWait bool) error {
	if err := w.step(ctx, false); err != nil {
		return err
	}
	for w.ended == nil {
		if noWait {
			snap, err := w.desk.Snapshot(ctx)
			if err != nil {
				return err
			}
			if w.onlyPeople(snap) {
				if err := w.step(ctx, false); err != nil || w.ended != nil {
					return err
				}
				w.s.printf("only people are waited for; `skift runs %s` shows whom\nhead %s\n", w.run, snap.Head)
				return exit(ExitHeld)
			}
		}
		if err := w.step(ctx, true); err != nil {
			return err
		}
	}
	return nil
}

// catchUp shows where a run stands that somebody began before, instead of its whole story.
func (w *watcher) catchUp(snap snapshot.Snapshot, now snapshot.Run) error {
	w.after = snap.Events
	for i := len(snap.Runs) - 1; i >= 0; i-- { // oldest first: a run stands before what it began
		r := snap.Runs[i]
		if w.family[r.Parent] || w.family[r.Undoes] {
			w.family[r.ID] = true
		}
	}
	if now.State.Final() { // it ended between the two questions
		w.ended = &run.Ended{State: now.State, Reason: now.Reason}
	}
	return w.s.showRun(snap, w.plan, now)
}

// onlyPeople reports whether nothing happens in the run, or in those it began, until a person acts.
func (w *watcher) onlyPeople(snap snapshot.Snapshot) bool {
	for _, r := range snap.Runs {
		if !w.family[r.ID] || r.State.Final() {
			continue
		}
		for _, st := range r.Steps {
			inside := st.Kind == "runbook" // its own run says more
			if !st.BeginsAt.IsZero() || st.State == run.Verifying || st.State == run.Running && !inside || st.State == run.Startable && r.State == run.RunRunning {
				return false
			}
		}
	}
	return true
}

// result is the exit code of the run's end.
func (w *watcher) result() error {
	switch w.ended.State {
	case run.RunDone:
		return nil
	case run.RunNoGo:
		return exit(ExitNoGo)
	}
	return exit(ExitFailed)
}
