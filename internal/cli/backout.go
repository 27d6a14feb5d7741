package cli

import (
	"time"

	"github.com/spf13/cobra"

	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/words"
)

// backOutCommand begins the way back of a run.
func (s *session) backOutCommand() *cobra.Command {
	var a act
	c := acting(&cobra.Command{
		Use: "back-out RUN --as SEAT --reason … [--past STEP] [--set NAME=VALUE]", Short: "Back a run out: undo what it did, by the runbook that undoes it",
		Long: "A seat of the customer may. The run is held, and its back_out begins: each step undoes its twin, what was never begun is passed over,\n" +
			"services go back by events. While an effect of the run is in flight it is refused.\n" +
			"To begin that runbook of a live run with skift run or start is refused without a seat of the customer and a reason: it is this decision.\n" +
			"Past the point of no return the way is forward. With --past STEP, which names that point, one seat asks to go back all the same; it\n" +
			"begins once a seat of another party, with another person in it, says skift confirm EVENT within the hour.",
		Args: args("RUN"),
		RunE: func(c *cobra.Command, got []string) error {
			a.Do, a.Run = runner.DoBackOut, got[0]
			if c.Flags().Changed("past") && a.Step == "" {
				return usage("--past names no step", "name the step that is the point of no return")
			}
			if err := a.values(); err != nil {
				return err
			}
			return s.send(c, a)
		},
	}, &a)
	c.Flags().StringVar(&a.Step, "past", "", "the `STEP` that is the point of no return which the run has passed")
	parametrised(c, &a)
	return c
}

// wayBack says how a run that is held goes back.
func (s *session) wayBack(c *words.Catalogue, r snapshot.Run) {
	switch {
	case r.BackOut == "":
	case !r.NoReturn || r.Rehearsal:
		s.can("%s", c.T("runs.do.turn", "command", "skift back-out "+r.ID+" --as SEAT --reason …"))
	default:
		s.can("%s", c.T("runs.do.override", "command", "skift back-out "+r.ID+" --past STEP --as SEAT --reason …"))
	}
}

// printOverride shows that somebody wants to go back over a point of no return.
func (w *watcher) printOverride(e journal.Event) {
	switch e.Kind {
	case register.OverrideAsked:
		if b, ok := body[register.Override](e); ok {
			w.line(e, term.Risk, "%s asks to back %s out although %s has begun: %s", e.Actor.Seat, e.Subject, b.Past, b.Reason)
			w.more("until %s a seat of another party says: skift confirm %d --as SEAT", b.Until.In(w.plan.Zone).Format(time.TimeOnly), e.Seq)
		}
	case register.OverrideConfirmed:
		w.line(e, term.Risk, "%s confirms that %s is backed out", e.Actor.Seat, e.Subject)
	}
}
