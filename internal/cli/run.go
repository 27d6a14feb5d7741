package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/internal/term"
)

// runCommand drives a run in the foreground.
func (s *session) runCommand() *cobra.Command {
	var cmd runner.Command
	var noWait bool
	c := &cobra.Command{
		Use: "run RUNBOOK", Short: "Drive a run in the foreground",
		Long: "Begins a run of the runbook in the environment (default: production), or goes on with the unfinished one. People answer from other\n" +
			"terminals: skift step, vote, attest. Ctrl-C once: finish or record what is in flight, then stop; twice: stop now.\n" +
			"Exit: 0 done · 1 failed · 3 no-go · 4 held and --no-wait, or stopped.",
		Args: args("RUNBOOK"),
		RunE: func(c *cobra.Command, a []string) error {
			cmd.Do, cmd.Runbook = runner.DoStart, a[0]
			return s.drive(c.Context(), cmd, noWait)
		},
	}
	c.Flags().StringVar(&cmd.Environment, "environment", "", "environment (default: the production one)")
	c.Flags().BoolVar(&cmd.Rehearsal, "rehearsal", false, "rehearse: in production no effect is executed")
	c.Flags().Float64Var(&cmd.Speed, "speed", 1, "with --rehearsal: waits are shortened by this factor")
	c.Flags().BoolVar(&noWait, "no-wait", false, "exit 4 as soon as only people are waited for")
	c.Flags().StringVar(&cmd.As, "as", "", "seat that starts it")
	cmd.Via = journal.ViaConsole
	return c
}

// drive runs the loops in this process, or follows the run in the process that owns the directory.
func (s *session) drive(ctx context.Context, cmd runner.Command, noWait bool) error {
	p, settings, err := app.Load(s.dir)
	if err != nil {
		return err
	}
	path, err := api.SocketPath(app.DataDir(s.dir, s.data, settings))
	if err != nil {
		return err
	}
	if client, err := api.Dial(path); err == nil {
		defer client.Close()
		return s.follow(ctx, client, p, cmd, noWait)
	}
	a, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer a.Close()
	loops, stop := context.WithCancel(context.WithoutCancel(ctx))
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- a.Run(loops, app.Mode{Force: s.force, Ready: func() { close(ready) }}) }()
	select {
	case <-ready:
	case err := <-ended:
		stop()
		return err
	}
	// The run is followed until it ends, somebody presses Ctrl-C, or the loops end because nothing can be written.
	followCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	followed := make(chan error, 1)
	go func() { followed <- s.follow(followCtx, local{a}, a.Plan(), cmd, noWait) }()
	select {
	case err = <-followed:
		a.Drain(ctx, 5*time.Second)
		stop()
		if rerr := <-ended; rerr != nil {
			err = rerr
		}
	case err = <-ended:
		stop()
		cancel()
		<-followed
	}
	return err
}

// follow starts the run and prints what happens to it until it ends.
func (s *session) follow(ctx context.Context, d api.Desk, p *plan.Plan, cmd runner.Command, noWait bool) error {
	r, err := d.Do(ctx, cmd)
	if err != nil {
		return err
	}
	s.printf("%s\n", r.Message)
	after := r.Event - 1
	if r.Resumed || after < 0 {
		after = 0
	}
	w := &watcher{s: s, plan: p, desk: d, run: r.Run, after: after}
	if noWait {
		return w.untilWaiting(ctx)
	}
	return w.untilEnd(ctx)
}

// watcher prints one run's events.
type watcher struct {
	s     *session
	plan  *plan.Plan
	desk  api.Desk
	run   string
	after int64
	ended *run.Ended
}

func (w *watcher) untilEnd(ctx context.Context) error {
	for w.ended == nil {
		if err := w.step(ctx, true); err != nil {
			if ctx.Err() != nil {
				w.s.printf("stopped; `skift run` goes on with %s\n", w.run)
				return exit(ExitHeld)
			}
			return err
		}
	}
	w.printHead()
	return w.result()
}

