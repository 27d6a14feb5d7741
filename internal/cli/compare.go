package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/words"
)

// compareCommand sets two runs beside each other.
func (s *session) compareCommand() *cobra.Command {
	return s.asJSON(&cobra.Command{
		Use: "compare RUN RUN", Short: "Set two runs of a runbook side by side: planned, rehearsed, actual, and the drift of each step", Args: args("RUN", "RUN"),
		Long: "Each step's planned duration, how long its last attempt took in both runs, and the drift: the second run against the first; where\n" +
			"only one was measured, against the plan. A rehearsal and the night itself, or two rehearsals. What was simulated, or run with\n" +
			"--speed, is shown and compared with nothing.",
		RunE: func(c *cobra.Command, a []string) error {
			return s.withDesk(c.Context(), func(d api.Desk, p *plan.Plan) error {
				snap, err := d.Snapshot(c.Context())
				if err != nil {
					return err
				}
				first, err := findRun(snap, a[0])
				if err != nil {
					return err
				}
				second, err := findRun(snap, a[1])
				if err != nil {
					return err
				}
				if first.Runbook != second.Runbook {
					return usage(fmt.Sprintf("%s is a run of %s and %s one of %s", first.ID, first.Runbook, second.ID, second.Runbook), "compare two runs of one runbook: skift runs lists them")
				}
				drift := snapshot.DriftOf(first, second)
				if s.json {
					return s.printJSON(drift)
				}
				return s.showDrift(p, drift)
			})
		},
	})
}

func (s *session) showDrift(p *plan.Plan, d snapshot.Drift) error {
	c := speak(p)
	for _, r := range []snapshot.Course{d.First, d.Second} {
		key := "drift.proves-not"
		if r.Proves {
			key = "drift.proves"
		}
		s.wrapped(c.T(key, "run", r.Run, "how", c.T(courseKey(r)), "state", c.T("run."+string(r.State))))
	}
	first, second := c.T(courseKey(d.First)), c.T(courseKey(d.Second))
	if first == second {
		first, second = d.First.Run, d.Second.Run
	}
	t := term.NewTable(c.T("drift.col.step"), c.T("drift.col.planned"), first, second, c.T("drift.col.drift")).Right(1, 2, 3, 4).Fold(1)
	for _, x := range d.Steps {
		t.Cells(term.Cell{Text: x.ID}, term.Cell{Text: lengthText(c, x.Planned)}, measuredCell(c, x.First), measuredCell(c, x.Second), driftCell(c, x.Drift))
	}
	t.Cells(term.Cell{Text: c.T("drift.whole")}, term.Cell{}, term.Cell{Text: lengthText(c, d.First.Took)}, term.Cell{Text: lengthText(c, d.Second.Took)}, driftCell(c, d.Drift))
	if err := t.Write(s.out, s.screen); err != nil {
		return err
	}
	s.printf("%s\n", c.T("drift.legend"))
	return nil
}

func courseKey(r snapshot.Course) string {
	if r.Rehearsal {
		return "drift.title.rehearsal"
	}
	return "drift.title.live"
}

func lengthText(c *words.Catalogue, d *time.Duration) string {
	if d == nil {
		return "–"
	}
	return c.Duration(*d)
}

// measuredCell is how a step went: how long it took, else how it stands.
func measuredCell(c *words.Catalogue, m snapshot.StepMeasured) term.Cell {
	switch {
	case m.Missing:
		return term.Cell{Text: c.T("drift.missing")}
	case m.Simulated:
		return term.Cell{Text: c.T("drift.simulated")}
	case m.Took == nil:
		return term.Cell{Text: c.T("step." + string(m.State)), State: stepState(m.State)}
	case m.Attempts > 1:
		return term.Cell{Text: fmt.Sprintf("%s #%d", c.Duration(*m.Took), m.Attempts)}
	}
	return term.Cell{Text: c.Duration(*m.Took)}
}

// driftCell has a sign, and a state by which one sees what took longer.
func driftCell(c *words.Catalogue, d *time.Duration) term.Cell {
	switch {
	case d == nil:
		return term.Cell{Text: "–"}
	case *d > 0:
		return term.Cell{Text: "+" + c.Duration(*d), State: term.Risk}
	}
	return term.Cell{Text: c.Duration(*d)}
}
