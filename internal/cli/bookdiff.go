package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/words"
	"skift/runbooks"
)

func (s *session) bookDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use: "diff RUN [RUN]", Short: "Show what of a runbook was changed since a run, or between two", Args: between(1, "RUN", "RUN"),
		Long: "With one run: the runbook as the run follows it, against the file now. With two: as each of them follows it. RUN may be the\n" +
			"runbook's name: its newest run is meant.",
		RunE: func(c *cobra.Command, a []string) error {
			return s.withRuns(c.Context(), a, func(p *plan.Plan, data string, runs []snapshot.Run) error {
				_, before, err := revisionOf(data, runs[0])
				if err != nil {
					return err
				}
				name, after := runs[0].Runbook+".yaml", []byte(nil)
				if len(runs) > 1 {
					name = runs[1].ID
					_, after, err = revisionOf(data, runs[1])
				} else if now, r, berr := s.book(runs[0].Runbook); berr == nil {
					name, after = r.File, bookSource(now, r)
				} else {
					err = berr
				}
				if err != nil {
					return err
				}
				text := lineDiff(runs[0].ID, name, string(before), string(after))
				if text == "" {
					text = speak(p).T("book.same") + "\n"
				}
				s.printf("%s", text)
				return nil
			})
		},
	}
}

// withRuns finds runs by their names.
func (s *session) withRuns(ctx context.Context, names []string, fn func(p *plan.Plan, data string, runs []snapshot.Run) error) error {
	at, err := s.reach(ctx)
	if err != nil {
		return err
	}
	defer at.close()
	return func(d api.Desk) error {
		snap, err := d.Snapshot(ctx)
		if err != nil {
			return err
		}
		var runs []snapshot.Run
		for _, name := range names {
			r, err := findRun(snap, name)
			if err != nil {
				return err
			}
			runs = append(runs, r)
		}
		return fn(at.plan, at.data, runs)
	}(at.desk)
}

// revisionOf is the runbook that a run follows, and its text.
func revisionOf(data string, r snapshot.Run) (*runbooks.Runbook, []byte, error) {
	p, err := app.Revision(data, r.PlanHash)
	if err != nil {
		return nil, nil, err
	}
	b := p.Runbooks[r.Runbook]
	if b == nil {
		return nil, nil, fmt.Errorf("read runbook of %s: its revision of the plan has none called %q", r.ID, r.Runbook)
	}
	return b, bookSource(p, b), nil
}

// adopted is `skift runbook adopt --json`.
type adopted struct {
	Run     string        `json:"run"`
	File    string        `json:"file"`
	Changes []durationNow `json:"changes"`
	Left    []leftStep    `json:"left"` // steps that keep what they have
	Written bool          `json:"written"`
}

// durationNow is a step whose duration changes.
type durationNow struct {
	Step string        `json:"step"`
	Was  time.Duration `json:"was,omitempty"` // missing = not estimated
	Is   time.Duration `json:"is"`
}

// leftStep is a step that the run teaches nothing about, and why.
type leftStep struct {
	Step string `json:"step"`
	Why  string `json:"why"` // changed, gone, new, or skipped
}

func (s *session) adoptCommand() *cobra.Command {
	var write bool
	c := &cobra.Command{
		Use: "adopt RUN [--write]", Short: "Take the durations that a run measured into the runbook", Args: args("RUN"),
		Long: "Shows the runbook with the durations of the run, as a diff; --write writes it. Only takes changes, in its place: comments and order\n" +
			"stay. Only a run that is done, in which nothing was simulated and no wait shortened, teaches anything. Steps that were changed since\n" +
			"the run are listed and left. Durations are rounded up: seconds below two minutes, minutes below two hours, else five minutes.",
		RunE: func(c *cobra.Command, a []string) error {
			return s.withRuns(c.Context(), a, func(_ *plan.Plan, data string, runs []snapshot.Run) error {
				return s.adopt(data, runs[0], write)
			})
		},
	}
	c.Flags().BoolVar(&write, "write", false, "write the file")
	return s.asJSON(c)
}

func (s *session) adopt(data string, r snapshot.Run, write bool) error {
	if !r.Proves() {
		return usage(fmt.Sprintf("the times of %s prove nothing: it is not done, or was simulated or speeded", r.ID), "take a run that is done, in which everything was really done: skift runs "+r.Runbook)
	}
	then, _, err := revisionOf(data, r)
	if err != nil {
		return err
	}
	p, now, err := s.book(r.Runbook)
	if err != nil {
		return err
	}
	if now.Standard {
		return usage(r.Runbook+" ships with the program and is not the plan's own", fmt.Sprintf("make it so first: skift runbook show %s --yaml > runbooks/%s.yaml", r.Runbook, r.Runbook))
	}
	out, takes := learn(r, then, now)
	src := bookSource(p, now)
	text, err := runbooks.Retime(now.File, src, takes)
	if err != nil {
		return err
	}
	if write && len(takes) > 0 {
		path := filepath.Join(s.dir, filepath.FromSlash(now.File))
		if on, err := os.ReadFile(path); err != nil || string(on) != string(src) {
			return usage(now.File+" was changed just now", "give the command again")
		}
		if err := replaceFile(path, text); err != nil {
			return err
		}
		out.Written = true
	}
	if s.json {
		return s.printJSON(out)
	}
	return s.showAdopted(speak(p), out, lineDiff(now.File, r.ID, string(src), string(text)))
}

// learn sets what a run measured against what is planned now.
func learn(r snapshot.Run, then, now *runbooks.Runbook) (adopted, map[string]time.Duration) {
	out := adopted{Run: r.ID, File: now.File, Changes: []durationNow{}, Left: []leftStep{}}
	takes := map[string]time.Duration{}
	leave := func(step, why string) { out.Left = append(out.Left, leftStep{step, why}) }
	for _, st := range r.Steps {
		was, is := then.Step(st.ID), now.Step(st.ID)
		took, done := st.Took()
		switch {
		case is == nil:
			leave(st.ID, "gone")
		case was == nil || !runbooks.Same(was, is):
			leave(st.ID, "changed")
		case is.Kind == runbooks.Wait: // it says itself how long
		case !done:
			leave(st.ID, "skipped")
		default:
			if d := roundUp(took); d != is.Takes {
				takes[st.ID] = d
				out.Changes = append(out.Changes, durationNow{st.ID, is.Takes, d})
			}
		}
	}
	for _, st := range now.Steps {
		if then.Step(st.ID) == nil {
			leave(st.ID, "new")
		}
	}
	return out, takes
}

// roundUp makes a plan of a measurement.
func roundUp(d time.Duration) time.Duration {
	unit := 5 * time.Minute
	switch {
	case d <= 2*time.Minute:
		unit = time.Second
	case d <= 2*time.Hour:
		unit = time.Minute
	}
	return max(unit, (d+unit-1)/unit*unit)
}

func (s *session) showAdopted(c *words.Catalogue, out adopted, diff string) error {
	s.printf("%s", diff)
	for _, l := range out.Left {
		s.printf("%s %s\n", term.Unknown.Shape(), c.T("adopt."+l.Why, "step", l.Step))
	}
	switch n := len(out.Changes); {
	case n == 0:
		s.printf("%s\n", c.T("adopt.nothing"))
	case out.Written:
		s.printf("%s\n", c.N("adopt.written", n, "file", term.Line(out.File)))
	default:
		s.printf("%s\n", c.N("adopt.write", n))
	}
	return nil
}