// untilWaiting ends when the run has ended or only people are waited for.
func (w *watcher) untilWaiting(ctx context.Context) error {
	for {
		if err := w.step(ctx, false); err != nil {
			return err
		}
		if w.ended != nil {
			return w.result()
		}
		snap, err := w.desk.Snapshot(ctx)
		if err != nil {
			return err
		}
		if waiting(snap, w.run) {
			if err := w.step(ctx, false); err != nil {
				return err
			}
			if w.ended != nil {
				return w.result()
			}
			w.s.printf("waiting for people; `skift runs %s` shows whom\n", w.run)
			return exit(ExitHeld)
		}
		select {
		case <-ctx.Done():
			return exit(ExitHeld)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// step prints the events there are; with wait it waits for the next.
func (w *watcher) step(ctx context.Context, wait bool) error {
	events, err := w.desk.Events(ctx, w.after, wait)
	if err != nil {
		return err
	}
	for _, e := range events {
		w.after = e.Seq
		w.print(e)
	}
	return nil
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

// print shows one event as one calm line, and what to do when somebody is waited for.
func (w *watcher) print(e journal.Event) {
	at := e.At.In(w.plan.Zone).Format("15:04:05")
	line := func(state term.State, format string, a ...any) {
		w.s.printf("%s %s %s\n", at, w.s.screen.Paint(state, state.Shape()), term.Line(fmt.Sprintf(format, a...)))
	}
	switch e.Kind {
	case register.GateOpened, register.GateVoted, register.GateDecided, register.GateAttested, register.GateExtended:
		w.printGate(e, line)
	case register.SweepDone:
		var b register.Swept
		if json.Unmarshal(e.Body, &b) == nil {
			line(term.Plain, "  asked %d times (%s): %s", b.Units, b.Cause, counts(b.Verdicts))
		}
	}
	if e.Run != w.run {
		return
	}
	switch e.Kind {
	case run.StepStarted:
		w.printStart(e, line)
	case run.StepFinished, run.StepUncertain, run.StepVerifying, run.StepRetried:
		w.printStep(e, line)
	case run.RunWasHeld, run.RunReleased, run.RunEnded:
		w.printRun(e, line)
	}
}

// printHead prints the journal's head: whoever keeps it can prove the decision later.
func (w *watcher) printHead() {
	if snap, err := w.desk.Snapshot(context.Background()); err == nil {
		w.s.printf("           head %s\n", snap.Head)
	}
}

type liner func(state term.State, format string, a ...any)

func (w *watcher) printStart(e journal.Event, line liner) {
	var b run.Begun
	if json.Unmarshal(e.Body, &b) != nil {
		return
	}
	note := ""
	if b.Simulated {
		note = " (simulated: nothing is executed)"
	}
	if b.State != run.WaitingForPerson {
		line(term.Running, "%s started%s", e.Subject, note)
		return
	}
	rb := w.plan.Runbooks[w.runbook()]
	if rb == nil || rb.Step(e.Subject) == nil {
		line(term.Gate, "%s waits for a person%s", e.Subject, note)
		return
	}
	step := rb.Step(e.Subject)
	line(term.Gate, "%s waits for %s%s%s: %s", e.Subject, step.Owner, w.onDuty(step.Owner, e.At), note, step.Name(w.plan.Language))
	w.s.printf("           skift step %s %s done --as %s\n", w.run, e.Subject, step.Owner)
}

// runbook is the runbook's id: a run's without its number.
func (w *watcher) runbook() string {
	for i := len(w.run) - 1; i > 0; i-- {
		if w.run[i] == '-' {
			return w.run[:i]
		}
	}
	return w.run
}

// onDuty is who sits in a seat, with the number to call.
func (w *watcher) onDuty(seat string, at time.Time) string {
	who, ok := w.plan.Contacts.Person(app.PersonIn(w.plan, seat, at))
	if !ok {
		return ""
	}
	if who.Phone == "" {
		return " (" + who.Name + ")"
	}
	return " (" + who.Name + ", " + who.Phone + ")"
}

func (w *watcher) printStep(e journal.Event, line liner) {
	var b run.Finished
	if json.Unmarshal(e.Body, &b) != nil {
		return
	}
	reason := ""
	if b.Reason != "" {
		reason = ": " + b.Reason
	}
	switch {
	case e.Kind == run.StepVerifying:
		line(term.Running, "%s is said to be done; its checks are asked", e.Subject)
	case e.Kind == run.StepUncertain:
		line(term.Unknown, "%s is uncertain%s", e.Subject, reason)
		w.s.printf("           skift step %s %s done|fail|retry --as SEAT --reason …\n", w.run, e.Subject)
	case e.Kind == run.StepRetried:
		line(term.Running, "%s is tried again%s", e.Subject, reason)
	case b.State == run.Done:
		line(term.OK, "%s done%s", e.Subject, reason)
	case b.State == run.Failed:
		line(term.Fail, "%s failed%s", e.Subject, reason)
	default:
		line(term.Plain, "  %s %s%s", e.Subject, b.State, reason)
	}
}

func (w *watcher) printRun(e journal.Event, line liner) {
	var b run.Ended
	if json.Unmarshal(e.Body, &b) != nil {
		return
	}
	switch {
	case e.Kind == run.RunWasHeld:
		line(term.Risk, "%s is HELD: %s", w.run, b.Reason)
		w.s.printf("           skift runs %s shows what can be done\n", w.run)
	case e.Kind == run.RunReleased:
		line(term.Running, "%s goes on: %s", w.run, b.Reason)
	default:
		w.ended = &b
		state := term.Fail
		if b.State == run.RunDone {
			state = term.OK
		}
		text := string(b.State)
		if b.Reason != "" {
			text += ": " + b.Reason
		}
		line(state, "%s ended %s", w.run, text)
	}
}

func (w *watcher) printGate(e journal.Event, line liner) {
	if e.Run != "" && e.Run != w.run {
		return
	}
	asked := e.Subject
	if e.Run != "" {
		asked += " (practised)"
	}
	switch e.Kind {
	case register.GateOpened:
		line(term.Gate, "gate %s is open", asked)
		if g := w.plan.Gates[e.Subject]; g != nil {
			flag := ""
			if e.Run != "" {
				flag = " --run " + e.Run
			}
			w.s.printf("           asked: %v; decides: %s. skift gate %s%s · skift vote %s ready --as SEAT%s\n", g.Poll, g.Decides, g.ID, flag, g.ID, flag)
		}
	case register.GateVoted:
		var b register.Voted
		if json.Unmarshal(e.Body, &b) == nil {
			line(term.Gate, "%s answers %s at %s %s", e.Actor.Seat, b.Answer, asked, b.Remark)
		}
	case register.GateDecided:
		var b register.Decided
		if json.Unmarshal(e.Body, &b) == nil {
			state := term.Fail
			if b.Decision == register.Go {
				state = term.OK
			}
			line(state, "gate %s: %s", asked, upper(string(b.Decision)))
			w.printDecision(b)
			w.printHead()
		}
	}
}
